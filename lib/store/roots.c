/*
 * roots.c - the directories imapd.conf names for the partitions
 *
 * docs/formats/layout.md section 6: data, meta and archive roots, and the
 * overrides for single kinds of files. The same directory named twice for a
 * partition is one root with several roles.
 */
#include "roots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void cyre_catalog_complain(struct cyre_catalog *c, enum cyre_problem problem,
	uint32_t root, const char *path, const char *what)
{
	struct cyre_buf b = {0};

	cyre_put_str(&b, c->roots[root].path);
	if (*path)
		cyre_put_fmt(&b, "/%s", path);
	cyre_put_fmt(&b, "%s%s", *what ? ": " : "", what);
	cyre_put_u8(&b, 0);
	CYRE_FIND(&c->found, .problem = problem, .file = CYRE_FILE_DIRECTORY,
		.text = b.bad ? path : (const char *)b.p);
	cyre_buf_free(&b);
}

/* The part of `path` below `root`, NULL when it is elsewhere; "" is itself. */
static const char *below(const char *root, const char *path)
{
	for (;;) {
		while (*root == '/' && (root[1] == '/' || !root[1]))
			root++;
		while (*path == '/' && (path[1] == '/' || !path[1]))
			path++;
		if (!*root)
			break;
		if (*root++ != *path++)
			return NULL;
	}
	if (*path && *path != '/')
		return NULL;
	return path + (*path == '/');
}

/* `first`: nothing was said yet of this path of this partition. */
static cyre_status add_root(struct cyre_catalog *c, uint32_t partition,
	const char *path, unsigned role, bool first, int32_t *ret)
{
	struct cyre_root *roots;
	const char *rest;
	size_t i;

	*ret = -1;
	if (!path)
		return CYRE_OK;
	for (i = 0; i < c->n_roots; i++) {
		rest = below(c->roots[i].path, path);
		if (!rest || *rest)
			continue;
		if (c->roots[i].partition != partition) {
			if (first)
				cyre_catalog_complain(c,
					CYRE_P_CONF_SHARED_ROOT, (uint32_t)i,
					"",
					c->conf->partitions[partition].name);
			return CYRE_OK;
		}
		c->roots[i].roles |= role;
		*ret = (int32_t)i;
		return CYRE_OK;
	}
	roots = reallocarray(c->roots, c->n_roots + 1, sizeof(*roots));
	if (!roots)
		return CYRE_ENOMEM;
	c->roots = roots;
	roots[c->n_roots] = (struct cyre_root){
		.path = path, .partition = partition, .roles = role, .fd = -1};
	*ret = (int32_t)c->n_roots++;
	return CYRE_OK;
}

static cyre_status add_partition(struct cyre_catalog *c, uint32_t index)
{
	const struct cyre_partition *p = &c->conf->partitions[index];
	struct cyre_partition_roots *r = &c->partitions[index];
	int32_t unused;
	cyre_status st;
	int k;

	st = add_root(c, index, p->data, CYRE_ROOT_DATA, true, &r->data);
	if (st == CYRE_OK)
		st = add_root(c, index, p->archive, CYRE_ROOT_ARCHIVE, true,
			&r->archive);
	for (k = 0; k < CYRE_META_COUNT && st == CYRE_OK; k++)
		st = add_root(c, index,
			cyre_conf_meta_root(c->conf, p, (enum cyre_meta)k),
			CYRE_ROOT_META, false, &r->meta[k]);
	/* Not in use now, but it may have been. */
	if (st == CYRE_OK)
		st = add_root(c, index, p->meta, CYRE_ROOT_META, true, &unused);
	return st;
}

cyre_status cyre_roots_open(struct cyre_catalog *c, const char *root)
{
	struct cyre_error err;
	cyre_status st;
	uint32_t i;

	c->partitions =
		calloc(c->conf->n_partitions + 1, sizeof(*c->partitions));
	if (!c->partitions)
		return CYRE_ENOMEM;
	for (i = 0; i < c->conf->n_partitions; i++) {
		st = add_partition(c, i);
		if (st != CYRE_OK)
			return st;
	}
	for (i = 0; i < c->n_roots; i++) {
		struct cyre_root *r = &c->roots[i];

		if (cyre_root_open(root, r->path, &r->fd, &err) == CYRE_OK)
			continue;
		r->errnum = err.errnum;
		cyre_catalog_complain(c, CYRE_P_DIRECTORY_UNREADABLE, i, "",
			strerror(err.errnum));
	}
	return CYRE_OK;
}

cyre_status cyre_roots_nested(struct cyre_walk *w)
{
	const struct cyre_catalog *c = w->catalog;
	struct cyre_walk_nested *nested;
	size_t i, j;

	for (i = 0; i < c->n_roots; i++)
		for (j = 0; j < c->n_roots; j++) {
			const char *rest =
				below(c->roots[i].path, c->roots[j].path);

			if (i == j || !rest || !*rest)
				continue;
			nested = reallocarray(
				w->nested, w->n_nested + 1, sizeof(*nested));
			if (!nested)
				return CYRE_ENOMEM;
			w->nested = nested;
			nested += w->n_nested;
			nested->root = (uint32_t)i;
			nested->path = strdup(rest);
			if (!nested->path)
				return CYRE_ENOMEM;
			w->n_nested++;
		}
	return CYRE_OK;
}
