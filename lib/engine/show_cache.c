/*
 * show_cache.c - cyrus.cache for people and programs
 *
 * With the index beside it each record is that of a message, in the order of
 * the file. Without, records are walked from the first on, as far as one ends
 * where the next begins.
 *
 * Format: docs/formats/cache.md.
 */
#include "show.h"

#include <inttypes.h>
#include <stdlib.h>

#include "check_cache.h"
#include "digest.h"

/* A message's record as its index has it. */
struct ref {
	uint64_t offset;
	uint32_t uid, crc;
	unsigned version;
};

struct refs {
	struct ref *v;
	size_t n;
};

static const char *const keys[CYRE_CACHE_ITEMS] = {"envelope", "bodystructure",
	"body", "section", "headers", "from", "to", "cc", "bcc", "subject"};

static bool is_gone(const struct cyre_index_record *r)
{
	return (r->system_flags & CYRE_FLAG_UNLINKED) &&
	       (r->system_flags & CYRE_FLAG_EXPUNGED);
}

/* Whose records are in this file: see cyre_cache_context. */
static bool is_wanted(const struct cyre_index_record *r, bool has_archive)
{
	return r->uid && !is_gone(r) &&
	       !(has_archive && (r->system_flags & CYRE_FLAG_ARCHIVED));
}

static void add_refs(
	struct refs *refs, const struct cyre_index *ix, bool has_archive)
{
	struct cyre_index_record r;
	uint32_t recno;

	for (recno = 1; recno <= ix->count; recno++)
		if (cyre_index_decode(ix, cyre_index_bytes(ix, recno), &r) &&
			is_wanted(&r, has_archive))
			refs->v[refs->n++] =
				(struct ref){.offset = r.cache_offset,
					.uid = (uint32_t)r.uid,
					.crc = (uint32_t)r.cache_crc,
					.version = (unsigned)r.cache_version};
}

bool cyre_show_has_archived(const struct cyre_index *ix)
{
	struct cyre_index_record r;
	uint32_t recno;

	for (recno = 1; recno <= ix->count; recno++)
		if (cyre_index_decode(ix, cyre_index_bytes(ix, recno), &r) &&
			(r.system_flags & CYRE_FLAG_ARCHIVED))
			return true;
	return false;
}

static int by_offset(const void *va, const void *vb)
{
	const struct ref *a = va, *b = vb;

	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return a->uid < b->uid ? -1 : a->uid > b->uid;
}

static void put_items(struct cyre_out *out, const struct cyre_cache_record *r)
{
	int i;

	for (i = 0; i < CYRE_CACHE_ITEMS; i++) {
		if (i == CYRE_CACHE_SECTION)
			cyre_out_hex(out, keys[i], r->item[i]);
		else
			cyre_out_text(out, keys[i], r->item[i]);
	}
}

/* `ref->uid` 0: nobody says whose it is. */
static void put_record(
	struct cyre_shower *s, struct cyre_slice bytes, const struct ref *ref)
{
	struct cyre_out *out = &s->out;
	struct cyre_cache_record r = {0};
	struct cyre_slice rest;
	bool whole = cyre_slice_sub(bytes, ref->offset,
			     bytes.n - (ref->offset < bytes.n ? ref->offset
							      : bytes.n),
			     &rest) &&
		     rest.n && cyre_cache_measure(rest, &r) == 0;

	if (!cyre_out_is_json(out)) {
		if (ref->uid)
			cyre_put_fmt(&out->b, "uid %" PRIu32 ", ", ref->uid);
		cyre_put_fmt(&out->b, "at %" PRIu64 ", ", ref->offset);
		if (whole)
			cyre_put_fmt(&out->b, "%zu bytes\n", r.bytes.n);
		else
			cyre_put_str(&out->b, "not readable\n");
	}
	cyre_out_begin(out, "cache-record");
	if (cyre_out_is_json(out)) {
		if (ref->uid) {
			cyre_out_number(out, "uid", ref->uid);
			cyre_out_number(out, "version", ref->version);
		}
		cyre_out_number(out, "offset", ref->offset);
		cyre_out_number(out, "length", r.bytes.n);
	}
	out->indent += 2;
	if (whole)
		put_items(out, &r);
	cyre_out_end(out);
	cyre_show_tell_range(
		s, ref->offset, ref->offset + (whole ? r.bytes.n : 1));
	out->indent -= 2;
}

static cyre_status put_known(struct cyre_shower *s, struct cyre_slice bytes,
	const struct cyre_beside *b, bool has_archive)
{
	size_t i, total = b->index.count;
	struct refs refs = {0};

	if (b->has_expunge)
		total += b->expunge.count;
	refs.v = calloc(total + 1, sizeof(*refs.v));
	if (!refs.v)
		return CYRE_ENOMEM;
	add_refs(&refs, &b->index, has_archive);
	if (b->has_expunge)
		add_refs(&refs, &b->expunge, has_archive);
	qsort(refs.v, refs.n, sizeof(*refs.v), by_offset);
	for (i = 0; i < refs.n && s->out.status == CYRE_OK; i++)
		put_record(s, bytes, &refs.v[i]);
	free(refs.v);
	return CYRE_OK;
}

/* Every record takes 40 bytes at least, so this ends. */
static void put_walk(struct cyre_shower *s, struct cyre_slice bytes)
{
	struct ref ref = {.offset = CYRE_CACHE_FIRST};
	struct cyre_cache_record r;
	struct cyre_slice rest;
	uint64_t need;

	while (ref.offset < bytes.n && s->out.status == CYRE_OK) {
		rest = cyre_slice(
			bytes.p + ref.offset, bytes.n - (size_t)ref.offset);
		need = cyre_cache_measure(rest, &r);
		if (need) {
			cyre_out_finding(&s->out,
				&(struct cyre_finding){
					.problem = CYRE_P_CACHE_RECORD_CUT,
					.file = CYRE_FILE_CACHE,
					.offset = ref.offset,
					.expected = need,
					.actual = rest.n});
			return;
		}
		put_record(s, bytes, &ref);
		ref.offset += r.bytes.n;
	}
}

static void put_start(struct cyre_shower *s, struct cyre_slice bytes)
{
	cyre_out_begin(&s->out, "cache");
	if (bytes.n >= 4)
		cyre_out_number(
			&s->out, "generation_no", cyre_load_be32(bytes.p));
	cyre_out_end(&s->out);
	cyre_show_tell_range(s, 0, CYRE_CACHE_FIRST);
}

cyre_status cyre_show_cache(struct cyre_shower *s, struct cyre_slice bytes,
	enum cyre_file which, const struct cyre_beside *b, bool records)
{
	struct cyre_source src = cyre_source_mem(bytes);
	struct cyre_cache_context ctx = {.file = which, .deep = true};
	struct cyre_cache_totals totals;
	cyre_status st = CYRE_OK;

	if (b->has_index) {
		ctx.index = &b->index;
		ctx.expunge = b->has_expunge ? &b->expunge : NULL;
		ctx.has_archive = cyre_show_has_archived(&b->index);
		st = cyre_check_cache(&src, &ctx, &s->found, &totals);
	} else if (bytes.n < CYRE_CACHE_FIRST) {
		CYRE_FIND(&s->found, .problem = CYRE_P_CACHE_SHORT,
			.file = which, .actual = bytes.n);
	}
	if (st == CYRE_OK)
		st = cyre_show_sort(s);
	if (st != CYRE_OK)
		return st;
	put_start(s, bytes);
	if (records && b->has_index)
		st = put_known(s, bytes, b, ctx.has_archive);
	else if (records)
		put_walk(s, bytes);
	cyre_show_tell_rest(s);
	return st == CYRE_OK ? s->out.status : st;
}
