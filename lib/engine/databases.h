/*
 * databases.h - the files of the configdirectory that a scan checks
 */
#ifndef CYRE_DATABASES_H
#define CYRE_DATABASES_H

#include "run.h"

/* One of them. */
struct cyre_dbfile {
	const struct cyre_server_file *file;
	char *userid; /* whose; NULL: the server's, or not known */
};

/*
 * r->dbfiles: what is in use, or was left by an interrupted rewrite, and is of
 * a user the run is about; what is the server's when the run is about all of
 * it. CYRE_OK, CYRE_ENOMEM.
 */
cyre_status cyre_databases_list(struct cyre_run *r);

/* The owner of a file; *ret NULL when it has none, or nobody tells. CYRE_OK,
 * CYRE_ENOMEM. */
cyre_status cyre_database_owner(
	const struct cyre_run *r, const struct cyre_server_file *f, char **ret);
/* A user's files go with his INBOX; what is of no user, with all of the server.
 * CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_database_selected(const struct cyre_run *r,
	const struct cyre_select *select, const char *userid,
	struct cyre_buf *scratch, bool *ret);

/* Findings of the file, in the worker's hands. CYRE_OK, CYRE_ECANCELED,
 * CYRE_ENOMEM. */
cyre_status cyre_databases_check(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_dbfile *d, struct cyre_findings *found);

/* databases_lost.c. A file that has no bytes, and is not text. */
void cyre_databases_no_bytes(const struct cyre_run *r,
	const struct cyre_server_file *f, struct cyre_findings *found);
/* A server that has lost its annotations.db. */
void cyre_databases_miss(struct cyre_run *r);

/* databases_cross.c. The ids of all mailboxes, before any is left out; after
 * the judge, those they had under an old server. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_ids_collect(struct cyre_run *r);
cyre_status cyre_ids_reckon(struct cyre_run *r);
/* Seen records and subscriptions of no mailbox. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_databases_seen(const struct cyre_run *r,
	const struct cyre_db *db, struct cyre_buf *scratch,
	struct cyre_findings *found);
cyre_status cyre_databases_subscriptions(const struct cyre_run *r,
	const struct cyre_db *db, const char *userid, struct cyre_buf *scratch,
	struct cyre_findings *found);

#endif
