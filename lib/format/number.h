/*
 * number.h - decimal and hexadecimal numbers in text
 */
#ifndef CYRE_NUMBER_H
#define CYRE_NUMBER_H

#include "bytes.h"

/* The whole slice is a decimal number that fits; else *ret is untouched. */
static inline bool cyre_number(struct cyre_slice s, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < s.n; i++) {
		unsigned d = s.p[i] - (unsigned)'0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (s.n)
		*ret = v;
	return s.n > 0;
}

/* The same, up to 16 hexadecimal digits of either case. */
static inline bool cyre_hex_number(struct cyre_slice s, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < s.n; i++) {
		unsigned c = s.p[i], d = c - '0';

		if (d > 9)
			d = (c | 0x20) - 'a' + 10;
		if (d > 15 || (d > 9 && (c | 0x20) < 'a'))
			return false;
		v = v << 4 | d;
	}
	if (s.n && s.n <= 16)
		*ret = v;
	return s.n && s.n <= 16;
}

/* The same as the servers write ids, and we sums: in lower case only. */
static inline bool cyre_lower_hex_number(struct cyre_slice s, uint64_t *ret)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'F')
			return false;
	return cyre_hex_number(s, ret);
}

/* A decimal number and the blank or end behind it; moves on. */
static inline bool cyre_get_number(struct cyre_cur *c, uint64_t *ret)
{
	const uint8_t *start = c->p;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	if (c->bad || (c->p < c->end && *c->p != ' ') ||
		!cyre_number(cyre_slice(start, (size_t)(c->p - start)), ret)) {
		c->bad = true;
		return false;
	}
	c->p += c->p < c->end;
	return true;
}

#endif
