/*
 * index_salvage_scan.c - where do records stand, and of which layout?
 *
 * Tries the layouts by the length of their records, first the one the header
 * names. A record is looked for where the one before ends; where there is none,
 * at every byte: by its sum with a sliding window, before v12 by its fields.
 * What one field test lets pass by chance must have a neighbour or a message
 * file. Damaged records between those found are left to
 * index_salvage_file.c.
 *
 * Format: docs/formats/index.md sections 1, 2 and 8.
 */
#include "index_salvage_parts.h"

#include <stdlib.h>

#include "crc_roll.h"
#include "grow.h"

/* Layouts, the likelier first where the length of a record is the same. */
static const struct place {
	uint8_t version;
	uint16_t start;
} places[] = {{20, 192}, {17, 160}, {19, 160}, {16, 160}, {18, 160}, {13, 128},
	{14, 160}, {15, 160}, {12, 128}, {10, 96}, {9, 96}, {8, 92}, {7, 76},
	{6, 76}, {5, 76}, {4, 76}, {3, 56}, {2, 44}, {0, 40}, {0, 36}};
#define PLACES    (sizeof(places) / sizeof(*places))
#define OFF_WORDS 8 /* minor_version, start_offset, record_size */

/* What a byte of a record counts: chance cannot make a sum right. */
enum weight { WEIGHT_PLAUSIBLE = 1, WEIGHT_MATCHED = 2, WEIGHT_SUM = 1000 };
#define NAMED_BONUS (8 * CYRE_RECORD_MAX)

struct scan {
	struct cyre_trial *t;
	struct cyre_crc_roll roll; /* width 0: not made yet */
	struct cyre_finds *found;
	bool has_crc;
	bool named;    /* the header names this layout */
	size_t before; /* end of the record before; SIZE_MAX: none yet */
	uint64_t score;
};

void cyre_finds_add(struct cyre_finds *f, const struct cyre_salvaged *item)
{
	struct cyre_salvaged *v;

	if (f->nomem)
		return;
	v = cyre_grow(f->v, f->n, &f->cap, sizeof(*f->v));
	if (!v) {
		f->nomem = true;
		return;
	}
	f->v = v;
	f->v[f->n++] = *item;
}

static unsigned stride_of(const struct place *p)
{
	return cyre_index_layout(p->version)->record_size;
}

static void set_layout(struct cyre_trial *t, const struct place *p)
{
	t->ix.layout = cyre_index_layout(p->version);
	t->ix.record_fields = t->ix.layout->record;
	t->ix.stride = t->ix.layout->record_size;
	t->ix.start = t->start = p->start;
}

static bool at(const struct scan *s, size_t p, struct cyre_slice *ret)
{
	return cyre_slice_sub(s->t->ix.file, p, s->t->ix.stride, ret);
}

/* Is this a record, wherever it stands? A sum, or all the fields. */
static bool record_at(
	const struct scan *s, size_t p, struct cyre_index_record *ret)
{
	struct cyre_slice bytes;

	if (!at(s, p, &bytes))
		return false;
	if (!s->has_crc)
		return cyre_trial_record(s->t, bytes, ret);
	return cyre_load_be32(bytes.p + bytes.n - 4) ==
		       cyre_index_record_sum(&s->t->ix, bytes) &&
	       cyre_index_decode(&s->t->ix, bytes, ret) && ret->uid;
}

static bool matched(const struct scan *s, const struct cyre_index_record *r)
{
	const struct cyre_msgfile *f = cyre_salvage_file(s->t->hints, r->uid);

	return f &&
	       (f->state == CYRE_ENTRY_LISTED ||
		       (f->state == CYRE_ENTRY_FILE && f->size == r->size));
}

/* Does it stand where the grid of records would have it? */
static bool on_grid(const struct scan *s, size_t p)
{
	size_t start = s->before != SIZE_MAX ? s->before : s->t->start;

	return (s->before != SIZE_MAX || s->named) && p >= start &&
	       (p - start) % s->t->ix.stride == 0;
}

/* Off the grid one test alone may be right by chance. */
static bool believable(
	const struct scan *s, size_t p, const struct cyre_index_record *r)
{
	struct cyre_index_record next;

	if (on_grid(s, p))
		return true;
	if (s->has_crc ? cyre_trial_likely(r) : matched(s, r))
		return true;
	/* The last of a file that was shifted has none behind it. */
	if (p + s->t->ix.stride == s->t->ix.file.n)
		return true;
	if (!record_at(s, p + s->t->ix.stride, &next))
		return false;
	return cyre_trial_in_order(s->t) ? next.uid > r->uid
					 : next.uid != r->uid;
}

/* The next record at p or behind it; SIZE_MAX: none. */
static size_t next_record(
	struct scan *s, size_t p, struct cyre_index_record *ret)
{
	struct cyre_slice file = s->t->ix.file;

	if (s->has_crc && !s->roll.width)
		cyre_crc_roll_begin(&s->roll, s->t->ix.stride - 4u);
	for (; p < file.n; p++) {
		if (s->has_crc)
			p = cyre_crc_roll_find(&s->roll, file, p);
		if (p > file.n || file.n - p < s->t->ix.stride)
			break;
		if (record_at(s, p, ret) && believable(s, p, ret))
			return p;
	}
	return SIZE_MAX;
}

static size_t first_record(struct scan *s, struct cyre_index_record *ret)
{
	for (size_t i = 0; i < PLACES; i++)
		if (stride_of(&places[i]) == s->t->ix.stride &&
			record_at(s, places[i].start, ret) &&
			believable(s, places[i].start, ret))
			return places[i].start;
	return next_record(s, 0, ret);
}

static void add(struct scan *s, size_t p, const struct cyre_index_record *r)
{
	enum cyre_origin origin = s->has_crc      ? CYRE_ORIGIN_INTACT
				  : matched(s, r) ? CYRE_ORIGIN_MATCHED
						  : CYRE_ORIGIN_PLAUSIBLE;

	s->score += s->t->ix.stride * (s->has_crc ? WEIGHT_SUM
					      : origin == CYRE_ORIGIN_MATCHED
						      ? WEIGHT_MATCHED
						      : WEIGHT_PLAUSIBLE);
	cyre_finds_add(
		s->found, &(struct cyre_salvaged){.uid = (uint32_t)r->uid,
				  .trusted = CYRE_RECORD_ALL,
				  .offset = p,
				  .length = (uint16_t)s->t->ix.stride,
				  .bit = UINT16_MAX,
				  .origin = origin});
}

/* All records of one length; returns the score. */
static uint64_t scan(struct cyre_trial *t, const struct place *place,
	bool named, struct cyre_finds *found)
{
	struct scan s = {
		.t = t, .found = found, .named = named, .before = SIZE_MAX};
	struct cyre_index_record r;
	size_t p;

	set_layout(t, place);
	s.has_crc = cyre_index_has_crc(t->ix.layout);
	found->n = 0;
	p = first_record(&s, &r);
	while (p != SIZE_MAX) {
		add(&s, p, &r);
		s.before = p += t->ix.stride;
		if (!record_at(&s, p, &r))
			p = next_record(&s, p, &r);
	}
	return s.score;
}

/* The layout that minor_version, start_offset and record_size name, as they
 * stand one behind the other; NULL: they do not fit together. */
static const struct place *named_by(const uint8_t *words)
{
	for (size_t i = 0; i < PLACES; i++)
		if (places[i].version == cyre_load_be32(words) &&
			places[i].start == cyre_load_be32(words + 4) &&
			stride_of(&places[i]) == cyre_load_be32(words + 8))
			return &places[i];
	return NULL;
}

/* The same of a header of this length at `at`, one flipped bit turned back. */
static const struct place *named_at(struct cyre_slice file, int64_t at,
	const struct place *like, bool *sure)
{
	bool has_crc = like->version >= 12;
	uint8_t b[CYRE_HEADER_MAX];
	const struct place *p;

	*sure = cyre_trial_header_bytes(file, at, like->start, has_crc, b);
	p = named_by(b + OFF_WORDS);
	return p && p->start == like->start && stride_of(p) == stride_of(like)
		       ? p
		       : NULL;
}

#define NAMED     4
#define MAX_SHIFT 64 /* a header that moved further is not looked for */

/* Where the header must begin for its records to stand as they do. */
static int64_t header_at(const struct place *p, uint64_t first)
{
	int64_t stride = stride_of(p);
	int64_t d = ((int64_t)(first % (uint64_t)stride) - p->start) % stride;

	if (d < 0)
		d += stride;
	return d > stride / 2 ? d - stride : d;
}

/* v14 and v15 differ in one word of a record: lines, or a date. */
static bool is_other_v14(const struct cyre_trial *t, uint64_t first)
{
	struct cyre_slice lines;

	return first != UINT64_MAX &&
	       cyre_slice_sub(t->ix.file, first + 52, 4, &lines) &&
	       cyre_load_be32(lines.p) > INT32_MAX / 4 &&
	       cyre_load_be32(lines.p) != UINT32_MAX;
}

static int points_of(const struct cyre_trial *t, const struct place *p,
	const struct place *named, bool sure, int64_t at, uint64_t first)
{
	if (named)
		return sure ? 8 : NAMED;
	if (p->version == 14 && is_other_v14(t, first))
		return 0;
	if (at == 0)
		return t->hints->version == p->version ? 3 : 2;
	return at > -MAX_SHIFT && at < MAX_SHIFT;
}

/* Of the layouts with records of this length: the header's own word, else the
 * place of the records, else what is usual. */
static void settle(struct cyre_trial *t, unsigned stride, uint64_t first)
{
	const struct place *best = NULL, *named;
	int best_points = -1, points;
	int64_t at = 0;
	bool sure;

	for (size_t i = 0; i < PLACES; i++) {
		const struct place *p = &places[i];

		if (stride_of(p) != stride)
			continue;
		at = first == UINT64_MAX ? 0 : header_at(p, first);
		named = named_at(t->ix.file, at, p, &sure);
		points = points_of(t, p, named, sure, at, first);
		if (points <= best_points)
			continue;
		best_points = points;
		best = named ? named : p;
		t->at = at;
	}
	set_layout(t, best);
	t->version_known = best_points >= NAMED;
}

/* The layout the header names where headers stand. */
static const struct place *named(struct cyre_slice file)
{
	struct cyre_slice words;
	const struct place *p;
	bool sure;

	if (!cyre_slice_sub(file, OFF_WORDS, 12, &words))
		return NULL;
	p = named_by(words.p);
	for (size_t i = 0; !p && i < PLACES; i++)
		if (i == 0 || places[i].start != places[i - 1].start)
			p = named_at(file, 0, &places[i], &sure);
	return p;
}

/* A file without records: the header may have moved by a few bytes. */
static void find_header(struct cyre_trial *t)
{
	const struct place *p = NULL;
	struct cyre_slice words;
	uint64_t at;

	for (at = 0; at <= 2 * MAX_SHIFT; at++) {
		if (!cyre_slice_sub(t->ix.file, at, 12, &words))
			return;
		p = named_by(words.p);
		if (p)
			break;
	}
	if (!p)
		return;
	set_layout(t, p);
	t->at = (int64_t)at - OFF_WORDS;
	t->version_known = true;
}

bool cyre_trial_scan(struct cyre_trial *t, struct cyre_finds *ret)
{
	const struct place *by_name = named(t->ix.file), *best = by_name;
	struct cyre_finds other = {.n = 0}, swap;
	uint64_t score = 0, most = 0;
	unsigned tried = 0;

	t->ix.layout = NULL;
	if (by_name)
		most = scan(t, by_name, true, ret);
	/* All is as it should be, but for an eighth. */
	if (by_name && t->ix.file.n > by_name->start &&
		ret->n * t->ix.stride >=
			(t->ix.file.n - by_name->start) / 8 * 7)
		goto out;
	/* Three words agree: another must find far more to be believed. */
	if (by_name)
		most = 2 * most + NAMED_BONUS;
	for (size_t i = 0; i < PLACES; i++) {
		if (stride_of(&places[i]) == tried ||
			(by_name &&
				stride_of(&places[i]) == stride_of(by_name)))
			continue;
		/* Older records have the same first fields. */
		if (places[i].version < 12 && best && best->version >= 12)
			break;
		tried = stride_of(&places[i]);
		score = scan(t, &places[i], false, &other);
		if (score <= most)
			continue;
		most = score;
		best = &places[i];
		swap = *ret;
		*ret = other;
		other = swap;
	}
out:
	free(other.v);
	ret->nomem |= other.nomem;
	t->ix.layout = NULL;
	if (best && (ret->n || by_name))
		settle(t, stride_of(best),
			ret->n ? ret->v[0].offset : UINT64_MAX);
	else
		find_header(t);
	return !ret->nomem;
}
