/*
 * damage_cache.c - every small damage to real cyrus.cache files
 *
 * With check sums (index v12 and later) each is noticed. Without, those are
 * that break a form or contradict another item or the index; what remains is a
 * letter inside a string, which only the message can tell.
 */
#include "unit.h"

#include "check_cache.h"
#include "damage.h"

static bool noticed(struct cyre_slice file, void *payload)
{
	struct cyre_cache_context ctx = {
		.file = CYRE_FILE_CACHE, .index = payload};
	struct cyre_source src = cyre_source_mem(file);
	struct cyre_findings found = {.keep = 1};
	struct cyre_cache_totals totals;
	bool yes;

	ck_assert_int_eq(
		cyre_check_cache(&src, &ctx, &found, &totals), CYRE_OK);
	yes = found.n > found.count[CYRE_P_CACHE_NO_CRC];
	cyre_findings_free(&found);
	return yes;
}

static const struct {
	const char *release;
	unsigned size;
	bool has_crc;
	struct damage all; /* noticed */
} files[] = {
	{"2.1.15", 7412, false, {32061, 7412, 15}},
	{"2.4.22", 11372, true, {11372 * 8, 11372, 23}},
	{"3.6.1", 9460, true, {9460 * 8, 9460, 19}},
	{"3.13.1", 11644, true, {11644 * 8, 11644, 23}},
};

START_TEST(each_damage)
{
	struct cyre_slice s = damage_fixture(files[_i].release, "cyrus.cache");
	struct cyre_slice i = damage_fixture(files[_i].release, "cyrus.index");
	struct cyre_findings found = {0};
	struct cyre_index ix;
	struct damage d;

	ck_assert_int_eq(
		cyre_index_read(i, CYRE_FILE_INDEX, &found, &ix), CYRE_OK);
	ck_assert(cyre_index_has_crc(ix.layout) == files[_i].has_crc);
	ck_assert_uint_eq(s.n, files[_i].size);
	ck_assert(!noticed(s, &ix));
	d = damage_all(s, noticed, &ix);
	printf("%s: of %zu flips %u, of %zu cuts %u, of %zu sectors %u\n",
		files[_i].release, s.n * 8, d.flips, s.n, d.cuts,
		(s.n + SECTOR - 1) / SECTOR, d.sectors);
	ck_assert_uint_eq(d.flips, files[_i].all.flips);
	ck_assert_uint_eq(d.cuts, files[_i].all.cuts);
	ck_assert_uint_eq(d.sectors, files[_i].all.sectors);
	cyre_findings_free(&found);
	free((void *)s.p);
	free((void *)i.p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("damage to cyrus.cache");
	TCase *t = tcase_create("cache");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(
		t, each_damage, 0, (int)(sizeof(files) / sizeof(files[0])));
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
