/*
 * check_db.c - the database readers on files that real servers wrote
 *
 * The truth is what the server's own tool printed of each file
 * (fixtures/databases).
 */
#include "unit.h"

#include <stdio.h>

#include <cyrescue/db.h>

#include "db.h"

static struct cyre_slice load(const char *name)
{
	char path[4096];
	uint8_t *p;
	long n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/fixtures/databases/%s",
		CYRE_SOURCE_DIR, name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s", path);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	p = malloc(n ? (size_t)n : 1);
	ck_assert_uint_eq(fread(p, 1, (size_t)n, f), (size_t)n);
	fclose(f);
	return cyre_slice(p, (size_t)n);
}

static struct cyre_buf show(const struct cyre_db *db)
{
	struct cyre_buf b = {0};
	size_t i;

	for (i = 0; i < cyre_db_count(db); i++) {
		const struct cyre_db_entry *e = cyre_db_at(db, i);

		if (e->trust != CYRE_DB_INTACT)
			continue;
		cyre_put_slice(&b, e->key);
		cyre_put_u8(&b, '\t');
		cyre_put_slice(&b, e->value);
		cyre_put_u8(&b, '\n');
	}
	return b;
}

static const struct {
	const char *name;
	enum cyre_db_format format;
	bool clean;
	const char *truth; /* its suffix */
} files[] = {
	{"3.0.18-twoskip-churn", CYRE_DB_TWOSKIP, true, "show"},
	{"3.6.1-twoskip-churn", CYRE_DB_TWOSKIP, true, "show"},
	{"3.6.1-twoskip-killed", CYRE_DB_TWOSKIP, false, "show"},
	{"2.4.22-skiplist-churn", CYRE_DB_SKIPLIST, true, "show"},
	{"3.6.1-skiplist-churn", CYRE_DB_SKIPLIST, true, "show"},
	/* The tool printed the open transaction too, before its recovery. */
	{"3.6.1-skiplist-killed", CYRE_DB_SKIPLIST, false, "recovered"},
	{"3.13.1-twom-churn", CYRE_DB_TWOM, true, "show"},
	{"3.13.1-twom-killed", CYRE_DB_TWOM, false, "show"},
	{"2.2.13-berkeley-mailboxes", CYRE_DB_BERKELEY, true, "show"},
	{"2.3.16-berkeley-statuscache", CYRE_DB_BERKELEY, true, "show"},
	{"3.6.1-flat-churn", CYRE_DB_FLAT, true, "show"},
	{"3.6.1-sql-churn", CYRE_DB_SQLITE, true, "show"},
};

#define NFILES ((int)(sizeof(files) / sizeof(files[0])))

/* A reader that misses one key loses a customer's mailbox. */
START_TEST(strict_reading_equals_the_server)
{
	struct cyre_findings found = {0};
	struct cyre_slice bytes, want;
	struct cyre_db *db;
	struct cyre_buf got;
	char name[100];
	size_t i;

	snprintf(name, sizeof(name), "%s.db", files[_i].name);
	bytes = load(name);
	snprintf(name, sizeof(name), "%s.db.%s", files[_i].name,
		files[_i].truth);
	want = load(name);
	ck_assert_int_eq(cyre_db_read(bytes, &found, &db), CYRE_OK);
	ck_assert_int_eq(cyre_db_info(db)->format, files[_i].format);
	ck_assert_int_eq(found.n == 0, files[_i].clean);
	got = show(db);
	ck_assert(cyre_slice_eq(cyre_buf_slice(&got), want));
	for (i = 0; i < cyre_db_count(db); i++)
		ck_assert_ptr_eq(cyre_db_find(db, cyre_db_at(db, i)->key),
			cyre_db_at(db, i));
	ck_assert_ptr_null(cyre_db_find(db, cyre_slice_str("no such key")));
	cyre_db_free(db);
	cyre_findings_free(&found);
	cyre_buf_free(&got);
	free((void *)bytes.p);
	free((void *)want.p);
}
END_TEST

/* The three orders differ in exactly these pairs (skiplist.md section 4). */
START_TEST(keys_with_one_prefix_stand_together)
{
	static const char text[] =
		"user.a\t1\nuser.a.b\t2\nuser.a-b\t3\nuser.b\t4\n";
	struct cyre_findings found = {0};
	struct cyre_db *db;
	size_t i;

	ck_assert_int_eq(
		cyre_db_read(cyre_slice_str(text), &found, &db), CYRE_OK);
	ck_assert_uint_eq(found.n, 0);
	ck_assert_int_eq(cyre_db_info(db)->order, CYRE_DB_MAILBOX);
	i = cyre_db_seek(db, cyre_slice_str("user.a."));
	ck_assert_uint_eq(i, 1);
	i = cyre_db_seek(db, cyre_slice_str("user.a-"));
	ck_assert_uint_eq(i, 2);
	cyre_db_free(db);
}
END_TEST

/* The flat file's order is that of its lines, escapes included. */
START_TEST(what_is_written_is_read)
{
	static const struct cyre_db_entry e[] = {
		{.key = {(const uint8_t *)"a\tb", 3},
			.value = {(const uint8_t *)"1", 1}},
		{.key = {(const uint8_t *)"a.b", 3},
			.value = {(const uint8_t *)"\n\0", 2}},
		{.key = {(const uint8_t *)"a\xff", 2}, .value = {NULL, 0}},
		{.key = {(const uint8_t *)"a-b", 3},
			.value = {(const uint8_t *)"\xff\xff", 2}},
	};
	struct cyre_db_write_options o = {.format = (enum cyre_db_format)_i};
	struct cyre_findings found = {0};
	const struct cyre_db_entry *got;
	struct cyre_db *db;
	uint8_t *p, *again;
	size_t n, n2, i;

	o.order = cyre_db_usual_order(o.format);
	ck_assert_int_eq(cyre_db_write(&o, e, 4, &p, &n), CYRE_OK);
	ck_assert_int_eq(cyre_db_write(&o, e, 4, &again, &n2), CYRE_OK);
	ck_assert(cyre_slice_eq(cyre_slice(p, n), cyre_slice(again, n2)));
	ck_assert_int_eq(cyre_db_read(cyre_slice(p, n), &found, &db), CYRE_OK);
	ck_assert_uint_eq(found.n, 0);
	ck_assert_uint_eq(cyre_db_count(db), 4);
	for (i = 0; i < 4; i++) {
		got = cyre_db_find(db, e[i].key);
		ck_assert_ptr_nonnull(got);
		ck_assert(cyre_slice_eq(got->value, e[i].value));
	}
	cyre_db_free(db);
	free(p);
	free(again);
	/* Nothing is a database, too; one key twice is none. */
	ck_assert_int_eq(cyre_db_write(&o, e, 0, &p, &n), CYRE_OK);
	ck_assert_int_eq(cyre_db_read(cyre_slice(p, n), NULL, &db), CYRE_OK);
	ck_assert_uint_eq(cyre_db_count(db), 0);
	cyre_db_free(db);
	free(p);
	ck_assert_int_eq(cyre_db_write(&o, (struct cyre_db_entry[]){e[0], e[0]},
				 2, &p, &n),
		CYRE_EUSAGE);
}
END_TEST

enum { MANY = 2 * CYRE_DB_PART + 5 };

static void make_many(struct cyre_db_entry *e, char (*keys)[16])
{
	size_t i;

	for (i = 0; i < MANY; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i * 7919 % MANY);
		e[i].key = cyre_slice_str(keys[i]);
		e[i].value = cyre_slice(keys, i % 100);
	}
}

/* A large file is made in parts by several threads: each part, made alone, must
 * be what it is in the whole, and the whole what the server reads. */
START_TEST(parts_make_the_whole)
{
	struct cyre_db_write_options o = {
		.format = (enum cyre_db_format)_i, .padded = true};
	struct cyre_db_entry *e = calloc(MANY, sizeof(*e));
	struct cyre_findings found = {0};
	char(*keys)[16] = calloc(MANY, sizeof(*keys));
	struct cyre_db_plan plan;
	struct cyre_db *db;
	uint8_t *whole, *part;
	size_t n, i;

	o.order = cyre_db_usual_order(o.format);
	make_many(e, keys);
	ck_assert_int_eq(cyre_db_write(&o, e, MANY, &whole, &n), CYRE_OK);
	ck_assert_int_eq(cyre_db_plan(&o, e, MANY, &plan), CYRE_OK);
	ck_assert_uint_eq(plan.parts, 3);
	ck_assert_uint_eq(cyre_db_plan_at(&plan, 3), n);
	for (i = 3; i-- > 0;) {
		size_t at = cyre_db_plan_at(&plan, i);
		size_t len = cyre_db_plan_at(&plan, i + 1) - at;

		part = malloc(len);
		cyre_db_plan_make(&plan, i, part);
		ck_assert(!memcmp(part, whole + at, len));
		free(part);
	}
	cyre_db_plan_free(&plan);
	ck_assert_int_eq(
		cyre_db_read(cyre_slice(whole, n), &found, &db), CYRE_OK);
	ck_assert_uint_eq(found.n, 0);
	ck_assert_uint_eq(cyre_db_count(db), MANY);
	for (i = 0; i < MANY; i++)
		ck_assert(cyre_slice_eq(
			cyre_db_find(db, e[i].key)->value, e[i].value));
	cyre_db_free(db);
	free(whole);
	free(keys);
	free(e);
}
END_TEST

/* Bytes of `from` come to `to` when they are asked for, and none before. */
struct coming {
	struct cyre_slice from;
	uint8_t *to;
	uint64_t there;
};

static uint64_t come(void *payload, uint64_t n)
{
	struct coming *c = payload;

	ck_assert_uint_le(n, c->from.n);
	if (n > c->there) {
		memcpy(c->to + c->there, c->from.p + c->there, n - c->there);
		c->there = n;
	}
	return c->there;
}

static void assert_same(struct cyre_slice whole)
{
	struct coming c = {.from = whole, .to = malloc(whole.n)};
	struct cyre_db_arrival arrival = {come, &c};
	struct cyre_findings found = {.keep = 5}, want_found = {.keep = 5};
	struct cyre_db *db, *want;
	size_t i;

	memset(c.to, 0xaa, whole.n);
	come(&c, 64);
	ck_assert_int_eq(cyre_db_open_arriving(cyre_slice(c.to, whole.n),
				 &arrival, &found, &db),
		CYRE_OK);
	ck_assert_int_eq(cyre_db_open(whole, &want_found, &want), CYRE_OK);
	ck_assert_mem_eq(found.count, want_found.count, sizeof(found.count));
	ck_assert_uint_eq(found.n, want_found.n);
	for (i = 0; i < found.n; i++)
		ck_assert_uint_eq(
			found.items[i].offset, want_found.items[i].offset);
	ck_assert_uint_eq(cyre_db_count(db), cyre_db_count(want));
	for (i = 0; i < cyre_db_count(db); i++) {
		ck_assert(cyre_slice_eq(
			cyre_db_at(db, i)->key, cyre_db_at(want, i)->key));
		ck_assert(cyre_slice_eq(
			cyre_db_at(db, i)->value, cyre_db_at(want, i)->value));
	}
	ck_assert_uint_eq(c.there, whole.n);
	cyre_db_free(db);
	cyre_db_free(want);
	cyre_findings_free(&found);
	cyre_findings_free(&want_found);
	free(c.to);
}

/* A large file is looked at while it is read: what is found must not depend on
 * how much has come, nor may anything be used before it has. */
START_TEST(what_arrives_reads_the_same)
{
	struct cyre_db_write_options o = {
		.format = (enum cyre_db_format)_i, .padded = true};
	struct cyre_db_entry *e = calloc(MANY, sizeof(*e));
	char(*keys)[16] = calloc(MANY, sizeof(*keys));
	uint8_t *whole;
	size_t n, i, at;

	o.order = cyre_db_usual_order(o.format);
	make_many(e, keys);
	/* A record longer than what is asked for ahead. */
	e[MANY / 2].value.p = calloc(1, 300000);
	e[MANY / 2].value.n = 300000;
	ck_assert_int_eq(cyre_db_write(&o, e, MANY, &whole, &n), CYRE_OK);
	assert_same(cyre_slice(whole, n));
	for (i = 0; i < 40; i++) {
		at = n / 40 * i + i;
		whole[at] ^= 0x10;
		if (cyre_db_detect(cyre_slice(whole, n)) == o.format)
			assert_same(cyre_slice(whole, n));
		whole[at] ^= 0x10;
		if (i)
			assert_same(cyre_slice(whole, at));
	}
	free((void *)e[MANY / 2].value.p);
	free(whole);
	free(keys);
	free(e);
}
END_TEST

static int rank_in(enum cyre_db_order o, uint8_t c)
{
	if (o == CYRE_DB_SIGNED)
		return (int8_t)c;
	if (o == CYRE_DB_RAW)
		return c;
	return c == '.'                 ? 2
	       : c == '\t' || c == '\n' ? 1
	       : c >= 1 && c <= 8       ? c + 2
					: c;
}

static int compare_slowly(
	enum cyre_db_order o, struct cyre_slice a, struct cyre_slice b)
{
	size_t i;
	int d;

	for (i = 0; i < a.n && i < b.n; i++) {
		d = rank_in(o, a.p[i]) - rank_in(o, b.p[i]);
		if (d)
			return d;
	}
	return a.n < b.n ? -1 : a.n > b.n;
}

/* Keys are compared eight bytes at a time, in three orders at once. */
START_TEST(orders_are_what_the_bytes_say)
{
	static const uint8_t bytes[] = {0, 1, 2, 9, 10, '.', 'a', 0x80, 0xff};
	uint8_t a[24], b[24];
	uint32_t x = 1;
	int round, i;

	for (round = 0; round < 50000; round++) {
		struct cyre_db_orders seen = {{0}};
		struct cyre_slice sa = cyre_slice(a, x % 23);
		struct cyre_slice sb = cyre_slice(b, x / 23 % 23);

		/* Mostly equal, so that they differ late. */
		for (i = 0; i < 24; i++) {
			x = x * 1664525 + 1013904223;
			a[i] = bytes[x >> 16 & 7];
			b[i] = x >> 28 ? a[i] : bytes[(x >> 20 & 7) + 1];
		}
		cyre_db_orders_see(&seen, sa, sb);
		for (i = CYRE_DB_RAW; i <= CYRE_DB_MAILBOX; i++) {
			int want =
				compare_slowly((enum cyre_db_order)i, sa, sb);
			int got =
				cyre_db_comparer((enum cyre_db_order)i)(sa, sb);

			ck_assert_int_eq(
				(got > 0) - (got < 0), (want > 0) - (want < 0));
			ck_assert_uint_eq(seen.wrong[i], want >= 0);
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("db");
	TCase *t = tcase_create("db");

	tcase_add_loop_test(t, strict_reading_equals_the_server, 0, NFILES);
	tcase_add_test(t, keys_with_one_prefix_stand_together);
	tcase_add_loop_test(t, what_is_written_is_read, CYRE_DB_TWOSKIP,
		CYRE_DB_SKIPLIST + 1);
	tcase_add_loop_test(
		t, what_is_written_is_read, CYRE_DB_FLAT, CYRE_DB_FLAT + 1);
	tcase_add_loop_test(
		t, parts_make_the_whole, CYRE_DB_TWOSKIP, CYRE_DB_SKIPLIST + 1);
	tcase_add_loop_test(t, what_arrives_reads_the_same, CYRE_DB_TWOSKIP,
		CYRE_DB_SKIPLIST + 1);
	tcase_add_test(t, orders_are_what_the_bytes_say);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
