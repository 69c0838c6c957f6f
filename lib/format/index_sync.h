/*
 * index_sync.h - the two check sums replication compares (index.md section 7)
 */
#ifndef CYRE_INDEX_SYNC_H
#define CYRE_INDEX_SYNC_H

#include "index.h"

struct cyre_sync {
	unsigned version; /* decides which fields count as annotations */
	uint32_t basic;
	/* Without the start value and without stored annotations; the second
	 * with thread ids padded to 16 digits, as 3.13 hashes them. */
	uint32_t annot, annot_padded;
	uint32_t flag_crc[128]; /* of the lower-case names, 0: none */
};

void cyre_sync_begin(struct cyre_sync *s, unsigned version,
	const struct cyre_slice *flag_names, unsigned n);
/* One record that is not expunged. */
void cyre_sync_add(struct cyre_sync *s, const struct cyre_index_record *r);

#endif
