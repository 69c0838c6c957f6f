/*
 * crc_roll.c - see crc_roll.h
 *
 * A CRC without zlib's inversions is linear: what a byte adds to the register
 * after `width` more bytes can be taken out again with one exclusive-or.
 */
#include "crc_roll.h"

static uint32_t push(const struct cyre_crc_roll *c, uint32_t r, uint8_t b)
{
	return c->in[(r ^ b) & 0xff] ^ r >> 8;
}

void cyre_crc_roll_begin(struct cyre_crc_roll *c, size_t width)
{
	uint32_t r;
	size_t n;
	int i, k;

	c->width = width;
	for (i = 0; i < 256; i++) {
		r = (uint32_t)i;
		for (k = 0; k < 8; k++)
			r = r >> 1 ^ (r & 1 ? 0xedb88320u : 0);
		c->in[i] = r;
	}
	/* Linear: eight bits make all 256 bytes. */
	c->out[0] = 0;
	for (i = 1; i < 256; i <<= 1) {
		r = c->in[i];
		for (n = 0; n < width; n++)
			r = push(c, r, 0);
		for (k = 0; k < i; k++)
			c->out[i + k] = r ^ c->out[k];
	}
	r = UINT32_MAX;
	for (n = 0; n < width; n++)
		r = push(c, r, 0);
	c->ends = ~r;
}

size_t cyre_crc_roll_find(
	const struct cyre_crc_roll *c, struct cyre_slice s, size_t from)
{
	const uint8_t *p, *end = s.p + s.n;
	uint32_t r = 0;
	size_t i;

	if (from > s.n || s.n - from < c->width + 4)
		return SIZE_MAX;
	p = s.p + from;
	for (i = 0; i < c->width; i++)
		r = push(c, r, p[i]);
	for (;; p++) {
		if ((r ^ c->ends) == cyre_load_be32(p + c->width))
			return (size_t)(p - s.p);
		if ((size_t)(end - p) < c->width + 5)
			return SIZE_MAX;
		r = push(c, r, p[c->width]) ^ c->out[*p];
	}
}
