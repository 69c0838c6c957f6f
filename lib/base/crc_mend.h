/*
 * crc_mend.h - which single bit explains a wrong CRC-32?
 *
 * The CRC of two inputs that differ in one bit differs by a number that only
 * depends on how far that bit is from the end; up to half a gigabyte no two
 * bits give the same number. So a flipped bit can be found and turned back.
 * Damage of more than one bit looks like one bit with a chance of (bits of the
 * input) in 2^32: one in five million for an index record.
 */
#ifndef CYRE_CRC_MEND_H
#define CYRE_CRC_MEND_H

#include "bytes.h"

/*
 * The bit to flip in n bytes whose CRC is `is` and should be `should`: 8 * byte
 * + bit, bit 0 being the lowest. Bits of the stored sum itself are not looked
 * at. UINT64_MAX: no single bit. Costs n steps.
 */
uint64_t cyre_crc32_bad_bit(size_t n, uint32_t is, uint32_t should);

#endif
