/*
 * crc_mend.c - see crc_mend.h
 *
 * The CRC is zlib's, reflected, polynomial 0xEDB88320 (docs/formats/index.md
 * 4.1). It is linear: the difference one bit makes is the register after that
 * bit was shifted in and zeros were for all that follows.
 */
#include "crc_mend.h"

uint64_t cyre_crc32_bad_bit(size_t n, uint32_t is, uint32_t should)
{
	uint32_t difference = is ^ should, r = 1;
	unsigned bit;

	/* From the last bit that went in to the first; the lowest of a byte
	 * goes first. */
	while (n--)
		for (bit = 8; bit--;) {
			r = r >> 1 ^ (r & 1 ? 0xedb88320u : 0);
			if (r == difference)
				return 8 * (uint64_t)n + bit;
		}
	return UINT64_MAX;
}
