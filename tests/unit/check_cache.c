/* check_cache.c - cyrus.cache: strings, records, the file against the index. */
#include "unit.h"

#include "check_cache.h"
#include "digest.h"
#include "files.h"

static struct cyre_findings found;
static struct cyre_cache_totals totals;

static void teardown(void)
{
	cyre_findings_free(&found);
}

/* ---- strings ---- */

static bool nstring(const char *s, size_t n, const char *want)
{
	struct cyre_cur c = cyre_cur(cyre_slice(s, n));
	struct cyre_slice got = cyre_get_nstring(&c);

	if (!want)
		return c.bad;
	return !c.bad && c.p == c.end &&
	       cyre_slice_eq(got, cyre_slice_str(want));
}

#define GOOD(s, want) ck_assert(nstring(s, sizeof(s) - 1, want))
#define BAD(s)        ck_assert(nstring(s, sizeof(s) - 1, NULL))

/* A writer has no choice: each value has one form (cache.md section 2). */
START_TEST(nstrings)
{
	char text[1100];

	GOOD("NIL", "");
	GOOD("\"\"", "");
	GOOD("\"a b\tc\"", "a b\tc");
	GOOD("{3}\r\na\"b", "a\"b");
	GOOD("{1}\r\n\\", "\\");
	BAD("\"a%b\"");
	BAD("\"a\nb\"");
	BAD("\"\351\"");
	BAD("\"a");
	BAD("a");
	BAD("");
	BAD("{3}\r\nabc");   /* quotes would do */
	BAD("{3}\r\na\0\""); /* values end at a NUL */
	BAD("{4}\r\na\"b");  /* too short */
	BAD("{}\r\n");
	BAD("{3}\na\"b");
	BAD("{99999999999}\r\na\"b");
	memset(text, 'x', sizeof(text));
	text[0] = text[1024] = '"';
	ck_assert(!nstring(text, 1025, NULL));
	text[1024] = 'x';
	text[1025] = '"';
	ck_assert(nstring(text, 1026, NULL)); /* 1024 bytes: a literal */
}
END_TEST

/* ---- records ---- */

START_TEST(measure_asks_for_what_it_needs)
{
	uint8_t b[48] = {0};
	struct cyre_cache_record r;

	b[3] = 5; /* ENVELOPE: 5 bytes and 3 of padding */
	for (size_t n = 0; n < sizeof(b); n++)
		ck_assert_uint_eq(cyre_cache_measure(cyre_slice(b, n), &r),
			n < 40 ? 40 : 48);
	ck_assert_uint_eq(cyre_cache_measure(cyre_slice(b, 48), &r), 0);
	ck_assert_uint_eq(r.item[CYRE_CACHE_ENVELOPE].n, 5);
	ck_assert_uint_eq(r.bytes.n, 48);
	ck_assert(cyre_cache_padding_ok(&r));
	b[10] = 1;
	ck_assert(!cyre_cache_padding_ok(&r));
	/* A length that wraps in 32 bits. */
	memset(b, 0xff, 4);
	ck_assert_uint_eq(cyre_cache_measure(cyre_slice(b, 48), &r),
		0xffffffffull + 1 + 40);
}
END_TEST

/* ---- files ---- */

struct mailbox {
	struct cyre_slice index, cache;
	struct cyre_index ix;
};

static struct mailbox open_mailbox(const char *release)
{
	struct mailbox m;
	char path[500];

	snprintf(path, sizeof(path), "%s/fixtures/mailboxes/%s/cyrus.index",
		CYRE_SOURCE_DIR, release);
	m.index = test_read(path);
	memcpy(strstr(path, "cyrus.index"), "cyrus.cache", 11);
	m.cache = test_read(path);
	ck_assert_int_eq(
		cyre_index_read(m.index, CYRE_FILE_INDEX, &found, &m.ix),
		CYRE_OK);
	ck_assert_uint_eq(found.n, 0);
	return m;
}

static void close_mailbox(struct mailbox *m)
{
	free((void *)m->index.p);
	free((void *)m->cache.p);
}

static void check(struct mailbox *m, bool deep)
{
	struct cyre_source src = cyre_source_mem(m->cache);
	struct cyre_cache_context ctx = {
		.file = CYRE_FILE_CACHE, .index = &m->ix, .deep = deep};

	cyre_findings_free(&found);
	ck_assert_int_eq(
		cyre_check_cache(&src, &ctx, &found, &totals), CYRE_OK);
	ck_assert_int_eq(found.status, CYRE_OK);
}

static uint8_t *bytes(struct cyre_slice s)
{
	return (uint8_t *)s.p;
}

static void only(enum cyre_problem p)
{
	ck_assert_msg(found.n == 1 && found.items[0].problem == p, "%zu %s",
		found.n,
		found.n ? cyre_problem_row(found.items[0].problem)->slug : "");
}

START_TEST(file_findings)
{
	struct mailbox m = open_mailbox("3.6.1");
	struct cyre_slice whole = m.cache;
	uint64_t count = m.ix.count;

	check(&m, true);
	ck_assert_uint_eq(found.n, 0);
	ck_assert_uint_eq(totals.records, count);
	ck_assert_uint_eq(totals.live_bytes + 4, m.cache.n);
	ck_assert_uint_eq(totals.dead_bytes, 0);
	/* A copy from another time. */
	bytes(m.cache)[3] ^= 1;
	check(&m, false);
	only(CYRE_P_CACHE_GENERATION);
	bytes(m.cache)[3] ^= 1;
	/* Cut by one byte: the last record alone. */
	m.cache.n--;
	check(&m, false);
	only(CYRE_P_CACHE_RECORD_CUT);
	ck_assert_uint_eq(totals.bad, 1);
	m.cache.n = 2;
	check(&m, false);
	ck_assert_uint_eq(found.count[CYRE_P_CACHE_SHORT], 1);
	ck_assert_uint_eq(found.count[CYRE_P_CACHE_OFFSET], count);
	m.cache = whole;
	/* A length prefix that leads far away. */
	bytes(m.cache)[4] = 0x7f;
	check(&m, false);
	only(CYRE_P_CACHE_RECORD_CUT);
	close_mailbox(&m);
}
END_TEST

/* Two messages must not share a record: one would be listed as the other. */
START_TEST(index_points_astray)
{
	struct mailbox m = open_mailbox("3.6.1");
	uint8_t *rec = bytes(m.index) + m.ix.start, *next = rec + m.ix.stride;

	memcpy(next + 24, rec + 24, 4); /* cache_offset */
	check(&m, false);
	only(CYRE_P_CACHE_OVERLAP);
	ck_assert_uint_eq(found.items[0].uid, cyre_load_be32(next));
	ck_assert_uint_eq(found.items[0].expected, cyre_load_be32(rec));
	cyre_store_be32(next + 24, 6);
	check(&m, false);
	only(CYRE_P_CACHE_OFFSET);
	cyre_store_be32(next + 24, 0);
	check(&m, false);
	only(CYRE_P_CACHE_OFFSET);
	close_mailbox(&m);
}
END_TEST

/* Nothing proves the bytes of a record without a check sum: look at them. */
START_TEST(without_crc)
{
	struct mailbox m = open_mailbox("3.6.1");
	uint8_t *rec = bytes(m.index) + m.ix.start;

	memset(rec + 104, 0, 4); /* cache_crc */
	check(&m, false);
	only(CYRE_P_CACHE_NO_CRC);
	ck_assert_uint_eq(totals.bad, 0);
	bytes(m.cache)[8] ^= 1; /* the parenthesis of ENVELOPE */
	check(&m, false);
	ck_assert_uint_eq(found.count[CYRE_P_CACHE_ITEM], 1);
	ck_assert_uint_eq(totals.bad, 1);
	bytes(m.cache)[8] ^= 1;
	rec[59] = 15; /* cache_version */
	check(&m, false);
	ck_assert_uint_eq(found.count[CYRE_P_CACHE_VERSION], 1);
	close_mailbox(&m);
}
END_TEST

/* Expunged and unlinked messages have no record any more; archived ones have
 * theirs elsewhere. */
START_TEST(records_without_cache)
{
	struct mailbox m = open_mailbox("3.6.1");
	struct cyre_source src = cyre_source_mem(m.cache);
	struct cyre_cache_context ctx = {
		.file = CYRE_FILE_CACHE, .index = &m.ix, .has_archive = true};
	uint8_t *flags = bytes(m.index) + m.ix.start + 32;

	ck_assert_uint_eq(cyre_cache_wanted(&ctx), m.ix.count);
	cyre_store_be32(flags, CYRE_FLAG_EXPUNGED | CYRE_FLAG_UNLINKED);
	ck_assert_uint_eq(cyre_cache_wanted(&ctx), m.ix.count - 1);
	ck_assert_int_eq(
		cyre_check_cache(&src, &ctx, &found, &totals), CYRE_OK);
	ck_assert_uint_eq(found.n, 0);
	ck_assert_uint_gt(totals.dead_bytes, 0);
	cyre_store_be32(flags, CYRE_FLAG_ARCHIVED);
	ck_assert_uint_eq(cyre_cache_wanted(&ctx), m.ix.count - 1);
	ctx.archived = true;
	ck_assert_uint_eq(cyre_cache_wanted(&ctx), 1);
	close_mailbox(&m);
}
END_TEST

/* A source that shows no more than it is asked for, and fails when told to. */
static size_t fail_behind;
static unsigned views;

static cyre_status narrow(struct cyre_source *src, uint64_t off, size_t want,
	struct cyre_slice *ret)
{
	static uint8_t *copy;
	size_t n = src->mem.n - off < want ? src->mem.n - off : want;

	if (fail_behind && off + n > fail_behind)
		return CYRE_EIO;
	views++;
	free(copy);
	copy = malloc(n);
	memcpy(copy, src->mem.p + off, n);
	*ret = cyre_slice(copy, n);
	return CYRE_OK;
}

START_TEST(windows)
{
	struct mailbox m = open_mailbox("3.13.1");
	struct cyre_source src = cyre_source_mem(m.cache);
	struct cyre_cache_context ctx = {
		.file = CYRE_FILE_CACHE, .index = &m.ix};

	src.view = narrow;
	ck_assert_int_eq(
		cyre_check_cache(&src, &ctx, &found, &totals), CYRE_OK);
	ck_assert_uint_eq(found.n, 0);
	ck_assert_uint_eq(totals.records, m.ix.count);
	fail_behind = 8000;
	ck_assert_int_eq(
		cyre_check_cache(&src, &ctx, &found, &totals), CYRE_EIO);
	close_mailbox(&m);
}
END_TEST

/* ---- what servers wrote ---- */

struct sum {
	unsigned mailboxes;
	uint64_t records;
};

/* The cache that belongs to an index, in the archive for `archive`. */
static bool cache_path(char *path, size_t size, const char *index, bool archive)
{
	const char *spool = strstr(index, "/spool");

	if (archive)
		snprintf(path, size, "%.*s/archive%s", (int)(spool - index),
			index, spool + 6);
	else
		snprintf(path, size, "%s", index);
	memcpy(path + strlen(path) - 5, "cache", 5);
	return access(path, R_OK) == 0;
}

static void check_side(const char *path, struct cyre_index *ix,
	struct cyre_index *expunge, bool has_archive, bool archived,
	struct sum *sum)
{
	struct cyre_cache_context ctx = {.file = CYRE_FILE_CACHE,
		.index = ix,
		.expunge = expunge,
		.has_archive = has_archive,
		.archived = archived,
		.deep = true};
	struct cyre_slice cache;
	struct cyre_source src;
	char name[4096];

	if (!cache_path(name, sizeof(name), path, archived)) {
		ck_assert_msg(cyre_cache_wanted(&ctx) == 0, "%s", path);
		return;
	}
	cache = test_read(name);
	src = cyre_source_mem(cache);
	ck_assert_int_eq(
		cyre_check_cache(&src, &ctx, &found, &totals), CYRE_OK);
	ck_assert_msg(found.n == 0, "%s uid %u: %s %s", path,
		found.n ? found.items[0].uid : 0,
		found.n ? cyre_problem_row(found.items[0].problem)->slug : "",
		found.n && found.items[0].text ? found.items[0].text : "");
	sum->records += totals.records;
	free((void *)cache.p);
}

static void pristine(const char *path, void *payload)
{
	struct cyre_slice index = test_read(path), more = {NULL, 0};
	struct cyre_index ix, expunge, *also = NULL;
	bool archive = strstr(path, "-archive/") != NULL;
	struct sum *sum = payload;
	char name[4096];
	size_t n;

	n = (size_t)snprintf(name, sizeof(name), "%.*sexpunge",
		(int)(strlen(path) - 5), path);
	if (n < sizeof(name) && access(name, R_OK) == 0) {
		more = test_read(name);
		ck_assert_int_eq(cyre_index_read(more, CYRE_FILE_EXPUNGE,
					 &found, &expunge),
			CYRE_OK);
		also = &expunge;
	}
	cyre_findings_free(&found); /* of the index: another test's business */
	if (cyre_index_read(index, CYRE_FILE_INDEX, &found, &ix) == CYRE_OK) {
		cyre_findings_free(&found);
		check_side(path, &ix, also, archive, false, sum);
		if (archive)
			check_side(path, &ix, also, true, true, sum);
	}
	sum->mailboxes++;
	free((void *)index.p);
	free((void *)more.p);
}

static const struct {
	const char *dir, *members;
	uint64_t records;
} sets[] = {
	{CYRE_SOURCE_DIR "/fixtures/spools",
		"'*/cyrus.index' '*/cyrus.cache' '*/cyrus.expunge'", 1000},
	{CYRE_SHARED_DIR "/fixtures/spools",
		"'*/cyrus.index' '*/cyrus.cache' '*/cyrus.expunge'", 9000},
	{CYRE_SHARED_DIR "/fixtures/conversions", "", 500},
	{CYRE_SHARED_DIR "/fixtures/caches", "'*.index' '*.cache'", 100688},
};

/* What a release itself writes is never a finding, however odd the mail. */
START_TEST(real_caches)
{
	char *dir = test_unpack(sets[_i].dir, sets[_i].members);
	struct sum sum = {0, 0};

	if (!dir) {
		printf("SKIP: %s is absent\n", sets[_i].dir);
		return;
	}
	test_walk(dir, ".index", pristine, &sum);
	printf("%s: %u caches, %lu records\n", sets[_i].dir, sum.mailboxes,
		(unsigned long)sum.records);
	test_remove(dir);
	ck_assert_uint_ge(sum.records, sets[_i].records);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cache");
	TCase *t = tcase_create("cache");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, nstrings);
	tcase_add_test(t, measure_asks_for_what_it_needs);
	tcase_add_test(t, file_findings);
	tcase_add_test(t, index_points_astray);
	tcase_add_test(t, without_crc);
	tcase_add_test(t, records_without_cache);
	tcase_add_test(t, windows);
	tcase_add_loop_test(
		t, real_caches, 0, (int)(sizeof(sets) / sizeof(sets[0])));
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
