/*
 * db_twoskip_collect.c - every record of a damaged twoskip file
 *
 * Looks at each place where a record can stand and believes what a check sum
 * supports: docs/formats/twoskip.md section 8, A and B. Which of the records
 * are live is for db_twoskip_salvage.c.
 */
#include "db_twoskip_collect.h"

#include <stdlib.h>

#include "digest.h"
#include "grow.h"

#define MAX_REPAIRS 1024
#define MAX_HEAD    (24 + 8 * (TS_MAX_LEVEL + 1) + 8)

static cyre_status add(
	struct ts_items *items, const struct ts_record *r, enum ts_state state)
{
	struct ts_item *p =
		cyre_grow(items->v, items->n, &items->cap, sizeof(*p));

	if (!p)
		return CYRE_ENOMEM;
	items->v = p;
	items->v[items->n++] = (struct ts_item){.r = *r, .state = state};
	if (r->type == TS_COMMIT)
		items->commit_end = r->offset + r->size;
	return CYRE_OK;
}

struct ts_item *cyre_ts_item_at(const struct ts_items *items, uint64_t off)
{
	size_t lo = 0, hi = items->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (items->v[mid].r.offset < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < items->n && items->v[lo].r.offset == off ? &items->v[lo]
							     : NULL;
}

/*
 * A file can be made so that every place claims a tail of the rest of the file;
 * the budget keeps the work linear.
 */
static bool tail_ok(struct ts_items *items, const struct ts_record *r)
{
	if (r->tail.n > items->budget)
		return false;
	items->budget -= r->tail.n;
	return cyre_ts_tail_ok(r);
}

/*
 * One bit of the head is wrong: the check sum tells which. The repaired copy
 * must describe a record whose tail verifies too, so that chance has to match
 * 64 bits, not 32.
 */
static bool repair_head(struct cyre_slice file, uint64_t off,
	struct ts_items *items, struct cyre_db *db, struct ts_record *ret)
{
	uint8_t head[MAX_HEAD], *copy;
	size_t n, bit;

	if (!items->repairs || off >= file.n)
		return false;
	items->repairs--;
	n = file.n - off < MAX_HEAD ? file.n - off : MAX_HEAD;
	memcpy(head, file.p + off, n);
	for (bit = 0; bit < n * 8; bit++) {
		head[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (cyre_ts_record_from(cyre_slice(head, n), file, off, ret) &&
			ret->head_ok && tail_ok(items, ret))
			break;
		head[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	if (bit == n * 8)
		return false;
	copy = cyre_db_alloc(db, n);
	if (!copy)
		return false;
	memcpy(copy, head, n);
	return cyre_ts_record_from(cyre_slice(copy, n), file, off, ret);
}

/*
 * A head that was torn while its pointers were rewritten: everything before
 * the pointers was there already, and the tail proves it.
 */
static bool is_torn(
	struct ts_items *items, const struct ts_record *r, bool expected)
{
	size_t i;

	if (r->type == TS_RECORD) {
		/* Lengths that do not match the padding are damaged, too. */
		for (i = r->key.n + r->value.n; i < r->tail.n; i++)
			if (r->tail.p[i])
				return false;
		return tail_ok(items, r);
	}
	/* The others have no tail to prove them: only where one must stand. */
	return expected && r->tail_crc == 0;
}

/* What stands at `off`, when anything does. */
static bool look(struct cyre_slice file, uint64_t off, bool expected,
	struct ts_items *items, struct cyre_db *db, struct ts_item *ret)
{
	bool possible = cyre_ts_record(file, off, &ret->r);

	if (possible && ret->r.head_ok) {
		ret->state = tail_ok(items, &ret->r) ? TS_GOOD : TS_DEAD;
		return true;
	}
	ret->state = TS_GOOD;
	if (expected && repair_head(file, off, items, db, &ret->r))
		return true;
	ret->state = TS_TORN;
	return possible && cyre_ts_record(file, off, &ret->r) &&
	       is_torn(items, &ret->r, expected);
}

cyre_status cyre_ts_collect(
	struct cyre_slice file, struct cyre_db *db, struct ts_items *items)
{
	uint64_t off = TS_HEADER_LEN;
	bool expected = true; /* a record ended just before */
	struct ts_item it;
	cyre_status st;

	*items = (struct ts_items){
		.budget = 16 * (uint64_t)file.n, .repairs = MAX_REPAIRS};
	while (off < file.n) {
		if (cyre_ts_is_blank(file, off)) {
			db->info.padded = true;
			off += 8;
			continue;
		}
		if (!look(file, off, expected, items, db, &it)) {
			off += 8;
			/* DUMMY's place is known; nothing else can be lost. */
			if (off > TS_FIRST)
				items->last_gap = off;
			expected = off == TS_FIRST;
			continue;
		}
		st = add(items, &it.r, it.state);
		if (st != CYRE_OK)
			return st;
		if (it.state == TS_DEAD)
			items->last_gap = off + it.r.size;
		off += it.r.size;
		expected = true;
	}
	return CYRE_OK;
}
