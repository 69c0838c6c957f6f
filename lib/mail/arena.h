/*
 * arena.h - memory of one message: nothing in it is freed one by one
 *
 * cyre_arena_get() gives zeroed memory until the next cyre_arena_reset(), or
 * NULL and `bad` (no memory, or past the limit). A text of unknown length is
 * made in place: cyre_arena_text() lends room for `max` bytes, then
 * cyre_arena_keep() takes what was used of it.
 */
#ifndef CYRE_ARENA_H
#define CYRE_ARENA_H

#include "bytes.h"

struct cyre_arena {
	struct cyre_arena_chunk *chunk; /* the newest first */
	size_t used;                    /* of the newest */
	size_t total, limit;            /* bytes of all chunks */
	bool bad, over;                 /* over: it was the limit */
};

void *cyre_arena_get(struct cyre_arena *a, size_t n);
uint8_t *cyre_arena_text(struct cyre_arena *a, size_t max);
struct cyre_slice cyre_arena_keep(
	struct cyre_arena *a, const uint8_t *text, size_t n);
/* Forgets everything, keeps the memory of one chunk. */
void cyre_arena_reset(struct cyre_arena *a);
void cyre_arena_free(struct cyre_arena *a);

#endif
