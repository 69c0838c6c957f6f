/*
 * header.c - cyrus.header from bytes
 *
 * Reads all text forms and the dlist form, and finds what does not fit the
 * form. Whether the values make sense is told by lib/check/check_header.c; the
 * check sum of the file stands in the index and is compared there.
 * Format: docs/formats/header.md.
 */
#include "header.h"

#include <stdlib.h>

#include "dlist.h"
#include "number.h"

#define MAGIC                                                                  \
	"\241\002\213\015Cyrus mailbox header\n"                               \
	"\"The best thing about this system was that it had lots of "          \
	"goals.\"\n"                                                           \
	"\t--Jim Morris on Andrew\n"
_Static_assert(sizeof(MAGIC) - 1 == CYRE_HEADER_MAGIC_LEN, "header.md 1");

const uint8_t cyre_header_magic[CYRE_HEADER_MAGIC_LEN] = MAGIC;

/*
 * With more bytes of the magic wrong than a few, what follows is not read: it
 * is some other file, and each of its lines would be taken for damage.
 */
#define MAGIC_BYTES_WRONG 16

struct reader {
	struct cyre_header *h;
	struct cyre_findings *found;
	enum cyre_file file;
};

static void find(struct reader *r, enum cyre_problem problem, uint64_t offset,
	uint64_t length, uint64_t expected, uint64_t actual)
{
	CYRE_FIND(r->found, .problem = problem, .file = r->file,
		.offset = offset, .length = length, .expected = expected,
		.actual = actual);
}

uint64_t cyre_header_offset(const struct cyre_header *h, struct cyre_slice f)
{
	uintptr_t start = (uintptr_t)h->bytes.p, p = (uintptr_t)f.p;

	return f.p && p >= start && p - start <= h->bytes.n ? p - start : 0;
}

/* How much of the file is the magic: 0, or where the payload starts. */
static size_t check_magic(struct reader *r)
{
	struct cyre_slice b = r->h->bytes;
	size_t n = b.n < CYRE_HEADER_MAGIC_LEN ? b.n : CYRE_HEADER_MAGIC_LEN;
	size_t i, first = n, wrong = 0;

	for (i = 0; i < n; i++)
		if (b.p[i] != cyre_header_magic[i]) {
			if (wrong++ == 0)
				first = i;
		}
	if (wrong == 0 && n == CYRE_HEADER_MAGIC_LEN) {
		r->h->magic_ok = true;
		return n;
	}
	if (wrong == 0)
		find(r, CYRE_P_HEADER_TRUNCATED, n, 0, 3, 0);
	else
		find(r, CYRE_P_HEADER_MAGIC, first, wrong, 0, 0);
	return n == CYRE_HEADER_MAGIC_LEN && wrong <= MAGIC_BYTES_WRONG ? n : 0;
}

static void check_nul(struct reader *r)
{
	struct cyre_slice b = r->h->bytes;
	const uint8_t *first = memchr(b.p, 0, b.n);
	uint64_t count = 0;

	if (!first)
		return;
	for (const uint8_t *p = first; p < b.p + b.n; p++)
		count += *p == 0;
	find(r, CYRE_P_HEADER_NUL, (uint64_t)(first - b.p), count, 0, 0);
}

static void add_flag(struct reader *r, unsigned slot, struct cyre_slice name)
{
	if (name.n && slot < CYRE_HEADER_MAX_FLAGS) {
		r->h->flags[slot] = name;
		r->h->nflags = slot + 1;
	}
}

static void end_flags(struct reader *r, unsigned slots, uint64_t offset)
{
	if (slots > CYRE_HEADER_MAX_FLAGS)
		find(r, CYRE_P_HEADER_FLAGS_TOO_MANY, offset, 0,
			CYRE_HEADER_MAX_FLAGS, slots);
}

/* ---- text form (header.md section 2) ---- */

/* Takes a line from the cursor; false when no LF ends it. */
static bool take_line(struct cyre_cur *c, struct cyre_slice *ret)
{
	size_t left = cyre_cur_left(c);
	const uint8_t *lf = left ? memchr(c->p, '\n', left) : NULL;

	*ret = cyre_slice(c->p, lf ? (size_t)(lf - c->p) : left);
	c->p = lf ? lf + 1 : c->end;
	return lf != NULL;
}

static void read_line1(struct cyre_header *h, struct cyre_slice line)
{
	const uint8_t *tab = line.n ? memchr(line.p, '\t', line.n) : NULL;
	const uint8_t *end = line.p + line.n;

	h->quotaroot = line;
	h->form = CYRE_HEADER_OLD;
	if (!tab)
		return;
	h->form = CYRE_HEADER_TEXT;
	h->quotaroot.n = (size_t)(tab - line.p);
	h->uniqueid = cyre_slice(tab + 1, (size_t)(end - tab - 1));
	tab = h->uniqueid.n ? memchr(tab + 1, '\t', h->uniqueid.n) : NULL;
	if (tab) {
		h->extra = cyre_slice(tab + 1, (size_t)(end - tab - 1));
		h->uniqueid.n = (size_t)(tab - h->uniqueid.p);
	}
}

/* Names with one blank behind each; two blanks: a slot without a name. */
static void read_line2(struct reader *r, struct cyre_slice line)
{
	const uint8_t *p = line.p, *end = line.p + line.n, *blank;
	unsigned slot = 0;

	for (; p < end; p = blank + 1) {
		blank = memchr(p, ' ', (size_t)(end - p));
		if (!blank)
			blank = end;
		add_flag(r, slot++, cyre_slice(p, (size_t)(blank - p)));
		if (blank == end)
			break;
	}
	end_flags(r, slot, cyre_header_offset(r->h, line));
}

static void read_text(struct reader *r, struct cyre_cur c)
{
	struct cyre_slice line;
	unsigned lines = 0;
	bool whole;

	whole = take_line(&c, &line);
	lines += whole;
	read_line1(r->h, line);
	if (whole) {
		whole = take_line(&c, &line);
		lines += whole;
		read_line2(r, line);
	}
	if (whole) {
		whole = take_line(&c, &r->h->acl);
		lines += whole;
	}
	if (lines < 3)
		find(r, CYRE_P_HEADER_TRUNCATED, r->h->bytes.n, 0, 3, lines);
	r->h->tail = cyre_slice(c.p, cyre_cur_left(&c));
}

/* ---- dlist form (header.md section 3) ---- */

static const struct {
	char letter;
	uint32_t bit;
} keys[] = {{'T', CYRE_HEADER_T}, {'N', CYRE_HEADER_N}, {'I', CYRE_HEADER_I},
	{'J', CYRE_HEADER_J}, {'Q', CYRE_HEADER_Q}, {'A', CYRE_HEADER_A},
	{'U', CYRE_HEADER_U}};

static uint32_t key_bit(const uint8_t *p, size_t n)
{
	for (size_t i = 0; n == 1 && i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].letter == (char)*p)
			return keys[i].bit;
	return 0;
}

static struct cyre_slice *string_field(struct cyre_header *h, uint32_t bit)
{
	switch (bit) {
	case CYRE_HEADER_T:
		return &h->type;
	case CYRE_HEADER_N:
		return &h->name;
	case CYRE_HEADER_I:
		return &h->uniqueid;
	case CYRE_HEADER_J:
		return &h->jmapid;
	case CYRE_HEADER_Q:
		return &h->quotaroot;
	default:
		return NULL;
	}
}

static bool own_put(struct cyre_dlist *d, struct cyre_slice s, uint8_t end)
{
	if ((size_t)(d->own_end - d->own) <= s.n)
		return false;
	if (s.n)
		memcpy(d->own, s.p, s.n);
	d->own += s.n;
	*d->own++ = end;
	return true;
}

/*
 * %(identifier rights ...) into the TAB form. Each string becomes one byte
 * longer, and had a blank or a parenthesis behind it: all fit into `own`.
 */
static bool read_acl(struct reader *r, struct cyre_dlist *d)
{
	uint8_t *start = d->own;
	struct cyre_slice s;
	enum cyre_dlist_kind k;
	size_t n;

	while ((k = cyre_dlist_next(d, &s)) != CYRE_DLIST_END) {
		if (k != CYRE_DLIST_NIL && !cyre_dlist_is_string(k))
			return false;
		n = s.n;
		if (n && s.p >= start && s.p < d->own) {
			/* Was unescaped in place: only the TAB is missing. */
			if (d->own == d->own_end)
				return false;
			*d->own++ = '\t';
		} else if (!own_put(d, s, '\t')) {
			return false;
		}
		r->h->acl = cyre_slice(start, (size_t)(d->own - start));
	}
	return true;
}

static bool read_flags(struct reader *r, struct cyre_dlist *d)
{
	uint64_t offset = (uint64_t)(d->cur.p - r->h->bytes.p);
	struct cyre_slice s;
	enum cyre_dlist_kind k;
	unsigned slot = 0;

	while ((k = cyre_dlist_next(d, &s)) != CYRE_DLIST_END) {
		if (k != CYRE_DLIST_NIL && !cyre_dlist_is_string(k))
			break;
		add_flag(r, slot++, s);
	}
	end_flags(r, slot, offset);
	return k == CYRE_DLIST_END;
}

/* A value of a known key; false when it is not of the kind the key has. */
static bool read_value(struct reader *r, struct cyre_dlist *d, uint32_t bit)
{
	struct cyre_slice s, *field = string_field(r->h, bit);
	enum cyre_dlist_kind k = cyre_dlist_next(d, &s);

	if (bit == CYRE_HEADER_A)
		return k == CYRE_DLIST_KVLIST && read_acl(r, d);
	if (bit == CYRE_HEADER_U)
		return k == CYRE_DLIST_LIST && read_flags(r, d);
	if (k != CYRE_DLIST_NIL && !cyre_dlist_is_string(k))
		return false;
	*field = s;
	return true;
}

/* A key that no release writes, or writes once only, is kept as it stands. */
static bool keep_extra(
	struct reader *r, struct cyre_dlist *d, const uint8_t *start)
{
	struct cyre_slice s, *x = &r->h->extra;
	enum cyre_dlist_kind k = cyre_dlist_next(d, &s);

	if (k == CYRE_DLIST_BAD || k == CYRE_DLIST_END)
		return false;
	if ((k == CYRE_DLIST_LIST || k == CYRE_DLIST_KVLIST) &&
		!cyre_dlist_skip(d))
		return false;
	if (!x->n)
		x->p = start;
	x->n = (size_t)(d->cur.p - x->p);
	return true;
}

/* Keys and values up to the closing parenthesis; false at a syntax error. */
static bool read_keys(struct reader *r, struct cyre_dlist *d)
{
	struct cyre_slice s;
	enum cyre_dlist_kind k;
	const uint8_t *start;
	uint32_t bit;

	while ((k = cyre_dlist_next(d, &s)) != CYRE_DLIST_END) {
		if (k != CYRE_DLIST_ATOM)
			return false;
		start = s.p;
		bit = key_bit(s.p, s.n);
		if (!bit || r->h->has & bit) {
			if (!keep_extra(r, d, start))
				return false;
			continue;
		}
		r->h->has |= bit;
		if (!read_value(r, d, bit))
			return false;
	}
	return true;
}

/*
 * Behind a syntax error: the next " K " of a key not met so far. A flipped bit
 * must not cost the names of all flags, which stand last and nowhere else.
 */
static const uint8_t *next_key(
	const struct cyre_header *h, const uint8_t *p, const uint8_t *end)
{
	uint32_t bit;

	for (; end - p > 3; p++) {
		if (p[0] != ' ' || p[2] != ' ')
			continue;
		bit = key_bit(p + 1, 1);
		if (bit && !(h->has & bit))
			return p + 1;
	}
	return NULL;
}

static void resync(struct reader *r, const uint8_t *at, const uint8_t *end,
	uint8_t *own, uint8_t *own_end)
{
	struct cyre_dlist d;

	while ((at = next_key(r->h, at, end))) {
		cyre_dlist_begin(&d, cyre_slice(at, (size_t)(end - at)), own);
		d.own_end = own_end;
		d.depth = 1;
		read_keys(r, &d);
		at = d.cur.p;
		own = d.own;
	}
}

static void read_dlist(struct reader *r, struct cyre_slice payload)
{
	const uint8_t *end = payload.p + payload.n, *lf;
	struct cyre_dlist d;
	struct cyre_slice s;
	bool good;

	r->h->form = CYRE_HEADER_DLIST;
	cyre_dlist_begin(&d, payload, r->h->own);
	good = cyre_dlist_next(&d, &s) == CYRE_DLIST_KVLIST && read_keys(r, &d);
	if (d.literal || d.line_break)
		find(r, CYRE_P_HEADER_LITERAL, CYRE_HEADER_MAGIC_LEN, 0, 0, 0);
	lf = memchr(d.cur.p, '\n', (size_t)(end - d.cur.p));
	if (!lf)
		find(r, CYRE_P_HEADER_TRUNCATED, r->h->bytes.n, 0, 1, 0);
	else if (!good || d.odd_blanks || lf != d.cur.p)
		find(r, CYRE_P_HEADER_SYNTAX,
			(uint64_t)(d.cur.p - r->h->bytes.p), 0, 0, 0);
	if (!good)
		resync(r, d.cur.p, end, d.own, d.own_end);
	if (lf)
		r->h->tail = cyre_slice(lf + 1, (size_t)(end - lf - 1));
}

/* The second byte tells as well, should the first be damaged. */
static bool is_dlist(struct cyre_slice payload)
{
	return (payload.n > 0 && payload.p[0] == '%') ||
	       (payload.n > 1 && payload.p[1] == '(');
}

cyre_status cyre_header_read(struct cyre_slice bytes, enum cyre_file file,
	struct cyre_findings *found, struct cyre_header *ret)
{
	struct cyre_header h = {.bytes = bytes};
	struct reader r = {.h = &h, .found = found, .file = file};
	struct cyre_slice payload;
	size_t start;

	if (bytes.n == 0) {
		find(&r, CYRE_P_HEADER_EMPTY, 0, 0, 0, 0);
		*ret = h;
		return CYRE_OK;
	}
	check_nul(&r);
	start = check_magic(&r);
	if (start) {
		payload = cyre_slice(bytes.p + start, bytes.n - start);
		if (is_dlist(payload)) {
			h.own = malloc(payload.n);
			if (!h.own)
				return CYRE_ENOMEM;
			read_dlist(&r, payload);
		} else {
			read_text(&r, cyre_cur(payload));
		}
	}
	*ret = h;
	return CYRE_OK;
}

void cyre_header_free(struct cyre_header *h)
{
	free(h->own);
	*h = (struct cyre_header){.form = CYRE_HEADER_NONE};
}

/* Eight digits of a hash of the name, then the UIDVALIDITY. */
#define OLD_ID_LEN 16

uint32_t cyre_uniqueid_hash(struct cyre_slice mboxname, bool wide)
{
	const uint32_t prime = 2147484043u;
	uint64_t h = 0;

	/* A byte is a plain char to the server: signed on most hosts. */
	for (size_t i = 0; i < mboxname.n; i++) {
		int64_t c = (int8_t)mboxname.p[i];

		h = h * 251;
		h = wide ? h : (uint32_t)h;
		h += (uint64_t)c;
		h = wide ? h : (uint32_t)h;
		h %= prime;
	}
	return (uint32_t)h;
}

bool cyre_uniqueid_uidvalidity(struct cyre_slice id, uint64_t *ret)
{
	uint64_t hash;

	return id.n == OLD_ID_LEN &&
	       cyre_lower_hex_number(cyre_slice(id.p, 8), &hash) &&
	       cyre_lower_hex_number(cyre_slice(id.p + 8, 8), ret);
}
