/*
 * check_messages.h - is each message the one its record describes?
 *
 * The bytes are handed in one message at a time; nothing is opened here.
 */
#ifndef CYRE_CHECK_MESSAGES_H
#define CYRE_CHECK_MESSAGES_H

#include "check_cache.h"
#include "digest.h"
#include "evidence.h"
#include "index.h"

/* Does it begin as a file of which a disk block was lost? */
bool cyre_message_is_zeroed(struct cyre_slice bytes);
/* Has this record a GUID that is the SHA-1 of the file? (index.md 8.4) */
bool cyre_record_has_guid(
	const struct cyre_index *ix, const struct cyre_index_record *r);

/*
 * One message against its record (NULL: it has none). `guid` is the SHA-1 of
 * the bytes; it is not looked at where the record has none.
 */
void cyre_check_message(const struct cyre_index *ix,
	const struct cyre_index_record *r, uint32_t uid,
	struct cyre_slice bytes, const uint8_t guid[CYRE_SHA1_LEN],
	struct cyre_findings *found);

/*
 * Can the cache record that stands where the index record says be held against
 * the message? What is not sound in itself was found by cyre_check_cache().
 * CYRE_OK, or CYRE_ENOMEM.
 */
cyre_status cyre_cache_is_sound(const struct cyre_index *ix,
	const struct cyre_index_record *r, const struct cyre_cache_record *cr,
	struct cyre_cache_scratch *scratch, bool *ret);
/* Items of two records that are not the same: bits 1 << enum cyre_cache_item. */
struct cyre_cache_difference {
	unsigned differ;
	/* Written by releases up to 2.4 in more than one way: the search form
	 * from tables of their own, the letters of an address in lower case
	 * when the message came by LMTP (docs/byte-identity.md). */
	unsigned vary;
};

/* A record against the one made of its message. `old`: of such a release. */
struct cyre_cache_difference cyre_cache_compare(
	const struct cyre_cache_record *is,
	const struct cyre_cache_record *made, bool old);
void cyre_check_cached(enum cyre_file file, const struct cyre_index_record *r,
	const struct cyre_cache_difference *d, struct cyre_findings *found);

#endif
