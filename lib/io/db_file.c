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

#define PIECE ((size_t)4 << 20)

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

/* A file under a name of its own, linked at the end: link(2) never replaces. */
struct cyre_dbfile_new {
	char *path,
		*for_name; /* for_name: a copy that basename(3) may change */
	const char *name;
	char tmp[300];
	int dir, fd;
	uint64_t size, begun; /* bytes; of them, the disk was told to write */
};

static void free_new(struct cyre_dbfile_new *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->dir >= 0)
		close(f->dir);
	free(f->path);
	free(f->for_name);
	free(f);
}

static const char *create_tmp(
	struct cyre_dbfile_new *f, const struct cyre_dbfile_owner *owner)
{
	int errnum;

	snprintf(f->tmp, sizeof(f->tmp), ".cyrescue-new.%ld.%.200s",
		(long)getpid(), f->name);
	f->fd = openat(
		f->dir, f->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return "open";
	/* Without the right to do so it stays ours: cyrus can be told. */
	if (owner && fchown(f->fd, owner->uid, owner->gid) == 0 &&
		fchmod(f->fd, owner->mode) < 0) {
		errnum = errno;
		unlinkat(f->dir, f->tmp, 0);
		errno = errnum;
		return "chmod";
	}
	return NULL;
}

cyre_status cyre_dbfile_begin(const char *path,
	const struct cyre_dbfile_owner *owner, struct cyre_dbfile_new **ret,
	struct cyre_error *reterr)
{
	struct cyre_dbfile_new *f = calloc(1, sizeof(*f));
	char *for_dir = strdup(path);
	const char *failed = "open";
	cyre_status st = CYRE_ENOMEM;

	if (!f || !for_dir)
		goto out;
	f->dir = f->fd = -1;
	f->path = strdup(path);
	f->for_name = strdup(path);
	if (!f->path || !f->for_name)
		goto out;
	f->name = basename(f->for_name);
	f->dir = open(dirname(for_dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir >= 0)
		failed = create_tmp(f, owner);
	st = failed ? refused(reterr, failed, path) : CYRE_OK;
out:
	free(for_dir);
	if (st == CYRE_OK)
		*ret = f;
	else if (f)
		free_new(f);
	return st;
}

/*
 * The disk begins with what is there, so that the sync at the end finds most of
 * the work done. That sync alone says whether it was.
 */
static void begin_writeback(struct cyre_dbfile_new *f)
{
	if (f->size - f->begun < PIECE)
		return;
	sync_file_range(f->fd, (off_t)f->begun, (off_t)(f->size - f->begun),
		SYNC_FILE_RANGE_WRITE);
	f->begun = f->size;
}

cyre_status cyre_dbfile_put(struct cyre_dbfile_new *f, struct cyre_slice s,
	struct cyre_error *reterr)
{
	ssize_t n;

	while (s.n) {
		n = write(f->fd, s.p, s.n < PIECE ? s.n : PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refused(reterr, "write", f->path);
		f->size += (uint64_t)n;
		s.p += n;
		s.n -= (size_t)n;
		begin_writeback(f);
	}
	return CYRE_OK;
}

static const char *link_new(struct cyre_dbfile_new *f)
{
	int fd = f->fd;

	if (fsync(fd) < 0)
		return "fsync";
	f->fd = -1;
	if (close(fd) < 0)
		return "close";
	return linkat(f->dir, f->tmp, f->dir, f->name, 0) < 0 ? "link" : NULL;
}

cyre_status cyre_dbfile_end(
	struct cyre_dbfile_new *f, bool complete, struct cyre_error *reterr)
{
	const char *failed = complete ? link_new(f) : NULL;
	cyre_status st = CYRE_OK;
	int errnum = errno;

	unlinkat(f->dir, f->tmp, 0);
	errno = errnum;
	if (complete && !failed && fsync(f->dir) < 0)
		failed = "fsync";
	if (failed)
		st = refused(reterr, failed, f->path);
	free_new(f);
	return st;
}

cyre_status cyre_dbfile_create(const char *path, struct cyre_slice bytes,
	const struct cyre_dbfile_owner *owner, struct cyre_error *reterr)
{
	struct cyre_dbfile_new *f;
	cyre_status st, ended;

	st = cyre_dbfile_begin(path, owner, &f, reterr);
	if (st != CYRE_OK)
		return st;
	st = cyre_dbfile_put(f, bytes, reterr);
	ended = cyre_dbfile_end(f, st == CYRE_OK, reterr);
	return st == CYRE_OK ? ended : st;
}
