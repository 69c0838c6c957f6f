/* lock.c - see lock.h. Linux: locks of the open file description (F_OFD_*). */
#include "lock.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

#define POLL_MS 20U

/* 3.10 and later use configdirectory/master.pid, which is looked at as well. */
const char *const cyre_pid_files[] = {"/run/cyrus-master.pid",
	"/var/run/cyrus-master.pid", "/run/cyrus/cyrus-master.pid",
	"/var/run/cyrus/cyrus-master.pid"};
const size_t cyre_n_pid_files =
	sizeof(cyre_pid_files) / sizeof(*cyre_pid_files);

static void nap(void)
{
	struct timespec t = {.tv_nsec = POLL_MS * 1000000L};

	nanosleep(&t, NULL);
}

/* Whole file, exclusive. */
static cyre_status lock_fd(
	int fd, const char *path, unsigned wait_ms, struct cyre_error *reterr)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	unsigned waited;

	for (waited = 0;; waited += POLL_MS) {
		if (fcntl(fd, F_OFD_SETLK, &fl) == 0)
			return CYRE_OK;
		if (errno != EAGAIN && errno != EACCES)
			return cyre_sys_fail(reterr, "fcntl", path);
		if (waited >= wait_ms)
			break;
		nap();
	}
	cyre_sys_fail(reterr, "fcntl", path);
	return CYRE_EBUSY;
}

static cyre_status keep(struct cyre_locks *l, int fd, cyre_status st)
{
	if (st == CYRE_OK && l->n == sizeof(l->fd) / sizeof(*l->fd))
		st = CYRE_ELIMIT;
	if (st == CYRE_OK)
		l->fd[l->n++] = fd;
	else
		close(fd);
	return st;
}

/* The directories above `path`, 0755 as the server makes them. */
static cyre_status make_parents(const char *path, struct cyre_error *reterr)
{
	char *copy = strdup(path);
	cyre_status st = CYRE_OK;
	char *p;

	if (!copy)
		return CYRE_ENOMEM;
	for (p = strchr(copy + 1, '/'); st == CYRE_OK && p;
		p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			st = cyre_sys_fail(reterr, "mkdir", copy);
		*p = '/';
	}
	free(copy);
	return st;
}

cyre_status cyre_lock_name(struct cyre_locks *l, const char *path,
	unsigned wait_ms, struct cyre_error *reterr)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	cyre_status st;
	int fd;

	fd = open(path, flags, 0666);
	if (fd < 0 && errno == ENOENT) {
		st = make_parents(path, reterr);
		if (st != CYRE_OK)
			return st;
		fd = open(path, flags, 0666);
	}
	if (fd < 0)
		return cyre_sys_fail(reterr, "open", path);
	return keep(l, fd, lock_fd(fd, path, wait_ms, reterr));
}

cyre_status cyre_lock_file(struct cyre_locks *l, int dirfd, const char *name,
	unsigned wait_ms, struct cyre_error *reterr)
{
	struct stat ours, there;
	cyre_status st;
	int fd;

	for (;;) {
		fd = openat(dirfd, name,
			O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0 && errno == ENOENT)
			return CYRE_OK;
		if (fd < 0)
			return cyre_sys_fail(reterr, "open", name);
		st = lock_fd(fd, name, wait_ms, reterr);
		if (st != CYRE_OK || fstat(fd, &ours) < 0 ||
			fstatat(dirfd, name, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
			(ours.st_ino == there.st_ino &&
				ours.st_dev == there.st_dev))
			return keep(l, fd, st);
		close(fd); /* replaced: the lock is on the old one */
	}
}

void cyre_locks_release(struct cyre_locks *l)
{
	while (l->n)
		close(l->fd[--l->n]);
}

static void show(struct cyre_server_sign *ret, pid_t pid, const char *dir,
	const char *name)
{
	ret->pid = pid;
	snprintf(ret->what, sizeof(ret->what), "%.250s%s%.250s", dir,
		*name ? "/" : "", name);
}

static bool is_locked(int dirfd, const char *name, pid_t *ret_pid)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool locked;

	if (fd < 0)
		return false;
	locked = fcntl(fd, F_OFD_GETLK, &fl) == 0 && fl.l_type != F_UNLCK;
	close(fd);
	*ret_pid = locked && fl.l_pid > 0 ? fl.l_pid : 0;
	return locked;
}

static bool is_socket_lock(int dirfd, const char *name, pid_t *ret_pid)
{
	size_t n = strlen(name);

	return n > 5 && !strcmp(name + n - 5, ".lock") &&
	       is_locked(dirfd, name, ret_pid);
}

/* proc/PID of a process that ended, or whose number was given to a process of
 * somebody else since, says nothing. */
static bool is_live_pid(int dirfd, const char *name, pid_t *ret_pid)
{
	char proc[64], *end;
	struct stat file, process;
	long pid = strtol(name, &end, 10);

	if (pid <= 0 || *end || pid != (pid_t)pid)
		return false;
	snprintf(proc, sizeof(proc), "/proc/%ld", pid);
	if (stat(proc, &process) < 0 ||
		fstatat(dirfd, name, &file, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(file.st_mode) || process.st_uid != file.st_uid)
		return false;
	*ret_pid = (pid_t)pid;
	return true;
}

static bool any_entry(const char *path,
	bool (*shows)(int dirfd, const char *name, pid_t *ret_pid),
	struct cyre_server_sign *ret)
{
	DIR *d = opendir(path);
	struct dirent *e;
	bool found = false;
	pid_t pid = 0;

	if (!d)
		return false;
	while (!found && (e = readdir(d)))
		if (e->d_name[0] != '.' && shows(dirfd(d), e->d_name, &pid)) {
			show(ret, pid, path, e->d_name);
			found = true;
		}
	closedir(d);
	return found;
}

bool cyre_server_is_running(
	const struct cyre_server_signs *signs, struct cyre_server_sign *ret)
{
	char path[4096];
	pid_t pid;
	size_t i;

	for (i = 0; i < signs->n_pid_files; i++)
		if (is_locked(AT_FDCWD, signs->pid_files[i], &pid)) {
			show(ret, pid, signs->pid_files[i], "");
			return true;
		}
	if (signs->confdir) {
		snprintf(path, sizeof(path), "%s/master.pid", signs->confdir);
		if (is_locked(AT_FDCWD, path, &pid)) {
			show(ret, pid, path, "");
			return true;
		}
		snprintf(path, sizeof(path), "%s/socket", signs->confdir);
		if (any_entry(path, is_socket_lock, ret))
			return true;
		snprintf(path, sizeof(path), "%s/proc", signs->confdir);
		if (!signs->proc_path && any_entry(path, is_live_pid, ret))
			return true;
	}
	return signs->proc_path &&
	       any_entry(signs->proc_path, is_live_pid, ret);
}
