/*
 * step.c - the changes of one mailbox, made and taken back; see step.h
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

#include <cyrescue/finding.h>

#include "changes.h"
#include "fail.h"
#include "identity.h"

static void set_path(struct cyre_error *e, const struct cyre_change *c)
{
	struct cyre_buf b = {0};

	cyre_put_place(&b, c->root, c->dir, c->name);
	cyre_put_u8(&b, 0);
	if (!b.bad)
		snprintf(e->path, sizeof(e->path), "%s", (const char *)b.p);
	cyre_buf_free(&b);
}

cyre_status cyre_job_fail(struct cyre_job *job, const struct cyre_step *s,
	cyre_status st, const struct cyre_error *e)
{
	if (job->set->status == CYRE_OK) {
		job->set->status = st;
		job->set->error = e ? *e : (struct cyre_error){0};
		if (s)
			set_path(&job->set->error, s->c);
	}
	job->alive = false;
	return st;
}

static enum cyre_rank rank_of(const struct cyre_change *c)
{
	switch (c->kind) {
	case CYRE_CHANGE_KEEP:
		return CYRE_RANK_KEEP;
	case CYRE_CHANGE_REMOVE:
		return CYRE_RANK_REMOVE;
	case CYRE_CHANGE_MOVE:
		return c->before.other ? CYRE_RANK_ASIDE : CYRE_RANK_MOVE;
	case CYRE_CHANGE_WRITE:
		break;
	}
	if (!strcmp(c->name, cyre_file_name(CYRE_FILE_INDEX)))
		return CYRE_RANK_INDEX;
	if (!strcmp(c->name, cyre_file_name(CYRE_FILE_HEADER)))
		return CYRE_RANK_HEADER;
	if (!strcmp(c->name, cyre_file_name(CYRE_FILE_EXPUNGE)))
		return CYRE_RANK_EXPUNGE;
	if (!strcmp(c->name, cyre_file_name(CYRE_FILE_CACHE)))
		return CYRE_RANK_CACHE;
	return CYRE_RANK_OTHER;
}

static bool is_sane(const struct cyre_change *c)
{
	char tmp[CYRE_NAME_SIZE];

	if (!c->root || c->root[0] != '/' || !c->dir || !c->name || !*c->name ||
		strchr(c->name, '/') || !cyre_tmp_name(c->name, tmp))
		return false;
	if (c->kind == CYRE_CHANGE_MOVE)
		return c->before.exists && c->to_dir && c->to_name &&
		       *c->to_name && !strchr(c->to_name, '/');
	return c->kind != CYRE_CHANGE_REMOVE || c->before.exists;
}

static cyre_status open_dir(
	struct cyre_job_dir *d, struct cyre_opener *o, struct cyre_error *e)
{
	cyre_status st;
	struct stat sb;
	int root;

	st = cyre_root_open(NULL, d->root, &root, e);
	if (st != CYRE_OK)
		return st;
	st = cyre_dir_open(o, root, d->dir, &d->fd, e);
	close(root);
	if (st != CYRE_OK) {
		d->fd = -1;
		return e->errnum == ENOENT ? CYRE_OK : st;
	}
	if (fstat(d->fd, &sb) < 0)
		return cyre_sys_fail(e, "fstat", d->dir);
	d->dev = sb.st_dev;
	return CYRE_OK;
}

static struct cyre_job_dir *find_dir(
	struct cyre_job *job, const char *root, const char *dir)
{
	struct cyre_job_dir *d;
	size_t i;

	for (i = 0; i < job->n_dirs; i++)
		/* Both are there: is_sane() looked. */
		if (!strcmp(job->dirs[i].root, root) && /* NOLINT */
			!strcmp(job->dirs[i].dir, dir))
			return &job->dirs[i];
	d = &job->dirs[job->n_dirs++];
	*d = (struct cyre_job_dir){.root = root, .dir = dir, .fd = -1};
	return d;
}

/* What a killed run left goes, also where it had planned something else. */
static cyre_status sweep(struct cyre_job *job, struct cyre_error *e)
{
	static const enum cyre_file always[] = {CYRE_FILE_HEADER,
		CYRE_FILE_INDEX, CYRE_FILE_EXPUNGE, CYRE_FILE_CACHE};
	cyre_status st = CYRE_OK;
	size_t i, f;

	for (i = 0; i < job->n_dirs; i++)
		for (f = 0; f < 4 && job->dirs[i].source; f++) {
			if (job->dirs[i].fd >= 0)
				st = cyre_tmp_remove(job->dirs[i].fd,
					cyre_file_name(always[f]), e);
			if (st != CYRE_OK)
				return st;
		}
	for (i = 0; st == CYRE_OK && i < job->n_steps; i++) {
		const struct cyre_step *s = &job->steps[i];

		if (s->at->fd >= 0 && (s->rank == CYRE_RANK_OTHER ||
					      s->rank == CYRE_RANK_REMOVE))
			st = cyre_tmp_remove(s->at->fd, s->c->name, e);
	}
	return st;
}

static cyre_status open_dirs(struct cyre_job *job)
{
	struct cyre_error e = {0};
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; st == CYRE_OK && i < job->n_dirs; i++) {
		struct cyre_job_dir *d = &job->dirs[i];

		st = open_dir(d, job->o, &e);
		if (st == CYRE_OK && d->fd >= 0 && d->source)
			st = cyre_dir_claim(d->fd, &e);
		if (st == CYRE_EBUSY)
			snprintf(e.path, sizeof(e.path), "%s/%s", d->root,
				d->dir);
	}
	if (st == CYRE_OK)
		st = sweep(job, &e);
	return st == CYRE_OK ? st : cyre_job_fail(job, NULL, st, &e);
}

/* Those that move something aside come first. */
static bool is_moved_aside(
	const struct cyre_job *job, const struct cyre_step *s)
{
	size_t i;

	for (i = 0; s->c->kind == CYRE_CHANGE_WRITE && i < job->n_steps; i++)
		if (job->steps[i].rank == CYRE_RANK_ASIDE &&
			job->steps[i].at == s->at &&
			!strcmp(job->steps[i].c->name, s->c->name))
			return true;
	return false;
}

cyre_status cyre_job_open(struct cyre_job *job, struct cyre_change_set *set,
	struct cyre_opener *o)
{
	size_t i, r;

	*job = (struct cyre_job){.set = set, .o = o, .alive = true};
	set->status = CYRE_OK;
	set->error = (struct cyre_error){0};
	set->changed = false;
	job->steps = calloc(set->n ? set->n : 1, sizeof(*job->steps));
	job->dirs = calloc(2 * set->n + 1, sizeof(*job->dirs));
	if (!job->steps || !job->dirs)
		return cyre_job_fail(job, NULL, CYRE_ENOMEM, NULL);
	for (r = 0; r <= CYRE_RANK_KEEP; r++)
		for (i = 0; i < set->n; i++) {
			const struct cyre_change *c = &set->changes[i];
			struct cyre_step *s;

			if (rank_of(c) != (enum cyre_rank)r)
				continue;
			s = &job->steps[job->n_steps++];
			*s = (struct cyre_step){.c = c,
				.rank = (enum cyre_rank)r,
				.tmp = -1,
				.was.fd = -1};
			if (!is_sane(c))
				return cyre_job_fail(job, s, CYRE_EUSAGE, NULL);
			s->at = find_dir(job, c->root, c->dir);
			s->at->source = true;
			if (c->kind == CYRE_CHANGE_MOVE)
				s->to = find_dir(job, c->root, c->to_dir);
			s->makes_room = is_moved_aside(job, s);
		}
	return open_dirs(job);
}

static cyre_status identify_pieces(const struct cyre_change *c,
	struct cyre_hasher *hasher, struct cyre_identity *ret)
{
	cyre_status st;
	size_t i;

	if (c->becomes) {
		*ret = *c->becomes;
		return CYRE_OK;
	}
	*ret = (struct cyre_identity){.exists = true};
	st = cyre_sha256_begin(hasher);
	for (i = 0; st == CYRE_OK && i < c->n_pieces; i++) {
		ret->size += c->pieces[i].n;
		st = cyre_sha256_update(hasher, c->pieces[i]);
	}
	return st == CYRE_OK ? cyre_sha256_end(hasher, ret->sha256) : st;
}

static bool is_owned(
	const struct cyre_file_info *was, const struct cyre_owner *owner)
{
	return was->uid == owner->uid && was->gid == owner->gid &&
	       was->mode == (owner->mode & 07777);
}

/* Sets todo; CYRE_EBUSY when it is neither what it was nor what it becomes. */
static cyre_status check_step(struct cyre_step *s, struct cyre_opener *o,
	struct cyre_hasher *hasher, struct cyre_error *e)
{
	const struct cyre_change *c = s->c;
	struct cyre_file_info target = {.fd = -1};
	struct cyre_identity there;
	cyre_status st;

	st = cyre_identity_look(
		s->at->fd, c->name, o, hasher, &s->was, &s->now, e);
	if (st == CYRE_EBUSY && s->makes_room) {
		s->now = (struct cyre_identity){0};
		st = CYRE_OK;
	} else if (st == CYRE_EBUSY && c->before.other) {
		st = CYRE_OK;
	}
	if (st != CYRE_OK)
		return st;
	s->existed = s->now.exists;
	switch (c->kind) {
	case CYRE_CHANGE_KEEP:
		return cyre_identity_same(&c->before, &s->now) ? CYRE_OK
							       : CYRE_EBUSY;
	case CYRE_CHANGE_REMOVE:
		s->todo = s->now.exists;
		return !s->now.exists || cyre_identity_same(&c->before, &s->now)
			       ? CYRE_OK
			       : CYRE_EBUSY;
	case CYRE_CHANGE_WRITE:
		st = identify_pieces(c, hasher, &s->after);
		if (st != CYRE_OK)
			return st;
		s->todo = !cyre_identity_same(&s->after, &s->now) ||
			  !is_owned(&s->was, &c->owner);
		return !s->todo || cyre_identity_same(&s->after, &s->now) ||
				       cyre_identity_same(&c->before, &s->now)
			       ? CYRE_OK
			       : CYRE_EBUSY;
	case CYRE_CHANGE_MOVE:
		break;
	}
	st = cyre_identity_look(
		s->to->fd, c->to_name, o, hasher, &target, &there, e);
	if (target.fd >= 0)
		close(target.fd);
	if (st == CYRE_EBUSY && c->before.other)
		st = CYRE_OK;
	if (st != CYRE_OK)
		return st;
	s->todo = s->now.exists;
	if (s->now.exists)
		return cyre_identity_same(&c->before, &s->now) && !there.exists
			       ? CYRE_OK
			       : CYRE_EBUSY;
	return cyre_identity_same(&c->before, &there) ? CYRE_OK : CYRE_EBUSY;
}

cyre_status cyre_job_check(struct cyre_job *job, struct cyre_hasher *hasher)
{
	size_t i;

	for (i = 0; i < job->n_steps; i++) {
		struct cyre_step *s = &job->steps[i];
		struct cyre_error e = {0};
		cyre_status st = check_step(s, job->o, hasher, &e);

		if (st != CYRE_OK)
			return cyre_job_fail(job, s, st, &e);
		if (s->todo)
			job->n_todo++;
		if (s->todo && s->c->kind == CYRE_CHANGE_WRITE)
			job->n_writes++;
		/* Only originals that are replaced are needed open. */
		if (s->was.fd >= 0 && (!s->todo || s->rank >= CYRE_RANK_MOVE)) {
			close(s->was.fd);
			s->was.fd = -1;
		}
	}
	return CYRE_OK;
}

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
	return open_dir(d, job->o, e);
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

void cyre_job_close(struct cyre_job *job)
{
	size_t i;

	for (i = 0; i < job->n_steps; i++) {
		if (job->steps[i].tmp >= 0)
			close(job->steps[i].tmp);
		if (job->steps[i].was.fd >= 0)
			close(job->steps[i].was.fd);
	}
	for (i = 0; i < job->n_dirs; i++)
		if (job->dirs[i].fd >= 0)
			close(job->dirs[i].fd);
	for (i = 0; i < job->n_made; i++) {
		free(job->made[i].dir);
		free(job->made[i].name);
		if (job->made[i].parent >= 0)
			close(job->made[i].parent);
	}
	free(job->made);
	free(job->steps);
	free(job->dirs);
}

bool cyre_job_is_split(const struct cyre_job *job)
{
	size_t i;

	for (i = 1; i < job->n_dirs; i++)
		if (job->dirs[i].dev != job->dirs[0].dev)
			return true;
	return false;
}
