/* check_base.c - cursor, buffer, check sums, the problem table, findings. */
#include "unit.h"

#include <cyrescue/finding.h>

#include "buf.h"
#include "digest.h"
#include "nstime.h"

START_TEST(hexadecimal)
{
	static const uint8_t bytes[] = {0x00, 0x0f, 0xa9, 0xff};
	struct cyre_buf b = {0};
	char text[9];

	cyre_to_hex(bytes, sizeof(bytes), text);
	ck_assert_str_eq(text, "000fa9ff");
	cyre_to_hex(bytes, 0, text);
	ck_assert_str_eq(text, "");
	cyre_put_hex(&b, cyre_slice(bytes, sizeof(bytes)));
	ck_assert(
		cyre_slice_eq(cyre_buf_slice(&b), cyre_slice_str("000fa9ff")));
	cyre_buf_free(&b);
}
END_TEST

static int by_bytes(const void *va, const void *vb)
{
	const struct cyre_slice *a = va, *b = vb;

	return cyre_slice_compare(*a, *b);
}

START_TEST(sought)
{
	const struct cyre_slice sorted[] = {cyre_slice(NULL, 0),
		cyre_slice_str("a"), cyre_slice_str("a"), cyre_slice_str("ab"),
		cyre_slice_str("b\xff")};
	static const struct {
		const char *key;
		size_t at;
	} cases[] = {{"", 0}, {"A", 1}, {"a", 1}, {"aa", 3}, {"ab", 3},
		{"b", 4}, {"b\xff", 4}, {"b\xff.", 5}, {"c", 5}};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cyre_slice key = cyre_slice_str(cases[i].key);

		ck_assert_uint_eq(
			cyre_seek(&key, sorted, 5, sizeof(key), by_bytes),
			cases[i].at);
	}
	ck_assert_uint_eq(
		cyre_seek(&sorted[0], NULL, 0, sizeof(*sorted), by_bytes), 0);
}
END_TEST

START_TEST(cursor_fails_once_and_stays_failed)
{
	static const uint8_t b[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
	struct cyre_cur c = cyre_cur(cyre_slice(b, sizeof(b)));

	ck_assert_uint_eq(cyre_get_be64(&c), 0x0102030405060708u);
	ck_assert_uint_eq(cyre_cur_left(&c), 3);
	ck_assert_uint_eq(cyre_get_be32(&c), 0);
	ck_assert(c.bad);
	ck_assert_uint_eq(cyre_get_u8(&c), 0); /* although three bytes remain */
	ck_assert_uint_eq(cyre_cur_left(&c), 0);
}
END_TEST

START_TEST(slice_sub_rejects_what_wraps)
{
	static const uint8_t b[8];
	struct cyre_slice s = cyre_slice(b, sizeof(b)), sub;

	ck_assert(cyre_slice_sub(s, 8, 0, &sub));
	ck_assert(!cyre_slice_sub(s, 9, 0, &sub));
	ck_assert(!cyre_slice_sub(s, 4, UINT64_MAX - 2, &sub));
	ck_assert(!cyre_slice_sub(s, UINT64_MAX, 2, &sub));
	ck_assert(cyre_slice_sub(s, 4, 4, &sub));
	ck_assert_ptr_eq(sub.p, b + 4);
}
END_TEST

START_TEST(buffer_keeps_its_limit)
{
	struct cyre_buf b = {.limit = 300};

	cyre_put_str(&b, "ab");
	cyre_put_dec(&b, 0);
	cyre_put_dec(&b, UINT64_MAX);
	cyre_put_be32(&b, 0x41424344);
	cyre_put_fmt(&b, "%s-%d", "x", 7);
	ck_assert(!b.bad);
	ck_assert(cyre_slice_eq(cyre_buf_slice(&b),
		cyre_slice_str("ab018446744073709551615ABCDx-7")));
	cyre_put_fill(&b, 0, 271);
	ck_assert(b.bad);
	cyre_put_u8(&b, 1);
	ck_assert_uint_eq(b.n, 30);
	cyre_buf_free(&b);
}
END_TEST

/* One flipped bit in an undo archive made a date in the year 2538. */
START_TEST(times_that_do_not_fit_end_at_the_limit)
{
	ck_assert_int_eq(cyre_ns_of(1, 5), 1000000005);
	ck_assert_int_eq(cyre_ns_of(-1, 5), -999999995);
	ck_assert_int_eq(cyre_ns_of(17954699077, 0), INT64_MAX);
	ck_assert_int_eq(cyre_ns_of(INT64_MIN, 0), INT64_MIN);
	ck_assert_int_eq(cyre_ns_of(9223372036, 999999999), INT64_MAX);
}
END_TEST

START_TEST(sums_have_known_values)
{
	static const uint8_t abc_sha1[CYRE_SHA1_LEN] = {0xa9, 0x99, 0x3e, 0x36,
		0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e, 0x25, 0x71, 0x78, 0x50,
		0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d};
	struct cyre_hasher *h;
	uint8_t d[CYRE_SHA1_LEN];

	ck_assert_uint_eq(cyre_crc32(cyre_slice_str("123456789")), 0xcbf43926);
	ck_assert_uint_eq(cyre_crc32(cyre_slice(NULL, 0)), 0);
	ck_assert_int_eq(cyre_hasher_new(&h), CYRE_OK);
	ck_assert_int_eq(cyre_sha1(h, cyre_slice_str("abc"), d), CYRE_OK);
	ck_assert_mem_eq(d, abc_sha1, sizeof(d));
	cyre_hasher_free(h);
}
END_TEST

/* A code once given must never mean something else (e2fsck's table test). */
/* GUIDs by the lanes of a vector: a lane more or less, a block more or less. */
START_TEST(many_sums_are_those_of_each)
{
	static const size_t counts[] = {0, 1, 5, 6, 15, 16, 17, 127, 128, 300};
	static struct cyre_sum sums[300];
	size_t size = CYRE_SUM_LONG + 400, i, k, n;
	uint8_t *bytes = malloc(size), one[CYRE_SHA1_LEN];
	struct cyre_hasher *h;

	ck_assert_ptr_nonnull(bytes);
	for (i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	ck_assert_int_eq(cyre_hasher_new(&h), CYRE_OK);
	for (k = 0; k < sizeof(counts) / sizeof(*counts); k++) {
		for (i = 0; i < counts[k]; i++) {
			n = i % 11 == 10 ? CYRE_SUM_LONG - 100 + i
					 : i * i % 9001;
			sums[i].bytes = cyre_slice(bytes + i % 64, n);
		}
		ck_assert_int_eq(cyre_sha1_many(h, sums, counts[k]), CYRE_OK);
		for (i = 0; i < counts[k]; i++) {
			ck_assert_int_eq(
				cyre_sha1(h, sums[i].bytes, one), CYRE_OK);
			ck_assert_mem_eq(sums[i].sha1, one, sizeof(one));
		}
	}
	cyre_hasher_free(h);
	free(bytes);
}
END_TEST

START_TEST(problem_rows_are_unique_and_whole)
{
	const struct cyre_problem_row *r =
		cyre_problem_row((enum cyre_problem)_i);
	int i;

	ck_assert_uint_eq(strlen(r->id), 6);
	ck_assert_msg(
		strspn(r->slug, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
			strlen(r->slug),
		"%s", r->slug);
	for (i = 0; i < _i; i++) {
		const struct cyre_problem_row *q =
			cyre_problem_row((enum cyre_problem)i);

		ck_assert_str_ne(q->id, r->id);
		ck_assert_str_ne(q->slug, r->slug);
		if (!strncmp(q->id, r->id, 3))
			ck_assert_msg(strcmp(q->id, r->id) < 0,
				"%s stands before %s", q->id, r->id);
	}
	ck_assert_int_eq(cyre_problem_by_name(r->slug), _i);
	ck_assert_int_eq(cyre_problem_by_name(r->id), _i);
	for (const char *p = strchr(r->detail, '$'); p; p = strchr(p + 1, '$'))
		ck_assert_msg(p[1] && strchr("eaEAuolt", p[1]), "%s: %s",
			r->slug, r->detail);
	ck_assert_int_eq(r->customer[strlen(r->customer) - 1], '.');
	ck_assert_int_eq(r->repair[strlen(r->repair) - 1], '.');
	/* What costs nothing needs no repair. */
	ck_assert_msg(r->severity != CYRE_SEV_NOTE || r->fix == CYRE_FIX_NONE,
		"%s", r->slug);
}
END_TEST

START_TEST(findings_sort_and_count_past_their_limit)
{
	struct cyre_findings f = {.keep = 2};

	CYRE_FIND(&f, .problem = CYRE_P_INDEX_RECORD_CRC,
		.file = CYRE_FILE_INDEX, .offset = 300, .uid = 3);
	CYRE_FIND(&f, .problem = CYRE_P_INDEX_RECORD_CRC,
		.file = CYRE_FILE_INDEX, .offset = 200, .uid = 2);
	CYRE_FIND(&f, .problem = CYRE_P_INDEX_RECORD_CRC,
		.file = CYRE_FILE_INDEX, .offset = 100, .uid = 1);
	CYRE_FIND(&f, .problem = CYRE_P_ODD_FILE, .file = CYRE_FILE_OTHER,
		.text = "core");
	cyre_findings_sort(&f);
	ck_assert_int_eq(f.status, CYRE_OK);
	ck_assert_uint_eq(f.n, 3);
	ck_assert_uint_eq(f.count[CYRE_P_INDEX_RECORD_CRC], 3);
	ck_assert_uint_eq(f.items[0].offset, 200);
	ck_assert_str_eq(f.items[2].text, "core");
	cyre_findings_free(&f);
}
END_TEST

/* Ranges of a mailbox are put together as if they had been read in one go. */
START_TEST(merged_findings_keep_the_first_and_count_all)
{
	struct cyre_findings a = {.keep = 3}, b = {.keep = 3};
	unsigned i;

	for (i = 0; i < 2; i++)
		CYRE_FIND(&a, .problem = CYRE_P_MESSAGE_ZEROED, .uid = i);
	for (; i < 10; i++)
		CYRE_FIND(&b, .problem = CYRE_P_MESSAGE_ZEROED, .uid = i,
			.text = "text");
	cyre_findings_merge(&a, &b);
	ck_assert_uint_eq(a.n, 3);
	ck_assert_uint_eq(a.items[2].uid, 2);
	ck_assert_str_eq(a.items[2].text, "text");
	ck_assert_uint_eq(a.count[CYRE_P_MESSAGE_ZEROED], 10);
	ck_assert_uint_eq(b.n, 0);
	ck_assert_uint_eq(b.count[CYRE_P_MESSAGE_ZEROED], 0);
	ck_assert_uint_eq(b.keep, 3);
	b.status = CYRE_ENOMEM;
	cyre_findings_merge(&a, &b);
	ck_assert_int_eq(a.status, CYRE_ENOMEM);
	cyre_findings_free(&a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base");
	TCase *t = tcase_create("base");

	tcase_add_test(t, hexadecimal);
	tcase_add_test(t, sought);
	tcase_add_test(t, cursor_fails_once_and_stays_failed);
	tcase_add_test(t, slice_sub_rejects_what_wraps);
	tcase_add_test(t, buffer_keeps_its_limit);
	tcase_add_test(t, times_that_do_not_fit_end_at_the_limit);
	tcase_add_test(t, sums_have_known_values);
	tcase_add_test(t, many_sums_are_those_of_each);
	tcase_add_loop_test(
		t, problem_rows_are_unique_and_whole, 0, CYRE_PROBLEM_COUNT);
	tcase_add_test(t, findings_sort_and_count_past_their_limit);
	tcase_add_test(t, merged_findings_keep_the_first_and_count_all);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
