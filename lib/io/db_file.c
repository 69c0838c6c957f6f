/* db_file.c - see cyrescue/dbfile.h. */
#include <cyrescue/dbfile.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "read_file.h"

static cyre_status refused(
	struct cyre_error *err, const char *call, const char *path)
{
	if (err) {
		*err = (struct cyre_error){.errnum = errno, .call = call};
		snprintf(err->path, sizeof(err->path), "%s", path);
	}
	return CYRE_EIO;
}

cyre_status cyre_dbfile_read(const char *path, uint64_t limit,
	struct cyre_slice *ret, struct cyre_dbfile_owner *ret_owner,
	struct cyre_error *reterr)
{
	struct cyre_buf b = {.limit = limit};
	cyre_status st;
	struct stat sb;

	if (ret_owner) {
		if (stat(path, &sb) < 0)
			return refused(reterr, "stat", path);
		*ret_owner = (struct cyre_dbfile_owner){
			sb.st_uid, sb.st_gid, sb.st_mode & 0777};
	}
	st = cyre_read_path(path, &b, reterr);
	if (st != CYRE_OK) {
		cyre_buf_free(&b);
		return st;
	}
	*ret = cyre_slice(b.p, b.n);
	return CYRE_OK;
}

static bool write_all(int fd, struct cyre_slice s)
{
	ssize_t n;

	while (s.n) {
		n = write(fd, s.p, s.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		s.p += n;
		s.n -= (size_t)n;
	}
	return true;
}

/* The file under a name of its own, then linked: link(2) never replaces. */
static const char *create_in(int dir, const char *name, struct cyre_slice bytes,
	const struct cyre_dbfile_owner *owner)
{
	const char *failed = NULL;
	char tmp[300];
	int fd;

	snprintf(tmp, sizeof(tmp), ".cyrescue-new.%ld.%.200s", (long)getpid(),
		name);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return "open";
	/* Without the right to do so it stays ours: cyrus can be told. */
	if (owner && fchown(fd, owner->uid, owner->gid) == 0 &&
		fchmod(fd, owner->mode) < 0)
		failed = "chmod";
	else if (!write_all(fd, bytes))
		failed = "write";
	else if (fsync(fd) < 0)
		failed = "fsync";
	else if (linkat(dir, tmp, dir, name, 0) < 0)
		failed = "link";
	if (close(fd) < 0 && !failed)
		failed = "close";
	fd = errno;
	unlinkat(dir, tmp, 0);
	errno = fd;
	if (!failed && fsync(dir) < 0)
		failed = "fsync";
	return failed;
}

cyre_status cyre_dbfile_create(const char *path, struct cyre_slice bytes,
	const struct cyre_dbfile_owner *owner, struct cyre_error *reterr)
{
	char *for_dir = strdup(path), *for_name = strdup(path);
	const char *failed = "open";
	cyre_status st = CYRE_OK;
	int dir;

	if (!for_dir || !for_name) {
		st = CYRE_ENOMEM;
		goto out;
	}
	dir = open(dirname(for_dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		failed = create_in(dir, basename(for_name), bytes, owner);
		close(dir);
	}
	if (failed)
		st = refused(reterr, failed, path);
out:
	free(for_dir);
	free(for_name);
	return st;
}
