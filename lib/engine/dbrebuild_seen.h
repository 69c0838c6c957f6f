/*
 * dbrebuild_seen.h - what the parts of the rebuilding of seen state share
 */
#ifndef CYRE_DBREBUILD_SEEN_H
#define CYRE_DBREBUILD_SEEN_H

#include "dbrebuild.h"

/* So many new files are one change: all of them, or none. */
#define CYRE_SEEN_BATCH 256

struct cyre_seen_run {
	struct cyre_dbrebuild *d;
	struct cyre_buf scratch;
	struct cyre_db_target targets[CYRE_SEEN_BATCH];
	size_t n;
	uint64_t counts[CYRE_SEEN_ACTIONS], files;
};

/* A user's database. */
struct cyre_seen_file {
	const struct cyre_server_file *f;
	const char *user; /* NULL: nobody tells */
	struct cyre_db_target target;
	struct cyre_db *db; /* NULL: it cannot be read */
	bool damaged;
	const struct cyre_db_entry **records; /* one a key */
	struct cyre_seen_choice *choices;
	size_t n;
};

/* dbrebuild_seen_evidence.c: d->seen knows which mailbox has, and had, which
 * uniqueid. CYRE_OK, CYRE_EIO (a donor cannot be read), CYRE_ENOMEM. */
cyre_status cyre_seen_evidence(struct cyre_dbrebuild *d);

/* dbrebuild_seen_tell.c: where a file came from, or what is wrong with it; each
 * of its records; all of them. CYRE_OK, CYRE_EIO, CYRE_ENOMEM. */
cyre_status cyre_seen_tell_source(const struct cyre_seen_run *q,
	const struct cyre_seen_file *s, struct cyre_dbreport_source *source);
cyre_status cyre_seen_tell_file(
	struct cyre_seen_run *q, const struct cyre_seen_file *s);
cyre_status cyre_seen_tell_sum(const struct cyre_seen_run *q);

#endif
