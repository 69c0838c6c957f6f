/* check_report.c - hostile names, words of a finding, the triage's counts. */
#include "unit.h"

#include <cyrescue/report.h>

#include "buf.h"
#include "json.h"
#include "utf8.h"
#include "words.h"

static int collect(const void *bytes, size_t n, void *payload)
{
	cyre_put(payload, bytes, n);
	return 0;
}

static const char *as_text(struct cyre_buf *b)
{
	cyre_put_u8(b, 0);
	ck_assert(!b->bad);
	return (const char *)b->p;
}

START_TEST(json_escapes_what_is_hostile)
{
	struct cyre_buf b = {0};
	struct cyre_json j = {.b = &b};

	cyre_json_begin(&j, '{');
	cyre_json_member(&j, "a", "q\" b\\ n\n \x1b[31m \x7f");
	cyre_json_member(&j, "gone", NULL);
	cyre_json_member(&j, "utf8", "\xc3\xa9\xf0\x9f\x98\x80");
	cyre_json_member(&j, "not", "\xc3\xa9 \xe9");
	cyre_json_member_number(&j, "n", UINT64_MAX);
	cyre_json_end(&j, '}');
	ck_assert_str_eq(as_text(&b),
		"{\"a\":\"q\\\" b\\\\ n\\n \\u001b[31m \\u007f\","
		"\"utf8\":\"\xc3\xa9\xf0\x9f\x98\x80\","
		"\"not\":\"\\u00c3\\u00a9 \\u00e9\","
		"\"n\":18446744073709551615}");
	cyre_buf_free(&b);
}
END_TEST

START_TEST(terminals_get_no_escapes)
{
	static const char *const bad[] = {"\xc0\x80", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\xe2\x82", "\xff"};
	struct cyre_buf b = {0};
	size_t i;

	cyre_put_visible(&b, cyre_slice_str("a\\\x1b]0;x\x07\xc2\x9b\xc3\xa9"));
	ck_assert_str_eq(as_text(&b), "a\\\\\\x1b]0;x\\x07\\xc2\\x9b\xc3\xa9");
	cyre_buf_free(&b);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert(!cyre_utf8_valid(cyre_slice_str(bad[i])));
}
END_TEST

/* Text is looked at eight bytes at a time: no byte may hide among them. */
START_TEST(terminals_get_no_escapes_wherever_they_stand)
{
	char want[60], text[21];
	struct cyre_buf b = {0};
	unsigned c;
	int at;

	for (c = 1; c < 256; c++) {
		for (at = 0; at < 20; at++) {
			memset(text, '~', 20);
			text[20] = '\0';
			text[at] = (char)c;
			snprintf(want, sizeof(want),
				c == '\\' || (c >= 0x20 && c < 0x7f)
					? "%.*s%s%c%s"
					: "%.*s%s\\x%02x%s",
				at, text, c == '\\' ? "\\" : "", c,
				text + at + 1);
			cyre_buf_reset(&b);
			cyre_put_visible(&b, cyre_slice_str(text));
			ck_assert_str_eq(as_text(&b), want);
		}
	}
	cyre_buf_free(&b);
}
END_TEST

START_TEST(a_finding_becomes_a_sentence)
{
	struct cyre_finding f = {.problem = CYRE_P_INDEX_RECORD_CRC,
		.expected = 0xabc,
		.actual = 0x123,
		.length = 7};
	struct cyre_buf b = {0};

	cyre_words(&b, &f);
	ck_assert_str_eq(as_text(&b),
		"record 7: the checksum is 00000123, computed 00000abc");
	cyre_buf_free(&b);
}
END_TEST

static void put_mailbox(
	cyre_report *r, const char *name, const char *user, int problem)
{
	struct cyre_findings f = {0};
	struct cyre_report_mailbox m = {.mboxname = name,
		.userid = user,
		.partition = "default",
		.messages = 10,
		.bytes = 2048,
		.findings = &f};

	if (problem >= 0)
		CYRE_FIND(&f, .problem = (enum cyre_problem)problem,
			.file = CYRE_FILE_INDEX, .uid = 3);
	if (problem == CYRE_P_INDEX_MISSING)
		m.access = CYRE_ACCESS_UNAVAILABLE;
	cyre_report_mailbox(r, &m);
	cyre_findings_free(&f);
}

/* Customers are counted once, by their worst mailbox. */
START_TEST(the_triage_counts_mailboxes_and_customers)
{
	struct cyre_buf b = {0};
	struct cyre_report_options o = {
		.format = CYRE_REPORT_TEXT, .write = collect, .payload = &b};
	const char *text;
	cyre_report *r;

	ck_assert_int_eq(cyre_report_new(&o, &r), CYRE_OK);
	cyre_report_begin(r, &(struct cyre_report_run){.level = 3});
	put_mailbox(r, "DELETED.user.ann.x", "ann", -1);
	put_mailbox(r, "shared", NULL, -1);
	put_mailbox(r, "user.ann", "ann", -1);
	put_mailbox(r, "user.ann.a", "ann", CYRE_P_INDEX_MISSING);
	put_mailbox(r, "user.ann.b", "ann", CYRE_P_MESSAGE_FILE_MISSING);
	put_mailbox(r, "user.bob", "bob", CYRE_P_INDEX_COUNTERS);
	put_mailbox(r, "user.eve", "eve", -1);
	ck_assert_int_eq(cyre_report_end(r, true, 4), CYRE_OK);
	text = as_text(&b);
	ck_assert_ptr_nonnull(strstr(text, "7 mailboxes of 3 customers, 70 "
					   "messages, 14.0 KiB, level 3\n"));
	ck_assert_ptr_nonnull(strstr(text,
		"  losing data             1 mailbox          1 customer\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "  cannot be opened        1 mailbox\n"));
	ck_assert_ptr_nonnull(strstr(text,
		"  stale                   1 mailbox          1 customer\n"));
	ck_assert_ptr_nonnull(strstr(text,
		"  fine                    4 mailboxes        1 customer\n"));
	ck_assert_ptr_nonnull(strstr(text, "1 message is listed but gone"));
	ck_assert_ptr_nonnull(strstr(text, "index-missing"));
	cyre_report_free(r);
	cyre_buf_free(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("report");
	TCase *t = tcase_create("report");

	tcase_add_test(t, json_escapes_what_is_hostile);
	tcase_add_test(t, terminals_get_no_escapes);
	tcase_add_test(t, terminals_get_no_escapes_wherever_they_stand);
	tcase_add_test(t, a_finding_becomes_a_sentence);
	tcase_add_test(t, the_triage_counts_mailboxes_and_customers);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
