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
	struct cyre_cache_scratch *tree;
	const char *what;
};

#define FIRST_WITH_CRC 3 /* an index of version 12 has the record's CRC */
#define NO_CHARSET     0x0000ffffu
#define OLD_NO_CHARSET 0xffff0000u /* 2.5 writes the halves swapped */
#define CHARSETS       31          /* of 2.4; 0xffff: none */

static struct cyre_cache_node *node(const struct section *s, uint32_t n)
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

/* A message ends where the file ends: sums of the words do not wrap, except
 * that 3.2 writes a size of -1 (docs/formats/errata.md). */
static bool wrapped(uint32_t size)
{
	return size > UINT32_MAX / 2;
}

static uint64_t end_of(uint32_t content_offset, uint32_t content_size)
{
	return (uint64_t)content_offset +
	       (wrapped(content_size) ? 0 : content_size);
}

/* What looks like an empty text can be a multipart without parts, of which
 * only the place is known. */
static bool may_be_multipart(const struct cyre_cache_node *n)
{
	return n->kind == CYRE_PART_TEXT && !n->size && !n->lines;
}

/*
 * Where a part is: the content follows the header, unless the part ended inside
 * its header. A NUL ends the header for the parser, while the content begins
 * where it does in the file (docs/formats/errata.md); believed where a checksum
 * vouches for the record.
 */
static bool check_place(struct section *s, const struct cyre_cache_part *p)
{
	uint64_t end = (uint64_t)p->header_offset + p->header_size;

	if (p->content_offset < end ||
		(p->content_offset > end && p->content_size &&
			s->version < FIRST_WITH_CRC))
		return fail(s, "header and content are apart");
	return true;
}

static bool check_decoded(struct section *s, const struct cyre_cache_part *p,
	const struct cyre_cache_node *n)
{
	if ((p->charset & 0xffff) != n->encoding)
		return fail(s, "another encoding than BODYSTRUCTURE");
	if (n->encoding == 255 && (p->decoded_size || !is_zero(p->guid)))
		return fail(s, "a digest of what cannot be decoded");
	if (n->encoding == 0 && cyre_cache_has_decoded_size(s->version) &&
		p->decoded_size && p->decoded_size != p->content_size)
		return fail(s, "another decoded size than size");
	return true;
}

/* An entry that stands for a part: what BODYSTRUCTURE says of it too. */
static bool check_entry(struct section *s, struct cyre_cache_node *n,
	struct cyre_cache_part *ret)
{
	struct cyre_cache_part p;

	if (!get_part(s, &p) || !check_place(s, &p))
		return false;
	n->content_offset = p.content_offset;
	n->content_size = p.content_size;
	*ret = p;
	if (may_be_multipart(n) && no_charset(s, p.charset))
		return true;
	if (!charset_ok(s, &p, n))
		return fail(s, "impossible charset or encoding");
	if (n->kind == CYRE_PART_MULTIPART)
		return true;
	if (p.content_size != n->size)
		return fail(s, "another size than BODYSTRUCTURE");
	if (may_be_multipart(n))
		return true;
	if (cyre_cache_has_lines(s->version) && n->lines &&
		p.content_lines != n->lines)
		return fail(s, "other lines than BODYSTRUCTURE");
	return check_decoded(s, &p, n);
}

/* The first entry of a message inside `outer`, or of the whole one: header and
 * content of what is inside. */
static bool check_whole(struct section *s, const struct cyre_cache_node *outer,
	struct cyre_cache_part *ret)
{
	struct cyre_cache_part p;

	if (!get_part(s, &p) || !check_place(s, &p))
		return false;
	if (!no_charset(s, p.charset))
		return fail(s, "a charset where there is none");
	if (p.header_offset != (outer ? outer->content_offset : 0))
		return fail(s, "the message is not where it should be");
	if (outer && p.content_size &&
		end_of(p.content_offset, p.content_size) >
			end_of(outer->content_offset, outer->content_size) &&
		!wrapped(outer->content_size))
		return fail(s, "a message larger than its part");
	*ret = p;
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

/* The parts of multipart `n`, one behind the other inside this range. */
static bool check_children(struct section *s, const struct cyre_cache_node *n,
	uint32_t content_offset, uint32_t content_size)
{
	struct cyre_cache_part p;
	uint64_t at = content_offset;

	for (uint32_t k = n->first; k != CYRE_PART_NONE; k = node(s, k)->next) {
		if (!check_entry(s, node(s, k), &p))
			return false;
		if (p.header_offset < at && (p.header_size || p.content_size))
			return fail(s, "a part begins inside another");
		at = end_of(p.content_offset, p.content_size);
	}
	if (at > end_of(content_offset, content_size) && !wrapped(content_size))
		return fail(s, "a part ends outside of its multipart");
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

/* The block of a message, in part `outer` or the whole (NULL), whose inside is
 * `m`. */
static bool check_message(struct section *s,
	const struct cyre_cache_node *outer, struct cyre_cache_node *m)
{
	struct cyre_cache_part whole, p;

	if (m->kind == CYRE_PART_MULTIPART)
		return get_count(s, count_children(s, m) + 1) &&
		       check_whole(s, outer, &whole) &&
		       check_children(
			       s, m, whole.content_offset, whole.content_size);
	if (!get_count(s, 2) || !check_whole(s, outer, &whole) ||
		!check_entry(s, m, &p))
		return false;
	if (p.header_offset != whole.header_offset ||
		p.header_size != whole.header_size ||
		p.content_offset != whole.content_offset ||
		(p.content_size && p.content_size != whole.content_size))
		return fail(s, "the only part is not the whole message");
	return true;
}

static bool check_block(struct section *s, uint32_t i)
{
	const struct cyre_cache_node *n = node(s, i);

	if (n->kind == CYRE_PART_MESSAGE)
		return check_message(s, n, node(s, n->first));
	if (n->kind != CYRE_PART_MULTIPART)
		return get_count(s, 0);
	/* Directly inside a message: its block was the message's. */
	if (n->parent == CYRE_PART_NONE ||
		node(s, n->parent)->kind == CYRE_PART_MESSAGE)
		return true;
	return get_count(s, count_children(s, n) + 1) && check_none(s) &&
	       check_children(s, n, n->content_offset, n->content_size);
}

void cyre_cache_check_section(struct cyre_slice section, unsigned version,
	struct cyre_cache_scratch *scratch, struct cyre_cache_fault *ret)
{
	struct section s = {
		.c = cyre_cur(section), .version = version, .tree = scratch};
	bool good = check_message(&s, NULL, node(&s, 0));

	for (uint32_t i = 0; good && i < scratch->n; i++)
		good = check_block(&s, i);
	if (good && s.c.p != s.c.end)
		fail(&s, "bytes behind the last part");
	if (s.what)
		*ret = (struct cyre_cache_fault){.item = CYRE_CACHE_SECTION,
			.offset = section.n ? (size_t)(s.c.p - section.p) : 0,
			.what = s.what};
}
