/*
 * check_index_salvage.c - real indexes of every version, damaged in every way a
 * disk, a crash or a restore damages them: each record whose bytes are still
 * there must come back, and none that never was.
 *
 * Losing flags and keywords of a whole mailbox over one bad sector is what
 * reconstruct does, and why this exists.
 */
#include "unit.h"

#include "crc_roll.h"
#include "digest.h"
#include "files.h"
#include "index_salvage.h"

#define NOW 1800000000u /* after the fixtures were made */

/* A real index, read while it was whole. */
struct real {
	struct cyre_slice file;
	struct cyre_index ix;
	struct cyre_index_record *r;
	struct cyre_msgfile *files;
	size_t n, nfiles;
	enum cyre_file which;
};

struct score {
	unsigned runs;
	unsigned long intact, found; /* records whose bytes are whole */
	unsigned long broken, mended, fields; /* of the others */
	unsigned long wrong;   /* believed and not what was there */
	unsigned long headers; /* uidvalidity and last_uid right, believed */
};

static bool real_read(const char *path, struct real *ret)
{
	struct cyre_findings none = {0};
	size_t i;

	*ret = (struct real){.file = test_read(path),
		.which = strstr(path, "cyrus.expunge") ? CYRE_FILE_EXPUNGE
						       : CYRE_FILE_INDEX};
	if (!ret->file.n || cyre_index_read(ret->file, ret->which, &none,
				    &ret->ix) != CYRE_OK) {
		cyre_findings_free(&none);
		free((void *)ret->file.p);
		return false;
	}
	cyre_findings_free(&none);
	ret->n = ret->ix.count;
	ret->r = calloc(ret->n + 1, sizeof(*ret->r));
	ret->files = calloc(ret->n + 1, sizeof(*ret->files));
	for (i = 0; i < ret->n; i++) {
		cyre_index_decode(&ret->ix,
			cyre_index_bytes(&ret->ix, (uint32_t)i + 1),
			&ret->r[i]);
		if (ret->which == CYRE_FILE_INDEX)
			ret->files[ret->nfiles++] = (struct cyre_msgfile){
				.uid = (uint32_t)ret->r[i].uid,
				.state = CYRE_ENTRY_FILE,
				.size = ret->r[i].size};
	}
	return true;
}

static void real_free(struct real *r)
{
	free((void *)r->file.p);
	free(r->r);
	free(r->files);
}

static const struct cyre_salvaged *item_of(
	const struct cyre_index_salvage *s, uint64_t uid)
{
	size_t low = 0, high = s->n, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (s->items[mid].uid == uid)
			return &s->items[mid];
		if (s->items[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static bool same_record(struct cyre_index_record a, struct cyre_index_record b)
{
	/* A flipped bit or a cut in the sum itself changes nothing else. */
	a.record_crc = b.record_crc = 0;
	return !memcmp(&a, &b, sizeof(a));
}

/* Is the record where it was (moved by `shift`), byte for byte? */
static bool whole(
	const struct real *r, size_t i, struct cyre_slice damaged, long shift)
{
	struct cyre_slice was = cyre_index_bytes(&r->ix, (uint32_t)i + 1), is;
	long at = (long)(was.p - r->file.p) + shift;

	return at >= 0 && cyre_slice_sub(damaged, (uint64_t)at, was.n, &is) &&
	       cyre_slice_eq(was, is);
}

static void look_at(const struct real *r, const struct cyre_index_salvage *s,
	struct cyre_slice damaged, long shift, struct score *score)
{
	const struct cyre_salvaged_file *f = &s->files[0];
	const struct cyre_salvaged *item;
	size_t i;

	for (i = 0; i < r->n; i++) {
		bool good = whole(r, i, damaged, shift) && r->r[i].uid;
		bool believed;

		item = item_of(s, r->r[i].uid);
		believed =
			item && item->origin >= CYRE_ORIGIN_PLAUSIBLE &&
			same_record(cyre_index_salvage_get(s, item), r->r[i]);
		score->intact += good;
		score->found += good && believed;
		score->broken += !good;
		score->mended += !good && believed;
		score->fields +=
			!good && item && item->origin == CYRE_ORIGIN_FIELDS;
	}
	for (i = 0; i < s->n; i++) {
		struct cyre_index_record got =
			cyre_index_salvage_get(s, &s->items[i]);
		bool right = false;
		size_t k;

		if (s->items[i].origin < CYRE_ORIGIN_PLAUSIBLE)
			continue;
		for (k = 0; k < r->n && !right; k++)
			right = same_record(got, r->r[k]);
		score->wrong += !right;
	}
	score->headers += f->layout &&
			  f->trust[CYRE_HEADER_FIELD(uidvalidity)] >=
				  CYRE_TRUST_PLAUSIBLE &&
			  f->h.uidvalidity == r->ix.h.uidvalidity &&
			  f->h.last_uid == r->ix.h.last_uid;
	score->runs++;
}

static void try(const struct real *r, struct cyre_slice damaged, long shift,
	bool evidence, struct score *score)
{
	struct cyre_salvage_hints hints = {.now = NOW,
		.files = evidence ? r->files : NULL,
		.nfiles = r->nfiles};
	struct cyre_salvage_source source = {damaged, r->which};
	struct cyre_index_salvage s;

	ck_assert_int_eq(cyre_index_salvage(&source, 1, &hints, &s), CYRE_OK);
	look_at(r, &s, damaged, shift, score);
	cyre_index_salvage_free(&s);
}

/* ---- the damages ---- */

enum damage {
	NOTHING,
	HEADER_160,
	HEADER_512,
	CUT_BYTE,
	CUT_RECORD,
	CUT_HALF,
	SECTOR,
	PAGE,
	BIT,
	INSERTED,
	REMOVED,
	MIDDLE,
	GARBAGE,
	DAMAGES
};

static const char *const damage_names[DAMAGES] = {"nothing",
	"first 160 bytes zeroed", "first 512 bytes zeroed", "cut by a byte",
	"cut by a record", "cut by half", "one sector zeroed",
	"one 4 KiB page zeroed", "one bit flipped", "1-7 bytes in front",
	"1-7 bytes gone in front", "3 bytes lost in the middle",
	"1000 bytes appended"};

/* A copy that is damaged again and again. */
struct copy {
	uint8_t *b;
	size_t n;
};

static void copy_of(const struct real *r, struct copy *c)
{
	memcpy(c->b, r->file.p, r->file.n);
	c->n = r->file.n;
}

static void zero(struct copy *c, size_t at, size_t n)
{
	if (at < c->n)
		memset(c->b + at, 0, c->n - at < n ? c->n - at : n);
}

static void damage_all(const struct real *r, bool evidence, size_t step,
	struct score score[DAMAGES])
{
	struct copy c = {malloc(r->file.n + 2000), 0};
	size_t at, i, stride = r->ix.stride;
	uint32_t dice = 1;

#define TRY(d, shift) try(r, cyre_slice(c.b, c.n), shift, evidence, &score[d])
	copy_of(r, &c);
	TRY(NOTHING, 0);
	zero(&c, 0, 160);
	TRY(HEADER_160, 0);
	zero(&c, 0, 512);
	TRY(HEADER_512, 0);
	copy_of(r, &c);
	c.n--;
	TRY(CUT_BYTE, 0);
	c.n -= r->n ? stride - 1 : 0;
	TRY(CUT_RECORD, 0);
	c.n = r->file.n / 2;
	TRY(CUT_HALF, 0);
	for (at = 0; at < r->file.n; at += 512) {
		copy_of(r, &c);
		zero(&c, at, 512);
		TRY(SECTOR, 0);
		if (at % 4096)
			continue;
		zero(&c, at, 4096);
		TRY(PAGE, 0);
	}
	for (at = 0; at < r->file.n; at += step) {
		copy_of(r, &c);
		c.b[at] ^= (uint8_t)(1u << (at + at / 8) % 8);
		TRY(BIT, 0);
	}
	for (i = 1; i < 8; i++) {
		memset(c.b, 0xa5, i);
		memcpy(c.b + i, r->file.p, r->file.n);
		c.n = r->file.n + i;
		TRY(INSERTED, (long)i);
		memcpy(c.b, r->file.p + i, r->file.n - i);
		c.n = r->file.n - i;
		TRY(REMOVED, -(long)i);
	}
	at = r->ix.start + r->n / 2 * stride + 5;
	if (r->n > 3) {
		/* The records before are where they were: two halves. */
		memcpy(c.b, r->file.p, at);
		memcpy(c.b + at, r->file.p + at + 3, r->file.n - at - 3);
		c.n = r->file.n - 3;
		TRY(MIDDLE, -3);
	}
	copy_of(r, &c);
	for (i = 0; i < 1000; i++)
		c.b[c.n++] =
			(uint8_t)((dice = dice * 1103515245 + 12345) >> 16);
	TRY(GARBAGE, 0);
#undef TRY
	free(c.b);
}

/* ---- every version ---- */

struct all {
	struct score s[2][CYRE_INDEX_MAX_VERSION + 1][DAMAGES];
	unsigned seen, files;
	unsigned every; /* takes each so-manieth file */
	size_t step;    /* and flips a bit in each so-manieth byte */
};

static void damage_one(const char *path, void *payload)
{
	struct all *all = payload;
	struct real r;
	unsigned v;

	if (all->seen++ % all->every || !real_read(path, &r))
		return;
	v = r.ix.layout->version;
	damage_all(&r, false, all->step, all->s[0][v]);
	if (v < 12)
		damage_all(&r, true, all->step, all->s[1][v]);
	all->files++;
	real_free(&r);
}

static void print(const char *what, unsigned version, const struct score *s)
{
	for (int d = 0; d < DAMAGES; d++)
		printf("v%-2u %-11s %-26s %6u runs, intact %lu, back %lu "
		       "(%.2f %%), broken %lu: whole again %lu, in part %lu; "
		       "wrong %lu; header %u %%\n",
			version, what, damage_names[d], s[d].runs, s[d].intact,
			s[d].found,
			s[d].intact ? 100.0 * (double)s[d].found /
					      (double)s[d].intact
				    : 100.0,
			s[d].broken, s[d].mended, s[d].fields, s[d].wrong,
			s[d].runs ? (unsigned)(100 * s[d].headers / s[d].runs)
				  : 0);
}

/*
 * From v12 on nothing may be lost that is there, nothing believed that is not,
 * and one flipped bit costs nothing. Before, no sum tells a flipped bit in a
 * date or a flag.
 */
static void judge_one(const char *what, unsigned version, const struct score *s)
{
	print(what, version, s);
	for (int d = 0; d < DAMAGES; d++) {
		ck_assert_msg(s[d].found == s[d].intact, "v%u %s: %lu of %lu",
			version, damage_names[d], s[d].found, s[d].intact);
		if (version >= 12 && d == BIT)
			ck_assert_uint_eq(s[d].mended, s[d].broken);
		if (version >= 12)
			ck_assert_uint_eq(s[d].wrong, 0);
		else if (d == SECTOR)
			ck_assert_uint_le(s[d].wrong * 100, s[d].broken);
		else if (d != BIT)
			ck_assert_uint_eq(s[d].wrong, 0);
		if (d != BIT && d != SECTOR && d != PAGE && d != CUT_HALF &&
			d != HEADER_160 && d != HEADER_512 && version >= 12)
			ck_assert_uint_eq(s[d].headers, s[d].runs);
	}
}

static void judge(const struct all *all)
{
	for (unsigned v = 0; v <= CYRE_INDEX_MAX_VERSION; v++) {
		if (!all->s[0][v][NOTHING].runs)
			continue;
		judge_one(v < 12 ? "alone" : "", v, all->s[0][v]);
		if (v < 12)
			judge_one("with files", v, all->s[1][v]);
	}
}

static const struct {
	const char *folder, *members;
	unsigned every;
	size_t step;
} sets[] = {
	{CYRE_SOURCE_DIR "/fixtures/spools",
		"'*/cyrus.index' '*/cyrus.expunge'", 1, 101},
	{CYRE_SHARED_DIR "/fixtures/conversions", "'*/cyrus.index'", 1, 7},
	{CYRE_SHARED_DIR "/fixtures/spools",
		"'*/cyrus.index' '*/cyrus.expunge'", 4, 211},
};

START_TEST(intact_records_come_back)
{
	char *dir = test_unpack(sets[_i].folder, sets[_i].members);
	struct all *all = calloc(1, sizeof(*all));

	if (!dir) {
		printf("SKIP: %s is absent\n", sets[_i].folder);
		free(all);
		return;
	}
	all->step = sets[_i].step;
	all->every = getenv("CYRE_TEST_ALL") ? 1 : sets[_i].every;
	test_walk(dir, "cyrus.index", damage_one, all);
	test_walk(dir, "cyrus.expunge", damage_one, all);
	printf("%s: %u files\n", sets[_i].folder, all->files);
	judge(all);
	free(all);
	test_remove(dir);
}
END_TEST

/* ---- several files, and what one file alone cannot show ---- */

static struct real small(const char *release)
{
	char path[200];
	struct real r;

	snprintf(path, sizeof(path), "%s/fixtures/mailboxes/%s/cyrus.index",
		CYRE_SOURCE_DIR, release);
	ck_assert(real_read(path, &r));
	ck_assert_uint_gt(r.n, 2);
	return r;
}

/* A crash in the middle of a repack: what one copy lost the other has. */
START_TEST(two_copies_make_one)
{
	struct real r = small("3.6.1");
	uint8_t *a = malloc(r.file.n), *b = malloc(r.file.n);
	struct cyre_salvage_hints hints = {.now = NOW};
	struct cyre_salvage_source two[2] = {
		{cyre_slice(a, r.file.n), CYRE_FILE_INDEX},
		{cyre_slice(b, r.file.n), CYRE_FILE_INDEX_NEW}};
	struct cyre_index_salvage s;
	size_t i, half = r.ix.start + r.n / 2 * r.ix.stride;

	memcpy(a, r.file.p, r.file.n);
	memcpy(b, r.file.p, r.file.n);
	memset(a, 0, half);
	memset(b + half, 0, r.file.n - half);
	ck_assert_int_eq(cyre_index_salvage(two, 2, &hints, &s), CYRE_OK);
	ck_assert_uint_eq(s.n, r.n);
	for (i = 0; i < s.n; i++) {
		ck_assert(same_record(
			cyre_index_salvage_get(&s, &s.items[i]), r.r[i]));
		ck_assert_uint_eq(s.items[i].file, i < r.n / 2);
	}
	ck_assert_uint_eq(s.files[0].trust[CYRE_HEADER_FIELD(uidvalidity)],
		CYRE_TRUST_DOUBTFUL);
	ck_assert_uint_eq(s.files[1].trust[CYRE_HEADER_FIELD(uidvalidity)],
		CYRE_TRUST_SURE);
	cyre_index_salvage_free(&s);
	free(a);
	free(b);
	real_free(&r);
}
END_TEST

/* In both files: the expunge did not happen (index.md 10.2). */
START_TEST(an_expunge_that_did_not_happen)
{
	struct real r = small("2.1.15");
	struct cyre_salvage_hints hints = {.now = NOW};
	struct cyre_salvage_source two[2] = {{r.file, CYRE_FILE_EXPUNGE},
		{cyre_slice(r.file.p, r.file.n - r.ix.stride),
			CYRE_FILE_INDEX}};
	struct cyre_index_salvage s;
	size_t i;

	ck_assert_int_eq(cyre_index_salvage(two, 2, &hints, &s), CYRE_OK);
	ck_assert_uint_eq(s.n, r.n);
	for (i = 0; i < s.n; i++)
		ck_assert_uint_eq(s.items[i].listed, i + 1 < s.n);
	cyre_index_salvage_free(&s);
	real_free(&r);
}
END_TEST

/* An in-place update cut in the middle: the new half and the old one. */
START_TEST(a_torn_record_keeps_its_fields)
{
	struct real r = small("3.6.1");
	uint8_t *b = malloc(r.file.n);
	struct cyre_salvage_hints hints = {
		.now = NOW, .files = r.files, .nfiles = r.nfiles};
	struct cyre_salvage_source one = {
		cyre_slice(b, r.file.n), CYRE_FILE_INDEX};
	const struct cyre_salvaged *item;
	struct cyre_index_record got;
	struct cyre_index_salvage s;

	memcpy(b, r.file.p, r.file.n);
	memset(b + r.ix.start + r.ix.stride + 20, 0xf5, 40);
	ck_assert_int_eq(cyre_index_salvage(&one, 1, &hints, &s), CYRE_OK);
	ck_assert_uint_eq(s.n, r.n);
	item = &s.items[1];
	got = cyre_index_salvage_get(&s, item);
	ck_assert_uint_eq(item->origin, CYRE_ORIGIN_FIELDS);
	ck_assert_uint_eq(item->uid, r.r[1].uid);
	ck_assert(item->trusted & CYRE_RECORD_BIT(internaldate));
	ck_assert(item->trusted & CYRE_RECORD_BIT(size));
	ck_assert(item->trusted & CYRE_RECORD_BIT(modseq));
	ck_assert(item->trusted & CYRE_RECORD_BIT(guid));
	ck_assert(!(item->trusted & CYRE_RECORD_BIT(system_flags)));
	ck_assert(!(item->trusted & CYRE_RECORD_BIT(last_updated)));
	ck_assert(!(item->trusted & CYRE_RECORD_BIT(cache_offset)));
	ck_assert_uint_eq(got.modseq, r.r[1].modseq);
	cyre_index_salvage_free(&s);
	free(b);
	real_free(&r);
}
END_TEST

/* The header was not written when the append was: the record is good. */
START_TEST(an_append_without_its_header)
{
	struct real r = small("3.13.1");
	uint8_t *b = malloc(r.file.n);
	struct cyre_salvage_hints hints = {.now = NOW};
	struct cyre_salvage_source one = {
		cyre_slice(b, r.file.n), CYRE_FILE_INDEX};
	struct cyre_index_salvage s;
	size_t i;

	memcpy(b, r.file.p, r.file.n);
	cyre_store_be32(b + 20, (uint32_t)r.n - 1);
	cyre_store_be32(
		b + r.ix.start - 4, cyre_crc32(cyre_slice(b, r.ix.start - 4)));
	ck_assert_int_eq(cyre_index_salvage(&one, 1, &hints, &s), CYRE_OK);
	ck_assert_uint_eq(s.n, r.n);
	for (i = 0; i < s.n; i++)
		ck_assert_uint_eq(s.items[i].uncommitted, i + 1 == s.n);
	cyre_index_salvage_free(&s);
	free(b);
	real_free(&r);
}
END_TEST

/* A mailbox without messages has a header only, and that may move, too. */
START_TEST(an_empty_mailbox)
{
	struct real r = small("2.4.22");
	uint8_t *b = calloc(1, r.ix.start + 8);
	struct cyre_salvage_hints hints = {.now = NOW};
	struct cyre_salvage_source one = {.which = CYRE_FILE_INDEX};
	struct cyre_index_salvage s;
	size_t shift;

	for (shift = 0; shift < 8; shift++) {
		memset(b, 0, shift);
		memcpy(b + shift, r.file.p, r.ix.start);
		one.bytes = cyre_slice(b, r.ix.start + shift);
		ck_assert_int_eq(
			cyre_index_salvage(&one, 1, &hints, &s), CYRE_OK);
		ck_assert_ptr_nonnull(s.files[0].layout);
		ck_assert_uint_eq(s.files[0].h.uidvalidity, r.ix.h.uidvalidity);
		ck_assert_uint_eq(
			s.files[0].trust[CYRE_HEADER_FIELD(uidvalidity)],
			CYRE_TRUST_SURE);
		ck_assert_uint_eq(s.n, 0);
		cyre_index_salvage_free(&s);
	}
	free(b);
	real_free(&r);
}
END_TEST

/* The option that makes the next close delete every file (index.md 5) is
 * believed only under a good sum. */
START_TEST(a_deletion_is_not_guessed)
{
	struct real r = small("2.4.22");
	uint8_t *b = malloc(r.file.n);
	struct cyre_salvage_hints hints = {.now = NOW};
	struct cyre_salvage_source one = {
		cyre_slice(b, r.file.n), CYRE_FILE_INDEX};
	struct cyre_index_salvage s;

	memcpy(b, r.file.p, r.file.n);
	cyre_store_be32(b + 60, CYRE_OPT_DELETED | 7);
	ck_assert_int_eq(cyre_index_salvage(&one, 1, &hints, &s), CYRE_OK);
	ck_assert_uint_eq(s.files[0].trust[CYRE_HEADER_FIELD(options)],
		CYRE_TRUST_DOUBTFUL);
	ck_assert_uint_eq(s.files[0].trust[CYRE_HEADER_FIELD(uidvalidity)],
		CYRE_TRUST_PLAUSIBLE);
	cyre_index_salvage_free(&s);
	free(b);
	real_free(&r);
}
END_TEST

/* The sliding window finds what a sum at every place finds. */
START_TEST(the_window_sees_every_place)
{
	uint8_t b[400];
	struct cyre_crc_roll roll;
	size_t at;

	cyre_crc_roll_begin(&roll, 92);
	for (at = 0; at + 96 <= sizeof(b); at += 7) {
		for (size_t i = 0; i < sizeof(b); i++)
			b[i] = (uint8_t)(i * i + at);
		cyre_store_be32(
			b + at + 92, cyre_crc32(cyre_slice(b + at, 92)));
		ck_assert_uint_eq(
			cyre_crc_roll_find(&roll, cyre_slice(b, sizeof(b)), 0),
			at);
		ck_assert_uint_eq(
			cyre_crc_roll_find(&roll, cyre_slice(b, sizeof(b)), at),
			at);
		ck_assert_uint_eq(cyre_crc_roll_find(&roll,
					  cyre_slice(b, sizeof(b)), at + 1),
			SIZE_MAX);
	}
	ck_assert_uint_eq(
		cyre_crc_roll_find(&roll, cyre_slice(b, 95), 0), SIZE_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("index_salvage");
	TCase *t = tcase_create("index_salvage");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, intact_records_come_back, 0, 3);
	tcase_add_test(t, two_copies_make_one);
	tcase_add_test(t, an_expunge_that_did_not_happen);
	tcase_add_test(t, a_torn_record_keeps_its_fields);
	tcase_add_test(t, an_append_without_its_header);
	tcase_add_test(t, an_empty_mailbox);
	tcase_add_test(t, a_deletion_is_not_guessed);
	tcase_add_test(t, the_window_sees_every_place);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
