/*
 * check_mboxlist.h - do the entries of mailboxes.db agree with each other?
 *
 * docs/formats/mailboxes-db.md sections 3, 6 and 7: entries by name, uniqueid
 * and JMAP id, and who may see what. Whether each value can be read at all is
 * asked by cyre_db_check_values().
 */
#ifndef CYRE_CHECK_MBOXLIST_H
#define CYRE_CHECK_MBOXLIST_H

#include <cyrescue/db.h>

#include "bytes.h"

/*
 * `admins`: as imapd.conf has it; they are left out of who may see what. The
 * text of a finding is the internal name. CYRE_OK, CYRE_ENOMEM.
 */
cyre_status cyre_check_mboxlist(const struct cyre_db *db,
	struct cyre_slice admins, struct cyre_findings *found);

#endif
