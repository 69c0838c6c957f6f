/*
 * db.h - what the fuzz targets of the database drivers share
 *
 * Both readers see every input, whatever it looks like. What they give is
 * touched, so that a sanitizer sees a slice outside the input; lookups and the
 * writer get it, too.
 */
#ifndef CYRE_FUZZ_DB_H
#define CYRE_FUZZ_DB_H

#include <stdlib.h>

#include <cyrescue/db.h>

#include "bytes.h"

static volatile uint32_t fuzz_sink;

static inline void fuzz_touch(const struct cyre_db *db)
{
	const struct cyre_db_entry *e;
	size_t i, k;

	for (i = 0; i < cyre_db_count(db); i++) {
		e = cyre_db_at(db, i);
		for (k = 0; k < e->key.n; k += 16)
			fuzz_sink += e->key.p[k];
		for (k = 0; k < e->value.n; k += 16)
			fuzz_sink += e->value.p[k];
		if (i < 100 && !cyre_db_find(db, e->key))
			abort();
	}
}

static inline void fuzz_write(
	const struct cyre_db *db, enum cyre_db_format format)
{
	struct cyre_db_write_options o = {
		.format = format, .order = cyre_db_info(db)->order};
	struct cyre_db *again;
	uint8_t *p;
	size_t n;

	if (!cyre_db_count(db) || cyre_db_write(&o, cyre_db_at(db, 0),
					  cyre_db_count(db), &p, &n) != CYRE_OK)
		return;
	/* What we write, we read. */
	if (cyre_db_read(cyre_slice(p, n), NULL, &again) != CYRE_OK ||
		cyre_db_count(again) != cyre_db_count(db))
		abort();
	cyre_db_free(again);
	free(p);
}

static inline int fuzz_db(
	const uint8_t *data, size_t size, enum cyre_db_format format)
{
	struct cyre_slice s = cyre_slice(data, size);
	struct cyre_findings found = {.keep = 4};
	struct cyre_db *db;

	if (cyre_db_open(s, &found, &db) == CYRE_OK) {
		fuzz_touch(db);
		cyre_db_free(db);
	}
	if (cyre_db_salvage(s, format, &found, &db) == CYRE_OK) {
		fuzz_touch(db);
		fuzz_write(db, CYRE_DB_TWOSKIP);
		fuzz_write(db, CYRE_DB_SKIPLIST);
		cyre_db_free(db);
	}
	cyre_findings_free(&found);
	return 0;
}

#endif
