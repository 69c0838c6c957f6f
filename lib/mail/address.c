/*
 * address.c - the text of a From:, To: ... header -> a list of addresses
 * (docs/formats/message-parsing.md section 8). Mails that are not addresses at
 * all give a list too: the page says which.
 */
#include "parse.h"

struct scan {
	struct cyre_mail_parser *m;
	struct cyre_cur t;
	struct cyre_addresses *list;
};

static int next(struct scan *s)
{
	return s->t.p < s->t.end ? *s->t.p++ : 0;
}

/* Room for any text that can still come. */
static uint8_t *text(struct scan *s)
{
	return cyre_mail_text(s->m, (size_t)(s->t.end - s->t.p) + 1);
}

static struct cyre_slice keep(struct scan *s, const uint8_t *p, size_t n)
{
	return cyre_arena_keep(&s->m->arena, p, n);
}

static struct cyre_address *append(struct scan *s)
{
	struct cyre_address *a = cyre_mail_get(s->m, sizeof(*a));

	if (!a)
		return NULL;
	if (!s->list->first)
		s->list->tail = &s->list->first;
	*s->list->tail = a;
	s->list->tail = &a->next;
	return a;
}

static void add(struct scan *s, struct cyre_slice name, struct cyre_slice route,
	struct cyre_slice mailbox, struct cyre_slice domain)
{
	struct cyre_address *a = append(s);

	if (!a)
		return;
	a->name = name.n ? name : CYRE_ABSENT;
	a->route = route.n ? route : CYRE_ABSENT;
	a->mailbox = mailbox;
	a->domain = domain.n ? domain : cyre_slice_str("unspecified-domain");
}

/* A group's start has a name, its end none. */
static void add_group(struct scan *s, struct cyre_slice name)
{
	struct cyre_address *a = append(s);

	if (a)
		a->mailbox = name;
}

/*
 * A comment, whose parenthesis was read: its text without the outer ones goes
 * to `out`, if any. Returns the bytes written.
 */
static size_t comment(struct scan *s, uint8_t *out)
{
	size_t n = 0;
	int c, level = 1;

	while ((c = next(s))) {
		if (c == '\\') {
			c = next(s);
			if (!c)
				break;
		} else if (c == '(') {
			level++;
		} else if (c == ')' && --level == 0) {
			break;
		}
		if (out)
			out[n++] = (uint8_t)c;
	}
	return n;
}

static void blank(struct scan *s)
{
	int c;

	while ((c = cyre_peek(&s->t))) {
		if (c == '(') {
			s->t.p++;
			comment(s, NULL);
		} else if (cyre_is(c, CYRE_CC_WS)) {
			s->t.p++;
		} else {
			return;
		}
	}
}

/* A quoted string, whose quote was read; false: the whole phrase fails. */
static bool quoted(struct scan *s, uint8_t *out, size_t *n)
{
	enum cyre_quote_rule rule = s->m->b->quote;
	int c;

	for (;;) {
		c = next(s);
		if (!c)
			return rule == CYRE_QUOTE_OPEN;
		if (c == '\\' && rule <= CYRE_QUOTE_STRICT &&
			cyre_peek(&s->t) == '\r' &&
			cyre_peek_at(&s->t, 1) == '\n')
			c = next(s);
		if (c == '\r' && rule != CYRE_QUOTE_OPEN &&
			cyre_peek(&s->t) == '\n') {
			if (!cyre_is_wsp(cyre_peek_at(&s->t, 1)))
				return false;
			s->t.p++;
			continue;
		}
		if (c == '\r' || c == '\n') {
			if (rule == CYRE_QUOTE_BLANKS)
				c = ' ';
			else if (rule != CYRE_QUOTE_OPEN)
				return false;
		} else if ((c < 0x20 || c == 0x7f) && c != '\t' &&
			   rule == CYRE_QUOTE_BLANKS) {
			continue;
		}
		if (c == '"')
			return true;
		if (c == '\\') {
			c = next(s);
			if (!c)
				return rule == CYRE_QUOTE_OPEN;
		}
		out[(*n)++] = (uint8_t)c;
	}
}

/* Returns the byte that stopped it, 0 at the end. */
static int phrase(struct scan *s, const char *specials, struct cyre_slice *ret)
{
	const uint8_t *start = s->t.p;
	uint8_t *out = text(s);
	size_t n = 0;
	int c;

	*ret = cyre_slice_str("");
	if (!out)
		return 0;
	blank(s);
	for (;;) {
		c = next(s);
		if (c == '"') {
			if (!quoted(s, out, &n)) {
				s->t.p = start;
				return 0;
			}
		} else if (cyre_is(c, CYRE_CC_WS) || c == '(') {
			s->t.p--;
			blank(s);
			out[n++] = ' ';
		} else if (!c || strchr(specials, c)) {
			break;
		} else {
			out[n++] = (uint8_t)c;
		}
	}
	if (n && out[n - 1] == ' ')
		n--;
	*ret = keep(s, out, n);
	return c;
}

static bool domain_byte(const struct scan *s, int c)
{
	return cyre_is(c, CYRE_CC_ALPHA | CYRE_CC_DIGIT) || c == '-' ||
	       c == '[' || c == ']' || c == ':' ||
	       (c >= 0x80 && s->m->b->domain_8bit);
}

/*
 * What follows the @. With `name`, a comment that ends it becomes the name of
 * the address. Returns the byte that stopped it, which is consumed.
 */
static int domain(
	struct scan *s, struct cyre_slice *ret, struct cyre_slice *name)
{
	size_t max = (size_t)(s->t.end - s->t.p) + 1;
	uint8_t *out = cyre_mail_text(s->m, 2 * max), *com;
	size_t n = 0, n_com = 0;
	int c;

	*ret = CYRE_ABSENT;
	if (name)
		*name = CYRE_ABSENT;
	if (!out)
		return 0;
	com = out + max;
	blank(s);
	for (;;) {
		c = next(s);
		if (domain_byte(s, c) ||
			(c == '@' && !s->m->b->domain_ends_at_at)) {
			out[n++] = (uint8_t)c;
			n_com = 0;
		} else if (c == '.') {
			if (n && out[n - 1] != '.')
				out[n++] = '.';
			n_com = 0;
		} else if (c == '(') {
			n_com = comment(s, name ? com : NULL);
		} else if (!cyre_is(c, CYRE_CC_WS)) {
			break;
		}
	}
	if (n && out[n - 1] == '.')
		n--;
	if (name) {
		memmove(out + n, com, n_com);
		*name = cyre_slice(out + n, n_com);
	}
	*ret = cyre_slice(keep(s, out, n + n_com).p, n);
	return c;
}

/* <@a,@b:mailbox@domain>: what stands before the colon. */
static int route(struct scan *s, struct cyre_slice *ret)
{
	uint8_t *out = text(s);
	size_t n = 0;
	int c;

	*ret = CYRE_ABSENT;
	if (!out)
		return 0;
	for (;;) {
		c = next(s);
		if (cyre_is(c, CYRE_CC_ALPHA | CYRE_CC_DIGIT) || c == '-' ||
			c == '[' || c == ']' || c == ',' || c == '@') {
			out[n++] = (uint8_t)c;
		} else if (c == '.') {
			if (n && out[n - 1] != '.')
				out[n++] = '.';
		} else if (c == '(') {
			comment(s, NULL);
		} else if (!cyre_is(c, CYRE_CC_WS)) {
			break;
		}
	}
	while (n && strchr(".,@", out[n - 1]))
		n--;
	*ret = keep(s, out, n);
	return c;
}

/* Name and <, which was read. Returns the byte it stopped at. */
static int angle(struct scan *s, struct cyre_slice name)
{
	struct cyre_slice r = CYRE_ABSENT, mb, d = CYRE_ABSENT;
	int tok = phrase(s, "@>", &mb);

	if (tok == '@' && mb.n == 0) {
		s->t.p--;
		tok = route(s, &r);
		if (tok != ':') {
			add(s, name, r, cyre_slice_str(""), CYRE_ABSENT);
			goto skip;
		}
		tok = phrase(s, "@>", &mb);
	}
	if (tok != '@') {
		add(s, name, r, mb, CYRE_ABSENT);
		return tok;
	}
	tok = domain(s, &d, NULL);
	add(s, name, r, mb, d);
skip:
	while (tok && tok != '>')
		tok = next(s);
	return tok;
}

void cyre_mail_addresses(struct cyre_mail_parser *m, struct cyre_slice value,
	struct cyre_addresses *list)
{
	struct scan s = {m, cyre_cur(value), list};
	struct cyre_slice ph, d, com;
	bool ingroup = false;
	int tok = ' ';

	while (tok && m->st == CYRE_OK) {
		tok = phrase(&s, ingroup ? ",@<;" : ",@<:", &ph);
		switch (tok) {
		case ',':
		case ';':
		case 0:
			if (ph.n)
				add(&s, CYRE_ABSENT, CYRE_ABSENT, ph,
					CYRE_ABSENT);
			break;
		case ':':
			add_group(&s, ph);
			ingroup = true;
			break;
		case '@':
			tok = domain(&s, &d, &com);
			add(&s, com, CYRE_ABSENT, ph, d);
			if (m->b->group_stays_open)
				continue;
			break;
		case '<':
			tok = angle(&s, ph);
			continue;
		}
		if (tok == ';') {
			add_group(&s, CYRE_ABSENT);
			ingroup = false;
		}
	}
	if (ingroup)
		add_group(&s, CYRE_ABSENT);
}
