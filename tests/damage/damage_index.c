/*
 * damage_index.c - every small damage to real cyrus.index files of all versions
 *
 * From version 12 on check sums cover each byte: every flipped bit, cut and
 * lost sector is noticed. Before, those are that contradict something: a count,
 * an order, a bound, another field. What remains is a value that could be true,
 * as a date or a flag of one message.
 */
#include "unit.h"

#include "check_index.h"
#include "damage.h"
#include "digest.h"
#include "header.h"

#define NOW 1800000000 /* seconds; behind all dates of the files */

static bool above_note(const struct cyre_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (cyre_problem_row(f->items[i].problem)->severity >
			CYRE_SEV_NOTE)
			return true;
	return false;
}

/* payload: the cyrus.header beside it. */
static bool noticed(struct cyre_slice file, void *payload)
{
	const struct cyre_header *h = payload;
	struct cyre_index_context ctx = {
		.now = NOW,
		.header_known = true,
		.header_crc = cyre_crc32(h->bytes),
		.flag_names = h->flags,
		.flag_count = h->nflags,
	};
	struct cyre_findings found = {.keep = 1};
	struct cyre_index_totals totals;
	struct cyre_index ix;
	bool yes;

	if (cyre_index_read(file, CYRE_FILE_INDEX, &found, &ix) == CYRE_OK)
		cyre_check_index(&ix, &ctx, &found, &totals);
	yes = above_note(&found);
	cyre_findings_free(&found);
	return yes;
}

static const struct {
	const char *place; /* below fixtures/ */
	unsigned version, size;
	struct damage all; /* noticed; of v12 and later it is everything */
} files[] = {
	{"mailboxes/2.1.15", 4, 440, {2279, 440, 1}},
	{"conversions/2.5.17/v06", 6, 1576, {7578, 1576, 4}},
	{"conversions/2.5.17/v07", 7, 1876, {7578, 1876, 4}},
	{"conversions/2.5.17/v08", 8, 2092, {9068, 2092, 5}},
	{"conversions/2.5.17/v09", 9, 2096, {9068, 2096, 5}},
	{"conversions/2.5.17/v10", 10, 2296, {9068, 2296, 5}},
	{"conversions/2.5.17/v12", 12, 2528, {2528 * 8, 2528, 5}},
	{"conversions/2.5.17/v13", 13, 2728, {2728 * 8, 2728, 6}},
	{"conversions/3.10.2/v14", 14, 3176, {3176 * 8, 3176, 7}},
	{"conversions/3.10.2/v15", 15, 3176, {3176 * 8, 3176, 7}},
	{"conversions/3.10.2/v16", 16, 3408, {3408 * 8, 3408, 7}},
	{"conversions/3.10.2/v17", 17, 3408, {3408 * 8, 3408, 7}},
	{"conversions/3.10.2/v18", 18, 3408, {3408 * 8, 3408, 7}},
	{"conversions/3.10.2/v19", 19, 3408, {3408 * 8, 3408, 7}},
	{"conversions/3.13.1/v20", 20, 4368, {4368 * 8, 4368, 9}},
	{"mailboxes/2.4.22", 12, 800, {800 * 8, 800, 2}},
	{"mailboxes/3.6.1", 17, 944, {944 * 8, 944, 2}},
	{"mailboxes/3.13.1", 20, 1200, {1200 * 8, 1200, 3}},
};

static struct cyre_slice read_fixture(const char *place, const char *name)
{
	char path[1000];

	snprintf(path, sizeof(path), "%s/fixtures/%s/%s", CYRE_SOURCE_DIR,
		place, name);
	return test_read(path);
}

START_TEST(each_damage)
{
	struct cyre_slice s = read_fixture(files[_i].place, "cyrus.index");
	struct cyre_slice hs = read_fixture(files[_i].place, "cyrus.header");
	struct cyre_findings found = {0};
	struct cyre_header h;
	struct damage d;

	ck_assert_int_eq(
		cyre_header_read(hs, CYRE_FILE_HEADER, &found, &h), CYRE_OK);
	ck_assert_uint_eq(s.n, files[_i].size);
	ck_assert_uint_eq(cyre_load_be32(s.p + 8), files[_i].version);
	ck_assert(!noticed(s, &h));
	d = damage_all(s, noticed, &h);
	printf("v%u, %s: of %zu flips %u, of %zu cuts %u, of %zu sectors %u\n",
		files[_i].version, files[_i].place, s.n * 8, d.flips, s.n,
		d.cuts, (s.n + SECTOR - 1) / SECTOR, d.sectors);
	ck_assert_uint_eq(d.flips, files[_i].all.flips);
	ck_assert_uint_eq(d.cuts, files[_i].all.cuts);
	ck_assert_uint_eq(d.sectors, files[_i].all.sectors);
	cyre_header_free(&h);
	cyre_findings_free(&found);
	free((void *)s.p);
	free((void *)hs.p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("damage to cyrus.index");
	TCase *t = tcase_create("index");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(
		t, each_damage, 0, (int)(sizeof(files) / sizeof(files[0])));
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
