/*
 * check_cache_section.c - SECTION of a cache record against its parts
 *
 * Walks the binary item in the order of the parts that BODYSTRUCTURE named,
 * and finds the first word that contradicts them. Whether offsets and digests
 * are those of the message needs the message.
 * Format: docs/formats/cache.md sections 5, 10 (level 4), 11.
 */
#include "cache_tree.h"

struct section {
	struct cyre_cur c;
	unsigned version;
	const struct cyre_cache_scratch *tree;
	const char *what;
};

#define NO_CHARSET     0x0000ffffu
#define OLD_NO_CHARSET 0xffff0000u /* 2.5 writes the halves swapped */
#define CHARSETS       31          /* of 2.4; 0xffff: none */

static const struct cyre_cache_node *node(const struct section *s, uint32_t n)
{
	return &s->tree->nodes[n];
}

static bool fail(struct section *s, const char *what)
{
	if (!s->what)
		s->what = what;
	return false;
}

static bool get_part(struct section *s, struct cyre_cache_part *ret)
{
	struct cyre_cur before = s->c;

	cyre_cache_get_part(&s->c, s->version, ret);
	if (s->c.bad) {
		s->c.p = before.p;
		return fail(s, "ends inside a part");
	}
	return true;
}

static bool is_zero(struct cyre_slice s)
{
	uint8_t bits = 0;

	for (size_t i = 0; i < s.n; i++)
		bits |= s.p[i];
	return !bits;
}

static bool no_charset(const struct section *s, uint32_t word)
{
	return word == NO_CHARSET ||
	       (!cyre_cache_has_charset_name(s->version) &&
		       word == OLD_NO_CHARSET);
}

static bool get_count(struct section *s, uint32_t want)
{
	if (cyre_get_be32(&s->c) == want)
		return true;
	s->c.bad = true;
	return fail(s, "another number of parts than BODYSTRUCTURE");
}

/* A name, and one to four NULs behind it. */
static bool charset_name_ok(struct cyre_slice s)
{
	const uint8_t *end;

	if (!s.n)
		return true;
	end = memchr(s.p, 0, s.n);
	return s.n % 4 == 0 && end && (size_t)(s.p + s.n - end) <= 4 &&
	       is_zero(cyre_slice(end, (size_t)(s.p + s.n - end)));
}

static bool charset_ok(const struct section *s, const struct cyre_cache_part *p,
	const struct cyre_cache_node *n)
{
	uint32_t high = p->charset >> 16, low = p->charset & 0xffff;

	if (low != 0 && low != 1 && low != 2 && low != 255)
		return false;
	if (!cyre_cache_has_charset_name(s->version))
		return high < CHARSETS || high == 0xffff;
	return charset_name_ok(p->charset_name) &&
	       (!high || n->kind != CYRE_PART_LEAF);
}

/* An entry that stands for a part: what BODYSTRUCTURE says of it too. */
static bool check_entry(struct section *s, const struct cyre_cache_node *n)
{
	struct cyre_cache_part p;

	if (!get_part(s, &p))
		return false;
	/* What looks like an empty text can be a multipart without parts. */
	if (n->kind == CYRE_PART_TEXT && !n->size && !n->lines &&
		no_charset(s, p.charset))
		return true;
	if (n->kind == CYRE_PART_MULTIPART)
		return charset_ok(s, &p, n) ||
		       fail(s, "impossible charset or encoding");
	if (!charset_ok(s, &p, n))
		return fail(s, "impossible charset or encoding");
	if (p.content_size != n->size)
		return fail(s, "another size than BODYSTRUCTURE");
	if (cyre_cache_has_lines(s->version) && n->lines &&
		p.content_lines != n->lines)
		return fail(s, "other lines than BODYSTRUCTURE");
	return true;
}

/* The first entry of a message: header and content of what is inside. */
static bool check_whole(struct section *s, bool top)
{
	struct cyre_cache_part p;

	if (!get_part(s, &p))
		return false;
	if (!no_charset(s, p.charset))
		return fail(s, "a charset where there is none");
	if (top && p.header_offset)
		return fail(s, "the message does not begin at 0");
	return true;
}

/* The first entry of a multipart inside another. */
static bool check_none(struct section *s)
{
	struct cyre_cache_part p;

	if (!get_part(s, &p))
		return false;
	if (p.header_offset || p.header_size != UINT32_MAX ||
		p.content_offset || p.content_size != UINT32_MAX ||
		!no_charset(s, p.charset) || !is_zero(p.guid) ||
		p.decoded_size || p.content_lines)
		return fail(s, "an entry that should be empty is not");
	return true;
}

static bool check_children(struct section *s, const struct cyre_cache_node *n)
{
	for (uint32_t k = n->first; k != CYRE_PART_NONE; k = node(s, k)->next)
		if (!check_entry(s, node(s, k)))
			return false;
	return true;
}

static uint32_t count_children(
	const struct section *s, const struct cyre_cache_node *n)
{
	uint32_t count = 0;

	for (uint32_t k = n->first; k != CYRE_PART_NONE; k = node(s, k)->next)
		count++;
	return count;
}

/* The block of a message whose inside is `m`. */
static bool check_message(
	struct section *s, const struct cyre_cache_node *m, bool top)
{
	if (m->kind == CYRE_PART_MULTIPART)
		return get_count(s, count_children(s, m) + 1) &&
		       check_whole(s, top) && check_children(s, m);
	return get_count(s, 2) && check_whole(s, top) && check_entry(s, m);
}

static bool check_block(struct section *s, uint32_t i)
{
	const struct cyre_cache_node *n = node(s, i);

	if (n->kind == CYRE_PART_MESSAGE)
		return check_message(s, node(s, n->first), false);
	if (n->kind != CYRE_PART_MULTIPART)
		return get_count(s, 0);
	/* Directly inside a message: its block was the message's. */
	if (n->parent == CYRE_PART_NONE ||
		node(s, n->parent)->kind == CYRE_PART_MESSAGE)
		return true;
	return get_count(s, count_children(s, n) + 1) && check_none(s) &&
	       check_children(s, n);
}

void cyre_cache_check_section(struct cyre_slice section, unsigned version,
	const struct cyre_cache_scratch *scratch, struct cyre_cache_fault *ret)
{
	struct section s = {
		.c = cyre_cur(section), .version = version, .tree = scratch};
	bool good = check_message(&s, node(&s, 0), true);

	for (uint32_t i = 0; good && i < scratch->n; i++)
		good = check_block(&s, i);
	if (good && s.c.p != s.c.end)
		fail(&s, "bytes behind the last part");
	if (s.what)
		*ret = (struct cyre_cache_fault){.item = CYRE_CACHE_SECTION,
			.offset = section.n ? (size_t)(s.c.p - section.p) : 0,
			.what = s.what};
}
