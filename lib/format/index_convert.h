/*
 * index_convert.h - an index of one minor version as one of another
 *
 * What `reconstruct -V` does to header and records (docs/formats/index.md 1,
 * 8.6, 13.3), on the structs: read with index.h, convert, count with
 * index_totals.h, write with index_write.h.
 *
 * Some values move: where a version has no field, Cyrus keeps the value as a
 * message annotation. They are handed out and taken in as numbers; storing
 * them is the caller's. From before v12 to v12 and later every record needs its
 * message read again, as the server does: guid, gmtime, cache and its sum.
 *
 * Threads: plain data, no state.
 */
#ifndef CYRE_INDEX_CONVERT_H
#define CYRE_INDEX_CONVERT_H

#include "conf.h"
#include "index.h"

struct cyre_index_conversion {
	unsigned from, to;    /* minor versions; both must have a layout */
	cyre_release release; /* whose `reconstruct -V` to follow; 0: newest */
	uint64_t now_ns;      /* becomes the time of the repack */
	/* Of the old header as it was read. */
	uint64_t highestmodseq;
};

/* Message annotations that are record fields in later versions. 0: none. */
struct cyre_index_annotated {
	uint64_t cid;           /* thrid, before v13 */
	uint64_t savedate;      /* seconds; before v15 */
	uint64_t createdmodseq; /* before v16 */
	uint64_t basecid;       /* basethrid, before v20 */
	uint64_t nsec;          /* internaldate.nsec, before v20 */
};

/* The bytes of their values, which quota_annot_used counts (index.md 6). */
uint64_t cyre_index_annotated_bytes(const struct cyre_index_annotated *a);

/* Do records of `to` need their message to be read again? */
static inline bool cyre_index_conversion_parses(
	const struct cyre_index_conversion *c)
{
	return c->from < 12 && c->to >= 12;
}

void cyre_index_convert_header(
	const struct cyre_index_conversion *c, struct cyre_index_header *h);

/*
 * Converts a record in place. False: the new file does not keep it, because it
 * is unlinked or wiped; the header was told (deletedmodseq, changes_epoch).
 *
 * in	what the annotations of this message say; NULL: there are none
 * ret	what must be stored as annotations from now on
 */
bool cyre_index_convert_record(const struct cyre_index_conversion *c,
	struct cyre_index_header *h, struct cyre_index_record *r,
	const struct cyre_index_annotated *in,
	struct cyre_index_annotated *ret);

#endif
