/* pool.c - see pool.h. One mutex, taken twice a job, never inside the work. */
#include "pool.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

struct pool {
	const struct cyre_pool_job *job;
	pthread_mutex_t lock;
	pthread_cond_t finished; /* a job is done */
	pthread_cond_t room;     /* the window moved */
	size_t next, handed;     /* next to take, next to hand over */
	size_t window;
	unsigned working; /* threads that may still finish a job */
	unsigned waiting; /* for room: nobody is woken for nothing */
	bool stopping;
	uint8_t *ready; /* a ring of `window` flags */
};

struct worker {
	struct pool *pool;
	unsigned number;
	pthread_t thread;
};

static bool asked_to_stop(const struct cyre_pool_job *job)
{
	return job->stop && job->stop(job->payload);
}

/* The next job's number, or false when there is none for this worker. */
static bool take(struct pool *p, size_t *ret)
{
	bool got = false;

	pthread_mutex_lock(&p->lock);
	while (!p->stopping && p->next < p->job->count &&
		p->next - p->handed >= p->window) {
		p->waiting++;
		pthread_cond_wait(&p->room, &p->lock);
		p->waiting--;
	}
	if (!p->stopping && p->next < p->job->count) {
		*ret = p->next++;
		got = true;
	}
	pthread_mutex_unlock(&p->lock);
	return got;
}

static void *run_worker(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;
	size_t n;

	while (!asked_to_stop(p->job) && take(p, &n)) {
		p->job->work(p->job->payload, w->number, n);
		pthread_mutex_lock(&p->lock);
		p->ready[n % p->window] = 1;
		/* Others can wait until their turn is handed over. */
		if (n == p->handed)
			pthread_cond_signal(&p->finished);
		pthread_mutex_unlock(&p->lock);
	}
	pthread_mutex_lock(&p->lock);
	p->working--;
	pthread_cond_signal(&p->finished);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Hands jobs over in order until there are none, or no worker is left. */
static void hand_over(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->handed < p->job->count) {
		if (!p->ready[p->handed % p->window]) {
			if (!p->working)
				break;
			pthread_cond_wait(&p->finished, &p->lock);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		if (p->job->done)
			p->job->done(p->job->payload, p->handed);
		pthread_mutex_lock(&p->lock);
		p->ready[p->handed % p->window] = 0;
		p->handed++;
		if (asked_to_stop(p->job))
			p->stopping = true;
		if (p->waiting)
			pthread_cond_broadcast(&p->room);
	}
	p->stopping = true;
	pthread_cond_broadcast(&p->room);
	pthread_mutex_unlock(&p->lock);
}

static cyre_status run_here(const struct cyre_pool_job *job, size_t *ret_done)
{
	size_t n;

	for (n = 0; n < job->count; n++) {
		if (asked_to_stop(job))
			break;
		job->work(job->payload, 0, n);
		if (job->done)
			job->done(job->payload, n);
	}
	*ret_done = n;
	return n == job->count ? CYRE_OK : CYRE_ECANCELED;
}

static cyre_status run_threads(struct pool *p, struct worker *w)
{
	unsigned started = 0, i;

	/* Until all are started nobody may see the count fall to zero. */
	p->working = p->job->threads;
	for (i = 0; i < p->job->threads; i++) {
		w[i] = (struct worker){.pool = p, .number = i};
		if (pthread_create(&w[i].thread, NULL, run_worker, &w[i]))
			break;
		started++;
	}
	pthread_mutex_lock(&p->lock);
	p->working -= p->job->threads - started;
	pthread_mutex_unlock(&p->lock);
	if (!started)
		return CYRE_ENOMEM;
	hand_over(p);
	for (i = 0; i < started; i++)
		pthread_join(w[i].thread, NULL);
	return p->handed == p->job->count ? CYRE_OK : CYRE_ECANCELED;
}

cyre_status cyre_pool_run(const struct cyre_pool_job *job, size_t *ret_done)
{
	struct pool p = {.job = job,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.finished = PTHREAD_COND_INITIALIZER,
		.room = PTHREAD_COND_INITIALIZER};
	struct worker *workers;
	cyre_status st = CYRE_ENOMEM;

	*ret_done = 0;
	if (job->threads <= 1 || job->count <= 1)
		return run_here(job, ret_done);
	p.window = job->window ? job->window : (size_t)job->threads * 64;
	p.ready = calloc(p.window, 1);
	workers = calloc(job->threads, sizeof(*workers));
	if (p.ready && workers) {
		st = run_threads(&p, workers);
		*ret_done = p.handed;
	}
	free(workers);
	free(p.ready);
	return st;
}
