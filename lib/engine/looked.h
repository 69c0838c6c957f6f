/*
 * looked.h - what a scan read of each mailbox, for one that comes right behind it
 *
 * A rebuild looks at what databases and mailboxes say of each other when the
 * mailboxes are done, and again behind each database it wrote. Where nothing was
 * written to a mailbox in between, the later scan takes the directories, and the
 * names and ids in their headers, as the earlier one found them; between two
 * looks it reads of the rest only what was not in order, or of which the
 * databases say something else than they did. The databases it reads again.
 *
 * Threads: workers use it for a mailbox each.
 */
#ifndef CYRE_LOOKED_H
#define CYRE_LOOKED_H

#include "run.h"

/* By mailbox of the catalog. */
struct cyre_looked_mailbox {
	bool identified, agreed;
	char *name, *uniqueid;       /* of path and header; NULL: none */
	uint8_t said[CYRE_SHA1_LEN]; /* of what the databases said */
	struct cyre_counts counts;
};

/* All zero: nothing was looked at. */
struct cyre_looked {
	struct cyre_catalog *catalog; /* NULL: not to be had */
	struct cyre_conf *conf;       /* which the catalog borrows from */
	struct cyre_looked_mailbox *mailboxes;
	size_t n;
};

/* Phases in place of cyre_run_discover(), and behind the last one. */
cyre_status cyre_looked_discover(struct cyre_run *r);
cyre_status cyre_looked_keep(struct cyre_run *r);

/* These do nothing in a run without r->looked. */

/* Name and id of candidate number `i` of the catalog. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_looked_identify(const struct cyre_run *r, size_t i,
	struct cyre_candidate *c, bool *ret);
cyre_status cyre_looked_note_identity(
	struct cyre_run *r, size_t i, const struct cyre_candidate *c);

/* True: it was in order, is it still, and c->counts are what they were. */
bool cyre_looked_agrees(const struct cyre_run *r, struct cyre_worker *w,
	struct cyre_candidate *c);
void cyre_looked_note(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_candidate *c, const struct cyre_findings *found);

void cyre_looked_free(struct cyre_looked *l);

#endif
