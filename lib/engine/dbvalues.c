/*
 * dbvalues.c - see cyre_dbload_check_values() in cyrescue/dbload.h. Some entries
 * are one job; what is found is put together in their order.
 */
#include <cyrescue/dbload.h>

#include <stdlib.h>

#include "db.h"
#include "pool.h"

#define ENTRIES 4096 /* of a job */
#define SLOTS   4    /* jobs a thread */

struct values {
	const struct cyre_db *db;
	struct cyre_db_values known;
	struct cyre_findings *found, *slots;
	size_t nslots;
};

static void work(void *payload, unsigned worker, size_t job)
{
	struct values *v = payload;
	size_t n = cyre_db_count(v->db), from = job * ENTRIES;
	struct cyre_findings *found = &v->slots[job % v->nslots];

	(void)worker;
	*found = (struct cyre_findings){.keep = v->found->keep};
	found->status = cyre_db_check_some(v->db, &v->known, from,
		n - from < ENTRIES ? n : from + ENTRIES, found);
}

static void done(void *payload, size_t job)
{
	struct values *v = payload;

	cyre_findings_merge(v->found, &v->slots[job % v->nslots]);
}

cyre_status cyre_dbload_check_values(const struct cyre_db *db,
	enum cyre_db_kind kind, unsigned jobs, struct cyre_findings *found)
{
	struct values v = {
		.db = db, .known = cyre_db_values(db, kind), .found = found};
	struct cyre_pool_job job = {
		.count = (cyre_db_count(db) + ENTRIES - 1) / ENTRIES,
		.threads = jobs > 1 ? jobs : 1,
		.work = work,
		.done = done,
		.payload = &v,
	};
	cyre_status st;
	size_t ignored;

	if (kind == CYRE_DB_KIND_UNKNOWN || !job.count)
		return found->status;
	if (job.threads > job.count)
		job.threads = (unsigned)job.count;
	v.nslots = job.window = (size_t)job.threads * SLOTS;
	v.slots = calloc(v.nslots, sizeof(*v.slots));
	if (!v.slots)
		return CYRE_ENOMEM;
	st = cyre_pool_run(&job, &ignored);
	free(v.slots);
	return st == CYRE_OK ? found->status : st;
}
