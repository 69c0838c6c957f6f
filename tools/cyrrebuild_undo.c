/*
 * cyrrebuild_undo.c - cyrrebuild --undo: put back what an archive holds
 *
 * Looks whether a server runs, calls the library, prints each file. Manual:
 * docs/man/cyrrebuild.8.
 */
#include "cyrrebuild_undo.h"

#include <cyrescue/rebuild.h>
#include <cyrescue/undo.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/run.h"

#define TOOL "cyrrebuild"

static void show_item(void *payload, const struct cyre_undo_item *item)
{
	const struct cyrrebuild_undo *u = payload;
	char *name, *path;

	if (u->common->quiet && item->action != CYRE_UNDO_CHANGED)
		return;
	name = cyre_visible(item->mboxname ? item->mboxname : "-");
	path = cyre_visible(item->path);
	printf("%s%s\t%s\t%s\n", item->refused ? "refused: " : "",
		cyre_undo_action_name(item->action), name ? name : "?",
		path ? path : "?");
	free(name);
	free(path);
}

/* The configdirectory that has this archive or folder of archives: that of a
 * server unless the folder was named with --undo-dir. NULL: it has none. */
static char *confdir_of(const char *undo)
{
	char *path = realpath(undo, NULL), *name;

	while (path && (name = strrchr(path, '/')) && name != path) {
		*name = '\0';
		if (!strcmp(name + 1, CYRE_UNDO_FOLDER))
			return path;
	}
	free(path);
	return NULL;
}

/* Where the archive is, and where the options say, or imapd.conf is wont to be:
 * one can be undone without any. */
static cyre_status look_for_server(
	const struct cyrrebuild_undo *u, struct cyre_error *reterr)
{
	char *confdir = confdir_of(u->archive);
	struct cyre_source_place place = {.confdir = confdir};
	cyre_status st = CYRE_OK;
	size_t i, n = 0;

	if (confdir)
		st = cyre_server_look(&place, reterr);
	free(confdir);
	if (cyre_tool_has_place(u->common))
		n = cyre_tool_places(TOOL, u->common);
	for (i = 0; i < n && st == CYRE_OK; i++) {
		place = cyre_tool_place(u->common, i);
		st = cyre_server_look(&place, reterr);
	}
	return st;
}

int cyrrebuild_undo(const struct cyrrebuild_undo *u)
{
	struct cyre_undo_options o = {.dry_run = u->dry_run,
		.force = u->force,
		.root = u->common->root,
		.item = show_item,
		.payload = (void *)(uintptr_t)u};
	struct cyre_undo_totals n = {0};
	struct cyre_error err = {0};
	struct stat sb;
	cyre_status st;

	st = u->dry_run || u->offline ? CYRE_OK : look_for_server(u, &err);
	if (st != CYRE_OK) {
		cyre_tool_explain(TOOL, st, &err);
		return EXIT_NOT_DONE;
	}
	if (stat(u->archive, &sb) == 0 && S_ISDIR(sb.st_mode))
		st = cyre_undo_folder(u->archive, &o, &n, &err);
	else
		st = cyre_undo(u->archive, &o, &n, &err);
	printf("%" PRIu64 " restored, %" PRIu64 " removed, %" PRIu64
	       " moved back, %" PRIu64 " as they were, %" PRIu64 " refused%s\n",
		n.restored, n.removed, n.moved, n.nothing, n.refused,
		u->dry_run ? " (dry run: nothing was done)" : "");
	if (st == CYRE_OK)
		return EXIT_CLEAN;
	if (st == CYRE_EBUSY && n.refused)
		return EXIT_PROBLEMS;
	cyre_tool_explain(TOOL, st, &err);
	return EXIT_NOT_DONE;
}
