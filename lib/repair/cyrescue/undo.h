/*
 * cyrescue/undo.h - put back what a rebuild replaced, byte for byte
 *
 * An archive is tested whole before anything is touched. A mailbox is put back
 * when each of its files is what the rebuild left, or already what it was
 * before; one that was changed since (mail came in) is refused, unless forced.
 * Of databases each file stands for itself: a user's seen state, a quota root.
 * Done twice it does nothing the second time; killed, it is run again.
 *
 * Threads: one undo an archive at a time; it starts none.
 */
#ifndef CYRESCUE_UNDO_H
#define CYRESCUE_UNDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cyrescue/status.h>

enum cyre_undo_action {
	CYRE_UNDO_NOTHING, /* it is what it was before the rebuild */
	CYRE_UNDO_RESTORE, /* the original comes back */
	CYRE_UNDO_REMOVE,  /* the rebuild made it: there was none */
	CYRE_UNDO_MOVE,    /* goes back to its old place */
	CYRE_UNDO_CHANGED  /* neither the original nor what the rebuild left */
};

/* "nothing", "restore", …; static storage. */
CYRE_API const char *cyre_undo_action_name(enum cyre_undo_action a);

/* One file (or directory the rebuild made); strings live for the call. */
struct cyre_undo_item {
	const char *mboxname, *path;
	enum cyre_undo_action action;
	bool refused; /* nothing is done: a file of this mailbox was changed */
};

struct cyre_undo_options {
	bool dry_run; /* test and tell, touch nothing */
	bool force;   /* also over files that were changed since */
	/* Only mailboxes that are not all of what the rebuild made of them, as
	 * a kill leaves them; of the others, temporary files go. */
	bool half_done;
	const char
		*mboxname; /* only this one, as the archive has it; or NULL */
	/* The server's files are below this directory, as after --root: its
	 * absolute paths are taken there, without the root of the rebuild.
	 * NULL: where the rebuild had them. */
	const char *root;
	/* Told before anything is done, in the order of the undo. NULL: none. */
	void (*item)(void *payload, const struct cyre_undo_item *item);
	void *payload;
};

struct cyre_undo_totals {
	uint64_t restored, removed, moved, nothing; /* files */
	uint64_t directories; /* removed, which the run had made */
	uint64_t refused; /* mailboxes with a file that was changed since, and
			   * such files of databases */
};

/*
 * Undoes one archive. The server must not run (cyre_server_look() tells), or
 * its locks are held.
 *
 * CYRE_OK; CYRE_EBUSY: some mailboxes were refused, the others are done;
 * CYRE_EFORMAT: the archive is damaged, not finished or not ours, nothing was
 * touched; CYRE_EUNSUPPORTED: made by a later release; CYRE_EIO, CYRE_ENOMEM:
 * run it again when the cause is gone. `ret` is filled in any case.
 */
CYRE_API cyre_status cyre_undo(const char *archive,
	const struct cyre_undo_options *o, struct cyre_undo_totals *ret,
	struct cyre_error *reterr);

/*
 * Undoes all archives of a folder, the newest first. What is refused in one is
 * left in those before it, too; the others go on. The same, for the first
 * archive that could not be undone; CYRE_EBUSY when any had to refuse.
 */
CYRE_API cyre_status cyre_undo_folder(const char *folder,
	const struct cyre_undo_options *o, struct cyre_undo_totals *ret,
	struct cyre_error *reterr);

/*
 * The archives of a folder, newest first: the order in which to undo them.
 * CYRE_OK, CYRE_EIO, CYRE_ENOMEM; cyre_undo_list_free() the list.
 */
CYRE_API cyre_status cyre_undo_list(const char *folder, char ***ret_paths,
	size_t *ret_n, struct cyre_error *reterr);
CYRE_API void cyre_undo_list_free(char **paths, size_t n);

#endif
