/*
 * rfc2047_old.c - header text with encoded words as 2.5 and older decode it:
 * charsets they have built in, U+FFFD for what they have not, and up to 2.4 the
 * search form instead of the text (docs/formats/cache.md section 11, fold.c).
 */
#include "parse.h"

struct decoder {
	struct cyre_mail_parser *m;
	struct cyre_buf *out;
	struct cyre_old o;
	bool seen_space; /* 2.4 merges white space */
	/* Whether the last block asked for has a table. */
	uint32_t block;
	bool has_table;
	/* UTF-8 and UTF-7 */
	uint32_t code;
	unsigned left, bits;
	enum { U7_PLAIN, U7_SHIFT, U7_BASE64 } u7;
};

/* As they write it: no code is refused. */
static void put_raw(struct decoder *d, uint32_t c)
{
	struct cyre_buf *out = d->out;

	if (c > 0xffff) {
		cyre_put_u8(out, (uint8_t)(0xf0 | (c >> 18 & 7)));
		cyre_put_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
	} else if (c > 0x7ff) {
		cyre_put_u8(out, (uint8_t)(0xe0 | c >> 12));
	}
	if (c > 0x7ff)
		cyre_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	else if (c > 0x7f || (!c && d->m->b->search == CYRE_SEARCH_SQUEEZED))
		cyre_put_u8(out, (uint8_t)(0xc0 | c >> 6));
	else {
		cyre_put_u8(out, (uint8_t)c);
		return;
	}
	cyre_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
}

static bool has_table(struct decoder *d, uint32_t c)
{
	if (d->block != (c | 0xff)) {
		d->block = c | 0xff;
		d->has_table = cyre_fold_has_block(d->m->b, c);
	}
	return d->has_table;
}

static void emit(struct decoder *d, uint32_t c)
{
	enum cyre_search_rule rule = d->m->b->search;
	uint32_t seq[CYRE_FOLD_MAX];
	size_t i, n;

	if (c == CYRE_OLD_NONE)
		return;
	if (rule == CYRE_SEARCH_DECODED) {
		put_raw(d, c);
		return;
	}
	if (c == 0xfffd) {
		cyre_put_u8(d->out, 'X');
		return;
	}
	n = cyre_fold(d->m->b, c, seq);
	if (rule == CYRE_SEARCH_MERGED) {
		if (n == 1 && seq[0] == 0)
			return;
		if (n == 1 && seq[0] == ' ') {
			if (d->seen_space)
				return;
			d->seen_space = true;
		} else if (d->seen_space) {
			/* A blank before and one after characters without a
			 * table of their own count as one. */
			d->seen_space = !has_table(d, c);
		}
	}
	for (i = 0; i < n; i++)
		put_raw(d, seq[i]);
}

/* 2.4 and 2.5: a sequence that breaks off is forgotten. */
static void utf8(struct decoder *d, uint8_t c)
{
	if ((c & 0xc0) == 0x80) {
		if (!d->left)
			return;
		d->code = d->code << 6 | (c & 0x3f);
		if (--d->left == 0)
			emit(d, d->code);
		return;
	}
	d->left = (c & 0xf8) == 0xf0   ? 3
		  : (c & 0xf0) == 0xe0 ? 2
		  : (c & 0xe0) == 0xc0 ? 1
				       : 0;
	if (d->left)
		d->code = c & (0x3fu >> d->left);
	else
		emit(d, c);
}

/* Up to 2.3: three bytes at most, the byte that breaks off is eaten. */
static void utf8_short(struct decoder *d, uint8_t c)
{
	if (d->left) {
		if ((c & 0xc0) != 0x80) {
			d->left = 0;
			emit(d, 0xfffd);
			return;
		}
		d->code = d->code << 6 | (c & 0x3f);
		if (--d->left == 0)
			emit(d, d->code);
	} else if (c < 0x80) {
		emit(d, c);
	} else if (c < 0xc2 || c >= 0xf0) {
		emit(d, 0xfffd);
	} else {
		d->left = c < 0xe0 ? 1 : 2;
		d->code = c & (0x3fu >> d->left);
	}
}

static void utf7_base64(struct decoder *d, uint8_t value)
{
	d->u7 = U7_BASE64;
	d->code = (d->code << 6 | value) & 0x3fffff;
	d->bits += 6;
	if (d->bits >= 16) {
		d->bits -= 16;
		emit(d, d->code >> d->bits & 0x7fff);
	}
}

static void utf7(struct decoder *d, uint8_t c)
{
	bool squeezed = d->m->b->search == CYRE_SEARCH_SQUEEZED;
	uint8_t v = cyre_base64_value(c);

	if (c >= 0x80) {
		if (squeezed)
			d->u7 = U7_PLAIN;
		emit(d, 0xfffd);
	} else if (d->u7 == U7_PLAIN) {
		if (c != '+') {
			emit(d, c);
			return;
		}
		d->u7 = U7_SHIFT;
		d->code = d->bits = 0;
	} else if (c == '-') {
		if (d->u7 == U7_SHIFT)
			emit(d, '+');
		d->u7 = U7_PLAIN;
	} else if (v < 64) {
		utf7_base64(d, v);
	} else {
		emit(d, squeezed && d->u7 == U7_SHIFT ? 0xfffd : c);
		d->u7 = U7_PLAIN;
	}
}

static void byte(struct decoder *d, uint8_t c)
{
	uint32_t code;

	if (cyre_old_is_utf7(d->o.charset))
		utf7(d, c);
	else if (cyre_old_is_utf8(d->o.charset) &&
		 d->m->b->search == CYRE_SEARCH_SQUEEZED)
		utf8_short(d, c);
	else if (cyre_old_is_utf8(d->o.charset))
		utf8(d, c);
	else {
		code = cyre_old_code(&d->o, c);
		/* A NUL in a table means that nothing comes out. */
		if (code || d->m->b->search == CYRE_SEARCH_SQUEEZED)
			emit(d, code);
	}
}

static void start(struct decoder *d, int charset)
{
	d->o = (struct cyre_old){.m = d->m, .charset = charset};
	d->code = d->left = d->bits = 0;
	d->u7 = U7_PLAIN;
}

static void text(struct decoder *d, const uint8_t *p, const uint8_t *end)
{
	start(d, 0);
	for (; p < end; p++) {
		if (*p != '\r' && *p != '\n')
			byte(d, *p);
	}
}

/* A pair of hex digits that is none gives U+FFFD, or nothing at all. */
static void word_q(struct decoder *d, struct cyre_slice w)
{
	bool squeezed = d->m->b->search == CYRE_SEARCH_SQUEEZED;
	int hi, lo;
	size_t i;

	for (i = 0; i < w.n; i++) {
		if (w.p[i] != '=') {
			byte(d, w.p[i] == '_' ? ' ' : w.p[i]);
			continue;
		}
		hi = i + 1 < w.n ? cyre_hex(w.p[i + 1]) : -1;
		lo = i + 2 < w.n ? cyre_hex(w.p[i + 2]) : -1;
		i += 2;
		if (hi >= 0 && lo >= 0)
			byte(d, (uint8_t)(hi << 4 | lo));
		else if (squeezed)
			byte(d, 0);
		else if (lo >= 0)
			emit(d, 0xfffd);
	}
}

static void word_b(struct decoder *d, struct cyre_slice w)
{
	bool squeezed = d->m->b->search == CYRE_SEARCH_SQUEEZED;
	uint32_t bits = 0;
	unsigned have = 0;
	uint8_t v;
	size_t i;

	for (i = 0; i < w.n; i++) {
		v = cyre_base64_value(w.p[i]);
		if (v >= 64) {
			if (squeezed)
				return;
			continue;
		}
		bits = bits << 6 | v;
		if (have)
			byte(d, (uint8_t)(bits >> (6 - 2 * have)));
		have = (have + 1) & 3;
	}
}

static bool is_blank(const uint8_t *p, const uint8_t *end)
{
	while (p < end && cyre_is(*p, CYRE_CC_WS))
		p++;
	return p == end;
}

void cyre_decode_old(struct cyre_mail_parser *m, struct cyre_slice s)
{
	struct decoder d = {.m = m, .out = &m->text};
	const uint8_t *p = s.p, *end = p + s.n;
	struct cyre_word w;
	bool after_word = false;
	int charset;

	while (cyre_find_word_old(p, end, &w)) {
		if (!after_word || !is_blank(p, w.start))
			text(&d, p, w.start);
		charset = cyre_charset_number(m->b, w.charset);
		if (charset < 0) {
			emit(&d, 0xfffd);
		} else {
			start(&d, charset);
			if (w.q)
				word_q(&d, w.text);
			else
				word_b(&d, w.text);
		}
		after_word = true;
		p = w.end;
	}
	text(&d, p, end);
}
