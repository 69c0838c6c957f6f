/*
 * cache.c - a record of cyrus.cache in memory, taken apart
 *
 * Measures records, gives their items, the parts of SECTION, and the strings
 * of the text items. Judges nothing: that is check/check_cache*.c.
 * Format: docs/formats/cache.md.
 */
#include "cache.h"

#define QUOTED_MAX 1023 /* bytes; longer strings are literals */

static uint32_t padding(uint32_t len)
{
	return -len & 3;
}

uint64_t cyre_cache_measure(
	struct cyre_slice bytes, struct cyre_cache_record *ret)
{
	struct cyre_cache_record r;
	uint64_t at = 0, need;
	uint32_t len;

	for (int i = 0; i < CYRE_CACHE_ITEMS; i++) {
		/* The items behind this one take four bytes at least. */
		need = 4 * (uint64_t)(CYRE_CACHE_ITEMS - i);
		if (need > bytes.n - at)
			return at + need;
		len = cyre_load_be32(bytes.p + at);
		need += (uint64_t)len + padding(len);
		if (need > bytes.n - at)
			return at + need;
		r.item[i] = cyre_slice(bytes.p + at + 4, len);
		at += 4 + (uint64_t)len + padding(len);
	}
	r.bytes = cyre_slice(bytes.p, (size_t)at);
	*ret = r;
	return 0;
}

bool cyre_cache_padding_ok(const struct cyre_cache_record *r)
{
	uint8_t bits = 0;

	for (int i = 0; i < CYRE_CACHE_ITEMS; i++) {
		const uint8_t *end = r->item[i].p + r->item[i].n;

		for (uint32_t k = padding((uint32_t)r->item[i].n); k; k--)
			bits |= *end++;
	}
	return bits == 0;
}

const char *cyre_cache_item_name(enum cyre_cache_item item)
{
	static const char *const names[CYRE_CACHE_ITEMS] = {"ENVELOPE",
		"BODYSTRUCTURE", "BODY", "SECTION", "HEADERS", "FROM", "TO",
		"CC", "BCC", "SUBJECT"};

	return names[item];
}

void cyre_cache_get_part(
	struct cyre_cur *c, unsigned version, struct cyre_cache_part *ret)
{
	struct cyre_cache_part p = {0};
	uint32_t len;

	p.header_offset = cyre_get_be32(c);
	p.header_size = cyre_get_be32(c);
	p.content_offset = cyre_get_be32(c);
	p.content_size = cyre_get_be32(c);
	p.charset = cyre_get_be32(c);
	if (cyre_cache_has_charset_name(version)) {
		len = p.charset >> 16;
		p.charset_name = cyre_slice(cyre_get_bytes(c, len), len);
	}
	if (cyre_cache_has_guid(version))
		p.guid = cyre_slice(cyre_get_bytes(c, 20), 20);
	if (cyre_cache_has_decoded_size(version))
		p.decoded_size = cyre_get_be32(c);
	if (cyre_cache_has_lines(version))
		p.content_lines = cyre_get_be32(c);
	*ret = p;
}

bool cyre_cache_top_part(const struct cyre_cache_record *r, unsigned version,
	struct cyre_cache_part *ret)
{
	struct cyre_cur c = cyre_cur(r->item[CYRE_CACHE_SECTION]);
	struct cyre_cache_part p;

	cyre_get_be32(&c); /* number of parts */
	cyre_cache_get_part(&c, version, &p);
	if (c.bad)
		return false;
	*ret = p;
	return true;
}

/* Bytes that cannot stand between quotes. */
/* clang-format off */
#define ROW 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
static const uint8_t needs_literal[256] = {
	[0] = 1, ['\r'] = 1, ['\n'] = 1, ['"'] = 1, ['%'] = 1, ['\\'] = 1,
	[0x80] = ROW, ROW, ROW, ROW, ROW, ROW, ROW, ROW
};
/* clang-format on */

/* How many bytes from p on could stand between quotes. */
static size_t quotable_run(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *q = p;

	while (q < end && !needs_literal[*q])
		q++;
	return (size_t)(q - p);
}

static struct cyre_slice bad(struct cyre_cur *c)
{
	c->bad = true;
	return cyre_slice(NULL, 0);
}

static struct cyre_slice quoted(struct cyre_cur *c)
{
	const uint8_t *p = c->p + 1;
	size_t n = quotable_run(p, c->end);

	if (p + n == c->end || p[n] != '"' || n > QUOTED_MAX)
		return bad(c);
	c->p = p + n + 1;
	return cyre_slice(p, n);
}

static struct cyre_slice literal(struct cyre_cur *c)
{
	struct cyre_slice s;
	uint64_t n = 0;
	unsigned digits = 0;
	uint8_t b;

	c->p++;
	while ((b = cyre_get_u8(c)) >= '0' && b <= '9' && digits++ < 10)
		n = n * 10 + (uint64_t)(b - '0');
	if (digits == 0 || b != '}' || cyre_get_u8(c) != '\r' ||
		cyre_get_u8(c) != '\n')
		return bad(c);
	s = cyre_slice(cyre_get_bytes(c, n), (size_t)n);
	/* Values end at a NUL, and are quoted where they can be. */
	if (c->bad || memchr(s.p, 0, s.n) ||
		(s.n <= QUOTED_MAX && quotable_run(s.p, s.p + s.n) == s.n))
		return bad(c);
	return s;
}

struct cyre_slice cyre_get_nstring(struct cyre_cur *c)
{
	size_t left = cyre_cur_left(c);

	if (left >= 2 && *c->p == '"')
		return quoted(c);
	if (left >= 3 && memcmp(c->p, "NIL", 3) == 0) {
		c->p += 3;
		return cyre_slice(NULL, 0);
	}
	if (left >= 1 && *c->p == '{')
		return literal(c);
	return bad(c);
}
