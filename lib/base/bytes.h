/*
 * bytes.h - the only way bytes from a disk become numbers
 *
 * A slice borrows memory. A cursor walks a slice; it fails once and stays
 * failed, so that a decoder reads like the format page and has one test at the
 * end: past the end a getter returns 0 and sets `bad`. Everything Cyrus writes
 * is big-endian, except where a getter says otherwise.
 *
 * cyre_slice_sub() is the only way an on-disk offset and length become memory.
 * It compares before it subtracts; outside the slice it returns an empty slice
 * and false.
 */
#ifndef CYRE_BYTES_H
#define CYRE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cyrescue/slice.h>

struct cyre_cur {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct cyre_slice cyre_slice(const void *p, size_t n)
{
	return (struct cyre_slice){p, n};
}

/* A C string's bytes, without its NUL. */
static inline struct cyre_slice cyre_slice_str(const char *s)
{
	return cyre_slice(s, strlen(s));
}

/* The same where there may be none. */
static inline struct cyre_slice cyre_slice_text(const char *s)
{
	return s ? cyre_slice_str(s) : cyre_slice(NULL, 0);
}

static inline bool cyre_slice_eq(struct cyre_slice a, struct cyre_slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* As memcmp(); what is the beginning of the other stands before it. */
static inline int cyre_slice_compare(struct cyre_slice a, struct cyre_slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n ? memcmp(a.p, b.p, n) : 0;

	return d ? d : (a.n > b.n) - (a.n < b.n);
}

/* The first of `n` sorted things at `base` that does not stand before `key`. */
static inline size_t cyre_seek(const void *key, const void *base, size_t n,
	size_t size, int (*cmp)(const void *, const void *))
{
	size_t lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (cmp((const char *)base + mid * size, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static inline bool cyre_slice_starts(struct cyre_slice s, struct cyre_slice pre)
{
	return s.n >= pre.n && (pre.n == 0 || memcmp(s.p, pre.p, pre.n) == 0);
}

static inline bool cyre_slice_sub(
	struct cyre_slice s, uint64_t off, uint64_t len, struct cyre_slice *ret)
{
	if (off > s.n || len > s.n - off || (len && !s.p)) {
		*ret = cyre_slice(NULL, 0);
		return false;
	}
	*ret = cyre_slice(s.p + off, (size_t)len);
	return true;
}

/* Takes the bytes before the next `until`, and it; or all that is left. */
static inline struct cyre_slice cyre_slice_take(
	struct cyre_slice *s, uint8_t until)
{
	const uint8_t *end = s->n ? memchr(s->p, until, s->n) : NULL;
	struct cyre_slice part = *s;

	*s = cyre_slice(NULL, 0);
	if (end) {
		*s = cyre_slice(end + 1, (size_t)(part.p + part.n - end) - 1);
		part.n = (size_t)(end - part.p);
	}
	return part;
}

static inline struct cyre_cur cyre_cur(struct cyre_slice s)
{
	static const uint8_t none;

	if (!s.p)
		return (struct cyre_cur){&none, &none, false};
	return (struct cyre_cur){s.p, s.p + s.n, false};
}

static inline size_t cyre_cur_left(const struct cyre_cur *c)
{
	return c->bad ? 0 : (size_t)(c->end - c->p);
}

/* The next n bytes, or NULL (and bad). Moves on. */
static inline const uint8_t *cyre_get_bytes(struct cyre_cur *c, uint64_t n)
{
	const uint8_t *p = c->p;

	if (c->bad || n > (uint64_t)(c->end - c->p)) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	return p;
}

static inline uint8_t cyre_get_u8(struct cyre_cur *c)
{
	const uint8_t *p = cyre_get_bytes(c, 1);

	return p ? p[0] : 0;
}

static inline uint16_t cyre_load_be16(const uint8_t *p)
{
	return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t cyre_load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t cyre_load_be64(const uint8_t *p)
{
	return (uint64_t)cyre_load_be32(p) << 32 | cyre_load_be32(p + 4);
}

static inline uint16_t cyre_get_be16(struct cyre_cur *c)
{
	const uint8_t *p = cyre_get_bytes(c, 2);

	return p ? cyre_load_be16(p) : 0;
}

static inline uint32_t cyre_get_be32(struct cyre_cur *c)
{
	const uint8_t *p = cyre_get_bytes(c, 4);

	return p ? cyre_load_be32(p) : 0;
}

static inline uint64_t cyre_get_be64(struct cyre_cur *c)
{
	const uint8_t *p = cyre_get_bytes(c, 8);

	return p ? cyre_load_be64(p) : 0;
}

static inline void cyre_store_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline void cyre_store_be64(uint8_t *p, uint64_t v)
{
	cyre_store_be32(p, (uint32_t)(v >> 32));
	cyre_store_be32(p + 4, (uint32_t)v);
}

#endif
