/*
 * header_salvage_text.c - what of a damaged header's text can be believed
 *
 * Where the lines of the text form are no longer lines, takes them apart by what
 * they hold; and says of each field whether it can be what a server wrote.
 *
 * Format: docs/formats/header.md sections 2 to 4.
 */
#include "header_salvage_parts.h"

#include <string.h>

#include "dlist.h"

#define MAGIC_LEN CYRE_HEADER_MAGIC_LEN

/* ---- shapes ---- */

static bool all_in(struct cyre_slice s, const char *set)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr(set, s.p[i]))
			return false;
	return true;
}

static bool is_uuid(struct cyre_slice s)
{
	if (s.n != 36)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.p[i] != '-'
			 : !all_in(cyre_slice(s.p + i, 1), "0123456789abcdef"))
			return false;
	}
	return true;
}

bool cyre_uniqueid_ok(struct cyre_slice id)
{
	if (is_uuid(id))
		return true;
	if (id.n == 24)
		return all_in(id, "0123456789abcdefghijklmnopqrstuvwxyz");
	/* Two numbers of 8 digits, or more where one is over 32 bits. */
	return id.n >= 16 && id.n < 24 && all_in(id, "0123456789abcdef");
}

static bool type_ok(struct cyre_slice s)
{
	return s.n && all_in(cyre_slice(s.p, 1), "enbcajspf") &&
	       all_in(cyre_slice(s.p + 1, s.n - 1), "dmrzil");
}

/* A mailbox name: never empty here, no control characters. */
static bool name_ok(struct cyre_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.n > 0;
}

static bool rights_ok(struct cyre_slice s)
{
	return all_in(s, "lrswipkxtecdan0123456789");
}

/* Pairs, each field with a TAB behind it. */
static bool acl_ok(struct cyre_slice acl)
{
	if (!acl.n || acl.p[acl.n - 1] != '\t')
		return false;
	while (acl.n) {
		struct cyre_slice id = cyre_slice_take(&acl, '\t');

		if (!name_ok(id) || !acl.n ||
			!rights_ok(cyre_slice_take(&acl, '\t')))
			return false;
	}
	return true;
}

/* ---- the text form, line by line ---- */

struct piece {
	struct cyre_slice s;
	bool cut_left, cut_right;
};

/*
 * Whole pairs only: at a cut the field may be the rest of a longer one. An odd
 * number of fields behind a cut begins with rights.
 */
static bool take_acl(struct cyre_header_salvaging *v, struct piece p)
{
	struct cyre_slice left = p.s, id, rights;
	uint8_t *start = v->own + v->n, *out = start;
	size_t tabs = 0;

	for (size_t i = 0; i < p.s.n; i++)
		tabs += p.s.p[i] == '\t';
	if (p.cut_left && tabs) {
		if (tabs % 2 == 0)
			cyre_slice_take(&left, '\t');
		cyre_slice_take(&left, '\t');
	}
	while (left.n) {
		id = cyre_slice_take(&left, '\t');
		if (!left.n)
			break;
		/* Without a TAB behind them the rights are cut. */
		if (!memchr(left.p, '\t', left.n))
			break;
		rights = cyre_slice_take(&left, '\t');
		if (!name_ok(id) || !rights_ok(rights))
			return false;
		memcpy(out, id.p, id.n);
		out += id.n;
		*out++ = '\t';
		memcpy(out, rights.p, rights.n);
		out += rights.n;
		*out++ = '\t';
	}
	if (out == start)
		return false;
	v->s->h.acl = cyre_slice(start, (size_t)(out - start));
	v->s->acl = p.cut_left || p.cut_right ? CYRE_TRUST_DOUBTFUL
					      : CYRE_TRUST_PLAUSIBLE;
	v->n += (size_t)(out - start);
	return true;
}

static bool take_id(struct cyre_header_salvaging *v, struct piece p)
{
	struct cyre_slice left = p.s;
	struct cyre_slice root = cyre_slice_take(&left, '\t'), id = left;

	/* A cut within a longer id could leave a shorter one. */
	if (!cyre_uniqueid_ok(id) || (p.cut_right && id.n != 36))
		return false;
	v->s->h.uniqueid = id;
	v->s->uniqueid = CYRE_TRUST_PLAUSIBLE;
	v->s->h.quotaroot = root;
	if (root.n)
		v->s->quotaroot = p.cut_left || !name_ok(root)
					  ? CYRE_TRUST_DOUBTFUL
					  : CYRE_TRUST_PLAUSIBLE;
	return true;
}

static bool take_flags(struct cyre_header_salvaging *v, struct piece p)
{
	struct cyre_header *h = &v->s->h;
	const uint8_t *at = p.s.p, *end = at + p.s.n, *blank;
	unsigned slot = 0;

	if (!p.s.n || (!p.cut_right && end[-1] != ' ') || h->nflags)
		return false;
	if (p.cut_left) {
		v->s->loose = p.s;
		return true;
	}
	for (; at < end && slot < CYRE_HEADER_MAX_FLAGS; at = blank + 1) {
		blank = memchr(at, ' ', (size_t)(end - at));
		if (!blank) {
			/* The last name may have been longer. */
			v->s->loose = cyre_slice(at, (size_t)(end - at));
			break;
		}
		h->flags[slot] = cyre_slice(at, (size_t)(blank - at));
		if (blank > at) {
			v->s->flags[slot] = CYRE_TRUST_PLAUSIBLE;
			h->nflags = slot + 1;
		}
		slot++;
	}
	return true;
}

static bool in_magic(struct cyre_slice s)
{
	return memmem(cyre_header_magic, MAGIC_LEN, s.p, s.n) != NULL;
}

void cyre_header_read_pieces(struct cyre_header_salvaging *v)
{
	const uint8_t *p = v->own + MAGIC_LEN, *end = v->own + v->n, *q;
	bool cut = v->head_cut;

	v->s->h.form = CYRE_HEADER_TEXT;
	while (p < end) {
		struct piece piece = {.cut_left = cut};

		for (q = p; q < end && *q && *q != '\n'; q++)
			;
		piece.cut_right = q == end || !*q;
		piece.s = cyre_slice(p, (size_t)(q - p));
		if (piece.s.n && !in_magic(piece.s) && !take_id(v, piece) &&
			!take_acl(v, piece))
			take_flags(v, piece);
		cut = piece.cut_right;
		p = q + 1;
		while (cut && p < end && !*p)
			p++;
	}
}

/* ---- grades ---- */

static enum cyre_trust grade(struct cyre_slice s, bool good, bool whole)
{
	if (!s.n)
		return CYRE_TRUST_ABSENT;
	if (!good || memchr(s.p, 0, s.n))
		return CYRE_TRUST_DOUBTFUL;
	return whole ? CYRE_TRUST_SURE : CYRE_TRUST_PLAUSIBLE;
}

/* A byte that a blank becomes when one bit flips, and no name can hold: two
 * names may have become one, and all that follow have moved. */
static bool swallowed_blank(struct cyre_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || s.p[i] == '"' || s.p[i] == '(' || s.p[i] == 0xa0)
			return true;
	return false;
}

static void grade_flags(struct cyre_header_salvage *s, bool whole, bool cut)
{
	bool moved = false;

	for (unsigned i = 0; i < s->h.nflags; i++) {
		struct cyre_slice f = s->h.flags[i];

		moved |= swallowed_blank(f);
		s->flags[i] = grade(f,
			!moved && cyre_dlist_is_atom(f) &&
				f.n < CYRE_HEADER_FLAG_BYTES,
			whole);
	}
	if (cut && s->h.nflags)
		s->flags[s->h.nflags - 1] = CYRE_TRUST_DOUBTFUL;
}

/* Is it the field in which the file ends, too early? */
static bool is_cut(struct cyre_slice field, const uint8_t *end)
{
	return field.n && end && field.p + field.n == end;
}

void cyre_header_grade(
	struct cyre_header_salvage *s, bool whole, const uint8_t *end)
{
	const struct cyre_header *h = &s->h;
	s->name = grade(
		h->name, name_ok(h->name) && !is_cut(h->name, end), whole);
	s->type = grade(
		h->type, type_ok(h->type) && !is_cut(h->type, end), whole);
	s->uniqueid = grade(h->uniqueid,
		cyre_uniqueid_ok(h->uniqueid) &&
			(h->uniqueid.n == 36 || !is_cut(h->uniqueid, end)),
		whole);
	s->jmapid = grade(h->jmapid,
		name_ok(h->jmapid) && !is_cut(h->jmapid, end), whole);
	s->quotaroot = grade(h->quotaroot,
		name_ok(h->quotaroot) && !is_cut(h->quotaroot, end), whole);
	/* In the dlist form it stands elsewhere, and U behind it. */
	s->acl = grade(h->acl,
		acl_ok(h->acl) && !is_cut(h->acl, end) &&
			(!end || h->form != CYRE_HEADER_DLIST ||
				h->has & CYRE_HEADER_U),
		whole);
	grade_flags(
		s, whole, h->nflags && is_cut(h->flags[h->nflags - 1], end));
}
