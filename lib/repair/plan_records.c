/*
 * plan_records.c - which messages are in the mailbox, and what is known of each
 *
 * Takes the records there are (plan_sources.c), matches the message files;
 * adopts orphans by the policy of docs/design.md section 5. Derived fields are
 * filled later, when the message is parsed (plan_cache.c).
 */
#include "plan_work.h"

#include <stdlib.h>

#include "grow.h"

struct cyre_plan_record *cyre_plan_add_record(struct cyre_plan_work *w)
{
	struct cyre_plan_record *grown;

	grown = cyre_grow(w->records, w->n, &w->cap, sizeof(*w->records));
	if (!grown)
		return NULL;
	w->records = grown;
	w->records[w->n] = (struct cyre_plan_record){0};
	return &w->records[w->n++];
}

static int by_uid(const void *va, const void *vb)
{
	const struct cyre_plan_record *a = va, *b = vb;

	if (a->r.uid != b->r.uid)
		return a->r.uid < b->r.uid ? -1 : 1;
	return (int)a->expunge - (int)b->expunge; /* the index wins */
}

static void sort_records(struct cyre_plan_work *w)
{
	size_t i, n = 0;

	if (w->n)
		qsort(w->records, w->n, sizeof(*w->records), by_uid);
	for (i = 0; i < w->n; i++)
		if (!n || w->records[i].r.uid != w->records[n - 1].r.uid)
			w->records[n++] = w->records[i];
	w->n = n;
}

/* The file of a record: the side its flag names, else the other. */
static const struct cyre_msgfile *pick(const struct cyre_plan_work *w,
	const struct cyre_index_record *r, size_t i, size_t n)
{
	uint8_t side = r->system_flags & CYRE_FLAG_ARCHIVED ? CYRE_SIDE_ARCHIVE
							    : CYRE_SIDE_SPOOL;
	size_t k;

	for (k = i; k < i + n; k++)
		if (!w->ev->has_archive || w->ev->files[k].side == side)
			return &w->ev->files[k];
	return &w->ev->files[i];
}

static void set_side(struct cyre_plan_work *w, struct cyre_plan_record *p)
{
	bool archived =
		w->ev->has_archive && p->file->side == CYRE_SIDE_ARCHIVE;

	if (!w->ev->has_archive ||
		archived == !!(p->r.system_flags & CYRE_FLAG_ARCHIVED))
		return;
	p->r.system_flags ^= CYRE_FLAG_ARCHIVED;
	if (w->ev->has_archive_cache)
		p->r.cache_offset = 0; /* it was in the other one */
	p->changed = true;
}

static void use_file(struct cyre_plan_work *w, struct cyre_plan_record *p,
	const struct cyre_msgfile *f)
{
	p->file = f;
	if (f->state != CYRE_ENTRY_FILE || f->size == 0)
		return;
	set_side(w, p);
	cyre_plan_doubt_size(w, p, f);
}

/* Deleted mail must not come back; delivered mail must not be lost. */
static bool may_adopt(
	const struct cyre_plan_work *w, const struct cyre_msgfile *f)
{
	if (f->state != CYRE_ENTRY_FILE || f->size == 0)
		return false;
	switch (w->policy->orphans) {
	case CYRE_ORPHANS_REPORT:
		return false;
	case CYRE_ORPHANS_ADOPT:
		return true;
	case CYRE_ORPHANS_AUTO:
	case CYRE_ORPHANS_QUARANTINE:
		break;
	}
	return !w->whole || f->uid > w->known_last_uid;
}

static cyre_status adopt(struct cyre_plan_work *w, const struct cyre_msgfile *f)
{
	struct cyre_plan_record *p = cyre_plan_add_record(w);

	if (!p)
		return CYRE_ENOMEM;
	p->r.uid = f->uid;
	p->file = f;
	p->derive = p->changed = p->adopted = true;
	p->no_flags = p->no_keywords = true;
	cyre_plan_borrow(w, p);
	if (w->ev->has_archive && f->side == CYRE_SIDE_ARCHIVE)
		p->r.system_flags |= CYRE_FLAG_ARCHIVED;
	w->plan->adopted++;
	return CYRE_OK;
}

/* The files of one uid, on one side or both. */
static cyre_status move_away(
	struct cyre_plan_work *w, const struct cyre_msgfile *f, size_t n)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; st == CYRE_OK && i < n; i++)
		if (f[i].state == CYRE_ENTRY_FILE)
			st = cyre_plan_add_move(w, CYRE_FILE_MESSAGE, &f[i]);
	return st;
}

static cyre_status match_files(struct cyre_plan_work *w)
{
	const struct cyre_msgfile *f = w->ev->files;
	size_t nfiles = w->ev->nfiles, had = w->n, i = 0, k, n;
	cyre_status st = CYRE_OK;

	for (k = 0; i < nfiles && st == CYRE_OK; i += n) {
		for (n = 1; i + n < nfiles && f[i + n].uid == f[i].uid; n++)
			;
		while (k < had && w->records[k].r.uid < f[i].uid)
			k++;
		if (k < had && w->records[k].r.uid == f[i].uid)
			use_file(w, &w->records[k],
				pick(w, &w->records[k].r, i, n));
		else if (may_adopt(w, &f[i]))
			st = adopt(w, &f[i]);
		else if (w->policy->orphans == CYRE_ORPHANS_QUARANTINE)
			st = move_away(w, &f[i], n);
	}
	return st;
}

static void note_dropped(
	struct cyre_plan_work *w, const struct cyre_plan_record *p)
{
	if (p->doubtful)
		cyre_plan_note(w, &(struct cyre_repair){.file = CYRE_FILE_INDEX,
					  .uid = (uint32_t)p->r.uid,
					  .field = "record",
					  .origin = "no message file",
					  .loss = "record"});
}

/*
 * What has no file. A record that was damaged, or (before v12) only plausible,
 * is believed with its file, not without: it may be of a message that was
 * deleted long ago. Any other is kept, for a person to decide.
 */
static void settle_missing(struct cyre_plan_work *w)
{
	uint64_t gone = CYRE_FLAG_EXPUNGED | CYRE_FLAG_UNLINKED;
	size_t i, n = 0;

	for (i = 0; i < w->n; i++) {
		struct cyre_plan_record *p = &w->records[i];

		if (p->file || (p->r.system_flags & CYRE_FLAG_UNLINKED)) {
			w->records[n++] = *p;
			continue;
		}
		if (p->expunge || p->doubtful ||
			(w->salvaged && w->from < 12)) {
			note_dropped(w, p);
			continue;
		}
		if (!(p->r.system_flags & CYRE_FLAG_EXPUNGED) &&
			cyre_plan_wants(w, CYRE_P_MESSAGE_FILE_MISSING)) {
			if (w->from < 12)
				continue;
			cyre_plan_note_flags(w, p, p->r.system_flags | gone,
				"no message file", "message");
			p->changed = true;
		}
		w->records[n++] = *p;
	}
	w->n = n;
}

static int record_and_uid(const void *va, const void *vb)
{
	const struct cyre_plan_record *p = va;
	const uint64_t *uid = vb;

	return (p->r.uid > *uid) - (p->r.uid < *uid);
}

size_t cyre_plan_seek(const struct cyre_plan_work *w, uint64_t uid)
{
	return cyre_seek(
		&uid, w->records, w->n, sizeof(*w->records), record_and_uid);
}

cyre_status cyre_plan_records(struct cyre_plan_work *w)
{
	cyre_status st = cyre_plan_sources(w);

	if (st != CYRE_OK)
		return st;
	w->to = w->policy->index_version ? w->policy->index_version : w->from;
	sort_records(w);
	st = match_files(w);
	if (st != CYRE_OK)
		return st;
	sort_records(w);
	cyre_plan_record_doubts(w);
	settle_missing(w);
	w->plan->kept = w->n - w->plan->adopted;
	return CYRE_OK;
}
