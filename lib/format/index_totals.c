/*
 * index_totals.c - see index_totals.h
 *
 * Rules: docs/formats/index.md section 6. Judges nothing.
 */
#include "index_totals.h"

#include <strings.h>

void cyre_index_tally_begin(struct cyre_index_tally *t, unsigned version,
	const struct cyre_slice *flag_names, unsigned n)
{
	t->totals = (struct cyre_index_totals){0};
	cyre_sync_begin(&t->sync, version, flag_names, n);
}

static void add_counts(
	struct cyre_index_totals *t, const struct cyre_index_record *r)
{
	uint64_t f = r->system_flags;

	t->exists++;
	t->deleted += f & CYRE_FLAG_DELETED ? 1 : 0;
	t->answered += f & CYRE_FLAG_ANSWERED ? 1 : 0;
	t->flagged += f & CYRE_FLAG_FLAGGED ? 1 : 0;
	t->unseen += f & CYRE_FLAG_SEEN ? 0 : 1;
	t->quota_used += r->size;
	if (f & CYRE_FLAG_DELETED)
		t->quota_deleted += r->size;
}

void cyre_index_tally_add(
	struct cyre_index_tally *tally, const struct cyre_index_record *r)
{
	struct cyre_index_totals *t = &tally->totals;
	bool expunged = r->system_flags & CYRE_FLAG_EXPUNGED;
	bool unlinked = r->system_flags & CYRE_FLAG_UNLINKED;
	uint32_t left;
	unsigned i;

	if (r->uid > t->max_uid)
		t->max_uid = r->uid;
	if (r->modseq > t->max_modseq)
		t->max_modseq = r->modseq;
	for (i = 0; i < CYRE_MAX_USER_FLAGS / 32; i++)
		for (left = r->user_flags[i]; left; left &= left - 1)
			t->flag_use[32 * i + (unsigned)ffs((int)left) - 1]++;
	if (expunged && !unlinked) {
		t->quota_expunged += r->size;
		if (!t->oldest_expunged || r->last_updated < t->oldest_expunged)
			t->oldest_expunged = r->last_updated;
	}
	if (!expunged)
		cyre_sync_add(&tally->sync, r);
	/* Since 3.10, whose files are v18 and later, UNLINKED alone counts. */
	if (!expunged && (tally->sync.version < 18 || !unlinked))
		add_counts(t, r);
}

struct cyre_index_totals cyre_index_tally_end(const struct cyre_index_tally *t)
{
	struct cyre_index_totals r = t->totals;

	r.sync_basic = t->sync.basic;
	r.sync_annot = t->sync.annot;
	r.sync_annot_padded = t->sync.annot_padded;
	return r;
}
