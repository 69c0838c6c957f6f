/*
 * cyrescue/slice.h - bytes somebody else owns
 */
#ifndef CYRESCUE_SLICE_H
#define CYRESCUE_SLICE_H

#include <stddef.h>
#include <stdint.h>

struct cyre_slice {
	const uint8_t *p; /* not read when n is 0 */
	size_t n;
};

#endif
