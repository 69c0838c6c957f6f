/*
 * db_write.c - a fresh, compact database file from a list of keys
 *
 * Sorts, checks, and hands the entries to the driver's writer. The levels of
 * the skip lists are drawn from a fixed sequence, so that the same entries
 * always give the same bytes.
 */
#include "db.h"

#include <stdlib.h>

/* xorshift: any sequence of fair coins will do (twoskip.md section 3). */
unsigned cyre_db_coin_level(uint64_t *state, unsigned max)
{
	uint64_t x = *state ? *state : 0x9e3779b97f4a7c15u;
	unsigned level = 1;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	while (level < max && x & 1) {
		level++;
		x >>= 1;
	}
	return level;
}

static cyre_status prepare(const struct cyre_db_write_options *o,
	const struct cyre_db_entry *entries, size_t n, struct cyre_db *db)
{
	struct cyre_db_entry e;
	cyre_status st;
	size_t i;

	db->info.order = o->order;
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

cyre_status cyre_db_write(const struct cyre_db_write_options *o,
	const struct cyre_db_entry *entries, size_t n, uint8_t **ret,
	size_t *ret_n)
{
	const struct cyre_db_driver *d = cyre_db_driver(o->format);
	struct cyre_buf b = {0};
	struct cyre_db *db;
	cyre_status st;

	if (!d)
		return CYRE_EUSAGE;
	if (!d->write)
		return CYRE_EUNSUPPORTED;
	db = calloc(1, sizeof(*db));
	if (!db)
		return CYRE_ENOMEM;
	st = prepare(o, entries, n, db);
	if (st == CYRE_OK)
		st = d->write(o, db, &b);
	if (st == CYRE_OK && b.bad)
		st = CYRE_ENOMEM;
	/* An empty flat file has no bytes, but the caller gets something. */
	if (st == CYRE_OK && !b.n && !cyre_buf_room(&b, 1))
		st = CYRE_ENOMEM;
	cyre_db_free(db);
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
