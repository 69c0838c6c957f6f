/*
 * crc_mend.c - see crc_mend.h
 *
 * The CRC is zlib's, reflected, polynomial 0xEDB88320 (docs/formats/index.md
 * 4.1). It is linear: the difference one bit makes is the register after that
 * bit was shifted in and zeros were for all that follows.
 */
#include "crc_mend.h"

static uint32_t shift_byte(uint32_t r)
{
	for (int i = 0; i < 8; i++)
		r = r >> 1 ^ (r & 1 ? 0xedb88320u : 0);
	return r;
}

uint64_t cyre_crc32_bad_bit(size_t n, uint32_t is, uint32_t should)
{
	uint32_t difference = is ^ should, r[8];
	unsigned bit;

	for (bit = 0; bit < 8; bit++)
		r[bit] = shift_byte(1u << bit);
	while (n--)
		for (bit = 0; bit < 8; bit++) {
			if (r[bit] == difference)
				return 8 * (uint64_t)n + bit;
			r[bit] = shift_byte(r[bit]);
		}
	return UINT64_MAX;
}
