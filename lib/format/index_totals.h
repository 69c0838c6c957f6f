/*
 * index_totals.h - what the records of an index add up to (index.md 6, 7)
 *
 * Counted one record after the other, by the rules of the version. The checks
 * compare the sums with the header, the writer puts them there.
 *
 * Threads: plain data, no state.
 */
#ifndef CYRE_INDEX_TOTALS_H
#define CYRE_INDEX_TOTALS_H

#include "index_sync.h"

#define CYRE_MAX_USER_FLAGS 128

struct cyre_index_totals {
	uint64_t exists, deleted, answered, flagged, unseen;
	uint64_t quota_used, quota_deleted, quota_expunged; /* bytes */
	uint64_t max_uid, max_modseq;
	uint64_t oldest_expunged; /* last_updated; 0: none */
	uint32_t sync_basic;
	/* XOR of the fields hashed as annotations, without the start value
	 * (index.md 7.2): thread ids bare and padded to 16 digits. */
	uint32_t sync_annot, sync_annot_padded;
	uint64_t flag_use[CYRE_MAX_USER_FLAGS];
	uint64_t broken; /* records that cannot be trusted; set by the checks */
};

struct cyre_index_tally {
	struct cyre_sync sync;
	struct cyre_index_totals totals; /* all but the sync sums */
};

/* Names of the user flags; empty slice: slot without a name. */
void cyre_index_tally_begin(struct cyre_index_tally *t, unsigned version,
	const struct cyre_slice *flag_names, unsigned n);
/* One record; those with uid 0 must not come here. */
void cyre_index_tally_add(
	struct cyre_index_tally *t, const struct cyre_index_record *r);
struct cyre_index_totals cyre_index_tally_end(const struct cyre_index_tally *t);

#endif
