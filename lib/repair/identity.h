/*
 * identity.h - is a file still what it was?
 *
 * Threads: no state.
 */
#ifndef CYRE_IDENTITY_H
#define CYRE_IDENTITY_H

#include "change.h"
#include "dir.h"

/*
 * What stands under the name now; all of the file is read. A `dirfd` of -1 is a
 * directory that does not exist. ret_info->fd stays open, -1 for no file.
 *
 * CYRE_OK; CYRE_EBUSY: something that is no file, as *ret says; CYRE_EIO,
 * CYRE_ENOMEM.
 */
cyre_status cyre_identity_look(int dirfd, const char *name,
	struct cyre_opener *o, struct cyre_hasher *hasher,
	struct cyre_file_info *ret_info, struct cyre_identity *ret,
	struct cyre_error *reterr);
/* The inode counts only where `want` has one. */
bool cyre_identity_same(
	const struct cyre_identity *want, const struct cyre_identity *now);

#endif
