/* buf.c - see buf.h. */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include "large.h"

void cyre_buf_free(struct cyre_buf *b)
{
	free(b->p);
	*b = (struct cyre_buf){.limit = b->limit};
}

void cyre_buf_reset(struct cyre_buf *b)
{
	b->n = 0;
	b->bad = false;
}

bool cyre_buf_room(struct cyre_buf *b, size_t n)
{
	size_t max = b->limit ? b->limit : SIZE_MAX / 2;
	size_t cap;
	uint8_t *p;

	if (b->bad)
		return false;
	if (b->n > max || n > max - b->n) {
		b->bad = true;
		return false;
	}
	if (n <= b->cap - b->n)
		return true;
	cap = b->cap < 256 ? 256 : b->cap;
	while (cap - b->n < n)
		cap += cap / 2;
	p = cyre_realloc_large(b->p, cap, 1);
	if (!p) {
		b->bad = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void cyre_put_fill(struct cyre_buf *b, uint8_t byte, size_t n)
{
	if (n == 0 || !cyre_buf_room(b, n))
		return;
	memset(b->p + b->n, byte, n);
	b->n += n;
}

void cyre_put_dec(struct cyre_buf *b, uint64_t v)
{
	char a[20];
	size_t i = sizeof(a);

	do {
		a[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	cyre_put(b, a + i, sizeof(a) - i);
}

static const char hex_digits[] = "0123456789abcdef";

void cyre_put_hex(struct cyre_buf *b, struct cyre_slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		cyre_put_u8(b, (uint8_t)hex_digits[s.p[i] >> 4]);
		cyre_put_u8(b, (uint8_t)hex_digits[s.p[i] & 15]);
	}
}

void cyre_to_hex(const uint8_t *p, size_t n, char *ret)
{
	size_t i;

	for (i = 0; i < n; i++) {
		*ret++ = hex_digits[p[i] >> 4];
		*ret++ = hex_digits[p[i] & 15];
	}
	*ret = '\0';
}

static bool is_plain(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '/';
}

void cyre_put_percent(struct cyre_buf *b, const char *s)
{
	for (; *s; s++) {
		uint8_t c = (uint8_t)*s;

		if (is_plain(c))
			cyre_put_u8(b, c);
		else
			cyre_put_fmt(b, "%%%02X", c);
	}
}

void cyre_put_fmt(struct cyre_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		b->bad = true;
	else if (cyre_buf_room(b, (size_t)n + 1)) {
		vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}
