/*
 * scan.c - a scan as a table of phases
 *
 * discover -> identify -> judge (docs/design.md section 3): each phase is a
 * function on the run, and ends before the next begins, because names and
 * duplicate ids must be known of all mailboxes before one is reported.
 */
#include "run.h"

#include <stdlib.h>
#include <unistd.h>

#include "conf_load.h"
#include "digest.h"
#include "discover.h"
#include "pool.h"
#include "select.h"

#define DEFAULT_MEMORY (UINT64_C(1) << 30)

static const struct {
	const char *name;
	cyre_status (*run)(struct cyre_run *r);
} phases[] = {
	{"looking for mailboxes", cyre_run_discover},
	{"reading headers", cyre_run_identify},
	{"checking", cyre_run_judge},
};

bool cyre_run_stopped(const struct cyre_run *r)
{
	return r->status != CYRE_OK || (r->o->stop && *r->o->stop);
}

static bool stopped(void *payload)
{
	return cyre_run_stopped(payload);
}

cyre_status cyre_run_jobs(struct cyre_run *r, size_t n,
	void (*work)(void *run, unsigned worker, size_t job),
	void (*done)(void *run, size_t job))
{
	struct cyre_pool_job job = {.count = n,
		.threads = r->threads,
		.window = r->window,
		.work = work,
		.done = done,
		.stop = stopped,
		.payload = r};
	size_t ran;
	cyre_status st = cyre_pool_run(&job, &ran);

	return r->status != CYRE_OK ? r->status : st;
}

/* ---- discover ---- */

struct walk_job {
	struct cyre_run *r;
	struct cyre_walk *w;
	size_t first;
	cyre_status *status; /* one a worker: nobody waits */
};

static void list_one(void *payload, unsigned worker, size_t job)
{
	struct walk_job *j = payload;
	cyre_status st = cyre_walk_list(j->w,
		&j->r->workers[worker].gatherer.opener, j->first + job);

	if (st != CYRE_OK)
		j->status[worker] = st;
}

static bool walk_stopped(void *payload)
{
	return cyre_run_stopped(((struct walk_job *)payload)->r);
}

/* One level of the tree after the other, its directories side by side. */
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

cyre_status cyre_run_discover(struct cyre_run *r)
{
	struct cyre_walk *w;
	cyre_status st = cyre_walk_open(r->conf, r->o->place.root,
		!r->o->place.config, &w);

	if (st != CYRE_OK)
		return st;
	while (st == CYRE_OK && w->next < w->n)
		st = walk_level(r, w);
	if (st != CYRE_OK) {
		cyre_walk_free(w);
		return st;
	}
	return cyre_walk_finish(w, &r->catalog);
}

/* ---- the run ---- */

static cyre_status start_workers(struct cyre_run *r)
{
	unsigned n = r->o->jobs > 1 ? r->o->jobs : 1, i;
	cyre_status st = CYRE_OK;

	r->threads = r->o->jobs;
	r->window = (size_t)n * 64;
	r->workers = calloc(n, sizeof(*r->workers));
	r->slots = calloc(r->window, sizeof(*r->slots));
	if (!r->workers || !r->slots)
		return CYRE_ENOMEM;
	for (i = 0; i < n && st == CYRE_OK; i++) {
		cyre_gatherer_init(&r->workers[i].gatherer, &r->rules);
		st = cyre_hasher_new(&r->workers[i].hasher);
	}
	return st;
}

static void end_workers(struct cyre_run *r)
{
	unsigned n = r->o->jobs > 1 ? r->o->jobs : 1, i;
	size_t k;

	for (i = 0; r->workers && i < n; i++) {
		r->result.skipped |= r->workers[i].gatherer.skipped;
		cyre_gatherer_free(&r->workers[i].gatherer);
		cyre_hasher_free(r->workers[i].hasher);
		cyre_buf_free(&r->workers[i].scratch);
	}
	for (k = 0; r->slots && k < r->window; k++) {
		cyre_findings_free(&r->slots[k].found);
		cyre_buf_free(&r->slots[k].path);
		free(r->slots[k].uniqueid);
	}
	free(r->workers);
	free(r->slots);
}

static void free_run(struct cyre_run *r)
{
	size_t i;

	end_workers(r);
	for (i = 0; i < r->n; i++) {
		free(r->candidates[i].name);
		free(r->candidates[i].userid);
		free(r->candidates[i].uniqueid);
	}
	free(r->candidates);
	cyre_catalog_free(r->catalog);
	cyre_conf_free(r->conf);
	cyre_findings_free(&r->server);
	cyre_budget_destroy(&r->budget);
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
static void report_server(struct cyre_run *r)
{
	struct cyre_findings *f[2] = {
		&r->server, r->catalog ? &r->catalog->found : NULL};
	size_t i, k;

	for (i = 0; i < 2; i++) {
		if (!f[i] || !f[i]->n)
			continue;
		cyre_findings_sort(f[i]);
		weigh(&r->result, f[i]);
		r->result.skipped |= f[i]->count[CYRE_P_DIRECTORY_UNREADABLE];
		for (k = 0; k < r->o->n_reports; k++)
			cyre_report_server(r->o->reports[k], NULL, f[i]);
	}
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

static cyre_status run_phases(struct cyre_run *r)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < sizeof(phases) / sizeof(*phases); i++) {
		r->phase = phases[i].name;
		st = phases[i].run(r);
		if (st == CYRE_OK && i == 0)
			st = no_root_at_all(r);
		if (st != CYRE_OK)
			break;
		if (i == 0)
			report_server(r);
	}
	return st;
}

cyre_status cyre_scan(const struct cyre_scan_options *o,
	struct cyre_scan_result *ret, struct cyre_error *reterr)
{
	struct cyre_run r = {.o = o, .error = reterr};
	uint64_t memory = o->memory ? o->memory : DEFAULT_MEMORY;
	cyre_status st;

	if (o->level < CYRE_LEVEL_DIRECTORIES || o->level > CYRE_LEVEL_GUID ||
		!cyre_select_valid(&o->select))
		return CYRE_EUSAGE;
	cyre_budget_init(&r.budget, memory);
	r.rules = (struct cyre_gather_rules){
		.budget = &r.budget,
		.metadata = o->level >= CYRE_LEVEL_METADATA,
		.sizes = o->level >= CYRE_LEVEL_SUMS,
		.caches = o->level >= CYRE_LEVEL_SUMS,
		.limit = memory,
	};
	st = cyre_conf_load(&o->place, &r.server, &r.conf, reterr);
	if (st == CYRE_OK)
		st = start_workers(&r);
	if (st == CYRE_OK)
		st = run_phases(&r);
	r.result.interrupted = o->stop && *o->stop;
	r.result.complete = st == CYRE_OK && !r.result.interrupted;
	if (st == CYRE_ECANCELED)
		st = CYRE_OK;
	free_run(&r);
	*ret = r.result;
	return st;
}
