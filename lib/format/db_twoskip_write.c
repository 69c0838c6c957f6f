/*
 * db_twoskip_write.c - a compact twoskip file (docs/formats/twoskip.md 9)
 *
 * Everything in one transaction, in order. With the padding of 3.2 and later it
 * is what their repack writes, but for the levels, which are drawn by lot;
 * without, every release from 2.5 on also recovers it.
 */
#include "db_twoskip.h"

#include <stdlib.h>

#include "digest.h"

static void put_lengths(
	struct cyre_buf *b, struct cyre_slice key, struct cyre_slice value)
{
	bool big_key = key.n >= UINT16_MAX, big_value = value.n >= UINT32_MAX;
	uint16_t n = big_key ? UINT16_MAX : (uint16_t)key.n;

	cyre_put_u8(b, (uint8_t)(n >> 8));
	cyre_put_u8(b, (uint8_t)n);
	cyre_put_be32(b, big_value ? UINT32_MAX : (uint32_t)value.n);
	if (big_key)
		cyre_put_be64(b, key.n);
	if (big_value)
		cyre_put_be64(b, value.n);
}

static uint32_t sum(const struct cyre_buf *b, size_t from)
{
	return b->bad ? 0 : cyre_crc32(cyre_slice(b->p + from, b->n - from));
}

/*
 * A head that fits shall stand in one block of 512 bytes, so that it is
 * rewritten as a whole (twoskip.md section 3).
 */
static void put_padding(struct cyre_buf *b, uint8_t level,
	struct cyre_slice key, struct cyre_slice value)
{
	size_t n = 8 + (key.n >= UINT16_MAX ? 8 : 0) +
		   (value.n >= UINT32_MAX ? 8 : 0) + 8 * ((size_t)level + 1) +
		   8;

	while (n <= 504 && !b->bad && (b->n + 8) % 512 > (b->n - 8 + n) % 512)
		cyre_put(b, TS_BLANK, 8);
}

/*
 * One record, pointers and head check sum still zero. `tail_crc` is filled in
 * here because it never changes.
 */
static void put_record(struct cyre_buf *b, uint8_t type, uint8_t level,
	struct cyre_slice key, struct cyre_slice value)
{
	size_t crc_at, tail_at;

	cyre_put_u8(b, type);
	cyre_put_u8(b, level);
	put_lengths(b, key, value);
	cyre_put_fill(b, 0, 8 * ((size_t)level + 1));
	cyre_put_fill(b, 0, 4);
	crc_at = b->n;
	cyre_put_fill(b, 0, 4);
	tail_at = b->n;
	cyre_put_slice(b, key);
	cyre_put_slice(b, value);
	cyre_put_fill(b, 0, -b->n & 7);
	if (!b->bad)
		cyre_store_be32(b->p + crc_at, sum(b, tail_at));
}

/* Where the pointers of the record at `off` stand; its level. */
static uint8_t *pointers(struct cyre_buf *b, size_t off, unsigned *ret_level)
{
	uint8_t *p = b->p + off;

	*ret_level = p[1];
	return p + 8 + (p[2] == 0xff && p[3] == 0xff ? 8 : 0) +
	       (cyre_load_be32(p + 4) == UINT32_MAX ? 8 : 0);
}

static void sum_head(
	struct cyre_buf *b, size_t off, const uint8_t *ptr, unsigned level)
{
	size_t n = (size_t)(ptr - (b->p + off)) + 8 * ((size_t)level + 1);

	cyre_store_be32(b->p + off + n, cyre_crc32(cyre_slice(b->p + off, n)));
}

/* From the last record back: each list goes on at the record seen before. */
static void link_records(struct cyre_buf *b, const size_t *offsets, size_t n)
{
	size_t next[TS_MAX_LEVEL] = {0};
	unsigned level, i;
	uint8_t *ptr;

	while (n-- > 0) {
		ptr = pointers(b, offsets[n], &level);
		for (i = 0; i < level; i++) {
			cyre_store_be64(ptr + 8 * ((size_t)i + 1), next[i]);
			next[i] = offsets[n];
		}
		sum_head(b, offsets[n], ptr, level);
	}
}

static void put_commit(struct cyre_buf *b)
{
	size_t at = b->n;
	unsigned level;
	uint8_t *ptr;

	put_record(b, TS_COMMIT, 0, cyre_slice(NULL, 0), cyre_slice(NULL, 0));
	if (b->bad)
		return;
	ptr = pointers(b, at, &level);
	cyre_store_be64(ptr, TS_FIRST);
	sum_head(b, at, ptr, level);
}

static void fill_header(struct cyre_buf *b, uint64_t generation,
	uint64_t records, uint64_t repack_size)
{
	memcpy(b->p, TS_MAGIC, TS_MAGIC_LEN);
	cyre_store_be32(b->p + 20, 1);
	cyre_store_be64(b->p + 24, generation ? generation : 1);
	cyre_store_be64(b->p + 32, records);
	cyre_store_be64(b->p + 40, repack_size);
	cyre_store_be64(b->p + 48, b->n);
	cyre_store_be32(b->p + 60, cyre_crc32(cyre_slice(b->p, 60)));
}

cyre_status cyre_ts_write(const struct cyre_db_write_options *o,
	const struct cyre_db *db, struct cyre_buf *b)
{
	const struct cyre_slice none = cyre_slice(NULL, 0);
	const struct cyre_db_entry *e;
	size_t *offsets, repack_size, i;
	uint64_t coin = 0;
	uint8_t level;

	offsets = calloc(db->n + 1, sizeof(*offsets));
	if (!offsets)
		return CYRE_ENOMEM;
	cyre_put_fill(b, 0, TS_HEADER_LEN);
	offsets[0] = b->n;
	put_record(b, TS_DUMMY, TS_MAX_LEVEL, none, none);
	for (i = 0; i < db->n; i++) {
		e = &db->e[i];
		level = (uint8_t)cyre_db_coin_level(&coin, TS_MAX_LEVEL);
		if (o->padded)
			put_padding(b, level, e->key, e->value);
		offsets[i + 1] = b->n;
		put_record(b, TS_RECORD, level, e->key, e->value);
	}
	repack_size = b->n;
	if (db->n && o->padded)
		put_padding(b, 0, none, none);
	if (db->n)
		put_commit(b);
	if (!b->bad) {
		link_records(b, offsets, db->n + 1);
		fill_header(b, o->generation, db->n, repack_size);
	}
	free(offsets);
	return CYRE_OK;
}
