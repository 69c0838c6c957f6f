/*
 * db_twoskip.c - twoskip files, read as the server reads them
 *
 * Reads header, records and links (docs/formats/twoskip.md sections 2, 3, 7)
 * into a list of keys; says what is wrong. It trusts the links: what they do
 * not reach is left to db_twoskip_salvage.c. Values are not interpreted.
 */
#include "db_twoskip.h"

#include <stdlib.h>

#include "digest.h"

bool cyre_ts_header(struct cyre_slice file, struct ts_header *ret)
{
	struct cyre_cur c = cyre_cur(file);
	struct ts_header h;
	struct cyre_slice head;

	if (!cyre_slice_sub(file, 0, TS_HEADER_LEN, &head) ||
		memcmp(head.p, TS_MAGIC, TS_MAGIC_LEN) != 0)
		return false;
	cyre_get_bytes(&c, TS_MAGIC_LEN);
	h.version = cyre_get_be32(&c);
	h.generation = cyre_get_be64(&c);
	h.num_records = cyre_get_be64(&c);
	h.repack_size = cyre_get_be64(&c);
	h.current_size = cyre_get_be64(&c);
	h.flags = cyre_get_be32(&c);
	if (cyre_get_be32(&c) != cyre_crc32(cyre_slice(head.p, 60)) ||
		h.version > 1 || h.current_size < TS_FIRST)
		return false;
	*ret = h;
	return true;
}

static bool level_fits(uint8_t type, uint8_t level)
{
	switch (type) {
	case TS_DUMMY:
		return level == TS_MAX_LEVEL;
	case TS_RECORD:
		return level >= 1 && level <= TS_MAX_LEVEL;
	case TS_DELETE:
	case TS_COMMIT:
		return level == 0;
	}
	return false;
}

/* What a record says; `ret_head_crc` is what its head was summed to. */
static inline bool parse(struct cyre_slice bytes, struct cyre_slice file,
	uint64_t off, struct ts_record *ret, uint32_t *ret_head_crc)
{
	struct cyre_cur c = cyre_cur(bytes);
	const uint8_t *start = cyre_get_bytes(&c, 8), *ptr;
	uint64_t keylen, vallen, pointers;
	struct cyre_slice tail;
	uint8_t type, level;
	size_t head;

	if (!start)
		return false;
	type = start[0];
	level = start[1];
	keylen = cyre_load_be16(start + 2);
	vallen = cyre_load_be32(start + 4);
	if (keylen == UINT16_MAX)
		keylen = cyre_get_be64(&c);
	if (vallen == UINT32_MAX)
		vallen = cyre_get_be64(&c);
	if (!level_fits(type, level) || (type == TS_RECORD) != (keylen > 0) ||
		(type != TS_RECORD && vallen > 0))
		return false;
	/* Behind the pointers the two sums. */
	pointers = 8 * ((uint64_t)level + 1);
	ptr = cyre_get_bytes(&c, pointers + 8);
	/* No sum below can wrap: all of them are within the file. */
	if (!ptr || off > file.n || keylen > file.n || vallen > file.n)
		return false;
	head = (size_t)(ptr - start + pointers);
	if (!cyre_slice_sub(file, off + head + 8,
		    (keylen + vallen + 7) & ~(uint64_t)7, &tail))
		return false;
	*ret_head_crc = cyre_load_be32(ptr + pointers);
	*ret = (struct ts_record){.offset = off,
		.size = head + 8 + tail.n,
		.head = head,
		.type = type,
		.level = level,
		.tail_crc = cyre_load_be32(ptr + pointers + 4),
		.ptr = ptr,
		.tail = tail,
		.key = cyre_slice(tail.p, (size_t)keylen),
		.value = cyre_slice(tail.p + keylen, (size_t)vallen)};
	return true;
}

bool cyre_ts_record_from(struct cyre_slice bytes, struct cyre_slice file,
	uint64_t off, struct ts_record *ret)
{
	uint32_t crc;

	if (!parse(bytes, file, off, ret, &crc))
		return false;
	ret->head_ok = cyre_crc32(cyre_slice(bytes.p, ret->head)) == crc;
	return true;
}

static inline bool rest_at(
	struct cyre_slice file, uint64_t off, struct cyre_slice *ret)
{
	return off % 8 == 0 && off <= file.n &&
	       cyre_slice_sub(file, off, file.n - off, ret);
}

bool cyre_ts_record(struct cyre_slice file, uint64_t off, struct ts_record *ret)
{
	struct cyre_slice rest;

	return rest_at(file, off, &rest) &&
	       cyre_ts_record_from(rest, file, off, ret);
}

bool cyre_ts_tail_ok(const struct ts_record *r)
{
	return cyre_crc32(r->tail) == r->tail_crc;
}

uint64_t cyre_ts_next(const struct ts_record *r, unsigned list, uint64_t end)
{
	uint64_t a, b;

	if (list)
		return ts_ptr(r, list + 1);
	a = ts_ptr(r, 0);
	if (r->level == 0)
		return a;
	b = ts_ptr(r, 1);
	if (a >= end)
		return b;
	if (b >= end)
		return a;
	return a > b ? a : b;
}

bool cyre_ts_is_blank(struct cyre_slice file, uint64_t off)
{
	struct cyre_slice s;

	return cyre_slice_sub(file, off, 8, &s) && !memcmp(s.p, TS_BLANK, 8);
}

static bool detect(struct cyre_slice bytes)
{
	return cyre_slice_starts(bytes, cyre_slice(TS_MAGIC, TS_MAGIC_LEN));
}

/* What a walk along list 0 knows. */
struct walk {
	struct cyre_slice file;
	struct cyre_findings *found;
	struct cyre_db *db;
	struct cyre_db_orders orders;
	uint64_t end; /* current_size */
	bool clean;   /* nobody was stopped: the higher lists must be right */
	uint64_t *sound; /* where records with right sums start: bit offset/8 */
	uint64_t bad_first, bad_bytes; /* damage anywhere */
	uint64_t expect[TS_MAX_LEVEL]; /* where each list goes on */
	uint64_t bytes;                /* of the records walked so far */
	uint64_t steps;                /* that may still be taken */
	uint64_t next;                 /* record to be walked; 0: the end */
	struct ts_record r;            /* the one before */
	bool walking, was_delete;
	cyre_status st;
};

static bool is_sound(const struct walk *w, uint64_t off)
{
	return w->sound[off / 512] >> off / 8 % 64 & 1;
}

/* Sums that sweep() found right are not made again. `known`: what it just found
 * there. */
static bool record_at(struct walk *w, uint64_t off,
	const struct ts_record *known, bool *ret_sound)
{
	struct cyre_slice rest;
	uint32_t ignored;

	if (known) {
		w->r = *known;
		*ret_sound = true;
		return true;
	}
	if (!rest_at(w->file, off, &rest))
		return false;
	*ret_sound = is_sound(w, off);
	if (!*ret_sound)
		return cyre_ts_record_from(rest, w->file, off, &w->r);
	if (!parse(rest, w->file, off, &w->r, &ignored))
		return false;
	w->r.head_ok = true;
	return true;
}

static bool check_record(
	struct walk *w, uint64_t off, const struct ts_record *known)
{
	struct ts_record *r = &w->r;
	const char *what = NULL;
	bool sound;

	if (off <= TS_HEADER_LEN || off >= w->end ||
		!record_at(w, off, known, &sound))
		what = "no record there";
	else if (!r->head_ok)
		what = "head check sum";
	/* Live records do not overlap: more than the file is a trick. */
	else if ((w->bytes += r->size) > w->file.n)
		what = "records overlap";
	else if (!sound && !cyre_ts_tail_ok(r))
		what = "key and value check sum";
	else if (r->type != TS_RECORD && r->type != TS_DELETE)
		what = "a record of another kind";
	if (!what)
		return true;
	CYRE_FIND(w->found, .problem = CYRE_P_DB_RECORD, .offset = off,
		.file = CYRE_FILE_OTHER, .text = what);
	return false;
}

static void set_expected(struct walk *w, const struct ts_record *r)
{
	unsigned i;

	for (i = 1; i < r->level; i++)
		w->expect[i] = cyre_ts_next(r, i, w->end);
}

static void check_lists(struct walk *w, const struct ts_record *r)
{
	unsigned i;

	for (i = 1; w->clean && i < r->level; i++)
		if (w->expect[i] != r->offset)
			CYRE_FIND(w->found, .problem = CYRE_P_DB_LINK,
				.offset = r->offset, .expected = r->offset,
				.actual = w->expect[i],
				.file = CYRE_FILE_OTHER);
	set_expected(w, r);
}

static cyre_status add_record(struct walk *w)
{
	struct ts_record *r = &w->r;
	struct cyre_db *db = w->db;
	struct cyre_slice last;

	if (db->n) {
		last = db->e[db->n - 1].key;
		cyre_db_orders_see(&w->orders, last, r->key);
	}
	return cyre_db_add(db,
		&(struct cyre_db_entry){
			.key = r->key, .value = r->value, .offset = r->offset});
}

/* List 0 begins with DUMMY. */
static void begin_walk(struct walk *w, struct cyre_slice file)
{
	if (!cyre_ts_record(file, TS_HEADER_LEN, &w->r) || !w->r.head_ok ||
		w->r.type != TS_DUMMY) {
		CYRE_FIND(w->found, .problem = CYRE_P_DB_RECORD,
			.offset = TS_HEADER_LEN, .text = "the first record",
			.file = CYRE_FILE_OTHER);
		/* Nothing is said of lists that do not begin. */
		w->clean = false;
		return;
	}
	set_expected(w, &w->r);
	w->steps = w->file.n / TS_MIN_RECORD;
	w->next = cyre_ts_next(&w->r, 0, w->end);
	w->walking = w->next != 0;
}

/* Stops at the first record that cannot be read. */
static void step(struct walk *w, const struct ts_record *known)
{
	bool is_delete;

	w->walking = false;
	if (!w->steps-- || !check_record(w, w->next, known))
		return;
	is_delete = w->r.type == TS_DELETE;
	if (is_delete && w->was_delete)
		return;
	w->was_delete = is_delete;
	if (!is_delete) {
		check_lists(w, &w->r);
		w->st = add_record(w);
		if (w->st != CYRE_OK)
			return;
	}
	w->next = cyre_ts_next(&w->r, 0, w->end);
	w->walking = w->next != 0;
}

static void end_walk(struct walk *w)
{
	unsigned i;

	while (w->walking)
		step(w, NULL);
	if (w->next) {
		CYRE_FIND(w->found, .problem = CYRE_P_DB_CUT, .offset = w->next,
			.actual = w->db->n, .expected = w->db->info.expected,
			.file = CYRE_FILE_OTHER);
		return;
	}
	for (i = 1; w->clean && i < TS_MAX_LEVEL; i++)
		if (w->expect[i])
			CYRE_FIND(w->found, .problem = CYRE_P_DB_LINK,
				.actual = w->expect[i],
				.file = CYRE_FILE_OTHER);
}

static void check_order(struct walk *w)
{
	enum cyre_db_order best;

	/* The signed order is skiplist's alone. */
	w->orders.wrong[CYRE_DB_SIGNED] = UINT64_MAX;
	best = cyre_db_orders_best(&w->orders, CYRE_DB_RAW);
	w->db->info.order = best;
	if (!w->orders.wrong[best])
		cyre_db_finish_sorted(w->db);
	else
		CYRE_FIND(w->found, .problem = CYRE_P_DB_ORDER,
			.actual = w->orders.wrong[best],
			.file = CYRE_FILE_OTHER);
}

/*
 * Every byte up to `end` belongs to a record or is padding. Damage outside live
 * records costs nothing today; it tells that the disk is not to be trusted. The
 * walk along the links goes with it, as far as they lead from each record to one
 * that stands behind it; after that it need not sum again what was right here.
 */
static void sweep(struct walk *w)
{
	uint64_t off = TS_HEADER_LEN, n;
	struct cyre_slice file;
	struct ts_record r;
	bool is_record;

	while (off < w->end && off < w->file.n) {
		file = cyre_db_arrived(w->db, w->file, off + CYRE_DB_AHEAD);
		n = 8;
		if (cyre_ts_is_blank(file, off)) {
			w->db->info.padded = true;
			off += n;
			continue;
		}
		is_record = cyre_ts_record(file, off, &r);
		if (!is_record && file.n < w->file.n) {
			file = cyre_db_arrived(w->db, w->file, w->file.n);
			is_record = cyre_ts_record(file, off, &r);
		}
		if (is_record && r.head_ok) {
			n = r.size;
			if (cyre_ts_tail_ok(&r)) {
				w->sound[off / 512] |= UINT64_C(1)
						       << off / 8 % 64;
				if (w->walking && off == w->next)
					step(w, &r);
				off += n;
				continue;
			}
		}
		w->bad_first = w->bad_bytes ? w->bad_first : off;
		w->bad_bytes += n;
		off += n;
	}
	/* The links lead anywhere. */
	cyre_db_arrived(w->db, w->file, w->file.n);
}

static void check_end(const struct walk *w, const struct ts_header *h)
{
	if (h->flags & TS_DIRTY)
		CYRE_FIND(w->found, .problem = CYRE_P_DB_DIRTY,
			.file = CYRE_FILE_OTHER);
	if (w->file.n > h->current_size)
		CYRE_FIND(w->found, .problem = CYRE_P_DB_UNCOMMITTED,
			.offset = h->current_size,
			.length = w->file.n - h->current_size,
			.file = CYRE_FILE_OTHER);
	if (w->file.n < h->current_size)
		CYRE_FIND(w->found, .problem = CYRE_P_DB_TRUNCATED,
			.expected = h->current_size, .actual = w->file.n,
			.file = CYRE_FILE_OTHER);
}

static cyre_status read_all(struct walk *w, const struct ts_header *h)
{
	struct cyre_db *db = w->db;

	w->sound = calloc(w->file.n / 512 + 1, sizeof(*w->sound));
	if (!w->sound)
		return CYRE_ENOMEM;
	check_end(w, h);
	cyre_db_expect(db, h->num_records, w->file.n / TS_MIN_RECORD);
	begin_walk(w, cyre_db_arrived(db, w->file, CYRE_DB_AHEAD));
	sweep(w);
	end_walk(w);
	if (w->st != CYRE_OK)
		return w->st;
	check_order(w);
	if (w->bad_bytes)
		CYRE_FIND(w->found, .problem = CYRE_P_DB_WASTE,
			.offset = w->bad_first, .length = w->bad_bytes,
			.file = CYRE_FILE_OTHER);
	if (db->n != h->num_records)
		CYRE_FIND(w->found, .problem = CYRE_P_DB_COUNT,
			.expected = h->num_records, .actual = db->n,
			.file = CYRE_FILE_OTHER);
	return CYRE_OK;
}

static cyre_status read_strict(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct walk w = {.file = file, .found = found, .db = db};
	struct ts_header h;
	cyre_status st;

	cyre_db_arrived(db, file, TS_HEADER_LEN);
	if (!cyre_ts_header(file, &h)) {
		CYRE_FIND(found, .problem = CYRE_P_DB_HEADER,
			.file = CYRE_FILE_OTHER);
		return CYRE_OK;
	}
	db->info.generation = h.generation;
	db->info.counted = true;
	db->info.expected = h.num_records;
	w.end = h.current_size;
	w.clean = !(h.flags & TS_DIRTY) && file.n <= h.current_size;
	st = read_all(&w, &h);
	free(w.sound);
	return st;
}

const struct cyre_db_driver cyre_db_twoskip = {
	.name = "twoskip",
	.order = CYRE_DB_RAW,
	.detect = detect,
	.arrives = true,
	.read = read_strict,
	.salvage = cyre_ts_salvage,
	.lay_out = cyre_ts_lay_out,
	.make = cyre_ts_make,
};
