/*
 * rebuild_marks.h - whose read marks there are, by the uniqueid of the mailbox
 *
 * The key of a read mark is the uniqueid, and up to 2.5 that is made of the
 * mailbox's name and UIDVALIDITY: so what users have read tells the identity of
 * a mailbox that lost all its files.
 */
#ifndef CYRE_REBUILD_MARKS_H
#define CYRE_REBUILD_MARKS_H

#include "outside.h"
#include "run.h"

struct cyre_confdir;

struct cyre_marks {
	struct cyre_read_mark *items; /* by cyre_read_mark_compare() */
	size_t n, cap;
	bool own; /* the ids are copies */
};

/* The marks of one user; they borrow from `seen`. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_marks_of_user(
	const struct cyre_db *seen, struct cyre_marks *ret);
/*
 * Those of all users that can be of a shared mailbox of this run: reads every
 * seen database there is. CYRE_OK, CYRE_ENOMEM, CYRE_ECANCELED.
 */
cyre_status cyre_marks_shared(const struct cyre_run *r,
	const struct cyre_confdir *confdir, struct cyre_worker *w,
	uint64_t limit, struct cyre_marks *ret);
void cyre_marks_free(struct cyre_marks *m);

#endif
