/*
 * check_messages.c - GUID of a message, and what a damaged file looks like
 *
 * Reads one message's bytes and its record. Sizes were compared by name and
 * stat in check_files.c; parsing is the mail layer's.
 *
 * Rules: docs/formats/index.md 8.4, invariant 21.
 */
#include "check_messages.h"

/* What a file system leaves where a block was lost. */
#define ZEROED 512

static bool zeros(const uint8_t *p, size_t n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return n == 0;
}

bool cyre_record_has_guid(const struct cyre_index *ix,
	const struct cyre_index_record *r)
{
	unsigned version = ix->layout->version;

	/* v7 to v9 have the UUID of the old replication, and a v10 made from
	 * one of those has it padded with 8 zeros. */
	if (version < 10 || zeros(r->guid, sizeof(r->guid)))
		return false;
	return version > 10 || !zeros(r->guid + 12, 8);
}

cyre_status cyre_check_message(const struct cyre_index *ix,
	const struct cyre_index_record *r, uint32_t uid,
	struct cyre_slice bytes, struct cyre_hasher *h,
	struct cyre_findings *found)
{
	uint8_t sha1[CYRE_SHA1_LEN];
	cyre_status st;

	if (bytes.n && zeros(bytes.p, bytes.n < ZEROED ? bytes.n : ZEROED))
		CYRE_FIND(found, .problem = CYRE_P_MESSAGE_ZEROED,
			.file = CYRE_FILE_MESSAGE, .uid = uid);
	if (!r || !bytes.n || !cyre_record_has_guid(ix, r))
		return CYRE_OK;
	st = cyre_sha1(h, bytes, sha1);
	if (st == CYRE_OK && memcmp(sha1, r->guid, sizeof(sha1)))
		CYRE_FIND(found, .problem = CYRE_P_MESSAGE_GUID,
			.file = CYRE_FILE_MESSAGE, .uid = uid);
	return st;
}
