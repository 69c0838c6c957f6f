/*
 * db_twoskip_write.c - a compact twoskip file (docs/formats/twoskip.md 9)
 *
 * Everything in one transaction, in order. With the padding of 3.2 and later it
 * is what their repack writes, but for the levels, which are drawn by lot;
 * without, every release from 2.5 on also recovers it.
 */
#include "db_twoskip.h"

#include "digest.h"

/* Up to the first of the two sums. */
static size_t head_len(
	uint8_t level, struct cyre_slice key, struct cyre_slice value)
{
	return 8 + (key.n >= UINT16_MAX ? 8 : 0) +
	       (value.n >= UINT32_MAX ? 8 : 0) + 8 * ((size_t)level + 1);
}

static size_t record_len(
	uint8_t level, struct cyre_slice key, struct cyre_slice value)
{
	return head_len(level, key, value) + 8 +
	       ((key.n + value.n + 7) & ~(size_t)7);
}

/*
 * A head that fits shall stand in one block of 512 bytes, so that it is
 * rewritten as a whole (twoskip.md section 3). `n`: its bytes and the sums.
 */
static uint8_t padding(uint64_t at, size_t n)
{
	uint64_t off = at;

	while (n <= 504 && (off + 8) % 512 > (off - 8 + n) % 512)
		off += 8;
	return (uint8_t)((off - at) / 8);
}

static uint8_t *put_lengths(
	uint8_t *p, struct cyre_slice key, struct cyre_slice value)
{
	bool big_key = key.n >= UINT16_MAX, big_value = value.n >= UINT32_MAX;
	uint16_t n = big_key ? UINT16_MAX : (uint16_t)key.n;

	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
	cyre_store_be32(p + 2, big_value ? UINT32_MAX : (uint32_t)value.n);
	p += 6;
	if (big_key) {
		cyre_store_be64(p, key.n);
		p += 8;
	}
	if (big_value) {
		cyre_store_be64(p, value.n);
		p += 8;
	}
	return p;
}

static void put_tail(
	uint8_t *p, size_t n, struct cyre_slice key, struct cyre_slice value)
{
	size_t used = key.n + value.n;

	if (key.n)
		memcpy(p, key.p, key.n);
	if (value.n)
		memcpy(p + key.n, value.p, value.n);
	memset(p + used, 0, n - used);
}

/* Slot 0 of the pointers is given, list i goes on at next[i]. */
static void put_record(uint8_t *to, uint8_t type, uint8_t level,
	const struct cyre_db_entry *e, uint64_t slot0, const uint64_t *next)
{
	size_t head = head_len(level, e->key, e->value);
	size_t n = record_len(level, e->key, e->value) - head - 8;
	uint8_t *p = to + head + 8;
	unsigned i;

	put_tail(p, n, e->key, e->value);
	cyre_store_be32(p - 4, cyre_crc32(cyre_slice(p, n)));
	to[0] = type;
	to[1] = level;
	p = put_lengths(to + 2, e->key, e->value);
	cyre_store_be64(p, slot0);
	for (i = 0; i < level; i++)
		cyre_store_be64(p + 8 * ((size_t)i + 1), next[i]);
	cyre_store_be32(to + head, cyre_crc32(cyre_slice(to, head)));
}

static void put_blanks(uint8_t *end, unsigned n)
{
	for (; n; n--)
		memcpy(end -= 8, TS_BLANK, 8);
}

bool cyre_ts_lay_out(struct cyre_db_plan *plan)
{
	const struct cyre_slice none = cyre_slice(NULL, 0);
	const struct cyre_db_entry *e = plan->e;
	struct cyre_db_place *p = plan->places;
	uint64_t end = TS_FIRST, coin = 0;
	size_t i;

	for (i = 0; i < plan->n; i++, e++, p++) {
		p->level = (uint8_t)cyre_db_coin_level(&coin, TS_MAX_LEVEL);
		if (plan->o->padded)
			p->blanks = padding(
				end, head_len(p->level, e->key, e->value) + 8);
		p->offset = end + 8 * (uint64_t)p->blanks;
		end = p->offset + record_len(p->level, e->key, e->value);
	}
	plan->entries_end = plan->size = end;
	if (!plan->n)
		return true;
	if (plan->o->padded)
		p->blanks = padding(end, head_len(0, none, none) + 8);
	p->offset = end + 8 * (uint64_t)p->blanks;
	plan->size = p->offset + record_len(0, none, none);
	return true;
}

static void put_header(uint8_t *p, const struct cyre_db_plan *plan)
{
	uint64_t generation = plan->o->generation;

	memset(p, 0, TS_HEADER_LEN);
	memcpy(p, TS_MAGIC, TS_MAGIC_LEN);
	cyre_store_be32(p + 20, 1);
	cyre_store_be64(p + 24, generation ? generation : 1);
	cyre_store_be64(p + 32, plan->n);
	cyre_store_be64(p + 40, plan->entries_end); /* of the repack */
	cyre_store_be64(p + 48, plan->size);
	cyre_store_be32(p + 60, cyre_crc32(cyre_slice(p, 60)));
}

/* From the last record back: each list goes on at the record seen before. */
void cyre_ts_make(const struct cyre_db_plan *plan, size_t part, uint8_t *to)
{
	const struct cyre_db_entry none = {.offset = 0};
	uint64_t next[TS_MAX_LEVEL], start = cyre_db_plan_at(plan, part);
	const struct cyre_db_place *p;
	size_t from, i;
	unsigned k;

	memcpy(next, plan->next[part], sizeof(next));
	cyre_db_plan_entries(plan, part, &from, &i);
	if (plan->n && part + 1 == plan->parts) {
		p = &plan->places[plan->n];
		put_record(to + (p->offset - start), TS_COMMIT, 0, &none,
			TS_FIRST, next);
		put_blanks(to + (p->offset - start), p->blanks);
	}
	while (i-- > from) {
		p = &plan->places[i];
		put_record(to + (p->offset - start), TS_RECORD, p->level,
			&plan->e[i], 0, next);
		put_blanks(to + (p->offset - start), p->blanks);
		for (k = 0; k < p->level; k++)
			next[k] = p->offset;
	}
	if (part)
		return;
	put_header(to, plan);
	put_record(to + TS_HEADER_LEN, TS_DUMMY, TS_MAX_LEVEL, &none, 0, next);
}
