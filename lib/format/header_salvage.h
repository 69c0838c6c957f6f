/*
 * header_salvage.h - what is left of a damaged cyrus.header
 *
 * The second reader: it believes neither magic nor lines. It puts back what can
 * be put back exactly (with the check sum that the index keeps of the file: one
 * flipped bit, a lost magic, bytes before or behind), and otherwise takes every
 * value that still passes its own test, with a mark how far it is believed.
 *
 * Format: docs/formats/header.md. Threads: plain data, no state.
 */
#ifndef CYRE_HEADER_SALVAGE_H
#define CYRE_HEADER_SALVAGE_H

#include "header.h"
#include "trust.h"

struct cyre_header_salvage {
	/* The fields. Its bytes are the file as it must have been, where
	 * `exact`, and else a text put together to be read. */
	struct cyre_header h;
	bool exact; /* its sum is the one the index keeps */
	enum cyre_trust name, type, uniqueid, jmapid, quotaroot, acl;
	enum cyre_trust flags[CYRE_HEADER_MAX_FLAGS];
	/* Names of flags that cannot be told which bit they had; as they
	 * stand, with blanks between them. */
	struct cyre_slice loose;
	uint8_t *own;
};

/*
 * sum	header_file_crc of the index; NULL: not known, or 0 there
 * bytes may be freed afterwards
 *
 * CYRE_OK whatever they are; CYRE_ELIMIT when they are longer than any header
 * (1 MiB); CYRE_ENOMEM.
 */
cyre_status cyre_header_salvage(struct cyre_slice bytes, const uint32_t *sum,
	struct cyre_header_salvage *ret);
void cyre_header_salvage_free(struct cyre_header_salvage *s);

/* Has it the shape of an id that a release makes (header.md section 4)? */
bool cyre_uniqueid_ok(struct cyre_slice id);

#endif
