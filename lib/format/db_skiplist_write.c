/*
 * db_skiplist_write.c - a compact skiplist file (docs/formats/skiplist.md 9)
 *
 * Everything checkpointed, no log: every release from 2.1 on reads it.
 */
#include "db_skiplist.h"

/* Offsets have 32 bits, the last value is the terminator. */
#define MAX_SIZE (UINT32_MAX - 1)

static size_t padded_len(struct cyre_slice s)
{
	return 4 + ((s.n + 3) & ~(size_t)3);
}

static uint8_t *put_padded(uint8_t *p, struct cyre_slice s)
{
	size_t n = padded_len(s) - 4;

	cyre_store_be32(p, (uint32_t)s.n);
	p += 4;
	if (s.n)
		memcpy(p, s.p, s.n);
	memset(p + s.n, 0, n - s.n);
	return p + n;
}

/* List i goes on at next[i]. */
static void put_node(uint8_t *p, uint32_t type, uint32_t level,
	const struct cyre_db_entry *e, const uint64_t *next)
{
	unsigned i;

	cyre_store_be32(p, type);
	p = put_padded(p + 4, e->key);
	p = put_padded(p, e->value);
	for (i = 0; i < level; i++, p += 4)
		cyre_store_be32(p, (uint32_t)next[i]);
	cyre_store_be32(p, SK_END);
}

bool cyre_sk_lay_out(struct cyre_db_plan *plan)
{
	const struct cyre_db_entry *e = plan->e;
	struct cyre_db_place *p = plan->places;
	uint64_t end = SK_FIRST, coin = 0;
	size_t i;

	for (i = 0; i < plan->n; i++, e++, p++) {
		p->level = (uint8_t)cyre_db_coin_level(&coin, SK_MAX_LEVEL);
		p->offset = end;
		end += 4 + padded_len(e->key) + padded_len(e->value) +
		       4 * ((uint64_t)p->level + 1);
	}
	plan->entries_end = plan->size = end;
	return end <= MAX_SIZE;
}

static void put_header(uint8_t *p, const struct cyre_db_plan *plan)
{
	memcpy(p, SK_MAGIC, SK_MAGIC_LEN);
	cyre_store_be32(p + 20, 1);
	cyre_store_be32(p + 24, 2);
	cyre_store_be32(p + 28, SK_MAX_LEVEL);
	cyre_store_be32(p + 32, plan->highest);
	cyre_store_be32(p + 36, (uint32_t)plan->n);
	cyre_store_be32(p + 40, (uint32_t)plan->size);
	cyre_store_be32(p + 44, plan->o->time);
}

/* From the last node back: each list goes on at the node seen before. */
void cyre_sk_make(const struct cyre_db_plan *plan, size_t part, uint8_t *to)
{
	const struct cyre_db_entry none = {.offset = 0};
	uint64_t next[SK_MAX_LEVEL], start = cyre_db_plan_at(plan, part);
	const struct cyre_db_place *p;
	size_t from, i;
	unsigned k;

	memcpy(next, plan->next[part], sizeof(next));
	cyre_db_plan_entries(plan, part, &from, &i);
	while (i-- > from) {
		p = &plan->places[i];
		put_node(to + (p->offset - start), SK_INORDER, p->level,
			&plan->e[i], next);
		for (k = 0; k < p->level; k++)
			next[k] = p->offset;
	}
	if (part)
		return;
	put_header(to, plan);
	put_node(to + SK_HEADER_LEN, SK_DUMMY, SK_MAX_LEVEL, &none, next);
}
