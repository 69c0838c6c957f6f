/*
 * undo_restore.c - puts back what an undo archive holds
 *
 * The order is the reverse of apply.c: what was moved or removed comes back,
 * then index, header, cache. Each file is written beside its place, synced and
 * renamed over; a kill in between leaves some files old and some new, and a
 * second undo takes up the rest, because a file that is old already is left as
 * it is.
 */
#include "undo_work.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"

static cyre_status extract(void *payload, struct cyre_archive_in *a, size_t m)
{
	struct cyre_undo_work *u = payload;
	struct cyre_undo_file *it;
	cyre_status st;
	int fd;

	while (u->next < u->changes.n &&
		(u->items[u->next].member == CYRE_NO_MEMBER ||
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

static cyre_status put_back(struct cyre_undo_work *u, struct cyre_undo_file *it)
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

static cyre_status sync_dirs(struct cyre_undo_work *u)
{
	size_t i;

	for (i = 0; i < u->n_dirs; i++)
		if (u->dirs[i].fd >= 0 && fsync(u->dirs[i].fd) < 0)
			return cyre_sys_fail(
				u->reterr, "fsync", u->dirs[i].dir);
	return CYRE_OK;
}

/* One component, in its parent directory. */
static void remove_dir(struct cyre_undo_work *u, const struct cyre_done *d)
{
	const char *slash = strrchr(d->dir, '/');
	char *parent = strndup(d->dir, slash ? (size_t)(slash - d->dir) : 0);
	int root, fd;

	if (parent && cyre_root_open(u->o->root, cyre_undo_place(u, d->root),
			      &root, u->reterr) == CYRE_OK) {
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
static void remove_dirs(struct cyre_undo_work *u)
{
	size_t i;

	for (i = u->changes.n; i-- > 0;) {
		const struct cyre_undo_file *it = &u->items[i];

		if (it->d->kind == CYRE_DONE_MKDIR && !it->left &&
			!it->refused && it->action == CYRE_UNDO_REMOVE)
			remove_dir(u, it->d);
	}
}

/* What a killed apply, or undo, left beside the files. */
static cyre_status sweep(struct cyre_undo_work *u)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; st == CYRE_OK && i < u->changes.n; i++) {
		const struct cyre_undo_file *it = &u->items[i];

		if (it->d->name && !it->left && u->dirs[it->dir].fd >= 0 &&
			!it->refused)
			st = cyre_tmp_remove(
				u->dirs[it->dir].fd, it->d->name, u->reterr);
	}
	return st;
}

cyre_status cyre_undo_restore(struct cyre_undo_work *u)
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
