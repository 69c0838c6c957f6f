/* check_header.c - cyrus.header: reader, invariants, the old uniqueid hash. */
#include "unit.h"

#include "check_header.h"
#include "dlist.h"
#include "files.h"

#define MAGIC                                                                  \
	"\241\002\213\015Cyrus mailbox header\n"                               \
	"\"The best thing about this system was that it had lots of "          \
	"goals.\"\n"                                                           \
	"\t--Jim Morris on Andrew\n"

static struct cyre_findings found;
static struct cyre_header h;

static void read_slice(struct cyre_slice s)
{
	struct cyre_header_context ctx = {.file = CYRE_FILE_HEADER};

	ck_assert_int_eq(
		cyre_header_read(s, CYRE_FILE_HEADER, &found, &h), CYRE_OK);
	cyre_check_header(&h, &ctx, &found);
	ck_assert_int_eq(found.status, CYRE_OK);
}

/* A header with this payload; the bytes stay until the next one. */
static void read_payload(const char *payload)
{
	static uint8_t *bytes;
	size_t n = strlen(payload);

	cyre_header_free(&h);
	cyre_findings_free(&found);
	free(bytes);
	bytes = malloc(CYRE_HEADER_MAGIC_LEN + n);
	memcpy(bytes, MAGIC, CYRE_HEADER_MAGIC_LEN);
	memcpy(bytes + CYRE_HEADER_MAGIC_LEN, payload, n);
	read_slice(cyre_slice(bytes, CYRE_HEADER_MAGIC_LEN + n));
}

static void is(struct cyre_slice s, const char *want)
{
	ck_assert_msg(cyre_slice_eq(s, cyre_slice_str(want)), "\"%.*s\": %s",
		(int)s.n, (const char *)s.p, want);
}

/* Exactly these problems, each once. */
static void problems(const char *slugs)
{
	char got[1000] = "";

	for (size_t i = 0; i < found.n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
			i ? " " : "",
			cyre_problem_row(found.items[i].problem)->slug);
	ck_assert_str_eq(got, slugs);
}

static void teardown(void)
{
	cyre_header_free(&h);
	cyre_findings_free(&found);
}

START_TEST(text_forms)
{
	read_payload("user.a\t0123456789abcdef\nA  $B \na\tlrs\tb\tp\t\n");
	problems("header-flag-hole");
	ck_assert_int_eq(h.form, CYRE_HEADER_TEXT);
	is(h.quotaroot, "user.a");
	is(h.uniqueid, "0123456789abcdef");
	is(h.acl, "a\tlrs\tb\tp\t");
	ck_assert_uint_eq(h.nflags, 3);
	is(h.flags[0], "A");
	is(h.flags[1], "");
	is(h.flags[2], "$B");

	read_payload("\t0123456789abcdef\n\n\n");
	problems("");
	ck_assert_uint_eq(h.nflags, 0);

	/* Before 1.6: no uniqueid. */
	read_payload("user.a\n\nanyone\tlrs\t\n");
	problems("header-no-uniqueid");
	ck_assert_int_eq(h.form, CYRE_HEADER_OLD);
	is(h.quotaroot, "user.a");
	/* Refused by every release. */
	read_payload("user.a\t\n\nanyone\tlrs\t\n");
	problems("header-no-uniqueid");
	/* 2.5 and later leave room for a third field. */
	read_payload("\t0123456789abcdef\tnew\tfields\nA \nanyone\tlrs\t\n");
	problems("header-extra");
	is(h.uniqueid, "0123456789abcdef");
	is(h.extra, "new\tfields");
	read_payload("\t0123456789abcdef\nA \nanyone\tlrs\t\nmore");
	problems("header-extra");
	is(h.tail, "more");
}
END_TEST

/* What is in front of the cut must survive it. */
START_TEST(text_cut)
{
	read_payload("user.a\t0123456789abcdef\nA B \nanyone\tlr");
	problems("header-truncated header-acl");
	is(h.flags[1], "B");
	read_payload("user.a\t0123456789abcdef\nA B");
	problems("header-truncated");
	is(h.flags[1], "B");
	read_payload("user.a\t0123456789abcdef");
	problems("header-truncated");
	is(h.uniqueid, "0123456789abcdef");
	read_payload("");
	problems("header-truncated header-no-uniqueid");
}
END_TEST

START_TEST(dlist_forms)
{
	read_payload(
		"%(T el N \"user.a.b c\" I abcdefabcdefabcd J P-F Q user.a "
		"A %(a lrs \"d\\\\e\" p) U (A NIL $B))\n");
	problems("");
	ck_assert_int_eq(h.form, CYRE_HEADER_DLIST);
	is(h.type, "el");
	is(h.name, "user.a.b c");
	is(h.uniqueid, "abcdefabcdefabcd");
	is(h.jmapid, "P-F");
	is(h.quotaroot, "user.a");
	is(h.acl, "a\tlrs\td\\e\tp\t");
	ck_assert_uint_eq(h.nflags, 3);
	is(h.flags[1], "");
	is(h.flags[2], "$B");

	/* What 3.6 writes for a header that it read from a text form. */
	read_payload("%(T e N NIL I abcdefabcdefabcd A %())\n");
	problems("");
	is(h.name, "");
	is(h.acl, "");
	/* The string NIL is quoted. */
	read_payload("%(T e N \"NIL\" I abcdefabcdefabcd)\n");
	is(h.name, "NIL");

	read_payload(
		"%(T e N a I abcdefabcdefabcd X y Z (a (b) c) A %(a p))\n");
	problems("header-extra");
	is(h.extra, "X y Z (a (b) c)");
	is(h.acl, "a\tp\t");
	read_payload("%(U (A) I abcdefabcdefabcd)\n");
	problems("header-key-missing header-key-missing");
	is(h.flags[0], "A");
}
END_TEST

/* The server writes names with backslashes so, and cannot read them again. */
START_TEST(dlist_literal)
{
	read_payload("%(T e N a I abcdefabcdefabcd A %({5}\r\nD\\usr lrs) "
		     "U (A))\n");
	problems("header-literal");
	is(h.acl, "D\\usr\tlrs\t");
	is(h.flags[0], "A");
	is(h.tail, "");
	read_payload("%(T e N a I abcdefabcdefabcd A %({500}\r\nD\\usr lrs) "
		     "U (A))\n");
	ck_assert_uint_gt(found.count[CYRE_P_HEADER_SYNTAX], 0);
	is(h.flags[0], "A");
}
END_TEST

/* One bad byte must not cost the names of the flags. */
START_TEST(dlist_goes_on_behind_damage)
{
	read_payload("%(T e N a I abcdefabcdefabcd A 5(a lrs b p) U (A $B))\n");
	ck_assert_uint_eq(found.count[CYRE_P_HEADER_SYNTAX], 1);
	is(h.flags[0], "A");
	is(h.flags[1], "$B");
	read_payload("%(T e N \"a I abcdefabcdefabcd U (A $B))\n");
	ck_assert_uint_eq(found.count[CYRE_P_HEADER_SYNTAX], 1);
	is(h.uniqueid, "abcdefabcdefabcd");
	is(h.flags[1], "$B");
	read_payload("e(T e N a I abcdefabcdefabcd U (A $B))\n");
	ck_assert_uint_eq(found.count[CYRE_P_HEADER_SYNTAX], 1);
	is(h.uniqueid, "abcdefabcdefabcd");
	read_payload("%(T e N a I abcdefabcdefabcd U (A $B)");
	ck_assert_uint_eq(found.count[CYRE_P_HEADER_TRUNCATED], 1);
	is(h.flags[1], "$B");
}
END_TEST

/* A list in a list in a list must not eat the stack or the time. */
START_TEST(dlist_depth)
{
	static char deep[100000];

	memset(deep, '(', sizeof(deep) - 1);
	memcpy(deep, "%(X (", 5);
	read_payload(deep);
	ck_assert_uint_eq(found.count[CYRE_P_HEADER_TRUNCATED], 1);
}
END_TEST

START_TEST(values)
{
	read_payload("b.c\t0123456789 bcdef\nA\"x a A \nanyone\tlrs\t\n");
	problems("header-uniqueid-odd header-flag-name header-flag-duplicate");
	ck_assert_uint_eq(found.items[2].expected, 1);
	ck_assert_uint_eq(found.items[2].actual, 2);
	read_payload("\t0123456789abcdef\n\nanyone\tlZs\t\n");
	problems("header-acl");
	read_payload("\t0123456789abcdef\n\nanyone\tls\tb\t\n");
	problems("header-acl");
	read_payload("\t0123456789abcdef\n\n\tls\t\n");
	problems("header-acl");
	read_payload("%(T eX N a.b I abcdefabcdefabcd Q a.c)\n");
	problems("header-type header-quotaroot");
	read_payload("%(T e N d!a.b I abcdefabcdefabcd Q d!)\n");
	problems("");
}
END_TEST

/* 3.6 and later write past an array when they read such a header. */
START_TEST(too_many_flags)
{
	char payload[2000] = "%(T e N a I abcdefabcdefabcd U (";

	for (int i = 0; i < 129; i++)
		snprintf(payload + strlen(payload), 20, "%sf%d", i ? " " : "",
			i);
	snprintf(payload + strlen(payload), 20, "))\n");
	read_payload(payload);
	problems("header-flags-too-many");
	ck_assert_uint_eq(found.items[0].actual, 129);
	ck_assert_uint_eq(h.nflags, 128);
	is(h.flags[127], "f127");
}
END_TEST

START_TEST(not_a_header)
{
	uint8_t zero[300] = {0}, bytes[CYRE_HEADER_MAGIC_LEN + 21];

	read_slice(cyre_slice(NULL, 0));
	problems("header-empty");
	teardown();
	read_slice(cyre_slice(zero, sizeof(zero)));
	problems("header-nul header-magic");
	ck_assert_int_eq(h.form, CYRE_HEADER_NONE);
	teardown();
	read_slice(cyre_slice_str("Cyrus"));
	problems("header-magic");
	teardown();
	/* A bit of the magic is wrong: the rest is good all the same. */
	memcpy(bytes, MAGIC "\t0123456789abcdef\n\n\n", sizeof(bytes) - 1);
	bytes[sizeof(bytes) - 1] = '\n';
	bytes[50] ^= 4;
	read_slice(cyre_slice(bytes, sizeof(bytes)));
	ck_assert_uint_eq(found.count[CYRE_P_HEADER_MAGIC], 1);
	ck_assert_uint_eq(found.items[0].offset, 50);
	is(h.uniqueid, "0123456789abcdef");
}
END_TEST

START_TEST(uniqueid_hash_vectors)
{
	struct cyre_slice s = cyre_slice_str("user.cassandane");

	ck_assert_uint_eq(cyre_uniqueid_hash(s, false), 0x41f1e8b6);
	ck_assert_uint_eq(cyre_uniqueid_hash(s, true), 0x64a19351);
}
END_TEST

static void pristine(const char *path, void *payload)
{
	struct cyre_slice s = test_read(path);

	teardown();
	read_slice(s);
	ck_assert_msg(found.n == 0, "%s: %s", path,
		cyre_problem_row(found.items[0].problem)->slug);
	ck_assert(h.form == CYRE_HEADER_TEXT || h.form == CYRE_HEADER_DLIST);
	++*(unsigned *)payload;
	teardown();
	free((void *)s.p);
}

/* What a server wrote is never wrong. */
START_TEST(real_headers)
{
	static const char *const sets[] = {CYRE_SOURCE_DIR "/fixtures/spools",
		CYRE_SHARED_DIR "/fixtures/spools",
		CYRE_SHARED_DIR "/fixtures/conversions"};
	char *dir = test_unpack(sets[_i], "'*/cyrus.header'");
	unsigned n = 0;

	if (!dir) {
		printf("SKIP: %s is absent\n", sets[_i]);
		return;
	}
	test_walk(dir, "cyrus.header", pristine, &n);
	printf("%u headers of %s\n", n, sets[_i]);
	ck_assert_uint_gt(n, 20);
	test_remove(dir);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("header");
	TCase *t = tcase_create("header");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, text_forms);
	tcase_add_test(t, text_cut);
	tcase_add_test(t, dlist_forms);
	tcase_add_test(t, dlist_literal);
	tcase_add_test(t, dlist_goes_on_behind_damage);
	tcase_add_test(t, dlist_depth);
	tcase_add_test(t, values);
	tcase_add_test(t, too_many_flags);
	tcase_add_test(t, not_a_header);
	tcase_add_test(t, uniqueid_hash_vectors);
	tcase_add_loop_test(t, real_headers, 0, 3);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
