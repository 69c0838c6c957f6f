/*
 * mbox_merge.h - mailboxes.db from everything that speaks of a mailbox
 *
 * Pure: claims in, entries out. The caller adds, in this order, the records of
 * the database itself, the directories with what their headers and indexes say,
 * then copies of the database, the newest first; cyre_mbox_merge_finish()
 * decides. What a record that is intact says stays as it is, byte for byte,
 * unless the disk proves it wrong: a directory elsewhere, in the other layout,
 * with a header of another id or an index of another UIDVALIDITY. Of anything
 * else the strongest source of each field counts (docs/design.md section 5), and
 * an entry is made
 *
 *  - for every directory of a mailbox;
 *  - for what has no directory, but only the copies tell: entries of other
 *    servers, tombstones, and parents of mailboxes without a directory.
 *
 * A copy's entry of a mailbox that has no directory is not taken: it may have
 * been deleted since. Identities are never made up.
 *
 * Threads: one thread at a time.
 */
#ifndef CYRE_MBOX_MERGE_H
#define CYRE_MBOX_MERGE_H

#include <cyrescue/db.h>

#include "arena.h"
#include "mboxlist_write.h"

/* Who says so; the lower the stronger. */
enum cyre_mbox_source {
	CYRE_MBOX_NOBODY,
	CYRE_MBOX_DATABASE, /* an intact record of mailboxes.db */
	CYRE_MBOX_HEADER,
	CYRE_MBOX_INDEX,
	CYRE_MBOX_DIRECTORY, /* where it lies */
	CYRE_MBOX_SALVAGED,  /* a doubtful record of mailboxes.db */
	CYRE_MBOX_LEFTOVER,  /* mailboxes.db.NEW */
	CYRE_MBOX_DONOR,     /* a copy that the administrator names */
	CYRE_MBOX_BACKUP,    /* db.backup1, db.backup2 */
	CYRE_MBOX_DUMP,      /* of ctl_mboxlist -d */
	CYRE_MBOX_RULE,      /* a fixed rule: may differ from what was lost */
	CYRE_MBOX_SOURCES
};
/* "mailboxes.db", "cyrus.header", … */
const char *cyre_mbox_source_name(enum cyre_mbox_source s);

#define CYRE_MBOX_FIELDS(X)                                                    \
	X(TYPE, "type")                                                        \
	X(UNIQUEID, "uniqueid")                                                \
	X(JMAPID, "jmapid")                                                    \
	X(PARTITION, "partition")                                              \
	X(SERVER, "server")                                                    \
	X(UIDVALIDITY, "uidvalidity")                                          \
	X(CREATEDMODSEQ, "createdmodseq")                                      \
	X(FOLDERMODSEQ, "foldermodseq")                                        \
	X(MTIME, "mtime")                                                      \
	X(ACL, "acl")                                                          \
	X(HISTORY, "history")

enum cyre_mbox_field {
#define X(name, text) CYRE_MBOX_F_##name,
	CYRE_MBOX_FIELDS(X)
#undef X
		CYRE_MBOX_FIELD_COUNT
};
const char *cyre_mbox_field_name(enum cyre_mbox_field f);
/* The value in words, appended; nothing for one that is absent. */
void cyre_mbox_put_field(struct cyre_buf *b, const struct cyre_mbox *m,
	enum cyre_mbox_form form, enum cyre_mbox_field f);

enum cyre_mbox_action {
	CYRE_MBOX_KEPT,
	CYRE_MBOX_ADDED,
	CYRE_MBOX_CHANGED,
	CYRE_MBOX_NOT_ASKED,    /* not taken: see `leave` */
	CYRE_MBOX_NO_DIRECTORY, /* not taken: only copies tell of it */
	CYRE_MBOX_NO_UNIQUEID,  /* not taken: this form needs one */
	CYRE_MBOX_BAD_NAME,     /* not taken: no mailbox can have this name */
	CYRE_MBOX_ACTIONS
};
/* "kept", "added", … */
const char *cyre_mbox_action_name(enum cyre_mbox_action a);

/* A mailbox's directory. Slices are copied; empty: not known. */
struct cyre_mbox_dir {
	struct cyre_slice name;     /* internal */
	struct cyre_slice uniqueid; /* of its path, else of its header */
	struct cyre_slice partition;
	bool by_path; /* its path says the name, not the id */
	struct cyre_slice acl, jmapid, type; /* of its header */
	bool has_acl;
	uint64_t uidvalidity, createdmodseq, highestmodseq; /* of its index */
	uint64_t last_appenddate; /* the newer of two wins */
	int64_t header_ns;        /* when its header was written */
};

/* What may be left as it is, where only part of the work is asked for. */
enum cyre_mbox_leave {
	CYRE_MBOX_LEAVE_NEW = 1,       /* entries that are not there */
	CYRE_MBOX_LEAVE_PARTITION = 2, /* where it lies, and in which layout */
	CYRE_MBOX_LEAVE_UIDVALIDITY = 4, /* the index has another */
	CYRE_MBOX_LEAVE_UNIQUEID = 8,    /* the header has another */
	CYRE_MBOX_LEAVE_TWICE = 16,      /* … and this one another mailbox */
	CYRE_MBOX_LEAVE_RESERVED = 32,   /* making it was interrupted */
	CYRE_MBOX_LEAVE_SISTER = 64,     /* its record by id says otherwise */
	CYRE_MBOX_LEAVE_TWIN = 128       /* a new one with another's uniqueid */
};

struct cyre_mbox_entry {
	struct cyre_mbox m;                    /* name: internal */
	uint8_t origin[CYRE_MBOX_FIELD_COUNT]; /* enum cyre_mbox_source */
	enum cyre_mbox_action action;
	unsigned left; /* enum cyre_mbox_leave: would have been done */
	const struct cyre_mbox_dir *dir; /* NULL: it has none */
	int64_t acl_ns; /* when the copy was made that the ACL is from */
	/* Its records as the database has them, or empty; since 3.6 two. */
	struct cyre_slice key, value, id_key, id_value;
};

struct cyre_mbox_merge_options {
	enum cyre_mbox_form old; /* of the database, if there is one */
	/* Nothing of the database is lost: what was replayed is the last word.
	 * Else a later change may have been in the part that is gone. */
	bool complete;
	bool damaged;   /* its file is: it is written again in any case */
	unsigned leave; /* enum cyre_mbox_leave; 0: everything is done */
	uint64_t now;   /* seconds since 1970 */
	/* What is not wanted stays as it is; NULL: all is wanted. */
	bool (*wanted)(void *payload, const struct cyre_mbox *m);
	/* Whose mailbox this is, appended; nothing for a shared one. */
	void (*owner)(
		void *payload, struct cyre_slice name, struct cyre_buf *ret);
	void *payload;
};

struct cyre_mbox_merge;

/* What the name of a mailbox says of its type: 'c' for a calendar …, else 'e'. */
char cyre_mbox_type_by_name(struct cyre_slice name);

/* CYRE_OK, CYRE_ENOMEM. The options are copied. */
cyre_status cyre_mbox_merge_new(
	const struct cyre_mbox_merge_options *o, struct cyre_mbox_merge **ret);
void cyre_mbox_merge_free(struct cyre_mbox_merge *g); /* NULL is fine */

/*
 * The database as it was read or salvaged, for its records that are sure; it
 * and its bytes must live as long as the merge. CYRE_OK, CYRE_ENOMEM.
 */
cyre_status cyre_mbox_merge_database(
	struct cyre_mbox_merge *g, const struct cyre_db *db);
/* CYRE_OK; CYRE_EUSAGE: neither a name nor an id that anybody knows;
 * CYRE_ENOMEM. */
cyre_status cyre_mbox_merge_dir(
	struct cyre_mbox_merge *g, const struct cyre_mbox_dir *dir);
/*
 * An entry of a copy. `ns`: when the copy was made, nanoseconds since 1970, or
 * 0: not known. A change of an ACL writes the header, too: a copy of the
 * database that was made after the header is the better witness.
 * CYRE_OK, CYRE_ENOMEM.
 */
cyre_status cyre_mbox_merge_copy(struct cyre_mbox_merge *g,
	const struct cyre_mbox *m, enum cyre_mbox_source from, int64_t ns);
/* The same for each record of a copy that is a database; SALVAGED: for the
 * doubtful records of the database itself. */
cyre_status cyre_mbox_merge_copies(struct cyre_mbox_merge *g,
	const struct cyre_db *db, enum cyre_mbox_source from, int64_t ns);

struct cyre_mbox_merge_result {
	const struct cyre_mbox_entry *const *entries; /* by name */
	size_t n;
	size_t count[CYRE_MBOX_ACTIONS];
	size_t derived; /* records that the server makes again, dropped */
	size_t doubles; /* directories of a mailbox that has another one */
	size_t left;    /* entries of which something is left */
	bool changed;   /* the new records are not those of the old file */
};
/*
 * Decides, for a database of this form. `rights`: what a user gets on a mailbox
 * of his own whose ACL nobody knows. CYRE_OK, CYRE_ENOMEM. *ret lives as long
 * as the merge.
 */
cyre_status cyre_mbox_merge_finish(struct cyre_mbox_merge *g,
	enum cyre_mbox_form form, const char *rights,
	struct cyre_mbox_merge_result *ret);
/*
 * The records of the new database, in no order: free(3) *ret; keys and values
 * live as long as the merge. CYRE_OK, CYRE_ENOMEM.
 */
cyre_status cyre_mbox_merge_records(
	struct cyre_mbox_merge *g, struct cyre_db_entry **ret, size_t *ret_n);

/* The form of a database's records, told by the majority of its keys. */
enum cyre_mbox_form cyre_mbox_form_of(const struct cyre_db *db);

#endif
