/*
 * match.h - entries of mailboxes.db and directories, each to its other
 */
#ifndef CYRE_MATCH_H
#define CYRE_MATCH_H

#include "run.h"

/*
 * Gives each candidate the entry by which the server finds its directory, and
 * adds a candidate for each entry whose directory is not there. What is wrong
 * with partitions as a whole is reported. For all mailboxes, before any is left
 * out. CYRE_OK, CYRE_ENOMEM.
 */
cyre_status cyre_match_entries(struct cyre_run *r);
/* The entry by which the server finds this directory, on whatever partition;
 * NULL: there is none. */
const struct cyre_mboxdb_entry *cyre_match_entry_of(
	const struct cyre_run *r, const struct cyre_mailbox *m);
/* What that means for one mailbox. */
void cyre_match_complain(const struct cyre_run *r,
	const struct cyre_candidate *c, struct cyre_findings *found);

/* identify.c: owner and selection of a candidate that has its name. */
cyre_status cyre_identify_owner(
	struct cyre_run *r, struct cyre_worker *w, struct cyre_candidate *c);

/* left_behind.c: tells of what is no mailbox any more, and leaves it out of
 * r->candidates. Before entries are matched. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_drop_left_behind(struct cyre_run *r);

#endif
