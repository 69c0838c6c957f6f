/*
 * cyrescue/dbshow.h - the keys of a database, for people or as JSON Lines
 *
 * Threads: no state; it starts `jobs` of its own, and the output is the same
 * for any number of them.
 */
#ifndef CYRESCUE_DBSHOW_H
#define CYRESCUE_DBSHOW_H

#include <cyrescue/db.h>
#include <cyrescue/dbreport.h>

struct cyre_dbshow_options {
	struct cyre_dbreport_options out;
	enum cyre_db_kind kind; /* its values are told in words, too */
	bool all_trusts;        /* not only of the keys that are not intact */
	unsigned jobs;
};

/*
 * Entries `from` to `to` - 1, written in their order. CYRE_OK, CYRE_ENOMEM,
 * CYRE_EIO (a write failed, which ends it).
 */
CYRE_API cyre_status cyre_dbshow(const struct cyre_dbshow_options *o,
	const struct cyre_db *db, size_t from, size_t to);

#endif
