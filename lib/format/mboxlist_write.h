/*
 * mboxlist_write.h - an entry of mailboxes.db as a release would write it
 *
 * Format: docs/formats/mailboxes-db.md sections 3, 5 and 6. Threads: no state.
 */
#ifndef CYRE_MBOXLIST_WRITE_H
#define CYRE_MBOXLIST_WRITE_H

#include "mboxlist.h"

/* Who reads the file. */
enum cyre_mbox_form {
	CYRE_MBOX_TEXT,  /* 2.0 to 2.4: text by name */
	CYRE_MBOX_NAMES, /* 2.5 to 3.4: dlist by name */
	CYRE_MBOX_IDS    /* 3.6 and later: dlist, by name and by uniqueid */
};

/* "text by name", … */
const char *cyre_mbox_form_name(enum cyre_mbox_form form);

/* The dbname of an internal name is appended. */
void cyre_mbox_put_dbname(struct cyre_buf *b, struct cyre_slice internal);

/*
 * The key of an entry; m->name is internal. `kind`: NAME, or in the form IDS
 * UNIQUEID and JMAP, whose key has the owner's name (empty: shared).
 */
void cyre_mbox_put_key(struct cyre_buf *b, enum cyre_mbox_form form,
	const struct cyre_mbox *m, enum cyre_mboxkey kind,
	struct cyre_slice owner);
/* Its value. A type or flag that the form does not have is left out: an
 * unknown letter ends the server. */
void cyre_mbox_put_value(struct cyre_buf *b, enum cyre_mbox_form form,
	const struct cyre_mbox *m, enum cyre_mboxkey kind);
/* The letters of T, as that form has them. */
void cyre_mbox_put_type(struct cyre_buf *b, enum cyre_mbox_form form,
	const struct cyre_mbox *m);

/*
 * Can a mailbox have this (internal) name? 7 bits, no control characters, no
 * empty component, not `user` alone, no longer than the server's limit.
 */
bool cyre_mbox_name_ok(struct cyre_slice internal);

#endif
