/* annotation.c - see annotation.h. */
#include "annotation.h"

#define FLAG_DELETED 1u

/* Up to the next NUL, which is taken as well. False without one. */
static bool next_part(struct cyre_slice *rest, struct cyre_slice *ret)
{
	const uint8_t *nul = rest->n ? memchr(rest->p, 0, rest->n) : NULL;

	if (!nul)
		return false;
	*ret = cyre_slice(rest->p, (size_t)(nul - rest->p));
	rest->n -= ret->n + 1;
	rest->p = nul + 1;
	return true;
}

static bool parse_key(struct cyre_slice key, struct cyre_annotation *a)
{
	if (!next_part(&key, &a->scope) || !next_part(&key, &a->entry))
		return false;
	a->has_userid = next_part(&key, &a->userid);
	return true;
}

/*
 * The length is the writer's unsigned long, which holds 32 bits in network
 * order: 4 bytes alone, 4 and 4 zeros, or 4 zeros and 4. Only one of them puts
 * the value's NUL, and "text/plain" behind it, where they belong.
 */
static bool parse_value(
	struct cyre_slice v, size_t at, size_t width, struct cyre_annotation *a)
{
	struct cyre_cur c = cyre_cur(v);
	const uint8_t *head = cyre_get_bytes(&c, width), *value, *type;
	uint32_t len;

	if (!head)
		return false;
	len = cyre_load_be32(head + at);
	value = cyre_get_bytes(&c, len);
	if (cyre_get_u8(&c) || c.bad)
		return false;
	type = memchr(c.p, 0, cyre_cur_left(&c));
	if (!type)
		return false;
	cyre_get_bytes(&c, (uint64_t)(type - c.p) + 1);
	a->value = cyre_slice(value, len);
	cyre_get_bytes(&c, width); /* modifiedsince */
	a->modseq = cyre_get_be64(&c);
	a->deleted = (cyre_get_u8(&c) & FLAG_DELETED) && !c.bad;
	return true;
}

bool cyre_annotation_parse(struct cyre_slice key, struct cyre_slice value,
	struct cyre_annotation *ret)
{
	struct cyre_annotation a = {0};

	if (!parse_key(key, &a))
		return false;
	if (!parse_value(value, 0, 8, &a) && !parse_value(value, 0, 4, &a) &&
		!parse_value(value, 4, 8, &a))
		return false;
	*ret = a;
	return true;
}

uint32_t cyre_annotation_uid(const struct cyre_annotation *a)
{
	uint64_t uid = 0;
	size_t i;

	for (i = 0; i < a->scope.n; i++) {
		if (a->scope.p[i] < '0' || a->scope.p[i] > '9' ||
			uid > UINT32_MAX)
			return 0;
		uid = uid * 10 + (a->scope.p[i] - '0');
	}
	return uid <= UINT32_MAX ? (uint32_t)uid : 0;
}

void cyre_annotation_put_key(
	struct cyre_buf *b, uint32_t uid, const char *entry)
{
	cyre_put_dec(b, uid);
	cyre_put_u8(b, 0);
	cyre_put_str(b, entry);
	cyre_put_u8(b, 0);
	cyre_put_u8(b, 0);
}

/* The form of 64-bit little-endian hosts, which all readers from 2.5 on try
 * first. */
void cyre_annotation_put_value(
	struct cyre_buf *b, struct cyre_slice value, uint64_t modseq)
{
	cyre_put_be32(b, (uint32_t)value.n);
	cyre_put_be32(b, 0);
	cyre_put_slice(b, value);
	cyre_put_u8(b, 0);
	cyre_put_str(b, "text/plain");
	cyre_put_u8(b, 0);
	cyre_put_be64(b, 0); /* modifiedsince: Cyrus stores 0 */
	if (!modseq)
		return;
	cyre_put_be64(b, modseq);
	cyre_put_u8(b, 0);
}
