/*
 * mboxdb.h - mailboxes.db as evidence: what it says of each mailbox
 *
 * Every generation of keys and values (docs/formats/mailboxes-db.md), read
 * strictly or, when damaged, salvaged. Names are internal (`user.ann.Sent`).
 *
 * Threads: read-only once made; share it freely.
 */
#ifndef CYRE_MBOXDB_H
#define CYRE_MBOXDB_H

#include <cyrescue/db.h>
#include <cyrescue/finding.h>

#include "conf.h"
#include "bytes.h"

struct cyre_mboxdb_entry {
	char *name;
	char *uniqueid; /* NULL: before 2.5, or lost */
	char *jmapid;   /* 3.13 */
	char *acl;      /* identifier TAB rights TAB … */
	char *partition;
	char type;            /* 'e' for mail */
	uint32_t flags;       /* CYRE_MBOX_* of mboxlist.h */
	uint64_t uidvalidity; /* 0: not said */
	uint64_t foldermodseq;
};

struct cyre_mboxdb {
	struct cyre_mboxdb_entry *entries; /* by name */
	size_t n, cap;
	struct cyre_mboxdb_entry **by_id; /* those with a uniqueid */
	size_t n_ids;
	/* The first release that writes such entries: the server is no older.
	 * 0: there are none. */
	cyre_release since;
	bool is_new; /* of 3.6 or later */
};

/*
 * CYRE_OK, however damaged it is (`found`); CYRE_EFORMAT: no database;
 * CYRE_EUNSUPPORTED: of a kind only its own library reads; CYRE_ENOMEM.
 */
cyre_status cyre_mboxdb_read(struct cyre_slice bytes,
	struct cyre_findings *found, struct cyre_mboxdb **ret);
/* The same of one that is open; it may be freed then. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_mboxdb_of(
	const struct cyre_db *from, struct cyre_mboxdb **ret);
void cyre_mboxdb_free(struct cyre_mboxdb *db); /* NULL is fine */

/* NULL: there is none. */
const struct cyre_mboxdb_entry *cyre_mboxdb_by_name(
	const struct cyre_mboxdb *db, const char *name);
const struct cyre_mboxdb_entry *cyre_mboxdb_by_id(
	const struct cyre_mboxdb *db, const char *uniqueid);
/* The server finds the directory by the uniqueid (3.6+), not by the name. */
bool cyre_mboxdb_leads_by_id(
	const struct cyre_mboxdb *db, const struct cyre_mboxdb_entry *e);

#endif
