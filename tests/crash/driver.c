/*
 * driver.c - applies one fixed change set, or undoes it; for apply_kill.py
 *
 *   driver apply ORIGINAL TREE NEW UNDO JOURNAL BOXES [META]
 *   driver undo UNDO
 *
 * TREE is ORIGINAL or what a killed run made of it; the plan is always made from
 * ORIGINAL, as a reviewed plan would be. NEW holds the new cyrus.* files. Each of
 * the BOXES mailboxes gets all kinds of changes. With META, header and index are
 * below that root (of ORIGINAL: META.orig), to have two file systems.
 *
 * Exit status 0: done; 8: not, or not all of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cyrescue/undo.h>

#include "apply.h"
#include "scratch.h"
#include "undo_archive.h"

#define STEPS 8

static char *join(const char *a, const char *b)
{
	return scratch_path(a, b);
}

static struct cyre_slice file(const char *dir, const char *name)
{
	char *path = join(dir, name);
	struct cyre_slice s = test_read(path);

	free(path);
	return s;
}

struct roots {
	char *orig, *now;
};

static struct cyre_change change(enum cyre_change_kind kind,
	const struct roots *r, const char *dir, const char *name,
	const struct cyre_slice *bytes)
{
	struct cyre_change c = {.kind = kind,
		.root = r->now,
		.dir = dir,
		.name = name,
		.before = scratch_identity(r->orig, dir, name),
		.pieces = bytes,
		.n_pieces = bytes ? 1 : 0,
		.owner = {.uid = geteuid(), .gid = getegid(), .mode = 0640}};
	char *path = join(r->orig, dir), *full = join(path, name);
	struct stat sb;

	c.before.ino = 0; /* of the copy */
	if (stat(full, &sb) == 0)
		c.owner = (struct cyre_owner){.uid = sb.st_uid,
			.gid = sb.st_gid,
			.mode = sb.st_mode & 07777};
	free(path);
	free(full);
	return c;
}

static void plan(struct cyre_change c[STEPS], char *dir,
	const struct roots *spool, const struct roots *meta,
	const struct roots *archive, const struct cyre_slice bytes[3])
{
	c[0] = change(CYRE_CHANGE_KEEP, spool, dir, "8.", NULL);
	c[1] = change(CYRE_CHANGE_WRITE, meta, dir, "cyrus.index", &bytes[0]);
	c[2] = change(CYRE_CHANGE_WRITE, meta, dir, "cyrus.header", &bytes[1]);
	c[3] = change(CYRE_CHANGE_WRITE, spool, dir, "cyrus.cache", &bytes[2]);
	c[4] = change(
		CYRE_CHANGE_WRITE, spool, dir, "cyrus.expunge", &bytes[0]);
	c[5] = change(CYRE_CHANGE_REMOVE, spool, dir, "cyrus.index.NEW", NULL);
	c[6] = change(CYRE_CHANGE_MOVE, spool, dir, "7.", NULL);
	c[6].to_dir = join("quarantine.", dir);
	c[6].to_name = "7.";
	c[7] = change(
		CYRE_CHANGE_WRITE, archive, dir, "cyrus.cache", &bytes[2]);
}

static int apply(char **argv, int boxes, char *meta_root)
{
	struct roots spool = {join(argv[0], "spool"), join(argv[1], "spool")};
	struct roots archive = {
		join(argv[0], "archive"), join(argv[1], "archive")};
	struct roots meta = {
		meta_root ? join(meta_root, "../meta.orig") : spool.orig,
		meta_root ? meta_root : spool.now};
	const struct cyre_slice bytes[3] = {file(argv[2], "cyrus.index"),
		file(argv[2], "cyrus.header"), file(argv[2], "cyrus.cache")};
	struct cyre_apply_options o = {.undo_dir = argv[3], .run = "crash"};
	struct cyre_change *c = calloc((size_t)boxes * STEPS, sizeof(*c));
	struct cyre_change_set *sets = calloc((size_t)boxes, sizeof(*sets));
	struct cyre_error e = {0};
	cyre_status st;
	char *dir;
	int i;

	st = cyre_archive_sweep(argv[3], &e);
	if (st == CYRE_OK)
		st = cyre_journal_open(argv[4], &e, &o.journal);
	if (st != CYRE_OK)
		return 8;
	for (i = 0; i < boxes; i++) {
		dir = join("user", "box_");
		dir[strlen(dir) - 1] = (char)('a' + i);
		plan(c + i * STEPS, dir, &spool, &meta, &archive, bytes);
		sets[i] = (struct cyre_change_set){
			.mboxname = dir, .changes = c + i * STEPS, .n = STEPS};
	}
	st = cyre_apply(&o, sets, (size_t)boxes, &e);
	for (i = 0; i < boxes; i++)
		if (sets[i].status != CYRE_OK)
			st = sets[i].status;
	cyre_journal_close(o.journal);
	return st == CYRE_OK ? 0 : 8;
}

static int undo(const char *folder)
{
	struct cyre_undo_options o = {0};
	struct cyre_undo_totals t;
	struct cyre_error e = {0};
	char **paths;
	size_t i, n;
	int status = 0;

	if (cyre_undo_list(folder, &paths, &n, &e) != CYRE_OK)
		return 8;
	for (i = 0; i < n && status == 0; i++)
		if (cyre_undo(paths[i], &o, &t, &e) != CYRE_OK)
			status = 8;
	return status;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "undo"))
		return undo(argv[2]);
	if (argc >= 8 && !strcmp(argv[1], "apply"))
		return apply(argv + 2, (int)strtol(argv[7], NULL, 10),
			argc > 8 ? argv[8] : NULL);
	fprintf(stderr, "usage: see driver.c\n");
	return 16;
}
