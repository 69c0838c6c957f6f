/*
 * rebuild_work.c - the last phase: read, judge, plan, apply, look again
 *
 * A job is a batch of mailboxes, so that they share the syncs of one apply. The
 * plans of a batch are held until it is applied; when they grow large, earlier.
 * Reports are handed over in the order of the mailboxes.
 */
#include "rebuild.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "mboxlist.h"
#include "pool.h"
#include "quotas.h"

#define LEVEL CYRE_LEVEL_SUMS /* of the look before and after */

struct reader {
	struct cyre_rebuild *rb;
	struct cyre_worker *w;
	const struct cyre_candidate *c;
	const struct cyre_judgement *j;
	struct cyre_rebuild_box *box;
};

static int by_uid(const void *va, const void *vb)
{
	const struct cyre_msgfile *a = va, *b = vb;

	return (a->uid > b->uid) - (a->uid < b->uid);
}

/* So that the look behind the apply need not ask for what is known. */
static cyre_status keep_read(
	struct cyre_rebuild_box *box, const struct cyre_plan_parsing *p)
{
	const struct cyre_findings *found = &box->slot.found;
	size_t before = box->n_read, i;
	struct cyre_msgfile *read;

	if (found->count[CYRE_P_WRONG_OWNER] || found->count[CYRE_P_WRONG_MODE])
		return CYRE_OK;
	read = reallocarray(box->read, before + p->n, sizeof(*read));
	if (!read)
		return CYRE_ENOMEM;
	box->read = read;
	for (i = 0; i < p->n; i++)
		read[box->n_read++] = *p->files[i];
	/* Of both sides, spool and archive. */
	if (before)
		qsort(read, box->n_read, sizeof(*read), by_uid);
	return CYRE_OK;
}

static cyre_status parse(void *payload, const struct cyre_plan_parsing *p)
{
	struct reader *rd = payload;
	cyre_status st = cyre_rebuild_parse(
		&rd->rb->run, rd->w, p, &rd->box->slot.found);

	return st == CYRE_OK && rd->rb->o->apply ? keep_read(rd->box, p) : st;
}

static cyre_status get_outside(void *payload, struct cyre_outside *ret)
{
	struct reader *rd = payload;
	struct cyre_slice none = {NULL, 0};

	return cyre_outside_get(&rd->rb->run, &rd->rb->outside, rd->w, rd->c,
		rd->j->header_read ? rd->j->header.uniqueid : none,
		&rd->box->slot.found, ret);
}

static struct cyre_rebuild_box *box_of(struct cyre_rebuild *rb, size_t i)
{
	return &rb->boxes[i % rb->n_boxes];
}

/* The name journal and resume know it by. */
static const char *key_of(
	const struct cyre_candidate *c, const struct cyre_rebuild_box *box)
{
	return c->name ? c->name : (const char *)box->slot.path.p;
}

static void free_box(struct cyre_rebuild_box *box)
{
	size_t i;

	cyre_locks_release(&box->locks);
	cyre_plan_free(&box->plan);
	cyre_mailbox_relist_free(&box->fresh);
	cyre_findings_free(&box->slot.found);
	cyre_findings_free(&box->left);
	cyre_buf_free(&box->slot.path);
	for (i = 0; i < CYRE_PLANNED_FILES; i++)
		cyre_buf_free(&box->kept[i]);
	free(box->read);
	free(box->changes);
	free(box->moves);
	free(box->quarantine);
	*box = (struct cyre_rebuild_box){0};
}

static void explain(struct cyre_rebuild_box *box, const char *what,
	cyre_status st, const struct cyre_error *err)
{
	const char *path = err ? err->path : "";
	char text[128];

	snprintf(box->error, sizeof(box->error), "%s%s%s%s", what, path,
		*path ? ": " : "",
		*path && err->errnum
			? strerror_r(err->errnum, text, sizeof(text))
			: cyre_status_text(st));
}

static void fail(struct cyre_rebuild_box *box, cyre_status st,
	const struct cyre_error *err)
{
	box->outcome = CYRE_OUTCOME_FAILED;
	explain(box, "", st, err);
}

static int by_text(const void *va, const void *vb)
{
	return strcmp(va, *(const char *const *)vb);
}

static bool is_done(const struct cyre_rebuild *rb, const char *name)
{
	return rb->n_done &&
	       bsearch(name, rb->done, rb->n_done, sizeof(*rb->done), by_text);
}

static bool any_above_note(const struct cyre_findings *f)
{
	enum cyre_severity s;

	return cyre_findings_worst(f, &s) && s > CYRE_SEV_NOTE;
}

/* ---- plan ---- */

static struct cyre_slice text(const char *s)
{
	return s ? cyre_slice_str(s) : cyre_slice(NULL, 0);
}

/* What mailboxes.db has of it. Entries of before 2.5 say no type. */
static void hint_entry(
	const struct cyre_mboxdb_entry *e, struct cyre_plan_hints *h)
{
	if (!h->uniqueid.n)
		h->uniqueid = text(e->uniqueid);
	h->jmapid = text(e->jmapid);
	h->acl = text(e->acl);
	if (e->uniqueid && e->type == 'e')
		h->type = cyre_slice_str(
			e->flags & CYRE_MBOX_LEGACY ? "el" : "e");
	else if (e->uniqueid && !(e->flags & CYRE_MBOX_LEGACY))
		h->type = cyre_slice(&e->type, 1);
	h->listed = !(e->flags & CYRE_MBOX_DELETED);
	h->uidvalidity = e->uidvalidity;
	h->foldermodseq = e->foldermodseq;
}

static void hint_quotaroot(const struct cyre_rebuild *rb, const char *name,
	struct cyre_plan_hints *h)
{
	const struct cyre_quotas *q = &rb->run.quotas;
	const struct cyre_quota_sum *root =
		name ? cyre_quotas_above(q, cyre_slice_str(name)) : NULL;

	h->has_roots = q->n > 0;
	h->quotaroot = text(root ? root->root : NULL);
	h->recharges = rb->recharges;
}

static cyre_status make_plan(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_candidate *c, const struct cyre_judgement *j,
	struct cyre_rebuild_box *box)
{
	const struct cyre_rebuild_options *o = rb->o;
	const struct cyre_neighbours *around =
		&rb->neighbours[c->mailbox->partition];
	struct reader rd = {.rb = rb, .w = w, .c = c, .j = j, .box = box};
	struct cyre_plan_reader reader = {
		.parse = parse, .outside = get_outside, .payload = &rd};
	struct cyre_plan_policy policy = {.accept = o->accept,
		.orphans = o->orphans,
		.only = o->only,
		.index_version = o->index_version,
		.release = o->release};
	const struct cyre_mboxdb_entry *e;
	struct cyre_plan_hints hints = {.now = rb->now,
		.index_version = around->index_version,
		.cache_version = around->cache_version};

	hints.mboxname = text(c->name);
	hints.uniqueid = text(c->mailbox->uniqueid);
	/* That of the directory before that of the header's uniqueid, which may
	 * be another mailbox's. */
	e = c->listed ? c->listed : c->entry;
	if (e || c->copied)
		hint_entry(e ? e : c->copied, &hints);
	hints.listed &= e != NULL;
	hints.copied = !e && c->copied;
	hint_quotaroot(rb, c->name, &hints);
	return cyre_plan_make(&w->gatherer.ev, j, &box->slot.found, &policy,
		&hints, &reader, &box->plan);
}

/* A reviewed plan is done as it was reviewed, or not at all. Where there is
 * nothing to do any more, it was done, or somebody else was there. */
static void hold_against_plan(struct cyre_rebuild *rb,
	const struct cyre_mailbox *m, struct cyre_rebuild_box *box)
{
	bool planned = box->outcome == CYRE_OUTCOME_PLANNED;
	const struct cyre_plan_entry *e;
	const char *why = NULL;

	if (!rb->plan)
		return;
	e = cyre_plan_list_find(rb->plan, (const char *)box->slot.path.p);
	if (e)
		why = planned ? cyre_plan_entry_differs(e, box)
			      : cyre_plan_entry_undone(e, box, m);
	if (why) {
		box->outcome = CYRE_OUTCOME_FAILED;
		snprintf(box->error, sizeof(box->error), "%s", why);
	} else if (!e && planned) {
		box->outcome = CYRE_OUTCOME_LEFT;
	}
}

static cyre_status look_and_plan(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_candidate *c, const struct cyre_mailbox *m,
	struct cyre_rebuild_box *box)
{
	struct cyre_judgement j;
	cyre_status st =
		cyre_run_look(&rb->run, w, c, m, LEVEL, &box->slot.found, &j);

	cyre_run_fill(&rb->run, c, &j, &box->slot);
	if (st == CYRE_OK)
		st = make_plan(rb, w, c, &j, box);
	if (st == CYRE_OK)
		st = cyre_rebuild_changes(rb, w, m, box);
	cyre_judgement_free(&j);
	return st;
}

static cyre_status take_lock(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_mailbox *m, struct cyre_rebuild_box *box)
{
	struct cyre_error err = {0};
	cyre_status st;

	if (!rb->o->apply || !rb->o->online)
		return CYRE_OK;
	st = cyre_rebuild_lock(rb, w, m, &box->locks, &err);
	if (st == CYRE_OK)
		st = cyre_mailbox_relist(
			rb->run.catalog, m, &w->gatherer.opener, &box->fresh);
	if (st != CYRE_OK)
		fail(box, st, &err);
	return st;
}

/* What a killed run left in between is first made what it was before. */
static cyre_status put_back(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_mailbox *m, struct cyre_rebuild_box *box)
{
	struct cyre_buf path = {0};
	struct cyre_error err = {0};
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; rb->half_done && st == CYRE_OK && i < m->n_sides; i++) {
		cyre_buf_reset(&path);
		cyre_put_place(
			&path, rb->root_paths[m->sides[i].root], m->dir, NULL);
		cyre_put_u8(&path, 0);
		st = path.bad ? CYRE_ENOMEM
			      : cyre_half_done_restore(rb->half_done,
					(const char *)path.p, &box->put_back,
					&err);
	}
	cyre_buf_free(&path);
	if (st == CYRE_OK && box->put_back) {
		cyre_mailbox_relist_free(&box->fresh);
		st = cyre_mailbox_relist(
			rb->run.catalog, m, &w->gatherer.opener, &box->fresh);
	}
	if (st != CYRE_OK)
		fail(box, st, &err);
	return st;
}

/* Everything up to the change set of one mailbox. */
static void prepare(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_candidate *c, struct cyre_rebuild_box *box)
{
	const struct cyre_mailbox *m = c->mailbox;
	struct cyre_judgement none = {0};
	cyre_status st;

	cyre_run_fill(&rb->run, c, &none, &box->slot);
	if (box->slot.path.bad)
		fail(box, CYRE_ENOMEM, NULL);
	else
		box->resumed = is_done(rb, key_of(c, box));
	if (box->slot.path.bad || box->resumed ||
		take_lock(rb, w, m, box) != CYRE_OK ||
		put_back(rb, w, m, box) != CYRE_OK)
		return;
	if (box->fresh.sides)
		m = &box->fresh;
	st = look_and_plan(rb, w, c, m, box);
	cyre_gather_end(&w->gatherer);
	if (st == CYRE_ECANCELED)
		box->slot.status = st;
	else if (st != CYRE_OK)
		fail(box, st, NULL);
	else if (box->n_outputs || box->plan.n_moves)
		box->outcome = CYRE_OUTCOME_PLANNED;
	else
		box->outcome = any_above_note(&box->slot.found)
				       ? CYRE_OUTCOME_LEFT
				       : CYRE_OUTCOME_CLEAN;
	if (st == CYRE_OK)
		hold_against_plan(rb, m, box);
}

static uint64_t held(const struct cyre_rebuild_box *box)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < box->plan.n_files; i++)
		n += box->plan.files[i].bytes.cap;
	for (i = 0; i < box->n_kept; i++)
		n += box->kept[i].cap;
	return n + box->n_read * sizeof(*box->read);
}

/* ---- apply ---- */

/* Nothing that was fixable for sure may be there any more. */
static void look_again(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_candidate *c, struct cyre_rebuild_box *box)
{
	struct cyre_mailbox now;
	struct cyre_judgement j;
	cyre_status st = cyre_mailbox_relist(
		rb->run.catalog, c->mailbox, &w->gatherer.opener, &now);

	if (st == CYRE_OK) {
		w->gatherer.read_before = box->read;
		w->gatherer.n_read_before = box->n_read;
		st = cyre_run_look(&rb->run, w, c, &now, LEVEL, &box->left, &j);
		cyre_judgement_free(&j);
		cyre_gather_end(&w->gatherer);
		cyre_mailbox_relist_free(&now);
	}
	if (st != CYRE_OK) {
		fail(box, st, NULL);
		return;
	}
	box->looked_again = true;
	box->outcome = any_above_note(&box->left) ? CYRE_OUTCOME_LEFT
						  : CYRE_OUTCOME_REPAIRED;
}

static void settle(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_candidate *c, const struct cyre_change_set *set,
	struct cyre_rebuild_box *box)
{
	box->changed = set->changed;
	if (set->status != CYRE_OK)
		fail(box, set->status, &set->error);
	else
		look_again(rb, w, c, box);
}

/* The planned ones of the mailboxes from `first` to `end` - 1. */
static void apply(struct cyre_rebuild *rb, struct cyre_worker *w, size_t first,
	size_t end)
{
	struct cyre_apply_options o = {.undo_dir = (const char *)rb->undo_dir.p,
		.run = rb->o->run,
		.root = rb->real_root,
		.journal = rb->journal};
	struct cyre_change_set sets[CYRE_APPLY_BATCH] = {{0}};
	size_t at[CYRE_APPLY_BATCH], n = 0, i;
	struct cyre_error err = {0};
	cyre_status st = CYRE_OK;

	for (i = first; i < end; i++) {
		struct cyre_rebuild_box *box = box_of(rb, i);

		if (box->outcome != CYRE_OUTCOME_PLANNED)
			continue;
		sets[n] = (struct cyre_change_set){
			.mboxname = key_of(&rb->run.candidates[i], box),
			.changes = box->changes,
			.n = box->n_changes};
		at[n++] = i;
	}
	/* The sets that could not be done say so; when only the closing lines
	 * of the journal are missing nothing else does. */
	if (n)
		st = cyre_apply(&o, sets, n, &err);
	if (st != CYRE_OK)
		w->gatherer.skipped = true;
	for (i = 0; i < n; i++) {
		struct cyre_rebuild_box *box = box_of(rb, at[i]);

		settle(rb, w, &rb->run.candidates[at[i]], &sets[i], box);
		if (st != CYRE_OK && sets[i].status == CYRE_OK)
			explain(box,
				"done, but the journal does not say so: ", st,
				&err);
	}
}

static void work_batch(void *payload, unsigned worker, size_t job)
{
	struct cyre_rebuild *rb = payload;
	struct cyre_run *r = &rb->run;
	struct cyre_worker *w = &r->workers[worker];
	size_t first = job * rb->batch, end = first + rb->batch, i, from;
	uint64_t limit = r->rules.limit / (2 * (r->threads + 1)), bytes = 0;

	if (end > r->n)
		end = r->n;
	for (i = from = first; i < end && !cyre_run_stopped(r); i++) {
		struct cyre_rebuild_box *box = box_of(rb, i);

		prepare(rb, w, &r->candidates[i], box);
		bytes += held(box);
		if (bytes < limit || !rb->o->apply)
			continue;
		apply(rb, w, from, i + 1);
		from = i + 1;
		bytes = 0;
	}
	for (; i < end; i++)
		box_of(rb, i)->slot.status = CYRE_ECANCELED;
	if (rb->o->apply)
		apply(rb, w, from, end);
	for (i = first; i < end; i++)
		cyre_locks_release(&box_of(rb, i)->locks);
}

/* ---- all of them ---- */

static void batch_done(void *payload, size_t job)
{
	struct cyre_rebuild *rb = payload;
	size_t i = job * rb->batch, end = i + rb->batch;

	for (; i < end && i < rb->run.n; i++) {
		struct cyre_rebuild_box *box = box_of(rb, i);

		if (box->resumed) {
			rb->result.resumed++;
		} else if (box->slot.status == CYRE_OK) {
			cyre_rebuild_report(rb, box);
		}
		free_box(box);
		cyre_run_progress(&rb->run, i + 1);
	}
}

static bool stopped(void *payload)
{
	return cyre_run_stopped(&((struct cyre_rebuild *)payload)->run);
}

/* Large enough to share syncs, small enough that every thread has some. */
static size_t batch_size(const struct cyre_run *r)
{
	size_t n = r->n / (4 * (r->threads + 1));

	return n < 1 ? 1 : n < CYRE_APPLY_BATCH ? n : CYRE_APPLY_BATCH;
}

cyre_status cyre_rebuild_work(struct cyre_run *r)
{
	struct cyre_rebuild *rb = (struct cyre_rebuild *)r;
	struct cyre_pool_job job = {.threads = r->threads,
		.window = 4 * (r->threads + 1),
		.work = work_batch,
		.done = batch_done,
		.stop = stopped,
		.payload = rb};
	cyre_status st;
	size_t ran, i;

	rb->batch = batch_size(r);
	job.count = (r->n + rb->batch - 1) / rb->batch;
	rb->n_boxes = job.window * rb->batch;
	rb->boxes = calloc(rb->n_boxes, sizeof(*rb->boxes));
	if (!rb->boxes)
		return CYRE_ENOMEM;
	st = cyre_pool_run(&job, &ran);
	for (i = 0; i < rb->n_boxes; i++)
		free_box(&rb->boxes[i]);
	free(rb->boxes);
	return r->status != CYRE_OK ? r->status : st;
}
