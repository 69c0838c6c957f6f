/*
 * check_cache.c - cyrus.cache as a file: generation, offsets, records, CRCs
 *
 * Visits the record of every message in the order of the offsets, through a
 * window, and compares each with its index record. What is between records is
 * dead and nobody's concern.
 *
 * With a good check sum the bytes are what the server wrote. That the server
 * wrote the right thing for the message is shown here by its header size
 * alone, and at level 5 by parsing the message; that its form is right
 * follows, so the items of such a record are looked at only on demand (`deep`).
 *
 * Format: docs/formats/cache.md sections 1, 10.
 */
#include "check_cache.h"

#include <stdlib.h>

#include "digest.h"

#define WINDOW 4096 /* bytes asked for at first */

struct ref {
	uint64_t offset;
	uint32_t recno;
	uint32_t expunge; /* 1: of cyrus.expunge */
};

/* The fields of an index record that matter here. */
enum field { UID, OFFSET, VERSION, CRC, SIZE, HEADER_SIZE, FLAGS, FIELDS };

#define ABSENT SIZE_MAX

/* Where they stand, so that not all 30 are decoded, twice for each message. */
struct view {
	const struct cyre_index *ix;
	size_t at[FIELDS];
	uint8_t width[FIELDS];
};

struct record {
	uint64_t offset, size;
	uint32_t uid, version, crc, header_size, flags;
	bool has_crc;
};

struct check {
	struct cyre_source *src;
	const struct cyre_cache_context *ctx;
	struct cyre_findings *found;
	struct cyre_cache_totals totals;
	struct cyre_cache_scratch scratch;
	struct view view[2]; /* index, expunge */
	struct ref *refs;
	size_t n;
	uint64_t end;     /* of the record before */
	uint32_t end_uid; /* and whose it is */
};

static void make_view(struct view *v, const struct cyre_index *ix)
{
	static const uint16_t member[FIELDS] = {
		offsetof(struct cyre_index_record, uid),
		offsetof(struct cyre_index_record, cache_offset),
		offsetof(struct cyre_index_record, cache_version),
		offsetof(struct cyre_index_record, cache_crc),
		offsetof(struct cyre_index_record, size),
		offsetof(struct cyre_index_record, header_size),
		offsetof(struct cyre_index_record, system_flags)};
	const struct cyre_index_field *f = ix ? ix->record_fields : NULL;
	size_t at = 0;

	v->ix = ix;
	for (int i = 0; i < FIELDS; i++)
		v->at[i] = ABSENT;
	for (; f && f->width; at += f->width, f++)
		for (int i = 0; i < FIELDS; i++)
			if (f->kind == CYRE_IX_UINT && f->member == member[i] &&
				at + f->width <= ix->stride) {
				v->at[i] = at;
				v->width[i] = f->width;
			}
}

static uint64_t get(const struct view *v, const uint8_t *p, enum field f)
{
	if (v->at[f] == ABSENT)
		return 0;
	p += v->at[f];
	return v->width[f] == 8 ? cyre_load_be64(p) : cyre_load_be32(p);
}

static uint32_t get32(const struct view *v, const uint8_t *p, enum field f)
{
	return (uint32_t)get(v, p, f);
}

static bool get_record(const struct view *v, uint32_t recno, struct record *ret)
{
	struct cyre_slice s = cyre_index_bytes(v->ix, recno);
	uint32_t version;

	if (s.n < v->ix->stride)
		return false;
	version = get32(v, s.p, VERSION);
	*ret = (struct record){.uid = get32(v, s.p, UID),
		.offset = cyre_cache_offset(get32(v, s.p, OFFSET), version),
		.size = get(v, s.p, SIZE),
		.version = cyre_cache_version(version),
		.crc = get32(v, s.p, CRC),
		.header_size = get32(v, s.p, HEADER_SIZE),
		.flags = get32(v, s.p, FLAGS),
		.has_crc = cyre_index_has_crc(v->ix->layout)};
	return true;
}

static bool has_message(const struct cyre_cache_context *ctx, uint32_t uid)
{
	const struct cyre_msgfile *f = ctx->files;
	size_t i = cyre_msgfile_seek(f, ctx->nfiles, uid);

	for (; i < ctx->nfiles && f[i].uid == uid; i++)
		if (f[i].state != CYRE_ENTRY_FILE || f[i].size)
			return true;
	return false;
}

/* Does this record's message have its cache record in this file? */
static bool wanted(const struct cyre_cache_context *ctx, const struct record *r)
{
	const uint32_t gone = CYRE_FLAG_EXPUNGED | CYRE_FLAG_UNLINKED;

	if ((r->flags & gone) == gone ||
		(!r->offset && ctx->files_known && !has_message(ctx, r->uid)))
		return false;
	return !ctx->has_archive ||
	       ctx->archived == !!(r->flags & CYRE_FLAG_ARCHIVED);
}

uint64_t cyre_cache_wanted(const struct cyre_cache_context *ctx)
{
	const struct cyre_index *both[] = {ctx->index, ctx->expunge};
	uint64_t n = 0;
	struct record r;
	struct view v;

	for (int i = 0; i < 2; i++) {
		make_view(&v, both[i]);
		for (uint32_t recno = 1; v.ix && recno <= v.ix->count; recno++)
			n += get_record(&v, recno, &r) && wanted(ctx, &r);
	}
	return n;
}

static int compare(const void *va, const void *vb)
{
	const struct ref *a = va, *b = vb;

	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	if (a->expunge != b->expunge)
		return a->expunge < b->expunge ? -1 : 1;
	return a->recno < b->recno ? -1 : a->recno > b->recno;
}

static cyre_status collect(struct check *c)
{
	size_t total = 0;
	bool sorted = true;
	struct record r;

	for (int i = 0; i < 2; i++)
		if (c->view[i].ix)
			total += c->view[i].ix->count;
	if (!total)
		return CYRE_OK;
	c->refs = reallocarray(NULL, total, sizeof(*c->refs));
	if (!c->refs)
		return CYRE_ENOMEM;
	for (uint32_t i = 0; i < 2; i++) {
		const struct cyre_index *ix = c->view[i].ix;

		for (uint32_t recno = 1; ix && recno <= ix->count; recno++) {
			if (!get_record(&c->view[i], recno, &r) ||
				!wanted(c->ctx, &r))
				continue;
			sorted = sorted &&
				 (!c->n || c->refs[c->n - 1].offset < r.offset);
			c->refs[c->n++] = (struct ref){r.offset, recno, i};
		}
	}
	if (!sorted)
		qsort(c->refs, c->n, sizeof(*c->refs), compare);
	return CYRE_OK;
}

/* A finding about the record of one message. */
static void find(struct check *c, enum cyre_problem problem,
	const struct record *r, uint64_t length, uint64_t expected,
	uint64_t actual, const char *text)
{
	CYRE_FIND(c->found, .problem = problem, .file = c->ctx->file,
		.uid = r->uid, .offset = r->offset, .length = length,
		.expected = expected, .actual = actual, .text = text);
}

static bool check_place(struct check *c, const struct record *r)
{
	if (r->offset < CYRE_CACHE_FIRST || r->offset % 4 ||
		r->offset >= c->src->size) {
		find(c, CYRE_P_CACHE_OFFSET, r, 0, c->src->size, r->offset,
			NULL);
		return false;
	}
	if (r->offset < c->end) {
		find(c, CYRE_P_CACHE_OVERLAP, r, c->end - r->offset, c->end_uid,
			0, NULL);
		return false;
	}
	return true;
}

/* The record's items through the window; no record, and a finding, when its
 * lengths lead out of the file or past the limit. */
static cyre_status measure(
	struct check *c, const struct record *r, struct cyre_cache_record *ret)
{
	uint64_t left = c->src->size - r->offset, need = WINDOW, asked;
	struct cyre_slice s;
	cyre_status st;

	/* `need` grows each time, with at least one more item. */
	while (need) {
		asked = need;
		st = cyre_view(c->src, r->offset, (size_t)asked, &s);
		if (st != CYRE_OK)
			return st;
		need = cyre_cache_measure(s, ret);
		/* A file that became shorter meanwhile gives less than asked. */
		if (need > left || (need && s.n < asked)) {
			find(c, CYRE_P_CACHE_RECORD_CUT, r, 0, need,
				need > left ? left : s.n, NULL);
			return CYRE_OK;
		}
		if (need > CYRE_CACHE_RECORD_MAX) {
			find(c, CYRE_P_CACHE_RECORD_LONG, r, 0,
				CYRE_CACHE_RECORD_MAX, need, NULL);
			return CYRE_OK;
		}
	}
	return CYRE_OK;
}

/*
 * What describes this message must have its sizes. Up to 2.3 the index has the
 * sum of both parts; later it has the size of the file, where a NUL may have
 * ended the message for the parser (cache.md 10).
 */
static bool check_message(struct check *c, const struct record *r,
	const struct cyre_cache_record *cr)
{
	struct cyre_cache_part top;
	uint64_t sum;

	if (!cyre_cache_top_part(cr, r->version, &top))
		return true; /* the items tell why */
	sum = (uint64_t)top.header_size + top.content_size;
	if (top.header_size != r->header_size) {
		find(c, CYRE_P_CACHE_OTHER_MESSAGE, r, cr->bytes.n,
			r->header_size, top.header_size, "header_size");
		return false;
	}
	if (sum > r->size || (!r->has_crc && sum != r->size)) {
		find(c, CYRE_P_CACHE_OTHER_MESSAGE, r, cr->bytes.n, r->size,
			sum, "size");
		return false;
	}
	return true;
}

static cyre_status check_items(struct check *c, const struct record *r,
	const struct cyre_cache_record *cr, bool *bad)
{
	struct cyre_cache_fault f;
	char text[64];
	cyre_status st;

	st = cyre_check_cache_items(cr, r->version, &c->scratch, &f);
	if (st != CYRE_OK || !f.what)
		return st;
	*bad = true;
	snprintf(text, sizeof(text), "%s: %s", cyre_cache_item_name(f.item),
		f.what);
	CYRE_FIND(c->found, .problem = CYRE_P_CACHE_ITEM, .file = c->ctx->file,
		.uid = r->uid,
		.offset = r->offset +
			  (uint64_t)(cr->item[f.item].p - cr->bytes.p) +
			  f.offset,
		.text = text);
	return CYRE_OK;
}

static cyre_status check_content(struct check *c, const struct record *r,
	const struct cyre_cache_record *cr, bool *bad)
{
	bool proved = false;

	if (r->has_crc && r->crc) {
		uint32_t crc = cyre_crc32(cr->bytes);

		if (crc != r->crc) {
			find(c, CYRE_P_CACHE_CRC, r, cr->bytes.n, crc, r->crc,
				NULL);
			*bad = true;
			return CYRE_OK;
		}
		proved = true;
	} else if (r->has_crc) {
		find(c, CYRE_P_CACHE_NO_CRC, r, cr->bytes.n, 0, 0, NULL);
	}
	if (r->version > CYRE_CACHE_MAX_VERSION) {
		find(c, CYRE_P_CACHE_VERSION, r, cr->bytes.n,
			CYRE_CACHE_MAX_VERSION, r->version, NULL);
		*bad = true;
		return CYRE_OK;
	}
	if (!proved && !cyre_cache_padding_ok(cr)) {
		find(c, CYRE_P_CACHE_PADDING, r, cr->bytes.n, 0, 0, NULL);
		*bad = true;
	}
	if (!check_message(c, r, cr))
		*bad = true;
	return proved && !c->ctx->deep ? CYRE_OK : check_items(c, r, cr, bad);
}

static cyre_status check_record(struct check *c, const struct ref *ref)
{
	struct cyre_cache_record cr = {0};
	struct record r;
	bool bad = true;
	cyre_status st = CYRE_OK;

	if (!get_record(&c->view[ref->expunge], ref->recno, &r))
		return CYRE_OK;
	c->totals.records++;
	if (check_place(c, &r))
		st = measure(c, &r, &cr);
	if (st == CYRE_OK && cr.bytes.n) {
		c->totals.live_bytes += cr.bytes.n;
		c->end = r.offset + cr.bytes.n;
		c->end_uid = r.uid;
		bad = false;
		st = check_content(c, &r, &cr, &bad);
	}
	c->totals.bad += bad;
	return st;
}

static cyre_status check_generation(struct check *c)
{
	const struct cyre_index *ix = c->ctx->index;
	struct cyre_slice s;
	cyre_status st;

	st = cyre_view(c->src, 0, CYRE_CACHE_FIRST, &s);
	if (st != CYRE_OK)
		return st;
	if (s.n < CYRE_CACHE_FIRST) {
		CYRE_FIND(c->found, .problem = CYRE_P_CACHE_SHORT,
			.file = c->ctx->file, .actual = s.n);
		return CYRE_OK;
	}
	if (!ix || cyre_load_be32(s.p) == ix->h.generation_no)
		return CYRE_OK;
	CYRE_FIND(c->found, .problem = CYRE_P_CACHE_GENERATION,
		.file = c->ctx->file, .length = CYRE_CACHE_FIRST,
		.expected = ix->h.generation_no, .actual = cyre_load_be32(s.p));
	return CYRE_OK;
}

cyre_status cyre_check_cache(struct cyre_source *src,
	const struct cyre_cache_context *ctx, struct cyre_findings *found,
	struct cyre_cache_totals *ret)
{
	struct check c = {.src = src, .ctx = ctx, .found = found};
	cyre_status st;

	make_view(&c.view[0], ctx->index);
	make_view(&c.view[1], ctx->expunge);
	st = check_generation(&c);
	if (st == CYRE_OK)
		st = collect(&c);
	for (size_t i = 0; st == CYRE_OK && i < c.n; i++)
		st = check_record(&c, &c.refs[i]);
	if (src->size > CYRE_CACHE_FIRST + c.totals.live_bytes)
		c.totals.dead_bytes =
			src->size - CYRE_CACHE_FIRST - c.totals.live_bytes;
	*ret = c.totals;
	free(c.refs);
	cyre_cache_scratch_free(&c.scratch);
	return st;
}
