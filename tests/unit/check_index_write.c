/*
 * check_index_write.c - real indexes of every version are written back byte for
 * byte, counted as their servers counted them, and converted as the servers'
 * own `reconstruct -V` did.
 *
 * A repair that writes an index from records must not change a byte that was
 * not damaged; and a server must not find a mailbox in need of repair after us.
 */
#include "unit.h"

#include "digest.h"
#include "files.h"
#include "header.h"
#include "index_convert.h"
#include "index_write.h"

#define SPARE_V4 60 /* 2.1.15 leaves memory contents in these 16 bytes */

/* An index in memory: header, records, names of the flags. */
struct box {
	struct cyre_slice file, header_file;
	struct cyre_index ix;
	struct cyre_header header;
	struct cyre_index_record *r;
	size_t n;
};

static void box_free(struct box *b)
{
	free((void *)b->file.p);
	free((void *)b->header_file.p);
	cyre_header_free(&b->header);
	free(b->r);
}

/* False when the file is empty: an expunge file with nothing in it. */
static bool box_read(const char *path, struct box *b)
{
	struct cyre_findings none = {0};
	char *header;
	size_t i;

	*b = (struct box){.file = test_read(path)};
	if (!b->file.n)
		return false;
	ck_assert_int_eq(
		cyre_index_read(b->file, CYRE_FILE_INDEX, &none, &b->ix),
		CYRE_OK);
	b->n = b->ix.count + b->ix.uncommitted;
	b->r = calloc(b->n + 1, sizeof(*b->r));
	for (i = 0; i < b->n; i++)
		cyre_index_decode(&b->ix,
			cyre_index_bytes(&b->ix, (uint32_t)i + 1), &b->r[i]);
	if (asprintf(&header, "%.*s/cyrus.header",
		    (int)(strrchr(path, '/') - path), path) < 0)
		test_die("asprintf");
	b->header_file = test_read(header);
	free(header);
	ck_assert_int_eq(cyre_header_read(b->header_file, CYRE_FILE_HEADER,
				 &none, &b->header),
		CYRE_OK);
	cyre_findings_free(&none);
	return true;
}

/* "…/cyrus-2.3.16-then-3.6.1-skiplist/…": who wrote last. */
static cyre_release release_of(const char *path)
{
	const char *p = strstr(path, "/cyrus-"), *then;
	unsigned major, minor;

	ck_assert_ptr_nonnull(p);
	p += 7;
	then = strstr(p, "-then-");
	if (then)
		p = then + 6;
	ck_assert_int_eq(sscanf(p, "%u.%u.", &major, &minor), 2);
	return CYRE_RELEASE(major, minor);
}

struct score {
	unsigned files, records, same, spare, uncounted;
};

static void round_trip(const char *path, const struct box *b, struct score *s)
{
	struct cyre_buf out = {0};
	bool spare = b->ix.layout->version == 4;
	size_t i;

	ck_assert_int_eq(cyre_index_write(&out, b->ix.layout->version, &b->ix.h,
				 b->r, b->n),
		CYRE_OK);
	ck_assert_uint_eq(out.n, b->file.n);
	s->files++;
	s->records += (unsigned)b->n;
	if (!memcmp(out.p, b->file.p, out.n)) {
		s->same++;
	} else {
		for (i = 0; i < out.n; i++)
			ck_assert_msg(
				out.p[i] == b->file.p[i] ||
					(spare && i >= SPARE_V4 && i < 76),
				"%s: byte %zu", path, i);
		s->spare++;
	}
	cyre_buf_free(&out);
}

/* Fields of a version, by name and value, that are not the same. */
static unsigned differ(const struct cyre_index_field *f, const void *a,
	const void *b,
	bool (*known)(
		const char *field, const void *a, const void *b, void *payload),
	void *payload, const char *where)
{
	unsigned n = 0;
	size_t width;

	for (; f->width; f++) {
		width = f->kind == CYRE_IX_GUID    ? 20
			: f->kind == CYRE_IX_FLAGS ? 16
						   : 8;
		if (f->kind == CYRE_IX_SPARE ||
			!memcmp((const uint8_t *)a + f->member,
				(const uint8_t *)b + f->member, width))
			continue;
		ck_assert_msg(known(f->name, a, b, payload), "%s: %s", where,
			f->name);
		n++;
	}
	return n;
}

static bool has_annotations(const char *index)
{
	char *path;
	bool has;

	if (asprintf(&path, "%.*s/cyrus.annotations",
		    (int)(strrchr(index, '/') - index), index) < 0)
		test_die("asprintf");
	has = access(path, F_OK) == 0;
	free(path);
	return has;
}

/*
 * What the servers keep and our count cannot or should not know:
 *   synccrcs_annot  stored annotations are hashed too, and are not counted here;
 *		     a mailbox of 2.5 keeps its start value 0 under 3.x
 *   first_expunged  2.4's upgrade of a 2.3 mailbox leaves it 0 or too late
 */
static bool known_count(
	const char *field, const void *va, const void *vb, void *payload)
{
	const struct cyre_index_header *was = va, *is = vb;
	const char *path = payload;

	if (!strcmp(field, "synccrcs_annot"))
		return has_annotations(path) ||
		       (was->synccrcs_annot ^ is->synccrcs_annot) == 12345678;
	return !strcmp(field, "first_expunged") &&
	       strstr(path, "2.3.16-then-2.4.22");
}

static void recount(
	const char *path, struct box *b, bool expunge, struct score *s)
{
	struct cyre_index_header h = b->ix.h;
	struct cyre_index_tally t;
	struct cyre_index_totals sum;
	size_t i;

	cyre_index_tally_begin(
		&t, b->ix.layout->version, b->header.flags, b->header.nflags);
	for (i = 0; i < b->n; i++)
		cyre_index_tally_add(&t, &b->r[i]);
	sum = cyre_index_tally_end(&t);
	/* Derived from nothing but the records. */
	h.exists = h.deleted = h.answered = h.flagged = h.unseen = 77;
	h.quota_mailbox_used = h.quota_deleted_used = 77;
	h.quota_expunged_used = h.synccrcs_basic = 77;
	if (expunge)
		cyre_index_apply_counts(&h, &sum);
	else
		cyre_index_apply_totals(&h, &sum, release_of(path), 0);
	if (expunge)
		h.highestmodseq = b->ix.h.highestmodseq;
	s->uncounted += differ(b->ix.layout->header, &b->ix.h, &h, known_count,
		(void *)path, path);
}

static void visit(const char *path, void *payload)
{
	struct box b;

	if (box_read(path, &b)) {
		round_trip(path, &b, payload);
		recount(path, &b, strstr(path, "cyrus.expunge"), payload);
	}
	box_free(&b);
}

static const char *const sets[] = {
	CYRE_SOURCE_DIR "/fixtures/spools", CYRE_SHARED_DIR "/fixtures/spools"};

START_TEST(real_indexes_come_back)
{
	char *dir =
		test_unpack(sets[_i], "'*/cyrus.index' '*/cyrus.expunge' "
				      "'*/cyrus.header' '*/cyrus.annotations'");
	struct score s = {0};

	if (!dir) {
		printf("SKIP: %s is absent\n", sets[_i]);
		return;
	}
	test_walk(dir, "cyrus.index", visit, &s);
	test_walk(dir, "cyrus.expunge", visit, &s);
	printf("%s: %u files, %u records: %u identical, %u but for spare "
	       "bytes; %u fields counted otherwise\n",
		sets[_i], s.files, s.records, s.same, s.spare, s.uncounted);
	test_remove(dir);
}
END_TEST

/*
 * Where a release harms the mailbox it converts, and we do not. Everything else
 * must be as it wrote it.
 */
static const struct {
	const char *release;
	unsigned first, last; /* minor versions */
	const char *field, *reason;
} harms[] = {
	{"2.5.17", 8, 9, "modseq",
		"in the upper half of its place (index.md 4.3)"},
	{"2.5.17", 12, 12, "first_expunged",
		"forgotten: cyr_expire passes the mailbox over"},
	{"3.13.1", 6, 10, "content_offset",
		"gmtime: older servers cut the message there"},
};

struct conversion {
	const char *dir, *release;
	struct box from;
	unsigned version; /* of the file being compared */
	unsigned same, records, harmed;
};

static bool known_harm(
	const char *field, const void *a, const void *b, void *payload)
{
	const struct conversion *c = payload;
	size_t i;

	(void)a;
	(void)b;
	for (i = 0; i < sizeof(harms) / sizeof(*harms); i++)
		if (!strcmp(harms[i].release, c->release) &&
			!strcmp(harms[i].field, field) &&
			c->version >= harms[i].first &&
			c->version <= harms[i].last)
			return true;
	return false;
}

/* Converts `from` and returns the bytes; annotations by record in `moved`. */
static void convert(const struct box *from,
	const struct cyre_index_conversion *c, struct cyre_buf *out,
	struct cyre_index_annotated *moved)
{
	struct cyre_index_header h = from->ix.h;
	struct cyre_index_record *r = calloc(from->n + 1, sizeof(*r));
	struct cyre_index_tally t;
	struct cyre_index_totals sum;
	uint32_t annot = h.synccrcs_annot;
	size_t i, n = 0;

	cyre_index_tally_begin(
		&t, c->to, from->header.flags, from->header.nflags);
	cyre_index_convert_header(c, &h);
	for (i = 0; i < from->n; i++) {
		r[n] = from->r[i];
		ck_assert(cyre_index_convert_record(
			c, &h, &r[n], NULL, &moved[i]));
		if (!(r[n].system_flags & CYRE_FLAG_EXPUNGED))
			h.quota_annot_used +=
				cyre_index_annotated_bytes(&moved[i]);
		cyre_index_tally_add(&t, &r[n++]);
	}
	sum = cyre_index_tally_end(&t);
	cyre_index_apply_totals(&h, &sum, c->release, 0);
	/* A value hashes alike as a field and as an annotation. */
	h.synccrcs_annot = annot;
	ck_assert_int_eq(cyre_index_write(out, c->to, &h, r, n), CYRE_OK);
	free(r);
}

static void compare(struct conversion *c, const struct box *theirs)
{
	struct cyre_index_conversion how = {.from = c->from.ix.layout->version,
		.to = theirs->ix.layout->version,
		.release = !strcmp(c->release, "2.5.17")   ? CYRE_RELEASE(2, 5)
			   : !strcmp(c->release, "3.13.1") ? CYRE_RELEASE(3, 13)
							   : CYRE_RELEASE(3, 6),
		.now_ns = theirs->ix.h.last_repack_time,
		.highestmodseq = c->from.ix.h.highestmodseq};
	struct cyre_index_annotated *moved =
		calloc(c->from.n + 1, sizeof(*moved));
	struct cyre_findings none = {0};
	struct cyre_index_record r;
	struct cyre_buf out = {0};
	struct cyre_index ours;
	char where[64];
	unsigned d = 0;
	size_t i;

	c->version = how.to;
	convert(&c->from, &how, &out, moved);
	ck_assert_int_eq(cyre_index_read(cyre_buf_slice(&out), CYRE_FILE_INDEX,
				 &none, &ours),
		CYRE_OK);
	ck_assert_uint_eq(none.n, 0);
	ck_assert_uint_eq(ours.count, theirs->n);
	snprintf(where, sizeof(where), "%s v%u", c->release, how.to);
	ours.h.header_crc = theirs->ix.h.header_crc;
	d += differ(ours.layout->header, &theirs->ix.h, &ours.h, known_harm, c,
		where);
	for (i = 0; i < theirs->n; i++) {
		cyre_index_decode(
			&ours, cyre_index_bytes(&ours, (uint32_t)i + 1), &r);
		d += differ(ours.layout->record, &theirs->r[i], &r, known_harm,
			c, where);
	}
	if (!d)
		ck_assert_mem_eq(out.p, theirs->file.p, out.n);
	c->same += d == 0;
	c->harmed += d > 0;
	c->records += (unsigned)theirs->n;
	cyre_buf_free(&out);
	free(moved);
}

static void convert_one(const char *path, void *payload)
{
	struct conversion *c = payload;
	struct box theirs;
	unsigned wanted;

	box_read(path, &theirs);
	ck_assert_int_eq(sscanf(strrchr(path, '/') - 2, "%u", &wanted), 1);
	/* 3.6.1 and 3.10.2 leave the index as it was when asked for v10. */
	if (theirs.ix.layout->version == wanted &&
		wanted != c->from.ix.layout->version)
		compare(c, &theirs);
	box_free(&theirs);
}

START_TEST(conversions_are_those_of_the_servers)
{
	static const struct {
		const char *release;
		unsigned native, same, harmed;
	} t[] = {{"2.5.17", 13, 3, 3}, {"3.6.1", 17, 9, 0},
		{"3.10.2", 19, 11, 0}, {"3.13.1", 20, 8, 5}};
	char *dir = test_unpack(CYRE_SHARED_DIR "/fixtures/conversions",
		"'*/cyrus.index' '*/cyrus.header'");
	struct conversion c = {.dir = dir, .release = t[_i].release};
	char *path;

	if (!dir) {
		printf("SKIP: ../shared/fixtures/conversions is absent\n");
		return;
	}
	if (asprintf(&path, "%s/%s/v%02u/cyrus.index", dir, c.release,
		    t[_i].native) < 0)
		test_die("asprintf");
	box_read(path, &c.from);
	*strstr(path, "/v") = 0;
	test_walk(path, "cyrus.index", convert_one, &c);
	printf("%s: v%u to others: %u identical, %u without the release's "
	       "errors, %u records\n",
		c.release, t[_i].native, c.same, c.harmed, c.records);
	ck_assert_uint_eq(c.same, t[_i].same);
	ck_assert_uint_eq(c.harmed, t[_i].harmed);
	free(path);
	box_free(&c.from);
	test_remove(dir);
}
END_TEST

/* Sums and the slots that other versions use otherwise. */
static bool not_kept(
	const char *field, const void *a, const void *b, void *payload)
{
	(void)a;
	(void)b;
	(void)payload;
	return !strcmp(field, "record_crc");
}

/* What an older version has no field for must come back from annotations. */
START_TEST(there_and_back_loses_nothing)
{
	struct cyre_index_conversion down = {
		.from = 20, .to = (unsigned)_i, .highestmodseq = 100};
	struct cyre_index_conversion up = {
		.from = (unsigned)_i, .to = 20, .highestmodseq = 100};
	const struct cyre_index_layout *l = cyre_index_layout((unsigned)_i);
	struct cyre_index_header h = {.highestmodseq = 100};
	struct cyre_index_record r = {.uid = 7,
		.internaldate = 1000000000123456789,
		.sentdate = CYRE_NSEC,
		.size = 200,
		.header_size = 50,
		.gmtime = 5 * (uint64_t)CYRE_NSEC,
		.cache_offset = UINT64_C(0x123456789abc),
		.cache_version = 14,
		.last_updated = 9 * (uint64_t)CYRE_NSEC,
		.system_flags = 0x13,
		.user_flags = {1, 2, 3, 4},
		.guid = {1, 2},
		.modseq = 99,
		.cid = 0x0123456789abcdef,
		.createdmodseq = 88,
		.savedate = 11 * (uint64_t)CYRE_NSEC,
		.basecid = 5,
		.cache_crc = 6};
	struct cyre_index_record was = r, stored;
	struct cyre_index_annotated moved, none;
	struct cyre_findings found = {0};
	struct cyre_buf out = {0};
	struct cyre_index ix;

	if (!l)
		return;
	ck_assert(cyre_index_convert_record(&down, &h, &r, NULL, &moved));
	ck_assert_uint_eq(moved.nsec, 123456789);
	ck_assert_uint_eq(cyre_index_annotated_bytes(&moved),
		9 + 16 + (_i < 16 ? 2 : 0) + (_i < 15 ? 2 : 0) +
			(_i < 13 ? 16 : 0));
	ck_assert_int_eq(
		cyre_index_write(&out, (unsigned)_i, &h, &r, 1), CYRE_OK);
	cyre_index_read(cyre_buf_slice(&out), CYRE_FILE_INDEX, &found, &ix);
	ck_assert(cyre_index_decode(&ix, cyre_index_bytes(&ix, 1), &stored));
	ck_assert(cyre_index_convert_record(&up, &h, &stored, &moved, &none));
	differ(cyre_index_layout(20)->record, &was, &stored, not_kept, NULL,
		"v20");
	cyre_findings_free(&found);
	cyre_buf_free(&out);
}
END_TEST

/* A message cannot come back by a conversion, nor a deletion be forgotten. */
START_TEST(unlinked_records_go)
{
	struct cyre_index_conversion c = {.from = 17, .to = 19};
	struct cyre_index_header h = {
		.highestmodseq = 9, .deletedmodseq = 3, .changes_epoch = 1};
	struct cyre_index_record r = {.uid = 1,
		.modseq = 5,
		.last_updated = 7,
		.system_flags = CYRE_FLAG_EXPUNGED | CYRE_FLAG_UNLINKED};
	struct cyre_index_annotated moved;

	ck_assert(!cyre_index_convert_record(&c, &h, &r, NULL, &moved));
	ck_assert_uint_eq(h.deletedmodseq, 5);
	ck_assert_uint_eq(h.changes_epoch, 7);
	r.system_flags = CYRE_FLAG_EXPUNGED;
	ck_assert(cyre_index_convert_record(&c, &h, &r, NULL, &moved));
	r.uid = 0;
	ck_assert(!cyre_index_convert_record(&c, &h, &r, NULL, &moved));
}
END_TEST

/* A value cut to four bytes would be a wrong record with a good check sum. */
START_TEST(what_does_not_fit_is_refused)
{
	struct cyre_index_header h = {0};
	struct cyre_index_record r = {.uid = 1, .size = UINT64_C(1) << 32};
	struct cyre_buf out = {0};

	ck_assert_int_eq(cyre_index_write(&out, 19, &h, &r, 1), CYRE_ELIMIT);
	ck_assert_uint_eq(out.n, 0);
	ck_assert_int_eq(cyre_index_write(&out, 20, &h, &r, 1), CYRE_OK);
	r.size = 1;
	r.cache_offset = UINT64_C(1) << 48;
	ck_assert_int_eq(cyre_index_write(&out, 20, &h, &r, 1), CYRE_ELIMIT);
	r.cache_offset = UINT64_C(1) << 32;
	ck_assert_int_eq(cyre_index_write(&out, 5, &h, &r, 1), CYRE_ELIMIT);
	r.cache_offset = 0;
	r.internaldate = (UINT64_C(1) << 32) * CYRE_NSEC;
	ck_assert_int_eq(cyre_index_write(&out, 17, &h, &r, 1), CYRE_ELIMIT);
	ck_assert_int_eq(
		cyre_index_write(&out, 11, &h, &r, 1), CYRE_EUNSUPPORTED);
	ck_assert_uint_eq(out.n, 192 + 144);
	cyre_buf_free(&out);
	out.limit = 100;
	ck_assert_int_eq(cyre_index_write(&out, 20, &h, &r, 1), CYRE_ENOMEM);
	cyre_buf_free(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("index_write");
	TCase *t = tcase_create("index_write");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, real_indexes_come_back, 0, 2);
	tcase_add_loop_test(t, conversions_are_those_of_the_servers, 0, 4);
	tcase_add_loop_test(t, there_and_back_loses_nothing, 12, 20);
	tcase_add_test(t, unlinked_records_go);
	tcase_add_test(t, what_does_not_fit_is_refused);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
