/*
 * step.c - the changes of one mailbox: their order, the directories they are
 * made in, what of them is to do; see step.h
 *
 * Changes nothing but what a killed run left: step_make.c does.
 */
#include "step.h"

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

cyre_status cyre_job_open_dir(
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
	const size_t n = sizeof(always) / sizeof(*always);
	cyre_status st = CYRE_OK;
	size_t i, f;

	for (i = 0; i < job->n_dirs; i++) {
		const struct cyre_job_dir *d = &job->dirs[i];

		for (f = 0; f < n && d->source && d->fd >= 0; f++) {
			st = cyre_tmp_remove(
				d->fd, cyre_file_name(always[f]), e);
			if (st != CYRE_OK)
				return st;
		}
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

		st = cyre_job_open_dir(d, job->o, &e);
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

/* It is where it was and nothing in its new place, or it is there already. */
static cyre_status check_move(struct cyre_step *s, struct cyre_opener *o,
	struct cyre_hasher *hasher, struct cyre_error *e)
{
	const struct cyre_change *c = s->c;
	struct cyre_file_info target = {.fd = -1};
	struct cyre_identity there;
	cyre_status st;

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

/* Sets todo; CYRE_EBUSY when it is neither what it was nor what it becomes. */
static cyre_status check_step(struct cyre_step *s, struct cyre_opener *o,
	struct cyre_hasher *hasher, struct cyre_error *e)
{
	const struct cyre_change *c = s->c;
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
		return check_move(s, o, hasher, e);
	}
	return CYRE_EUSAGE;
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
