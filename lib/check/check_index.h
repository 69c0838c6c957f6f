/*
 * check_index.h - does what an index says hold together?
 *
 * Pure: reads memory, adds findings. The numbers are the invariants of
 * docs/formats/index.md section 11.
 */
#ifndef CYRE_CHECK_INDEX_H
#define CYRE_CHECK_INDEX_H

#include "index.h"

#define CYRE_MAX_USER_FLAGS 128

/* What the checks must know of the mailbox besides the index itself. */
struct cyre_index_context {
	uint64_t now; /* seconds since 1970; 0: dates are not held against it */
	bool header_known;   /* cyrus.header was read */
	uint32_t header_crc; /* of its bytes */
	/* Names of the user flags; empty slice: slot without a name. */
	const struct cyre_slice *flag_names;
	unsigned flag_count;
};

/* Counted over the records, by the rules of the version (index.md 6). */
struct cyre_index_totals {
	uint64_t exists, deleted, answered, flagged, unseen;
	uint64_t quota_used, quota_deleted, quota_expunged;
	uint64_t max_uid, max_modseq;
	uint64_t oldest_expunged; /* last_updated; 0: none */
	uint32_t sync_basic;
	/* XOR of the fields hashed as annotations, without the start value
	 * (index.md 7.2): thread ids bare and padded to 16 digits. */
	uint32_t sync_annot, sync_annot_padded;
	uint64_t flag_use[CYRE_MAX_USER_FLAGS];
	uint64_t broken; /* records that cannot be trusted */
};

void cyre_check_index(const struct cyre_index *ix,
	const struct cyre_index_context *ctx, struct cyre_findings *found,
	struct cyre_index_totals *ret);

/* cyrus.expunge of 2.3 (index.md 10.2): records in order of their expunge. */
void cyre_check_expunge(const struct cyre_index *ix,
	const struct cyre_index_context *ctx, struct cyre_findings *found,
	struct cyre_index_totals *ret);

#endif
