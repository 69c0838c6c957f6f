/* check_journal.c - the journal can be read after any kill, and says no more
 * than what is true. */
#include "unit.h"

#include <errno.h>

#include "journal.h"
#include "scratch.h"

static char *top, *path;

static void setup(void)
{
	top = scratch_new();
	path = scratch_path(top, "journal");
}

static void teardown(void)
{
	free(path);
	test_remove(top);
}

static const struct cyre_error no_space = {
	.errnum = ENOSPC, .call = "write", .path = "/srv/a\nb"};

static const struct cyre_journal_line lines[] = {
	{.state = CYRE_JOURNAL_INTENT,
		.mboxname = "user.anna",
		.run = "r1",
		.archive = "undo-1.tar.zst"},
	{.state = CYRE_JOURNAL_DONE, .mboxname = "user.anna", .changed = true},
	{.state = CYRE_JOURNAL_FAILED,
		.mboxname = "user.\xff\"\n",
		.status = CYRE_EIO,
		.error = &no_space}};

struct seen {
	size_t n, intents, done, failed;
};

static cyre_status each(void *payload, const struct cyre_journal_line *l)
{
	struct seen *s = payload;

	s->n++;
	s->intents += l->state == CYRE_JOURNAL_INTENT;
	s->done += l->state == CYRE_JOURNAL_DONE;
	s->failed += l->state == CYRE_JOURNAL_FAILED;
	if (l->state == CYRE_JOURNAL_INTENT)
		ck_assert_str_eq(l->archive, "undo-1.tar.zst");
	if (l->state == CYRE_JOURNAL_DONE)
		ck_assert(l->changed);
	if (l->state == CYRE_JOURNAL_FAILED) {
		ck_assert_int_eq(l->status, CYRE_EIO);
		ck_assert_int_eq(l->error->errnum, ENOSPC);
		ck_assert_str_eq(l->error->path, "/srv/a\nb");
	}
	return CYRE_OK;
}

static struct seen read_back(size_t cut)
{
	struct cyre_slice s = test_read(path);
	struct seen seen = {0};

	ck_assert_uint_le(cut, s.n);
	ck_assert_int_eq(
		cyre_journal_read(cyre_slice(s.p, s.n - cut), each, &seen),
		CYRE_OK);
	free((void *)s.p);
	return seen;
}

static void put(const struct cyre_journal_line *l, size_t n)
{
	struct cyre_journal *j;
	struct cyre_error e;

	ck_assert_int_eq(cyre_journal_open(path, &e, &j), CYRE_OK);
	ck_assert_int_eq(cyre_journal_put(j, l, n, &e), CYRE_OK);
	cyre_journal_close(j);
}

START_TEST(lines_come_back)
{
	struct seen seen;

	put(lines, 3);
	put(lines, 1);
	seen = read_back(0);
	ck_assert_uint_eq(seen.intents, 2);
	ck_assert_uint_eq(seen.done, 1);
	ck_assert_uint_eq(seen.failed, 1);
}
END_TEST

/* Killed in the middle of a write: that line is lost, the next one is not. */
START_TEST(torn_at_every_length)
{
	struct cyre_slice whole;
	struct seen seen;
	size_t n;

	put(lines, 3);
	whole = test_read(path);
	for (n = 0; n < whole.n; n++) {
		ck_assert_int_eq(truncate(path, (off_t)n), 0);
		seen = read_back(0);
		put(lines, 1);
		/* A line that lacks its end alone is whole once it has one. */
		ck_assert_uint_ge(read_back(0).n, seen.n + 1);
		ck_assert_uint_le(read_back(0).n, seen.n + 2);
		FILE *f = fopen(path, "wb");
		ck_assert_uint_eq(fwrite(whole.p, 1, whole.n, f), whole.n);
		fclose(f);
	}
	free((void *)whole.p);
}
END_TEST

/* Two runs that write one journal would tear each other's lines. */
START_TEST(one_run_at_a_time)
{
	struct cyre_journal *j, *again;
	struct cyre_error e;

	ck_assert_int_eq(cyre_journal_open(path, &e, &j), CYRE_OK);
	ck_assert_int_eq(cyre_journal_open(path, &e, &again), CYRE_EBUSY);
	cyre_journal_close(j);
	ck_assert_int_eq(cyre_journal_open(path, &e, &j), CYRE_OK);
	cyre_journal_close(j);
}
END_TEST

START_TEST(full_disk_is_a_status)
{
	struct cyre_journal *j;
	struct cyre_error e = {0};

	if (access("/dev/full", W_OK) < 0)
		return;
	ck_assert_int_eq(cyre_journal_open("/dev/full", &e, &j), CYRE_OK);
	ck_assert_int_eq(cyre_journal_put(j, lines, 3, &e), CYRE_EIO);
	ck_assert_int_eq(e.errnum, ENOSPC);
	cyre_journal_close(j);
}
END_TEST

/* It stands in one file with other lines, or with somebody's. */
START_TEST(other_lines_are_passed_over)
{
	static const char text[] =
		"{\"type\":\"header\",\"schema\":\"cyrescue-report/1\"}\n"
		"not json\n\n[]\n{\"type\":\"apply\"}\n"
		"{\"type\":\"apply\",\"state\":\"other\",\"mboxname\":\"a\"}\n"
		"{\"type\":\"apply\",\"state\":\"done\"}\n"
		"{\"type\":\"apply\",\"state\":\"done\",\"mboxname\":\"a\","
		"\"changed\":true}\n";
	struct seen seen = {0};

	ck_assert_int_eq(
		cyre_journal_read(cyre_slice_str(text), each, &seen), CYRE_OK);
	ck_assert_uint_eq(seen.n, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("journal");
	TCase *t = tcase_create("journal");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, lines_come_back);
	tcase_add_test(t, torn_at_every_length);
	tcase_add_test(t, one_run_at_a_time);
	tcase_add_test(t, full_disk_is_a_status);
	tcase_add_test(t, other_lines_are_passed_over);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
