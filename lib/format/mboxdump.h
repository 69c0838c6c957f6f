/*
 * mboxdump.h - what `ctl_mboxlist -d` printed: the copies of mailboxes.db that
 * distributions keep
 *
 * Two forms: lines `name TAB TYPE PARTITION TAB ACL` up to 3.4 (2.0 and 2.1:
 * without the type), and since 3.6 one JSON object with a mailbox a line.
 * A dump that was cut is read as far as its lines are whole.
 *
 * Threads: no state.
 */
#ifndef CYRE_MBOXDUMP_H
#define CYRE_MBOXDUMP_H

#include <cyrescue/status.h>

#include "mboxlist.h"

/*
 * Calls `each` for every entry; m->name is internal, strings live for the call.
 * Other than CYRE_OK from it ends the reading and is returned. `ret_skipped`:
 * lines that are none of a dump.
 *
 * CYRE_OK; CYRE_EFORMAT: not a dump, no line of it can be read; CYRE_ENOMEM.
 */
cyre_status cyre_mboxdump_read(struct cyre_slice bytes,
	cyre_status (*each)(void *payload, const struct cyre_mbox *m),
	void *payload, uint64_t *ret_skipped);

#endif
