/*
 * dlist.c - pull parser for the list notation of Cyrus 3
 *
 * Reads text in memory, one value a call. Knows nothing of keys or what they
 * mean. Format: docs/formats/header.md 3.1.
 */
#include "dlist.h"

#include <endian.h>

void cyre_dlist_begin(
	struct cyre_dlist *d, struct cyre_slice text, uint8_t *own)
{
	*d = (struct cyre_dlist){.cur = cyre_cur(text),
		.first = true,
		.own = own,
		.own_end = own + text.n};
}

static enum cyre_dlist_kind fail(struct cyre_dlist *d)
{
	d->bad = true;
	return CYRE_DLIST_BAD;
}

static enum cyre_dlist_kind open_list(
	struct cyre_dlist *d, size_t n, enum cyre_dlist_kind kind)
{
	if (d->depth == CYRE_DLIST_DEPTH)
		return fail(d);
	d->cur.p += n;
	d->depth++;
	d->first = true;
	return kind;
}

static enum cyre_dlist_kind quoted(struct cyre_dlist *d, struct cyre_slice *ret)
{
	const uint8_t *p = d->cur.p + 1, *start = p;
	uint8_t *copy = d->own;
	bool escaped = false;

	for (; p < d->cur.end && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < d->cur.end) {
			escaped = true;
			p++;
		}
		if (*p == '\n')
			d->line_break = true;
		if (copy == d->own_end)
			return fail(d);
		*copy++ = *p;
	}
	if (p == d->cur.end)
		return fail(d);
	if (escaped) {
		*ret = cyre_slice(d->own, (size_t)(copy - d->own));
		d->own = copy;
	} else {
		*ret = cyre_slice(start, (size_t)(p - start));
	}
	d->cur.p = p + 1;
	return CYRE_DLIST_QUOTED;
}

static enum cyre_dlist_kind literal(
	struct cyre_dlist *d, struct cyre_slice *ret)
{
	struct cyre_cur c = d->cur;
	const uint8_t *p;
	uint64_t n = 0;
	unsigned digits = 0;
	uint8_t b;

	c.p++;
	while ((b = cyre_get_u8(&c)) >= '0' && b <= '9' && digits++ < 10)
		n = n * 10 + (uint64_t)(b - '0');
	if (b == '+')
		b = cyre_get_u8(&c);
	if (digits == 0 || b != '}' || cyre_get_u8(&c) != '\r' ||
		cyre_get_u8(&c) != '\n')
		return fail(d);
	p = cyre_get_bytes(&c, n);
	if (!p)
		return fail(d);
	*ret = cyre_slice(p, (size_t)n);
	d->cur = c;
	d->literal = true;
	return CYRE_DLIST_LITERAL;
}

#define EACH(byte) ((byte)*UINT64_C(0x0101010101010101))

/* The high bit of each byte that is this one, and perhaps of some behind it. */
static uint64_t equal_bytes(uint64_t v, uint8_t byte)
{
	v ^= EACH(byte);
	return (v - EACH(1)) & ~v & EACH(0x80);
}

/* The next blank or line break, eight bytes at a time. */
static const uint8_t *find_blank(const uint8_t *p, const uint8_t *end)
{
	uint64_t v, hits;

	for (; end - p >= 8; p += 8) {
		memcpy(&v, p, 8);
		v = le64toh(v);
		hits = equal_bytes(v, ' ') | equal_bytes(v, '\n');
		if (hits)
			return p + __builtin_ctzll(hits) / 8;
	}
	while (p < end && *p != ' ' && *p != '\n')
		p++;
	return p;
}

/* Up to the next blank; parentheses at its end close lists (header.md 3.1). */
static enum cyre_dlist_kind atom(struct cyre_dlist *d, struct cyre_slice *ret)
{
	const uint8_t *p = d->cur.p, *end = find_blank(p, d->cur.end);

	while (end > p && end[-1] == ')')
		end--;
	if (end == p)
		return fail(d);
	d->cur.p = end;
	if (cyre_slice_eq(
		    cyre_slice(p, (size_t)(end - p)), cyre_slice_str("NIL")))
		return CYRE_DLIST_NIL;
	*ret = cyre_slice(p, (size_t)(end - p));
	return CYRE_DLIST_ATOM;
}

/* Blanks before a value or a closing parenthesis. */
static void blanks(struct cyre_dlist *d)
{
	const uint8_t *p = d->cur.p;
	size_t n, want;

	while (d->cur.p < d->cur.end && *d->cur.p == ' ')
		d->cur.p++;
	n = (size_t)(d->cur.p - p);
	want = d->first || d->cur.p == d->cur.end || *d->cur.p == ')' ? 0 : 1;
	if (d->depth && n != want)
		d->odd_blanks = true;
}

enum cyre_dlist_kind cyre_dlist_next(
	struct cyre_dlist *d, struct cyre_slice *ret)
{
	*ret = cyre_slice(NULL, 0);
	if (d->bad)
		return CYRE_DLIST_BAD;
	blanks(d);
	if (d->cur.p == d->cur.end || *d->cur.p == '\n')
		return d->depth ? fail(d) : CYRE_DLIST_END;
	if (*d->cur.p == ')') {
		if (!d->depth)
			return fail(d);
		d->cur.p++;
		d->depth--;
		d->first = false;
		return CYRE_DLIST_END;
	}
	if (*d->cur.p == '(')
		return open_list(d, 1, CYRE_DLIST_LIST);
	if (*d->cur.p == '%') {
		if (d->cur.end - d->cur.p < 2 || d->cur.p[1] != '(')
			return fail(d);
		return open_list(d, 2, CYRE_DLIST_KVLIST);
	}
	d->first = false;
	if (*d->cur.p == '"')
		return quoted(d, ret);
	if (*d->cur.p == '{')
		return literal(d, ret);
	return atom(d, ret);
}

bool cyre_dlist_skip(struct cyre_dlist *d)
{
	unsigned outside = d->depth - 1;
	struct cyre_slice s;

	while (d->depth > outside)
		if (cyre_dlist_next(d, &s) == CYRE_DLIST_BAD)
			return false;
	return true;
}

bool cyre_dlist_is_atom(struct cyre_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f ||
			strchr("(){%*\"\\", s.p[i]))
			return false;
	return s.n > 0;
}
