/*
 * cyrescue/berkeley.h - what only Berkeley DB's own library can do
 *
 * Cyrus 2.0 to 2.5 kept its Berkeley databases in an environment: a change is
 * committed when it is in a log file (CONFDIR/db/log.*), and comes into the
 * database file at a checkpoint or later. After a crash the file can lack all
 * of it (docs/formats/other-databases.md section 4). A replay does what
 * db_recover(1) does, on copies that are in memory alone, in a
 * process of their own: no file or directory is written, a library that trusts
 * what it reads can end or hang without harm, and the absolute names that
 * stand in the logs, which are those of the server's live files, lead nowhere.
 *
 * Threads: no state; a call forks and waits. The child has no descriptor of the
 * caller's but standard error, and no right to write; SIGINT and SIGTERM end it.
 */
#ifndef CYRESCUE_BERKELEY_H
#define CYRESCUE_BERKELEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cyrescue/slice.h>
#include <cyrescue/status.h>

struct cyre_berkeley_limits {
	uint64_t bytes;   /* of all copies, and of all that is written */
	unsigned seconds; /* 0: 60 */
};

/* Both NULL: there is none. Free with cyre_berkeley_env_free(). */
struct cyre_berkeley_env {
	char *dir;  /* where the log files are */
	char *name; /* the database's path below the directory `dir` is in */
};

/*
 * The environment of the database `path`, which need not be there any more:
 * `db` in its directory or in one above, if there are log files in it; or the
 * directory `given`, when it is not NULL.
 *
 * CYRE_OK, CYRE_ENOMEM (free it all the same).
 */
CYRE_API cyre_status cyre_berkeley_env_find(
	const char *path, const char *given, struct cyre_berkeley_env *ret);
CYRE_API void cyre_berkeley_env_free(struct cyre_berkeley_env *env);
/*
 * False: each of its log files was read, and none has the name of the database.
 * `limit`: bytes of one of them.
 */
CYRE_API bool cyre_berkeley_env_knows(
	const struct cyre_berkeley_env *env, uint64_t limit);

struct cyre_berkeley_replay {
	struct cyre_berkeley_env env;
	struct cyre_slice file; /* what is there of it; may be empty */
	/* Not from the last checkpoint: from the oldest log file on. Brings back
	 * what was lost of the file itself. */
	bool from_start;
	struct cyre_berkeley_limits limits;
};

/*
 * The database as it is once the logs have been applied; free(3) `ret->p`.
 * *ret_version: of the log files, 0: none was seen.
 *
 * CYRE_OK; CYRE_EFORMAT: no log file knows the database; CYRE_EUNSUPPORTED:
 * another release of Berkeley DB wrote the logs, and only that one reads them;
 * CYRE_ELIMIT: too large, or it took too long; CYRE_ECANCELED: a signal ended
 * it; CYRE_EIO with `reterr` (errnum 0: the library gave up, call says what);
 * CYRE_ENOMEM.
 */
CYRE_API cyre_status cyre_berkeley_replay(const struct cyre_berkeley_replay *r,
	struct cyre_slice *ret, uint32_t *ret_version,
	struct cyre_error *reterr);

#endif
