/*
 * relist.c - the directories of one mailbox listed again
 *
 * After locks were taken, or files replaced, what the walk saw is old. Reads
 * directories below the roots of the mailbox's partition; opens no file.
 */
#include "mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "listing.h"

static cyre_status each_entry(
	void *payload, const char *name, enum cyre_kind kind)
{
	if (cyre_listing_is_child(name, kind))
		return CYRE_OK;
	return cyre_listing_add(payload, name, kind);
}

static cyre_status list_side(const struct cyre_root *root, const char *dir,
	struct cyre_opener *o, struct cyre_side *side, bool *ret_there)
{
	struct cyre_error err = {0};
	cyre_status st;
	int fd;

	st = cyre_dir_open(o, root->fd, dir, &fd, &err);
	*ret_there = st == CYRE_OK || err.errnum != ENOENT;
	if (!*ret_there)
		return CYRE_OK;
	if (st == CYRE_OK)
		st = cyre_dir_list(fd, each_entry, &side->list, &err);
	if (st == CYRE_EIO)
		side->list.errnum = err.errnum;
	else if (st != CYRE_OK)
		return st;
	return cyre_listing_finish(&side->list);
}

cyre_status cyre_mailbox_relist(const struct cyre_catalog *c,
	const struct cyre_mailbox *m, struct cyre_opener *o,
	struct cyre_mailbox *ret)
{
	struct cyre_mailbox fresh = *m;
	cyre_status st = CYRE_OK;
	bool there;
	size_t i;

	fresh.n_sides = 0;
	fresh.sides = calloc(c->n_roots ? c->n_roots : 1, sizeof(*fresh.sides));
	if (!fresh.sides)
		return CYRE_ENOMEM;
	for (i = 0; i < c->n_roots && st == CYRE_OK; i++) {
		struct cyre_side *side = &fresh.sides[fresh.n_sides];

		if (c->roots[i].partition != m->partition || c->roots[i].fd < 0)
			continue;
		side->root = (uint32_t)i;
		st = list_side(&c->roots[i], m->dir, o, side, &there);
		fresh.n_sides += there;
	}
	if (st != CYRE_OK) {
		cyre_mailbox_relist_free(&fresh);
		return st;
	}
	*ret = fresh;
	return CYRE_OK;
}

void cyre_mailbox_relist_free(struct cyre_mailbox *m)
{
	size_t i;

	for (i = 0; i < m->n_sides; i++)
		cyre_listing_free(&m->sides[i].list);
	free(m->sides);
	m->sides = NULL;
	m->n_sides = 0;
}
