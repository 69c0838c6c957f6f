/*
 * dbsave.c - see cyre_dbload_save() in cyrescue/dbload.h
 *
 * A file that can be made in parts is never in memory as a whole: the workers
 * make its parts, and the caller writes them.
 */
#include <cyrescue/dbload.h>

#include <stdatomic.h>
#include <stdlib.h>

#include "db.h"
#include "pool.h"

#define SLOTS 4 /* parts a thread that may be ahead of the disk */

struct save {
	struct cyre_db_plan plan;
	struct cyre_dbfile_new *file;
	struct cyre_buf *slots;
	size_t nslots;
	struct cyre_error *error;
	atomic_bool failed; /* then it ends, with `st` */
	cyre_status st;
};

static void work(void *payload, unsigned worker, size_t part)
{
	struct save *s = payload;
	struct cyre_buf *b = &s->slots[part % s->nslots];
	uint64_t n = cyre_db_plan_at(&s->plan, part + 1) -
		     cyre_db_plan_at(&s->plan, part);

	(void)worker;
	cyre_buf_reset(b);
	if (n > SIZE_MAX || !cyre_buf_room(b, (size_t)n))
		return;
	cyre_db_plan_make(&s->plan, part, b->p);
	b->n = (size_t)n;
}

static void done(void *payload, size_t part)
{
	struct save *s = payload;
	const struct cyre_buf *b = &s->slots[part % s->nslots];

	s->st = b->bad ? CYRE_ENOMEM
		       : cyre_dbfile_put(s->file, cyre_buf_slice(b), s->error);
	s->failed = s->st != CYRE_OK;
}

static bool stop(void *payload)
{
	return ((struct save *)payload)->failed;
}

static cyre_status write_parts(struct save *s, unsigned jobs)
{
	struct cyre_pool_job job = {.count = s->plan.parts,
		.threads = jobs > 1 ? jobs : 1,
		.work = work,
		.done = done,
		.stop = stop,
		.payload = s};
	cyre_status st = CYRE_ENOMEM;
	size_t i;

	if (job.threads > job.count)
		job.threads = (unsigned)job.count;
	s->nslots = job.window = (size_t)job.threads * SLOTS;
	s->slots = calloc(s->nslots, sizeof(*s->slots));
	if (s->slots)
		st = cyre_pool_run(&job, &i);
	for (i = 0; s->slots && i < s->nslots; i++)
		cyre_buf_free(&s->slots[i]);
	free(s->slots);
	return s->failed ? s->st : st;
}

static cyre_status save_parts(const char *path,
	const struct cyre_dbload_save_options *o, struct save *s)
{
	cyre_status st, ended;

	st = cyre_dbfile_begin(path, o->owner, &s->file, s->error);
	if (st != CYRE_OK)
		return st;
	st = write_parts(s, o->jobs);
	ended = cyre_dbfile_end(s->file, st == CYRE_OK, s->error);
	return st == CYRE_OK ? ended : st;
}

static cyre_status save_whole(const char *path,
	const struct cyre_dbload_save_options *o,
	const struct cyre_db_entry *entries, size_t n,
	struct cyre_error *reterr)
{
	struct cyre_slice bytes = {NULL, 0};
	cyre_status st;

	st = cyre_dbload_make(&o->write, entries, n, o->tmpdir, &bytes, reterr);
	if (st == CYRE_OK)
		st = cyre_dbfile_create(path, bytes, o->owner, reterr);
	free((void *)bytes.p);
	return st;
}

cyre_status cyre_dbload_save(const char *path,
	const struct cyre_dbload_save_options *o,
	const struct cyre_db_entry *entries, size_t n,
	struct cyre_error *reterr)
{
	struct save s = {.error = reterr};
	cyre_status st = cyre_db_plan(&o->write, entries, n, &s.plan);

	if (st == CYRE_OK)
		st = save_parts(path, o, &s);
	else if (st == CYRE_EUNSUPPORTED)
		st = save_whole(path, o, entries, n, reterr);
	cyre_db_plan_free(&s.plan);
	return st;
}
