/*
 * discover.c - the walk; see discover.h
 *
 * Reads directories, each once, and hands over what it read. What the listings
 * mean is put together by catalog.c.
 */
#include "discover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "listing.h"
#include "roots.h"

/* More components than a mailbox name of 490 bytes can have, and a hash. */
#define MAX_DEPTH 256

static void free_dir(struct cyre_walk_dir *d)
{
	size_t i;

	for (i = 0; i < d->n_children; i++)
		free(d->children[i]);
	free(d->children);
	free(d->path);
	cyre_listing_free(&d->list);
}

void cyre_walk_free(struct cyre_walk *w)
{
	size_t i;

	if (!w)
		return;
	for (i = 0; i < w->n; i++)
		free_dir(&w->dirs[i]);
	for (i = 0; i < w->n_nested; i++)
		free(w->nested[i].path);
	free(w->nested);
	free(w->dirs);
	cyre_catalog_free(w->catalog);
	free(w);
}

/* Takes `path`, also when it fails. */
static cyre_status add_dir(
	struct cyre_walk *w, uint32_t root, unsigned depth, char *path)
{
	struct cyre_walk_dir *dirs;

	if (!path)
		return CYRE_ENOMEM;
	dirs = cyre_grow(w->dirs, w->n, &w->cap, sizeof(*w->dirs));
	if (!dirs) {
		free(path);
		return CYRE_ENOMEM;
	}
	w->dirs = dirs;
	w->dirs[w->n++] = (struct cyre_walk_dir){.root = root,
		.partition = w->catalog->roots[root].partition,
		.depth = depth,
		.path = path};
	return CYRE_OK;
}

cyre_status cyre_walk_open(const struct cyre_conf *conf, const char *root,
	bool guess, struct cyre_walk **ret)
{
	struct cyre_walk *w = calloc(1, sizeof(*w));
	cyre_status st = CYRE_ENOMEM;
	uint32_t i;

	if (!w)
		return CYRE_ENOMEM;
	w->catalog = calloc(1, sizeof(*w->catalog));
	if (!w->catalog)
		goto out;
	w->catalog->conf = conf;
	w->catalog->layout = cyre_layout_of(conf);
	w->catalog->layout.guess = guess;
	st = cyre_roots_open(w->catalog, root);
	if (st == CYRE_OK)
		st = cyre_roots_nested(w);
	for (i = 0; i < w->catalog->n_roots && st == CYRE_OK; i++)
		if (w->catalog->roots[i].fd >= 0)
			st = add_dir(w, i, 0, strdup(""));
out:
	if (st == CYRE_OK)
		*ret = w;
	else
		cyre_walk_free(w);
	return st;
}

/* Uploads in progress, replication: a name with a dot behind. */
static bool is_server_dir(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && name[n - 1] == '.' &&
	       strspn(name, "0123456789") < n - 1;
}

static cyre_status each_entry(
	void *payload, const char *name, enum cyre_kind kind)
{
	struct cyre_walk_dir *d = payload;
	char **children;

	if (!cyre_listing_is_child(name, kind) &&
		!(d->depth == 0 && kind == CYRE_KIND_DIRECTORY &&
			is_server_dir(name)))
		return cyre_listing_add(&d->list, name, kind);
	children = cyre_grow(d->children, d->n_children, &d->cap_children,
		sizeof(*d->children));
	if (!children)
		return CYRE_ENOMEM;
	d->children = children;
	d->children[d->n_children] = strdup(name);
	if (!d->children[d->n_children])
		return CYRE_ENOMEM;
	d->n_children++;
	return CYRE_OK;
}

cyre_status cyre_walk_list(struct cyre_walk *w, struct cyre_opener *o, size_t i)
{
	struct cyre_walk_dir *d = &w->dirs[i];
	struct cyre_error err = {0};
	cyre_status st;
	int fd;

	st = cyre_dir_open(
		o, w->catalog->roots[d->root].fd, d->path, &fd, &err);
	if (st == CYRE_OK)
		st = cyre_dir_list(fd, each_entry, d, &err);
	if (st == CYRE_EIO)
		d->list.errnum = err.errnum;
	else if (st != CYRE_OK)
		return st;
	return cyre_listing_finish(&d->list);
}

static cyre_status count_entry(
	void *payload, const char *name, enum cyre_kind kind)
{
	uint64_t *n = payload;

	(void)name;
	(void)kind;
	++*n;
	return CYRE_OK;
}

/* lost+found, stage. and the like in a root: counted, not walked. */
static void look_aside(struct cyre_walk *w, uint32_t root, const char *name)
{
	struct cyre_catalog *c = w->catalog;
	bool lost = !strcmp(name, "lost+found");
	struct cyre_opener o = {0};
	struct cyre_error err = {0};
	uint64_t n = 0;
	cyre_status st;
	int fd;

	st = cyre_dir_open(&o, c->roots[root].fd, name, &fd, &err);
	if (st == CYRE_OK)
		st = cyre_dir_list(fd, count_entry, &n, &err);
	/* That of a healthy file system is readable by root alone. */
	if (st == CYRE_EIO)
		cyre_catalog_complain(c,
			lost && err.errnum == EACCES
				? CYRE_P_LOST_FOUND_UNREADABLE
				: CYRE_P_DIRECTORY_UNREADABLE,
			root, name, strerror(err.errnum));
	if (n)
		CYRE_FIND(&c->found,
			.problem = lost ? CYRE_P_LOST_FOUND
					: CYRE_P_STAGE_LEFTOVER,
			.file = CYRE_FILE_DIRECTORY, .actual = n, .text = name);
}

static bool is_nested_root(
	const struct cyre_walk *w, uint32_t root, const char *path)
{
	size_t i;

	for (i = 0; i < w->n_nested; i++)
		if (w->nested[i].root == root &&
			!strcmp(w->nested[i].path, path))
			return true;
	return false;
}

static cyre_status expand_dir(struct cyre_walk *w, size_t i)
{
	/* A copy: add_dir() may move the list. */
	struct cyre_walk_dir d = w->dirs[i];
	cyre_status st = CYRE_OK;
	size_t k;

	for (k = 0; k < d.n_children && st == CYRE_OK; k++) {
		const char *name = d.children[k];
		char *path;

		if (d.depth == 0 &&
			(!strcmp(name, "lost+found") || is_server_dir(name))) {
			look_aside(w, d.root, name);
			continue;
		}
		path = cyre_path_join(d.path, name);
		if (path && d.depth < MAX_DEPTH &&
			!is_nested_root(w, d.root, path)) {
			st = add_dir(w, d.root, d.depth + 1, path);
			continue;
		}
		if (!path)
			st = CYRE_ENOMEM;
		else if (d.depth == MAX_DEPTH)
			cyre_catalog_complain(w->catalog,
				CYRE_P_DIRECTORY_UNREADABLE, d.root, path,
				"more levels than a mailbox can have");
		free(path);
	}
	return st;
}

cyre_status cyre_walk_expand(struct cyre_walk *w)
{
	size_t i, k, end = w->n;
	cyre_status st = CYRE_OK;

	for (i = w->next; i < end && st == CYRE_OK; i++) {
		st = expand_dir(w, i);
		for (k = 0; k < w->dirs[i].n_children; k++)
			free(w->dirs[i].children[k]);
		free(w->dirs[i].children);
		w->dirs[i].children = NULL;
		w->dirs[i].n_children = 0;
	}
	w->next = end;
	return st;
}

cyre_status cyre_discover(const struct cyre_conf *conf, const char *root,
	bool guess, struct cyre_catalog **ret)
{
	struct cyre_opener o = {0};
	struct cyre_walk *w;
	cyre_status st;
	size_t i;

	st = cyre_walk_open(conf, root, guess, &w);
	if (st != CYRE_OK)
		return st;
	while (st == CYRE_OK && w->next < w->n) {
		for (i = w->next; i < w->n && st == CYRE_OK; i++)
			st = cyre_walk_list(w, &o, i);
		if (st == CYRE_OK)
			st = cyre_walk_expand(w);
	}
	if (st == CYRE_OK)
		return cyre_walk_finish(w, ret);
	cyre_walk_free(w);
	return st;
}
