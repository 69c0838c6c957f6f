/*
 * apply.h - make the changes of a batch of mailboxes, or leave them as they were
 *
 * For each mailbox all of its changes are made, or none. Originals are in a
 * synced undo archive, and the intent in a synced journal, before the first
 * file is replaced. A kill at any point leaves what a second apply of the same
 * changes completes: a file that already has its new bytes is taken as done.
 * apply.c explains which states can be seen in between.
 *
 * The server must not run, or the caller holds its locks (lock.h) since before
 * the files were read for the plan.
 *
 * Threads: workers may apply at the same time, each its own mailboxes; they
 * share the journal.
 */
#ifndef CYRE_APPLY_H
#define CYRE_APPLY_H

#include "change.h"
#include "journal.h"

/* Mailboxes a batch should have: enough to share the syncs, few enough for the
 * descriptors they hold open. */
#define CYRE_APPLY_BATCH 32

struct cyre_apply_options {
	const char *undo_dir; /* folder for the batch's archive; exists */
	const char *run;      /* for journal and archive; may be NULL */
	const char *root;     /* --root, for the archive; may be NULL */
	struct cyre_journal *journal; /* NULL: none */
};

/*
 * Fills status, error and changed of every set. A set is
 *   CYRE_OK	done (or had nothing to do: changed is false);
 *   CYRE_EBUSY	refused: a file is not what the plan was made on, or another
 *		run is at work there; error.path names it;
 *   CYRE_EIO, CYRE_ENOMEM	the system refused. The files are what they
 *		were, unless changed is true: then they are the new ones, and
 *		taking away the temporary files failed;
 *   CYRE_EUSAGE	a change makes no sense.
 *
 * Returns CYRE_OK when every set could be worked on; else what stopped the
 * whole batch (archive, journal, sync), which is in every set it hurt as well.
 * When only the closing lines of the journal could not be written that is
 * CYRE_EIO with sets that are CYRE_OK.
 */
cyre_status cyre_apply(const struct cyre_apply_options *o,
	struct cyre_change_set *sets, size_t n, struct cyre_error *reterr);

#endif
