/*
 * discover_run.c - the first phase of a run: every directory of the partitions
 *
 * One level of the tree after the other, its directories side by side. What
 * belongs to no mailbox is reported here, before the first of them.
 */
#include "run.h"

#include <cyrescue/dbfile.h>

#include <stdlib.h>
#include <unistd.h>

#include "conf_load.h"
#include "discover.h"
#include "pool.h"

struct walk_job {
	struct cyre_run *r;
	struct cyre_walk *w;
	size_t first;
	cyre_status *status; /* one a worker: nobody waits */
};

static void list_one(void *payload, unsigned worker, size_t job)
{
	struct walk_job *j = payload;
	cyre_status st = cyre_walk_list(
		j->w, &j->r->workers[worker].gatherer.opener, j->first + job);

	if (st != CYRE_OK)
		j->status[worker] = st;
}

static bool walk_stopped(void *payload)
{
	return cyre_run_stopped(((struct walk_job *)payload)->r);
}

static cyre_status walk_level(struct cyre_run *r, struct cyre_walk *w)
{
	struct walk_job j = {.r = r, .w = w, .first = w->next};
	struct cyre_pool_job job = {.count = w->n - w->next,
		.threads = r->threads,
		.work = list_one,
		.stop = walk_stopped,
		.payload = &j};
	cyre_status st;
	size_t ran;
	unsigned i;

	j.status = calloc(r->threads + 1u, sizeof(*j.status));
	if (!j.status)
		return CYRE_ENOMEM;
	st = cyre_pool_run(&job, &ran);
	for (i = 0; i <= r->threads && st == CYRE_OK; i++)
		st = j.status[i];
	free(j.status);
	return st == CYRE_OK ? cyre_walk_expand(w) : st;
}

static void weigh(struct cyre_scan_result *res, const struct cyre_findings *f)
{
	enum cyre_severity s;

	if (!cyre_findings_worst(f, &s))
		return;
	res->has_findings = true;
	if (s > res->worst)
		res->worst = s;
}

/* What belongs to no mailbox, before the first of them. */
static void report_server(
	struct cyre_run *r, const char *path, struct cyre_findings *f)
{
	size_t k;

	if (!f->n)
		return;
	cyre_findings_sort(f);
	weigh(&r->result, f);
	r->result.skipped |= f->count[CYRE_P_DIRECTORY_UNREADABLE] != 0;
	for (k = 0; k < r->o->n_reports; k++)
		cyre_report_server(r->o->reports[k], path, f);
}

static cyre_status no_root_at_all(struct cyre_run *r)
{
	const struct cyre_catalog *c = r->catalog;
	size_t i;

	for (i = 0; i < c->n_roots; i++)
		if (c->roots[i].fd >= 0)
			return CYRE_OK;
	if (r->error && c->n_roots) {
		*r->error = (struct cyre_error){
			.errnum = c->roots[0].errnum, .call = "open"};
		snprintf(r->error->path, sizeof(r->error->path), "%s",
			c->roots[0].path);
	} else if (r->error) {
		*r->error = (struct cyre_error){.call = "partition"};
		snprintf(r->error->path, sizeof(r->error->path),
			"%s names no partition; name one with --spool",
			r->o->place.config ? r->o->place.config : "nothing");
	}
	return CYRE_EIO;
}

/*
 * mailboxes.db knows names, ids and UIDVALIDITYs that a damaged directory has
 * lost. What is wrong with it is a finding of the server; not being there is
 * none: a copy of a spool has none.
 */
static cyre_status read_mailboxes_db(struct cyre_run *r)
{
	const char *path = r->conf->mboxlist_db_path;
	struct cyre_slice bytes = {NULL, 0};
	struct cyre_findings found = {0};
	struct cyre_buf where = {0};
	cyre_status st;

	if (!path && !r->conf->configdirectory)
		return CYRE_OK;
	cyre_place_path(
		&r->o->place, path ? path : r->conf->configdirectory, &where);
	cyre_put(&where, path ? "" : "/mailboxes.db", path ? 1 : 14);
	st = where.bad ? CYRE_ENOMEM
		       : cyre_dbfile_read((const char *)where.p, r->rules.limit,
				 &bytes, NULL, NULL);
	if (st == CYRE_OK)
		st = cyre_mboxdb_read(bytes, &found, &r->mboxdb);
	report_server(r, (const char *)where.p, &found);
	cyre_findings_free(&found);
	free((void *)(uintptr_t)bytes.p);
	cyre_buf_free(&where);
	return st == CYRE_ENOMEM ? st : CYRE_OK;
}

cyre_status cyre_run_discover(struct cyre_run *r)
{
	struct cyre_walk *w;
	cyre_status st = cyre_walk_open(
		r->conf, r->o->place.root, !r->o->place.config, &w);

	if (st != CYRE_OK)
		return st;
	while (st == CYRE_OK && w->next < w->n)
		st = walk_level(r, w);
	if (st != CYRE_OK) {
		cyre_walk_free(w);
		return st;
	}
	st = cyre_walk_finish(w, &r->catalog);
	if (st == CYRE_OK)
		st = no_root_at_all(r);
	if (st != CYRE_OK)
		return st;
	report_server(r, NULL, &r->server);
	report_server(r, NULL, &r->catalog->found);
	return read_mailboxes_db(r);
}
