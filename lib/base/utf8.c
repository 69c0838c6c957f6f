/* utf8.c - see utf8.h. */
#include "utf8.h"

/* Length of the well-formed character at the start of s, 0: there is none. */
static size_t char_len(struct cyre_slice s)
{
	uint8_t c = s.p[0], lo = 0x80, hi = 0xbf;
	size_t len, i;

	if (c < 0x80)
		return 1;
	len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || len > s.n)
		return 0;
	/* The second byte's range keeps out overlong forms, surrogates and
	 * what lies beyond U+10FFFF. */
	if (c == 0xe0)
		lo = 0xa0;
	else if (c == 0xed)
		hi = 0x9f;
	else if (c == 0xf0)
		lo = 0x90;
	else if (c == 0xf4)
		hi = 0x8f;
	if (s.p[1] < lo || s.p[1] > hi)
		return 0;
	for (i = 2; i < len; i++)
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

bool cyre_utf8_valid(struct cyre_slice s)
{
	size_t n;

	for (; s.n; s.p += n, s.n -= n) {
		n = char_len(s);
		if (!n)
			return false;
	}
	return true;
}

/* C0, DEL and, as two bytes of UTF-8, C1 controls. */
static bool is_control(const uint8_t *p, size_t n)
{
	return (n == 1 && (p[0] < 0x20 || p[0] == 0x7f)) ||
	       (n == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

#define EACH(byte) ((byte)*UINT64_C(0x0101010101010101))

/*
 * Is one of these eight bytes no printable ASCII, or a backslash? Each test
 * leaves the high bit of a byte that fails; a borrow from such a byte can only
 * accuse its neighbour of what is looked at one by one anyway.
 */
static bool any_odd(const uint8_t *p)
{
	uint64_t v, slash;

	memcpy(&v, p, 8);
	slash = v ^ EACH('\\');
	return (v | (v - EACH(0x20)) | (v + EACH(1)) | (slash - EACH(1))) &
	       EACH(0x80);
}

/* How many bytes from here on show as they are: ASCII, as nearly all are. */
static size_t plain_run(struct cyre_slice s)
{
	size_t n = 0;

	while (s.n - n >= 8 && !any_odd(s.p + n))
		n += 8;
	while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7f && s.p[n] != '\\')
		n++;
	return n;
}

void cyre_put_visible(struct cyre_buf *b, struct cyre_slice s)
{
	size_t n, i;

	for (; s.n; s.p += n, s.n -= n) {
		n = plain_run(s);
		if (n) {
			cyre_put(b, s.p, n);
			continue;
		}
		n = char_len(s);
		if (n && !is_control(s.p, n)) {
			if (s.p[0] == '\\')
				cyre_put_u8(b, '\\');
			cyre_put(b, s.p, n);
			continue;
		}
		n = n ? n : 1;
		for (i = 0; i < n; i++)
			cyre_put_fmt(b, "\\x%02x", s.p[i]);
	}
}
