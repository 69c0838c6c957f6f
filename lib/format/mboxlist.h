/*
 * mboxlist.h - one entry of mailboxes.db, of any release
 *
 * Format: docs/formats/mailboxes-db.md. Text of 1.x to 2.4, dlist from 2.5 on.
 * Names stay as the key or value has them: internal (`user.ann`) before 3.6,
 * dbname (levels joined by 1F) from 3.6 on; `is_dbname` says which.
 *
 * Threads: plain data, no state.
 */
#ifndef CYRE_MBOXLIST_H
#define CYRE_MBOXLIST_H

#include "buf.h"

/* What the key says; everything but NAME can be made again from it. */
enum cyre_mboxkey {
	CYRE_MBOXKEY_NAME,     /* a mailbox by its name */
	CYRE_MBOXKEY_UNIQUEID, /* the same by its uniqueid (3.6+) */
	CYRE_MBOXKEY_JMAP,     /* the same by its JMAP id (3.13) */
	CYRE_MBOXKEY_ACL,      /* who may see what: A…, $RACL… */
	CYRE_MBOXKEY_OTHER     /* $RUNQ… and markers */
};

#define CYRE_MBOX_REMOTE       0x01u
#define CYRE_MBOX_RESERVE      0x02u /* a create or rename was interrupted */
#define CYRE_MBOX_MOVING       0x04u
#define CYRE_MBOX_DELETED      0x08u /* a tombstone: no mailbox */
#define CYRE_MBOX_INTERMEDIATE 0x10u /* a parent that has no directory */
#define CYRE_MBOX_LEGACY       0x20u /* 3.6+: its directory is by name */

/* A slice of length 0: absent. Slices borrow from key, value and `own`. */
struct cyre_mbox {
	enum cyre_mboxkey kind;
	bool is_dbname;
	bool dlist; /* else text */
	struct cyre_slice name, uniqueid, jmapid, partition, server;
	struct cyre_slice acl;     /* identifier TAB rights TAB … */
	struct cyre_slice history; /* H as it stands, with its brackets */
	char type;      /* e, n, b, c, a, s, p, f, j; 'e' where not said */
	uint32_t flags; /* CYRE_MBOX_* */
	bool odd_type;  /* a letter that ends 3.6 and later */
	uint64_t uidvalidity, createdmodseq, foldermodseq; /* 0: absent */
	uint64_t mtime; /* of this entry, seconds; 0: absent */
};

/* Do these keys come from 3.6 or later? One key can look like the other: ask
 * about all of them and take the majority. */
bool cyre_mboxkey_is_new(struct cyre_slice key);
struct cyre_db;
bool cyre_mbox_keys_are_new(const struct cyre_db *db);

/* The internal name; `is_dbname` as in struct cyre_mbox. */
void cyre_mbox_put_name(
	struct cyre_buf *b, struct cyre_slice name, bool is_dbname);

/*
 * `is_new`: the whole file's generation. `own` is emptied, and must live as
 * long as the entry. False: the value cannot be read; the key's fields are
 * there all the same. No memory: own->bad, and false.
 */
bool cyre_mbox_read(struct cyre_slice key, struct cyre_slice value, bool is_new,
	struct cyre_buf *own, struct cyre_mbox *ret);

/* Do an entry by name and its sister by id say the same? */
bool cyre_mbox_agree(const struct cyre_mbox *a, const struct cyre_mbox *b);

/* The letters of T: type, flags and odd_type of `m` are set by them. */
void cyre_mbox_read_type(struct cyre_slice s, struct cyre_mbox *m);

#endif
