/*
 * index_salvage_file.c - what is left of the records of one file
 *
 * The scan (index_salvage_scan.c) finds what can be believed as it stands; then
 * the header is taken, and the places between and behind the records are gone
 * through for what is left of damaged ones.
 *
 * Format: docs/formats/index.md sections 8 to 12.
 */
#include "index_salvage_parts.h"

#include <stdlib.h>

#include "crc_mend.h"
#include "digest.h"

#define FIRST_WINDOW 64 /* a shifted file begins no earlier than this */

struct work {
	struct cyre_trial t;
	struct cyre_salvaged_file *file;
	uint8_t number;
	struct cyre_finds found; /* as they stand, in order of the file */
	struct cyre_finds *all;
	uint64_t count; /* records by the header; UINT64_MAX: not known */
	uint64_t base;  /* of record 1 */
};

static bool behind_last(const struct work *w, uint64_t p)
{
	return w->count == UINT64_MAX ||
	       p >= w->base + w->count * w->t.ix.stride;
}

static void keep(struct work *w, struct cyre_salvaged *item)
{
	item->file = w->number;
	item->listed = cyre_trial_in_order(&w->t);
	item->uncommitted =
		w->count != UINT64_MAX && behind_last(w, item->offset);
	cyre_finds_add(w->all, item);
}

/* ---- order, where only the fields vouch for a record ---- */

/*
 * The longest ascending run of uids: what breaks it is damaged, unless a
 * message file says otherwise. Marks the others with trusted = 0.
 */
static bool mark_disorder(struct work *w)
{
	struct cyre_salvaged *v = w->found.v;
	uint32_t *tail, *before, low, high, mid, len = 0, at;
	size_t n = w->found.n, i;

	for (i = 1; i < n && v[i].uid > v[i - 1].uid; i++)
		;
	if (i >= n)
		return true;
	tail = calloc(n, sizeof(*tail));
	before = calloc(n, sizeof(*before));
	if (!tail || !before) {
		free(tail);
		free(before);
		return false;
	}
	for (i = 0; i < n; i++) {
		for (low = 0, high = len; low < high;) {
			mid = low + (high - low) / 2;
			if (v[tail[mid]].uid < v[i].uid)
				low = mid + 1;
			else
				high = mid;
		}
		before[i] = low ? tail[low - 1] : UINT32_MAX;
		tail[low] = (uint32_t)i;
		len += low == len;
		v[i].trusted = 0;
	}
	for (at = tail[len - 1]; at != UINT32_MAX; at = before[at])
		v[at].trusted = CYRE_RECORD_ALL;
	for (i = 0; i < n; i++)
		if (v[i].origin == CYRE_ORIGIN_MATCHED)
			v[i].trusted = CYRE_RECORD_ALL;
	free(tail);
	free(before);
	return true;
}

/* ---- damaged records ---- */

static unsigned bits(uint32_t m)
{
	unsigned n = 0;

	for (; m; m &= m - 1)
		n++;
	return n;
}

/* Bytes of the file from p, at most one record. */
static struct cyre_slice bytes_at(const struct work *w, uint64_t p)
{
	struct cyre_slice file = w->t.ix.file, s = {NULL, 0};

	if (p < file.n)
		cyre_slice_sub(file, p,
			file.n - p < w->t.ix.stride ? file.n - p
						    : w->t.ix.stride,
			&s);
	return s;
}

static bool zeros(struct cyre_slice s)
{
	return !s.n || (s.p[0] == 0 && !memcmp(s.p, s.p + 1, s.n - 1));
}

/* One bit of the record or of its sum, or the end of the sum, is wrong. */
static bool mend(const struct work *w, struct cyre_slice bytes, uint16_t *bit)
{
	size_t n = w->t.ix.stride - 4u;
	uint8_t sum[4];
	uint32_t is, stored;
	uint64_t bad;

	*bit = UINT16_MAX;
	if (!cyre_index_has_crc(w->t.ix.layout) || bytes.n < n + 2)
		return false;
	is = cyre_crc32(cyre_slice(bytes.p, n));
	cyre_store_be32(sum, is);
	if (bytes.n < n + 4)
		return !memcmp(sum, bytes.p + n, bytes.n - n);
	stored = cyre_load_be32(bytes.p + n);
	if (bits(is ^ stored) == 1)
		return true;
	bad = cyre_crc32_bad_bit(n, is, stored);
	if (bad == UINT64_MAX)
		return false;
	*bit = (uint16_t)bad;
	return true;
}

/* Is enough of it left, and where it can be a record of this mailbox? */
static bool worth(const struct work *w, bool inside, uint32_t mask,
	const struct cyre_index_record *r)
{
	uint32_t weighty =
		mask & (CYRE_RECORD_BIT(size) | CYRE_RECORD_BIT(header_size) |
			       CYRE_RECORD_BIT(internaldate) |
			       CYRE_RECORD_BIT(last_updated) |
			       CYRE_RECORD_BIT(guid) | CYRE_RECORD_BIT(modseq));

	/* Behind the last: garbage, unless a message file knows it. */
	if (!inside && (!(mask & CYRE_RECORD_BIT(uid)) ||
			       !(mask & CYRE_RECORD_BIT(size)) ||
			       !cyre_salvage_file(w->t.hints, r->uid)))
		return false;
	if (mask & CYRE_RECORD_BIT(uid))
		return bits(weighty) >= 2;
	return (mask & CYRE_RECORD_BIT(guid)) &&
	       w->t.ix.layout->version >= 10 && bits(weighty) >= 3;
}

/* Nothing was wrong but that it stood alone (index_salvage_scan.c). */
static bool sound(const struct work *w, struct cyre_slice bytes, uint64_t p,
	uint32_t mask)
{
	struct cyre_index_record r;

	return !cyre_index_has_crc(w->t.ix.layout) &&
	       (mask & CYRE_RECORD_BIT(uid)) &&
	       (mask & CYRE_RECORD_BIT(size)) &&
	       !cyre_trial_hole(w->t.ix.file, p, bytes.n) &&
	       cyre_trial_record(&w->t, bytes, &r);
}

/* A place of the grid where no sound record stands; `inside`: one follows. */
static void damaged(struct work *w, uint64_t p, bool inside)
{
	struct cyre_slice bytes = bytes_at(w, p);
	struct cyre_salvaged item = {.trusted = CYRE_RECORD_ALL,
		.offset = p,
		.length = (uint16_t)bytes.n,
		.bit = UINT16_MAX,
		.origin = CYRE_ORIGIN_MENDED};
	struct cyre_index_record r;

	inside |= !behind_last(w, p);
	if (zeros(bytes)) {
		w->file->lost += inside;
		return;
	}
	if (mend(w, bytes, &item.bit)) {
		r = cyre_trial_decode(&w->t, bytes, item.bit);
		if (cyre_trial_likely(&r)) {
			item.uid = (uint32_t)r.uid;
			keep(w, &item);
			return;
		}
	}
	item.bit = UINT16_MAX;
	item.origin = CYRE_ORIGIN_FIELDS;
	r = cyre_trial_decode(&w->t, bytes, UINT16_MAX);
	item.trusted = cyre_trial_fields(&w->t, bytes, p, &r);
	if (sound(w, bytes, p, item.trusted)) {
		item.origin = CYRE_ORIGIN_PLAUSIBLE;
		item.trusted = CYRE_RECORD_ALL;
	}
	if (!worth(w, inside, item.trusted, &r)) {
		w->file->lost += inside;
		return;
	}
	if (item.trusted & CYRE_RECORD_BIT(uid))
		item.uid = (uint32_t)r.uid;
	keep(w, &item);
}

/* Everything from p to end, which is where a sound record begins or, not
 * `inside`, the file ends. A place that reaches over `end` is none. */
static void gap(struct work *w, uint64_t p, uint64_t end, bool inside)
{
	unsigned stride = w->t.ix.stride;

	for (; p < end && (!inside || end - p >= stride); p += stride)
		damaged(w, p, inside);
}

/* Record 1, by the header's place or else by the first record found. */
static void find_base(struct work *w)
{
	int64_t base = w->t.at + (int64_t)w->t.start;
	uint64_t stride = w->t.ix.stride, first;

	if (w->found.n) {
		first = w->found.v[0].offset;
		if (base < 0 || (uint64_t)base > first ||
			(first - (uint64_t)base) % stride)
			base = (int64_t)(first % stride);
	}
	while (base < 0 || base + FIRST_WINDOW < (int64_t)w->t.start)
		base += (int64_t)stride;
	w->base = (uint64_t)base;
	if (w->found.n && w->base > w->found.v[0].offset)
		w->base = w->found.v[0].offset;
}

static void find_count(struct work *w)
{
	const struct cyre_salvaged_file *f = w->file;
	uint8_t trust = f->trust[CYRE_HEADER_FIELD(num_records)];
	enum cyre_trust needed = cyre_index_has_crc(f->layout)
					 ? CYRE_TRUST_SURE
					 : CYRE_TRUST_PLAUSIBLE;

	w->count = UINT64_MAX;
	if (trust >= (uint8_t)needed &&
		f->h.num_records <= w->t.ix.file.n / w->t.ix.stride + 1)
		w->count = f->h.num_records;
}

/* Largest uid and modseq of what was found; the header is held against it. */
static void take_header(struct work *w)
{
	const struct cyre_salvaged *v = w->found.v;
	uint64_t max_uid = 0, max_modseq = 0;
	struct cyre_index_record r;

	for (size_t i = 0; i < w->found.n; i++) {
		if (!v[i].trusted)
			continue;
		r = cyre_trial_decode(
			&w->t, bytes_at(w, v[i].offset), UINT16_MAX);
		if (r.uid > max_uid)
			max_uid = r.uid;
		/* A shifted modseq of v8 and v9 proves nothing. */
		if (r.modseq > max_modseq && (uint32_t)r.modseq)
			max_modseq = r.modseq;
	}
	cyre_trial_header(&w->t, max_uid, max_modseq, w->file);
}

/* Without a sum, zeros may be lost flags as well as no flags. */
static bool in_doubt(const struct work *w, const struct cyre_salvaged *v)
{
	return !v->trusted ||
	       (!cyre_index_has_crc(w->t.ix.layout) &&
		       cyre_trial_hole(w->t.ix.file, v->offset, v->length));
}

/* Sound records as they are, those that break the order as damaged ones, and
 * what stands between. */
static void take_records(struct work *w)
{
	uint64_t at = w->base;
	const struct cyre_salvaged *v = w->found.v;
	size_t i, next = 0;

	w->t.after = 0;
	for (i = 0; i <= w->found.n; i++) {
		while (next < w->found.n && (next < i || !v[next].trusted))
			next++;
		w->t.before =
			next < w->found.n ? v[next].uid : UINT64_C(1) << 32;
		if (i == w->found.n)
			break;
		gap(w, at, v[i].offset, true);
		at = v[i].offset + w->t.ix.stride;
		if (in_doubt(w, &v[i])) {
			damaged(w, v[i].offset, true);
			continue;
		}
		keep(w, &w->found.v[i]);
		w->t.after = v[i].uid;
	}
	gap(w, at, w->t.ix.file.n, false);
}

cyre_status cyre_salvage_read_file(struct cyre_salvaged_file *file,
	uint8_t number, const struct cyre_salvage_hints *hints,
	struct cyre_finds *all)
{
	struct work w = {.file = file,
		.number = number,
		.all = all,
		.t = {.hints = hints,
			.which = file->which,
			.ix.file = file->bytes}};
	cyre_status st = CYRE_ENOMEM;

	if (!cyre_trial_scan(&w.t, &w.found))
		goto out;
	st = CYRE_OK;
	if (!w.t.ix.layout)
		goto out;
	if (!cyre_index_has_crc(w.t.ix.layout) && cyre_trial_in_order(&w.t) &&
		!mark_disorder(&w)) {
		st = CYRE_ENOMEM;
		goto out;
	}
	file->layout = w.t.ix.layout;
	file->version_known = w.t.version_known;
	take_header(&w);
	find_base(&w);
	find_count(&w);
	take_records(&w);
out:
	free(w.found.v);
	return st;
}

struct cyre_index_record cyre_trial_decode(
	const struct cyre_trial *t, struct cyre_slice bytes, uint16_t bit)
{
	uint8_t b[CYRE_RECORD_MAX] = {0};
	struct cyre_index_record r = {0};

	if (bytes.n)
		memcpy(b, bytes.p, bytes.n);
	if (bit != UINT16_MAX)
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	cyre_index_decode(&t->ix, cyre_slice(b, t->ix.stride), &r);
	return r;
}
