/*
 * db_skiplist_write.c - a compact skiplist file (docs/formats/skiplist.md 9)
 *
 * Everything checkpointed, no log: every release from 2.1 on reads it.
 */
#include "db_skiplist.h"

#include <stdlib.h>

struct place {
	size_t offset, ptr; /* of the node, of its first pointer */
	unsigned level;
};

static void put_padded(struct cyre_buf *b, struct cyre_slice s)
{
	cyre_put_be32(b, (uint32_t)s.n);
	cyre_put_slice(b, s);
	cyre_put_fill(b, 0, -s.n & 3);
}

static struct place put_node(struct cyre_buf *b, uint32_t type, unsigned level,
	struct cyre_slice key, struct cyre_slice value)
{
	struct place p = {.offset = b->n, .level = level};

	cyre_put_be32(b, type);
	put_padded(b, key);
	put_padded(b, value);
	p.ptr = b->n;
	cyre_put_fill(b, 0, 4 * (size_t)level);
	cyre_put_be32(b, SK_END);
	return p;
}

/* From the last node back: each list goes on at the node seen before. */
static unsigned link_nodes(
	struct cyre_buf *b, const struct place *places, size_t n)
{
	size_t next[SK_MAX_LEVEL] = {0};
	unsigned i, highest = 1;

	while (n-- > 0) {
		if (n && places[n].level > highest)
			highest = places[n].level;
		for (i = 0; i < places[n].level; i++) {
			cyre_store_be32(b->p + places[n].ptr + 4 * (size_t)i,
				(uint32_t)next[i]);
			next[i] = places[n].offset;
		}
	}
	return highest;
}

cyre_status cyre_sk_write(const struct cyre_db_write_options *o,
	const struct cyre_db *db, struct cyre_buf *b)
{
	const struct cyre_slice none = cyre_slice(NULL, 0);
	struct place *places;
	uint64_t coin = 0;
	size_t i;

	places = calloc(db->n + 1, sizeof(*places));
	if (!places)
		return CYRE_ENOMEM;
	/* Offsets have 32 bits, the last value is the terminator. */
	b->limit = UINT32_MAX - 1;
	cyre_put_fill(b, 0, SK_HEADER_LEN);
	places[0] = put_node(b, SK_DUMMY, SK_MAX_LEVEL, none, none);
	for (i = 0; i < db->n; i++)
		places[i + 1] = put_node(b, SK_INORDER,
			cyre_db_coin_level(&coin, SK_MAX_LEVEL), db->e[i].key,
			db->e[i].value);
	if (!b->bad) {
		memcpy(b->p, SK_MAGIC, SK_MAGIC_LEN);
		cyre_store_be32(b->p + 20, 1);
		cyre_store_be32(b->p + 24, 2);
		cyre_store_be32(b->p + 28, SK_MAX_LEVEL);
		cyre_store_be32(b->p + 32, link_nodes(b, places, db->n + 1));
		cyre_store_be32(b->p + 36, (uint32_t)db->n);
		cyre_store_be32(b->p + 40, (uint32_t)b->n);
		cyre_store_be32(b->p + 44, o->time);
	}
	free(places);
	return CYRE_OK;
}
