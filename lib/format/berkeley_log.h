/*
 * berkeley_log.h - one log file of a Berkeley DB environment, record by record
 *
 * Format: docs/formats/other-databases.md section 4. What the records mean only
 * the library knows; here is known where the chain of them ends, and whether
 * that is its end.
 *
 * Threads: plain data, no state.
 */
#ifndef CYRE_BERKELEY_LOG_H
#define CYRE_BERKELEY_LOG_H

#include "bytes.h"

struct cyre_berkeley_log {
	uint32_t version; /* 19: Berkeley DB 5.3 */
	uint64_t records; /* with right check sums, from the first on */
	uint64_t end;     /* of the last of them */
	/* A right record behind `end`: damage lies between. 0: none, so that
	 * what is behind was never finished. */
	uint64_t next;
};

/* False: not a log file. */
bool cyre_berkeley_log_read(
	struct cyre_slice file, struct cyre_berkeley_log *ret);

#endif
