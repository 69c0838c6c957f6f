/*
 * buf.h - a growing byte buffer that fails once and stays failed
 *
 * A put does nothing once `bad` is set, so that a writer has one test at the
 * end. `bad` means no memory or past the limit given at the start (0: none).
 * Zero-initialised is empty and valid. cyre_buf_free() leaves it so.
 */
#ifndef CYRE_BUF_H
#define CYRE_BUF_H

#include "bytes.h"

struct cyre_buf {
	uint8_t *p;
	size_t n, cap;
	size_t limit; /* bytes; 0: none */
	bool bad;
};

void cyre_buf_free(struct cyre_buf *b);
/* Empties, keeps the memory, forgets a failure. */
void cyre_buf_reset(struct cyre_buf *b);
/* Room for n more bytes at b->p + b->n; false (and bad) without. */
bool cyre_buf_room(struct cyre_buf *b, size_t n);
void cyre_put_fill(struct cyre_buf *b, uint8_t byte, size_t n);
void cyre_put_dec(struct cyre_buf *b, uint64_t v);
/* In lower-case hexadecimal, two digits a byte. */
void cyre_put_hex(struct cyre_buf *b, struct cyre_slice s);
/* The same with a NUL behind, into 2 * n + 1 bytes. */
void cyre_to_hex(const uint8_t *p, size_t n, char *ret);
/* A path as the undo archive and the plan have it: each byte but A-Z a-z 0-9 -
 * . _ / is %XX. */
void cyre_put_percent(struct cyre_buf *b, const char *s);
void cyre_put_fmt(struct cyre_buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* These are inline for the sake of short texts of known length. */
static inline void cyre_put(struct cyre_buf *b, const void *p, size_t n)
{
	if (n == 0 || (b->cap - b->n < n && !cyre_buf_room(b, n)) || b->bad)
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static inline void cyre_put_str(struct cyre_buf *b, const char *s)
{
	cyre_put(b, s, strlen(s));
}

static inline void cyre_put_u8(struct cyre_buf *b, uint8_t v)
{
	if (b->n < b->cap || cyre_buf_room(b, 1)) {
		if (!b->bad)
			b->p[b->n++] = v;
	}
}

static inline void cyre_put_slice(struct cyre_buf *b, struct cyre_slice s)
{
	cyre_put(b, s.p, s.n);
}

static inline void cyre_put_be32(struct cyre_buf *b, uint32_t v)
{
	uint8_t a[4];

	cyre_store_be32(a, v);
	cyre_put(b, a, sizeof(a));
}

static inline void cyre_put_be64(struct cyre_buf *b, uint64_t v)
{
	uint8_t a[8];

	cyre_store_be64(a, v);
	cyre_put(b, a, sizeof(a));
}

static inline struct cyre_slice cyre_buf_slice(const struct cyre_buf *b)
{
	return cyre_slice(b->p, b->n);
}

#endif
