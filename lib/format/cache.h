/*
 * cache.h - records of cyrus.cache
 *
 * Format: docs/formats/cache.md sections 1 and 2. A record has no magic, no
 * uid and no length of its own: it is found through the index, and measured by
 * walking its ten items.
 *
 * Threads: plain data, no state.
 */
#ifndef CYRE_CACHE_H
#define CYRE_CACHE_H

#include "bytes.h"

enum cyre_cache_item {
	CYRE_CACHE_ENVELOPE,
	CYRE_CACHE_BODYSTRUCTURE,
	CYRE_CACHE_BODY,
	CYRE_CACHE_SECTION,
	CYRE_CACHE_HEADERS,
	CYRE_CACHE_FROM,
	CYRE_CACHE_TO,
	CYRE_CACHE_CC,
	CYRE_CACHE_BCC,
	CYRE_CACHE_SUBJECT,
	CYRE_CACHE_ITEMS
};

#define CYRE_CACHE_MAX_VERSION 14
#define CYRE_CACHE_FIRST       4 /* offset of the first record in a file */

struct cyre_cache_record {
	struct cyre_slice item[CYRE_CACHE_ITEMS]; /* without padding */
	struct cyre_slice bytes;                  /* what the CRC covers */
};

/*
 * Measures the record that `bytes` begins with. 0 and *ret when it is all
 * there; else how many bytes it takes at least, more than bytes.n.
 */
uint64_t cyre_cache_measure(
	struct cyre_slice bytes, struct cyre_cache_record *ret);

/* Are the bytes between the items NUL, as every release writes them? */
bool cyre_cache_padding_ok(const struct cyre_cache_record *r);

/* "ENVELOPE" ...; static storage. */
const char *cyre_cache_item_name(enum cyre_cache_item item);

/* Index records keep bits 32 to 47 of the offset in the version's high half
 * (cache.md 1.2); before 3.2 they are 0. */
static inline uint64_t cyre_cache_offset(uint32_t offset, uint32_t version)
{
	return offset | (uint64_t)(version & 0xffff0000u) << 16;
}

static inline unsigned cyre_cache_version(uint32_t version)
{
	return version & 0xffffu;
}

/*
 * What a record's writer put into SECTION behind the four words of a part
 * (cache.md 5 and 11).
 */
static inline bool cyre_cache_has_charset_name(unsigned version)
{
	return version >= 4;
}

static inline bool cyre_cache_has_guid(unsigned version)
{
	return version >= 5;
}

static inline bool cyre_cache_has_decoded_size(unsigned version)
{
	return version >= 8;
}

static inline bool cyre_cache_has_lines(unsigned version)
{
	return version >= 9;
}

/* One part in SECTION. */
struct cyre_cache_part {
	uint32_t header_offset, header_size, content_offset, content_size;
	uint32_t charset;               /* the word, see cache.md 5 */
	struct cyre_slice charset_name; /* with its padding */
	struct cyre_slice guid;
	uint32_t decoded_size, content_lines;
};

/* The next part; `c` goes bad at the end of the bytes. */
void cyre_cache_get_part(
	struct cyre_cur *c, unsigned version, struct cyre_cache_part *ret);

/*
 * The part that is the whole message, first in SECTION. False when the item is
 * too short.
 */
bool cyre_cache_top_part(const struct cyre_cache_record *r, unsigned version,
	struct cyre_cache_part *ret);

/*
 * The next nstring (cache.md 2). NIL gives a NULL slice, "" one of length 0.
 * The cursor goes bad at anything that no release writes, be it a literal
 * where quotes would have done.
 */
struct cyre_slice cyre_get_nstring(struct cyre_cur *c);

#endif
