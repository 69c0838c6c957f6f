/*
 * db.h - what the database drivers share
 *
 * A driver is one row of the table in db.c. It makes a struct cyre_db: entries
 * are added in any order, cyre_db_finish() sorts them where a driver cannot.
 */
#ifndef CYRE_DB_INSIDE_H
#define CYRE_DB_INSIDE_H

#include <cyrescue/db.h>

#include "buf.h"
#include "bytes.h"

struct cyre_db {
	struct cyre_db_info info;
	struct cyre_db_entry *e;
	size_t n, cap;
	bool finished;
	struct cyre_db_block *blocks; /* bytes that are not in the file */
	uint8_t *adopted;             /* free(3) */
	const struct cyre_db_arrival *arrival;
	uint64_t there; /* bytes of the file that have arrived */
};

/*
 * The file as far as it is there, and that is up to `end` at least. A driver
 * that is not told otherwise (`arrives`) has all of it.
 */
static inline struct cyre_slice cyre_db_arrived(
	struct cyre_db *db, struct cyre_slice file, uint64_t end)
{
	if (end > file.n)
		end = file.n;
	if (end > db->there)
		db->there = db->arrival->wait(db->arrival->payload, end);
	if (db->there < file.n)
		file.n = (size_t)db->there;
	return file;
}
/* Most records are shorter: with so much there, few must be tried again. */
#define CYRE_DB_AHEAD 65536

/*
 * cyre_db_check_values() for some of the entries, with what only the whole file
 * tells about each of its values.
 */
struct cyre_db_values {
	enum cyre_db_kind kind;
	bool is_new; /* mailboxes.db: 3.6 or later */
	unsigned sub_version;
};
struct cyre_db_values cyre_db_values(
	const struct cyre_db *db, enum cyre_db_kind kind);
cyre_status cyre_db_check_some(const struct cyre_db *db,
	const struct cyre_db_values *known, size_t from, size_t to,
	struct cyre_findings *found);

/* ---- a new file in parts ---- */

#define CYRE_DB_LEVELS 31   /* lists, at most */
#define CYRE_DB_PART   4096 /* entries */

/* Where a record will stand. */
struct cyre_db_place {
	uint64_t offset;
	uint8_t level;
	uint8_t blanks; /* twoskip: words of padding before it */
};

/*
 * What the parts of a file have to know of each other. With it each is made on
 * its own, in any order and by any thread, and no more than some of them need
 * be in memory.
 */
struct cyre_db_plan {
	const struct cyre_db_write_options *o;
	const struct cyre_db_entry *e; /* sorted */
	size_t n, parts;
	struct cyre_db_place *places; /* n, and of what ends the file */
	uint64_t entries_end, size;
	uint64_t (*next)[CYRE_DB_LEVELS]; /* where lists go on behind a part */
	uint8_t highest;                  /* level */
	struct cyre_db_entry *own;        /* they came in another order */
};

/* CYRE_EUNSUPPORTED: not in parts; else as cyre_db_write(). `o` and the entries
 * are borrowed. In any case to be freed. */
cyre_status cyre_db_plan(const struct cyre_db_write_options *o,
	const struct cyre_db_entry *entries, size_t n,
	struct cyre_db_plan *ret);
void cyre_db_plan_free(struct cyre_db_plan *p);
/* The offset of a part; of part p->parts: the size of the file. */
uint64_t cyre_db_plan_at(const struct cyre_db_plan *p, size_t part);
/* The bytes up to the next part. */
void cyre_db_plan_make(const struct cyre_db_plan *p, size_t part, uint8_t *to);
/* The entries of a part are *ret_from to *ret_to - 1. */
static inline void cyre_db_plan_entries(const struct cyre_db_plan *p,
	size_t part, size_t *ret_from, size_t *ret_to)
{
	*ret_from = part * CYRE_DB_PART;
	*ret_to = part + 1 < p->parts ? *ret_from + CYRE_DB_PART : p->n;
}

struct cyre_db_driver {
	const char *name;
	enum cyre_db_order order; /* what its server uses by default */
	/* The bytes are this format's for certain. */
	bool (*detect)(struct cyre_slice bytes);
	bool arrives; /* its strict reader asks cyre_db_arrived() */
	/* Fill `db` as far as strict reading goes; damage is in `found`. */
	cyre_status (*read)(struct cyre_slice bytes,
		struct cyre_findings *found, struct cyre_db *db);
	cyre_status (*salvage)(struct cyre_slice bytes,
		struct cyre_findings *found, struct cyre_db *db);
	/* A new file of sorted entries, in one of two ways: into an empty
	 * buffer; or in parts, see below. Neither: it is not written. */
	cyre_status (*write)(
		const struct cyre_db_entry *e, size_t n, struct cyre_buf *b);
	/* Gives every entry its place. False: too large for the format. */
	bool (*lay_out)(struct cyre_db_plan *p);
	void (*make)(const struct cyre_db_plan *p, size_t part, uint8_t *to);
};

/*
 * cyre_db_meaning() for many: the words are put behind what `b` holds, `own` is
 * room that is used again. No memory: one of them is bad.
 */
void cyre_db_put_meaning(enum cyre_db_kind kind, const struct cyre_db_entry *e,
	struct cyre_buf *own, struct cyre_buf *b);

extern const struct cyre_db_driver cyre_db_twoskip, cyre_db_skiplist,
	cyre_db_twom, cyre_db_berkeley, cyre_db_quotalegacy, cyre_db_sqlite,
	cyre_db_flat;

/* What imapd.conf calls it: "berkeley-nosync" … are one kind of file. NULL is
 * fine. */
enum cyre_db_format cyre_db_format_of_option(const char *value);
/* NULL: there is none. */
const struct cyre_db_driver *cyre_db_driver(enum cyre_db_format f);
/* 1 and one more for each coin that shows heads. */
unsigned cyre_db_coin_level(uint64_t *state, unsigned max);

typedef int cyre_db_compare(struct cyre_slice a, struct cyre_slice b);
/* Never NULL. */
cyre_db_compare *cyre_db_comparer(enum cyre_db_order o);

/* So many entries are to be added, if the file is right: a hint. `max`: what
 * its size allows. */
void cyre_db_expect(struct cyre_db *db, uint64_t n, size_t max);
cyre_status cyre_db_add(struct cyre_db *db, const struct cyre_db_entry *e);
/* n bytes that live as long as `db`; NULL: no memory. */
uint8_t *cyre_db_alloc(struct cyre_db *db, size_t n);
/*
 * Of the keys the file counts (info.expected, if info.counted), else of those a
 * salvage met and could not read, so many are in no entry: info.missing is set,
 * and told when there are any. `have`: committed keys that were found.
 */
void cyre_db_tell_missing(struct cyre_db *db, uint64_t have, uint64_t unread,
	struct cyre_findings *found);
/* From now on `bytes`, of malloc(3), live as long as `db`. */
void cyre_db_adopt(struct cyre_db *db, uint8_t *bytes);
/* Sorts by key, then trust, keeps the newest of equals, and counts. */
void cyre_db_finish(struct cyre_db *db);
/* The same for intact entries that were seen to ascend strictly. */
void cyre_db_finish_sorted(struct cyre_db *db);

/*
 * Which order a run of keys has: shown every pair of neighbours, it says which
 * of the orders allows them all, the usual one where several do; where none
 * does, the one with the fewest violations.
 */
struct cyre_db_orders {
	uint64_t wrong[3];
};
void cyre_db_orders_see(struct cyre_db_orders *o, struct cyre_slice before,
	struct cyre_slice after);
enum cyre_db_order cyre_db_orders_best(
	const struct cyre_db_orders *o, enum cyre_db_order usual);

#endif
