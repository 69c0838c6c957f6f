/*
 * undo_archive.h - originals kept before they are replaced
 *
 * A pax tar, zstd, by libarchive. Members have the full path of the original
 * without its leading slash, so that plain tar puts them back too, with owner,
 * mode, times to the nanosecond and extended attributes. Behind them come
 *
 *   .cyrescue-undo/owners	owner, mode, times, attributes of every original
 *   .cyrescue-undo/changes	what the run was about to do (repair/changes.h)
 *   .cyrescue-undo/sha256sums	of every member before, as sha256sum(1) reads
 *   .cyrescue-undo/finished	the mark: format and SHA-256 of the sums
 *
 * An archive is written under a name that ends in .part; it gets its own name
 * when it is whole and on the disk. So a name undo-TIME.tar.zst never is half
 * an archive, and nothing was replaced as long as there is only a .part.
 *
 * One archive is made by one batch of mailboxes: workers share nothing, and
 * what a kill leaves is either a whole archive or one that nobody needs. Once
 * its mailboxes are done an archive is settled: it is read-only (0400) from then
 * on. One that is not tells of a run that was killed, or is at work.
 *
 * Threads: an archive belongs to one thread.
 */
#ifndef CYRE_UNDO_ARCHIVE_H
#define CYRE_UNDO_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cyrescue/status.h>

#include "buf.h"
#include "digest.h"

struct cyre_archive_out;

/* Starts one in the folder. CYRE_OK, CYRE_EIO, CYRE_ENOMEM. */
cyre_status cyre_archive_begin(const char *folder, struct cyre_error *reterr,
	struct cyre_archive_out **ret);
/*
 * Adds the open file `fd` (read from its start) as `path`, which is absolute;
 * ret_sha is of the bytes that went in, `size` bytes of them.
 *
 * CYRE_OK; CYRE_EBUSY: the file is not of this size, it changes under us (the
 * member is padded with zeros, the archive goes on); CYRE_EIO: the archive, or
 * reading, failed, and the archive cannot be gone on with; CYRE_ENOMEM.
 */
cyre_status cyre_archive_add(struct cyre_archive_out *a, const char *path,
	int fd, uint64_t size, uint8_t ret_sha[CYRE_SHA256_LEN],
	struct cyre_error *reterr);
/* Adds the list of changes, sums and mark, brings all of it to the disk and
 * gives the archive its name. */
cyre_status cyre_archive_finish(struct cyre_archive_out *a,
	struct cyre_slice changes, struct cyre_error *reterr);
/* File name without folder, that of the finished archive. */
const char *cyre_archive_name(const struct cyre_archive_out *a);
/* Its mailboxes are done. No sync: what it says can be seen from the files. */
void cyre_archive_settle(struct cyre_archive_out *a);
/* Takes it from the disk: nothing was replaced in the end. */
void cyre_archive_discard(struct cyre_archive_out *a);
/* Closes; an archive that was not finished is discarded. NULL is fine. */
void cyre_archive_end(struct cyre_archive_out *a);
/* The same of a finished archive, and the question. */
void cyre_archive_settle_path(const char *path);
bool cyre_archive_is_settled(const char *path);
/* Removes what killed runs left in the folder: *.part that nobody holds. */
cyre_status cyre_archive_sweep(const char *folder, struct cyre_error *reterr);

/* One original in an archive. Strings are borrowed from the reader. */
struct cyre_archive_member {
	const char *path; /* as it was given to cyre_archive_add() */
	uint64_t size;    /* bytes */
	uint32_t uid, gid, mode;
	int64_t mtime_ns;
	uint8_t sha256[CYRE_SHA256_LEN];
};

struct cyre_archive_in;

/*
 * Reads the whole archive and tests everything: each sum, the sums' own sum,
 * the mark, that nothing follows it. CYRE_OK; CYRE_EFORMAT: damaged, not
 * finished, or not ours; CYRE_EIO; CYRE_ENOMEM; CYRE_ELIMIT.
 */
cyre_status cyre_archive_open(const char *path, struct cyre_error *reterr,
	struct cyre_archive_in **ret);
void cyre_archive_close(struct cyre_archive_in *a);
/* In the order of the archive. */
size_t cyre_archive_count(const struct cyre_archive_in *a);
const struct cyre_archive_member *cyre_archive_member(
	const struct cyre_archive_in *a, size_t i);
struct cyre_slice cyre_archive_changes(const struct cyre_archive_in *a);

/*
 * Reads the archive again and calls `each` with every original; it may call
 * cyre_archive_extract() for it.
 */
cyre_status cyre_archive_each(struct cyre_archive_in *a,
	cyre_status (*each)(void *payload, struct cyre_archive_in *a, size_t i),
	void *payload, struct cyre_error *reterr);
/* Inside `each`: the bytes to `fd`, then extended attributes, owner, mode and
 * modification time. CYRE_EFORMAT: the bytes are not those of the first time. */
cyre_status cyre_archive_extract(struct cyre_archive_in *a, int fd,
	const char *name, struct cyre_error *reterr);

#endif
