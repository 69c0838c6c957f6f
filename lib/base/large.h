/*
 * large.h - memory that may become large
 *
 * A page of the usual size costs a fault of the processor when it is touched
 * first; a database of 32 MB has 8000 of them, which takes longer than to read
 * it. The kernel is asked for huge pages where that is worth it.
 */
#ifndef CYRE_LARGE_H
#define CYRE_LARGE_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define CYRE_LARGE ((size_t)4 << 20)
#define CYRE_PAGE  ((uintptr_t)4096) /* an advice for less is refused */

/* As reallocarray(3); free(3). */
static inline void *cyre_realloc_large(void *old, size_t n, size_t size)
{
	uint8_t *p = reallocarray(old, n, size);
	size_t skip;

	/* Advice: what the kernel cannot do, it does not. */
	if (p && n * size >= CYRE_LARGE) {
		skip = -(uintptr_t)p & (CYRE_PAGE - 1);
		madvise(p + skip, n * size - skip, MADV_HUGEPAGE);
	}
	return p;
}

#endif
