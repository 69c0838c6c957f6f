/*
 * check_entry.h - a mailbox's entry in mailboxes.db against its own files
 *
 * docs/formats/mailboxes-db.md section 8, header.md, errata.md. The server
 * answers from the entry (rights, id, UIDVALIDITY) and from the files; where
 * they differ, one of them is of another time.
 */
#ifndef CYRE_CHECK_ENTRY_H
#define CYRE_CHECK_ENTRY_H

#include <cyrescue/finding.h>

#include "header.h"
#include "index.h"

/* What the entry says. A slice of length 0, or 0: nothing. */
struct cyre_entry {
	struct cyre_slice name; /* internal */
	struct cyre_slice uniqueid;
	struct cyre_slice acl; /* identifier TAB rights TAB … */
	char type;             /* 'e' for mail */
	uint64_t uidvalidity;
	bool by_id; /* the server finds the directory by the uniqueid */
};

/* `header` and `index` may be NULL: they could not be read. */
void cyre_check_entry(const struct cyre_entry *e,
	const struct cyre_header *header, const struct cyre_index *index,
	struct cyre_findings *found);

#endif
