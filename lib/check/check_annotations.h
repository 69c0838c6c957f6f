/*
 * check_annotations.h - message annotations against the index
 *
 * Two sums of the index depend on cyrus.annotations: the check sum replication
 * compares, and the quota (docs/formats/index.md 6 and 7.2).
 */
#ifndef CYRE_CHECK_ANNOTATIONS_H
#define CYRE_CHECK_ANNOTATIONS_H

#include "index.h"
#include "index_totals.h"

/*
 * `bytes`: cyrus.annotations, empty when there is none; `owner`: whose mailbox
 * it is, empty for a shared one; `ix` NULL: none can be read, and the file
 * alone is looked at. CYRE_OK or CYRE_ENOMEM.
 */
cyre_status cyre_check_annotations(const struct cyre_index *ix,
	const struct cyre_index_totals *totals, struct cyre_slice bytes,
	struct cyre_slice owner, struct cyre_findings *found);

/*
 * The XOR of the sums of the stored annotations of these records (by uid), as a
 * server keeps it that opens an index of this version, and the bytes of their
 * values; 0 when the file cannot be read. CYRE_OK or CYRE_ENOMEM.
 */
cyre_status cyre_annotations_sum(unsigned version,
	const struct cyre_index_record *records, size_t n,
	struct cyre_slice bytes, struct cyre_slice owner, uint32_t *ret_sum,
	uint64_t *ret_bytes);

#endif
