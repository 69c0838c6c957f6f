/*
 * gather_parts.h - what gather.c and gather_messages.c have of each other
 */
#ifndef CYRE_GATHER_PARTS_H
#define CYRE_GATHER_PARTS_H

#include "gather.h"

/* A finding that something could not be read. */
void cyre_gather_error(struct cyre_gatherer *g, enum cyre_problem p,
	enum cyre_file file, uint32_t uid, int errnum);
/* The directory of a side, opened when first asked for; < 0: there is none to
 * read from, and it was said why. */
int cyre_gather_dir(struct cyre_gatherer *g, const struct cyre_side *side);
/* Waits until so many more bytes may be held. */
void cyre_gather_take(struct cyre_gatherer *g, uint64_t bytes);

/* Fills g->ev.files. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_gather_messages(struct cyre_gatherer *g);

#endif
