/*
 * grow.h - arrays that get one item after the other
 */
#ifndef CYRE_GROW_H
#define CYRE_GROW_H

#include <stddef.h>
#include <stdlib.h>

/*
 * Room for one more behind the `n` items of `size` bytes at `p`, where *cap have
 * room: where they are now, which may be `p`. NULL: no memory, and nothing was
 * changed.
 */
static inline void *cyre_grow(void *p, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 16;

	if (n < *cap)
		return p;
	p = reallocarray(p, more, size);
	if (p)
		*cap = more;
	return p;
}

#endif
