/*
 * rebuild_quarantine.c - what a plan takes out of a mailbox, as moves
 *
 * From DIR below the root of a partition to CYRE_QUARANTINE/DIR below the same
 * root: a rename, so that owner, mode and bytes stay, and undo is a rename too.
 * Says what each was, as for the files that are written.
 */
#include "rebuild.h"

#include <errno.h>
#include <stdlib.h>

#define SAME_NAMES 1000 /* of one file, from so many runs */

struct mover {
	struct cyre_rebuild *rb;
	struct cyre_worker *w;
	const struct cyre_mailbox *m;
	struct cyre_rebuild_box *box;
};

/* The root below which it stands; -1: nowhere any more. */
static int32_t root_of(const struct mover *v, const struct cyre_plan_move *move)
{
	const struct cyre_catalog *c = v->rb->run.catalog;
	const struct cyre_partition_roots *roots =
		&c->partitions[v->m->partition];
	size_t i;

	if (move->file == CYRE_FILE_MESSAGE)
		return move->message.side == CYRE_SIDE_ARCHIVE ? roots->archive
							       : roots->data;
	for (i = 0; i < v->m->n_sides; i++)
		if (v->m->sides[i].list.not_files >> move->file & 1)
			return (int32_t)v->m->sides[i].root;
	return -1;
}

/* What an earlier run moved there keeps its name. */
static cyre_status find_name(const struct mover *v, int32_t root,
	struct cyre_rebuild_move *names, struct cyre_error *e)
{
	struct cyre_opener *o = &v->w->gatherer.opener;
	struct cyre_file_info info;
	cyre_status st;
	unsigned i;
	int dir;

	snprintf(names->to_name, sizeof(names->to_name), "%s", names->name);
	st = cyre_dir_open(o, v->rb->run.catalog->roots[root].fd,
		v->box->quarantine, &dir, e);
	if (st != CYRE_OK)
		return e->errnum == ENOENT ? CYRE_OK : st;
	for (i = 1; i <= SAME_NAMES; i++) {
		st = cyre_file_stat(o, dir, names->to_name, &info, e);
		if (st != CYRE_OK)
			break;
		snprintf(names->to_name, sizeof(names->to_name), "%s~%u",
			names->name, i);
	}
	close(dir);
	return st != CYRE_OK && e->errnum == ENOENT ? CYRE_OK : CYRE_EIO;
}

static cyre_status identify(const struct mover *v,
	const struct cyre_plan_move *move, struct cyre_identity *ret)
{
	struct cyre_slice bytes;
	cyre_status st;

	*ret = (struct cyre_identity){.exists = true, .other = true};
	if (move->file != CYRE_FILE_MESSAGE)
		return CYRE_OK;
	st = cyre_gather_message(&v->w->gatherer, &move->message, &bytes);
	if (st != CYRE_OK)
		return st;
	ret->other = false;
	ret->size = bytes.n;
	st = cyre_sha256(v->w->hasher, bytes, ret->sha256);
	cyre_gather_forget(&v->w->gatherer);
	return st;
}

static cyre_status add(const struct mover *v, const struct cyre_plan_move *move,
	struct cyre_rebuild_move *names)
{
	struct cyre_change *c = &v->box->changes[v->box->n_changes];
	int32_t root = root_of(v, move);
	struct cyre_error e = {0};
	cyre_status st;

	if (root < 0)
		return CYRE_EIO;
	if (move->file == CYRE_FILE_MESSAGE)
		snprintf(names->name, sizeof(names->name), "%u.",
			move->message.uid);
	else
		snprintf(names->name, sizeof(names->name), "%s",
			cyre_file_name(move->file));
	*c = (struct cyre_change){.kind = CYRE_CHANGE_MOVE,
		.root = v->rb->root_paths[root],
		.dir = v->m->dir,
		.name = names->name,
		.to_dir = v->box->quarantine,
		.to_name = names->to_name};
	st = find_name(v, root, names, &e);
	if (st == CYRE_OK)
		st = identify(v, move, &c->before);
	v->box->n_changes += st == CYRE_OK;
	return st;
}

cyre_status cyre_rebuild_moves(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_mailbox *m, struct cyre_rebuild_box *box)
{
	struct mover v = {.rb = rb, .w = w, .m = m, .box = box};
	const struct cyre_plan *p = &box->plan;
	cyre_status st = CYRE_OK;
	size_t i;

	if (!p->n_moves)
		return CYRE_OK;
	box->moves = calloc(p->n_moves, sizeof(*box->moves));
	if (!box->moves || asprintf(&box->quarantine, "%s%s%s", CYRE_QUARANTINE,
				   *m->dir ? "/" : "", m->dir) < 0)
		return CYRE_ENOMEM;
	for (i = 0; st == CYRE_OK && i < p->n_moves; i++)
		st = add(&v, &p->moves[i], &box->moves[i]);
	return st;
}
