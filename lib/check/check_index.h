/*
 * check_index.h - does what an index says hold together?
 *
 * Pure: reads memory, adds findings. The numbers are the invariants of
 * docs/formats/index.md section 11.
 */
#ifndef CYRE_CHECK_INDEX_H
#define CYRE_CHECK_INDEX_H

#include "index_totals.h"

/* What the checks must know of the mailbox besides the index itself. */
struct cyre_index_context {
	uint64_t now; /* seconds since 1970; 0: dates are not held against it */
	bool header_known;   /* cyrus.header was read */
	uint32_t header_crc; /* of its bytes */
	/* Names of the user flags; empty slice: slot without a name. */
	const struct cyre_slice *flag_names;
	unsigned flag_count;
};

void cyre_check_index(const struct cyre_index *ix,
	const struct cyre_index_context *ctx, struct cyre_findings *found,
	struct cyre_index_totals *ret);

/* cyrus.expunge of 2.3 (index.md 10.2): records in order of their expunge. */
void cyre_check_expunge(const struct cyre_index *ix,
	const struct cyre_index_context *ctx, struct cyre_findings *found,
	struct cyre_index_totals *ret);

#endif
