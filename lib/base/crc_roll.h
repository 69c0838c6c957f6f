/*
 * crc_roll.h - where does a run of bytes stand with its CRC-32 behind it?
 *
 * Slides a window over the input; one step a byte however wide the window is.
 * For records of known length whose place in the file is no longer known.
 */
#ifndef CYRE_CRC_ROLL_H
#define CYRE_CRC_ROLL_H

#include "bytes.h"

struct cyre_crc_roll {
	size_t width;      /* bytes under the sum */
	uint32_t in[256];  /* a byte enters */
	uint32_t out[256]; /* and leaves, `width` bytes later */
	uint32_t ends;     /* what zlib's first and last inversion add */
};

void cyre_crc_roll_begin(struct cyre_crc_roll *c, size_t width);
/*
 * The first place at `from` or later where `width` bytes are followed by their
 * CRC-32, big-endian; SIZE_MAX: none.
 */
size_t cyre_crc_roll_find(
	const struct cyre_crc_roll *c, struct cyre_slice s, size_t from);

#endif
