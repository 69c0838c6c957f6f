/*
 * check_db_damage.c - damaged databases: what is noticed, what comes back
 *
 * The numbers below were measured and are recorded so that none of them gets
 * worse unseen. "Right" is a key with its true value among those that salvage
 * writes by itself (intact or replayed), "wrong" any other key among them.
 */
#include "unit.h"

#include <stdio.h>

#include <cyrescue/db.h>

#include "bytes.h"

struct file {
	uint8_t *p;
	size_t n;
};

/* A file of tests/fuzz/corpus or fixtures/. */
static struct file load(const char *dir, const char *name)
{
	struct file f = {0};
	char path[4096];
	FILE *s;

	snprintf(path, sizeof(path), "%s/%s/%s", CYRE_SOURCE_DIR, dir, name);
	s = fopen(path, "rb");
	ck_assert_msg(s != NULL, "%s", path);
	fseek(s, 0, SEEK_END);
	f.n = (size_t)ftell(s);
	rewind(s);
	f.p = malloc(f.n);
	ck_assert_uint_eq(fread(f.p, 1, f.n, s), f.n);
	fclose(s);
	return f;
}

struct score {
	unsigned right, wrong, offered; /* offered: resurrected and right */
	bool noticed;                   /* more than a note was found */
};

static struct score judge(struct cyre_slice damaged, enum cyre_db_format as,
	const struct cyre_db *truth)
{
	struct cyre_findings found = {.keep = 1};
	const struct cyre_db_entry *e, *t;
	struct score s = {0};
	struct cyre_db *db;
	bool same;
	size_t i;

	if (cyre_db_open(damaged, &found, &db) != CYRE_OK) {
		s.noticed = true;
		ck_assert_int_eq(
			cyre_db_salvage(damaged, as, &found, &db), CYRE_OK);
	}
	for (i = 0; i < CYRE_PROBLEM_COUNT; i++)
		if (found.count[i] &&
			cyre_problem_row((enum cyre_problem)i)->severity >
				CYRE_SEV_NOTE)
			s.noticed = true;
	for (i = 0; i < cyre_db_count(db); i++) {
		e = cyre_db_at(db, i);
		t = cyre_db_find(truth, e->key);
		same = t && cyre_slice_eq(t->value, e->value);
		if (e->trust <= CYRE_DB_REPLAYED) {
			s.right += same;
			s.wrong += !same;
		} else if (e->trust == CYRE_DB_RESURRECTED) {
			s.offered += same;
		}
	}
	cyre_db_free(db);
	cyre_findings_free(&found);
	return s;
}

static struct cyre_db *truth_of(const struct file *f)
{
	struct cyre_db *db;

	ck_assert_int_eq(
		cyre_db_read(cyre_slice(f->p, f->n), NULL, &db), CYRE_OK);
	return db;
}

/*
 * Every bit of a small file turned over: no crash, and how often it is noticed
 * or costs a key. Skiplist and flat have no check sums: a changed byte in a key
 * or value cannot be seen. In a hash or btree file the same.
 */
static const struct {
	const char *dir, *name;
	enum cyre_db_format format;
	unsigned keys, flips, noticed, whole, with_wrong;
	/* Cut at each length; each 64 bytes zeroed: noticed, at most wrong. */
	unsigned cut_noticed, cut_wrong, zero_noticed, zero_wrong;
} flips[] = {
	{"tests/fuzz/corpus/twoskip", "small", CYRE_DB_TWOSKIP, 4, 7936, 4704,
		7424, 0, 991, 0, 10, 0},
	{"tests/fuzz/corpus/skiplist", "small", CYRE_DB_SKIPLIST, 4, 2624, 2267,
		1900, 555, 327, 2, 6, 2},
	{"tests/fuzz/corpus/flat", "small", CYRE_DB_FLAT, 4, 400, 209, 0, 356,
		46, 0, 1, 0},
	{"tests/fuzz/corpus/twom", "whole", CYRE_DB_TWOM, 52, 69440, 67870,
		15488, 57, 8679, 0, 134, 0},
	{"tests/fuzz/corpus/berkeley", "hash", CYRE_DB_BERKELEY, 21, 20480,
		1610, 10976, 8257, 2559, 0, 15, 10},
	{"tests/fuzz/corpus/berkeley", "overflow", CYRE_DB_BERKELEY, 41, 65536,
		6480, 28266, 33467, 8191, 0, 64, 32},
	{"tests/fuzz/corpus/sqlite", "small", CYRE_DB_SQLITE, 4, 65536, 1294,
		64193, 330, 8191, 34, 6, 0},
	{"tests/fuzz/corpus/quotalegacy", "dlist", CYRE_DB_QUOTALEGACY, 1, 408,
		24, 0, 400, 50, 0, 1, 0},
	{"tests/fuzz/corpus/quotalegacy", "old", CYRE_DB_QUOTALEGACY, 1, 64, 47,
		0, 56, 7, 1, 1, 0},
};

START_TEST(every_bit_of_a_small_file)
{
	struct file f = load(flips[_i].dir, flips[_i].name);
	struct cyre_db *truth = truth_of(&f);
	unsigned noticed = 0, whole = 0, with_wrong = 0;
	struct score s;
	uint8_t *copy;
	size_t bit;

	ck_assert_uint_eq(cyre_db_count(truth), flips[_i].keys);
	for (bit = 0; bit < f.n * 8; bit++) {
		/* A new block each time: the sanitizer guards its ends. */
		copy = malloc(f.n);
		memcpy(copy, f.p, f.n);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		s = judge(cyre_slice(copy, f.n), flips[_i].format, truth);
		noticed += s.noticed;
		whole += s.right == flips[_i].keys && !s.wrong;
		with_wrong += s.wrong > 0;
		free(copy);
	}
	printf("%s/%s: %zu flips, noticed %u, all keys right %u, a wrong key "
	       "%u\n",
		flips[_i].dir, flips[_i].name, f.n * 8, noticed, whole,
		with_wrong);
	ck_assert_uint_eq(f.n * 8, flips[_i].flips);
	ck_assert_uint_ge(noticed, flips[_i].noticed);
	ck_assert_uint_ge(whole, flips[_i].whole);
	ck_assert_uint_le(with_wrong, flips[_i].with_wrong);
	cyre_db_free(truth);
	free(f.p);
}
END_TEST

static void try_copy(int row, const struct file *f, size_t n, size_t zero,
	const struct cyre_db *truth, unsigned *noticed, unsigned *wrong)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct score s;

	memcpy(copy, f->p, n);
	if (zero < n)
		memset(copy + zero, 0, n - zero < 64 ? n - zero : 64);
	s = judge(cyre_slice(copy, n), flips[row].format, truth);
	*noticed += s.noticed;
	*wrong += s.wrong > 0;
	free(copy);
}

/* Cut at every length, and every 64 bytes zeroed: what is noticed, and how
 * often a key comes that was not there. */
START_TEST(every_cut_and_every_hole)
{
	struct file f = load(flips[_i].dir, flips[_i].name);
	unsigned cut[2] = {0}, zero[2] = {0};
	struct cyre_db *truth = truth_of(&f);
	size_t n;

	for (n = 0; n < f.n; n++)
		try_copy(_i, &f, n, n, truth, &cut[0], &cut[1]);
	for (n = 0; n < f.n; n += 64)
		try_copy(_i, &f, f.n, n, truth, &zero[0], &zero[1]);
	printf("%s/%s: %zu cuts, noticed %u, a wrong key %u; %zu holes, "
	       "noticed %u, a wrong key %u\n",
		flips[_i].dir, flips[_i].name, f.n, cut[0], cut[1],
		(f.n + 63) / 64, zero[0], zero[1]);
	ck_assert_uint_ge(cut[0], flips[_i].cut_noticed);
	ck_assert_uint_le(cut[1], flips[_i].cut_wrong);
	ck_assert_uint_ge(zero[0], flips[_i].zero_noticed);
	ck_assert_uint_le(zero[1], flips[_i].zero_wrong);
	cyre_db_free(truth);
	free(f.p);
}
END_TEST

#define NFLIPS ((int)(sizeof(flips) / sizeof(flips[0])))

enum damage { DUMMY, MAGIC, HEADER, SECTORS, TORN };

/*
 * One kind of damage on a file, the worst of all places where it can strike:
 * for SECTORS each 512 bytes zeroed in turn, for TORN the pointers of every
 * tenth part of all live records. Beside it what Cyrus 3.6.1 keeps of a file
 * with 52 keys, twoskip.md section 6 and skiplist.md section 6.
 */
static const struct {
	const char *name;
	enum cyre_db_format format;
	enum damage damage;
	unsigned keys, right, wrong; /* right: at least; wrong: at most */
} kinds[] = {
	/* Many transactions; Cyrus: 41 right 7 wrong; 0; 0; 37/7; 34/8 */
	{"3.0.18-twoskip-churn", CYRE_DB_TWOSKIP, DUMMY, 55, 55, 0},
	{"3.0.18-twoskip-churn", CYRE_DB_TWOSKIP, MAGIC, 55, 55, 0},
	{"3.0.18-twoskip-churn", CYRE_DB_TWOSKIP, HEADER, 55, 55, 0},
	{"3.0.18-twoskip-churn", CYRE_DB_TWOSKIP, SECTORS, 55, 44, 0},
	{"3.0.18-twoskip-churn", CYRE_DB_TWOSKIP, TORN, 55, 55, 0},
	/* Just repacked; Cyrus: any of it ends every process that opens it */
	{"3.6.1-twoskip-churn", CYRE_DB_TWOSKIP, DUMMY, 55, 55, 0},
	{"3.6.1-twoskip-churn", CYRE_DB_TWOSKIP, MAGIC, 55, 55, 0},
	{"3.6.1-twoskip-churn", CYRE_DB_TWOSKIP, SECTORS, 55, 50, 0},
	{"3.6.1-twoskip-churn", CYRE_DB_TWOSKIP, TORN, 55, 55, 0},
	/* All in the log; Cyrus, one sector zeroed: 18 of 52 */
	{"3.6.1-skiplist-churn", CYRE_DB_SKIPLIST, DUMMY, 52, 52, 0},
	{"3.6.1-skiplist-churn", CYRE_DB_SKIPLIST, MAGIC, 52, 52, 0},
	{"3.6.1-skiplist-churn", CYRE_DB_SKIPLIST, HEADER, 52, 52, 0},
	{"3.6.1-skiplist-churn", CYRE_DB_SKIPLIST, SECTORS, 52, 40, 0},
	{"3.13.1-twom-churn", CYRE_DB_TWOM, DUMMY, 54, 54, 0},
	{"3.13.1-twom-churn", CYRE_DB_TWOM, MAGIC, 54, 54, 0},
	{"3.13.1-twom-churn", CYRE_DB_TWOM, SECTORS, 54, 13, 0},
};

#define NKINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

/* The lowest and the average over all tries. */
struct sum {
	unsigned n, right, wrong, offered, least, most_wrong;
};

static void try(struct sum *sum, const uint8_t *p, size_t n, int kind,
	const struct cyre_db *truth)
{
	struct score s = judge(cyre_slice(p, n), kinds[kind].format, truth);

	if (!sum->n || s.right < sum->least)
		sum->least = s.right;
	if (s.wrong > sum->most_wrong)
		sum->most_wrong = s.wrong;
	sum->n++;
	sum->right += s.right;
	sum->wrong += s.wrong;
	sum->offered += s.offered;
}

/* Twoskip: another 64 bits into the first pointers of the record. */
static void tear(uint8_t *p, size_t offset)
{
	memset(p + offset + 8, 0x5a, 12);
}

static void strike(
	struct sum *sum, struct file *f, int kind, const struct cyre_db *truth)
{
	uint8_t *copy = malloc(f->n);
	size_t i, k, n = cyre_db_count(truth);

	memcpy(copy, f->p, f->n);
	switch (kinds[kind].damage) {
	case DUMMY:
		memset(copy + (kinds[kind].format == CYRE_DB_TWOSKIP ? 72 : 56),
			0x77, 20);
		break;
	case MAGIC:
		copy[3] ^= 8;
		break;
	case HEADER:
		memset(copy, 0, 48);
		break;
	case SECTORS:
		for (i = 1; i < f->n / 512; i++) {
			memset(copy + 512 * i, 0, 512);
			try(sum, copy, f->n, kind, truth);
			memcpy(copy, f->p, f->n);
		}
		break;
	case TORN:
		for (i = 0; i < n / 10; i++) {
			for (k = i; k < n; k += n / 10)
				tear(copy, cyre_db_at(truth, k)->offset);
			try(sum, copy, f->n, kind, truth);
			memcpy(copy, f->p, f->n);
		}
		break;
	}
	if (!sum->n)
		try(sum, copy, f->n, kind, truth);
	free(copy);
}

START_TEST(salvage_gives_back_what_is_there)
{
	struct cyre_db *truth;
	struct sum sum = {0};
	struct file f;
	char name[100];

	snprintf(name, sizeof(name), "%s.db", kinds[_i].name);
	f = load("fixtures/databases", name);
	truth = truth_of(&f);
	ck_assert_uint_eq(cyre_db_count(truth), kinds[_i].keys);
	strike(&sum, &f, _i, truth);
	printf("%s, damage %d, %u tries: right %.1f (least %u), wrong %.2f "
	       "(most %u), offered %.1f of %u\n",
		name, kinds[_i].damage, sum.n, (double)sum.right / sum.n,
		sum.least, (double)sum.wrong / sum.n, sum.most_wrong,
		(double)sum.offered / sum.n, kinds[_i].keys);
	ck_assert_uint_ge(sum.least, kinds[_i].right);
	ck_assert_uint_le(sum.most_wrong, kinds[_i].wrong);
	cyre_db_free(truth);
	free(f.p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("db_damage");
	TCase *t = tcase_create("db_damage");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, every_bit_of_a_small_file, 0, NFLIPS);
	tcase_add_loop_test(t, every_cut_and_every_hole, 0, NFLIPS);
	tcase_add_loop_test(t, salvage_gives_back_what_is_there, 0, NKINDS);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
