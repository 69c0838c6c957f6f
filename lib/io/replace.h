/*
 * replace.h - put a new file in the place of an old one, and be able to go back
 *
 * A new file is first written beside its target under a temporary name,
 * CYRE_TMP_PREFIX and the target's name. Every release of Cyrus ignores names
 * that begin with a dot (docs/formats/per-mailbox-other.md 1), and the name is
 * always the same, so that a later run finds what a killed one left and takes
 * it away. Whoever calls this holds cyre_dir_claim() on the directory: nobody
 * else of us has a temporary there.
 *
 * Nothing here replaces a file for good: cyre_swap() exchanges two names, so
 * that the old file lives on under the temporary name until it is unlinked.
 *
 * Names are single components in an open directory. Every call: CYRE_OK, or
 * CYRE_EIO with errno, call and name in `reterr` (may be NULL).
 *
 * Threads: no state.
 */
#ifndef CYRE_REPLACE_H
#define CYRE_REPLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cyrescue/status.h>

#include "bytes.h"

#define CYRE_TMP_PREFIX ".cyrescue-new."
#define CYRE_NAME_SIZE  256 /* NAME_MAX and the NUL */

/* Whose a file is to be. */
struct cyre_owner {
	uint32_t uid, gid;
	uint32_t mode; /* permission bits */
};

/* The temporary name of `name`; false: it would be too long. */
bool cyre_tmp_name(const char *name, char ret[CYRE_NAME_SIZE]);

/* One of our runs a directory: a lock that leaves no file and ends with the
 * descriptor. CYRE_EBUSY when another process has it. */
cyre_status cyre_dir_claim(int dirfd, struct cyre_error *reterr);

/* Makes the temporary file of `name`, 0600, open for writing; one that a
 * killed run left there is removed before. */
cyre_status cyre_tmp_create(
	int dirfd, const char *name, int *ret_fd, struct cyre_error *reterr);
/* Makes a directory. Under its name it has its owner and mode from the start:
 * one that a kill left half made would shut the server out. */
cyre_status cyre_tmp_mkdir(int dirfd, const char *name,
	const struct cyre_owner *owner, struct cyre_error *reterr);
/* Removes the temporary file of `name`; it may be absent. */
cyre_status cyre_tmp_remove(
	int dirfd, const char *name, struct cyre_error *reterr);

cyre_status cyre_write_all(int fd, struct cyre_slice s, const char *name,
	struct cyre_error *reterr);
/* Owner and mode; calls that would change nothing are left out. */
cyre_status cyre_give(int fd, const struct cyre_owner *owner, const char *name,
	struct cyre_error *reterr);
/*
 * Extended attributes of one file given to another, access control lists among
 * them. Those the system keeps to itself (security., trusted.) are left out
 * where it refuses them.
 */
cyre_status cyre_xattrs_copy(
	int from, int to, const char *name, struct cyre_error *reterr);
cyre_status cyre_xattr_set(int fd, const char *key, struct cyre_slice value,
	const char *name, struct cyre_error *reterr);
/* Calls `each` for every attribute of the file. */
cyre_status cyre_xattrs_each(int fd, const char *name,
	cyre_status (*each)(
		void *payload, const char *key, struct cyre_slice value),
	void *payload, struct cyre_error *reterr);

/*
 * `name` and its temporary file change places, in one step: at no moment is
 * there no `name`. Where the file system cannot (RENAME_EXCHANGE), by way of a
 * hard link.
 */
cyre_status cyre_swap(int dirfd, const char *name, struct cyre_error *reterr);
/* A rename that never replaces: EEXIST when `to` is there. */
cyre_status cyre_move(int fromfd, const char *from, int tofd, const char *to,
	struct cyre_error *reterr);

#endif
