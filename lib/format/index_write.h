/*
 * index_write.h - cyrus.index and cyrus.expunge, the bytes of any version
 *
 * Through the field lists of index.h, which the readers use as well; so what
 * was read is written back byte for byte (except for what 2.1 left in spare
 * bytes). Writing computes nothing but sizes and check sums: counts come from
 * cyre_index_apply_totals(), another version from index_convert.h.
 *
 * Threads: plain data, no state.
 */
#ifndef CYRE_INDEX_WRITE_H
#define CYRE_INDEX_WRITE_H

#include "conf.h"
#include "buf.h"
#include "index_totals.h"

/*
 * Appends header and records. Of `h` the fields that the bytes decide are not
 * looked at: minor_version, start_offset, record_size, num_records (before v12
 * that is `exists`) and header_crc; of a record, record_crc.
 *
 * CYRE_OK; CYRE_EUNSUPPORTED: no server wrote this version; CYRE_ELIMIT: a
 * value is too large for the version's field; CYRE_ENOMEM. `out` is as long as
 * before when it fails.
 */
cyre_status cyre_index_write(struct cyre_buf *out, unsigned version,
	const struct cyre_index_header *h, const struct cyre_index_record *r,
	size_t n);
/* The same in pieces: the header promises n records. */
cyre_status cyre_index_put_header(struct cyre_buf *out,
	const struct cyre_index_layout *l, const struct cyre_index_header *h,
	size_t n);
cyre_status cyre_index_put_record(struct cyre_buf *out,
	const struct cyre_index_layout *l, const struct cyre_index_record *r);

/*
 * The counts of a header as the server would keep them (index.md 6). All that
 * is done to the header of cyrus.expunge, which else is a copy.
 */
void cyre_index_apply_counts(
	struct cyre_index_header *h, const struct cyre_index_totals *t);
/*
 * The counts, and what else the records decide: the sums of replication are
 * exact; last_uid, highestmodseq, recentuid and first_expunged only move when
 * they contradict the records.
 *
 * release	 who opens the file next, 0: not known; before 3.2 and from 3.13
 *		 on annotations are hashed otherwise
 * annotations	 XOR of the sums of the stored message annotations (index.md
 *		 7.2); 0: none
 */
void cyre_index_apply_totals(struct cyre_index_header *h,
	const struct cyre_index_totals *t, cyre_release release,
	uint32_t annotations);

#endif
