/*
 * listing.h - the entries of one directory, sorted out by name
 *
 * docs/formats/per-mailbox-other.md sections 1 and 3. Memory only: names and
 * kinds are handed in.
 */
#ifndef CYRE_LISTING_H
#define CYRE_LISTING_H

#include "mailbox.h"

/* `N.` of a message; 0 when it is none the server opens under this name. */
uint32_t cyre_listing_uid(const char *name);
/* A directory that can be a mailbox or lead to one. */
bool cyre_listing_is_child(const char *name, enum cyre_kind kind);
/* One more entry, in any order. CYRE_OK or CYRE_ENOMEM. */
cyre_status cyre_listing_add(
	struct cyre_listing *l, const char *name, enum cyre_kind kind);
/* After the last one. CYRE_OK or CYRE_ENOMEM. */
cyre_status cyre_listing_finish(struct cyre_listing *l);
/* Whether there is anything a mailbox has. */
bool cyre_listing_is_mailbox(const struct cyre_listing *l);
void cyre_listing_free(struct cyre_listing *l);

#endif
