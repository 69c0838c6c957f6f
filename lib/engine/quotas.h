/*
 * quotas.h - quota roots: which there are, and what their mailboxes add up to
 */
#ifndef CYRE_QUOTAS_H
#define CYRE_QUOTAS_H

#include "run.h"

/* quotas.db, when the server uses it and it is there. */
const struct cyre_server_file *cyre_quotas_file(const struct cyre_run *r);
/* What kind of file it is: CYRE_DB_QUOTALEGACY: none, but a file for each root;
 * CYRE_DB_NONE: its bytes tell. */
enum cyre_db_format cyre_quotas_format(const struct cyre_run *r);
/* From the names of the files, or quotas.db, which is read. CYRE_OK, ENOMEM. */
cyre_status cyre_quotas_load(struct cyre_run *r);
void cyre_quotas_free(struct cyre_quotas *q);

/* NULL: there is none of this name. */
struct cyre_quota_sum *cyre_quotas_find(
	const struct cyre_quotas *q, struct cyre_slice root);
/* The longest root at or above a mailbox; NULL: none. */
struct cyre_quota_sum *cyre_quotas_above(
	const struct cyre_quotas *q, struct cyre_slice mboxname);

/* Is the quota root of a mailbox one there is, and the right one? Without
 * r->cross: of those there are, the right one? */
void cyre_quotas_check_root(const struct cyre_run *r,
	const struct cyre_candidate *c, const struct cyre_judgement *j,
	struct cyre_findings *found);
/* Keeps what the mailbox adds to its root in c->counts. */
void cyre_quotas_note(const struct cyre_run *r, struct cyre_candidate *c,
	const struct cyre_judgement *j, const struct cyre_findings *found);
/* Adds up all mailboxes. */
void cyre_quotas_count(struct cyre_run *r);
/* What a root's record says against that. */
void cyre_quotas_check(const struct cyre_quotas *q,
	const struct cyre_quota_sum *root, struct cyre_findings *found);

#endif
