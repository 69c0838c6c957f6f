/*
 * berkeley_replay.c - see cyrescue/berkeley.h
 *
 * The copies are memfds. A child process lets the library work on them, leaves
 * the result in one more of them and ends; if it ends in another way, or not in
 * time, that is the answer.
 */
#include <cyrescue/berkeley.h>

#include <cap-ng.h>
#include <db.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cyrescue/confine.h>

#include "berkeley_files.h"
#include "bytes.h"
#include "read_file.h"

#define LOG_MAGIC   0x00040988u
#define LOG_HEADER  24
#define MAX_PARENTS 16
#define CACHE_BYTES (16u << 20)

/* How the child ends. Any other exit status is not ours. */
enum outcome { DONE, NOTHING = 64, NO_MEMORY, TOO_LARGE, GAVE_UP };

struct job {
	struct cyre_bfiles files;
	int out; /* memfd: the result */
	bool from_start;
	bool mentioned; /* some log has the name of the database */
	struct cyre_berkeley_limits limits;
};

static cyre_status refused(
	struct cyre_error *err, const char *call, const char *path)
{
	if (err) {
		*err = (struct cyre_error){.errnum = errno, .call = call};
		snprintf(err->path, sizeof(err->path), "%s", path);
	}
	return errno == ENOMEM ? CYRE_ENOMEM : CYRE_EIO;
}

/* ---- in the child ---- */

static enum outcome outcome_of(int error)
{
	switch (error) {
	case 0:
		return DONE;
	case ENOMEM:
		return NO_MEMORY;
	case ENOSPC:
	case EFBIG:
		return TOO_LARGE;
	default:
		return GAVE_UP;
	}
}

static enum outcome recover(struct job *j)
{
	const u_int32_t flags = DB_CREATE | DB_PRIVATE | DB_INIT_MPOOL |
				DB_INIT_LOG | DB_INIT_TXN;
	DB_ENV *env;
	int error;

	error = db_env_create(&env, 0);
	if (error)
		return outcome_of(error);
	env->set_errfile(env, NULL);
	env->set_cachesize(env, 0, CACHE_BYTES, 1);
	error = env->open(env, CYRE_BFILES_HOME,
		flags | (j->from_start ? DB_RECOVER_FATAL : DB_RECOVER), 0600);
	if (!error)
		error = env->close(env, 0);
	return outcome_of(error);
}

static enum outcome copy_out(int from, int to)
{
	char block[65536];
	ssize_t n;

	lseek(from, 0, SEEK_SET);
	while ((n = read(from, block, sizeof(block))) > 0)
		if (write(to, block, (size_t)n) != n)
			return TOO_LARGE;
	return n < 0 ? GAVE_UP : DONE;
}

static enum outcome apply(struct job *j)
{
	enum outcome o = recover(j);
	int fd = cyre_bfiles_find(&j->files, CYRE_BFILES_WANTED);

	if (o != DONE)
		return o;
	return fd < 0 ? NOTHING : copy_out(fd, j->out);
}

/*
 * No handler of the caller's runs here. Who stops the run stops this, too; it
 * does not outlive the caller. All others stay blocked, as they are when it
 * begins: a fault ends it all the same, and a write behind the limit fails.
 */
static void own_signals(void)
{
	static const int ends[] = {SIGALRM, SIGINT, SIGTERM};
	sigset_t blocked;
	size_t i;

	sigfillset(&blocked);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (signal(ends[i], SIG_DFL) == SIG_IGN && ends[i] != SIGALRM)
			signal(ends[i], SIG_IGN);
		sigdelset(&blocked, ends[i]);
	}
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* The job's first descriptor above `fd`; -1: there is none. */
static int next_own(const struct job *j, int fd)
{
	int next = j->out > fd ? j->out : -1;
	size_t i;

	for (i = 0; i < j->files.n; i++)
		if (j->files.f[i].fd > fd &&
			(next < 0 || j->files.f[i].fd < next))
			next = j->files.f[i].fd;
	return next;
}

/* Reports, journals and archives of the caller are open for writing. */
static void close_others(const struct job *j)
{
	int fd = STDERR_FILENO, next;

	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	for (; (next = next_own(j, fd)) >= 0; fd = next)
		if (next > fd + 1)
			close_range((unsigned)fd + 1, (unsigned)next - 1, 0);
	close_range((unsigned)fd + 1, ~0U, 0);
}

/* A library of a crashed server's data: nothing it does may reach us. */
static void child(struct job *j)
{
	const struct rlimit size = {j->limits.bytes, j->limits.bytes};
	const struct rlimit none = {0, 0};

	alarm(j->limits.seconds ? j->limits.seconds : 60);
	own_signals();
	close_others(j);
	setrlimit(RLIMIT_FSIZE, &size);
	setrlimit(RLIMIT_CORE, &none);
	cyre_confine_readonly(NULL);
	capng_clear(CAPNG_SELECT_BOTH);
	capng_apply(CAPNG_SELECT_CAPS);
	j->files.left = j->limits.bytes;
	_exit(cyre_bfiles_install(&j->files) ? apply(j) : GAVE_UP);
}

/* ---- in the parent ---- */

static cyre_status ended(int status, struct cyre_error *err)
{
	errno = 0;
	if (WIFSIGNALED(status)) {
		switch (WTERMSIG(status)) {
		case SIGALRM:
			return CYRE_ELIMIT;
		case SIGINT:
		case SIGTERM:
			return CYRE_ECANCELED;
		}
		return refused(err, "Berkeley DB (crashed)", "");
	}
	switch ((enum outcome)WEXITSTATUS(status)) {
	case DONE:
		return CYRE_OK;
	case NOTHING:
		return CYRE_EFORMAT;
	case NO_MEMORY:
		return CYRE_ENOMEM;
	case TOO_LARGE:
		return CYRE_ELIMIT;
	case GAVE_UP:
		break;
	}
	return refused(err, "Berkeley DB", "");
}

static cyre_status run(
	struct job *j, struct cyre_slice *ret, struct cyre_error *err)
{
	struct cyre_buf b = {.limit = (size_t)j->limits.bytes};
	sigset_t all, before;
	cyre_status st;
	int status;
	pid_t pid;

	j->out = memfd_create("cyrescue", MFD_CLOEXEC);
	if (j->out < 0)
		return refused(err, "memfd_create", "");
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pid = fork();
	if (pid == 0)
		child(j);
	st = pid < 0 ? refused(err, "fork", "") : CYRE_OK;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (st != CYRE_OK)
		goto out;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) {
			st = refused(err, "waitpid", "");
			goto out;
		}
	st = ended(status, err);
	if (st == CYRE_OK)
		st = cyre_read_fd(j->out, 0, &b);
	if (st == CYRE_OK)
		*ret = cyre_buf_slice(&b);
	else
		cyre_buf_free(&b);
out:
	close(j->out);
	return st;
}

/* A copy of these bytes; `left` grows smaller by as much. */
static cyre_status put(struct job *j, const char *name, const uint8_t *p,
	size_t n, uint64_t *left, struct cyre_error *err)
{
	int fd = cyre_bfiles_create(&j->files, name);
	ssize_t done;

	if (fd < 0)
		return errno == EMFILE ? CYRE_ELIMIT
				       : refused(err, "memfd_create", name);
	if (n > *left)
		return CYRE_ELIMIT;
	*left -= n;
	for (; n; p += done, n -= (size_t)done) {
		done = write(fd, p, n);
		if (done < 0)
			return refused(err, "write", name);
	}
	return CYRE_OK;
}

/* Version and byte order of a log file; 0: it is none. */
static uint32_t log_version(struct cyre_slice s)
{
	uint32_t magic, version;

	if (s.n < LOG_HEADER)
		return 0;
	magic = cyre_load_be32(s.p + 12);
	version = cyre_load_be32(s.p + 16);
	if (magic == __builtin_bswap32(LOG_MAGIC))
		return __builtin_bswap32(version);
	return magic == LOG_MAGIC ? version : 0;
}

/* Logs name each database that was open, with its NUL; most were not. */
static bool mentions(struct cyre_slice log, const char *name)
{
	return log.n && memmem(log.p, log.n, name, strlen(name) + 1);
}

static cyre_status read_log(
	int dir, const char *name, struct cyre_buf *ret, struct cyre_error *err)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	int fd = openat(dir, name, flags);
	cyre_status st;

	if (fd < 0)
		return refused(err, "open", name);
	st = cyre_read_fd(fd, 0, ret);
	if (st == CYRE_EIO)
		st = refused(err, "read", name);
	close(fd);
	return st;
}

static cyre_status take_log(struct job *j, int dir, const char *name,
	uint64_t *left, uint32_t *version, struct cyre_error *err)
{
	struct cyre_buf b = {.limit = (size_t)*left};
	cyre_status st = read_log(dir, name, &b, err);
	char full[64];

	snprintf(full, sizeof(full), "%s/%.14s", CYRE_BFILES_HOME, name);
	if (st == CYRE_OK)
		st = put(j, full, b.p, b.n, left, err);
	if (st == CYRE_OK && log_version(cyre_buf_slice(&b)))
		*version = log_version(cyre_buf_slice(&b));
	j->mentioned =
		j->mentioned || mentions(cyre_buf_slice(&b), j->files.wanted);
	cyre_buf_free(&b);
	return st;
}

static cyre_status take_logs(struct job *j, const char *env, uint64_t *left,
	uint32_t *version, struct cyre_error *err)
{
	DIR *d = opendir(env);
	cyre_status st = CYRE_OK;
	struct dirent *e;

	if (!d)
		return refused(err, "opendir", env);
	while (st == CYRE_OK && (e = readdir(d)))
		if (cyre_bfiles_is_log(e->d_name))
			st = take_log(
				j, dirfd(d), e->d_name, left, version, err);
	closedir(d);
	return st;
}

cyre_status cyre_berkeley_replay(const struct cyre_berkeley_replay *r,
	struct cyre_slice *ret, uint32_t *ret_version,
	struct cyre_error *reterr)
{
	struct job j = {.files.wanted = r->env.name,
		.from_start = r->from_start,
		.limits = r->limits};
	uint64_t left = r->limits.bytes;
	cyre_status st;

	*ret_version = 0;
	st = take_logs(&j, r->env.dir, &left, ret_version, reterr);
	if (st == CYRE_OK && !j.mentioned)
		st = CYRE_EFORMAT;
	if (st == CYRE_OK && r->file.n)
		st = put(&j, CYRE_BFILES_WANTED, r->file.p, r->file.n, &left,
			reterr);
	if (st == CYRE_OK)
		st = run(&j, ret, reterr);
	/* Some older logs it can read. */
	if (st == CYRE_EIO && *ret_version && *ret_version != DB_LOGVERSION)
		st = CYRE_EUNSUPPORTED;
	cyre_bfiles_free(&j.files);
	return st;
}

bool cyre_berkeley_env_knows(
	const struct cyre_berkeley_env *env, uint64_t limit)
{
	struct cyre_buf b = {.limit = (size_t)limit};
	DIR *d = opendir(env->dir);
	bool knows = !d;
	struct dirent *e;

	while (!knows && (e = readdir(d)))
		if (cyre_bfiles_is_log(e->d_name))
			knows = read_log(dirfd(d), e->d_name, &b, NULL) !=
					CYRE_OK ||
				mentions(cyre_buf_slice(&b), env->name);
	if (d)
		closedir(d);
	cyre_buf_free(&b);
	return knows;
}

static bool has_logs(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool found = false;

	if (!d)
		return false;
	while (!found && (e = readdir(d)))
		found = cyre_bfiles_is_log(e->d_name);
	closedir(d);
	return found;
}

/* The directory of `path` without links and dots; its name in it. */
static char *real_dir(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char *dir, *real;

	*ret_name = slash ? slash + 1 : path;
	dir = strndup(path, (size_t)(*ret_name - path));
	real = dir ? realpath(*dir ? dir : ".", NULL) : NULL;
	free(dir);
	return real;
}

void cyre_berkeley_env_free(struct cyre_berkeley_env *env)
{
	free(env->dir);
	free(env->name);
	*env = (struct cyre_berkeley_env){NULL, NULL};
}

/* `dir`/db and the name below `dir`, which is the first n bytes of `full`. */
static bool set_env(const char *full, size_t n, const char *base,
	struct cyre_berkeley_env *ret)
{
	const char *below = full[n] ? full + n + 1 : "";

	return asprintf(&ret->dir, "%.*s/db", (int)n, full) >= 0 &&
	       asprintf(&ret->name, "%s%s%s", below, *below ? "/" : "", base) >=
		       0;
}

static bool same_dir(const char *a, const char *b)
{
	struct stat sa, sb;

	return stat(a, &sa) == 0 && stat(b, &sb) == 0 &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

cyre_status cyre_berkeley_env_find(
	const char *path, const char *given, struct cyre_berkeley_env *ret)
{
	struct cyre_berkeley_env env = {NULL, NULL};
	const char *base;
	char *dir = real_dir(path, &base);
	size_t n = dir ? strlen(dir) : 0;
	bool found = false, ok = true;
	int i;

	for (i = 0; dir && i < MAX_PARENTS && !found; i++) {
		cyre_berkeley_env_free(&env);
		ok = set_env(dir, n, base, &env);
		if (!ok)
			break;
		found = given ? same_dir(env.dir, given) : has_logs(env.dir);
		if (!n)
			break;
		n = (size_t)((char *)memrchr(dir, '/', n) - dir);
	}
	if (!found || !ok)
		cyre_berkeley_env_free(&env);
	/* Logs that were carried elsewhere. */
	if (!found && ok && given) {
		env.dir = strdup(given);
		env.name = strdup(base);
		ok = env.dir && env.name;
	}
	free(dir);
	*ret = env;
	return ok ? CYRE_OK : CYRE_ENOMEM;
}
