/*
 * identify.c - whose mailbox is it? Name and uniqueid from path and header
 *
 * Reads one cyrus.header a mailbox, then knows all names: selects, sorts, and
 * marks ids that two mailboxes have. What is wrong with a header is said later,
 * by the judge.
 */
#include "run.h"

#include <stdlib.h>

#include "databases.h"
#include "header_salvage.h"
#include "looked.h"
#include "match.h"
#include "mboxlist.h"
#include "names.h"
#include "select.h"

/* In place of what was known before; NULL for nothing. CYRE_OK, CYRE_ENOMEM. */
static cyre_status learn(char **what, struct cyre_slice s)
{
	free(*what);
	*what = s.n ? strndup((const char *)s.p, s.n) : NULL;
	return *what || !s.n ? CYRE_OK : CYRE_ENOMEM;
}

/* The header's bytes in the worker's scratch; false: there are none. */
static bool read_header(
	struct cyre_run *r, struct cyre_worker *w, const struct cyre_mailbox *m)
{
	struct cyre_file_info info;

	return cyre_run_read_meta(r, w, m, CYRE_FILE_HEADER, &info) == CYRE_OK;
}

/* The header names the mailbox where the path does not (layout.md 5). */
static cyre_status read_identity(
	struct cyre_run *r, struct cyre_worker *w, struct cyre_candidate *c)
{
	struct cyre_findings ignored = {.keep = 1};
	struct cyre_header h;
	cyre_status st;

	if (!read_header(r, w, c->mailbox))
		return CYRE_OK;
	st = cyre_header_read(
		cyre_buf_slice(&w->scratch), CYRE_FILE_HEADER, &ignored, &h);
	cyre_findings_free(&ignored);
	if (st != CYRE_OK)
		return st;
	if (!c->name)
		st = learn(&c->name, h.name);
	if (st == CYRE_OK && h.uniqueid.n)
		st = learn(&c->uniqueid, h.uniqueid);
	cyre_header_free(&h);
	return st;
}

/* The same, of which an earlier look may know. */
static cyre_status take_identity(struct cyre_run *r, struct cyre_worker *w,
	size_t job, struct cyre_candidate *c)
{
	bool known;
	cyre_status st = cyre_looked_identify(r, job, c, &known);

	if (st != CYRE_OK || known)
		return st;
	if (r->rules.metadata || !c->name)
		st = read_identity(r, w, c);
	return st == CYRE_OK ? cyre_looked_note_identity(r, job, c) : st;
}

/* Neither path, header nor mailboxes.db names it: a damaged header may. */
static cyre_status salvage_name(
	struct cyre_run *r, struct cyre_worker *w, struct cyre_candidate *c)
{
	struct cyre_header_salvage s;
	cyre_status st;

	if (c->name || !r->rules.metadata || !read_header(r, w, c->mailbox))
		return CYRE_OK;
	st = cyre_header_salvage(cyre_buf_slice(&w->scratch), NULL, &s);
	if (st != CYRE_OK)
		return st == CYRE_ENOMEM ? st : CYRE_OK;
	if (s.name >= CYRE_TRUST_PLAUSIBLE)
		st = learn(&c->name, s.h.name);
	cyre_header_salvage_free(&s);
	return st;
}

/*
 * The entry of mailboxes.db, which names a mailbox whose header is gone. Where
 * the server goes from a name to an id, it calls the mailbox as the entry does.
 */
static cyre_status find_entry(
	const struct cyre_run *r, struct cyre_candidate *c)
{
	const char *path_id = c->mailbox->uniqueid;

	if (path_id)
		c->entry = cyre_mboxdb_by_id(r->mboxdb, path_id);
	if (c->entry && cyre_mboxdb_leads_by_id(r->mboxdb, c->entry) &&
		c->name && strcmp(c->name, c->entry->name) != 0) {
		free(c->name);
		c->name = NULL;
	}
	if (!c->entry && c->uniqueid)
		c->entry = cyre_mboxdb_by_id(r->mboxdb, c->uniqueid);
	if (!c->entry && c->name)
		c->entry = cyre_mboxdb_by_name(r->mboxdb, c->name);
	return !c->name && c->entry
		       ? learn(&c->name, cyre_slice_str(c->entry->name))
		       : CYRE_OK;
}

/*
 * What mailboxes.db lost a copy of it may still have: also the name, where no
 * other file tells it. Where the server goes by names, one that was deleted and
 * made again is another mailbox.
 */
static cyre_status find_copied(
	const struct cyre_run *r, struct cyre_candidate *c)
{
	const char *path_id = c->mailbox->uniqueid;
	const struct cyre_mboxdb_entry *e = NULL;

	if (c->entry || !r->list_copy)
		return CYRE_OK;
	if (path_id)
		e = cyre_mboxdb_by_id(r->list_copy, path_id);
	else if (c->name)
		e = cyre_mboxdb_by_name(r->list_copy, c->name);
	if (!e || e->flags & CYRE_MBOX_DELETED ||
		(c->uniqueid && e->uniqueid &&
			strcmp(c->uniqueid, e->uniqueid) != 0))
		return CYRE_OK;
	c->copied = e;
	return c->name ? CYRE_OK : learn(&c->name, cyre_slice_str(e->name));
}

static cyre_status name_owner(
	struct cyre_run *r, struct cyre_worker *w, struct cyre_candidate *c)
{
	cyre_status st = CYRE_OK;

	cyre_buf_reset(&w->scratch);
	if (c->name &&
		cyre_name_userid(r->conf, cyre_slice_str(c->name), &w->scratch))
		st = learn(&c->userid, cyre_buf_slice(&w->scratch));
	return w->scratch.bad ? CYRE_ENOMEM : st;
}

static const char *partition_of(
	const struct cyre_run *r, const struct cyre_candidate *c)
{
	return r->conf->partitions[c->mailbox->partition].name;
}

static cyre_status select_one(
	struct cyre_run *r, struct cyre_worker *w, struct cyre_candidate *c)
{
	return cyre_select_match(&r->o->select, r->conf,
		cyre_slice_str(c->name ? c->name : ""),
		cyre_slice_str(c->userid ? c->userid : ""), partition_of(r, c),
		&w->scratch, &c->selected);
}

cyre_status cyre_identify_owner(
	struct cyre_run *r, struct cyre_worker *w, struct cyre_candidate *c)
{
	cyre_status st = name_owner(r, w, c);

	return st == CYRE_OK ? select_one(r, w, c) : st;
}

static void identify_one(void *payload, unsigned worker, size_t job)
{
	struct cyre_run *r = payload;
	struct cyre_worker *w = &r->workers[worker];
	struct cyre_candidate *c = &r->candidates[job];
	cyre_status st;

	c->mailbox = &r->catalog->mailboxes[job];
	st = learn(&c->name, cyre_slice_text(c->mailbox->name));
	if (st == CYRE_OK)
		st = learn(&c->uniqueid, cyre_slice_text(c->mailbox->uniqueid));
	if (st == CYRE_OK)
		st = take_identity(r, w, job, c);
	if (st == CYRE_OK)
		st = find_entry(r, c);
	if (st == CYRE_OK)
		st = salvage_name(r, w, c);
	if (st == CYRE_OK)
		st = find_copied(r, c);
	if (st == CYRE_OK)
		st = cyre_identify_owner(r, w, c);
	r->slots[job % r->window].status = st;
}

static void identified(void *payload, size_t job)
{
	struct cyre_run *r = payload;

	if (r->slots[job % r->window].status != CYRE_OK)
		r->status = r->slots[job % r->window].status;
}

static int compare_text(const char *a, const char *b)
{
	if (!a || !b)
		return !a - !b; /* what has none comes last */
	return strcmp(a, b);
}

static int by_name(const void *va, const void *vb)
{
	const struct cyre_candidate *a = va, *b = vb;
	int d = compare_text(a->name, b->name);

	if (!d && a->mailbox->partition != b->mailbox->partition)
		d = a->mailbox->partition < b->mailbox->partition ? -1 : 1;
	return d ? d : strcmp(a->mailbox->dir, b->mailbox->dir);
}

static int by_uniqueid(const void *va, const void *vb)
{
	const struct cyre_candidate *const *a = va, *const *b = vb;

	return compare_text((*a)->uniqueid, (*b)->uniqueid);
}

static cyre_status mark_duplicates(struct cyre_run *r)
{
	struct cyre_candidate **by_id;
	size_t i;

	by_id = calloc(r->n ? r->n : 1, sizeof(struct cyre_candidate *));
	if (!by_id)
		return CYRE_ENOMEM;
	for (i = 0; i < r->n; i++)
		by_id[i] = &r->candidates[i];
	qsort(by_id, r->n, sizeof(struct cyre_candidate *), by_uniqueid);
	for (i = 1; i < r->n && by_id[i]->uniqueid; i++)
		if (!strcmp(by_id[i]->uniqueid, by_id[i - 1]->uniqueid))
			by_id[i]->duplicate = by_id[i - 1]->duplicate = true;
	free(by_id);
	return CYRE_OK;
}

/* Which of what was asked for is there. */
static cyre_status note_met(struct cyre_run *r)
{
	const struct cyre_select *sel = &r->o->select;
	cyre_status st = CYRE_OK;
	size_t i;

	if (!sel->met)
		return CYRE_OK;
	for (i = 0; i < r->conf->n_partitions; i++)
		cyre_select_note_partition(sel, r->conf->partitions[i].name);
	for (i = 0; st == CYRE_OK && i < r->n; i++) {
		const struct cyre_candidate *c = &r->candidates[i];

		if (c->selected || sel->shards > 1)
			st = cyre_select_note(sel, r->conf,
				cyre_slice_str(c->name ? c->name : ""),
				cyre_slice_str(c->userid ? c->userid : ""),
				partition_of(r, c), &r->workers[0].scratch);
	}
	return st;
}

/* Keeps the selected ones, in front. */
static void drop_unselected(struct cyre_run *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->n; i++) {
		struct cyre_candidate c = r->candidates[i];

		if (c.selected) {
			r->candidates[n++] = c;
			continue;
		}
		cyre_candidate_free(&c);
	}
	r->n = n;
}

cyre_status cyre_run_identify(struct cyre_run *r)
{
	cyre_status st;

	r->candidates =
		calloc(r->catalog->n_mailboxes + 1, sizeof(*r->candidates));
	if (!r->candidates)
		return CYRE_ENOMEM;
	r->n = r->catalog->n_mailboxes;
	st = cyre_run_jobs(r, r->n, identify_one, identified);
	if (st == CYRE_OK)
		st = cyre_drop_left_behind(r);
	if (st == CYRE_OK)
		st = mark_duplicates(r);
	if (st == CYRE_OK)
		st = cyre_match_entries(r);
	if (st == CYRE_OK)
		st = cyre_ids_collect(r);
	if (st == CYRE_OK)
		st = note_met(r);
	if (st != CYRE_OK)
		return st;
	drop_unselected(r);
	qsort(r->candidates, r->n, sizeof(*r->candidates), by_name);
	return CYRE_OK;
}
