/*
 * seen_match.h - to which mailbox does a record of seen state belong?
 *
 * Its key is the uniqueid of the mailbox. Where no mailbox has that id, the
 * mailbox lost it, and everybody's read marks with it. It gets them back where
 * it is proven whose they are: up to 2.5 an id is a hash of the mailbox's name,
 * then its UIDVALIDITY (docs/formats/header.md section 4); of later releases a
 * copy of mailboxes.db may still know the id. In both cases the mailbox has the
 * UIDVALIDITY of then, so that the uids mean the same messages. Nothing else is
 * moved; it is told, with the mailboxes it may be of.
 *
 * Pure: the caller adds all mailboxes and what copies tell, calls
 * cyre_seen_match_ready(), then asks about one database after the other.
 *
 * Threads: one at a time until ready, then read-only.
 */
#ifndef CYRE_SEEN_MATCH_H
#define CYRE_SEEN_MATCH_H

#include <cyrescue/db.h>

#include "bytes.h"

/* Slices are copied by the one who keeps it; empty: not known. */
struct cyre_seen_mailbox {
	struct cyre_slice name;     /* internal */
	struct cyre_slice uniqueid; /* of its header or path */
	struct cyre_slice listed;   /* the uniqueid mailboxes.db has for it */
	bool index_known;           /* the two below are known */
	uint64_t uidvalidity, last_uid;
	bool unsure; /* what id it has is not certain; set by ready */
};

enum cyre_seen_action {
	CYRE_SEEN_KEPT,       /* there is a mailbox of this id */
	CYRE_SEEN_ATTACHED,   /* the key becomes the id the mailbox has now */
	CYRE_SEEN_REPLACED,   /* by an attached one that is newer */
	CYRE_SEEN_OWN_NEWER,  /* its mailbox has a newer one; stays */
	CYRE_SEEN_UNDECIDED,  /* stays; see `doubt` and `may_be` */
	CYRE_SEEN_NO_MAILBOX, /* stays; nothing tells whose it was */
	CYRE_SEEN_UNREADABLE, /* no such value; it goes */
	CYRE_SEEN_ACTIONS
};
/* "kept", "attached", … */
const char *cyre_seen_action_name(enum cyre_seen_action a);

/* What proves it, or would. */
enum cyre_seen_proof {
	CYRE_SEEN_NOTHING,
	CYRE_SEEN_NAME, /* the hash of the name, and UIDVALIDITY */
	CYRE_SEEN_COPY  /* a copy of mailboxes.db */
};

enum cyre_seen_doubt {
	CYRE_SEEN_NO_DOUBT,
	CYRE_SEEN_UIDVALIDITY, /* another one, or not known */
	CYRE_SEEN_UIDS,        /* uids the mailbox never had */
	CYRE_SEEN_ID,          /* the mailbox has none, or two */
	CYRE_SEEN_RENAMED,     /* of a mailbox that had this name before */
	CYRE_SEEN_SEVERAL,     /* more than one mailbox it can be of */
	CYRE_SEEN_MAYBE        /* UIDVALIDITY alone agrees */
};
/* A sentence for people; NULL: there is none. */
const char *cyre_seen_doubt_text(enum cyre_seen_doubt d);

#define CYRE_SEEN_MAY_BE 4

struct cyre_seen_choice {
	enum cyre_seen_action action;
	enum cyre_seen_proof proof;
	enum cyre_seen_doubt doubt;
	const struct cyre_seen_mailbox
		*mailbox; /* whose it is; NULL: unknown */
	const struct cyre_seen_mailbox *may_be[CYRE_SEEN_MAY_BE];
	size_t n_may_be;
};

struct cyre_seen_match;

/* Each: CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_seen_match_new(struct cyre_seen_match **ret);
void cyre_seen_match_free(struct cyre_seen_match *m); /* NULL is fine */
cyre_status cyre_seen_match_mailbox(
	struct cyre_seen_match *m, const struct cyre_seen_mailbox *mailbox);
/* There is a mailbox of this id, of which no more is known. */
cyre_status cyre_seen_match_known(
	struct cyre_seen_match *m, struct cyre_slice id);
/* A copy of mailboxes.db says that the mailbox had this id. `uidvalidity` 0:
 * it does not say. */
cyre_status cyre_seen_match_former(struct cyre_seen_match *m,
	struct cyre_slice name, struct cyre_slice id, uint64_t uidvalidity);
cyre_status cyre_seen_match_ready(struct cyre_seen_match *m);
/*
 * What becomes of each record of one database, no key twice; ret has `n`
 * choices, which live as long as `m`.
 */
cyre_status cyre_seen_match_file(const struct cyre_seen_match *m,
	const struct cyre_db_entry *const *records, size_t n,
	struct cyre_seen_choice *ret);

#endif
