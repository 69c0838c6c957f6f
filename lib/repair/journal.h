/*
 * journal.h - what a run began and what it finished, true after any kill
 *
 * JSON Lines beside the report, added to and never rewritten. A mailbox has an
 * intent line before the first of its files is touched, and a done (or failed)
 * line after the last. Intent lines are on the disk before the first rename,
 * done lines after the renames are. So a mailbox with
 *   done		is what the plan made of it,
 *   failed		is what it was, unless "changed" is true,
 *   intent alone	may be either, or in between: look at it again; its
 *			originals are in the archive the line names.
 *
 * Threads: a journal is shared by all workers.
 */
#ifndef CYRE_JOURNAL_H
#define CYRE_JOURNAL_H

#include <stdbool.h>

#include <cyrescue/status.h>

#include "bytes.h"

enum cyre_journal_state {
	CYRE_JOURNAL_INTENT,
	CYRE_JOURNAL_DONE,
	CYRE_JOURNAL_FAILED
};

struct cyre_journal_line {
	enum cyre_journal_state state;
	const char *mboxname;
	const char *run;                /* NULL: not said */
	const char *archive;            /* intent: file name; NULL: none */
	bool changed;                   /* done, failed */
	cyre_status status;             /* failed */
	const struct cyre_error *error; /* failed; NULL: none */
};

struct cyre_journal;

/*
 * Opens or makes the file. A line a kill left unfinished is ended, so that what
 * follows it can be read. CYRE_OK; CYRE_EBUSY: another run writes it; CYRE_EIO;
 * CYRE_ENOMEM.
 */
cyre_status cyre_journal_open(
	const char *path, struct cyre_error *reterr, struct cyre_journal **ret);
/* Adds the lines, in one write, and syncs. On failure none of them is there,
 * as far as the disk lets us. CYRE_OK, CYRE_EIO, CYRE_ENOMEM. */
cyre_status cyre_journal_put(struct cyre_journal *j,
	const struct cyre_journal_line *lines, size_t n,
	struct cyre_error *reterr);
void cyre_journal_close(struct cyre_journal *j);

/*
 * Calls `each` for every line of ours in the bytes of a journal; what cannot be
 * read (torn by a kill) or is of another kind is passed over. Strings live for
 * the call. Other than CYRE_OK from it ends the reading and is returned.
 */
cyre_status cyre_journal_read(struct cyre_slice bytes,
	cyre_status (*each)(
		void *payload, const struct cyre_journal_line *line),
	void *payload);

#endif
