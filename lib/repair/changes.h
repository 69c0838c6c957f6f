/*
 * changes.h - the list of changes in an undo archive, written and read
 *
 * JSON Lines. First {"format":"cyrescue-undo/1","tool":…,"run":…,"root":…}, then
 * a line a change, in the order they are made. "root" is where --root had the
 * server's files, absent without; escaped as the places are:
 *
 *   kind	write, remove, move or mkdir
 *   mboxname	for people
 *   apart	true: the file is whole without the others of this mboxname
 *   root, dir, name	the place, every byte outside A-Z a-z 0-9 - . _ / as
 *		%XX: names are bytes, and an undo must find them again
 *   to_dir, to_name	of a move
 *   before_size, before_sha256	absent: there was no file
 *   before_other	true: there was something that is no regular file
 *   after_size, after_sha256	absent: there is none
 *
 * What was there before a write or a remove is a member of the archive, with
 * owner, mode and times. What is moved is not: it is still there.
 *
 * Threads: no state.
 */
#ifndef CYRE_CHANGES_H
#define CYRE_CHANGES_H

#include "buf.h"
#include "change.h"

#define CYRE_UNDO_FORMAT "cyrescue-undo/1"

enum cyre_done_kind {
	CYRE_DONE_WRITE,
	CYRE_DONE_REMOVE,
	CYRE_DONE_MOVE,
	CYRE_DONE_MKDIR
};

/* A change as the archive tells it. `ino` of the identities is not kept. */
struct cyre_done {
	enum cyre_done_kind kind;
	const char *mboxname, *root, *dir, *name, *to_dir, *to_name;
	bool apart;
	struct cyre_identity before, after;
};

/* `root` may be NULL. */
void cyre_changes_begin(struct cyre_buf *b, const char *run, const char *root);
void cyre_changes_put(struct cyre_buf *b, const struct cyre_done *d);

struct cyre_changes {
	const char *root; /* NULL: none */
	struct cyre_done *items;
	size_t n, cap;
};

/*
 * Reads a list; places are tested (an absolute root, no "..", names of one
 * component). CYRE_OK; CYRE_EFORMAT; CYRE_EUNSUPPORTED: of a later format;
 * CYRE_ENOMEM.
 */
cyre_status cyre_changes_read(
	struct cyre_slice bytes, struct cyre_changes *ret);
void cyre_changes_free(struct cyre_changes *list);

/* root/dir/name, or root/dir for a NULL name, without doubled slashes. */
void cyre_put_place(struct cyre_buf *b, const char *root, const char *dir,
	const char *name);

#endif
