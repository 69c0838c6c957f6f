/*
 * cyrescue/dbload.h - a database file with all that belongs to it
 *
 * What cyre_db_open() does with bytes, for a path: the log files of a Berkeley
 * environment are applied to a copy (cyrescue/berkeley.h), a journal beside an
 * SQLite file is told. Opens files for reading only, and writes nothing.
 *
 * Threads: no state.
 */
#ifndef CYRESCUE_DBLOAD_H
#define CYRESCUE_DBLOAD_H

#include <cyrescue/db.h>
#include <cyrescue/dbfile.h>
#include <cyrescue/dbreport.h>

struct cyre_dbload_options {
	uint64_t memory;        /* bytes of a file, and of all log files */
	enum cyre_db_format as; /* what it was; CYRE_DB_NONE: its magic */
	const char *env;        /* NULL: looked for; "": none */
	unsigned jobs;          /* threads for one large file; 0: 1 */
};

/*
 * A database of bytes that were read from `path`, as cyre_db_open() makes it:
 * it borrows `bytes`, or has its own. What is wrong with the file goes to
 * `found`. CYRE_EFORMAT: no database, and its logs do not know it.
 *
 * CYRE_OK, CYRE_EFORMAT, CYRE_EUNSUPPORTED, CYRE_ECANCELED, CYRE_ENOMEM.
 */
CYRE_API cyre_status cyre_dbload_bytes(const char *path,
	struct cyre_slice bytes, const struct cyre_dbload_options *o,
	struct cyre_findings *found, struct cyre_db **ret);

struct cyre_dbload {
	struct cyre_slice bytes;
	struct cyre_dbfile_owner owner;
	struct cyre_findings found; /* `keep` may be set before */
	struct cyre_db *db;         /* NULL: not recognised, and told */
};

/*
 * The file, too. CYRE_OK; CYRE_EIO with `reterr`, CYRE_ELIMIT,
 * CYRE_EUNSUPPORTED, CYRE_ECANCELED, CYRE_ENOMEM. In any case to be freed.
 */
CYRE_API cyre_status cyre_dbload_file(const char *path,
	const struct cyre_dbload_options *o, struct cyre_dbload *ret,
	struct cyre_error *reterr);
/* cyre_db_check_values() by so many threads; it finds the same. */
CYRE_API cyre_status cyre_dbload_check_values(const struct cyre_db *db,
	enum cyre_db_kind kind, unsigned jobs, struct cyre_findings *found);
/* What a report says of a database; path and findings are the caller's. */
CYRE_API void cyre_dbload_describe(
	const struct cyre_db *db, struct cyre_dbreport *ret);
/*
 * A new file as cyre_db_write() makes it, and Berkeley files, which their own
 * library makes in `tmpdir` first; o->generation 0 and o->time 0 are good
 * values. *ret: free(3) `p`.
 *
 * Statuses of cyre_db_write(); CYRE_EIO with `reterr`.
 */
CYRE_API cyre_status cyre_dbload_make(const struct cyre_db_write_options *o,
	const struct cyre_db_entry *entries, size_t n, const char *tmpdir,
	struct cyre_slice *ret, struct cyre_error *reterr);

struct cyre_dbload_save_options {
	struct cyre_db_write_options write;
	const struct cyre_dbfile_owner *owner; /* NULL: whoever runs this */
	const char *tmpdir;                    /* as for cyre_dbload_make() */
	unsigned jobs;                         /* threads */
};

/*
 * The same into a new file, as cyre_dbfile_create() writes it. The bytes are
 * the same for any number of threads. Statuses of both.
 */
CYRE_API cyre_status cyre_dbload_save(const char *path,
	const struct cyre_dbload_save_options *o,
	const struct cyre_db_entry *entries, size_t n,
	struct cyre_error *reterr);
CYRE_API void cyre_dbload_free(struct cyre_dbload *l);

#endif
