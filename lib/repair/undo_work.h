/*
 * undo_work.h - an undo of one archive, as it goes from judging to restoring
 */
#ifndef CYRE_UNDO_WORK_H
#define CYRE_UNDO_WORK_H

#include <cyrescue/undo.h>

#include "changes.h"
#include "identity.h"
#include "undo_archive.h"

#define CYRE_NO_MEMBER SIZE_MAX

struct cyre_undo_file {
	const struct cyre_done *d;
	size_t dir, to_dir; /* in undo.dirs */
	size_t member; /* CYRE_NO_MEMBER: nothing of it is in the archive */
	enum cyre_undo_action action;
	bool refused, has_tmp;
	bool left; /* of a mailbox nobody asked for */
	bool old;  /* what it was before the rebuild, perhaps of another time */
};

struct cyre_undo_work {
	const struct cyre_undo_options *o;
	struct cyre_archive_in *archive;
	struct cyre_changes changes;
	struct cyre_undo_file *items;
	struct {
		const char *root, *dir; /* as the archive has them */
		int fd;                 /* -1: not there */
	} * dirs;
	size_t n_dirs, next; /* next: item whose member may come */
	struct cyre_opener opener;
	struct cyre_hasher *hasher;
	struct cyre_undo_refused *refused; /* NULL: nobody wants to know */
	struct cyre_undo_totals *totals;
	struct cyre_error *reterr;
};

/* Where a root is now: below another root than the rebuild had, perhaps. */
const char *cyre_undo_place(const struct cyre_undo_work *u, const char *root);

/* undo_restore.c: each file by its action, but for those refused or left.
 * CYRE_OK, CYRE_EIO, CYRE_EFORMAT, CYRE_ENOMEM; run again it goes on. */
cyre_status cyre_undo_restore(struct cyre_undo_work *u);

#endif
