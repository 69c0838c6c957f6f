/*
 * damage_header.c - every small damage to real cyrus.header files
 *
 * Without the index most changes of a letter pass: nothing says what a flag was
 * called. With its check sum of the header (v12 and later) none does.
 */
#include "unit.h"

#include "check_header.h"
#include "damage.h"
#include "digest.h"
#include "index.h"

static bool above_note(const struct cyre_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (cyre_problem_row(f->items[i].problem)->severity >
			CYRE_SEV_NOTE)
			return true;
	return false;
}

/* payload: header_file_crc of the index, or 0. */
static bool noticed(struct cyre_slice file, void *payload)
{
	struct cyre_header_context ctx = {.file = CYRE_FILE_HEADER};
	uint32_t want = *(uint32_t *)payload;
	struct cyre_findings found = {0};
	struct cyre_header h;
	bool yes;

	ck_assert_int_eq(cyre_header_read(file, ctx.file, &found, &h), CYRE_OK);
	cyre_check_header(&h, &ctx, &found);
	yes = above_note(&found) || (want && cyre_crc32(file) != want);
	cyre_header_free(&h);
	cyre_findings_free(&found);
	return yes;
}

static uint32_t header_crc_of_index(const char *release)
{
	struct cyre_slice s = damage_fixture(release, "cyrus.index");
	struct cyre_findings found = {0};
	struct cyre_index ix;
	uint32_t crc;

	ck_assert_int_eq(
		cyre_index_read(s, CYRE_FILE_INDEX, &found, &ix), CYRE_OK);
	crc = (uint32_t)ix.h.header_file_crc;
	cyre_findings_free(&found);
	free((void *)s.p);
	return crc;
}

static const struct {
	const char *release;
	unsigned size;
	struct damage alone; /* noticed without the index */
} files[] = {
	{"2.1.15", 201, {1178, 201, 1}},
	{"2.4.22", 200, {1154, 200, 1}},
	{"3.6.1", 275, {1413, 275, 1}},
	{"3.13.1", 282, {1632, 282, 1}},
};

START_TEST(each_damage)
{
	struct cyre_slice s = damage_fixture(files[_i].release, "cyrus.header");
	uint32_t crc = header_crc_of_index(files[_i].release), none = 0;
	struct damage d = damage_all(s, noticed, &none);

	printf("%s: of %zu flips %u, of %zu cuts %u, of %zu sectors %u\n",
		files[_i].release, s.n * 8, d.flips, s.n, d.cuts,
		(s.n + SECTOR - 1) / SECTOR, d.sectors);
	ck_assert(!noticed(s, &none));
	ck_assert_uint_eq(s.n, files[_i].size);
	ck_assert_uint_eq(d.flips, files[_i].alone.flips);
	ck_assert_uint_eq(d.cuts, files[_i].alone.cuts);
	ck_assert_uint_eq(d.sectors, files[_i].alone.sectors);
	if (crc) {
		ck_assert(!noticed(s, &crc));
		d = damage_all(s, noticed, &crc);
		ck_assert_uint_eq(d.flips, s.n * 8);
		ck_assert_uint_eq(d.cuts, s.n);
		ck_assert_uint_eq(d.sectors, (s.n + SECTOR - 1) / SECTOR);
	}
	free((void *)s.p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("damage to cyrus.header");
	TCase *t = tcase_create("header");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(
		t, each_damage, 0, (int)(sizeof(files) / sizeof(files[0])));
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
