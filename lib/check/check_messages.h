/*
 * check_messages.h - is each message the one its record describes?
 *
 * The bytes are handed in one message at a time; nothing is opened here.
 */
#ifndef CYRE_CHECK_MESSAGES_H
#define CYRE_CHECK_MESSAGES_H

#include "digest.h"
#include "evidence.h"
#include "index.h"

/* Has this record a GUID that is the SHA-1 of the file? (index.md 8.4) */
bool cyre_record_has_guid(const struct cyre_index *ix,
	const struct cyre_index_record *r);

/*
 * One message against its record (NULL: it has none). `h` belongs to the
 * calling thread. CYRE_OK, or CYRE_ENOMEM.
 */
cyre_status cyre_check_message(const struct cyre_index *ix,
	const struct cyre_index_record *r, uint32_t uid,
	struct cyre_slice bytes, struct cyre_hasher *h,
	struct cyre_findings *found);

#endif
