/*
 * replace.c - see replace.h. Linux: renameat2(2), extended attributes,
 * flock(2) on a directory.
 */
#include "replace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fail.h"

#define OLD_PREFIX ".cyrescue-old." /* lives inside cyre_swap() only */

static bool prefixed(
	const char *prefix, const char *name, char ret[CYRE_NAME_SIZE])
{
	int n = snprintf(ret, CYRE_NAME_SIZE, "%s%s", prefix, name);

	return n > 0 && n < CYRE_NAME_SIZE;
}

bool cyre_tmp_name(const char *name, char ret[CYRE_NAME_SIZE])
{
	return prefixed(CYRE_TMP_PREFIX, name, ret);
}

static cyre_status tmp_or_fail(
	const char *name, char ret[CYRE_NAME_SIZE], struct cyre_error *reterr)
{
	if (cyre_tmp_name(name, ret))
		return CYRE_OK;
	errno = ENAMETOOLONG;
	return cyre_sys_fail(reterr, "open", name);
}

cyre_status cyre_dir_claim(int dirfd, struct cyre_error *reterr)
{
	if (flock(dirfd, LOCK_EX | LOCK_NB) == 0)
		return CYRE_OK;
	if (errno != EWOULDBLOCK)
		return CYRE_OK; /* a file system without such locks */
	cyre_sys_fail(reterr, "flock", "");
	return CYRE_EBUSY;
}

cyre_status cyre_tmp_create(
	int dirfd, const char *name, int *ret_fd, struct cyre_error *reterr)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	char tmp[CYRE_NAME_SIZE];
	cyre_status st;
	int fd;

	st = tmp_or_fail(name, tmp, reterr);
	if (st != CYRE_OK)
		return st;
	fd = openat(dirfd, tmp, flags, 0600);
	if (fd < 0 && errno == EEXIST) {
		st = cyre_tmp_remove(dirfd, name, reterr);
		if (st != CYRE_OK)
			return st;
		fd = openat(dirfd, tmp, flags, 0600);
	}
	if (fd < 0)
		return cyre_sys_fail(reterr, "open", tmp);
	*ret_fd = fd;
	return CYRE_OK;
}

cyre_status cyre_tmp_mkdir(int dirfd, const char *name,
	const struct cyre_owner *owner, struct cyre_error *reterr)
{
	char tmp[CYRE_NAME_SIZE];
	cyre_status st = tmp_or_fail(name, tmp, reterr);
	int fd;

	if (st != CYRE_OK)
		return st;
	if (mkdirat(dirfd, tmp, 0700) < 0 && errno != EEXIST)
		return cyre_sys_fail(reterr, "mkdir", tmp);
	fd = openat(
		dirfd, tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		st = cyre_sys_fail(reterr, "open", tmp);
	else
		st = cyre_give(fd, owner, tmp, reterr);
	if (fd >= 0)
		close(fd);
	if (st == CYRE_OK)
		st = cyre_move(dirfd, tmp, dirfd, name, reterr);
	if (st != CYRE_OK)
		unlinkat(dirfd, tmp, AT_REMOVEDIR);
	return st;
}

cyre_status cyre_tmp_remove(
	int dirfd, const char *name, struct cyre_error *reterr)
{
	static const char *const prefixes[] = {CYRE_TMP_PREFIX, OLD_PREFIX};
	char tmp[CYRE_NAME_SIZE];
	size_t i;

	for (i = 0; i < 2; i++) {
		if (!prefixed(prefixes[i], name, tmp))
			continue;
		if (unlinkat(dirfd, tmp, 0) < 0 && errno != ENOENT)
			return cyre_sys_fail(reterr, "unlink", tmp);
	}
	return CYRE_OK;
}

cyre_status cyre_write_all(int fd, struct cyre_slice s, const char *name,
	struct cyre_error *reterr)
{
	size_t at = 0;

	while (at < s.n) {
		ssize_t n = write(fd, s.p + at, s.n - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cyre_sys_fail(reterr, "write", name);
		at += (size_t)n;
	}
	return CYRE_OK;
}

cyre_status cyre_give(int fd, const struct cyre_owner *owner, const char *name,
	struct cyre_error *reterr)
{
	struct stat sb;
	bool chowned = false;

	if (fstat(fd, &sb) < 0)
		return cyre_sys_fail(reterr, "fstat", name);
	if (sb.st_uid != owner->uid || sb.st_gid != owner->gid) {
		if (fchown(fd, owner->uid, owner->gid) < 0)
			return cyre_sys_fail(reterr, "fchown", name);
		chowned = true; /* it clears the set-id bits */
	}
	if (chowned || (sb.st_mode & 07777) != owner->mode)
		if (fchmod(fd, owner->mode & 07777) < 0)
			return cyre_sys_fail(reterr, "fchmod", name);
	return CYRE_OK;
}

/* What the list, or one value, needs can grow between two calls. */
static ssize_t read_xattr(int fd, const char *key, uint8_t **buf, size_t *cap)
{
	for (;;) {
		ssize_t n = key ? fgetxattr(fd, key, *buf, *cap)
				: flistxattr(fd, (char *)*buf, *cap);
		uint8_t *p;

		if (n >= 0 && *cap)
			return n;
		if (n < 0 && errno != ERANGE)
			return -1;
		if (*cap >= (size_t)1 << 20) {
			errno = E2BIG;
			return -1;
		}
		*cap = *cap ? *cap * 4 : 4096;
		p = realloc(*buf, *cap);
		if (!p)
			return -1;
		*buf = p;
	}
}

cyre_status cyre_xattrs_each(int fd, const char *name,
	cyre_status (*each)(
		void *payload, const char *key, struct cyre_slice value),
	void *payload, struct cyre_error *reterr)
{
	uint8_t *keys = NULL, *value = NULL;
	size_t keys_cap = 0, value_cap = 0;
	cyre_status st = CYRE_OK;
	ssize_t n, at, len;

	n = read_xattr(fd, NULL, &keys, &keys_cap);
	if (n < 0 && errno == ENOTSUP)
		n = 0;
	if (n < 0)
		st = cyre_sys_fail(reterr, "flistxattr", name);
	for (at = 0; st == CYRE_OK && at < n;) {
		const char *key = (const char *)keys + at;

		at += (ssize_t)strnlen(key, (size_t)(n - at)) + 1;
		len = read_xattr(fd, key, &value, &value_cap);
		if (len < 0 && (errno == ENODATA || errno == ENOTSUP ||
				       errno == EPERM))
			continue; /* gone since, or not for us to see */
		if (len < 0)
			st = cyre_sys_fail(reterr, "fgetxattr", name);
		else
			st = each(payload, key, cyre_slice(value, (size_t)len));
	}
	free(keys);
	free(value);
	return st;
}

cyre_status cyre_xattr_set(int fd, const char *key, struct cyre_slice value,
	const char *name, struct cyre_error *reterr)
{
	bool kept =
		!strncmp(key, "security.", 9) || !strncmp(key, "trusted.", 8);

	if (fsetxattr(fd, key, value.p, value.n, 0) == 0)
		return CYRE_OK;
	if (kept && (errno == EPERM || errno == EACCES || errno == ENOTSUP))
		return CYRE_OK;
	return cyre_sys_fail(reterr, "fsetxattr", name);
}

struct copy {
	int fd;
	const char *name;
	struct cyre_error *reterr;
};

static cyre_status copy_one(
	void *payload, const char *key, struct cyre_slice value)
{
	const struct copy *c = payload;

	return cyre_xattr_set(c->fd, key, value, c->name, c->reterr);
}

cyre_status cyre_xattrs_copy(
	int from, int to, const char *name, struct cyre_error *reterr)
{
	struct copy c = {.fd = to, .name = name, .reterr = reterr};

	return cyre_xattrs_each(from, name, copy_one, &c, reterr);
}

static bool not_supported(void)
{
	return errno == EINVAL || errno == ENOSYS || errno == ENOTSUP;
}

/* name -> old (a second name), tmp -> name, old -> tmp. */
static cyre_status swap_by_link(
	int dirfd, const char *name, const char *tmp, struct cyre_error *reterr)
{
	char old[CYRE_NAME_SIZE];
	cyre_status st;

	if (!prefixed(OLD_PREFIX, name, old)) {
		errno = ENAMETOOLONG;
		return cyre_sys_fail(reterr, "link", name);
	}
	if (linkat(dirfd, name, dirfd, old, 0) < 0)
		return cyre_sys_fail(reterr, "link", name);
	if (renameat(dirfd, tmp, dirfd, name) < 0) {
		st = cyre_sys_fail(reterr, "rename", name);
		unlinkat(dirfd, old, 0);
		return st;
	}
	if (renameat(dirfd, old, dirfd, tmp) < 0) {
		st = cyre_sys_fail(reterr, "rename", old);
		renameat(dirfd, old, dirfd, name);
		return st;
	}
	return CYRE_OK;
}

cyre_status cyre_swap(int dirfd, const char *name, struct cyre_error *reterr)
{
	char tmp[CYRE_NAME_SIZE];
	cyre_status st = tmp_or_fail(name, tmp, reterr);

	if (st != CYRE_OK)
		return st;
	if (renameat2(dirfd, tmp, dirfd, name, RENAME_EXCHANGE) == 0)
		return CYRE_OK;
	if (!not_supported())
		return cyre_sys_fail(reterr, "rename", name);
	return swap_by_link(dirfd, name, tmp, reterr);
}

cyre_status cyre_move(int fromfd, const char *from, int tofd, const char *to,
	struct cyre_error *reterr)
{
	if (renameat2(fromfd, from, tofd, to, RENAME_NOREPLACE) == 0)
		return CYRE_OK;
	if (!not_supported())
		return cyre_sys_fail(reterr, "rename", from);
	/* Only we work in this directory: nobody makes `to` in between. */
	if (faccessat(tofd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		errno = EEXIST;
	else if (renameat(fromfd, from, tofd, to) == 0)
		return CYRE_OK;
	return cyre_sys_fail(reterr, "rename", from);
}
