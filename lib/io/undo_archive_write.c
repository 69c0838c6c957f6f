/*
 * undo_archive_write.c - makes an undo archive; see undo_archive.h
 *
 * Does not know what the changes are: it keeps bytes and proves them.
 */
#include "undo_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "replace.h"
#include "undo_archive_names.h"

#define PIECE ((size_t)256 << 10)

struct cyre_archive_out {
	struct archive *tar;
	struct cyre_hasher *hasher;
	struct cyre_buf sums, owners;
	uint8_t *piece;
	int folder, fd;
	char name[64], part[72];
	bool published, done;
};

static cyre_status tar_fail(
	struct cyre_archive_out *a, struct cyre_error *reterr)
{
	errno = archive_errno(a->tar);
	return cyre_sys_fail(reterr, "archive_write", a->part);
}

/*
 * The time is the name: an undo of several archives goes from the newest to the
 * oldest. A second archive of the same nanosecond takes the next one.
 */
static cyre_status make_part(
	struct cyre_archive_out *a, struct cyre_error *reterr)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	for (;;) {
		gmtime_r(&now.tv_sec, &tm);
		n = strftime(
			a->name, sizeof(a->name), "undo-%Y%m%dT%H%M%S", &tm);
		snprintf(a->name + n, sizeof(a->name) - n, ".%09ldZ.tar.zst",
			now.tv_nsec);
		snprintf(a->part, sizeof(a->part), "%s" PART_ENDING, a->name);
		a->fd = openat(a->folder, a->part,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
		if (a->fd >= 0)
			break;
		if (errno != EEXIST)
			return cyre_sys_fail(reterr, "open", a->part);
		now.tv_nsec++;
		if (now.tv_nsec == 1000000000) {
			now.tv_nsec = 0;
			now.tv_sec++;
		}
	}
	/* For cyre_archive_sweep(): this one is alive. */
	flock(a->fd, LOCK_EX | LOCK_NB);
	return CYRE_OK;
}

static cyre_status start_tar(
	struct cyre_archive_out *a, struct cyre_error *reterr)
{
	a->tar = archive_write_new();
	if (!a->tar)
		return CYRE_ENOMEM;
	/* Names are bytes, no conversion by the locale; attributes once, in
	 * the form tar knows. */
	if (archive_write_set_format_pax(a->tar) != ARCHIVE_OK ||
		archive_write_add_filter_zstd(a->tar) != ARCHIVE_OK ||
		archive_write_set_options(a->tar,
			"hdrcharset=BINARY,xattrheader=SCHILY") != ARCHIVE_OK ||
		archive_write_set_bytes_in_last_block(a->tar, 1) !=
			ARCHIVE_OK ||
		archive_write_open_fd(a->tar, a->fd) != ARCHIVE_OK)
		return tar_fail(a, reterr);
	return CYRE_OK;
}

cyre_status cyre_archive_begin(const char *folder, struct cyre_error *reterr,
	struct cyre_archive_out **ret)
{
	struct cyre_archive_out *a = calloc(1, sizeof(*a));
	cyre_status st;

	if (!a)
		return CYRE_ENOMEM;
	a->fd = -1;
	a->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	a->piece = malloc(PIECE);
	if (a->folder < 0)
		st = cyre_sys_fail(reterr, "open", folder);
	else if (!a->piece)
		st = CYRE_ENOMEM;
	else
		st = cyre_hasher_new(&a->hasher);
	if (st == CYRE_OK)
		st = make_part(a, reterr);
	if (st == CYRE_OK)
		st = start_tar(a, reterr);
	if (st != CYRE_OK)
		cyre_archive_end(a);
	else
		*ret = a;
	return st;
}

static cyre_status add_xattr(
	void *payload, const char *key, struct cyre_slice value)
{
	archive_entry_xattr_add_entry(payload, key, value.p, value.n);
	return CYRE_OK;
}

static struct archive_entry *new_entry(const char *path, uint64_t size)
{
	struct archive_entry *e = archive_entry_new();

	if (!e)
		return NULL;
	archive_entry_set_pathname(e, path + strspn(path, "/"));
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_size(e, (la_int64_t)size);
	archive_entry_set_perm(e, 0600);
	return e;
}

static cyre_status put_piece(struct cyre_archive_out *a, struct cyre_slice s,
	struct cyre_error *reterr)
{
	if (s.n && archive_write_data(a->tar, s.p, s.n) != (la_ssize_t)s.n)
		return tar_fail(a, reterr);
	return cyre_sha256_update(a->hasher, s);
}

/* Exactly `size` bytes of fd; zeros and CYRE_EBUSY where it has fewer. */
static cyre_status put_fd(struct cyre_archive_out *a, int fd, uint64_t size,
	const char *path, struct cyre_error *reterr)
{
	uint64_t at = 0;
	bool changed = false;
	cyre_status st = CYRE_OK;

	while (st == CYRE_OK && at < size) {
		size_t want = size - at < PIECE ? (size_t)(size - at) : PIECE;
		ssize_t n = changed ? 0 : pread(fd, a->piece, want, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cyre_sys_fail(reterr, "read", path);
		if (n == 0) {
			changed = true;
			memset(a->piece, 0, want);
			n = (ssize_t)want;
		}
		st = put_piece(a, cyre_slice(a->piece, (size_t)n), reterr);
		at += (uint64_t)n;
	}
	return st == CYRE_OK && changed ? CYRE_EBUSY : st;
}

cyre_status cyre_archive_add(struct cyre_archive_out *a, const char *path,
	int fd, uint64_t size, uint8_t ret_sha[CYRE_SHA256_LEN],
	struct cyre_error *reterr)
{
	struct archive_entry *e = NULL;
	struct stat sb;
	cyre_status st, data;

	if (fstat(fd, &sb) < 0)
		return cyre_sys_fail(reterr, "fstat", path);
	e = new_entry(path, size);
	if (!e)
		return CYRE_ENOMEM;
	archive_entry_set_perm(e, sb.st_mode & 07777);
	archive_entry_set_uid(e, sb.st_uid);
	archive_entry_set_gid(e, sb.st_gid);
	archive_entry_set_mtime(e, sb.st_mtim.tv_sec, sb.st_mtim.tv_nsec);
	st = cyre_xattrs_each(fd, path, add_xattr, e, reterr);
	if (st == CYRE_OK)
		st = cyre__archive_owner_line(&a->owners, a->hasher, e);
	if (st == CYRE_OK)
		st = cyre_sha256_begin(a->hasher);
	if (st == CYRE_OK && archive_write_header(a->tar, e) != ARCHIVE_OK)
		st = tar_fail(a, reterr);
	archive_entry_free(e);
	if (st != CYRE_OK)
		return st;
	data = put_fd(a, fd, size, path, reterr);
	if (data != CYRE_OK && data != CYRE_EBUSY)
		return data;
	st = cyre_sha256_end(a->hasher, ret_sha);
	if (st != CYRE_OK)
		return st;
	cyre__archive_sum_line(&a->sums, ret_sha, path);
	return a->sums.bad ? CYRE_ENOMEM : data;
}

static cyre_status add_bytes(struct cyre_archive_out *a, const char *path,
	struct cyre_slice bytes, uint8_t ret_sha[CYRE_SHA256_LEN],
	struct cyre_error *reterr)
{
	struct archive_entry *e = new_entry(path, bytes.n);
	cyre_status st;

	if (!e)
		return CYRE_ENOMEM;
	st = cyre_sha256_begin(a->hasher);
	if (st == CYRE_OK && archive_write_header(a->tar, e) != ARCHIVE_OK)
		st = tar_fail(a, reterr);
	archive_entry_free(e);
	if (st == CYRE_OK)
		st = put_piece(a, bytes, reterr);
	return st == CYRE_OK ? cyre_sha256_end(a->hasher, ret_sha) : st;
}

static cyre_status add_summed(struct cyre_archive_out *a, const char *path,
	struct cyre_slice bytes, struct cyre_error *reterr)
{
	uint8_t sha[CYRE_SHA256_LEN];
	cyre_status st = add_bytes(a, path, bytes, sha, reterr);

	if (st == CYRE_OK)
		cyre__archive_sum_line(&a->sums, sha, path);
	return st;
}

static cyre_status publish(
	struct cyre_archive_out *a, struct cyre_error *reterr)
{
	if (archive_write_close(a->tar) != ARCHIVE_OK)
		return tar_fail(a, reterr);
	if (fsync(a->fd) < 0)
		return cyre_sys_fail(reterr, "fsync", a->part);
	if (renameat2(a->folder, a->part, a->folder, a->name,
		    RENAME_NOREPLACE) < 0 &&
		(errno != EINVAL ||
			renameat(a->folder, a->part, a->folder, a->name) < 0))
		return cyre_sys_fail(reterr, "rename", a->part);
	a->published = true;
	if (fsync(a->folder) < 0)
		return cyre_sys_fail(reterr, "fsync", a->name);
	a->done = true;
	return CYRE_OK;
}

cyre_status cyre_archive_finish(struct cyre_archive_out *a,
	struct cyre_slice changes, struct cyre_error *reterr)
{
	uint8_t sha[CYRE_SHA256_LEN];
	struct cyre_buf mark = {0};
	cyre_status st;

	st = add_summed(a, OWNERS_PATH, cyre_buf_slice(&a->owners), reterr);
	if (st == CYRE_OK)
		st = add_summed(a, CHANGES_PATH, changes, reterr);
	if (st == CYRE_OK && (a->sums.bad || a->owners.bad))
		st = CYRE_ENOMEM;
	if (st == CYRE_OK)
		st = add_bytes(
			a, SUMS_PATH, cyre_buf_slice(&a->sums), sha, reterr);
	if (st != CYRE_OK)
		return st;
	cyre_put_str(&mark, MARK_START);
	cyre__archive_sum_line(&mark, sha, SUMS_PATH);
	st = mark.bad ? CYRE_ENOMEM
		      : add_bytes(a, MARK_PATH, cyre_buf_slice(&mark), sha,
				reterr);
	cyre_buf_free(&mark);
	return st == CYRE_OK ? publish(a, reterr) : st;
}

const char *cyre_archive_name(const struct cyre_archive_out *a)
{
	return a->name;
}

void cyre_archive_settle(struct cyre_archive_out *a)
{
	fchmod(a->fd, S_IRUSR);
}

void cyre_archive_settle_path(const char *path)
{
	chmod(path, S_IRUSR);
}

bool cyre_archive_is_settled(const char *path)
{
	struct stat sb;

	return stat(path, &sb) == 0 && !(sb.st_mode & S_IWUSR);
}

void cyre_archive_discard(struct cyre_archive_out *a)
{
	if (a->fd >= 0)
		unlinkat(a->folder, a->published ? a->name : a->part, 0);
	a->done = true;
}

void cyre_archive_end(struct cyre_archive_out *a)
{
	if (!a)
		return;
	if (!a->done)
		cyre_archive_discard(a);
	archive_write_free(a->tar);
	if (a->fd >= 0)
		close(a->fd);
	if (a->folder >= 0)
		close(a->folder);
	cyre_hasher_free(a->hasher);
	cyre_buf_free(&a->sums);
	cyre_buf_free(&a->owners);
	free(a->piece);
	free(a);
}

cyre_status cyre_archive_sweep(const char *folder, struct cyre_error *reterr)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	if (!d)
		return cyre_sys_fail(reterr, "open", folder);
	while ((e = readdir(d))) {
		size_t n = strlen(e->d_name), end = strlen(PART_ENDING);
		int fd;

		if (strncmp(e->d_name, "undo-", 5) != 0 || n < end ||
			strcmp(e->d_name + n - end, PART_ENDING) != 0)
			continue;
		fd = openat(dirfd(d), e->d_name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			unlinkat(dirfd(d), e->d_name, 0);
		close(fd);
	}
	closedir(d);
	return CYRE_OK;
}
