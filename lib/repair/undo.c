/*
 * undo.c - what of an undo archive is to be put back, and what is refused; see
 * cyrescue/undo.h. undo_restore.c does it.
 */
#include <cyrescue/undo.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "undo_refused.h"
#include "undo_work.h"

const char *cyre_undo_action_name(enum cyre_undo_action a)
{
	static const char *const names[] = {
		"nothing", "restore", "remove", "move", "changed"};

	return names[a];
}

const char *cyre_undo_place(const struct cyre_undo_work *u, const char *root)
{
	const char *old = u->changes.root;
	size_t n = old && u->o->root ? strlen(old) : 0;

	while (n && old[n - 1] == '/')
		n--;
	return n && !strncmp(root, old, n) && (!root[n] || root[n] == '/')
		       ? (root[n] ? root + n : "/")
		       : root;
}

static cyre_status open_dir(struct cyre_undo_work *u, const char *root,
	const char *dir, size_t *ret)
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
	st = cyre_root_open(
		u->o->root, cyre_undo_place(u, root), &fd, u->reterr);
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
static cyre_status find_members(struct cyre_undo_work *u)
{
	struct cyre_buf path = {0};
	cyre_status st = CYRE_OK;
	size_t i, m = 0;

	for (i = 0; st == CYRE_OK && i < u->changes.n; i++) {
		const struct cyre_done *d = &u->changes.items[i];
		const struct cyre_archive_member *mem = NULL;

		u->items[i] = (struct cyre_undo_file){
			.d = d, .member = CYRE_NO_MEMBER};
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

static cyre_status look(struct cyre_undo_work *u, size_t dir, const char *name,
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

static enum cyre_undo_action judge_file(struct cyre_undo_work *u,
	const struct cyre_undo_file *it, const struct cyre_file_info *info,
	const struct cyre_identity *now)
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

static bool same_mailbox(
	const struct cyre_undo_file *a, const struct cyre_undo_file *b)
{
	const char *x = a->d->mboxname ? a->d->mboxname : "";
	const char *y = b->d->mboxname ? b->d->mboxname : "";

	return !strcmp(x, y);
}

/* Something that was no file went aside for this one. Changes of a mailbox stand
 * together, those first. */
static bool had_room_made(
	const struct cyre_undo_work *u, const struct cyre_undo_file *it)
{
	const struct cyre_undo_file *i;

	for (i = it; i-- > u->items && same_mailbox(i, it);)
		if (i->d->kind == CYRE_DONE_MOVE && i->d->before.other &&
			!strcmp(i->d->name, it->d->name) &&
			!strcmp(i->d->dir, it->d->dir) &&
			!strcmp(i->d->root, it->d->root))
			return true;
	return false;
}

/* Where it was our new file may stand now, which goes before it comes back. */
static void judge_other(struct cyre_undo_file *it,
	const struct cyre_identity *now, const struct cyre_identity *there)
{
	if (now->other && !there->exists)
		it->old = true; /* nothing to do */
	else if (!now->other && there->other)
		it->action = CYRE_UNDO_MOVE;
	else
		it->action = CYRE_UNDO_CHANGED;
}

static cyre_status judge(struct cyre_undo_work *u, struct cyre_undo_file *it)
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

static bool is_asked_for(
	const struct cyre_undo_work *u, struct cyre_undo_file *it)
{
	const char *name = it->d->mboxname ? it->d->mboxname : "";

	it->left = u->o->mboxname && strcmp(name, u->o->mboxname) != 0;
	return !it->left;
}

/* Behind the last change that is undone with this one, or not at all. What a
 * kill left is put back as the rebuild was to write it: as a whole. */
static size_t end_of_group(const struct cyre_undo_work *u, size_t from)
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
static cyre_status refuse(struct cyre_undo_work *u)
{
	cyre_status st = CYRE_OK;
	size_t i, from, to;

	for (from = 0; st == CYRE_OK && from < u->changes.n; from = to) {
		bool changed = false, done = u->o->half_done;

		to = end_of_group(u, from);
		for (i = from; i < to; i++) {
			const struct cyre_undo_file *it = &u->items[i];

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

static void tell(struct cyre_undo_work *u)
{
	struct cyre_undo_totals *t = u->totals;
	struct cyre_buf path = {0};
	size_t i;

	for (i = u->changes.n; i-- > 0;) {
		const struct cyre_undo_file *it = &u->items[i];
		struct cyre_undo_item item = {.mboxname = it->d->mboxname,
			.action = it->action,
			.refused = it->refused};

		if (it->left)
			continue;
		cyre_buf_reset(&path);
		if (u->o->root)
			cyre_put_place(&path, u->o->root, "", NULL);
		cyre_put_place(&path, cyre_undo_place(u, it->d->root),
			it->d->dir, it->d->name);
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

static cyre_status run(struct cyre_undo_work *u, const char *archive)
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
		st = cyre_undo_restore(u);
	return st == CYRE_OK && u->totals->refused ? CYRE_EBUSY : st;
}

cyre_status cyre_undo_below(const char *archive,
	const struct cyre_undo_options *o, struct cyre_undo_refused *refused,
	struct cyre_undo_totals *ret, struct cyre_error *reterr)
{
	struct cyre_error error = {0};
	struct cyre_undo_work u = {
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
