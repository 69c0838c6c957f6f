/*
 * step_make.c - makes the changes of one mailbox and takes them back; see step.h
 *
 * Every way a change is made keeps the old file under the temporary name (swap,
 * or a move aside) until cyre_job_finish(), so that taking it back is a rename
 * and needs no space on the disk. Which order is right, and when to sync, is
 * apply.c's.
 */
#include "step.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "changes.h"
#include "fail.h"
#include "identity.h"

static cyre_status note_made(struct cyre_job *job, const char *root,
	const char *dir, size_t n, const char *name, int parent)
{
	struct cyre_made m = {.root = root, .parent = -1};
	void *p = realloc(job->made, (job->n_made + 1) * sizeof(m));

	if (!p)
		return CYRE_ENOMEM;
	job->made = p;
	m.dir = strndup(dir, n);
	m.name = strdup(name);
	m.parent = fcntl(parent, F_DUPFD_CLOEXEC, 0);
	job->made[job->n_made++] = m;
	return m.dir && m.name && m.parent >= 0 ? CYRE_OK : CYRE_ENOMEM;
}

/* One component, with the owner and mode of the directory it is made in. */
static cyre_status make_component(struct cyre_job *job,
	const struct cyre_job_dir *d, size_t end, int parent, const char *name,
	int *ret_fd, struct cyre_error *e)
{
	struct cyre_owner owner;
	struct stat sb;
	cyre_status st;

	if (fstat(parent, &sb) < 0)
		return cyre_sys_fail(e, "fstat", name);
	owner = (struct cyre_owner){
		.uid = sb.st_uid, .gid = sb.st_gid, .mode = sb.st_mode & 07777};
	st = cyre_tmp_mkdir(parent, name, &owner, e);
	/* The mailbox beside it was faster: it is there, and not ours. */
	if (st != CYRE_OK && (e->errnum == ENOENT || e->errnum == EEXIST))
		return cyre_dir_open(job->o, parent, name, ret_fd, e);
	if (st == CYRE_OK)
		st = note_made(job, d->root, d->dir, end, name, parent);
	if (st == CYRE_OK)
		st = cyre_dir_open(job->o, parent, name, ret_fd, e);
	if (st == CYRE_OK && fsync(parent) < 0)
		st = cyre_sys_fail(e, "fsync", name);
	return st;
}

static cyre_status make_dir(
	struct cyre_job *job, struct cyre_job_dir *d, struct cyre_error *e)
{
	char name[CYRE_NAME_SIZE];
	size_t at = 0;
	cyre_status st;
	int fd, next = -1;

	st = cyre_root_open(NULL, d->root, &fd, e);
	if (st != CYRE_OK)
		return st;
	while (st == CYRE_OK && d->dir[at]) {
		size_t n = strcspn(d->dir + at, "/");

		if (n >= sizeof(name)) {
			errno = ENAMETOOLONG;
			st = cyre_sys_fail(e, "mkdir", d->dir);
			break;
		}
		memcpy(name, d->dir + at, n);
		name[n] = '\0';
		at += n;
		next = -1;
		st = cyre_dir_open(job->o, fd, name, &next, e);
		if (st != CYRE_OK && e->errnum == ENOENT)
			st = make_component(job, d, at, fd, name, &next, e);
		close(fd);
		fd = next;
		at += strspn(d->dir + at, "/");
	}
	if (st != CYRE_OK) {
		if (fd >= 0)
			close(fd);
		return st;
	}
	close(fd);
	return cyre_job_open_dir(d, job->o, e);
}

static cyre_status write_tmp(
	struct cyre_step *s, bool close_early, struct cyre_error *e)
{
	const struct cyre_change *c = s->c;
	cyre_status st;
	size_t i;

	st = cyre_tmp_create(s->at->fd, c->name, &s->tmp, e);
	if (st != CYRE_OK)
		return st;
	s->has_tmp = true;
	for (i = 0; st == CYRE_OK && i < c->n_pieces; i++)
		st = cyre_write_all(s->tmp, c->pieces[i], c->name, e);
	if (st == CYRE_OK && s->was.fd >= 0)
		st = cyre_xattrs_copy(s->was.fd, s->tmp, c->name, e);
	if (st == CYRE_OK)
		st = cyre_give(s->tmp, &c->owner, c->name, e);
	if (close_early) {
		if (close(s->tmp) < 0 && st == CYRE_OK)
			st = cyre_sys_fail(e, "close", c->name);
		s->tmp = -1;
	}
	return st;
}

cyre_status cyre_job_prepare(struct cyre_job *job, bool close_early)
{
	size_t i;

	for (i = 0; i < job->n_steps; i++) {
		struct cyre_step *s = &job->steps[i];
		struct cyre_job_dir *target = s->to ? s->to : s->at;
		struct cyre_error e = {0};
		cyre_status st = CYRE_OK;

		if (!s->todo)
			continue;
		if (target->fd < 0)
			st = make_dir(job, target, &e);
		if (st == CYRE_OK && s->c->kind == CYRE_CHANGE_WRITE)
			st = write_tmp(s, close_early, &e);
		if (st != CYRE_OK)
			return cyre_job_fail(job, s, st, &e);
	}
	return CYRE_OK;
}

cyre_status cyre_job_sync_files(struct cyre_job *job)
{
	size_t i;

	for (i = 0; i < job->n_steps; i++) {
		struct cyre_step *s = &job->steps[i];
		struct cyre_error e;

		if (s->tmp < 0)
			continue;
		if (fsync(s->tmp) < 0)
			return cyre_job_fail(
				job, s, cyre_sys_fail(&e, "fsync", ""), &e);
		close(s->tmp);
		s->tmp = -1;
	}
	return CYRE_OK;
}

/* Did anybody touch it since it was checked? */
static bool is_untouched(struct cyre_opener *o, const struct cyre_step *s)
{
	struct cyre_file_info now;
	struct cyre_error e;

	if (cyre_file_stat(o, s->at->fd, s->c->name, &now, &e) != CYRE_OK)
		return !s->existed && e.errnum == ENOENT;
	return s->existed && now.dev == s->was.dev && now.ino == s->was.ino &&
	       now.size == s->was.size && now.mtime_ns == s->was.mtime_ns;
}

/* Makes a change, or unmakes it: each is its own opposite. */
static cyre_status exchange(
	struct cyre_step *s, bool back, struct cyre_error *e)
{
	const struct cyre_change *c = s->c;
	char tmp[CYRE_NAME_SIZE];
	int fd = s->at->fd;

	if (!cyre_tmp_name(c->name, tmp))
		return CYRE_EUSAGE;
	if (c->kind == CYRE_CHANGE_MOVE)
		return back ? cyre_move(s->to->fd, c->to_name, fd, c->name, e)
			    : cyre_move(fd, c->name, s->to->fd, c->to_name, e);
	if (c->kind == CYRE_CHANGE_WRITE && s->existed)
		return cyre_swap(fd, c->name, e);
	if ((c->kind == CYRE_CHANGE_WRITE) != back)
		return cyre_move(fd, tmp, fd, c->name, e);
	return cyre_move(fd, c->name, fd, tmp, e);
}

cyre_status cyre_job_perform(
	struct cyre_job *job, enum cyre_rank from, enum cyre_rank to)
{
	size_t i;

	for (i = 0; i < job->n_steps; i++) {
		struct cyre_step *s = &job->steps[i];
		struct cyre_error e = {0};
		cyre_status st;

		if (!s->todo || s->rank < from || s->rank > to)
			continue;
		st = is_untouched(job->o, s) ? exchange(s, false, &e)
					     : CYRE_EBUSY;
		if (st != CYRE_OK)
			return cyre_job_fail(job, s, st, &e);
		s->performed = true;
		if (s->c->kind == CYRE_CHANGE_REMOVE)
			s->has_tmp = true;
		job->set->changed = true;
	}
	return CYRE_OK;
}

cyre_status cyre_job_sync_dirs(struct cyre_job *job)
{
	size_t i;

	for (i = 0; i < job->n_dirs; i++) {
		const struct cyre_job_dir *d = &job->dirs[i];
		struct cyre_error e;

		if (d->fd >= 0 && fsync(d->fd) < 0)
			return cyre_job_fail(job, NULL,
				cyre_sys_fail(&e, "fsync", d->dir), &e);
	}
	return CYRE_OK;
}

cyre_status cyre_job_finish(struct cyre_job *job)
{
	size_t i;

	for (i = 0; i < job->n_steps; i++) {
		struct cyre_step *s = &job->steps[i];
		struct cyre_error e = {0};
		cyre_status st;

		if (!s->has_tmp)
			continue;
		st = cyre_tmp_remove(s->at->fd, s->c->name, &e);
		if (st != CYRE_OK)
			return cyre_job_fail(job, s, st, &e);
		s->has_tmp = false;
	}
	return CYRE_OK;
}

void cyre_job_take_back(struct cyre_job *job)
{
	bool left = false;
	size_t i;

	for (i = job->n_steps; i-- > 0;) {
		struct cyre_step *s = &job->steps[i];

		if (s->performed && exchange(s, true, NULL) != CYRE_OK) {
			left = true;
			continue; /* the old file stays under its other name */
		}
		if (s->performed && s->c->kind == CYRE_CHANGE_REMOVE)
			s->has_tmp = false;
		s->performed = false;
		if (s->has_tmp)
			cyre_tmp_remove(s->at->fd, s->c->name, NULL);
		s->has_tmp = false;
	}
	for (i = job->n_made; i-- > 0;)
		if (job->made[i].parent >= 0)
			unlinkat(job->made[i].parent, job->made[i].name,
				AT_REMOVEDIR);
	job->set->changed = left;
}
