/*
 * check_cache_text.c - the form of the text items of a cache record
 *
 * Reads HEADERS, the address items and SUBJECT, and finds the first byte that
 * their writer cannot have put there; ENVELOPE, BODYSTRUCTURE and BODY by
 * check_cache_tree.c, SECTION by check_cache_section.c.
 *
 * Format: docs/formats/cache.md sections 2 to 4, 6 to 8, 11.
 */
#include "cache_tree.h"

#include <stdlib.h>

void cyre_cache_scratch_free(struct cyre_cache_scratch *s)
{
	free(s->nodes);
	*s = (struct cyre_cache_scratch){0};
}

void cyre_cache_fault_at(struct cyre_cache_fault *ret,
	enum cyre_cache_item item, struct cyre_slice s,
	const struct cyre_cur *c, const char *what)
{
	*ret = (struct cyre_cache_fault){.item = item,
		.offset = c && s.n ? (size_t)(c->p - s.p) : 0,
		.what = what};
}

#define FIELD_NAME_MAX 31

/* The colon behind a field name; NULL when there is none. */
static const uint8_t *field_colon(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *stop =
		end - p > FIELD_NAME_MAX + 1 ? p + FIELD_NAME_MAX + 1 : end;

	if (*p == ' ' || *p == '\t')
		return NULL;
	while (p < stop && *p != ':') {
		if (*p == '\n' || *p == '\r' || *p == 0)
			return NULL;
		p++;
	}
	return p < stop ? p : NULL;
}

/* Header fields, each ended by CRLF, continuation lines inside. */
static const uint8_t *bad_field(struct cyre_slice s)
{
	const uint8_t *p = s.p, *end = s.p + s.n, *q;

	for (; p < end; p = q + 1) {
		q = field_colon(p, end);
		if (!q)
			return p;
		do {
			q = memchr(q + 1, '\n', (size_t)(end - q - 1));
			if (!q)
				return p;
		} while (q + 1 < end && (q[1] == ' ' || q[1] == '\t'));
		if (q[-1] != '\r')
			return q;
	}
	return NULL;
}

static void check_plain(
	const struct cyre_cache_record *r, struct cyre_cache_fault *ret)
{
	struct cyre_slice s = r->item[CYRE_CACHE_HEADERS];
	struct cyre_cur c = {bad_field(s), NULL, false};

	if (c.p) {
		cyre_cache_fault_at(
			ret, CYRE_CACHE_HEADERS, s, &c, "not header fields");
		return;
	}
	for (int i = CYRE_CACHE_FROM; i <= CYRE_CACHE_BCC; i++) {
		s = r->item[i];
		c.p = s.n ? memchr(s.p, 0, s.n) : NULL;
		if (c.p) {
			cyre_cache_fault_at(ret, (enum cyre_cache_item)i, s, &c,
				"a NUL byte");
			return;
		}
	}
	s = r->item[CYRE_CACHE_SUBJECT];
	c = cyre_cur(s);
	cyre_get_nstring(&c);
	if (c.bad || c.p != c.end)
		cyre_cache_fault_at(
			ret, CYRE_CACHE_SUBJECT, s, &c, "not one string");
}

cyre_status cyre_check_cache_items(const struct cyre_cache_record *r,
	unsigned version, struct cyre_cache_scratch *scratch,
	struct cyre_cache_fault *ret)
{
	struct cyre_cur c = cyre_cur(r->item[CYRE_CACHE_ENVELOPE]);
	struct cyre_cache_fault f = {0};
	cyre_status st = CYRE_OK;

	cyre_cache_skip_envelope(&c);
	if (c.bad || c.p != c.end)
		cyre_cache_fault_at(&f, CYRE_CACHE_ENVELOPE,
			r->item[CYRE_CACHE_ENVELOPE], &c, "not well-formed");
	if (!f.what)
		st = cyre_cache_read_tree(r->item[CYRE_CACHE_BODYSTRUCTURE],
			r->item[CYRE_CACHE_BODY], version, scratch, &f);
	if (st != CYRE_OK)
		return st;
	if (!f.what)
		cyre_cache_check_section(
			r->item[CYRE_CACHE_SECTION], version, scratch, &f);
	if (!f.what)
		check_plain(r, &f);
	*ret = f;
	return CYRE_OK;
}
