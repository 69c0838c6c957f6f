/*
 * run.c - what every run has: a configuration, workers, phases one behind the
 * other, an end in which everything is given back
 */
#include "run.h"

#include <stdlib.h>
#include <unistd.h>

#include "conf_load.h"
#include "databases.h"
#include "digest.h"
#include "pool.h"
#include "quotas.h"
#include "read_file.h"
#include "select.h"

#define DEFAULT_MEMORY (UINT64_C(1) << 30)
#define PARSER_MEMORY  (UINT64_C(1) << 30) /* bytes, of one message */
#define SPLIT_FROM     8192 /* messages; a smaller mailbox is one worker's */

bool cyre_run_open_meta(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_mailbox *m, enum cyre_file file,
	struct cyre_file_info *ret)
{
	const struct cyre_side *side =
		cyre_mailbox_where(r->catalog, m, file, NULL);
	struct cyre_error err;

	ret->fd = -1;
	if (!side)
		return false;
	cyre_buf_reset(&w->scratch);
	cyre_put_str(&w->scratch, m->dir);
	if (*m->dir)
		cyre_put_u8(&w->scratch, '/');
	cyre_put_str(&w->scratch, cyre_file_name(file));
	cyre_put_u8(&w->scratch, '\0');
	/* Below its root in one step: a descriptor less to open. */
	return !w->scratch.bad &&
	       cyre_file_open(&w->gatherer.opener,
		       r->catalog->roots[side->root].fd,
		       (const char *)w->scratch.p, CYRE_KIND_FILE, ret,
		       &err) == CYRE_OK &&
	       ret->fd >= 0;
}

cyre_status cyre_run_read_meta(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_mailbox *m, enum cyre_file file,
	struct cyre_file_info *ret)
{
	cyre_status st;

	if (!cyre_run_open_meta(r, w, m, file, ret))
		return CYRE_EIO;
	/* The limit is on what is read, not on what the scratch is for next. */
	w->scratch.limit = r->rules.limit;
	st = cyre_read_fd(ret->fd, ret->size, &w->scratch);
	w->scratch.limit = 0;
	close(ret->fd);
	return st;
}

bool cyre_run_peek_index(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_mailbox *m, uint8_t page[CYRE_PAGE],
	struct cyre_index *ret, int64_t *ret_mtime_ns)
{
	struct cyre_findings found = {.keep = 1};
	struct cyre_file_info info;
	ssize_t n;
	bool sound;

	if (!cyre_run_open_meta(r, w, m, CYRE_FILE_INDEX, &info))
		return false;
	n = pread(info.fd, page, CYRE_PAGE, 0);
	close(info.fd);
	if (ret_mtime_ns)
		*ret_mtime_ns = info.mtime_ns;
	if (n <= 0)
		return false;
	sound = cyre_index_read(cyre_slice(page, (size_t)n), CYRE_FILE_INDEX,
			&found, ret) == CYRE_OK &&
		!found.count[CYRE_P_INDEX_HEADER_CRC] &&
		!found.count[CYRE_P_INDEX_SIZES];
	cyre_findings_free(&found);
	return sound;
}

bool cyre_run_stopped(const struct cyre_run *r)
{
	return r->status != CYRE_OK || (r->o->stop && *r->o->stop);
}

bool cyre_run_call_helpers(struct cyre_run *r, size_t messages)
{
	return messages >= SPLIT_FROM && r->threads > 1 &&
	       pthread_mutex_trylock(&r->helping) == 0;
}

void cyre_run_dismiss_helpers(struct cyre_run *r)
{
	pthread_mutex_unlock(&r->helping);
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

static unsigned n_workers(const struct cyre_run *r)
{
	return r->o->jobs > 1 ? r->o->jobs : 1;
}

static cyre_status start_worker(struct cyre_run *r, struct cyre_worker *w)
{
	cyre_status st = cyre_hasher_new(&w->hasher);

	cyre_gatherer_init(&w->gatherer, &r->rules);
	cyre_parsers_init(&w->parsers, r->conf, PARSER_MEMORY);
	return st == CYRE_OK ? cyre_mail_later_new(&w->later) : st;
}

static cyre_status start_workers(struct cyre_run *r)
{
	unsigned n = n_workers(r), i;
	cyre_status st = CYRE_OK;

	r->threads = r->o->jobs;
	r->window = (size_t)n * 64;
	r->workers = calloc(n, sizeof(*r->workers));
	r->helpers = calloc(n, sizeof(*r->helpers));
	r->slots = calloc(r->window, sizeof(*r->slots));
	if (!r->workers || !r->helpers || !r->slots)
		return CYRE_ENOMEM;
	for (i = 0; i < n && st == CYRE_OK; i++) {
		st = start_worker(r, &r->workers[i]);
		if (st == CYRE_OK)
			st = start_worker(r, &r->helpers[i]);
	}
	return st;
}

static void end_worker(struct cyre_run *r, struct cyre_worker *w)
{
	r->result.skipped |= w->gatherer.skipped;
	cyre_gatherer_free(&w->gatherer);
	cyre_hasher_free(w->hasher);
	cyre_parsers_free(&w->parsers);
	cyre_cache_scratch_free(&w->cache_scratch);
	cyre_buf_free(&w->scratch);
	cyre_mail_later_free(w->later);
	cyre_buf_free(&w->records);
}

static void end_workers(struct cyre_run *r)
{
	unsigned n = n_workers(r), i;
	size_t k;

	for (i = 0; i < n; i++) {
		if (r->workers)
			end_worker(r, &r->workers[i]);
		if (r->helpers)
			end_worker(r, &r->helpers[i]);
	}
	for (k = 0; r->slots && k < r->window; k++) {
		cyre_findings_free(&r->slots[k].found);
		cyre_buf_free(&r->slots[k].path);
		free(r->slots[k].uniqueid);
	}
	free(r->workers);
	free(r->helpers);
	free(r->slots);
}

void cyre_candidate_free(struct cyre_candidate *c)
{
	free(c->name);
	free(c->userid);
	free(c->uniqueid);
}

static void free_run(struct cyre_run *r)
{
	size_t i;

	end_workers(r);
	for (i = 0; i < r->n; i++)
		cyre_candidate_free(&r->candidates[i]);
	free(r->candidates);
	for (i = 0; i < r->n_ids; i++)
		free(r->ids[i]);
	free(r->ids);
	free(r->old_ids);
	cyre_quotas_free(&r->quotas);
	for (i = 0; i < r->n_absent; i++)
		free(r->absent[i].dir);
	free(r->absent);
	for (i = 0; i < r->n_dbfiles; i++)
		free(r->dbfiles[i].userid);
	free(r->dbfiles);
	cyre_catalog_free(r->catalog);
	cyre_confdir_free(r->confdir);
	cyre_mboxdb_free(r->mboxdb);
	cyre_conf_free(r->conf);
	cyre_findings_free(&r->server);
	cyre_findings_free(&r->list_found);
	cyre_mboxdb_free(r->list_copy);
	cyre_budget_destroy(&r->budget);
	pthread_mutex_destroy(&r->helping);
}

static cyre_status run_phases(
	struct cyre_run *r, const struct cyre_phase *phases)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; phases[i].name && st == CYRE_OK; i++) {
		r->phase = phases[i].name;
		st = phases[i].run(r);
	}
	return st;
}

cyre_status cyre_run_phases(struct cyre_run *r, const struct cyre_phase *phases)
{
	const struct cyre_scan_options *o = r->o;
	cyre_status st;

	if (!cyre_select_valid(&o->select))
		return CYRE_EUSAGE;
	r->rules.limit = o->memory ? o->memory : DEFAULT_MEMORY;
	r->rules.budget = &r->budget;
	cyre_budget_init(&r->budget, r->rules.limit);
	pthread_mutex_init(&r->helping, NULL);
	st = cyre_conf_load(&o->place, &r->server, &r->conf, r->error);
	if (st == CYRE_OK)
		st = start_workers(r);
	if (st == CYRE_OK)
		st = run_phases(r, phases);
	r->result.interrupted = o->stop && *o->stop;
	r->result.complete = st == CYRE_OK && !r->result.interrupted;
	if (st == CYRE_ECANCELED)
		st = CYRE_OK;
	free_run(r);
	return st;
}
