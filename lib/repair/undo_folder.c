/*
 * undo_folder.c - the archives of a folder, and all of them undone
 *
 * The newest first. What was refused in one stays as it is in those before it:
 * a mailbox would get older files below newer ones.
 */
#include <cyrescue/undo.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "changes.h"
#include "fail.h"
#include "undo_refused.h"

/* ---- what was refused ---- */

struct refused {
	UT_hash_handle hh;
	char key[];
};

struct cyre_undo_refused {
	struct refused *table;
};

/* A file that stands for itself by its place; others by what they belong to and
 * where that lies: names are unique within a server only. */
static void put_key(struct cyre_buf *b, const struct cyre_done *d)
{
	cyre_put_str(b, d->apart ? "" : d->mboxname ? d->mboxname : "");
	cyre_put_u8(b, '\n');
	cyre_put_place(b, d->root, d->dir, d->apart ? d->name : NULL);
}

bool cyre_undo_was_refused(
	const struct cyre_undo_refused *r, const struct cyre_done *d)
{
	struct refused *found = NULL;
	struct cyre_buf key = {0};

	if (!r || !r->table)
		return false;
	put_key(&key, d);
	if (!key.bad)
		HASH_FIND(hh, r->table, key.p, key.n, found);
	/* With no memory to look: rather left than mixed. */
	found = key.bad ? r->table : found;
	cyre_buf_free(&key);
	return found != NULL;
}

cyre_status cyre_undo_note_refused(
	struct cyre_undo_refused *r, const struct cyre_done *d)
{
	struct cyre_buf key = {0};
	struct refused *e = NULL;
	cyre_status st = CYRE_OK;

	if (!r || cyre_undo_was_refused(r, d))
		return CYRE_OK;
	put_key(&key, d);
	if (!key.bad)
		e = malloc(sizeof(*e) + key.n);
	if (e) {
		memcpy(e->key, key.p, key.n);
		HASH_ADD(hh, r->table, key[0], key.n, e);
	} else {
		st = CYRE_ENOMEM;
	}
	cyre_buf_free(&key);
	return st;
}

static void forget(struct cyre_undo_refused *r)
{
	struct refused *e, *next;

	HASH_ITER(hh, r->table, e, next)
	{
		HASH_DEL(r->table, e);
		free(e);
	}
}

/* ---- the folder ---- */

static bool is_archive(const char *name)
{
	size_t n = strlen(name), end = strlen(".tar.zst");

	return !strncmp(name, "undo-", 5) && n > end &&
	       !strcmp(name + n - end, ".tar.zst");
}

static int newest_first(const void *a, const void *b)
{
	return -strcmp(*(char *const *)a, *(char *const *)b);
}

cyre_status cyre_undo_list(const char *folder, char ***ret_paths, size_t *ret_n,
	struct cyre_error *reterr)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	char **paths = NULL;
	size_t n = 0;
	cyre_status st = CYRE_OK;

	if (!d)
		return cyre_sys_fail(reterr, "open", folder);
	while (st == CYRE_OK && (e = readdir(d))) {
		char **p;

		if (!is_archive(e->d_name))
			continue;
		p = realloc(paths, (n + 1) * sizeof(*p));
		if (p)
			paths = p;
		if (!p || asprintf(&paths[n], "%s/%s", folder, e->d_name) < 0)
			st = CYRE_ENOMEM;
		else
			n++;
	}
	closedir(d);
	if (st != CYRE_OK) {
		cyre_undo_list_free(paths, n);
		return st;
	}
	if (n)
		qsort(paths, n, sizeof(*paths), newest_first);
	*ret_paths = paths;
	*ret_n = n;
	return CYRE_OK;
}

void cyre_undo_list_free(char **paths, size_t n)
{
	while (n)
		free(paths[--n]);
	free(paths);
}

static void add(struct cyre_undo_totals *sum, const struct cyre_undo_totals *t)
{
	sum->restored += t->restored;
	sum->removed += t->removed;
	sum->moved += t->moved;
	sum->nothing += t->nothing;
	sum->directories += t->directories;
	sum->refused += t->refused;
}

cyre_status cyre_undo_folder(const char *folder,
	const struct cyre_undo_options *o, struct cyre_undo_totals *ret,
	struct cyre_error *reterr)
{
	struct cyre_undo_refused refused = {NULL};
	struct cyre_undo_totals t;
	char **paths = NULL;
	size_t n = 0, i;
	cyre_status st;

	*ret = (struct cyre_undo_totals){0};
	st = cyre_undo_list(folder, &paths, &n, reterr);
	for (i = 0; i < n && st == CYRE_OK; i++) {
		st = cyre_undo_below(paths[i], o, &refused, &t, reterr);
		add(ret, &t);
		if (st == CYRE_EBUSY && t.refused)
			st = CYRE_OK;
	}
	cyre_undo_list_free(paths, n);
	forget(&refused);
	return st == CYRE_OK && ret->refused ? CYRE_EBUSY : st;
}
