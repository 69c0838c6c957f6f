/*
 * param.c - the parameters of a MIME header and their RFC 2231 continuations
 * (docs/formats/message-parsing.md 5.3). Nothing is percent-decoded here.
 */
#include "parse.h"

#define STEP_COST 8 /* of looking at one parameter of a list */

/* Moves on to behind the next `;`, or to the end of the line. */
static void resync(struct cyre_cur *t)
{
	int c;

	while ((c = cyre_peek(t)) && c != ';' && c != '\r' && c != '\n')
		t->p++;
	if (c == ';')
		t->p++;
}

/* CR LF and a blank: a fold inside a value. */
static bool at_fold(const struct cyre_cur *t)
{
	return cyre_peek(t) == '\r' && cyre_peek_at(t, 1) == '\n' &&
	       cyre_is_wsp(cyre_peek_at(t, 2));
}

/* To behind the closing quote; false: the list ends here. */
static bool quoted_end(struct cyre_cur *t)
{
	int c;

	t->p++;
	while ((c = cyre_peek(t)) && c != '"') {
		if (c == '\\') {
			t->p++;
			c = cyre_peek(t);
			if (!c)
				return false;
		}
		if (c == '\r') {
			if (!at_fold(t))
				return false;
			t->p += 2;
		}
		t->p++;
	}
	if (!c)
		return false;
	t->p++;
	return true;
}

/* To behind the last byte of an unquoted value; false: resync. */
static bool loose_end(struct cyre_cur *t)
{
	const uint8_t *last = t->p;
	int c;

	while ((c = cyre_peek(t)) && c != ';' && c != '(') {
		if (c == '\r') {
			if (!at_fold(t))
				break;
			t->p += 2;
			continue;
		}
		if (c < 0x20 && c != '\t')
			return false;
		if (!cyre_is_wsp(c))
			last = t->p;
		t->p++;
	}
	t->p = last + 1;
	return true;
}

/* The same before 3.2: a token. */
static bool token_end(const struct cyre_mail_parser *m, struct cyre_cur *t)
{
	int c;

	while ((c = cyre_peek(t)) && c != ';' && c != '(' &&
		!cyre_is(c, CYRE_CC_WS)) {
		if (cyre_mail_bad_token(m, c))
			return false;
		t->p++;
	}
	return true;
}

/* Without quotes, their backslashes and the CR LF of their folds. */
static struct cyre_slice unquote(
	struct cyre_mail_parser *m, struct cyre_slice v)
{
	const uint8_t *p = v.p + 1, *end = v.p + v.n - 1;
	uint8_t *out, *q;

	if (!memchr(p, '\\', (size_t)(end - p)) &&
		!memchr(p, '\r', (size_t)(end - p)))
		return cyre_slice(p, (size_t)(end - p));
	out = q = cyre_mail_text(m, v.n);
	if (!out)
		return CYRE_ABSENT;
	for (; p < end; p++) {
		if (*p == '\r') {
			p++;
			continue;
		}
		if (*p == '\\' && p + 1 < end)
			p++;
		*q++ = *p;
	}
	return cyre_arena_keep(&m->arena, out, (size_t)(q - out));
}

enum step { STEP_PARAM, STEP_RESYNC, STEP_END };

/* name "=" value; both borrow the text. */
static enum step name_and_value(struct cyre_mail_parser *m, struct cyre_cur *t,
	struct cyre_slice *name, struct cyre_slice *value)
{
	const uint8_t *start = t->p;
	bool ok;
	int c;

	while ((c = cyre_peek(t)) && !cyre_is(c, CYRE_CC_WS) && c != '=' &&
		c != '(') {
		if (cyre_mail_bad_token(m, c))
			return STEP_RESYNC;
		t->p++;
	}
	*name = cyre_slice(start, (size_t)(t->p - start));
	if (!cyre_mail_skip(t))
		return STEP_END;
	if (*t->p++ != '=')
		return STEP_RESYNC;
	if (!cyre_mail_skip(t))
		return STEP_END;
	start = t->p;
	if (*start == '"') {
		if (!quoted_end(t))
			return STEP_END;
		*value = unquote(m, cyre_slice(start, (size_t)(t->p - start)));
		return STEP_PARAM;
	}
	ok = m->b->param == CYRE_PARAM_LOOSE ? loose_end(t) : token_end(m, t);
	*value = cyre_slice(start, (size_t)(t->p - start));
	return ok ? STEP_PARAM : STEP_RESYNC;
}

struct cyre_param *cyre_mail_params(
	struct cyre_mail_parser *m, struct cyre_cur t)
{
	struct cyre_param *list = NULL, **tail = &list;
	struct cyre_slice name, value;
	enum step step;
	bool more = true;

	while (more && cyre_mail_skip(&t)) {
		step = name_and_value(m, &t, &name, &value);
		if (step == STEP_PARAM) {
			more = cyre_mail_skip(&t);
			if (more && *t.p++ != ';')
				step = STEP_RESYNC;
		}
		if (step == STEP_RESYNC && m->b->param != CYRE_PARAM_STOP) {
			resync(&t);
			continue;
		}
		if (step != STEP_PARAM)
			break;
		*tail = cyre_mail_get(m, sizeof(**tail));
		if (!*tail)
			break;
		(*tail)->name = cyre_mail_upper(m, name);
		(*tail)->value = value;
		tail = &(*tail)->next;
	}
	return list;
}

/* Is this the n-th piece of `base`? *ext: it is percent-encoded. */
static bool is_piece(
	struct cyre_slice name, struct cyre_slice base, unsigned n, bool *ext)
{
	uint8_t want[4];
	size_t len = 0;

	want[len++] = '*';
	if (n >= 10)
		want[len++] = (uint8_t)('0' + n / 10);
	want[len++] = (uint8_t)('0' + n % 10);
	*ext = name.n == base.n + len + 1;
	if (name.n != base.n + len && !(*ext && name.p[name.n - 1] == '*'))
		return false;
	return memcmp(name.p, base.p, base.n) == 0 &&
	       memcmp(name.p + base.n, want, len) == 0;
}

static void put_percent(struct cyre_buf *out, struct cyre_slice s)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f ||
			cyre_is(s.p[i], CYRE_CC_SPECIAL) || s.p[i] == '*' ||
			s.p[i] == '\'' || s.p[i] == '%') {
			cyre_put_u8(out, '%');
			cyre_put_u8(out, (uint8_t)hex[s.p[i] >> 4]);
			cyre_put_u8(out, (uint8_t)hex[s.p[i] & 15]);
		} else {
			cyre_put_u8(out, s.p[i]);
		}
	}
}

static struct cyre_slice keep_buf(
	struct cyre_mail_parser *m, const struct cyre_buf *b)
{
	uint8_t *p = cyre_mail_text(m, b->n);

	if (!p)
		return CYRE_ABSENT;
	if (b->n)
		memcpy(p, b->p, b->n);
	return cyre_arena_keep(&m->arena, p, b->n);
}

/* Takes the n-th piece of base out of the list. */
static struct cyre_param *take_piece(struct cyre_mail_parser *m,
	struct cyre_param **list, struct cyre_slice base, unsigned n, bool *ext)
{
	struct cyre_param **at, *p;

	for (at = list; *at; at = &(*at)->next) {
		if (!cyre_mail_spend(m, STEP_COST))
			return NULL;
		if (is_piece((*at)->name, base, n, ext)) {
			p = *at;
			*at = p->next;
			return p;
		}
	}
	return NULL;
}

/* Joins the pieces behind `first` to it. */
static void join(struct cyre_mail_parser *m, struct cyre_param **list,
	struct cyre_param *first, struct cyre_slice base, bool ext)
{
	struct cyre_buf *all = &m->text;
	struct cyre_param *p;
	bool piece_ext;
	unsigned n;

	cyre_buf_reset(all);
	cyre_put_slice(all, first->value);
	for (n = 1; n < 100; n++) {
		p = take_piece(m, list, base, n, &piece_ext);
		if (!p)
			break;
		if (piece_ext && !ext) {
			first->value = keep_buf(m, all);
			cyre_buf_reset(all);
			cyre_put_str(all, "''");
			put_percent(all, first->value);
			ext = true;
		}
		if (ext && !piece_ext)
			put_percent(all, p->value);
		else
			cyre_put_slice(all, p->value);
	}
	if (n > 1)
		first->value = keep_buf(m, all);
	first->name.n = base.n + ext;
	if (all->bad)
		cyre_mail_fail(m, CYRE_ENOMEM);
}

void cyre_mail_fold_params(struct cyre_mail_parser *m, struct cyre_param **list)
{
	struct cyre_param *p;
	struct cyre_slice base, rest;
	const uint8_t *star;
	bool ext;

	for (p = *list; p && m->st == CYRE_OK; p = p->next) {
		star = p->name.n ? memchr(p->name.p, '*', p->name.n) : NULL;
		if (!star)
			continue;
		base = cyre_slice(p->name.p, (size_t)(star - p->name.p));
		rest = cyre_slice(star, p->name.n - base.n);
		ext = cyre_slice_is(rest, "*0*");
		if (ext || cyre_slice_is(rest, "*0"))
			join(m, list, p, base, ext);
	}
}
