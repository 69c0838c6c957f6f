/*
 * check_cache_tree.c - the form of ENVELOPE, and of BODYSTRUCTURE with BODY
 *
 * BODYSTRUCTURE becomes a list of parts, with which SECTION is compared
 * (check_cache_section.c). Nothing here recurses: parts may be nested without
 * limit (docs/formats/message-parsing.md 6.3).
 *
 * Format: docs/formats/cache.md sections 2 to 4, 11.
 */
#include "cache_tree.h"

#include <stdlib.h>

#include "grow.h"

static bool take(struct cyre_cur *c, uint8_t byte)
{
	if (cyre_cur_left(c) && *c->p == byte)
		c->p++;
	else
		c->bad = true;
	return !c->bad;
}

static bool next_is(const struct cyre_cur *c, uint8_t byte)
{
	return cyre_cur_left(c) && *c->p == byte;
}

static uint32_t number(struct cyre_cur *c)
{
	uint64_t v = 0;
	unsigned digits = 0;

	while (cyre_cur_left(c) && *c->p >= '0' && *c->p <= '9' &&
		digits++ < 10)
		v = v * 10 + (uint64_t)(*c->p++ - '0');
	if (!digits || v > UINT32_MAX)
		c->bad = true;
	return (uint32_t)v;
}

/* A present string without a-z: words of MIME are stored in capitals. */
static struct cyre_slice capitals(struct cyre_cur *c)
{
	struct cyre_slice s = cyre_get_nstring(c);
	uint8_t small = 0;

	for (size_t i = 0; i < s.n; i++)
		small |= s.p[i] >= 'a' && s.p[i] <= 'z';
	if (!s.p || small)
		c->bad = true;
	return s;
}

/* ---- ENVELOPE ---- */

/* One address. *groups: how many are open; the end of one that never began is
 * written too (`a@b;`). No name or route is "". */
static void address(struct cyre_cur *c, unsigned *groups)
{
	struct cyre_slice name, route, mailbox, domain;

	take(c, '(');
	name = cyre_get_nstring(c);
	take(c, ' ');
	route = cyre_get_nstring(c);
	take(c, ' ');
	mailbox = cyre_get_nstring(c);
	take(c, ' ');
	domain = cyre_get_nstring(c);
	take(c, ')');
	if ((name.p && !name.n) || (route.p && !route.n))
		c->bad = true;
	if (domain.p)
		return;
	if (name.p || route.p)
		c->bad = true;
	if (mailbox.p)
		++*groups;
	else if (*groups)
		--*groups;
}

/* A list begins here; else it is NIL, or bad. */
static bool begins(struct cyre_cur *c)
{
	if (next_is(c, '('))
		return true;
	if (cyre_get_nstring(c).p)
		c->bad = true;
	return false;
}

static void address_list(struct cyre_cur *c)
{
	unsigned groups = 0;

	if (!begins(c))
		return;
	c->p++;
	do
		address(c, &groups);
	while (!c->bad && next_is(c, '('));
	take(c, ')');
	if (groups)
		c->bad = true;
}

void cyre_cache_skip_envelope(struct cyre_cur *c)
{
	take(c, '(');
	cyre_get_nstring(c); /* date */
	take(c, ' ');
	cyre_get_nstring(c); /* subject */
	take(c, ' ');
	for (int i = 0; i < 6 && !c->bad; i++) {
		address_list(c);
		take(c, ' ');
	}
	cyre_get_nstring(c); /* in-reply-to */
	take(c, ' ');
	cyre_get_nstring(c); /* message-id */
	take(c, ')');
}

/* ---- BODYSTRUCTURE and BODY, side by side ---- */

struct tree {
	struct cyre_cur c;     /* BODYSTRUCTURE */
	struct cyre_cur body;  /* what of it BODY has too */
	const uint8_t *shared; /* from here to c.p both are the same */
	unsigned version;
	struct cyre_cache_scratch *scratch;
	bool nomem;
};

/* BODY must go on with the bytes from `shared` to here. */
static void same(struct tree *t)
{
	size_t n = (size_t)(t->c.p - t->shared);
	const uint8_t *p = cyre_get_bytes(&t->body, n);

	if (t->c.bad || !p)
		return;
	if (memcmp(p, t->shared, n) != 0) {
		t->body.p = p;
		t->body.bad = true;
	}
	t->shared = t->c.p;
}

static void parameters(struct cyre_cur *c)
{
	if (!begins(c))
		return;
	c->p++;
	for (;;) {
		capitals(c);
		take(c, ' ');
		if (!cyre_get_nstring(c).p)
			c->bad = true;
		if (c->bad || !next_is(c, ' '))
			break;
		c->p++;
	}
	take(c, ')');
}

static void disposition(struct cyre_cur *c)
{
	if (!begins(c))
		return;
	c->p++;
	capitals(c);
	take(c, ' ');
	parameters(c);
	take(c, ')');
}

static void languages(struct cyre_cur *c)
{
	if (!begins(c))
		return;
	do {
		c->p++; /* the parenthesis, then blanks */
		capitals(c);
	} while (!c->bad && next_is(c, ' '));
	take(c, ')');
}

/* Blank, disposition, languages, location; up to 2.3.7 without location
 * (docs/formats/errata.md). BODY has none of it. */
static void extension(struct tree *t)
{
	take(&t->c, ' ');
	disposition(&t->c);
	take(&t->c, ' ');
	languages(&t->c);
	if (t->version > 2 || next_is(&t->c, ' ')) {
		take(&t->c, ' ');
		cyre_get_nstring(&t->c);
	}
	t->shared = t->c.p;
}

static uint8_t encoding_class(struct cyre_slice s)
{
	static const struct {
		const char *name;
		uint8_t class;
	} known[] = {{"7BIT", 0}, {"8BIT", 0}, {"BINARY", 0},
		{"QUOTED-PRINTABLE", 1}, {"BASE64", 2}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (cyre_slice_eq(s, cyre_slice_str(known[i].name)))
			return known[i].class;
	return 255;
}

static bool is(struct cyre_slice s, const char *word)
{
	return cyre_slice_eq(s, cyre_slice_str(word));
}

static uint8_t part_kind(
	const struct tree *t, struct cyre_slice type, struct cyre_slice subtype)
{
	if (is(type, "TEXT"))
		return CYRE_PART_TEXT;
	if (!is(type, "MESSAGE"))
		return CYRE_PART_LEAF;
	if (is(subtype, "RFC822") ||
		(t->version >= 13 && is(subtype, "GLOBAL")))
		return CYRE_PART_MESSAGE;
	return CYRE_PART_OTHER_MESSAGE;
}

static struct cyre_cache_node *node(struct tree *t, uint32_t n)
{
	return &t->scratch->nodes[n];
}

/* A new part inside `parent`; its number, or NONE without memory. */
static uint32_t add_node(struct tree *t, uint32_t parent)
{
	struct cyre_cache_scratch *s = t->scratch;
	uint32_t n = (uint32_t)s->n;
	struct cyre_cache_node *p;

	p = cyre_grow(s->nodes, s->n, &s->cap, sizeof(*s->nodes));
	if (!p) {
		t->nomem = true;
		return CYRE_PART_NONE;
	}
	s->nodes = p;
	s->n++;
	*node(t, n) = (struct cyre_cache_node){.parent = parent,
		.first = CYRE_PART_NONE,
		.next = CYRE_PART_NONE,
		.last = CYRE_PART_NONE};
	if (parent == CYRE_PART_NONE)
		return n;
	if (node(t, parent)->first == CYRE_PART_NONE)
		node(t, parent)->first = n;
	else
		node(t, node(t, parent)->last)->next = n;
	node(t, parent)->last = n;
	return n;
}

/* From 3.12 on a Content-Type that cannot be parsed is written in small
 * letters (cache.md 11). */
static bool unparsable_type(
	struct tree *t, struct cyre_slice *type, struct cyre_slice *subtype)
{
	static const char text[] = "\"application\" \"octet-stream\"";
	const size_t n = sizeof(text) - 1;

	if (t->version < 13 || cyre_cur_left(&t->c) < n ||
		memcmp(t->c.p, text, n) != 0)
		return false;
	t->c.p += n;
	*type = *subtype = cyre_slice(text, 0);
	return true;
}

/* From "(" to where the extension begins, or to a message inside. */
static void begin_single(struct tree *t, uint32_t n)
{
	struct cyre_cur *c = &t->c;
	struct cyre_slice type, subtype, enc;
	uint8_t kind;

	take(c, '(');
	if (!unparsable_type(t, &type, &subtype)) {
		type = capitals(c);
		take(c, ' ');
		subtype = capitals(c);
	}
	take(c, ' ');
	parameters(c);
	take(c, ' ');
	cyre_get_nstring(c); /* content-id */
	take(c, ' ');
	cyre_get_nstring(c); /* content-description */
	take(c, ' ');
	enc = capitals(c);
	take(c, ' ');
	node(t, n)->size = number(c);
	kind = part_kind(t, type, subtype);
	node(t, n)->kind = kind;
	/* Before 3.12 messages are taken as they are, whatever they say. */
	node(t, n)->encoding = is(type, "MESSAGE") && t->version < 13
				       ? 0
				       : encoding_class(enc);
	if (kind == CYRE_PART_TEXT) {
		take(c, ' ');
		node(t, n)->lines = number(c);
	} else if (kind == CYRE_PART_MESSAGE) {
		take(c, ' ');
		cyre_cache_skip_envelope(c);
		take(c, ' ');
	}
}

/* content-md5 and the rest, and the closing parenthesis. */
static void end_single(struct tree *t)
{
	same(t);
	take(&t->c, ' ');
	cyre_get_nstring(&t->c);
	extension(t);
	take(&t->c, ')');
}

static void end_multipart(struct tree *t)
{
	take(&t->c, ' ');
	capitals(&t->c);
	same(t);
	take(&t->c, ' ');
	parameters(&t->c);
	extension(t);
	take(&t->c, ')');
}

/*
 * The part that ended was inside `n`: reads what follows it there. False when
 * another part begins, else `n` has ended too.
 */
static bool end_inside(struct tree *t, uint32_t n)
{
	if (node(t, n)->kind == CYRE_PART_MULTIPART) {
		if (next_is(&t->c, '('))
			return false;
		end_multipart(t);
	} else {
		take(&t->c, ' ');
		node(t, n)->lines = number(&t->c);
		end_single(t);
	}
	return true;
}

static void read_parts(struct tree *t)
{
	uint32_t n, parent = CYRE_PART_NONE;

	for (;;) {
		n = add_node(t, parent);
		if (n == CYRE_PART_NONE)
			return;
		if (cyre_cur_left(&t->c) >= 2 && t->c.p[1] == '(') {
			take(&t->c, '(');
			node(t, n)->kind = CYRE_PART_MULTIPART;
			parent = n;
		} else {
			begin_single(t, n);
			if (node(t, n)->kind == CYRE_PART_MESSAGE) {
				parent = n;
			} else {
				end_single(t);
				while (parent != CYRE_PART_NONE && !t->c.bad &&
					end_inside(t, parent))
					parent = node(t, parent)->parent;
				if (parent == CYRE_PART_NONE)
					return;
			}
		}
		if (t->c.bad || t->body.bad)
			return;
	}
}

cyre_status cyre_cache_read_tree(struct cyre_slice bodystructure,
	struct cyre_slice body, unsigned version,
	struct cyre_cache_scratch *scratch, struct cyre_cache_fault *ret)
{
	struct tree t = {.c = cyre_cur(bodystructure),
		.body = cyre_cur(body),
		.version = version,
		.scratch = scratch};

	t.shared = t.c.p;
	scratch->n = 0;
	read_parts(&t);
	same(&t); /* the last parentheses */
	if (t.nomem)
		return CYRE_ENOMEM;
	if (t.c.bad || t.c.p != t.c.end)
		cyre_cache_fault_at(ret, CYRE_CACHE_BODYSTRUCTURE,
			bodystructure, &t.c, "not well-formed");
	else if (t.body.bad || t.body.p != t.body.end)
		cyre_cache_fault_at(ret, CYRE_CACHE_BODY, body, &t.body,
			"differs from BODYSTRUCTURE");
	return CYRE_OK;
}
