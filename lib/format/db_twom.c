/*
 * db_twom.c - twom files (3.13 and later), strict reading and salvage
 *
 * Format: docs/formats/other-databases.md section 7. Everything is
 * little-endian; the file is longer than its contents. REPLACE and DELETE name
 * the record they end by its offset, so that a replay in file order is exact.
 */
#include "db.h"
#include "grow.h"

#include <stdlib.h>

#include "xxh3.h"

#define TM_MAGIC      "\xa1\x02\x8b\x0dtwomfile\0\0\0\0"
#define TM_MAGIC_LEN  16
#define TM_HEADER_LEN 96
#define TM_MAX_LEVEL  31
#define TM_DIRTY      (1u << 0)
#define TM_NO_SUM     (1u << 27)
#define TM_OTHER_SUM  (1u << 29) /* a function we do not have */

enum tm_type {
	TM_DUMMY = 1,
	TM_ADD,
	TM_FATADD,
	TM_REPLACE,
	TM_FATREPLACE,
	TM_DELETE,
	TM_COMMIT
};

struct tm_header {
	uint32_t flags;
	uint64_t generation, records, current_size;
};

struct tm_record {
	uint64_t offset, size, ancestor; /* ancestor 0: none */
	uint8_t type, level;
	bool head_ok;
	uint32_t tail_sum;
	const uint8_t *ptr;
	struct cyre_slice tail, key, value;
	bool live, linked;
};

struct tw {
	struct cyre_slice file;
	struct cyre_findings *found;
	struct cyre_db *db;
	struct tm_header h;
	bool has_header, unsummed;
	struct tm_record *v; /* salvage: all records, by offset */
	size_t n, cap;
	uint64_t last_gap, end, budget;
};

static uint32_t le32(const uint8_t *p)
{
	return __builtin_bswap32(cyre_load_be32(p));
}

static uint64_t le64(const uint8_t *p)
{
	return __builtin_bswap64(cyre_load_be64(p));
}

/* The low half; the sum of nothing is 0. */
static uint32_t sum(struct cyre_slice s)
{
	return s.n ? (uint32_t)cyre_xxh3(s) : 0;
}

static bool detect(struct cyre_slice bytes)
{
	return cyre_slice_starts(bytes, cyre_slice(TM_MAGIC, TM_MAGIC_LEN));
}

static bool read_header(struct tw *t)
{
	const uint8_t *p = t->file.p;

	if (t->file.n < TM_HEADER_LEN || !detect(t->file))
		return false;
	t->h = (struct tm_header){.flags = le32(p + 36),
		.generation = le64(p + 40),
		.records = le64(p + 48),
		.current_size = le64(p + 80)};
	t->unsummed = t->h.flags & (TM_NO_SUM | TM_OTHER_SUM);
	t->has_header = le32(p + 32) == 1 &&
			t->h.current_size >= TM_HEADER_LEN &&
			(t->unsummed || sum(cyre_slice(p, 92)) == le32(p + 92));
	return t->has_header;
}

static bool is_put(uint8_t type)
{
	return type >= TM_ADD && type <= TM_FATREPLACE;
}

/* The lengths, where a record of this type has them; then its ancestor. */
static bool get_fields(struct cyre_cur *c, struct tm_record *r,
	uint64_t *ret_keylen, uint64_t *ret_vallen)
{
	bool fat = r->type == TM_FATADD || r->type == TM_FATREPLACE;
	const uint8_t *p = cyre_get_bytes(c, 6);

	if (!p)
		return false;
	*ret_keylen = p[0] | (uint64_t)p[1] << 8;
	*ret_vallen = le32(p + 2);
	if (fat) {
		p = cyre_get_bytes(c, 16);
		if (!p)
			return false;
		*ret_keylen = le64(p);
		*ret_vallen = le64(p + 8);
	}
	if (r->type == TM_REPLACE || r->type == TM_FATREPLACE) {
		p = cyre_get_bytes(c, 8);
		r->ancestor = p ? le64(p) : 0;
	}
	return !c->bad;
}

static bool level_fits(uint8_t type, uint8_t level)
{
	if (type == TM_DUMMY)
		return level == TM_MAX_LEVEL;
	if (is_put(type))
		return level >= 1 && level <= TM_MAX_LEVEL;
	return (type == TM_DELETE || type == TM_COMMIT) && level == 0;
}

static bool get_record(const struct tw *t, uint64_t off, struct tm_record *ret)
{
	struct tm_record r = {.offset = off};
	uint64_t keylen, vallen, tail = 0;
	struct cyre_slice rest;
	struct cyre_cur c;
	size_t head;
	const uint8_t *p;

	if (off % 8 || off > t->file.n ||
		!cyre_slice_sub(t->file, off, t->file.n - off, &rest))
		return false;
	c = cyre_cur(rest);
	r.type = cyre_get_u8(&c);
	r.level = cyre_get_u8(&c);
	if (!get_fields(&c, &r, &keylen, &vallen) ||
		!level_fits(r.type, r.level))
		return false;
	r.ptr = cyre_get_bytes(&c, 8 * ((uint64_t)r.level + 1));
	head = rest.n - cyre_cur_left(&c);
	p = cyre_get_bytes(&c, 8);
	if (!p || keylen > rest.n || vallen > rest.n)
		return false;
	if (is_put(r.type))
		tail = (keylen + vallen + 2 + 7) & ~(uint64_t)7;
	if (is_put(r.type) != (keylen > 0) ||
		!cyre_slice_sub(rest, head + 8, tail, &r.tail))
		return false;
	if (r.type == TM_DELETE)
		r.ancestor = le64(r.ptr);
	r.head_ok = t->unsummed || sum(cyre_slice(rest.p, head)) == le32(p);
	r.tail_sum = le32(p + 4);
	r.size = head + 8 + tail;
	/* A NUL behind each, so that a wrong length is seen. */
	if (tail && (r.tail.p[keylen] || r.tail.p[keylen + 1 + vallen]))
		return false;
	if (tail) {
		r.key = cyre_slice(r.tail.p, (size_t)keylen);
		r.value = cyre_slice(r.tail.p + keylen + 1, (size_t)vallen);
	}
	*ret = r;
	return true;
}

static bool tail_ok(const struct tw *t, const struct tm_record *r)
{
	return t->unsummed || sum(r->tail) == r->tail_sum;
}

/* List 0 has two slots; the newest that is committed counts. */
static uint64_t next_of(const struct tw *t, const struct tm_record *r)
{
	uint64_t a = le64(r->ptr), b = r->level ? le64(r->ptr + 8) : a;

	if (a >= t->end)
		return b;
	if (b >= t->end)
		return a;
	return a > b ? a : b;
}

static void damaged(struct tw *t, uint64_t off, const char *what)
{
	CYRE_FIND(t->found, .problem = CYRE_P_DB_RECORD, .offset = off,
		.text = what, .file = CYRE_FILE_OTHER);
}

/* The record the walk comes to. NULL, or what is wrong with it. */
static const char *step(
	struct tw *t, uint64_t off, uint64_t *budget, struct tm_record *r)
{
	if (off <= TM_HEADER_LEN || off >= t->end || !get_record(t, off, r))
		return "no record there";
	if (r->size > *budget)
		return "records overlap";
	*budget -= r->size;
	if (!r->head_ok)
		return "head check sum";
	if (r->type == TM_DELETE)
		return NULL;
	if (!is_put(r->type))
		return "a record of another kind";
	return tail_ok(t, r) ? NULL : "key and value check sum";
}

/*
 * A DELETE stays in the list; it leads to the record it ended, whose links go
 * on. `reached` is called for each live one.
 */
static cyre_status walk(struct tw *t,
	cyre_status (*reached)(struct tw *t, const struct tm_record *r))
{
	uint64_t off, budget = 2 * (uint64_t)t->file.n;
	cyre_status st = CYRE_OK;
	const char *wrong = NULL;
	struct tm_record r;
	bool dead = false;

	if (!get_record(t, TM_HEADER_LEN, &r) || !r.head_ok ||
		r.type != TM_DUMMY) {
		damaged(t, TM_HEADER_LEN, "the first record");
		return CYRE_OK;
	}
	for (off = next_of(t, &r); off && st == CYRE_OK;) {
		wrong = step(t, off, &budget, &r);
		if (wrong)
			break;
		if (r.type == TM_DELETE && !dead) {
			dead = true;
			off = r.ancestor;
			continue;
		}
		if (!dead)
			st = reached(t, &r);
		dead = false;
		off = next_of(t, &r);
	}
	if (wrong)
		damaged(t, off, wrong);
	return st;
}

static cyre_status add_reached(struct tw *t, const struct tm_record *r)
{
	struct cyre_slice last;

	if (t->db->n) {
		last = t->db->e[t->db->n - 1].key;
		if (cyre_db_comparer(CYRE_DB_RAW)(last, r->key) >= 0)
			CYRE_FIND(t->found, .problem = CYRE_P_DB_ORDER,
				.offset = r->offset, .actual = 1,
				.file = CYRE_FILE_OTHER);
	}
	return cyre_db_add(t->db,
		&(struct cyre_db_entry){
			.key = r->key, .value = r->value, .offset = r->offset});
}

/* Behind the last commit there are only zeros: the file grows in steps. */
static void check_end(struct tw *t)
{
	uint64_t i, n = 0;

	if (t->h.flags & TM_DIRTY)
		CYRE_FIND(t->found, .problem = CYRE_P_DB_DIRTY,
			.file = CYRE_FILE_OTHER);
	if (t->file.n < t->h.current_size)
		CYRE_FIND(t->found, .problem = CYRE_P_DB_TRUNCATED,
			.expected = t->h.current_size, .actual = t->file.n,
			.file = CYRE_FILE_OTHER);
	for (i = t->h.current_size; i < t->file.n; i++)
		if (t->file.p[i])
			n = i + 1 - t->h.current_size;
	if (n)
		CYRE_FIND(t->found, .problem = CYRE_P_DB_UNCOMMITTED,
			.offset = t->h.current_size, .length = n,
			.file = CYRE_FILE_OTHER);
}

static cyre_status read_strict(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct tw t = {.file = file, .found = found, .db = db};
	cyre_status st;

	if (!read_header(&t)) {
		CYRE_FIND(found, .problem = CYRE_P_DB_HEADER,
			.file = CYRE_FILE_OTHER);
		return CYRE_OK;
	}
	t.end = t.h.current_size;
	db->info.generation = t.h.generation;
	db->info.counted = true;
	db->info.expected = t.h.records;
	check_end(&t);
	st = walk(&t, add_reached);
	if (st == CYRE_OK && db->n != t.h.records)
		CYRE_FIND(found, .problem = CYRE_P_DB_COUNT,
			.expected = t.h.records, .actual = db->n,
			.file = CYRE_FILE_OTHER);
	return st;
}

static cyre_status keep(struct tw *t, const struct tm_record *r)
{
	struct tm_record *p = cyre_grow(t->v, t->n, &t->cap, sizeof(*p));

	if (!p)
		return CYRE_ENOMEM;
	t->v = p;
	t->v[t->n++] = *r;
	return CYRE_OK;
}

static struct tm_record *record_at(const struct tw *t, uint64_t off)
{
	size_t lo = 0, hi = t->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (t->v[mid].offset < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->n && t->v[lo].offset == off ? &t->v[lo] : NULL;
}

/* Both sums right; or the tail's alone, when the head was torn. */
static bool is_believed(struct tw *t, const struct tm_record *r)
{
	if (t->unsummed || !r->tail.n)
		return r->head_ok;
	if (r->tail.n > t->budget)
		return false;
	t->budget -= r->tail.n;
	return tail_ok(t, r);
}

static cyre_status collect(struct tw *t)
{
	uint64_t off = TM_HEADER_LEN, commit = 0;
	struct tm_record r;
	cyre_status st;

	while (off < t->file.n) {
		if (!get_record(t, off, &r) || !is_believed(t, &r)) {
			/* Zeros behind the end are not a gap. */
			if (t->file.p[off] && off >= TM_HEADER_LEN + 272)
				t->last_gap = off + 8;
			off += 8;
			continue;
		}
		st = keep(t, &r);
		if (st != CYRE_OK)
			return st;
		off += r.size;
		if (r.type == TM_COMMIT)
			commit = off;
		/* A hole of zeros before this record is one. */
		if (t->n > 1 &&
			t->v[t->n - 2].offset + t->v[t->n - 2].size != r.offset)
			t->last_gap = r.offset;
	}
	t->end = t->has_header ? t->h.current_size : commit;
	return CYRE_OK;
}

static void replay(struct tw *t)
{
	struct tm_record *old;
	size_t i;

	for (i = 0; i < t->n && t->v[i].offset < t->end; i++) {
		t->v[i].live = is_put(t->v[i].type);
		old = t->v[i].ancestor ? record_at(t, t->v[i].ancestor) : NULL;
		if (old)
			old->live = false;
	}
}

static cyre_status mark_reached(struct tw *t, const struct tm_record *r)
{
	struct tm_record *it = record_at(t, r->offset);

	if (it)
		it->linked = true;
	return CYRE_OK;
}

static cyre_status emit(struct tw *t)
{
	enum cyre_db_trust trust;
	struct tm_record *r;
	cyre_status st;
	size_t i;

	for (i = 0; i < t->n; i++) {
		r = &t->v[i];
		if (r->offset >= t->end && is_put(r->type))
			trust = CYRE_DB_UNCOMMITTED;
		else if (!r->live)
			continue;
		else if (r->linked)
			trust = CYRE_DB_INTACT;
		else
			trust = r->offset >= t->last_gap ? CYRE_DB_REPLAYED
							 : CYRE_DB_RESURRECTED;
		st = cyre_db_add(t->db, &(struct cyre_db_entry){.key = r->key,
						.value = r->value,
						.offset = r->offset,
						.trust = trust});
		if (st != CYRE_OK)
			return st;
	}
	cyre_db_finish(t->db);
	return CYRE_OK;
}

static void count_missing(struct tw *t, struct cyre_findings *found)
{
	struct cyre_db_info *info = &t->db->info;
	uint64_t have = t->db->n - info->count[CYRE_DB_UNCOMMITTED];

	info->counted = t->has_header;
	info->expected = t->has_header ? t->h.records : 0;
	info->generation = t->h.generation;
	cyre_db_tell_missing(t->db, have, 0, found);
}

static cyre_status salvage(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct cyre_findings told = {.keep = 1}; /* the strict reader did */
	struct tw t = {.file = file,
		.found = &told,
		.db = db,
		.budget = 16 * (uint64_t)file.n};
	cyre_status st;

	read_header(&t);
	/* Flags of a bad header are no reason to believe everything. */
	t.unsummed = t.unsummed && t.has_header;
	st = collect(&t);
	if (st != CYRE_OK)
		goto out;
	replay(&t);
	st = walk(&t, mark_reached);
	if (st == CYRE_OK)
		st = emit(&t);
	if (st == CYRE_OK)
		count_missing(&t, found);
out:
	free(t.v);
	cyre_findings_free(&told);
	return st;
}

const struct cyre_db_driver cyre_db_twom = {
	.name = "twom",
	.order = CYRE_DB_RAW,
	.detect = detect,
	.read = read_strict,
	.salvage = salvage,
};
