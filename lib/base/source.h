/*
 * source.h - bytes of a file, seen through a window
 *
 * Index and header files are read whole into slices. A cache can be gigabytes,
 * so its checks see it through this: a memory buffer and a file look the same,
 * and tests and fuzzing need no disk.
 *
 * view() gives the bytes at `off`: at least `want` of them, fewer only where
 * the source ends. The slice is borrowed and valid until the next view().
 * CYRE_OK; CYRE_EIO or CYRE_ENOMEM with *ret untouched.
 *
 * A source belongs to one thread.
 */
#ifndef CYRE_SOURCE_H
#define CYRE_SOURCE_H

#include <cyrescue/status.h>

#include "bytes.h"

struct cyre_source {
	uint64_t size; /* bytes, as of opening */
	cyre_status (*view)(struct cyre_source *src, uint64_t off, size_t want,
		struct cyre_slice *ret);
	struct cyre_slice mem; /* of cyre_source_mem() */
};

/* A source over bytes in memory, borrowed. */
struct cyre_source cyre_source_mem(struct cyre_slice bytes);

static inline cyre_status cyre_view(struct cyre_source *src, uint64_t off,
	size_t want, struct cyre_slice *ret)
{
	return src->view(src, off, want, ret);
}

#endif
