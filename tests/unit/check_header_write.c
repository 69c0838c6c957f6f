/*
 * check_header_write.c - cyrus.header written and salvaged
 *
 * Writing: every real header comes back byte for byte; what a server cannot
 * read is never written. Salvage: the names of the flags stand in no other
 * file, so they must outlive every damage that leaves them on the disk.
 */
#include "unit.h"

#include "crc_mend.h"
#include "digest.h"
#include "files.h"
#include "header_salvage.h"
#include "header_write.h"

static void is(struct cyre_slice s, const char *want)
{
	ck_assert_msg(cyre_slice_eq(s, cyre_slice_str(want)), "\"%.*s\": %s",
		(int)s.n, (const char *)s.p, want);
}

/* ---- writing ---- */

static void round_trip(const char *path, void *payload)
{
	struct cyre_slice file = test_read(path);
	struct cyre_findings none = {0};
	struct cyre_buf out = {0};
	struct cyre_header h;

	ck_assert_int_eq(
		cyre_header_read(file, CYRE_FILE_HEADER, &none, &h), CYRE_OK);
	ck_assert_int_eq(cyre_header_write(&out, &h, h.form), CYRE_OK);
	ck_assert_msg(cyre_slice_eq(cyre_buf_slice(&out), file), "%s", path);
	++*(unsigned *)payload;
	cyre_buf_free(&out);
	cyre_header_free(&h);
	cyre_findings_free(&none);
	free((void *)file.p);
}

static const char *const sets[] = {CYRE_SOURCE_DIR "/fixtures/spools",
	CYRE_SHARED_DIR "/fixtures/spools",
	CYRE_SHARED_DIR "/fixtures/conversions"};

START_TEST(real_headers_come_back)
{
	char *dir = test_unpack(sets[_i], "'*/cyrus.header'");
	unsigned n = 0;

	if (!dir) {
		printf("SKIP: %s is absent\n", sets[_i]);
		return;
	}
	test_walk(dir, "cyrus.header", round_trip, &n);
	printf("%s: %u headers identical\n", sets[_i], n);
	ck_assert_uint_gt(n, 20);
	test_remove(dir);
}
END_TEST

static struct cyre_header sample(void)
{
	return (struct cyre_header){.name = cyre_slice_str("user.a \"b\""),
		.type = cyre_slice_str("el"),
		.uniqueid =
			cyre_slice_str("c5575115-d09d-4d87-b74f-7d6b7a335dce"),
		.quotaroot = cyre_slice_str("user.a"),
		.acl = cyre_slice_str("DOM\\u\tlrs\tanyone\t\t"),
		.flags = {[1] = cyre_slice_str("$Label1"),
			[3] = cyre_slice_str("NIL")},
		.nflags = 4};
}

static void written(const struct cyre_header *h, enum cyre_header_form form,
	const char *want)
{
	struct cyre_buf out = {0};

	ck_assert_int_eq(cyre_header_write(&out, h, form), CYRE_OK);
	ck_assert_mem_eq(out.p, cyre_header_magic, CYRE_HEADER_MAGIC_LEN);
	is(cyre_slice(out.p + CYRE_HEADER_MAGIC_LEN,
		   out.n - CYRE_HEADER_MAGIC_LEN),
		want);
	cyre_buf_free(&out);
}

START_TEST(both_forms)
{
	struct cyre_header h = sample();

	written(&h, CYRE_HEADER_DLIST,
		"%(T el N \"user.a \\\"b\\\"\" "
		"I c5575115-d09d-4d87-b74f-7d6b7a335dce Q user.a "
		"A %(\"DOM\\\\u\" lrs anyone \"\") U (NIL $Label1 NIL "
		"\"NIL\"))\n");
	written(&h, CYRE_HEADER_TEXT,
		"user.a\tc5575115-d09d-4d87-b74f-7d6b7a335dce\n"
		"$Recovered-000 $Label1 $Recovered-002 NIL \n"
		"DOM\\u\tlrs\tanyone\t\t\n");
	h = (struct cyre_header){.uniqueid = cyre_slice_str("x"),
		.has = CYRE_HEADER_J | CYRE_HEADER_A};
	written(&h, CYRE_HEADER_DLIST, "%(T e N NIL I x J NIL A %())\n");
	written(&h, CYRE_HEADER_TEXT, "\tx\n\n\n");
}
END_TEST

/* A header that the server cannot read costs the whole mailbox. */
START_TEST(what_the_form_cannot_hold_is_refused)
{
	static const struct {
		const char *uniqueid, *quotaroot, *flag;
		size_t n; /* of quotaroot */
		bool text, dlist;
	} t[] = {
		{"id", "a\nb", "F", 3, false, false},
		{"id", "a\tb", "F", 3, false, true},
		{"id", "a\0b", "F", 3, false, false},
		{"i\td", "a", "F", 1, false, true},
		{"", "a", "F", 1, false, true},
		{"id", "a", "F G", 1, false, false},
		{"id", "a", "F\"", 1, false, false},
		{"id", "a", "F", 1, true, true},
	};
	struct cyre_header h = {.uniqueid = cyre_slice_str(t[_i].uniqueid),
		.quotaroot = cyre_slice(t[_i].quotaroot, t[_i].n),
		.flags = {cyre_slice_str(t[_i].flag)},
		.nflags = 1};
	struct cyre_buf out = {0};

	cyre_put_str(&out, "before");
	ck_assert_int_eq(cyre_header_write(&out, &h, CYRE_HEADER_TEXT),
		t[_i].text ? CYRE_OK : CYRE_EUSAGE);
	out.n = t[_i].text ? 6 : out.n;
	ck_assert_uint_eq(out.n, 6);
	ck_assert_int_eq(cyre_header_write(&out, &h, CYRE_HEADER_DLIST),
		t[_i].dlist ? CYRE_OK : CYRE_EUSAGE);
	ck_assert_int_eq(
		cyre_header_write(&out, &h, CYRE_HEADER_OLD), CYRE_EUSAGE);
	cyre_buf_free(&out);
	out.limit = 40;
	ck_assert_int_eq(
		cyre_header_write(&out, &h, CYRE_HEADER_DLIST), CYRE_ENOMEM);
	cyre_buf_free(&out);
}
END_TEST

/* A bit in use must never lose its place, even when its name is lost. */
START_TEST(used_bits_get_names)
{
	char own[CYRE_HEADER_MAX_FLAGS][CYRE_HEADER_PLACEHOLDER];
	uint64_t use[CYRE_HEADER_MAX_FLAGS] = {[1] = 9, [2] = 1, [127] = 1};
	struct cyre_header h = sample();

	h.flags[0] = cyre_slice_str("$recovered-002");
	ck_assert_uint_eq(cyre_header_name_used(&h, use, own), 2);
	ck_assert_uint_eq(h.nflags, 128);
	is(h.flags[1], "$Label1");
	is(h.flags[2], "$Recovered-002-2");
	is(h.flags[126], "");
	is(h.flags[127], "$Recovered-127");
}
END_TEST

/* ---- salvage ---- */

struct real {
	struct cyre_slice file;
	struct cyre_header h;
	uint32_t sum;
};

static const char *const real_names[] = {"2.1.15", "2.4.22", "3.6.1", "3.13.1"};
#define REALS 4

static struct real real(int i)
{
	struct cyre_findings none = {0};
	char path[200];
	struct real r;

	snprintf(path, sizeof(path), "%s/fixtures/mailboxes/%s/cyrus.header",
		CYRE_SOURCE_DIR, real_names[i]);
	r.file = test_read(path);
	r.sum = cyre_crc32(r.file);
	cyre_header_read(r.file, CYRE_FILE_HEADER, &none, &r.h);
	ck_assert_uint_eq(none.n, 0);
	ck_assert_uint_gt(r.h.nflags, 0);
	return r;
}

static void real_free(struct real *r)
{
	cyre_header_free(&r->h);
	free((void *)r->file.p);
}

/* Values believed must be right, unless the damage made another good value. */
struct outcome {
	unsigned runs, exact, ids, flags, acls; /* right and believed */
	unsigned wrong;                         /* believed and wrong */
};

static bool believed(enum cyre_trust t)
{
	return t >= CYRE_TRUST_PLAUSIBLE;
}

static void look(struct cyre_slice file, const struct real *r, bool sum,
	struct outcome *o)
{
	struct cyre_header_salvage s;
	bool flags = true;
	unsigned i;

	ck_assert_int_eq(
		cyre_header_salvage(file, sum ? &r->sum : NULL, &s), CYRE_OK);
	o->runs++;
	o->exact += s.exact;
	if (s.exact)
		ck_assert(cyre_slice_eq(s.h.bytes, r->file));
	if (believed(s.uniqueid)) {
		if (cyre_slice_eq(s.h.uniqueid, r->h.uniqueid))
			o->ids++;
		else
			o->wrong++;
	}
	if (believed(s.acl)) {
		if (cyre_slice_eq(s.h.acl, r->h.acl))
			o->acls++;
		else
			o->wrong++;
	}
	for (i = 0; i < CYRE_HEADER_MAX_FLAGS; i++) {
		bool same = cyre_slice_eq(s.h.flags[i], r->h.flags[i]);

		flags &= same;
		o->wrong += believed(s.flags[i]) && !same;
	}
	o->flags += flags;
	cyre_header_salvage_free(&s);
}

static void show(const char *what, const char *name, const struct outcome *o)
{
	printf("%s, %s: %u runs, %u exact, uniqueid %u, flags %u, acl %u, "
	       "believed but wrong %u\n",
		what, name, o->runs, o->exact, o->ids, o->flags, o->acls,
		o->wrong);
}

START_TEST(one_bit_is_turned_back)
{
	struct real r = real(_i);
	uint8_t *b = malloc(r.file.n);
	struct outcome o = {0}, bare = {0};
	size_t bit;

	memcpy(b, r.file.p, r.file.n);
	for (bit = 0; bit < r.file.n * 8; bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		look(cyre_slice(b, r.file.n), &r, true, &o);
		look(cyre_slice(b, r.file.n), &r, false, &bare);
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	ck_assert_uint_eq(o.exact, o.runs);
	ck_assert_uint_eq(o.flags, o.runs);
	ck_assert_uint_eq(o.wrong, 0);
	show("one bit flipped, sum known", real_names[_i], &o);
	show("one bit flipped, no sum", real_names[_i], &bare);
	/* One letter for another cannot be seen. */
	ck_assert_uint_ge(bare.flags * 100, bare.runs * 82);
	ck_assert_uint_ge(bare.ids * 100, bare.runs * 85);
	free(b);
	real_free(&r);
}
END_TEST

/* Appended, cut in front up to the payload, magic zeroed: with the sum all
 * comes back; without it the fields do. */
START_TEST(a_lost_magic_costs_nothing)
{
	struct real r = real(_i);
	struct outcome o = {0}, bare = {0};
	uint8_t *b = calloc(1, r.file.n + 600);
	size_t n;

	for (n = 1; n <= CYRE_HEADER_MAGIC_LEN; n++) {
		/* the first n bytes zeroed */
		memcpy(b, r.file.p, r.file.n);
		memset(b, 0, n);
		look(cyre_slice(b, r.file.n), &r, true, &o);
		look(cyre_slice(b, r.file.n), &r, false, &bare);
		/* the first n bytes gone */
		look(cyre_slice(r.file.p + n, r.file.n - n), &r, true, &o);
		look(cyre_slice(r.file.p + n, r.file.n - n), &r, false, &bare);
		/* n bytes in front */
		memset(b, 'x', n);
		memcpy(b + n, r.file.p, r.file.n);
		look(cyre_slice(b, r.file.n + n), &r, true, &o);
		look(cyre_slice(b, r.file.n + n), &r, false, &bare);
	}
	memcpy(b, r.file.p, r.file.n);
	memset(b + r.file.n, 0, 512);
	look(cyre_slice(b, r.file.n + 512), &r, true, &o);
	show("magic damaged, sum known", real_names[_i], &o);
	show("magic damaged, no sum", real_names[_i], &bare);
	ck_assert_uint_eq(o.exact, o.runs);
	ck_assert_uint_eq(o.flags, o.runs);
	ck_assert_uint_eq(bare.flags, bare.runs);
	ck_assert_uint_eq(bare.ids, bare.runs);
	ck_assert_uint_eq(bare.wrong, 0);
	free(b);
	real_free(&r);
}
END_TEST

/* What stands behind the damage or before it is found; nothing else is
 * believed. */
START_TEST(cut_and_zeroed)
{
	struct real r = real(_i);
	struct outcome cut = {0}, head = {0}, hole = {0};
	uint8_t *b = malloc(r.file.n);
	size_t n;

	for (n = 0; n < r.file.n; n++) {
		look(cyre_slice(r.file.p, n), &r, true, &cut);
		memcpy(b, r.file.p, r.file.n);
		memset(b, 0, n);
		look(cyre_slice(b, r.file.n), &r, true, &head);
		memcpy(b, r.file.p, r.file.n);
		memset(b + n, 0, r.file.n - n < 16 ? r.file.n - n : 16);
		look(cyre_slice(b, r.file.n), &r, true, &hole);
	}
	show("cut", real_names[_i], &cut);
	show("beginning zeroed", real_names[_i], &head);
	show("16 bytes zeroed", real_names[_i], &hole);
	ck_assert_uint_ge(head.flags * 100, head.runs * 70);
	ck_assert_uint_ge(hole.flags * 100, hole.runs * 74);
	ck_assert_uint_ge(hole.ids * 100, hole.runs * 79);
	ck_assert_uint_eq(cut.wrong, 0);
	ck_assert_uint_eq(head.wrong, 0);
	ck_assert_uint_eq(hole.wrong, 0);
	free(b);
	real_free(&r);
}
END_TEST

START_TEST(shapes_of_ids)
{
	ck_assert(cyre_uniqueid_ok(cyre_slice_str("41f1e8b64e71fd5c")));
	ck_assert(cyre_uniqueid_ok(
		cyre_slice_str("c5575115-d09d-4d87-b74f-7d6b7a335dce")));
	ck_assert(cyre_uniqueid_ok(cyre_slice_str("2hokeluxb29y70vusx5brzq7")));
	ck_assert(!cyre_uniqueid_ok(cyre_slice_str("41f1e8b64e71fd5")));
	ck_assert(!cyre_uniqueid_ok(
		cyre_slice_str("c5575115-d09d-4d87-b74f-7d6b7a335dc")));
	ck_assert(!cyre_uniqueid_ok(cyre_slice(NULL, 0)));
}
END_TEST

START_TEST(one_bit_explains_a_sum)
{
	uint8_t b[100];
	uint32_t sum;
	size_t i;

	for (i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 7);
	sum = cyre_crc32(cyre_slice(b, sizeof(b)));
	for (i = 0; i < sizeof(b) * 8; i++) {
		b[i / 8] ^= (uint8_t)(1u << i % 8);
		ck_assert_uint_eq(
			cyre_crc32_bad_bit(sizeof(b),
				cyre_crc32(cyre_slice(b, sizeof(b))), sum),
			i);
		b[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	ck_assert_uint_eq(cyre_crc32_bad_bit(sizeof(b), sum, sum), UINT64_MAX);
	b[3] ^= 3;
	ck_assert_uint_eq(cyre_crc32_bad_bit(sizeof(b),
				  cyre_crc32(cyre_slice(b, sizeof(b))), sum),
		UINT64_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("header_write");
	TCase *t = tcase_create("header_write");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, real_headers_come_back, 0, 3);
	tcase_add_test(t, both_forms);
	tcase_add_loop_test(t, what_the_form_cannot_hold_is_refused, 0, 8);
	tcase_add_test(t, used_bits_get_names);
	tcase_add_loop_test(t, one_bit_is_turned_back, 0, REALS);
	tcase_add_loop_test(t, a_lost_magic_costs_nothing, 0, REALS);
	tcase_add_loop_test(t, cut_and_zeroed, 0, REALS);
	tcase_add_test(t, shapes_of_ids);
	tcase_add_test(t, one_bit_explains_a_sum);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
