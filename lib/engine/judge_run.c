/*
 * judge_run.c - the last phase of a scan: each mailbox is gathered, judged and
 * reported
 *
 * A worker fills the slot of its mailbox; the calling thread hands the slots to
 * the reports in the order of the names.
 */
#include "run.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "check_entry.h"
#include "conf_load.h"
#include "looked.h"
#include "match.h"
#include "messages.h"
#include "quotas.h"

#define KEEP_FINDINGS 10000 /* of one problem in one mailbox */

/* One that had no file at all, and still has none. */
static bool is_absent(
	const struct cyre_candidate *c, const struct cyre_mailbox *m)
{
	size_t i;

	for (i = 0; i < m->n_sides; i++)
		if (m->sides[i].list.files || m->sides[i].list.not_files ||
			m->sides[i].list.n_uids)
			return false;
	return c->absent != CYRE_ABSENT_NOT;
}

static void add_catalog_findings(const struct cyre_run *r,
	const struct cyre_candidate *c, const struct cyre_mailbox *m,
	struct cyre_findings *found)
{
	if (is_absent(c, m)) {
		cyre_match_complain(r, c, found);
		return;
	}
	cyre_mailbox_survey(r->catalog, m, found);
	if (c->duplicate)
		CYRE_FIND(found, .problem = CYRE_P_UNIQUEID_DUPLICATE,
			.file = CYRE_FILE_HEADER, .text = c->uniqueid);
	if (!c->absent)
		cyre_match_complain(r, c, found);
}

/* What mailboxes.db says of it against what its files say. */
static void check_entry(const struct cyre_run *r,
	const struct cyre_candidate *c, const struct cyre_judgement *j,
	struct cyre_findings *found)
{
	const struct cyre_mboxdb_entry *l = c->listed;
	struct cyre_entry e;

	if (!l)
		return;
	e = (struct cyre_entry){
		.name = cyre_slice_text(l->name),
		.uniqueid = cyre_slice_text(l->uniqueid),
		.acl = cyre_slice_text(l->acl),
		.type = l->type,
		.uidvalidity = l->uidvalidity,
		.by_id = cyre_mboxdb_leads_by_id(r->mboxdb, l),
	};
	cyre_check_entry(&e, j->header_read ? &j->header : NULL,
		j->index_read ? &j->index : NULL, found);
}

static void put_path(const struct cyre_run *r, const struct cyre_candidate *c,
	struct cyre_buf *b)
{
	const struct cyre_mailbox *m = c->mailbox;
	int32_t data = r->catalog->partitions[m->partition].data;

	cyre_buf_reset(b);
	if (m->n_sides)
		cyre_place_path(&r->o->place,
			r->catalog->roots[m->sides[0].root].path, b);
	else if (data >= 0)
		cyre_place_path(&r->o->place, r->catalog->roots[data].path, b);
	if (*m->dir)
		cyre_put_u8(b, '/');
	cyre_put_str(b, m->dir);
	cyre_put_u8(b, '\0');
}

void cyre_run_fill(const struct cyre_run *r, const struct cyre_candidate *c,
	const struct cyre_judgement *j, struct cyre_slot *s)
{
	put_path(r, c, &s->path);
	s->report = (struct cyre_report_mailbox){
		.mboxname = c->name,
		.userid = c->userid,
		.partition = r->conf->partitions[c->mailbox->partition].name,
		.path = s->path.bad ? NULL : (const char *)s->path.p,
		.uniqueid = c->uniqueid,
		.access = j->unavailable ? CYRE_ACCESS_UNAVAILABLE
			  : j->degraded  ? CYRE_ACCESS_DEGRADED
					 : CYRE_ACCESS_OK,
		.delivery_blocked = j->delivery_blocked,
		.opened = j->index_read,
		.messages = j->index_read ? j->totals.exists : j->files.orphans,
		.bytes = j->files.bytes,
		.index_version = j->index_read ? j->index.layout->version : 0,
		.findings = &s->found,
	};
}

cyre_status cyre_run_look(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_candidate *c, const struct cyre_mailbox *m,
	unsigned level, struct cyre_findings *found, struct cyre_judgement *ret)
{
	const struct cyre_mboxdb_entry *l = c->listed ? c->listed : c->copied;
	struct cyre_judge_options o = {
		.level = level, .now = r->o->now, .absent = is_absent(c, m)};
	cyre_status st;

	if (l) {
		o.listed_uniqueid = cyre_slice_text(l->uniqueid);
		o.listed_name = cyre_slice_text(l->name);
		o.listed_uidvalidity = l->uidvalidity;
	}
	*ret = (struct cyre_judgement){0};
	cyre_findings_free(found);
	found->keep = KEEP_FINDINGS;
	add_catalog_findings(r, c, m, found);
	st = cyre_gather(&w->gatherer, m, c->userid, found);
	if (st == CYRE_OK)
		st = cyre_judge_metadata(&w->gatherer.ev, &o, found, ret);
	if (st == CYRE_OK && r->cross)
		check_entry(r, c, ret, found);
	if (st == CYRE_OK && (r->cross || r->charges))
		cyre_quotas_check_root(r, c, ret, found);
	if (st == CYRE_OK && level >= CYRE_LEVEL_GUID)
		st = cyre_run_messages(r, w, ret, found);
	if (st == CYRE_OK)
		st = cyre_judge_files(&w->gatherer.ev, &o, found, ret);
	if (st == CYRE_OK)
		st = found->status;
	/* The cache is read while it is judged. */
	w->gatherer.skipped |= found->count[CYRE_P_FILE_UNREADABLE] > 0;
	cyre_judge_access(found, ret);
	ret->unavailable |= r->listless;
	ret->delivery_blocked |= r->listless;
	cyre_findings_sort(found);
	return st;
}

/* It has nothing but its entry. */
static void judge_absent(const struct cyre_run *r,
	const struct cyre_candidate *c, struct cyre_slot *s)
{
	struct cyre_judgement j = {
		.unavailable = true, .delivery_blocked = true};

	cyre_findings_free(&s->found);
	cyre_match_complain(r, c, &s->found);
	s->status = s->found.status;
	cyre_run_fill(r, c, &j, s);
}

static void judge_one(void *payload, unsigned worker, size_t job)
{
	struct cyre_run *r = payload;
	struct cyre_worker *w = &r->workers[worker];
	struct cyre_candidate *c = &r->candidates[job];
	struct cyre_slot *s = &r->slots[job % r->window];
	struct cyre_judgement j;

	if (c->absent) {
		judge_absent(r, c, s);
		return;
	}
	if (cyre_looked_agrees(r, w, c)) {
		j = (struct cyre_judgement){0};
		cyre_findings_free(&s->found);
		cyre_run_fill(r, c, &j, s);
		s->status = CYRE_OK;
		return;
	}
	s->status =
		cyre_run_look(r, w, c, c->mailbox, r->o->level, &s->found, &j);
	cyre_run_fill(r, c, &j, s);
	cyre_quotas_note(r, c, &j, &s->found);
	if (s->status == CYRE_OK)
		cyre_looked_note(r, w, c, &s->found);
	cyre_judgement_free(&j);
	cyre_gather_end(&w->gatherer);
}

void cyre_run_progress(const struct cyre_run *r, size_t done)
{
	struct cyre_progress p = {
		.phase = r->phase, .done = done, .total = r->n};

	if (r->o->progress)
		r->o->progress(r->o->payload, &p);
}

static void judged(void *payload, size_t job)
{
	struct cyre_run *r = payload;
	struct cyre_slot *s = &r->slots[job % r->window];
	enum cyre_severity worst;
	size_t i;

	if (s->status != CYRE_OK) {
		r->status = s->status;
		return;
	}
	r->result.mailboxes++;
	if (cyre_findings_worst(&s->found, &worst)) {
		r->result.has_findings = true;
		if (worst > r->result.worst)
			r->result.worst = worst;
	}
	if (r->taker)
		cyre_run_take(r, NULL, s->report.userid,
			(const char *)s->path.p, &s->found);
	for (i = 0; !r->taker && i < r->o->n_reports; i++)
		cyre_report_mailbox(r->o->reports[i], &s->report);
	cyre_run_progress(r, job + 1);
}

/* The server runs as whoever owns the partition. */
void cyre_run_ready(struct cyre_run *r)
{
	const struct cyre_catalog *c = r->catalog;
	struct stat sb;
	size_t i;

	r->rules.catalog = c;
	for (i = 0; i < c->n_roots; i++)
		if (c->roots[i].fd >= 0 && fstat(c->roots[i].fd, &sb) == 0) {
			r->rules.owner = sb.st_uid;
			r->rules.group = sb.st_gid;
			return;
		}
}

cyre_status cyre_run_judge(struct cyre_run *r)
{
	cyre_run_ready(r);
	return cyre_run_jobs(r, r->n, judge_one, judged);
}
