/* check_pool.c - jobs run once each, results come in order, at any width. */
#include "unit.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "pool.h"

#define JOBS 1000

struct load {
	atomic_uint runs[JOBS];
	size_t next; /* expected by done() */
	size_t stop_at;
	atomic_size_t handed, most_ahead;
};

static void work(void *payload, unsigned worker, size_t job)
{
	struct load *l = payload;
	struct timespec t = {.tv_nsec = (long)(job * 7919 % 50) * 1000};
	size_t ahead = job - atomic_load(&l->handed);

	(void)worker;
	atomic_fetch_add(&l->runs[job], 1);
	if (ahead > atomic_load(&l->most_ahead))
		atomic_store(&l->most_ahead, ahead);
	nanosleep(&t, NULL); /* so that jobs finish in another order */
}

static void done(void *payload, size_t job)
{
	struct load *l = payload;

	ck_assert_uint_eq(job, l->next);
	l->next++;
	atomic_store(&l->handed, l->next);
}

static bool stop(void *payload)
{
	struct load *l = payload;

	return l->stop_at && atomic_load(&l->handed) >= l->stop_at;
}

static const unsigned widths[] = {0, 1, 2, 3, 8, 64};

START_TEST(every_job_runs_once_and_in_order)
{
	static struct load l;
	struct cyre_pool_job j = {.count = JOBS,
		.threads = widths[_i],
		.window = 16,
		.work = work,
		.done = done,
		.stop = stop,
		.payload = &l};
	size_t n, i;

	memset(&l, 0, sizeof(l));
	ck_assert_int_eq(cyre_pool_run(&j, &n), CYRE_OK);
	ck_assert_uint_eq(n, JOBS);
	ck_assert_uint_eq(l.next, JOBS);
	for (i = 0; i < JOBS; i++)
		ck_assert_uint_eq(l.runs[i], 1);
	/* What waits for its turn is bounded. */
	ck_assert_uint_le(l.most_ahead, 16);
}
END_TEST

START_TEST(stopping_leaves_no_gap)
{
	static struct load l;
	struct cyre_pool_job j = {.count = JOBS,
		.threads = widths[_i],
		.window = 16,
		.work = work,
		.done = done,
		.stop = stop,
		.payload = &l};
	size_t n;

	memset(&l, 0, sizeof(l));
	l.stop_at = 100;
	ck_assert_int_eq(cyre_pool_run(&j, &n), CYRE_ECANCELED);
	ck_assert_uint_eq(n, l.next);
	ck_assert_uint_ge(n, 100);
	ck_assert_uint_lt(n, JOBS);
}
END_TEST

START_TEST(no_jobs_are_no_problem)
{
	struct cyre_pool_job j = {.threads = 4, .work = work};
	size_t n = 1;

	ck_assert_int_eq(cyre_pool_run(&j, &n), CYRE_OK);
	ck_assert_uint_eq(n, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pool");
	TCase *t = tcase_create("pool");

	tcase_add_loop_test(t, every_job_runs_once_and_in_order, 0, 6);
	tcase_add_loop_test(t, stopping_leaves_no_gap, 0, 6);
	tcase_add_test(t, no_jobs_are_no_problem);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
