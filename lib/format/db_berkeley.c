/*
 * db_berkeley.c - Berkeley DB files: btree and hash, read page by page
 *
 * Format: docs/formats/other-databases.md section 4. The library that wrote
 * them is not used for reading: it trusts what it reads, wants to lock and to
 * recover, and needs the comparison function of a server that is gone. Records
 * that stand only in the log files of an environment are not here; see
 * lib/io/db_environment.c.
 */
#include "db.h"

#include <stdlib.h>

#define BTREE_MAGIC 0x00053162u
#define HASH_MAGIC  0x00061561u
#define PAGE_HEADER 26
#define MAX_DEPTH   32
#define LEAF_LEVEL  1

/* Places in the first page of a hash file. */
#define HASH_MAX_BUCKET 72
#define HASH_SPARES     96

enum page_type {
	P_INTERNAL = 3,
	P_LEAF = 5,
	P_OVERFLOW = 7,
	P_HASH_UNSORTED = 2,
	P_HASH = 13
};

enum item_type { ITEM_DATA = 1, ITEM_OVERFLOW = 3, ITEM_DELETED = 0x80 };

struct bdb {
	struct cyre_slice file;
	struct cyre_findings *found;
	struct cyre_db *db;
	bool little, hash, has_meta;
	uint32_t page_size, npages, root;
	/* Hash: how many keys its header counts. In an environment it is not
	 * kept, so that only a number too high says something. */
	uint64_t keys_said;
	uint8_t *seen; /* a bit a page: used once already */
	bool salvaging;
	uint32_t nlost;  /* pages or items that could not be read */
	uint64_t unread; /* keys that were on them, at least */
};

struct page {
	struct cyre_slice bytes;
	uint32_t no, prev, next;
	uint16_t entries, free_at;
	uint8_t level, type;
};

static uint32_t u32(const struct bdb *b, const uint8_t *p)
{
	uint32_t v = cyre_load_be32(p);

	return b->little ? __builtin_bswap32(v) : v;
}

static uint16_t u16(const struct bdb *b, const uint8_t *p)
{
	uint16_t v = cyre_load_be16(p);

	return b->little ? __builtin_bswap16(v) : v;
}

static bool has_magic(struct bdb *b)
{
	uint32_t magic;
	int i;

	if (b->file.n < 72)
		return false;
	for (i = 0; i < 2; i++) {
		b->little = i == 0;
		magic = u32(b, b->file.p + 12);
		b->hash = magic == HASH_MAGIC;
		if (b->hash || magic == BTREE_MAGIC)
			return true;
	}
	return false;
}

static bool detect(struct cyre_slice bytes)
{
	struct bdb b = {.file = bytes};

	return has_magic(&b);
}

static bool is_page_size(uint32_t n)
{
	return n >= 512 && n <= 65536 && (n & (n - 1)) == 0;
}

static bool read_meta(struct bdb *b)
{
	const uint8_t *p = b->file.p;

	if (!has_magic(b))
		return false;
	b->page_size = u32(b, p + 20);
	if (!is_page_size(b->page_size) || b->file.n < b->page_size)
		return false;
	b->npages = (uint32_t)(b->file.n / b->page_size);
	b->root = u32(b, p + 88);
	b->keys_said = b->hash ? b->root : 0;
	b->has_meta = b->file.n >= HASH_SPARES + 4 * 32;
	return b->has_meta;
}

static void damaged(struct bdb *b, uint64_t page, const char *what)
{
	b->nlost++;
	CYRE_FIND(b->found, .problem = CYRE_P_DB_RECORD,
		.offset = page * b->page_size, .text = what,
		.file = CYRE_FILE_OTHER);
}

/* False: outside the file, or not the page that should stand there. */
static bool get_page(const struct bdb *b, uint32_t no, struct page *ret)
{
	struct cyre_slice s;

	if (no == 0 || !cyre_slice_sub(b->file, (uint64_t)no * b->page_size,
			       b->page_size, &s))
		return false;
	*ret = (struct page){.bytes = s,
		.no = u32(b, s.p + 8),
		.prev = u32(b, s.p + 12),
		.next = u32(b, s.p + 16),
		.entries = u16(b, s.p + 20),
		.free_at = u16(b, s.p + 22),
		.level = s.p[24],
		.type = s.p[25]};
	return ret->no == no;
}

static bool use_once(struct bdb *b, uint32_t no)
{
	if (b->seen[no / 8] & 1u << no % 8)
		return false;
	b->seen[no / 8] |= (uint8_t)(1u << no % 8);
	return true;
}

/* The chain of pages of one long item. Each page serves once. */
static bool get_overflow(
	struct bdb *b, uint32_t no, uint32_t len, struct cyre_slice *ret)
{
	struct page pg;
	uint32_t n = 0;
	uint8_t *p;

	if (len > b->file.n)
		return false;
	p = cyre_db_alloc(b->db, len);
	if (!p)
		return false;
	for (; n < len; no = pg.next) {
		if (!get_page(b, no, &pg) || pg.type != P_OVERFLOW ||
			pg.free_at > b->page_size - PAGE_HEADER ||
			pg.free_at > len - n || !pg.free_at || !use_once(b, no))
			return false;
		memcpy(p + n, pg.bytes.p + PAGE_HEADER, pg.free_at);
		n += pg.free_at;
	}
	*ret = cyre_slice(p, len);
	return true;
}

/* Item i of a btree leaf. */
static bool get_leaf_item(struct bdb *b, const struct page *pg, unsigned i,
	struct cyre_slice *ret, bool *ret_deleted)
{
	struct cyre_slice head, s = pg->bytes;
	uint16_t at = u16(b, s.p + PAGE_HEADER + 2 * (size_t)i);
	uint8_t type;

	if (at < PAGE_HEADER + 2 * (size_t)pg->entries ||
		!cyre_slice_sub(s, at, 3, &head))
		return false;
	type = head.p[2];
	*ret_deleted = type & ITEM_DELETED;
	type &= (uint8_t)~ITEM_DELETED;
	if (type == ITEM_DATA)
		return cyre_slice_sub(s, (uint64_t)at + 3, u16(b, head.p), ret);
	return type == ITEM_OVERFLOW && cyre_slice_sub(s, at, 12, &head) &&
	       get_overflow(b, u32(b, head.p + 4), u32(b, head.p + 8), ret);
}

/* Item i of a hash page: it ends where the one before begins. */
static bool get_hash_item(struct bdb *b, const struct page *pg, unsigned i,
	struct cyre_slice *ret, bool *ret_deleted)
{
	const uint8_t *index = pg->bytes.p + PAGE_HEADER;
	uint32_t at = u16(b, index + 2 * (size_t)i);
	uint32_t end = i ? u16(b, index + 2 * ((size_t)i - 1)) : b->page_size;
	struct cyre_slice s;

	*ret_deleted = false;
	if (at < PAGE_HEADER + 2 * (size_t)pg->entries || at >= end ||
		!cyre_slice_sub(pg->bytes, at, end - at, &s))
		return false;
	if (s.p[0] == ITEM_DATA) {
		*ret = cyre_slice(s.p + 1, s.n - 1);
		return true;
	}
	return s.p[0] == ITEM_OVERFLOW && s.n >= 12 &&
	       get_overflow(b, u32(b, s.p + 4), u32(b, s.p + 8), ret);
}

/* Keys and values alternate. A bad item costs its pair. */
static cyre_status add_page(
	struct bdb *b, const struct page *pg, enum cyre_db_trust trust)
{
	bool key_ok, value_ok, dead_key, dead_value;
	struct cyre_db_entry e;
	cyre_status st;
	unsigned i;

	if (pg->entries > (b->page_size - PAGE_HEADER) / 2 || pg->entries % 2) {
		damaged(b, pg->no, "number of items");
		return CYRE_OK;
	}
	for (i = 0; i < pg->entries; i += 2) {
		e = (struct cyre_db_entry){.trust = trust,
			.offset = (uint64_t)pg->no * b->page_size};
		key_ok = (b->hash ? get_hash_item : get_leaf_item)(
			b, pg, i, &e.key, &dead_key);
		value_ok = (b->hash ? get_hash_item : get_leaf_item)(
			b, pg, i + 1, &e.value, &dead_value);
		if (!key_ok || !value_ok || !e.key.n) {
			damaged(b, pg->no, "an item");
			b->unread++;
			continue;
		}
		if ((dead_key || dead_value) && !b->salvaging)
			continue;
		if (dead_key || dead_value)
			e.trust = CYRE_DB_RESURRECTED;
		st = cyre_db_add(b->db, &e);
		if (st != CYRE_OK)
			return st;
	}
	return CYRE_OK;
}

/* A btree from page `no` down, left to right. */
static cyre_status walk_tree(
	struct bdb *b, uint32_t no, unsigned depth, bool to_leaf)
{
	struct page pg;
	cyre_status st = CYRE_OK;
	uint16_t at;
	unsigned i;

	if (depth > MAX_DEPTH || no >= b->npages || !use_once(b, no) ||
		!get_page(b, no, &pg)) {
		damaged(b, no, "a page that should be there");
		b->unread += to_leaf;
		return CYRE_OK;
	}
	if (pg.type == P_LEAF)
		return add_page(b, &pg, CYRE_DB_INTACT);
	if (pg.type != P_INTERNAL ||
		pg.entries > (b->page_size - PAGE_HEADER) / 2) {
		damaged(b, no, "a page of another kind");
		b->unread += to_leaf;
		return CYRE_OK;
	}
	for (i = 0; i < pg.entries && st == CYRE_OK; i++) {
		at = u16(b, pg.bytes.p + PAGE_HEADER + 2 * (size_t)i);
		if (at > b->page_size - 12)
			damaged(b, no, "an item");
		else
			st = walk_tree(b, u32(b, pg.bytes.p + at + 4),
				depth + 1, pg.level == LEAF_LEVEL + 1);
	}
	return st;
}

/* Pages that nothing led to. A btree frees and uses pages again; a hash file
 * leaves none in such a state. */
static cyre_status walk_pages(struct bdb *b, uint8_t type, uint8_t other_type,
	enum cyre_db_trust trust)
{
	cyre_status st = CYRE_OK;
	struct page pg;
	uint32_t no;

	for (no = 1; no < b->npages && st == CYRE_OK; no++) {
		if (!get_page(b, no, &pg) ||
			(pg.type != type && pg.type != other_type))
			continue;
		if (!use_once(b, no))
			continue;
		if (pg.entries && !b->salvaging)
			damaged(b, no, "a page that nothing leads to");
		st = add_page(b, &pg, trust);
	}
	return st;
}

static bool is_zero(struct cyre_slice s)
{
	return !s.p[0] && !memcmp(s.p, s.p + 1, s.n - 1);
}

/*
 * One bucket: a chain of pages. A page of zeros is one that was never used,
 * which the first two can be for ever; each later bucket was made by a split
 * and is written then.
 */
static cyre_status walk_bucket(struct bdb *b, uint32_t bucket, uint32_t no)
{
	cyre_status st = CYRE_OK;
	struct cyre_slice s;
	struct page pg;

	if (bucket < 2 &&
		cyre_slice_sub(b->file, (uint64_t)no * b->page_size,
			b->page_size, &s) &&
		is_zero(s))
		return CYRE_OK;
	for (; no && st == CYRE_OK; no = pg.next) {
		if (no >= b->npages || !get_page(b, no, &pg) ||
			(pg.type != P_HASH && pg.type != P_HASH_UNSORTED) ||
			!use_once(b, no)) {
			damaged(b, no, "a page that should be there");
			b->unread++;
			return CYRE_OK;
		}
		st = add_page(b, &pg, CYRE_DB_INTACT);
	}
	return st;
}

/* Buckets are numbered; those made by one doubling stand together. */
static cyre_status walk_hash(struct bdb *b)
{
	uint32_t max = u32(b, b->file.p + HASH_MAX_BUCKET), i, no;
	cyre_status st = CYRE_OK;
	unsigned doubling = 0;

	if (max >= b->npages) {
		damaged(b, 0, "number of buckets");
		return CYRE_OK;
	}
	for (i = 0; i <= max && st == CYRE_OK; i++) {
		while (UINT64_C(1) << doubling < (uint64_t)i + 1)
			doubling++;
		no = i + u32(b, b->file.p + HASH_SPARES + 4 * doubling);
		st = walk_bucket(b, i, no ? no : b->npages);
	}
	return st;
}

static void find_order(struct bdb *b)
{
	struct cyre_db_orders o = {{0}};
	enum cyre_db_order best;
	size_t i;

	for (i = 1; i < b->db->n && !b->hash; i++)
		cyre_db_orders_see(&o, b->db->e[i - 1].key, b->db->e[i].key);
	o.wrong[CYRE_DB_SIGNED] = UINT64_MAX;
	best = cyre_db_orders_best(&o, CYRE_DB_RAW);
	b->db->info.order = best;
	if (o.wrong[best] && !b->salvaging)
		CYRE_FIND(b->found, .problem = CYRE_P_DB_ORDER,
			.actual = o.wrong[best], .file = CYRE_FILE_OTHER);
}

static cyre_status walk(struct bdb *b)
{
	cyre_status st = CYRE_OK;

	b->seen = calloc(b->npages / 8 + 1, 1);
	if (!b->seen)
		return CYRE_ENOMEM;
	if (b->hash && b->has_meta)
		st = walk_hash(b);
	else if (!b->hash)
		st = walk_tree(b, b->root, 0, false);
	if (st == CYRE_OK)
		find_order(b);
	if (st == CYRE_OK && b->hash)
		st = walk_pages(b, P_HASH, P_HASH_UNSORTED, CYRE_DB_REPLAYED);
	else if (st == CYRE_OK && b->salvaging)
		st = walk_pages(b, P_LEAF, P_LEAF, CYRE_DB_REPLAYED);
	free(b->seen);
	return st;
}

static cyre_status read_strict(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct bdb b = {.file = file, .found = found, .db = db};
	cyre_status st;

	if (!read_meta(&b)) {
		CYRE_FIND(found, .problem = CYRE_P_DB_HEADER,
			.file = CYRE_FILE_OTHER);
		return CYRE_OK;
	}
	if (file.n % b.page_size)
		CYRE_FIND(found, .problem = CYRE_P_DB_TRUNCATED,
			.actual = file.n, .file = CYRE_FILE_OTHER,
			.expected = ((uint64_t)b.npages + 1) * b.page_size);
	if (u32(&b, file.p + 32) >= b.npages && b.npages)
		CYRE_FIND(found, .problem = CYRE_P_DB_TRUNCATED,
			.actual = file.n, .file = CYRE_FILE_OTHER,
			.expected = ((uint64_t)u32(&b, file.p + 32) + 1) *
				    b.page_size);
	st = walk(&b);
	if (st == CYRE_OK && !db->n && !b.nlost)
		CYRE_FIND(found, .problem = CYRE_P_DB_NO_KEYS,
			.file = CYRE_FILE_OTHER);
	if (st == CYRE_OK && b.hash && b.keys_said > db->n)
		CYRE_FIND(found, .problem = CYRE_P_DB_COUNT,
			.expected = b.keys_said, .actual = db->n,
			.file = CYRE_FILE_OTHER);
	return st;
}

/* Without a meta page: the size at which pages carry their own numbers. */
static bool guess_meta(struct bdb *b)
{
	uint32_t size, no, right, best = 0;
	struct page pg;
	int little;

	for (little = 1; little >= 0; little--) {
		for (size = 512; size <= 65536; size *= 2) {
			struct bdb try = {.file = b->file,
				.page_size = size,
				.little = little};

			right = 0;
			for (no = 1; no < 1000; no++)
				if (get_page(&try, no, &pg) &&
					(pg.type == P_LEAF ||
						pg.type == P_HASH))
					right += size;
			if (right <= best)
				continue;
			best = right;
			*b = (struct bdb){.file = b->file,
				.found = b->found,
				.db = b->db,
				.little = little,
				.page_size = size,
				.npages = (uint32_t)(b->file.n / size)};
		}
	}
	for (no = 1; best && no < b->npages; no++)
		b->hash =
			b->hash || (get_page(b, no, &pg) && pg.type == P_HASH);
	return best;
}

static cyre_status salvage(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct cyre_findings told = {.keep = 1}; /* the strict reader did */
	struct bdb b = {.file = file, .found = &told, .db = db};
	cyre_status st = CYRE_OK;

	if (read_meta(&b) || guess_meta(&b)) {
		b.salvaging = true;
		st = walk(&b);
		db->info.counted = b.hash && b.keys_said >= db->n && db->n;
		db->info.expected = db->info.counted ? b.keys_said : 0;
		cyre_db_tell_missing(db, db->n, b.unread, found);
	}
	if (st == CYRE_OK)
		st = told.status;
	cyre_findings_free(&told);
	return st;
}

const struct cyre_db_driver cyre_db_berkeley = {
	.name = "berkeley",
	.order = CYRE_DB_RAW,
	.detect = detect,
	.read = read_strict,
	.salvage = salvage,
};
