/*
 * messages.h - levels 4 and 5: the bytes of each message against its records
 */
#ifndef CYRE_MESSAGES_H
#define CYRE_MESSAGES_H

#include "run.h"

/*
 * What a worker has gathered and judged, message by message. A stop of the run
 * ends it early. CYRE_OK or CYRE_ENOMEM.
 */
cyre_status cyre_run_messages(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_judgement *j, struct cyre_findings *found);

#endif
