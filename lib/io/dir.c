/* dir.c - see dir.h. Linux: openat2(2), RESOLVE_BENEATH, O_NOATIME. */
#include "dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nstime.h"

#define FILE_FLAGS (O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define DIR_FLAGS  (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static cyre_status fail(
	struct cyre_error *reterr, const char *call, const char *path)
{
	if (reterr) {
		*reterr = (struct cyre_error){.errnum = errno, .call = call};
		snprintf(reterr->path, sizeof(reterr->path), "%s", path);
	}
	return CYRE_EIO;
}

const char *cyre_kind_name(enum cyre_kind kind)
{
	static const char *const names[] = {"thing of unknown kind",
		"regular file", "directory", "symbolic link", "fifo", "socket",
		"device"};

	return names[kind];
}

static enum cyre_kind kind_of_mode(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return CYRE_KIND_FILE;
	case S_IFDIR:
		return CYRE_KIND_DIRECTORY;
	case S_IFLNK:
		return CYRE_KIND_SYMLINK;
	case S_IFIFO:
		return CYRE_KIND_FIFO;
	case S_IFSOCK:
		return CYRE_KIND_SOCKET;
	case S_IFCHR:
	case S_IFBLK:
		return CYRE_KIND_DEVICE;
	default:
		return CYRE_KIND_UNKNOWN;
	}
}

static enum cyre_kind kind_of_entry(int dirfd, const struct dirent *e)
{
	struct stat sb;

	switch (e->d_type) {
	case DT_REG:
		return CYRE_KIND_FILE;
	case DT_DIR:
		return CYRE_KIND_DIRECTORY;
	case DT_LNK:
		return CYRE_KIND_SYMLINK;
	case DT_FIFO:
		return CYRE_KIND_FIFO;
	case DT_SOCK:
		return CYRE_KIND_SOCKET;
	case DT_CHR:
	case DT_BLK:
		return CYRE_KIND_DEVICE;
	default:
		break;
	}
	if (fstatat(dirfd, e->d_name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return CYRE_KIND_UNKNOWN;
	return kind_of_mode(sb.st_mode);
}

static int open2(int dirfd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags, .resolve = resolve};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

/* Without openat2: one component after the other, none of them a link. */
static int open_stepwise(int dirfd, const char *path, int flags)
{
	int at = dirfd, next = -1, saved;
	char name[NAME_MAX + 1];
	const char *p = path;

	for (;;) {
		size_t n = strcspn(p, "/");
		bool last = p[n] == '\0';

		if (n == 0 || n > NAME_MAX || (n == 2 && !memcmp(p, "..", 2))) {
			errno = n > NAME_MAX ? ENAMETOOLONG : EXDEV;
			next = -1;
		} else {
			memcpy(name, p, n);
			name[n] = '\0';
			next = openat(at, name,
				last ? flags | O_NOFOLLOW
				     : O_PATH | O_NOFOLLOW | O_DIRECTORY |
						O_CLOEXEC);
		}
		saved = errno;
		if (at != dirfd)
			close(at);
		errno = saved;
		if (next < 0 || last)
			return next;
		at = next;
		p += n + 1;
	}
}

static int open_once(
	struct cyre_opener *o, int dirfd, const char *path, int flags)
{
	int fd;

	if (!o->no_openat2) {
		fd = open2(dirfd, path, flags,
			RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
				RESOLVE_NO_MAGICLINKS);
		if (fd >= 0 || errno != ENOSYS)
			return fd;
		o->no_openat2 = true;
	}
	return open_stepwise(dirfd, path, flags);
}

/* O_NOATIME is for owners; who may only read asks again without. */
static int open_beneath(
	struct cyre_opener *o, int dirfd, const char *path, int flags)
{
	int fd = open_once(o, dirfd, path, flags | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = open_once(o, dirfd, path, flags);
	return fd;
}

cyre_status cyre_root_open(const char *root, const char *path, int *ret_fd,
	struct cyre_error *reterr)
{
	int rootfd, fd, saved;

	if (!root || !*root) {
		fd = open(path, DIR_FLAGS);
		if (fd < 0)
			return fail(reterr, "open", path);
		*ret_fd = fd;
		return CYRE_OK;
	}
	rootfd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rootfd < 0)
		return fail(reterr, "open", root);
	fd = open2(rootfd, path, DIR_FLAGS, RESOLVE_IN_ROOT);
	if (fd < 0 && errno == ENOSYS)
		fd = openat(rootfd, path + strspn(path, "/"), DIR_FLAGS);
	saved = errno;
	close(rootfd);
	errno = saved;
	if (fd < 0)
		return fail(reterr, "openat2", path);
	*ret_fd = fd;
	return CYRE_OK;
}

cyre_status cyre_dir_open(struct cyre_opener *o, int dirfd, const char *path,
	int *ret_fd, struct cyre_error *reterr)
{
	int fd = open_beneath(o, dirfd, *path ? path : ".", DIR_FLAGS);

	if (fd < 0)
		return fail(reterr, "open", path);
	*ret_fd = fd;
	return CYRE_OK;
}

static struct cyre_file_info info_of(const struct stat *sb, int fd)
{
	return (struct cyre_file_info){
		.fd = fd,
		.kind = kind_of_mode(sb->st_mode),
		.mode = sb->st_mode & 07777,
		.uid = sb->st_uid,
		.gid = sb->st_gid,
		.size = sb->st_size < 0 ? 0 : (uint64_t)sb->st_size,
		.mtime_ns = cyre_ns_of(sb->st_mtim.tv_sec, sb->st_mtim.tv_nsec),
		.dev = sb->st_dev,
		.ino = sb->st_ino,
		.nlink = sb->st_nlink,
	};
}

/* fstatat() would follow links on the way to a name. */
cyre_status cyre_file_stat(struct cyre_opener *o, int dirfd, const char *path,
	struct cyre_file_info *ret, struct cyre_error *reterr)
{
	struct stat sb;
	int fd, failed;

	if (!strchr(path, '/')) {
		failed = fstatat(dirfd, path, &sb, AT_SYMLINK_NOFOLLOW);
	} else {
		fd = open_once(o, dirfd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return fail(reterr, "open", path);
		failed = fstat(fd, &sb);
		close(fd);
	}
	if (failed)
		return fail(reterr, "stat", path);
	*ret = info_of(&sb, -1);
	return CYRE_OK;
}

cyre_status cyre_file_open(struct cyre_opener *o, int dirfd, const char *path,
	enum cyre_kind kind, struct cyre_file_info *ret,
	struct cyre_error *reterr)
{
	struct cyre_file_info info;
	struct stat sb;
	cyre_status st;
	int fd;

	/* Opening a device can do something (rewind a tape): ask before. */
	if (kind != CYRE_KIND_FILE) {
		st = cyre_file_stat(o, dirfd, path, &info, reterr);
		if (st != CYRE_OK)
			return st;
		if (info.kind != CYRE_KIND_FILE) {
			*ret = info;
			return CYRE_OK;
		}
	}
	fd = open_beneath(o, dirfd, path, FILE_FLAGS);
	if (fd < 0) {
		/* It became a link, or was one all the time. */
		if (errno == ELOOP && kind == CYRE_KIND_FILE)
			return cyre_file_stat(o, dirfd, path, ret, reterr);
		return fail(reterr, "open", path);
	}
	if (fstat(fd, &sb) < 0) {
		st = fail(reterr, "fstat", path);
		close(fd);
		return st;
	}
	*ret = info_of(&sb, fd);
	if (ret->kind != CYRE_KIND_FILE) {
		close(fd);
		ret->fd = -1;
	}
	return CYRE_OK;
}

cyre_status cyre_file_reopen(struct cyre_opener *o, int dirfd, const char *path,
	int *ret_fd, struct cyre_error *reterr)
{
	int fd = open_beneath(o, dirfd, path, FILE_FLAGS);

	if (fd < 0)
		return fail(reterr, "open", path);
	*ret_fd = fd;
	return CYRE_OK;
}

cyre_status cyre_dir_list(int dirfd,
	cyre_status (*each)(
		void *payload, const char *name, enum cyre_kind kind),
	void *payload, struct cyre_error *reterr)
{
	cyre_status st = CYRE_OK;
	DIR *dir = fdopendir(dirfd);
	struct dirent *e;

	if (!dir) {
		st = fail(reterr, "fdopendir", "");
		close(dirfd);
		return st;
	}
	while (st == CYRE_OK) {
		errno = 0;
		e = readdir(dir);
		if (!e) {
			if (errno)
				st = fail(reterr, "readdir", "");
			break;
		}
		if (e->d_name[0] == '.' &&
			(!e->d_name[1] ||
				(e->d_name[1] == '.' && !e->d_name[2])))
			continue;
		st = each(payload, e->d_name, kind_of_entry(dirfd, e));
	}
	closedir(dir);
	return st;
}

char *cyre_path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir), k = strlen(name);
	char *path = malloc(n + k + 2);

	if (!path)
		return NULL;
	memcpy(path, dir, n);
	if (n)
		path[n++] = '/';
	memcpy(path + n, name, k + 1);
	return path;
}
