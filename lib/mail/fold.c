/*
 * fold.c - the search form of one character in 2.4 and older: lower case,
 * decomposed, without diacritics, white space as one blank or not at all
 * (docs/formats/cache.md section 11).
 *
 * Those releases generated tables from UnicodeData.txt and a file of their own
 * exceptions. The former is ICU's data, held back to the Unicode version of the
 * release; docs/byte-identity.md says what of it is not the same.
 */
#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include "parse.h"

#define DEPTH_MAX 8

/* Their own exceptions; n == 0: white space. */
static const struct {
	uint16_t first, last;
	uint16_t to[2];
} fixes[] = {
	{0x0009, 0x000d, {0, 0}},
	{0x00df, 0x00df, {'s', 's'}},
	{0x00e6, 0x00e6, {'a', 'e'}},
	{0x00f0, 0x00f0, {'t', 'h'}},
	{0x00fe, 0x00fe, {'t', 'h'}},
	{0x0153, 0x0153, {'o', 'e'}},
	{0x0300, 0x0385, {0, 0}},
	{0x0387, 0x0387, {0, 0}},
	{0x038b, 0x038b, {0, 0}},
	{0x038d, 0x038d, {0, 0}},
	{0x03a2, 0x03a2, {0, 0}},
	{0x03cf, 0x03ff, {0, 0}},
	{0x04a5, 0x04a5, {0x041d, 0x0413}},
	{0x04b5, 0x04b5, {0x0422, 0x0426}},
	{0x2044, 0x2044, {'/', 0}},
};

struct fold {
	bool old; /* 2.3 or older: white space vanishes */
	bool greek_vanishes;
	uint8_t unicode; /* major version, of which the first */
	uint32_t *out;
	size_t n;
};

static void put(struct fold *f, uint32_t c)
{
	if (f->n < CYRE_FOLD_MAX)
		f->out[f->n++] = c;
}

static bool is_new(const struct fold *f, uint32_t c)
{
	UVersionInfo age;

	u_charAge((UChar32)c, age);
	return age[0] == 0 || age[0] > f->unicode ||
	       (!f->old && age[0] == f->unicode && age[1] > 0);
}

static bool is_space(uint32_t c)
{
	/* U+180E was a space until Unicode 6.3. */
	return c == 0x180e || U_GET_GC_MASK((UChar32)c) & U_GC_Z_MASK;
}

static void fold(struct fold *f, uint32_t c, int depth);

static bool is_vanished_greek(const struct fold *f, uint32_t c)
{
	return f->greek_vanishes && c >= 0x300 && c <= 0x3ff;
}

/* What Unicode 2.0 had otherwise; the ideographs of F900 it did not map. */
static bool by_unicode_2_0(struct fold *f, uint32_t c)
{
	const struct cyre_unicode_2_0 *row = cyre_unicode_2_0_find(c);
	size_t i;

	if (!row && (c < 0xf900 || c > 0xfaff))
		return false;
	if (!row || row->to[0] == CYRE_UNICODE_ITSELF) {
		put(f, c);
		return true;
	}
	for (i = 0; i < 3 && row->to[i]; i++) {
		if (!is_vanished_greek(f, row->to[i]))
			put(f, row->to[i]);
	}
	return true;
}

enum found { FOUND_NOT, FOUND_BLANK, FOUND };

static enum found by_table(struct fold *f, uint32_t c, int depth)
{
	size_t i;
	int k;

	if (is_vanished_greek(f, c))
		return FOUND;
	for (i = 0; i < sizeof(fixes) / sizeof(fixes[0]); i++) {
		if (c < fixes[i].first || c > fixes[i].last)
			continue;
		for (k = 0; k < 2 && fixes[i].to[k]; k++)
			fold(f, fixes[i].to[k], depth);
		return k ? FOUND : FOUND_BLANK;
	}
	return f->old && by_unicode_2_0(f, c) ? FOUND : FOUND_NOT;
}

/* The decomposition of the character itself, canonical or not. */
static bool by_decomposition(struct fold *f, uint32_t c, int depth)
{
	UErrorCode err = U_ZERO_ERROR;
	const UNormalizer2 *nfkd = unorm2_getNFKDInstance(&err);
	UChar to[40];
	UChar32 k;
	int32_t i, n;

	/* Hangul has no line of its own in UnicodeData.txt. */
	if (U_FAILURE(err) || (c >= 0xac00 && c <= 0xd7a3))
		return false;
	n = unorm2_getRawDecomposition(nfkd, (UChar32)c, to, 40, &err);
	if (U_FAILURE(err) || n <= 0 || (to[0] == ' ' && n > 1))
		return false;
	for (i = 0; i < n;) {
		U16_NEXT(to, i, n, k);
		fold(f, (uint32_t)k, depth);
	}
	return true;
}

static void fold(struct fold *f, uint32_t c, int depth)
{
	enum found found;
	uint32_t lower;

	if (depth == 0 || c > 0x10ffff) {
		put(f, c);
		return;
	}
	found = by_table(f, c, depth - 1);
	if (found == FOUND)
		return;
	if (found == FOUND_NOT && is_new(f, c)) {
		put(f, c);
		return;
	}
	if (found == FOUND_BLANK || is_space(c)) {
		if (!f->old)
			put(f, ' ');
		/* Of 2.4's own blanks some have a decomposition as well, which
		 * prevails as all do over blanks. */
		if (f->old || found == FOUND_NOT)
			return;
	}
	lower = (uint32_t)u_tolower((UChar32)c);
	if (lower != c && !is_new(f, lower))
		fold(f, lower, depth - 1);
	else if (!by_decomposition(f, c, depth - 1) && found == FOUND_NOT)
		put(f, c);
}

/* Blanks go, unless nothing else is left. */
static size_t without_blanks(uint32_t *seq, size_t n)
{
	size_t i, kept = 0;

	for (i = 0; i < n; i++) {
		if (seq[i] != ' ')
			seq[kept++] = seq[i];
	}
	if (!kept && n)
		seq[kept++] = ' ';
	return kept;
}

size_t cyre_fold(const struct cyre_mail_behaviour *b, uint32_t c,
	uint32_t ret[CYRE_FOLD_MAX])
{
	struct fold f = {.old = b->search == CYRE_SEARCH_SQUEEZED, .out = ret};

	f.unicode = f.old ? 2 : 6;
	f.greek_vanishes = b->greek_vanishes;
	fold(&f, c, DEPTH_MAX);
	return f.old ? f.n : without_blanks(ret, f.n);
}

bool cyre_fold_has_block(const struct cyre_mail_behaviour *b, uint32_t code)
{
	uint32_t seq[CYRE_FOLD_MAX], c = code & ~(uint32_t)0xff;

	for (code = c; code < c + 256; code++) {
		if (code != ' ' &&
			(cyre_fold(b, code, seq) != 1 || seq[0] != code))
			return true;
	}
	return false;
}
