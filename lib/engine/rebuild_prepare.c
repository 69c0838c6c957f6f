/*
 * rebuild_prepare.c - one mailbox of a rebuild, from its files to its change set
 *
 * What a killed run left half done is put back first; then it is read, judged
 * and planned, and the plan is held against a reviewed one.
 */
#include "rebuild.h"

#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "mboxlist.h"
#include "quotas.h"

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

static int by_text(const void *va, const void *vb)
{
	return strcmp(va, *(const char *const *)vb);
}

static bool is_done(const struct cyre_rebuild *rb, const char *name)
{
	return rb->n_done &&
	       bsearch(name, rb->done, rb->n_done, sizeof(*rb->done), by_text);
}

/* What mailboxes.db has of it. Entries of before 2.5 say no type. */
static void hint_entry(
	const struct cyre_mboxdb_entry *e, struct cyre_plan_hints *h)
{
	if (!h->uniqueid.n)
		h->uniqueid = cyre_slice_text(e->uniqueid);
	h->jmapid = cyre_slice_text(e->jmapid);
	h->acl = cyre_slice_text(e->acl);
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
	h->quotaroot = cyre_slice_text(root ? root->root : NULL);
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

	hints.mboxname = cyre_slice_text(c->name);
	hints.uniqueid = cyre_slice_text(c->mailbox->uniqueid);
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
	cyre_status st = cyre_run_look(
		&rb->run, w, c, m, CYRE_REBUILD_LEVEL, &box->slot.found, &j);

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
		cyre_rebuild_fail(box, st, &err);
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
		cyre_rebuild_fail(box, st, &err);
	return st;
}

/* Everything up to the change set of one mailbox. */
void cyre_rebuild_prepare(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_candidate *c, struct cyre_rebuild_box *box)
{
	const struct cyre_mailbox *m = c->mailbox;
	struct cyre_judgement none = {0};
	cyre_status st;

	cyre_run_fill(&rb->run, c, &none, &box->slot);
	if (box->slot.path.bad)
		cyre_rebuild_fail(box, CYRE_ENOMEM, NULL);
	else
		box->resumed = is_done(rb, cyre_rebuild_key(c, box));
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
		cyre_rebuild_fail(box, st, NULL);
	else if (box->n_outputs || box->plan.n_moves)
		box->outcome = CYRE_OUTCOME_PLANNED;
	else
		box->outcome = cyre_rebuild_above_note(&box->slot.found)
				       ? CYRE_OUTCOME_LEFT
				       : CYRE_OUTCOME_CLEAN;
	if (st == CYRE_OK)
		hold_against_plan(rb, m, box);
}
