/*
 * db_write.c - a fresh, compact database file from a list of keys
 *
 * Sorts, checks, and hands the entries to the driver's writer, or lays the file
 * out and has its parts made. The levels of the skip lists are drawn from a
 * fixed sequence, so that the same entries always give the same bytes.
 */
#include "db.h"

#include <stdlib.h>

/* xorshift: any sequence of fair coins will do (twoskip.md section 3). */
unsigned cyre_db_coin_level(uint64_t *state, unsigned max)
{
	uint64_t x = *state ? *state : 0x9e3779b97f4a7c15u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	/* One more for each of the last bits that is 1, before the first 0. */
	return 1 + (unsigned)__builtin_ctzll(~x | UINT64_C(1) << (max - 1));
}

/* Strictly ascending: as nearly always, nothing is to be done. */
static bool is_ready(
	enum cyre_db_order order, const struct cyre_db_entry *entries, size_t n)
{
	cyre_db_compare *compare = cyre_db_comparer(order);
	size_t i;

	for (i = 0; i < n; i++)
		if (!entries[i].key.n ||
			(i && compare(entries[i - 1].key, entries[i].key) >= 0))
			return false;
	return true;
}

static cyre_status sort(
	const struct cyre_db_entry *entries, size_t n, struct cyre_db *db)
{
	struct cyre_db_entry e;
	cyre_status st;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!entries[i].key.n)
			return CYRE_EUSAGE;
		e = entries[i];
		/* Equal keys are found below: nothing else may differ. */
		e.trust = CYRE_DB_INTACT;
		st = cyre_db_add(db, &e);
		if (st != CYRE_OK)
			return st;
	}
	cyre_db_finish(db);
	return db->n == n ? CYRE_OK : CYRE_EUSAGE;
}

/* p->e in order. */
static cyre_status prepare(const struct cyre_db_write_options *o,
	const struct cyre_db_entry *entries, size_t n, struct cyre_db_plan *p)
{
	struct cyre_db db = {.info.order = o->order};
	cyre_status st = CYRE_OK;

	*p = (struct cyre_db_plan){.o = o, .e = entries, .n = n};
	if (!is_ready(o->order, entries, n)) {
		st = sort(entries, n, &db);
		p->e = p->own = db.e;
	}
	return st;
}

/* Where each list goes on behind each part, from the last one back. */
static void link_parts(struct cyre_db_plan *p)
{
	uint64_t next[CYRE_DB_LEVELS] = {0};
	size_t part = p->parts, from, i;
	unsigned k;

	p->highest = 1;
	while (part-- > 0) {
		memcpy(p->next[part], next, sizeof(next));
		cyre_db_plan_entries(p, part, &from, &i);
		while (i-- > from) {
			for (k = 0; k < p->places[i].level; k++)
				next[k] = p->places[i].offset;
			if (k > p->highest)
				p->highest = (uint8_t)k;
		}
	}
}

cyre_status cyre_db_plan(const struct cyre_db_write_options *o,
	const struct cyre_db_entry *entries, size_t n, struct cyre_db_plan *ret)
{
	const struct cyre_db_driver *d = cyre_db_driver(o->format);
	cyre_status st;

	*ret = (struct cyre_db_plan){.n = 0};
	if (!d)
		return CYRE_EUSAGE;
	if (!d->lay_out)
		return CYRE_EUNSUPPORTED;
	st = prepare(o, entries, n, ret);
	if (st != CYRE_OK)
		return st;
	ret->parts = n ? (n - 1) / CYRE_DB_PART + 1 : 1;
	ret->places = calloc(n + 1, sizeof(*ret->places));
	ret->next = calloc(ret->parts, sizeof(*ret->next));
	if (!ret->places || !ret->next || !d->lay_out(ret))
		return CYRE_ENOMEM;
	link_parts(ret);
	return CYRE_OK;
}

void cyre_db_plan_free(struct cyre_db_plan *p)
{
	free(p->places);
	free(p->next);
	free(p->own);
}

uint64_t cyre_db_plan_at(const struct cyre_db_plan *p, size_t part)
{
	const struct cyre_db_place *first;

	if (!part)
		return 0;
	if (part >= p->parts)
		return p->size;
	first = &p->places[part * CYRE_DB_PART];
	return first->offset - 8 * (uint64_t)first->blanks;
}

void cyre_db_plan_make(const struct cyre_db_plan *p, size_t part, uint8_t *to)
{
	cyre_db_driver(p->o->format)->make(p, part, to);
}

static cyre_status write_parts(const struct cyre_db_write_options *o,
	const struct cyre_db_entry *entries, size_t n, struct cyre_buf *b)
{
	struct cyre_db_plan p;
	cyre_status st = cyre_db_plan(o, entries, n, &p);
	size_t i;

	if (st == CYRE_OK && p.size <= SIZE_MAX &&
		cyre_buf_room(b, (size_t)p.size)) {
		for (i = 0; i < p.parts; i++)
			cyre_db_plan_make(&p, i, b->p + cyre_db_plan_at(&p, i));
		b->n = (size_t)p.size;
	}
	cyre_db_plan_free(&p);
	return st;
}

static cyre_status write_whole(const struct cyre_db_write_options *o,
	const struct cyre_db_entry *entries, size_t n, struct cyre_buf *b)
{
	struct cyre_db_plan p;
	cyre_status st = prepare(o, entries, n, &p);

	if (st == CYRE_OK)
		st = cyre_db_driver(o->format)->write(p.e, n, b);
	/* An empty flat file has no bytes, but the caller gets something. */
	if (st == CYRE_OK && !b->n)
		cyre_buf_room(b, 1);
	cyre_db_plan_free(&p);
	return st;
}

cyre_status cyre_db_write(const struct cyre_db_write_options *o,
	const struct cyre_db_entry *entries, size_t n, uint8_t **ret,
	size_t *ret_n)
{
	const struct cyre_db_driver *d = cyre_db_driver(o->format);
	struct cyre_buf b = {0};
	cyre_status st;

	if (!d)
		return CYRE_EUSAGE;
	st = d->write ? write_whole(o, entries, n, &b)
		      : write_parts(o, entries, n, &b);
	if (st == CYRE_OK && b.bad)
		st = CYRE_ENOMEM;
	if (st != CYRE_OK) {
		cyre_buf_free(&b);
		return st;
	}
	*ret = b.p;
	*ret_n = b.n;
	return CYRE_OK;
}

enum cyre_db_order cyre_db_usual_order(enum cyre_db_format f)
{
	const struct cyre_db_driver *d = cyre_db_driver(f);

	return d ? d->order : CYRE_DB_RAW;
}
