/*
 * rebuild_work.c - the last phase: plans made, applied, and looked at again
 *
 * A job is a batch of mailboxes, so that they share the syncs of one apply. The
 * plans of a batch are held until it is applied; when they grow large, earlier.
 * Reports are handed over in the order of the mailboxes.
 */
#include "rebuild.h"

#include <stdlib.h>

#include "pool.h"

static struct cyre_rebuild_box *box_of(struct cyre_rebuild *rb, size_t i)
{
	return &rb->boxes[i % rb->n_boxes];
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
		st = cyre_run_look(&rb->run, w, c, &now, CYRE_REBUILD_LEVEL,
			&box->left, &j);
		cyre_judgement_free(&j);
		cyre_gather_end(&w->gatherer);
		cyre_mailbox_relist_free(&now);
	}
	if (st != CYRE_OK) {
		cyre_rebuild_fail(box, st, NULL);
		return;
	}
	box->looked_again = true;
	box->outcome = cyre_rebuild_above_note(&box->left)
			       ? CYRE_OUTCOME_LEFT
			       : CYRE_OUTCOME_REPAIRED;
}

static void settle(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_candidate *c, const struct cyre_change_set *set,
	struct cyre_rebuild_box *box)
{
	box->changed = set->changed;
	if (set->status != CYRE_OK)
		cyre_rebuild_fail(box, set->status, &set->error);
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
			.mboxname =
				cyre_rebuild_key(&rb->run.candidates[i], box),
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
			cyre_rebuild_explain(box,
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

		cyre_rebuild_prepare(rb, w, &r->candidates[i], box);
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
		cyre_rebuild_free_box(box);
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
		cyre_rebuild_free_box(&rb->boxes[i]);
	free(rb->boxes);
	return r->status != CYRE_OK ? r->status : st;
}
