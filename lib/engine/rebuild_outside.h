/*
 * rebuild_outside.h - reading what other files than a mailbox's own know of it
 *
 * What is the server's is read once, before the first mailbox. What is a user's
 * is read when the first of his mailboxes needs it and kept until another
 * user's does: a user's mailboxes stay together. Each worker has its own, so
 * that nobody waits.
 */
#ifndef CYRE_REBUILD_OUTSIDE_H
#define CYRE_REBUILD_OUTSIDE_H

#include <pthread.h>

#include "outside.h"
#include "rebuild_marks.h"
#include "run.h"
#include "serverdb.h"
#include "userdb.h"

struct cyre_confdir;

/* One user, as a worker has him. All zero: nobody. */
struct cyre_user_files {
	char *userid;
	struct cyre_known_message *known; /* by folder, uid */
	size_t n_known, cap_known;
	struct cyre_buf folder_bytes; /* the value of $FOLDER_NAMES or _IDS */
	struct cyre_conv_folders folders;
	struct cyre_buf seen_bytes;
	struct cyre_db *seen;
	struct cyre_marks marks;
	struct cyre_counters counters;
	uint64_t too_big; /* bytes of a database that was not read */
};

struct cyre_outside_files {
	const struct cyre_confdir *confdir; /* the run's */
	struct cyre_serverdb server;
	struct cyre_user_files *users; /* by worker */
	uint64_t limit;                /* bytes of a user's database */
	/* Read when the first shared mailbox asks, which few do. */
	pthread_mutex_t lock;
	bool shared_known;
	struct cyre_marks shared;
};

/* What cannot be used is evidence less: CYRE_OK, but for what ends the run. */
static inline cyre_status cyre_outside_only_ends(cyre_status st)
{
	return st == CYRE_ENOMEM || st == CYRE_ECANCELED ? st : CYRE_OK;
}

/*
 * rebuild_outside_user.c: the files of whoever `c` belongs to, into `u`, which
 * may have somebody else's. CYRE_OK, CYRE_ENOMEM, CYRE_ECANCELED.
 */
cyre_status cyre_user_files_load(const struct cyre_run *r,
	const struct cyre_outside_files *f, struct cyre_worker *w,
	const struct cyre_candidate *c, struct cyre_user_files *u);
void cyre_user_files_free(struct cyre_user_files *u);

/* CYRE_OK, however damaged the databases are; CYRE_ENOMEM, CYRE_ECANCELED. */
cyre_status cyre_outside_open(
	const struct cyre_run *r, struct cyre_outside_files *ret);
void cyre_outside_close(const struct cyre_run *r, struct cyre_outside_files *f);

/*
 * What is known of a mailbox, valid until the worker asks for another.
 * `header_id`: the uniqueid in its cyrus.header, may be empty. A database that
 * is too large for the memory there is makes a finding. CYRE_OK, CYRE_ENOMEM,
 * CYRE_ECANCELED.
 */
cyre_status cyre_outside_get(const struct cyre_run *r,
	struct cyre_outside_files *f, struct cyre_worker *w,
	const struct cyre_candidate *c, struct cyre_slice header_id,
	struct cyre_findings *found, struct cyre_outside *ret);

#endif
