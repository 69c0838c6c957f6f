/*
 * outside.h - what other files than a mailbox's own know of it
 *
 * Read by the engine from the databases of the server and of the owner, used by
 * the plan where the mailbox's own files no longer say (docs/design.md section
 * 5). Plain data, borrowed; a field that is 0 or empty: nothing is known.
 */
#ifndef CYRE_OUTSIDE_H
#define CYRE_OUTSIDE_H

#include <cyrescue/db.h>

#include "bytes.h"

/* A message as the owner's conversations.db has it. */
struct cyre_known_message {
	uint32_t folder, uid; /* folder: the place in its list */
	uint8_t guid[20];
	bool has_flags;        /* those, and the date: since 3.2 */
	bool doubtful;         /* from before a gap in a damaged database */
	uint32_t flags;        /* as in a record: system and internal ones */
	uint64_t internaldate; /* nanoseconds */
	uint64_t cid;
};

/* A mailbox that somebody has read, by its uniqueid. */
struct cyre_read_mark {
	struct cyre_slice id;
	uint64_t last_uid; /* the highest there was then */
};

/* By id; of those with the same id any may be the first. For qsort(). */
static inline int cyre_read_mark_compare(const void *va, const void *vb)
{
	const struct cyre_read_mark *a = va, *b = vb;

	return cyre_slice_compare(a->id, b->id);
}

struct cyre_outside {
	/* Of this mailbox, by uid. */
	const struct cyre_known_message *messages;
	size_t n_messages;
	/* The owner's seen state, up to 2.3 the only place of \Seen. */
	const struct cyre_db *seen;
	/* Of the owner, or for a shared mailbox of all users those that can be
	 * of it; sorted by cyre_read_mark_compare(). */
	const struct cyre_read_mark *marks;
	size_t n_marks;
	/* statuscache.db */
	uint64_t status_uidvalidity, status_last_uid, status_modseq;
	/* The owner's counters: the highest given out in all his mailboxes. */
	uint64_t counter_uidvalidity, counter_modseq;
	/* annotations.db could be read; those of the mailbox itself. */
	bool has_annotations;
	uint64_t annotation_bytes;
};

#endif
