/*
 * check_foreign.c - an index in the wrong mailbox is told from a damaged one
 *
 * The accident: fsck puts the index of another mailbox here, and a rebuild gives
 * its flags to mail it never saw. The other accident: a right index, whose
 * messages were cut, is thrown away for it. Real trees: tools/foreign.py.
 */
#include "unit.h"

#include "check_foreign.h"
#include "digest.h"
#include "index_write.h"

#define N 20

/* A mailbox of N messages of different sizes, whose index is its own. */
struct box {
	struct cyre_msgfile files[N];
	struct cyre_index_header h;
	struct cyre_index_record records[N];
	struct cyre_header header;
	struct cyre_foreign_context ctx;
	struct cyre_buf bytes;
	struct cyre_index index;
	struct cyre_findings found;
};

static uint64_t size_of(unsigned i)
{
	return 1000 + (uint64_t)i * 7919 % 5000;
}

static void fill(struct box *b)
{
	unsigned i;

	*b = (struct box){.header.bytes = cyre_slice_str("its own header"),
		.header.uniqueid = cyre_slice_str("a87ff679a2f3e71d")};
	for (i = 0; i < N; i++) {
		b->files[i] = (struct cyre_msgfile){.uid = i + 1,
			.state = CYRE_ENTRY_FILE,
			.size = size_of(i)};
		b->records[i] = (struct cyre_index_record){
			.uid = i + 1, .size = size_of(i), .header_size = 500};
	}
	b->h = (struct cyre_index_header){.uidvalidity = 1000,
		.last_uid = N,
		.header_file_crc = cyre_crc32(b->header.bytes)};
	b->ctx = (struct cyre_foreign_context){.files = b->files,
		.nfiles = N,
		.header = &b->header,
		.listed_uniqueid = b->header.uniqueid,
		.listed_uidvalidity = 1000};
}

static bool is_foreign(struct box *b, unsigned version)
{
	bool ret;

	b->h.num_records = N;
	cyre_buf_reset(&b->bytes);
	ck_assert_int_eq(
		cyre_index_write(&b->bytes, version, &b->h, b->records, N),
		CYRE_OK);
	ck_assert_int_eq(cyre_index_read(cyre_buf_slice(&b->bytes),
				 CYRE_FILE_INDEX, &b->found, &b->index),
		CYRE_OK);
	b->ctx.index = &b->index;
	ret = cyre_check_foreign(&b->ctx, &b->found);
	ck_assert_uint_eq(b->found.count[CYRE_P_INDEX_FOREIGN], ret);
	cyre_findings_free(&b->found);
	cyre_buf_free(&b->bytes);
	return ret;
}

/* The records are of other messages. */
static void swap_records(struct box *b)
{
	unsigned i;

	for (i = 0; i < N; i++)
		b->records[i].size = size_of(i + 3);
}

START_TEST(its_own_stays)
{
	struct box b;

	fill(&b);
	ck_assert(!is_foreign(&b, 17));
	/* Nor by one thing alone. */
	b.h.header_file_crc++;
	ck_assert(!is_foreign(&b, 17));
	b.ctx.listed_uidvalidity = 7;
	ck_assert(!is_foreign(&b, 17));
	fill(&b);
	swap_records(&b);
	ck_assert(!is_foreign(&b, 17));
}
END_TEST

START_TEST(cut_messages_are_its_own)
{
	struct box b;
	unsigned i;

	fill(&b);
	for (i = 0; i < N; i++)
		b.files[i].size = b.files[i].size / 512 * 512;
	b.h.header_file_crc++;
	ck_assert(!is_foreign(&b, 17));
	/* Without the sizes a 2.x index has its mailbox's UIDVALIDITY. */
	b.header.uniqueid = cyre_slice_str("a87ff679000003e8");
	ck_assert(!is_foreign(&b, 10));
}
END_TEST

/* A filter that adds a header to each message makes all of them longer. */
START_TEST(rewritten_messages_are_its_own)
{
	struct box b;
	unsigned i;

	fill(&b);
	for (i = 0; i < N; i++)
		b.files[i].size += 40;
	b.ctx.header = NULL;
	b.ctx.listed_uidvalidity = 0;
	ck_assert(!is_foreign(&b, 17));
}
END_TEST

START_TEST(anothers_is_found)
{
	struct box b;

	fill(&b);
	swap_records(&b);
	b.h.header_file_crc++;
	ck_assert(is_foreign(&b, 17));
	/* With its header: mailboxes.db has another id. */
	fill(&b);
	swap_records(&b);
	b.ctx.listed_uniqueid = cyre_slice_str("something else");
	ck_assert(is_foreign(&b, 17));
	/* 2.x: the uniqueid has another UIDVALIDITY. */
	fill(&b);
	swap_records(&b);
	ck_assert(is_foreign(&b, 10));
	/* Where nothing but the sizes can tell. */
	b.ctx.header = NULL;
	b.ctx.listed_uidvalidity = 0;
	ck_assert(is_foreign(&b, 17));
}
END_TEST

/* Three messages may be damaged; where no file has a record, nothing is. */
START_TEST(few_messages_want_two_witnesses)
{
	struct box b;

	fill(&b);
	swap_records(&b);
	b.ctx.nfiles = 2;
	b.h.header_file_crc++;
	ck_assert(!is_foreign(&b, 17));
	b.ctx.listed_uidvalidity = 7;
	ck_assert(is_foreign(&b, 17));
	b.ctx.nfiles = 0;
	ck_assert(is_foreign(&b, 17));
	b.ctx.header = NULL;
	ck_assert(!is_foreign(&b, 17));
}
END_TEST

/* A record whose checksum is wrong says nothing of its message. */
START_TEST(damaged_records_do_not_count)
{
	struct box b;
	unsigned i;

	fill(&b);
	b.h.header_file_crc++;
	b.h.num_records = N;
	swap_records(&b);
	ck_assert_int_eq(
		cyre_index_write(&b.bytes, 17, &b.h, b.records, N), CYRE_OK);
	for (i = 0; i < N - 2; i++)
		b.bytes.p[160 + i * 112 + 12] ^= 1;
	ck_assert_int_eq(cyre_index_read(cyre_buf_slice(&b.bytes),
				 CYRE_FILE_INDEX, &b.found, &b.index),
		CYRE_OK);
	b.ctx.index = &b.index;
	ck_assert(!cyre_check_foreign(&b.ctx, &b.found));
	cyre_findings_free(&b.found);
	cyre_buf_free(&b.bytes);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("foreign");
	TCase *t = tcase_create("foreign");

	tcase_add_test(t, its_own_stays);
	tcase_add_test(t, cut_messages_are_its_own);
	tcase_add_test(t, rewritten_messages_are_its_own);
	tcase_add_test(t, anothers_is_found);
	tcase_add_test(t, few_messages_want_two_witnesses);
	tcase_add_test(t, damaged_records_do_not_count);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
