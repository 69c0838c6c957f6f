/*
 * header_salvage.c - see header_salvage.h
 *
 * Puts a magic before what may be the payload and gives that to the strict
 * reader, which goes on behind syntax errors; where the lines of the text form
 * are no longer lines, takes them apart by what they hold. Decides nothing
 * about the mailbox: other copies of these values are compared elsewhere.
 *
 * Format: docs/formats/header.md sections 1 to 4.
 */
#include "header_salvage.h"

#include <stdlib.h>

#include "crc_mend.h"
#include "digest.h"
#include "dlist.h"

#define MAX_BYTES (1u << 20) /* a header is shorter than 256 KiB */
#define MAX_ENDS  64         /* line ends tried as the end of the file */
#define MAGIC_LEN CYRE_HEADER_MAGIC_LEN

struct salvage {
	struct cyre_slice in;
	const uint32_t *sum;
	/* The magic, then the text that is read (n bytes); and behind it
	 * room for an access list put together anew. */
	uint8_t *own;
	size_t n;
	bool head_cut; /* the payload's beginning is missing */
	struct cyre_header_salvage *s;
};

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

/* ---- the file as it was ---- */

static size_t find_slice(struct cyre_slice in, struct cyre_slice what)
{
	size_t i;

	for (i = 0; in.n >= what.n && i <= in.n - what.n; i++)
		if (!memcmp(in.p + i, what.p, what.n))
			return i;
	return SIZE_MAX;
}

static size_t find_bytes(struct cyre_slice in, const char *what)
{
	return find_slice(in, cyre_slice_str(what));
}

/* Behind the magic's end, wherever that is: the bytes may have moved. */
static size_t behind_magic(struct cyre_slice in)
{
	static const char end[] = "Andrew\n";
	size_t n = sizeof(end) - 1, at = find_bytes(in, end);

	if (at != SIZE_MAX)
		return at + n;
	while (--n)
		if (cyre_slice_starts(
			    in, cyre_slice(end + sizeof(end) - 1 - n, n)))
			return n;
	return SIZE_MAX;
}

/* own = the magic and what stands at `start` of the input. */
static void set_payload(struct salvage *v, size_t start)
{
	memcpy(v->own, cyre_header_magic, MAGIC_LEN);
	memcpy(v->own + MAGIC_LEN, v->in.p + start, v->in.n - start);
	v->n = MAGIC_LEN + v->in.n - start;
}

/* Is it the file the index knows, but for one bit or bytes behind its end? */
static bool mend(struct salvage *v)
{
	uint32_t sum = 0;
	size_t done = 0, ends = 0;
	uint64_t bit;

	if (!v->sum)
		return false;
	for (size_t i = MAGIC_LEN; i < v->n && ends < MAX_ENDS; i++) {
		if (v->own[i] != '\n')
			continue;
		sum = cyre_crc32_more(
			sum, cyre_slice(v->own + done, i + 1 - done));
		done = i + 1;
		ends++;
		if (sum == *v->sum) {
			v->n = done;
			return true;
		}
	}
	sum = cyre_crc32_more(sum, cyre_slice(v->own + done, v->n - done));
	if (sum == *v->sum)
		return true;
	bit = cyre_crc32_bad_bit(v->n, sum, *v->sum);
	if (bit == UINT64_MAX)
		return false;
	v->own[bit / 8] ^= (uint8_t)(1u << bit % 8);
	return true;
}

/* Where may the payload start? Each is tried against the sum. */
static size_t payload_start(const struct salvage *v, unsigned turn)
{
	switch (turn) {
	case 0:
		return v->in.n >= MAGIC_LEN ? MAGIC_LEN : SIZE_MAX;
	case 1:
		return behind_magic(v->in);
	case 2: /* not the list in an access list */
		return find_bytes(v->in, "%(T ");
	default:
		return 0;
	}
}

#define TURNS 4

static bool restore(struct salvage *v)
{
	for (unsigned turn = 0; turn < TURNS; turn++) {
		size_t start = payload_start(v, turn);

		if (start == SIZE_MAX)
			continue;
		set_payload(v, start);
		if (mend(v))
			return true;
	}
	return false;
}

/* ---- the best text that can be read ---- */

static bool magic_near(struct cyre_slice in)
{
	size_t wrong = 0;

	if (in.n < MAGIC_LEN)
		return false;
	for (size_t i = 0; i < MAGIC_LEN; i++)
		wrong += in.p[i] != cyre_header_magic[i];
	return wrong <= 16;
}

/* Does what is left look like the list notation? */
static bool looks_dlist(struct cyre_slice s)
{
	while (s.n && (s.p[s.n - 1] == '\n' || !s.p[s.n - 1]))
		s.n--;
	return find_bytes(s, "%(") != SIZE_MAX ||
	       find_bytes(s, " U (") != SIZE_MAX ||
	       (s.n && s.p[s.n - 1] == ')');
}

/* The beginning is gone: go on at the first key, as if the list began there. */
static bool begin_at_key(struct salvage *v, size_t start)
{
	struct cyre_slice s = cyre_slice(v->in.p + start, v->in.n - start);

	for (size_t i = 0; i + 3 < s.n; i++) {
		if (s.p[i] != ' ' || s.p[i + 2] != ' ' ||
			!memchr("TNIJQAU", s.p[i + 1], 7))
			continue;
		memcpy(v->own, cyre_header_magic, MAGIC_LEN);
		memcpy(v->own + MAGIC_LEN, "%(", 2);
		memcpy(v->own + MAGIC_LEN + 2, s.p + i + 1, s.n - i - 1);
		v->n = MAGIC_LEN + 2 + s.n - i - 1;
		return true;
	}
	return false;
}

static size_t skip_zeros(struct cyre_slice in, size_t at)
{
	while (at < in.n && !in.p[at])
		at++;
	return at;
}

/* Chooses the payload without a sum; false: nothing is left. */
static bool choose(struct salvage *v)
{
	size_t start = magic_near(v->in) ? MAGIC_LEN : payload_start(v, 1);
	struct cyre_slice rest;

	if (start == SIZE_MAX) {
		start = payload_start(v, 2);
		v->head_cut = start == SIZE_MAX;
	}
	if (start == SIZE_MAX)
		start = skip_zeros(v->in, 0);
	if (start < v->in.n && !v->in.p[start]) {
		start = skip_zeros(v->in, start);
		v->head_cut = true;
	}
	rest = cyre_slice(v->in.p + start, v->in.n - start);
	if (!rest.n)
		return false;
	if (v->head_cut && looks_dlist(rest) && begin_at_key(v, start))
		return true;
	set_payload(v, start);
	return true;
}

/* ---- text form, line by line ---- */

struct piece {
	struct cyre_slice s;
	bool cut_left, cut_right;
};

/*
 * Whole pairs only: at a cut the field may be the rest of a longer one. An odd
 * number of fields behind a cut begins with rights.
 */
static bool take_acl(struct salvage *v, struct piece p)
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

static bool take_id(struct salvage *v, struct piece p)
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

static bool take_flags(struct salvage *v, struct piece p)
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

/* Every line that holds what only one of the three can hold. */
static void read_pieces(struct salvage *v)
{
	const uint8_t *p = v->own + MAGIC_LEN, *end = v->own + v->n, *q;
	struct cyre_slice magic = cyre_slice(cyre_header_magic, MAGIC_LEN);
	bool cut = v->head_cut;

	v->s->h.form = CYRE_HEADER_TEXT;
	while (p < end) {
		struct piece piece = {.cut_left = cut};

		for (q = p; q < end && *q && *q != '\n'; q++)
			;
		piece.cut_right = q == end || !*q;
		piece.s = cyre_slice(p, (size_t)(q - p));
		if (piece.s.n && find_slice(magic, piece.s) == SIZE_MAX &&
			!take_id(v, piece) && !take_acl(v, piece))
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

/* `cut` is the field in which the file ends, if it ends too early. */
static void grade_fields(
	struct cyre_header_salvage *s, bool whole, struct cyre_slice end)
{
	const struct cyre_header *h = &s->h;

#define CUT(f) ((f).n && end.p && (f).p + (f).n == end.p)
	s->name = grade(h->name, name_ok(h->name) && !CUT(h->name), whole);
	s->type = grade(h->type, type_ok(h->type) && !CUT(h->type), whole);
	s->uniqueid = grade(h->uniqueid,
		cyre_uniqueid_ok(h->uniqueid) &&
			(h->uniqueid.n == 36 || !CUT(h->uniqueid)),
		whole);
	s->jmapid =
		grade(h->jmapid, name_ok(h->jmapid) && !CUT(h->jmapid), whole);
	s->quotaroot = grade(h->quotaroot,
		name_ok(h->quotaroot) && !CUT(h->quotaroot), whole);
	/* In the dlist form it stands elsewhere, and U behind it. */
	s->acl = grade(h->acl,
		acl_ok(h->acl) && !CUT(h->acl) &&
			(!end.p || h->form != CYRE_HEADER_DLIST ||
				h->has & CYRE_HEADER_U),
		whole);
	grade_flags(s, whole, h->nflags && CUT(h->flags[h->nflags - 1]));
#undef CUT
}

static cyre_status read_text(struct salvage *v)
{
	struct cyre_slice text = cyre_slice(v->own, v->n);
	struct cyre_slice payload =
		cyre_slice(v->own + MAGIC_LEN, v->n - MAGIC_LEN);
	struct cyre_findings found = {.keep = 1};
	struct cyre_slice end = {NULL, 0};
	cyre_status st;

	st = cyre_header_read(text, CYRE_FILE_HEADER, &found, &v->s->h);
	if (st == CYRE_OK)
		st = found.status;
	if (st != CYRE_OK)
		goto out;
	/* What no release writes is damage here, or cannot be told from it. */
	if (!v->s->exact)
		v->s->h.extra = cyre_slice(NULL, 0);
	if (found.count[CYRE_P_HEADER_TRUNCATED])
		end.p = v->own + v->n;
	if (v->s->h.form == CYRE_HEADER_DLIST || v->s->exact ||
		(!v->head_cut && !end.p && !v->s->h.tail.n &&
			!memchr(payload.p, 0, payload.n))) {
		/* A sum that is known and differs: something is wrong. */
		grade_fields(v->s,
			v->s->exact ||
				(!found.n && !v->sum && magic_near(v->in)),
			end);
	} else {
		cyre_header_free(&v->s->h);
		v->s->h.bytes = text;
		read_pieces(v);
	}
out:
	cyre_findings_free(&found);
	return st;
}

cyre_status cyre_header_salvage(struct cyre_slice bytes, const uint32_t *sum,
	struct cyre_header_salvage *ret)
{
	struct cyre_header_salvage s = {.exact = false};
	struct salvage v = {.in = bytes, .sum = sum, .s = &s};
	cyre_status st = CYRE_OK;

	if (bytes.n > MAX_BYTES)
		return CYRE_ELIMIT;
	/* The text, and an access list no longer than the text. */
	v.own = malloc(MAGIC_LEN + 2 + 2 * bytes.n);
	if (!v.own)
		return CYRE_ENOMEM;
	s.exact = restore(&v);
	if (s.exact || choose(&v))
		st = read_text(&v);
	if (st != CYRE_OK) {
		cyre_header_free(&s.h);
		free(v.own);
		return st;
	}
	s.own = v.own;
	*ret = s;
	return CYRE_OK;
}

void cyre_header_salvage_free(struct cyre_header_salvage *s)
{
	cyre_header_free(&s->h);
	free(s->own);
	*s = (struct cyre_header_salvage){.own = NULL};
}
