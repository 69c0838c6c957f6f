/*
 * undo.c - puts back what an undo archive holds; see cyrescue/undo.h
 *
 * The order is the reverse of apply.c: what was moved or removed comes back,
 * then index, header, cache. Each file is written beside its place, synced and
 * renamed over; a kill in between leaves some files old and some new, and a
 * second undo takes up the rest, because a file that is old already is left as
 * it is.
 */
#include <cyrescue/undo.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changes.h"
#include "fail.h"
#include "identity.h"
#include "undo_archive.h"
#include "undo_refused.h"

#define NONE SIZE_MAX

struct item {
	const struct cyre_done *d;
	size_t dir, to_dir; /* in undo.dirs */
	size_t member;      /* NONE: nothing of it is in the archive */
	enum cyre_undo_action action;
	bool refused, has_tmp;
	bool left; /* of a mailbox nobody asked for */
	bool old;  /* what it was before the rebuild, perhaps of another time */
};

struct undo {
	const struct cyre_undo_options *o;
	struct cyre_archive_in *archive;
	struct cyre_changes changes;
	struct item *items;
	struct {
		const char *root, *dir; /* as the archive has them */
		int fd;                 /* -1: not there */
	} * dirs;
	size_t n_dirs, next; /* next: item whose member may come */
	struct cyre_opener opener;
	struct cyre_hasher *hasher;
	struct cyre_undo_refused *refused; /* NULL: nobody wants to know */
	struct cyre_undo_totals *totals;
	struct cyre_error *reterr;
};

const char *cyre_undo_action_name(enum cyre_undo_action a)
{
	static const char *const names[] = {
		"nothing", "restore", "remove", "move", "changed"};

	return names[a];
}

/* Where a root is now: below another root than the rebuild had, perhaps. */
static const char *place(const struct undo *u, const char *root)
{
	const char *old = u->changes.root;
	size_t n = old && u->o->root ? strlen(old) : 0;

	while (n && old[n - 1] == '/')
		n--;
	return n && !strncmp(root, old, n) && (!root[n] || root[n] == '/')
		       ? (root[n] ? root + n : "/")
		       : root;
}

static cyre_status open_dir(
	struct undo *u, const char *root, const char *dir, size_t *ret)
{
	cyre_status st;
	size_t i;
	int fd;

	/* Changes of one mailbox stand together: its directory came last. */
	for (i = u->n_dirs; i-- > 0;)
		if (!strcmp(u->dirs[i].dir, dir) &&
			!strcmp(u->dirs[i].root, root)) {
			*ret = i;
			return CYRE_OK;
		}
	st = cyre_root_open(u->o->root, place(u, root), &fd, u->reterr);
	if (st != CYRE_OK)
		return st;
	i = u->n_dirs;
	u->dirs[i].root = root;
	u->dirs[i].dir = dir;
	st = cyre_dir_open(&u->opener, fd, dir, &u->dirs[i].fd, u->reterr);
	close(fd);
	if (st != CYRE_OK && u->reterr->errnum == ENOENT) {
		u->dirs[i].fd = -1;
		st = CYRE_OK;
	} else if (st == CYRE_OK && !u->o->dry_run) {
		st = cyre_dir_claim(u->dirs[i].fd, u->reterr);
		if (st != CYRE_OK)
			close(u->dirs[i].fd);
	}
	if (st == CYRE_OK) {
		u->n_dirs++;
		*ret = i;
	}
	return st;
}

static void put_path(struct cyre_buf *b, const struct cyre_done *d)
{
	cyre_buf_reset(b);
	cyre_put_place(b, d->root, d->dir, d->name);
	cyre_put_u8(b, 0);
}

static bool needs_member(const struct cyre_done *d)
{
	return (d->kind == CYRE_DONE_WRITE || d->kind == CYRE_DONE_REMOVE) &&
	       d->before.exists;
}

/* Originals stand in the order of the changes; one that belongs to no change
 * (its mailbox was given up on) is passed over. */
static cyre_status find_members(struct undo *u)
{
	struct cyre_buf path = {0};
	cyre_status st = CYRE_OK;
	size_t i, m = 0;

	for (i = 0; st == CYRE_OK && i < u->changes.n; i++) {
		const struct cyre_done *d = &u->changes.items[i];
		const struct cyre_archive_member *mem = NULL;

		u->items[i] = (struct item){.d = d, .member = NONE};
		if (!needs_member(d))
			continue;
		put_path(&path, d);
		if (path.bad)
			st = CYRE_ENOMEM;
		for (; st == CYRE_OK && m < cyre_archive_count(u->archive);
			m++) {
			mem = cyre_archive_member(u->archive, m);
			if (!strcmp(mem->path, (const char *)path.p))
				break;
			mem = NULL;
		}
		if (st == CYRE_OK &&
			(!mem || mem->size != d->before.size ||
				memcmp(mem->sha256, d->before.sha256,
					CYRE_SHA256_LEN) != 0))
			st = CYRE_EFORMAT;
		u->items[i].member = m++;
	}
	cyre_buf_free(&path);
	return st;
}

static cyre_status look(struct undo *u, size_t dir, const char *name,
	struct cyre_file_info *info, struct cyre_identity *now, bool *ret_other)
{
	cyre_status st;

	st = cyre_identity_look(u->dirs[dir].fd, name, &u->opener, u->hasher,
		info, now, u->reterr);
	if (info->fd >= 0)
		close(info->fd);
	*ret_other = st == CYRE_EBUSY;
	return st == CYRE_EBUSY ? CYRE_OK : st;
}

static enum cyre_undo_action judge_file(struct undo *u, const struct item *it,
	const struct cyre_file_info *info, const struct cyre_identity *now)
{
	enum cyre_undo_action back =
		it->d->before.exists ? CYRE_UNDO_RESTORE : CYRE_UNDO_REMOVE;
	const struct cyre_archive_member *m;

	if (cyre_identity_same(&it->d->before, now)) {
		if (!now->exists)
			return CYRE_UNDO_NOTHING;
		m = cyre_archive_member(u->archive, it->member);
		return info->uid == m->uid && info->gid == m->gid &&
				       info->mode == m->mode &&
				       info->mtime_ns == m->mtime_ns
			       ? CYRE_UNDO_NOTHING
			       : CYRE_UNDO_RESTORE;
	}
	if (cyre_identity_same(&it->d->after, now) || u->o->force)
		return back;
	return CYRE_UNDO_CHANGED;
}

static bool same_mailbox(const struct item *a, const struct item *b)
{
	const char *x = a->d->mboxname ? a->d->mboxname : "";
	const char *y = b->d->mboxname ? b->d->mboxname : "";

	return !strcmp(x, y);
}

/* Something that was no file went aside for this one. Changes of a mailbox stand
 * together, those first. */
static bool had_room_made(const struct undo *u, const struct item *it)
{
	const struct item *i;

	for (i = it; i-- > u->items && same_mailbox(i, it);)
		if (i->d->kind == CYRE_DONE_MOVE && i->d->before.other &&
			!strcmp(i->d->name, it->d->name) &&
			!strcmp(i->d->dir, it->d->dir) &&
			!strcmp(i->d->root, it->d->root))
			return true;
	return false;
}

/* Where it was our new file may stand now, which goes before it comes back. */
static void judge_other(struct item *it, const struct cyre_identity *now,
	const struct cyre_identity *there)
{
	if (now->other && !there->exists)
		it->old = true; /* nothing to do */
	else if (!now->other && there->other)
		it->action = CYRE_UNDO_MOVE;
	else
		it->action = CYRE_UNDO_CHANGED;
}

static cyre_status judge(struct undo *u, struct item *it)
{
	struct cyre_identity now, there = {0};
	struct cyre_file_info info;
	bool other, other_there = false;
	cyre_status st;

	st = open_dir(u, it->d->root, it->d->dir, &it->dir);
	if (st != CYRE_OK || it->d->kind == CYRE_DONE_MKDIR) {
		it->action = st == CYRE_OK && u->dirs[it->dir].fd >= 0
				     ? CYRE_UNDO_REMOVE
				     : CYRE_UNDO_NOTHING;
		return st;
	}
	st = look(u, it->dir, it->d->name, &info, &now, &other);
	if (st != CYRE_OK)
		return st;
	if (it->d->kind != CYRE_DONE_MOVE) {
		if (other)
			it->action = had_room_made(u, it) ? CYRE_UNDO_NOTHING
							  : CYRE_UNDO_CHANGED;
		else
			it->action = judge_file(u, it, &info, &now);
		it->old = it->action == CYRE_UNDO_NOTHING ||
			  (cyre_identity_same(&it->d->before, &now) &&
				  !cyre_identity_same(&it->d->after, &now));
		return CYRE_OK;
	}
	st = open_dir(u, it->d->root, it->d->to_dir, &it->to_dir);
	if (st == CYRE_OK)
		st = look(u, it->to_dir, it->d->to_name, &info, &there,
			&other_there);
	if (it->d->before.other)
		judge_other(it, &now, &there);
	else if (!other && cyre_identity_same(&it->d->before, &now))
		it->old = true; /* nothing to do */
	else if (!other && !now.exists && !other_there &&
		 cyre_identity_same(&it->d->before, &there))
		it->action = CYRE_UNDO_MOVE;
	else
		it->action = CYRE_UNDO_CHANGED;
	return st;
}

static bool is_asked_for(const struct undo *u, struct item *it)
{
	const char *name = it->d->mboxname ? it->d->mboxname : "";

	it->left = u->o->mboxname && strcmp(name, u->o->mboxname) != 0;
	return !it->left;
}

/* Behind the last change that is undone with this one, or not at all. What a
 * kill left is put back as the rebuild was to write it: as a whole. */
static size_t end_of_group(const struct undo *u, size_t from)
{
	size_t to = from + 1;

	if (u->items[from].d->apart && !u->o->half_done)
		return to;
	while (to < u->changes.n &&
		same_mailbox(&u->items[from], &u->items[to]))
		to++;
	return to;
}

/* A mailbox of which one file was changed since is left alone altogether; so is
 * one that is done, where only those are wanted that are not. */
static cyre_status refuse(struct undo *u)
{
	cyre_status st = CYRE_OK;
	size_t i, from, to;

	for (from = 0; st == CYRE_OK && from < u->changes.n; from = to) {
		bool changed = false, done = u->o->half_done;

		to = end_of_group(u, from);
		for (i = from; i < to; i++) {
			const struct item *it = &u->items[i];

			changed |= it->action == CYRE_UNDO_CHANGED ||
				   cyre_undo_was_refused(u->refused, it->d);
			if (it->d->kind != CYRE_DONE_MKDIR)
				done &= !it->old;
		}
		for (i = from; changed && st == CYRE_OK && i < to; i++) {
			u->items[i].refused = true;
			st = cyre_undo_note_refused(u->refused, u->items[i].d);
		}
		for (i = from; !changed && done && i < to; i++)
			u->items[i].action = CYRE_UNDO_NOTHING;
		u->totals->refused += changed;
	}
	return st;
}

static void tell(struct undo *u)
{
	struct cyre_undo_totals *t = u->totals;
	struct cyre_buf path = {0};
	size_t i;

	for (i = u->changes.n; i-- > 0;) {
		const struct item *it = &u->items[i];
		struct cyre_undo_item item = {.mboxname = it->d->mboxname,
			.action = it->action,
			.refused = it->refused};

		if (it->left)
			continue;
		cyre_buf_reset(&path);
		if (u->o->root)
			cyre_put_place(&path, u->o->root, "", NULL);
		cyre_put_place(
			&path, place(u, it->d->root), it->d->dir, it->d->name);
		cyre_put_u8(&path, 0);
		item.path = path.bad ? "" : (const char *)path.p;
		if (u->o->item)
			u->o->item(u->o->payload, &item);
		if (it->refused || it->d->kind == CYRE_DONE_MKDIR)
			continue;
		t->restored += it->action == CYRE_UNDO_RESTORE;
		t->removed += it->action == CYRE_UNDO_REMOVE;
		t->moved += it->action == CYRE_UNDO_MOVE;
		t->nothing += it->action == CYRE_UNDO_NOTHING;
	}
	cyre_buf_free(&path);
}

static cyre_status extract(void *payload, struct cyre_archive_in *a, size_t m)
{
	struct undo *u = payload;
	struct item *it;
	cyre_status st;
	int fd;

	while (u->next < u->changes.n && (u->items[u->next].member == NONE ||
						 u->items[u->next].member < m))
		u->next++;
	if (u->next == u->changes.n || u->items[u->next].member != m)
		return CYRE_OK;
	it = &u->items[u->next];
	if (it->left || it->refused || it->action != CYRE_UNDO_RESTORE)
		return CYRE_OK;
	if (u->dirs[it->dir].fd < 0) {
		errno = ENOENT;
		return cyre_sys_fail(u->reterr, "open", it->d->dir);
	}
	st = cyre_tmp_create(u->dirs[it->dir].fd, it->d->name, &fd, u->reterr);
	if (st != CYRE_OK)
		return st;
	it->has_tmp = true;
	st = cyre_archive_extract(a, fd, it->d->name, u->reterr);
	if (st == CYRE_OK && fsync(fd) < 0)
		st = cyre_sys_fail(u->reterr, "fsync", it->d->name);
	close(fd);
	return st;
}

static cyre_status put_back(struct undo *u, struct item *it)
{
	const struct cyre_done *d = it->d;
	int fd = u->dirs[it->dir].fd;
	char tmp[CYRE_NAME_SIZE];

	switch (it->action) {
	case CYRE_UNDO_RESTORE:
		if (!cyre_tmp_name(d->name, tmp))
			return CYRE_EFORMAT;
		if (renameat(fd, tmp, fd, d->name) < 0)
			return cyre_sys_fail(u->reterr, "rename", d->name);
		it->has_tmp = false;
		return CYRE_OK;
	case CYRE_UNDO_REMOVE:
		if (unlinkat(fd, d->name, 0) < 0 && errno != ENOENT)
			return cyre_sys_fail(u->reterr, "unlink", d->name);
		return CYRE_OK;
	case CYRE_UNDO_MOVE:
		return cyre_move(u->dirs[it->to_dir].fd, d->to_name, fd,
			d->name, u->reterr);
	case CYRE_UNDO_NOTHING:
	case CYRE_UNDO_CHANGED:
		break;
	}
	return CYRE_OK;
}

static cyre_status sync_dirs(struct undo *u)
{
	size_t i;

	for (i = 0; i < u->n_dirs; i++)
		if (u->dirs[i].fd >= 0 && fsync(u->dirs[i].fd) < 0)
			return cyre_sys_fail(
				u->reterr, "fsync", u->dirs[i].dir);
	return CYRE_OK;
}

/* One component, in its parent directory. */
static void remove_dir(struct undo *u, const struct cyre_done *d)
{
	const char *slash = strrchr(d->dir, '/');
	char *parent = strndup(d->dir, slash ? (size_t)(slash - d->dir) : 0);
	int root, fd;

	if (parent && cyre_root_open(u->o->root, place(u, d->root), &root,
			      u->reterr) == CYRE_OK) {
		if (cyre_dir_open(&u->opener, root, parent, &fd, u->reterr) ==
			CYRE_OK) {
			u->totals->directories += !unlinkat(
				fd, slash ? slash + 1 : d->dir, AT_REMOVEDIR);
			close(fd);
		}
		close(root);
	}
	free(parent);
}

/* Directories the rebuild made; one that is not empty stays. */
static void remove_dirs(struct undo *u)
{
	size_t i;

	for (i = u->changes.n; i-- > 0;) {
		const struct item *it = &u->items[i];

		if (it->d->kind == CYRE_DONE_MKDIR && !it->left &&
			!it->refused && it->action == CYRE_UNDO_REMOVE)
			remove_dir(u, it->d);
	}
}

/* What a killed apply, or undo, left beside the files. */
static cyre_status sweep(struct undo *u)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; st == CYRE_OK && i < u->changes.n; i++) {
		const struct item *it = &u->items[i];

		if (it->d->name && !it->left && u->dirs[it->dir].fd >= 0 &&
			!it->refused)
			st = cyre_tmp_remove(
				u->dirs[it->dir].fd, it->d->name, u->reterr);
	}
	return st;
}

static cyre_status restore(struct undo *u)
{
	cyre_status st = sweep(u);
	size_t i;

	if (st == CYRE_OK)
		st = cyre_archive_each(u->archive, extract, u, u->reterr);
	for (i = u->changes.n; st == CYRE_OK && i-- > 0;)
		if (!u->items[i].refused && !u->items[i].left &&
			u->items[i].d->kind != CYRE_DONE_MKDIR)
			st = put_back(u, &u->items[i]);
	for (i = 0; i < u->changes.n; i++)
		if (u->items[i].has_tmp)
			cyre_tmp_remove(u->dirs[u->items[i].dir].fd,
				u->items[i].d->name, NULL);
	if (st == CYRE_OK)
		st = sync_dirs(u);
	if (st == CYRE_OK)
		remove_dirs(u);
	return st;
}

static cyre_status run(struct undo *u, const char *archive)
{
	cyre_status st;
	size_t i;

	st = cyre_archive_open(archive, u->reterr, &u->archive);
	if (st == CYRE_OK)
		st = cyre_changes_read(
			cyre_archive_changes(u->archive), &u->changes);
	if (st != CYRE_OK)
		return st;
	u->items = calloc(u->changes.n + 1, sizeof(*u->items));
	u->dirs = calloc(2 * u->changes.n + 1, sizeof(*u->dirs));
	if (!u->items || !u->dirs)
		return CYRE_ENOMEM;
	st = cyre_hasher_new(&u->hasher);
	if (st == CYRE_OK)
		st = find_members(u);
	for (i = 0; st == CYRE_OK && i < u->changes.n; i++)
		if (is_asked_for(u, &u->items[i]))
			st = judge(u, &u->items[i]);
	if (st != CYRE_OK)
		return st;
	st = refuse(u);
	if (st != CYRE_OK)
		return st;
	tell(u);
	if (!u->o->dry_run)
		st = restore(u);
	return st == CYRE_OK && u->totals->refused ? CYRE_EBUSY : st;
}

cyre_status cyre_undo_below(const char *archive,
	const struct cyre_undo_options *o, struct cyre_undo_refused *refused,
	struct cyre_undo_totals *ret, struct cyre_error *reterr)
{
	struct cyre_error error = {0};
	struct undo u = {
		.o = o, .refused = refused, .totals = ret, .reterr = &error};
	cyre_status st;
	size_t i;

	*ret = (struct cyre_undo_totals){0};
	st = run(&u, archive);
	if (st != CYRE_OK && reterr)
		*reterr = error;
	for (i = 0; i < u.n_dirs; i++)
		if (u.dirs[i].fd >= 0)
			close(u.dirs[i].fd);
	free(u.dirs);
	free(u.items);
	cyre_changes_free(&u.changes);
	cyre_hasher_free(u.hasher);
	cyre_archive_close(u.archive);
	return st;
}

cyre_status cyre_undo(const char *archive, const struct cyre_undo_options *o,
	struct cyre_undo_totals *ret, struct cyre_error *reterr)
{
	return cyre_undo_below(archive, o, NULL, ret, reterr);
}
