/*
 * pool.c - see pool.h. One mutex, taken twice a job, never inside the work
 *
 * The caller sleeps until some jobs can be handed over together: to be woken
 * for each of them costs more than many a mailbox.
 */
#include "pool.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define TICK_NS    20000000 /* and then looks whether there is one at least */
#define NS_PER_SEC 1000000000

struct pool {
	const struct cyre_pool_job *job;
	pthread_mutex_t lock;
	pthread_cond_t finished; /* enough jobs are done, or nobody goes on */
	pthread_cond_t room;     /* the window moved */
	size_t next, handed;     /* next to take, next to hand over */
	size_t ended;            /* jobs, whether handed over or not */
	size_t window, batch;
	unsigned working; /* threads that may still finish a job */
	unsigned waiting; /* for room: nobody is woken for nothing */
	bool stopping;
	uint8_t *ready; /* a ring of `window` flags */
};

/* Bytes, of which only what is used is taken; messages can be nested deep
 * (cyrescue/mail.h), and the default depends on `ulimit -s`. */
#define STACK ((size_t)16 << 20)

struct worker {
	struct pool *pool;
	unsigned number;
	pthread_t thread;
};

static bool asked_to_stop(const struct cyre_pool_job *job)
{
	return job->stop && job->stop(job->payload);
}

/* When it is worth it: there is a batch, or somebody waits for room. */
static void wake_caller(struct pool *p)
{
	if (p->ready[p->handed % p->window] &&
		(p->waiting || p->ended - p->handed >= p->batch))
		pthread_cond_signal(&p->finished);
}

/* The next job's number, or false when there is none for this worker. */
static bool take(struct pool *p, size_t *ret)
{
	bool got = false;

	pthread_mutex_lock(&p->lock);
	while (!p->stopping && p->next < p->job->count &&
		p->next - p->handed >= p->window) {
		p->waiting++;
		wake_caller(p);
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
		p->ended++;
		wake_caller(p);
		pthread_mutex_unlock(&p->lock);
	}
	pthread_mutex_lock(&p->lock);
	p->working--;
	pthread_cond_signal(&p->finished);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void wait_a_tick(struct pool *p)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += TICK_NS;
	if (t.tv_nsec >= NS_PER_SEC) {
		t.tv_nsec -= NS_PER_SEC;
		t.tv_sec++;
	}
	pthread_cond_timedwait(&p->finished, &p->lock, &t);
}

/* Those that are next and ready. Called, and returns, with the lock held. */
static void hand_over_some(struct pool *p)
{
	size_t at = p->handed, n = 0, i;

	while (n < p->batch && p->ready[(at + n) % p->window])
		n++;
	pthread_mutex_unlock(&p->lock);
	for (i = 0; i < n; i++) {
		if (p->job->done)
			p->job->done(p->job->payload, at + i);
		if (asked_to_stop(p->job)) {
			n = i + 1;
			break;
		}
	}
	pthread_mutex_lock(&p->lock);
	p->stopping |= asked_to_stop(p->job);
	for (i = 0; i < n; i++)
		p->ready[(at + i) % p->window] = 0;
	p->handed += n;
	if (p->waiting)
		pthread_cond_broadcast(&p->room);
}

/* Hands jobs over in order until there are none, or no worker is left. */
static void hand_over(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->handed < p->job->count) {
		if (p->ready[p->handed % p->window])
			hand_over_some(p);
		else if (p->working)
			wait_a_tick(p);
		else
			break;
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
	pthread_attr_t attr;

	if (pthread_attr_init(&attr))
		return CYRE_ENOMEM;
	pthread_attr_setstacksize(&attr, STACK);
	/* Until all are started nobody may see the count fall to zero. */
	p->working = p->job->threads;
	for (i = 0; i < p->job->threads; i++) {
		w[i] = (struct worker){.pool = p, .number = i};
		if (pthread_create(&w[i].thread, &attr, run_worker, &w[i]))
			break;
		started++;
	}
	pthread_mutex_lock(&p->lock);
	p->working -= p->job->threads - started;
	pthread_mutex_unlock(&p->lock);
	pthread_attr_destroy(&attr);
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
		.room = PTHREAD_COND_INITIALIZER};
	pthread_condattr_t monotonic;
	struct worker *workers;
	cyre_status st = CYRE_ENOMEM;

	*ret_done = 0;
	if (job->threads <= 1 || job->count <= 1)
		return run_here(job, ret_done);
	p.window = job->window ? job->window : (size_t)job->threads * 64;
	p.batch = p.window > 4 ? p.window / 4 : 1;
	p.ready = calloc(p.window, 1);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&p.finished, &monotonic);
	pthread_condattr_destroy(&monotonic);
	workers = calloc(job->threads, sizeof(*workers));
	if (p.ready && workers) {
		st = run_threads(&p, workers);
		*ret_done = p.handed;
	}
	pthread_cond_destroy(&p.finished);
	free(workers);
	free(p.ready);
	return st;
}
