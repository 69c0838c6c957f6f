/*
 * rfc2047.c - header text with encoded words -> UTF-8 (docs/formats/
 * message-parsing.md 9.1), and RFC 2231 values (9.3).
 */
#include "parse.h"

/* Strips folds from the text between words; holds back a CR. */
enum unfold { UNFOLD_PLAIN, UNFOLD_CR, UNFOLD_CRLF };

struct decoder {
	struct cyre_mail_parser *m;
	struct cyre_unicode u;
	struct cyre_charset *plain; /* of the text between words */
	enum unfold unfold;
	/* The word before, when the next one may go on where it stopped. */
	struct cyre_charset *last;
	bool last_q;
	struct cyre_base64 b64;
};

/*
 * Finds the next word at or behind p. A try that fails goes on where it
 * failed, so that no byte is looked at twice.
 */
static bool find_word(
	const uint8_t *p, const uint8_t *end, struct cyre_word *ret)
{
	struct cyre_cur t = {p, end, false};
	const uint8_t *star;
	int c;

	for (;;) {
		t.p = t.p < end ? memchr(t.p, '=', (size_t)(end - t.p)) : NULL;
		if (!t.p)
			return false;
		ret->start = t.p++;
		if (cyre_peek(&t) != '?')
			continue;
		t.p++;
		ret->charset.p = t.p;
		for (star = NULL; (c = cyre_peek(&t)) && c != '=' && c != '?';
			t.p++) {
			if (c == '*' && !star)
				star = t.p;
		}
		if (c != '?')
			continue;
		ret->charset.n = (size_t)((star ? star : t.p) - ret->charset.p);
		c = cyre_peek_at(&t, 1) | 32;
		if ((c != 'b' && c != 'q') || cyre_peek_at(&t, 2) != '?')
			continue;
		ret->q = c == 'q';
		t.p += 3;
		ret->text.p = t.p;
		for (; (c = cyre_peek(&t)) && c != '?'; t.p++) {
			if (c == '=' && cyre_peek_at(&t, 1) == '?' &&
				cyre_peek_at(&t, 2) != '=')
				break;
		}
		if (c != '?' || cyre_peek_at(&t, 1) != '=')
			continue;
		ret->text.n = (size_t)(t.p - ret->text.p);
		ret->end = t.p + 2;
		return true;
	}
}

/* The same before 3.2: a try that fails goes on one byte further. */
bool cyre_find_word_old(
	const uint8_t *p, const uint8_t *end, struct cyre_word *ret)
{
	const uint8_t *cs, *enc, *star, *text_end;

	for (;;) {
		p = p < end ? memchr(p, '=', (size_t)(end - p)) : NULL;
		if (!p)
			return false;
		ret->start = p++;
		if (p == end || *p != '?')
			continue;
		cs = p + 1;
		enc = memchr(cs, '?', (size_t)(end - cs));
		if (!enc || end - enc < 3 || enc[2] != '?' ||
			!memchr("bBqQ", enc[1], 4))
			continue;
		text_end = memchr(enc + 3, '?', (size_t)(end - enc - 3));
		if (!text_end || text_end + 1 == end || text_end[1] != '=')
			continue;
		star = memchr(cs, '*', (size_t)(enc - cs));
		ret->charset =
			cyre_slice(cs, (size_t)((star ? star : enc) - cs));
		ret->q = (enc[1] | 32) == 'q';
		ret->text = cyre_slice(enc + 3, (size_t)(text_end - enc - 3));
		ret->end = text_end + 2;
		return true;
	}
}

/* Text that is no word, without its folds. */
static void put_plain(struct decoder *d, const uint8_t *p, const uint8_t *end)
{
	struct cyre_buf *b = &d->m->decoded;

	cyre_charset_reset(d->plain, &d->u);
	cyre_buf_reset(b);
	for (; p < end; p++) {
		if (d->unfold == UNFOLD_PLAIN && *p == '\r') {
			d->unfold = UNFOLD_CR;
		} else if (d->unfold == UNFOLD_CR && *p == '\n') {
			d->unfold = UNFOLD_CRLF;
		} else {
			if (d->unfold == UNFOLD_CR)
				cyre_put_u8(b, '\r');
			else if (d->unfold == UNFOLD_CRLF && !cyre_is_wsp(*p))
				cyre_put(b, "\r\n", 2);
			cyre_put_u8(b, *p);
			d->unfold = UNFOLD_PLAIN;
		}
	}
	cyre_charset_put(d->plain, &d->u, cyre_buf_slice(b));
	d->last = NULL;
}

static void put_word(struct decoder *d, const struct cyre_word *w)
{
	struct cyre_charset *cs = cyre_charset_find(d->m, w->charset);
	struct cyre_buf *b = &d->m->decoded;

	if (!cs) {
		cyre_put_utf8(d->u.out, 0xfffd);
		cyre_charset_reset(d->plain, &d->u);
		d->last = NULL;
		return;
	}
	if (!d->last || d->last_q != w->q || d->m->b->loose_words ||
		!cyre_slice_eq(
			cyre_charset_canon(cs), cyre_charset_canon(d->last))) {
		cyre_charset_reset(cs, &d->u);
		d->b64 = (struct cyre_base64){
			.ignore_pad = d->m->b->base64_ignores_pad};
		d->last = cs;
		d->last_q = w->q;
	}
	cyre_buf_reset(b);
	if (w->q)
		cyre_qp_put(w->text, true, b);
	else
		cyre_base64_put(&d->b64, w->text, b);
	cyre_charset_put(d->last, &d->u, cyre_buf_slice(b));
}

static bool is_blank(const uint8_t *p, const uint8_t *end)
{
	while (p < end && cyre_is(*p, CYRE_CC_WS))
		p++;
	return p == end;
}

/* What the C strings of the server hold: up to the first NUL. */
static struct cyre_slice keep_c_string(
	struct cyre_mail_parser *m, const struct cyre_buf *b)
{
	const uint8_t *nul = b->n ? memchr(b->p, 0, b->n) : NULL;
	size_t n = nul ? (size_t)(nul - b->p) : b->n;
	uint8_t *p = cyre_mail_text(m, n);

	if (!p || b->bad) {
		cyre_mail_fail(m, CYRE_ENOMEM);
		return CYRE_ABSENT;
	}
	if (n)
		memcpy(p, b->p, n);
	return cyre_arena_keep(&m->arena, p, n);
}

/* Text without a word, an 8-bit byte or a CR is what it is. */
static bool is_trivial(struct cyre_slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] >= 0x80 || s.p[i] == '\r' || !s.p[i] ||
			(s.p[i] == '=' && i + 1 < s.n && s.p[i + 1] == '?'))
			return false;
	}
	return true;
}

struct cyre_slice cyre_mail_decode(
	struct cyre_mail_parser *m, struct cyre_slice text, bool utf8)
{
	struct decoder d = {.m = m, .u = {.out = &m->text}};
	const uint8_t *p = text.p, *end = p + text.n;
	struct cyre_word w;
	bool after_word = false;

	if (m->b->n_charsets && m->b->search != CYRE_SEARCH_DECODED)
		goto old; /* the search form changes every text */
	if (is_trivial(text))
		return text;
	if (m->b->n_charsets)
		goto old;
	d.plain = cyre_charset_plain(m, utf8);
	cyre_buf_reset(&m->text);
	while (m->b->loose_words ? cyre_find_word_old(p, end, &w)
				 : find_word(p, end, &w)) {
		if (!after_word || !is_blank(p, w.start))
			put_plain(&d, p, w.start);
		put_word(&d, &w);
		after_word = true;
		p = w.end;
	}
	if (p < end)
		put_plain(&d, p, end);
	return keep_c_string(m, &m->text);
old:
	cyre_buf_reset(&m->text);
	cyre_decode_old(m, text);
	return keep_c_string(m, &m->text);
}

struct cyre_slice cyre_mail_decode_2231(
	struct cyre_mail_parser *m, struct cyre_slice value)
{
	struct cyre_unicode u = {.out = &m->text};
	const uint8_t *end = value.p + value.n, *q, *p;
	struct cyre_charset *cs;

	q = value.n ? memchr(value.p, '\'', value.n) : NULL;
	if (!q)
		return CYRE_ABSENT;
	cs = cyre_charset_find(m, cyre_slice(value.p, (size_t)(q - value.p)));
	p = cs ? memchr(q + 1, '\'', (size_t)(end - q - 1)) : NULL;
	if (!p)
		return CYRE_ABSENT;
	cyre_buf_reset(&m->decoded);
	for (p++; p < end; p++) {
		if (*p != '%') {
			cyre_put_u8(&m->decoded, *p);
			continue;
		}
		if (end - p < 3 || cyre_hex(p[1]) < 0 || cyre_hex(p[2]) < 0)
			return CYRE_ABSENT;
		cyre_put_u8(
			&m->decoded, (uint8_t)((unsigned)cyre_hex(p[1]) << 4 |
					       (unsigned)cyre_hex(p[2])));
		p += 2;
	}
	if (!m->decoded.n)
		return cyre_slice_str("");
	cs = cyre_charset_find_icu(m, cyre_charset_canon(cs));
	if (!cs)
		return CYRE_ABSENT;
	cyre_buf_reset(&m->text);
	cyre_charset_reset(cs, &u);
	cyre_charset_put(cs, &u, cyre_buf_slice(&m->decoded));
	return m->text.n ? keep_c_string(m, &m->text) : CYRE_ABSENT;
}
