/*
 * messages.h - levels 4 and 5: the bytes of each message against its records
 */
#ifndef CYRE_MESSAGES_H
#define CYRE_MESSAGES_H

#include "run.h"

/*
 * What a worker has gathered, message by message, against the index of `j`;
 * sizes and times of the files come to be known on the way. A mailbox of many
 * messages is read by all threads, unless they do so for another one already.
 *
 * CYRE_OK; CYRE_ENOMEM; CYRE_ECANCELED when the run was stopped.
 */
cyre_status cyre_run_messages(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_judgement *j, struct cyre_findings *found);

#endif
