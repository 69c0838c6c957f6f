/* half_done.c - see half_done.h. */
#include "half_done.h"

#include <stdlib.h>
#include <string.h>

#include <cyrescue/undo.h>

#include "changes.h"
#include "grow.h"
#include "undo_archive.h"

/* A directory of a mailbox in an archive. */
struct place {
	size_t archive;
	const char *mboxname; /* of the archive's changes; "" for none */
	char *path;
	bool looked_at;
};

struct cyre_half_done {
	char **paths; /* all archives of the folder, newest first */
	size_t n_paths;
	struct cyre_changes *changes; /* by archive; n 0: settled */
	struct place *places;
	size_t n, cap;
};

static bool is_known(const struct cyre_half_done *h, size_t archive,
	const char *mboxname, const char *path)
{
	size_t i;

	/* Changes of one mailbox stand together. */
	for (i = h->n; i-- > 0 && h->places[i].archive == archive;)
		if (!strcmp(h->places[i].mboxname, mboxname) &&
			!strcmp(h->places[i].path, path))
			return true;
		else if (strcmp(h->places[i].mboxname, mboxname) != 0)
			break;
	return false;
}

static cyre_status add_place(
	struct cyre_half_done *h, size_t archive, const struct cyre_done *d)
{
	const char *mboxname = d->mboxname ? d->mboxname : "";
	struct cyre_buf path = {0};
	struct place *grown;

	cyre_put_place(&path, d->root, d->dir, NULL);
	cyre_put_u8(&path, 0);
	if (path.bad)
		return CYRE_ENOMEM;
	if (is_known(h, archive, mboxname, (const char *)path.p)) {
		cyre_buf_free(&path);
		return CYRE_OK;
	}
	grown = cyre_grow(h->places, h->n, &h->cap, sizeof(*h->places));
	if (!grown) {
		cyre_buf_free(&path);
		return CYRE_ENOMEM;
	}
	h->places = grown;
	h->places[h->n++] = (struct place){.archive = archive,
		.mboxname = mboxname,
		.path = (char *)path.p};
	return CYRE_OK;
}

static cyre_status read_archive(struct cyre_half_done *h, size_t i)
{
	struct cyre_changes *list = &h->changes[i];
	struct cyre_archive_in *a = NULL;
	struct cyre_error err;
	cyre_status st = cyre_archive_open(h->paths[i], &err, &a);
	size_t k;

	if (st == CYRE_OK)
		st = cyre_changes_read(cyre_archive_changes(a), list);
	for (k = 0; st == CYRE_OK && k < list->n; k++)
		st = add_place(h, i, &list->items[k]);
	cyre_archive_close(a);
	return st == CYRE_ENOMEM ? st : CYRE_OK;
}

cyre_status cyre_half_done_read(const char *folder, struct cyre_half_done **ret,
	struct cyre_error *reterr)
{
	struct cyre_half_done *h = calloc(1, sizeof(*h));
	cyre_status st;
	size_t i;

	if (!h)
		return CYRE_ENOMEM;
	st = cyre_undo_list(folder, &h->paths, &h->n_paths, reterr);
	if (st == CYRE_OK) {
		h->changes = calloc(h->n_paths + 1, sizeof(*h->changes));
		if (!h->changes)
			st = CYRE_ENOMEM;
	}
	for (i = 0; st == CYRE_OK && i < h->n_paths; i++)
		if (!cyre_archive_is_settled(h->paths[i]))
			st = read_archive(h, i);
	if (st != CYRE_OK)
		cyre_half_done_free(h);
	else
		*ret = h;
	return st;
}

/* All directories of the mailbox, of which we have one. */
static void note_looked_at(struct cyre_half_done *h, const struct place *p)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (h->places[i].archive == p->archive &&
			!strcmp(h->places[i].mboxname, p->mboxname))
			h->places[i].looked_at = true;
}

static cyre_status restore(struct cyre_half_done *h, const struct place *p,
	bool *ret_any, struct cyre_error *reterr)
{
	struct cyre_undo_options o = {
		.half_done = true, .mboxname = p->mboxname};
	struct cyre_undo_totals t;
	cyre_status st = cyre_undo(h->paths[p->archive], &o, &t, reterr);

	*ret_any |= t.restored || t.removed || t.moved || t.directories;
	/* Refused, without a file that says why: changed since. */
	if (st == CYRE_EBUSY && t.refused)
		st = CYRE_OK;
	if (st == CYRE_OK)
		note_looked_at(h, p);
	return st;
}

/* Those of this path, of this name; NULL is any. */
static cyre_status restore_all(struct cyre_half_done *h, const char *path,
	const char *name, bool *ret_any, struct cyre_error *reterr)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < h->n && st == CYRE_OK; i++) {
		const struct place *p = &h->places[i];
		bool same = (!path || strcmp(p->path, path) == 0) &&
			    (!name || strcmp(p->mboxname, name) == 0);

		/* Of another path it is another worker's to look at. */
		if (same && !p->looked_at)
			st = restore(h, p, ret_any, reterr);
	}
	return st;
}

cyre_status cyre_half_done_restore(struct cyre_half_done *h, const char *path,
	bool *ret_any, struct cyre_error *reterr)
{
	return restore_all(h, path, NULL, ret_any, reterr);
}

cyre_status cyre_half_done_restore_named(struct cyre_half_done *h,
	const char *name, bool *ret_any, struct cyre_error *reterr)
{
	return restore_all(h, NULL, name, ret_any, reterr);
}

void cyre_half_done_free(struct cyre_half_done *h)
{
	size_t i, k;

	if (!h)
		return;
	for (i = 0; h->changes && i < h->n_paths; i++) {
		bool any = false, all = true;

		for (k = 0; k < h->n; k++)
			if (h->places[k].archive == i) {
				any = true;
				all &= h->places[k].looked_at;
			}
		if (any && all)
			cyre_archive_settle_path(h->paths[i]);
		cyre_changes_free(&h->changes[i]);
	}
	free(h->changes);
	for (i = 0; i < h->n; i++)
		free(h->places[i].path);
	free(h->places);
	cyre_undo_list_free(h->paths, h->n_paths);
	free(h);
}
