/*
 * discover_run.c - the second phase of a run: every directory of the partitions
 *
 * One level of the tree after the other, its directories side by side. What
 * belongs to no mailbox is reported here, before the first of them.
 */
#include "run.h"

#include <stdlib.h>
#include <unistd.h>

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
		return CYRE_EUSAGE;
	}
	return CYRE_EIO;
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
	if (!r->taker)
		cyre_run_report(r, NULL, &r->catalog->found);
	cyre_run_miss_list(r);
	return CYRE_OK;
}
