/*
 * check_index.c - layouts against the format page, reader and checks against
 * damage. Real files of every version are read by tests/tools/pristine.
 */
#include "unit.h"

#include "check_files.h"
#include "check_index.h"
#include "digest.h"
#include "index_write.h"

#include <ctype.h>
#include <stdio.h>

static uint32_t width_sum(const struct cyre_index_field *f)
{
	uint32_t n = 0;

	for (; f->width; f++)
		n += f->width;
	return n;
}

START_TEST(layouts_fill_their_size)
{
	const struct cyre_index_layout *l = cyre_index_layout((uint64_t)_i);

	if (_i == 11) {
		ck_assert_ptr_null(l);
		return;
	}
	ck_assert_uint_eq(l->version, _i);
	ck_assert_uint_eq(width_sum(l->header), l->header_size);
	ck_assert_uint_eq(width_sum(l->record), l->record_size);
}
END_TEST

/* Which field stands at this offset? */
static const struct cyre_index_field *at(
	const struct cyre_index_field *f, unsigned offset)
{
	unsigned off = 0;

	for (; f->width; off += f->width, f++)
		if (off == offset)
			return f;
	return NULL;
}

/* The page's spelling of our names. */
static const char *page_name(const char *name, unsigned version)
{
	if (!strcmp(name, "num_records") && version < 12)
		return "exists";
	if (!strcmp(name, "options") && version < 8)
		return "pop3_new_uidl";
	if (!strcmp(name, "spare"))
		return "(spare)";
	if (!strcmp(name, "synccrcs_basic"))
		return "synccrcs.basic";
	if (!strcmp(name, "synccrcs_annot"))
		return "synccrcs.annot";
	if (!strcmp(name, "user_flags"))
		return "user_flags[0..3]";
	if (!strcmp(name, "guid") && version < 10)
		return "uuid";
	return name;
}

/*
 * docs/formats/index.md is what people read; the lists are what the code does.
 * Each row of its tables must be a field of the list, and back.
 */
START_TEST(layouts_are_those_of_the_format_page)
{
	FILE *f = fopen(CYRE_SOURCE_DIR "/docs/formats/index.md", "r");
	const struct cyre_index_field *list = NULL, *field;
	unsigned version = 0, offset, width, rows = 0;
	char line[512], name[64];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "### 2.%*u Header v%u", &version) == 1)
			list = cyre_index_layout(version)->header;
		else if (sscanf(line, "#### Record v%u", &version) == 1)
			list = cyre_index_layout(version)->record;
		else if (!strncmp(line, "#", 1))
			list = NULL;
		if (!list || sscanf(line, "| %u | %u | %63[^ |]", &offset,
				     &width, name) != 3)
			continue;
		/* v6: the page splits our 8 bytes into (reserved) and 4. */
		if (version == 6 && (offset == 32 || offset == 36))
			continue;
		/* v2, v3: shorter forms of the list of v4. */
		field = at(list, offset);
		ck_assert_msg(field != NULL, "v%u offset %u", version, offset);
		ck_assert_str_eq(page_name(field->name, version), name);
		ck_assert_uint_eq(field->width, width);
		rows++;
	}
	fclose(f);
	ck_assert_uint_gt(rows, 580);
}
END_TEST

/* A small v17 index, right in every number. */
struct sample {
	uint8_t b[160 + 3 * 112];
};

static void put32(uint8_t *p, uint32_t v)
{
	cyre_store_be32(p, v);
}

static void seal_record(uint8_t *r)
{
	put32(r + 108, cyre_crc32(cyre_slice(r, 108)));
}

static void seal(struct sample *s)
{
	struct cyre_findings none = {0};
	struct cyre_index_totals t;
	struct cyre_index ix;
	int i;

	for (i = 0; i < 3; i++)
		seal_record(s->b + 160 + i * 112);
	ck_assert_int_eq(cyre_index_read(cyre_slice(s->b, sizeof(s->b)),
				 CYRE_FILE_INDEX, &none, &ix),
		CYRE_OK);
	cyre_check_index(&ix, &(struct cyre_index_context){0}, &none, &t);
	cyre_findings_free(&none);
	put32(s->b + 100, t.sync_basic);
	put32(s->b + 156, cyre_crc32(cyre_slice(s->b, 156)));
}

static struct sample sample(void)
{
	struct sample s = {0};
	int i;

	put32(s.b + 8, 17);
	put32(s.b + 12, 160);
	put32(s.b + 16, 112);
	put32(s.b + 20, 3); /* num_records */
	put32(s.b + 24, 1000000000);
	put32(s.b + 28, 9);    /* last_uid */
	put32(s.b + 36, 600);  /* quota_mailbox_used */
	put32(s.b + 44, 1000); /* uidvalidity */
	put32(s.b + 72, 7);    /* highestmodseq */
	put32(s.b + 84, 3);    /* exists */
	put32(s.b + 124, 3);   /* unseen */
	for (i = 0; i < 3; i++) {
		uint8_t *r = s.b + 160 + i * 112;

		put32(r, (uint32_t)i * 3 + 1); /* uids 1, 4, 7 */
		put32(r + 4, 1000000000);
		put32(r + 8, 1000000000);
		put32(r + 12, 200);
		put32(r + 16, 50);
		put32(r + 20, 1000000000);
		put32(r + 28, 1000000000);
		r[60] = 1;
		put32(r + 84, 5);
	}
	seal(&s);
	return s;
}

static void judge(const uint8_t *b, size_t n, struct cyre_findings *found)
{
	struct cyre_index_context ctx = {.header_known = true};
	struct cyre_index_totals t;
	struct cyre_index ix;

	if (cyre_index_read(cyre_slice(b, n), CYRE_FILE_INDEX, found, &ix) ==
		CYRE_OK)
		cyre_check_index(&ix, &ctx, found, &t);
	ck_assert_int_eq(found->status, CYRE_OK);
}

START_TEST(a_good_index_has_no_finding)
{
	struct sample s = sample();
	struct cyre_findings f = {0};

	judge(s.b, sizeof(s.b), &f);
	ck_assert_uint_eq(f.n, 0);
}
END_TEST

/* Every byte is under a check sum: every bit must be noticed. */
START_TEST(every_flipped_bit_is_found)
{
	struct sample s = sample();
	size_t bit;

	for (bit = 0; bit < sizeof(s.b) * 8; bit++) {
		struct cyre_findings f = {0};

		s.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		judge(s.b, sizeof(s.b), &f);
		ck_assert_msg(f.n > 0, "bit %zu", bit);
		cyre_findings_free(&f);
		s.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(every_cut_is_found)
{
	struct sample s = sample();
	size_t n;

	for (n = 0; n < sizeof(s.b); n++) {
		struct cyre_findings f = {0};
		uint8_t *b = malloc(n ? n : 1);

		memcpy(b, s.b, n);
		judge(b, n, &f);
		ck_assert_msg(f.n > 0, "cut at %zu", n);
		cyre_findings_free(&f);
		free(b);
	}
}
END_TEST

/* The crash came between writing the record and the header. */
START_TEST(an_uncommitted_append_is_seen)
{
	struct sample s = sample();
	struct cyre_findings f = {0};

	put32(s.b + 20, 2);
	put32(s.b + 28, 4);
	put32(s.b + 36, 400);
	put32(s.b + 84, 2);
	put32(s.b + 124, 2);
	seal(&s);
	judge(s.b, sizeof(s.b), &f);
	ck_assert_uint_eq(f.n, 1);
	ck_assert_int_eq(f.items[0].problem, CYRE_P_INDEX_UNCOMMITTED);
	ck_assert_uint_eq(f.items[0].actual, 1);
	cyre_findings_free(&f);
}
END_TEST

static void expect_one(struct sample *s, enum cyre_problem p, uint32_t uid)
{
	struct cyre_findings f = {0};
	bool seen = false;
	size_t i;

	seal(s);
	judge(s->b, sizeof(s->b), &f);
	for (i = 0; i < f.n; i++)
		seen |= f.items[i].problem == p && f.items[i].uid == uid;
	ck_assert_msg(seen, "%s", cyre_problem_row(p)->slug);
	cyre_findings_free(&f);
}

/* Wrong although every check sum is right: what a torn commit leaves. */
START_TEST(numbers_that_disagree_are_found)
{
	static const struct {
		unsigned offset;
		uint32_t value;
		enum cyre_problem problem;
		uint32_t uid;
	} t[] = {
		{4, 1, CYRE_P_INDEX_FORMAT, 0},
		{28, 6, CYRE_P_INDEX_LAST_UID, 0},
		{36, 601, CYRE_P_INDEX_QUOTA_USED, 0},
		{44, 0, CYRE_P_INDEX_UIDVALIDITY_ZERO, 0},
		{48, 1, CYRE_P_INDEX_COUNTERS, 0},
		{60, 0x100, CYRE_P_INDEX_OPTIONS, 0},
		{60, CYRE_OPT_DELETED, CYRE_P_INDEX_DELETED_OPTION, 0},
		{72, 4, CYRE_P_INDEX_MODSEQ_FUTURE, 1},
		{80, 8, CYRE_P_INDEX_DELETEDMODSEQ, 0},
		{84, 2, CYRE_P_INDEX_COUNTERS, 0},
		{96, 77, CYRE_P_INDEX_HEADER_FILE_CRC, 0},
		{104, 10, CYRE_P_INDEX_RECENT, 0},
		{124, 2, CYRE_P_INDEX_COUNTERS, 0},
		{132, 8, CYRE_P_INDEX_CREATEDMODSEQ, 0},
		{144, 1, CYRE_P_INDEX_SPARE, 0},
		{272 + 0, 1, CYRE_P_INDEX_UID_ORDER, 1},
		{272 + 0, 0, CYRE_P_INDEX_UID_ZERO, 0},
		{272 + 4, 0, CYRE_P_INDEX_DATE_ZERO, 4},
		{272 + 12, 0, CYRE_P_INDEX_RECORD_IMPLAUSIBLE, 4},
		{272 + 16, 201, CYRE_P_INDEX_HEADER_SIZE, 4},
		{272 + 32, 0x40, CYRE_P_INDEX_FLAG_BITS, 4},
		{272 + 32, CYRE_FLAG_UNLINKED, CYRE_P_INDEX_UNLINKED_ALIVE, 4},
		{272 + 36, 2, CYRE_P_INDEX_FLAG_UNNAMED, 0},
		{272 + 60, 0, CYRE_P_INDEX_GUID_NULL, 4},
		{272 + 84, 0, CYRE_P_INDEX_MODSEQ_ZERO, 4},
		{272 + 100, 6, CYRE_P_INDEX_CREATEDMODSEQ, 4},
	};
	struct sample s = sample();

	put32(s.b + t[_i].offset, t[_i].value);
	expect_one(&s, t[_i].problem, t[_i].uid);
}
END_TEST

static bool is_found(struct cyre_slice file, enum cyre_problem p)
{
	struct cyre_findings f = {0};
	bool seen;

	judge(file.p, file.n, &f);
	seen = f.count[p] != 0;
	cyre_findings_free(&f);
	return seen;
}

/* index.md 4.3: 2.5 to 3.1.8 put it into the upper half of its eight bytes. */
START_TEST(a_shifted_modseq_is_known)
{
	static const struct {
		unsigned version;
		uint64_t modseq;
		bool shifted;
	} t[] = {
		{8, UINT64_C(5) << 32, true},
		{9, UINT64_C(5) << 32, true},
		{9, 5, false},
		{9, (UINT64_C(5) << 32) + 1, false},
		{9, UINT64_C(8) << 32, false}, /* above all that was given */
		{10, UINT64_C(5) << 32, false},
	};
	struct cyre_index_header h = {.last_uid = 1,
		.uidvalidity = 1000,
		.exists = 1,
		.quota_mailbox_used = 200,
		.highestmodseq = 7};
	struct cyre_index_record r = {.uid = 1,
		.internaldate = CYRE_NSEC,
		.last_updated = CYRE_NSEC,
		.size = 200,
		.header_size = 50,
		.content_offset = 50,
		.modseq = t[_i].modseq};
	struct cyre_buf b = {0};

	ck_assert_int_eq(
		cyre_index_write(&b, t[_i].version, &h, &r, 1), CYRE_OK);
	ck_assert_int_eq(
		is_found(cyre_buf_slice(&b), CYRE_P_INDEX_MODSEQ_SHIFTED),
		t[_i].shifted);
	cyre_buf_free(&b);
}
END_TEST

/* errata.md: 3.13 puts gmtime there when it writes up to v10. */
START_TEST(gmtime_in_the_place_of_content_offset_is_known)
{
	static const struct {
		uint64_t content_offset;
		enum cyre_problem found, not_found;
	} t[] = {
		{1000003600, CYRE_P_INDEX_GMTIME_CONTENT,
			CYRE_P_INDEX_HEADER_SIZE},
		{1000400000, CYRE_P_INDEX_HEADER_SIZE,
			CYRE_P_INDEX_GMTIME_CONTENT},
		{49, CYRE_P_INDEX_HEADER_SIZE, CYRE_P_INDEX_GMTIME_CONTENT},
	};
	struct cyre_index_header h = {
		.last_uid = 1, .uidvalidity = 1000, .exists = 1};
	struct cyre_index_record r = {.uid = 1,
		.internaldate = UINT64_C(1000000000) * CYRE_NSEC,
		.sentdate = UINT64_C(1000000000) * CYRE_NSEC,
		.last_updated = UINT64_C(1000000000) * CYRE_NSEC,
		.size = 200,
		.header_size = 50,
		.content_offset = t[_i].content_offset,
		.modseq = 1};
	struct cyre_buf b = {0};

	ck_assert_int_eq(cyre_index_write(&b, 10, &h, &r, 1), CYRE_OK);
	ck_assert(is_found(cyre_buf_slice(&b), t[_i].found));
	ck_assert(!is_found(cyre_buf_slice(&b), t[_i].not_found));
	cyre_buf_free(&b);
}
END_TEST

/* A development server's v19 had records of 144 bytes, of which it used 112. */
START_TEST(a_wide_v19_is_read)
{
	struct cyre_index_header h = {
		.last_uid = 2, .uidvalidity = 1000, .highestmodseq = 7};
	struct cyre_index_record r[2] = {{.uid = 1, .size = 200, .modseq = 5},
		{.uid = 2, .size = 300, .modseq = 6}};
	const struct cyre_index_layout *l = cyre_index_layout(19);
	struct cyre_findings f = {0};
	struct cyre_index_record got;
	struct cyre_index ix;
	struct cyre_buf b = {0};
	size_t i;

	ck_assert_int_eq(cyre_index_put_header(&b, l, &h, 2), CYRE_OK);
	put32(b.p + 16, 144);
	put32(b.p + 156, cyre_crc32(cyre_slice(b.p, 156)));
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(cyre_index_put_record(&b, l, &r[i]), CYRE_OK);
		cyre_put_fill(&b, 0, 32);
	}
	ck_assert_int_eq(
		cyre_index_read(cyre_buf_slice(&b), CYRE_FILE_INDEX, &f, &ix),
		CYRE_OK);
	ck_assert_uint_eq(f.count[CYRE_P_INDEX_WIDE_V19], 1);
	ck_assert_uint_eq(f.n, 1);
	ck_assert_uint_eq(ix.count, 2);
	ck_assert(cyre_index_decode(&ix, cyre_index_bytes(&ix, 2), &got));
	ck_assert_uint_eq(got.uid, 2);
	ck_assert_uint_eq(got.size, 300);
	ck_assert_uint_eq(cyre_index_record_sum(&ix, cyre_index_bytes(&ix, 2)),
		got.record_crc);
	cyre_findings_free(&f);
	cyre_buf_free(&b);
}
END_TEST

static void match(const struct cyre_msgfile *files, size_t n, bool whole,
	struct cyre_findings *f, struct cyre_files_totals *t)
{
	struct sample s = sample();
	struct cyre_index ix;
	struct cyre_files_context ctx = {.index = &ix,
		.files = files,
		.nfiles = n,
		.index_whole = whole};

	ck_assert_int_eq(cyre_index_read(cyre_slice(s.b, sizeof(s.b)),
				 CYRE_FILE_INDEX, f, &ix),
		CYRE_OK);
	ck_assert_int_eq(cyre_check_files(&ctx, f, t), CYRE_OK);
}

/* Deleted mail must not come back; delivered mail must not be lost. */
START_TEST(files_and_records_are_matched)
{
	static const struct cyre_msgfile files[] = {
		{.uid = 1, .state = CYRE_ENTRY_FILE, .size = 200},
		{.uid = 2, .state = CYRE_ENTRY_FILE, .size = 5},
		{.uid = 4, .state = CYRE_ENTRY_FILE, .size = 199},
		{.uid = 12, .state = CYRE_ENTRY_FILE, .size = 6},
	};
	struct cyre_findings f = {0};
	struct cyre_files_totals t;

	match(files, 4, true, &f, &t);
	ck_assert_uint_eq(f.count[CYRE_P_MESSAGE_SIZE], 1);
	ck_assert_uint_eq(f.count[CYRE_P_MESSAGE_FILE_MISSING], 1); /* uid 7 */
	ck_assert_uint_eq(f.count[CYRE_P_MESSAGE_FILE_LEFT], 1);    /* uid 2 */
	ck_assert_uint_eq(f.count[CYRE_P_MESSAGE_NO_RECORD], 1);    /* 12 */
	ck_assert_uint_eq(t.orphans, 1);
	cyre_findings_free(&f);
	/* The record of uid 2 can have been lost with the others. */
	match(files, 4, false, &f, &t);
	ck_assert_uint_eq(f.count[CYRE_P_MESSAGE_NO_RECORD], 2);
	cyre_findings_free(&f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("index");
	TCase *t = tcase_create("index");

	tcase_add_loop_test(t, layouts_fill_their_size, 0, 21);
	tcase_add_test(t, layouts_are_those_of_the_format_page);
	tcase_add_test(t, a_good_index_has_no_finding);
	tcase_add_test(t, every_flipped_bit_is_found);
	tcase_add_test(t, every_cut_is_found);
	tcase_add_test(t, an_uncommitted_append_is_seen);
	tcase_add_loop_test(t, numbers_that_disagree_are_found, 0, 26);
	tcase_add_loop_test(t, a_shifted_modseq_is_known, 0, 6);
	tcase_add_loop_test(
		t, gmtime_in_the_place_of_content_offset_is_known, 0, 3);
	tcase_add_test(t, a_wide_v19_is_read);
	tcase_add_test(t, files_and_records_are_matched);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
