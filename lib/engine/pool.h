/*
 * pool.h - jobs 0 to n-1 on some threads, results handed over in order
 *
 * Each worker takes the next number, runs `work` on it, and goes on. `done` is
 * called for 0, 1, 2 … in the caller's thread, whatever the order of finishing,
 * so that output is the same for any number of threads. At most `window` jobs
 * are ahead of the oldest one not handed over: results held are bounded.
 *
 * With jobs <= 1 everything runs in the caller: the same code, one thread.
 */
#ifndef CYRE_POOL_H
#define CYRE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include <cyrescue/status.h>

struct cyre_pool_job {
	size_t count; /* jobs */
	unsigned threads;
	size_t window; /* 0: 64 a thread */
	/* Run by the workers, `worker` from 0. Fills the job's own slot. */
	void (*work)(void *payload, unsigned worker, size_t job);
	/* Run by the caller, in order; NULL: nobody asks. */
	void (*done)(void *payload, size_t job);
	/* Asked between jobs; true: take no new ones. May be NULL. */
	bool (*stop)(void *payload);
	void *payload;
};

/*
 * CYRE_OK when all jobs ran and were handed over; CYRE_ECANCELED when stop()
 * ended it (the jobs handed over are then 0 to *ret_done - 1, without a gap);
 * CYRE_ENOMEM when no thread could be started.
 */
cyre_status cyre_pool_run(const struct cyre_pool_job *job, size_t *ret_done);

#endif
