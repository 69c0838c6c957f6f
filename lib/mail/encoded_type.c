/*
 * encoded_type.c - a Content-Type header written as RFC 2047 words, and its
 * 8-bit parameters written back as such words (docs/formats/
 * message-parsing.md 5.2).
 */
#include "parse.h"

#define LINE_MAX_COLUMN 72u

bool cyre_mail_decode_type(struct cyre_mail_parser *m, struct cyre_cur *t)
{
	struct cyre_slice rest = {t->p, (size_t)(t->end - t->p)}, text;

	if (rest.n <= 2 || rest.p[0] != '=' || rest.p[1] != '?')
		return false;
	text = cyre_mail_decode(m, rest, false);
	if (m->st != CYRE_OK || cyre_slice_eq(text, rest))
		return false;
	*t = cyre_cur(text);
	return true;
}

/* Writes words, counting columns. */
struct writer {
	struct cyre_buf *out;
	size_t column;
};

static void put_hex(struct writer *w, uint8_t c)
{
	static const char hex[] = "0123456789ABCDEF";

	cyre_put_u8(w->out, '=');
	cyre_put_u8(w->out, (uint8_t)hex[c >> 4]);
	cyre_put_u8(w->out, (uint8_t)hex[c & 15]);
	w->column += 3;
}

static void next_word(struct writer *w, size_t column)
{
	cyre_put_str(w->out, "?=\r\n =?UTF-8?Q?");
	w->column = column;
}

/* A character is not split over two words: its length in hex, less one byte. */
static void room_for(struct writer *w, uint8_t c)
{
	size_t more = c < 0xc0 || c > 0xf7 ? 0
		      : c < 0xe0           ? 3
		      : c < 0xf0           ? 6
					   : 9;

	if (w->column + more >= LINE_MAX_COLUMN)
		next_word(w, 11);
}

static void put_char(struct writer *w, uint8_t c, bool safe)
{
	if (safe || c == ' ') {
		cyre_put_u8(w->out, safe ? c : '_');
		w->column++;
	} else {
		put_hex(w, c);
	}
}

static bool phrase_safe(uint8_t c)
{
	return cyre_is(c, CYRE_CC_ALPHA | CYRE_CC_DIGIT) ||
	       (c && strchr("!*+-/", c));
}

static bool plain_safe(uint8_t c)
{
	return c > 0x20 && c < 0x7f && c != '=' && c != '?' && c != '_';
}

static void put_plain(struct writer *w, struct cyre_slice v)
{
	size_t i;

	cyre_put_str(w->out, "=?UTF-8?Q?");
	w->column = 10;
	for (i = 0; i < v.n; i++) {
		room_for(w, v.p[i]);
		if (v.p[i] == '\r' && i + 1 < v.n && v.p[i + 1] == '\n') {
			if (i + 2 < v.n) {
				i += cyre_is_wsp(v.p[i + 2]);
				next_word(w, 12);
			}
			i++;
		} else {
			put_char(w, v.p[i], plain_safe(v.p[i]));
		}
	}
	cyre_put_str(w->out, "?=");
}

static bool is_addr_special(int c)
{
	return !c || strchr("()<>[]:;@\\,.\" \t", c);
}

static bool is_dot_atom(int c)
{
	return c == '.' || !is_addr_special(c);
}

/* The domain behind `at`: where it ends; 0: it is none. */
static size_t domain_end(struct cyre_slice v, size_t at, bool *angle)
{
	size_t e = at + 1;

	if (v.p[e] == '[') {
		do
			e++;
		while (e < v.n && !strchr("[]\\", v.p[e]));
		if (e == v.n || v.p[e++] != ']')
			return 0;
	} else {
		if (cyre_is(v.p[e], CYRE_CC_WS) || is_addr_special(v.p[e]))
			return 0;
		do
			e++;
		while (e < v.n && is_dot_atom(v.p[e]));
		if (v.p[e - 1] == '.')
			return 0;
	}
	*angle = e < v.n && v.p[e] == '>';
	e += *angle;
	while (e < v.n && cyre_is(v.p[e], CYRE_CC_WS))
		e++;
	if (e < v.n && v.p[e++] != ',')
		return 0;
	while (e < v.n && cyre_is(v.p[e], CYRE_CC_WS))
		e++;
	return e;
}

/*
 * The local part before `at`: *ret is one behind the byte before it, so that 0
 * means it starts the value. False: it is none.
 */
static bool local_start(struct cyre_slice v, size_t n, size_t at, size_t *ret)
{
	size_t s = at; /* v.p[s - 1] is looked at */
	int c = v.p[s - 1];

	if (c == '"') {
		for (s--; s > n && (v.p[s - 1] != '"' ||
					   (s - 1 > n && v.p[s - 2] == '\\'));
			s--)
			continue;
		if (s == n)
			return false;
		s--;
	} else {
		if (cyre_is(c, CYRE_CC_WS) || is_addr_special(c))
			return false;
		while (s > n && is_dot_atom(v.p[s - 1]))
			s--;
		if (v.p[s] == '.')
			return false;
	}
	*ret = s;
	return true;
}

/* The first address at or behind n; false: none. */
static bool find_addr(struct cyre_slice v, size_t n, size_t *start, size_t *len)
{
	const uint8_t *p;
	size_t at, end, s;
	bool angle;

	if (v.n - n < 3)
		return false;
	p = memchr(v.p + n + 1, '@', v.n - n - 1);
	at = p ? (size_t)(p - v.p) : v.n;
	if (at >= v.n - 1)
		return false;
	end = domain_end(v, at, &angle);
	if (!end || !local_start(v, n, at, &s))
		return false;
	if (s > n) {
		s--; /* the byte before the local part */
		if (angle) {
			if (v.p[s] != '<')
				return false;
			while (s > n && cyre_is(v.p[s - 1], CYRE_CC_WS))
				s--;
		} else if (!cyre_is(v.p[s], CYRE_CC_WS) && v.p[s] != ',') {
			return false;
		}
	}
	*start = s;
	*len = end - s;
	return true;
}

static bool has_8bit(struct cyre_slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] >= 0x80)
			return true;
	}
	return false;
}

static void new_line(struct writer *w, size_t need)
{
	if (w->column + need >= LINE_MAX_COLUMN) {
		cyre_put_str(w->out, "\r\n ");
		w->column = 1;
	}
}

static void put_phrase(struct writer *w, struct cyre_slice s)
{
	bool enc = has_8bit(s);
	size_t i;

	new_line(w, enc ? 3 * s.n + 12 : s.n);
	if (!enc) {
		cyre_put_slice(w->out, s);
		w->column += s.n;
		return;
	}
	cyre_put_str(w->out, "=?UTF-8?Q?");
	w->column += 10;
	for (i = 0; i < s.n; i++) {
		room_for(w, s.p[i]);
		put_char(w, s.p[i], phrase_safe(s.p[i]));
	}
	cyre_put_str(w->out, "?=");
}

/* Is a comma in it other than between quotes around all of it? */
static bool has_bare_comma(struct cyre_slice s)
{
	size_t first = 0, last = s.n - 1;

	if (!memchr(s.p, ',', s.n))
		return false;
	while (first < last && cyre_is_wsp(s.p[first]))
		first++;
	while (last > first && cyre_is_wsp(s.p[last]))
		last--;
	return first == last || s.p[first] != '"' || s.p[last] != '"' ||
	       memchr(s.p + first + 1, '"', last - first - 1);
}

/*
 * False: it is no list of addresses. Where text follows the last address the
 * releases before 3.13 read past their memory; here they do as 3.13 does.
 */
static bool put_addresses(struct writer *w, struct cyre_slice v, bool strict)
{
	struct cyre_slice phrase;
	size_t n = 0, s, len;

	if (!find_addr(v, 0, &s, &len))
		return false;
	do {
		phrase = cyre_slice(v.p + n, s - n);
		if (phrase.n && strict && has_bare_comma(phrase))
			return false;
		if (phrase.n)
			put_phrase(w, phrase);
		new_line(w, len);
		cyre_put(w->out, v.p + s, len);
		w->column += len;
		n = s + len;
	} while (find_addr(v, n, &s, &len));
	return n == v.n;
}

void cyre_mail_encode_params(
	struct cyre_mail_parser *m, struct cyre_param *list)
{
	struct writer w = {&m->text, 0};
	struct cyre_param *p;
	uint8_t *text;

	for (p = list; p; p = p->next) {
		if (!p->name.n || p->name.p[p->name.n - 1] == '*' ||
			!has_8bit(p->value))
			continue;
		cyre_buf_reset(w.out);
		w.column = 0;
		if (!m->b->encoded_type_addr ||
			!put_addresses(&w, p->value, m->b->strict_addr_list)) {
			cyre_buf_reset(w.out);
			put_plain(&w, p->value);
		}
		text = cyre_mail_text(m, w.out->n);
		if (!text || w.out->bad) {
			cyre_mail_fail(m, CYRE_ENOMEM);
			return;
		}
		memcpy(text, w.out->p, w.out->n);
		p->value = cyre_arena_keep(&m->arena, text, w.out->n);
	}
}
