/*
 * serverdb.h - what the databases of the whole server say of a mailbox
 *
 * statuscache.db and annotations.db, reduced to a few numbers a mailbox:
 * evidence where its own files are lost. What was salvaged from a damaged
 * database counts, unless its transaction never ended.
 *
 * Add the databases, finish, then ask. Threads: read-only after
 * cyre_serverdb_finish(); share it freely.
 */
#ifndef CYRE_SERVERDB_H
#define CYRE_SERVERDB_H

#include <cyrescue/db.h>
#include <cyrescue/status.h>

#include "conf.h"
#include "bytes.h"

/* Of the entries of all users the highest. 0: not said. */
struct cyre_serverdb_status {
	char *mboxname; /* internal */
	uint64_t uidvalidity, last_uid, highestmodseq;
};

/* The annotations of one mailbox itself, not of its messages. */
struct cyre_serverdb_annotations {
	char *scope;    /* internal name, or (3.6 and later) uniqueid */
	uint64_t bytes; /* of the values */
};

struct cyre_serverdb {
	struct cyre_serverdb_status *status; /* by mboxname */
	size_t n_status, cap_status;
	struct cyre_serverdb_annotations *annotations; /* by scope */
	size_t n_annotations, cap_annotations;
	bool has_annotations; /* annotations.db could be read */
	/* The first release that writes such entries: the server is no older.
	 * 0: there are none. */
	cyre_release since;
};

/* What a database has, however damaged it is. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_serverdb_add_status(
	struct cyre_serverdb *db, const struct cyre_db *from);
cyre_status cyre_serverdb_add_annotations(
	struct cyre_serverdb *db, const struct cyre_db *from);
void cyre_serverdb_finish(struct cyre_serverdb *db);
void cyre_serverdb_free(struct cyre_serverdb *db);

/* NULL: there is none. */
const struct cyre_serverdb_status *cyre_serverdb_find_status(
	const struct cyre_serverdb *db, const char *mboxname);
/* By uniqueid or name, either may be NULL; 0: there are none. */
uint64_t cyre_serverdb_annotation_bytes(const struct cyre_serverdb *db,
	const char *mboxname, const char *uniqueid);

#endif
