/*
 * half_done.h - mailboxes that a killed run left in between, put back
 *
 * An archive that is not settled is of a run that was killed (or is at work).
 * Of its mailboxes some are done, some untouched, a few in between: new cache,
 * old index. Before such a one is planned again it is put back, so that the plan
 * has all that the first one had and comes to the same files.
 *
 * What says which is which are the files, by their sums in the archive. A
 * mailbox of which a file is neither the original nor the new one was changed
 * since, by the server: it stays as it is, and is planned as it is.
 *
 * Threads: workers share the list, each for its own mailboxes.
 */
#ifndef CYRE_HALF_DONE_H
#define CYRE_HALF_DONE_H

#include <stdbool.h>

#include <cyrescue/status.h>

struct cyre_half_done;

/*
 * Reads the archives of a folder that are not settled; none is CYRE_OK with an
 * empty list. One that cannot be read is passed over: there is nothing to put
 * back from it. CYRE_OK, CYRE_EIO, CYRE_ENOMEM.
 */
cyre_status cyre_half_done_read(const char *folder, struct cyre_half_done **ret,
	struct cyre_error *reterr);
/*
 * Puts back the mailbox that has this directory (absolute, by its real path).
 * The server must not run, or its locks are held. `ret_any`: files or
 * directories are not what they were. CYRE_OK, also when there is nothing to do;
 * CYRE_EBUSY: another run is at work there; CYRE_EIO, CYRE_ENOMEM.
 */
cyre_status cyre_half_done_restore(struct cyre_half_done *h, const char *path,
	bool *ret_any, struct cyre_error *reterr);
/* The same of what the archive has under this name, wherever it lies. */
cyre_status cyre_half_done_restore_named(struct cyre_half_done *h,
	const char *name, bool *ret_any, struct cyre_error *reterr);
/* Archives of which every mailbox was looked at are settled. NULL is fine. */
void cyre_half_done_free(struct cyre_half_done *h);

#endif
