/*
 * dir.h - opening and listing below a directory, without being led astray
 *
 * The trees we read can hold anything: a symbolic link to /dev, a fifo in the
 * place of cyrus.index. Below a root nothing is reached through a link or out
 * of the root (openat2, or component by component where the kernel has none),
 * and only regular files and directories are ever opened. Access times stay
 * as they are where we are allowed to ask for that.
 *
 * Threads: a cyre_opener belongs to one thread; descriptors may be shared.
 */
#ifndef CYRE_DIR_H
#define CYRE_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cyrescue/status.h>

enum cyre_kind {
	CYRE_KIND_UNKNOWN,
	CYRE_KIND_FILE,
	CYRE_KIND_DIRECTORY,
	CYRE_KIND_SYMLINK,
	CYRE_KIND_FIFO,
	CYRE_KIND_SOCKET,
	CYRE_KIND_DEVICE
};

/* "regular file", "symbolic link", …; static storage. */
const char *cyre_kind_name(enum cyre_kind kind);

struct cyre_opener {
	bool no_openat2; /* found out at the first open */
};

/* What fstat says, and the descriptor, -1 unless opened. */
struct cyre_file_info {
	int fd;
	enum cyre_kind kind;
	uint32_t mode, uid, gid; /* mode: the permission bits */
	uint64_t size;           /* bytes */
	int64_t mtime_ns;
	uint64_t dev, ino, nlink;
};

/*
 * The directory `path` of the configuration; it may be reached through links.
 * With `root` it is looked up as if that directory were /. CYRE_OK or CYRE_EIO.
 */
cyre_status cyre_root_open(const char *root, const char *path, int *ret_fd,
	struct cyre_error *reterr);

/* The directory `path` below `dirfd`; "" is that one. CYRE_OK or CYRE_EIO. */
cyre_status cyre_dir_open(struct cyre_opener *o, int dirfd, const char *path,
	int *ret_fd, struct cyre_error *reterr);

/*
 * Opens a regular file below `dirfd`. Anything else is CYRE_OK with its kind
 * and fd -1: it is not opened. `kind` is what the listing said of it, or
 * CYRE_KIND_UNKNOWN, which costs a stat more. CYRE_EIO with errno in `reterr`.
 */
cyre_status cyre_file_open(struct cyre_opener *o, int dirfd, const char *path,
	enum cyre_kind kind, struct cyre_file_info *ret,
	struct cyre_error *reterr);
/*
 * Opens what cyre_file_stat() has just called a regular file, without asking
 * the system again. CYRE_OK, or CYRE_EIO with errno in `reterr`.
 */
cyre_status cyre_file_reopen(struct cyre_opener *o, int dirfd, const char *path,
	int *ret_fd, struct cyre_error *reterr);
/* What it is, without opening it; a link is not followed. */
cyre_status cyre_file_stat(struct cyre_opener *o, int dirfd, const char *path,
	struct cyre_file_info *ret, struct cyre_error *reterr);

/*
 * Calls `each` for every entry but . and .., in no order. Other than CYRE_OK
 * from it ends the listing and is returned. The descriptor is closed in any
 * case. CYRE_EIO: the system failed, perhaps after some entries.
 */
cyre_status cyre_dir_list(int dirfd,
	cyre_status (*each)(
		void *payload, const char *name, enum cyre_kind kind),
	void *payload, struct cyre_error *reterr);

/* "dir/name"; "" is the directory paths are relative to. free(3); NULL without
 * memory. */
char *cyre_path_join(const char *dir, const char *name);

#endif
