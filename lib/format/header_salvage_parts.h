/*
 * header_salvage_parts.h - what header_salvage.c and header_salvage_text.c have
 * of each other
 */
#ifndef CYRE_HEADER_SALVAGE_PARTS_H
#define CYRE_HEADER_SALVAGE_PARTS_H

#include "header_salvage.h"

struct cyre_header_salvaging {
	struct cyre_slice in;
	const uint32_t *sum;
	/* The magic, then the text that is read (n bytes); and behind it
	 * room for an access list put together anew. */
	uint8_t *own;
	size_t n;
	bool head_cut; /* the payload's beginning is missing */
	struct cyre_header_salvage *s;
};

/* Every line that holds what only one of the three can hold. */
void cyre_header_read_pieces(struct cyre_header_salvaging *v);
/* How far each field can be believed. `whole`: nothing is wrong with the file;
 * `end`: where it ends, if it ends too early, else NULL. */
void cyre_header_grade(
	struct cyre_header_salvage *s, bool whole, const uint8_t *end);

#endif
