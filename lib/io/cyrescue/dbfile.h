/*
 * cyrescue/dbfile.h - database files on the disk
 *
 * Threads: no state.
 */
#ifndef CYRESCUE_DBFILE_H
#define CYRESCUE_DBFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cyrescue/slice.h>
#include <cyrescue/status.h>

/* Whose a file is to be. */
struct cyre_dbfile_owner {
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

/*
 * The whole file; free(3) `ret->p`. `limit`: bytes, 0: none. `ret_owner` may be
 * NULL. The file is opened for reading only, and never locked.
 *
 * CYRE_OK; CYRE_EIO with `reterr`; CYRE_ELIMIT; CYRE_ENOMEM.
 */
CYRE_API cyre_status cyre_dbfile_read(const char *path, uint64_t limit,
	struct cyre_slice *ret, struct cyre_dbfile_owner *ret_owner,
	struct cyre_error *reterr);

/*
 * A new file with these bytes, complete and on the disk when this returns.
 * Never replaces one: CYRE_EIO with EEXIST when `path` is there. The owner is
 * given where we may.
 *
 * CYRE_OK; CYRE_EIO with `reterr`; CYRE_ENOMEM.
 */
CYRE_API cyre_status cyre_dbfile_create(const char *path,
	struct cyre_slice bytes, const struct cyre_dbfile_owner *owner,
	struct cyre_error *reterr);

/*
 * The same piece by piece. Whoever began it ends it; without `complete` nothing
 * is left of it. cyre_dbfile_end() frees it in any case.
 */
struct cyre_dbfile_new;
CYRE_API cyre_status cyre_dbfile_begin(const char *path,
	const struct cyre_dbfile_owner *owner, struct cyre_dbfile_new **ret,
	struct cyre_error *reterr);
CYRE_API cyre_status cyre_dbfile_put(struct cyre_dbfile_new *f,
	struct cyre_slice s, struct cyre_error *reterr);
CYRE_API cyre_status cyre_dbfile_end(
	struct cyre_dbfile_new *f, bool complete, struct cyre_error *reterr);

struct cyre_dbfile_pair {
	struct cyre_slice key, value;
};

/*
 * The bytes of a new Berkeley DB btree with these pairs, given in any order,
 * kept in that of `compare` (NULL: the library's own); free(3) `ret->p`. It is
 * made in `tmpdir`, which is left as it was.
 *
 * CYRE_OK; CYRE_EUSAGE: one key twice; CYRE_EIO with `reterr`; CYRE_ENOMEM.
 */
CYRE_API cyre_status cyre_berkeley_write(const struct cyre_dbfile_pair *pairs,
	size_t n, int (*compare)(struct cyre_slice a, struct cyre_slice b),
	const char *tmpdir, struct cyre_slice *ret, struct cyre_error *reterr);

#endif
