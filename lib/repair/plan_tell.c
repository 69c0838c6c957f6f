/*
 * plan_tell.c - each value that is another than before, and where it is from
 *
 * Compares what stands in cyrus.header and cyrus.index with what is to be there.
 * A step that knew what was lost, or took a value from elsewhere, has said so
 * itself; this tells the rest. Not told: sums that were right, places in the
 * cache, modseqs of records that clients fetch again: they follow from the
 * others. Nor is what a conversion to another version changes.
 *
 * Fields: docs/formats/index.md sections 5 and 8, header.md.
 */
#include "plan_work.h"

#include <inttypes.h>
#include <stdlib.h>

#define VALUE_LEN 48 /* a GUID in hex, a time with its fraction */

#define HEADER_BIT(f) (UINT64_C(1) << CYRE_HEADER_FIELD(f))

/* Counted anew whenever an index is written. */
#define COUNTED                                                                \
	(HEADER_BIT(num_records) | HEADER_BIT(exists) | HEADER_BIT(deleted) |  \
		HEADER_BIT(answered) | HEADER_BIT(flagged) |                   \
		HEADER_BIT(unseen) | HEADER_BIT(quota_mailbox_used) |          \
		HEADER_BIT(quota_deleted_used) |                               \
		HEADER_BIT(quota_expunged_used) | HEADER_BIT(first_expunged) | \
		HEADER_BIT(leaked_cache_records))
/* What the version of the records says. */
#define FRAME                                                                  \
	(HEADER_BIT(format) | HEADER_BIT(minor_version) |                      \
		HEADER_BIT(start_offset) | HEADER_BIT(record_size))

/* Fields that the message tells. */
#define FACTS                                                                  \
	(CYRE_RECORD_BIT(internaldate) | CYRE_RECORD_BIT(sentdate) |           \
		CYRE_RECORD_BIT(size) | CYRE_RECORD_BIT(header_size) |         \
		CYRE_RECORD_BIT(gmtime) | CYRE_RECORD_BIT(content_offset) |    \
		CYRE_RECORD_BIT(content_lines) |                               \
		CYRE_RECORD_BIT(last_updated) | CYRE_RECORD_BIT(guid))
/* Where the cache has it, and the sum of it all. */
#define PLACES                                                                 \
	(CYRE_RECORD_BIT(cache_offset) | CYRE_RECORD_BIT(cache_version) |      \
		CYRE_RECORD_BIT(cache_crc) | CYRE_RECORD_BIT(record_crc))

static bool is_told(const struct cyre_plan_work *w, enum cyre_file file,
	const char *field, struct cyre_slice before)
{
	const struct cyre_plan *p = w->plan;
	size_t i;

	for (i = 0; i < p->n_repairs; i++) {
		const struct cyre_repair *r = &p->repairs[i];

		if (!r->uid && r->file == file && !strcmp(r->field, field) &&
			(!before.n ||
				(r->before &&
					cyre_slice_eq(before,
						cyre_slice_str(r->before)))))
			return true;
	}
	return false;
}

/* ---- cyrus.header ---- */

void cyre_plan_note_text(struct cyre_plan_work *w, const char *field,
	struct cyre_slice before, struct cyre_slice after, const char *origin,
	const char *loss)
{
	char *a = before.n ? strndup((const char *)before.p, before.n) : NULL;
	char *b = after.n ? strndup((const char *)after.p, after.n) : NULL;

	cyre_plan_note(w, &(struct cyre_repair){.file = CYRE_FILE_HEADER,
				  .field = field,
				  .before = a,
				  .after = b,
				  .origin = origin,
				  .loss = loss});
	free(a);
	free(b);
}

static const char *origin_of_header(const struct cyre_plan_work *w)
{
	if (w->header_from == CYRE_FILE_HEADER_NEW)
		return "cyrus.header.NEW";
	return w->header_salvage.exact ? "checksum" : "what is readable";
}

static void tell_flags(struct cyre_plan_work *w)
{
	const struct cyre_header *old = &w->j->header, *h = &w->header;
	struct cyre_slice a, b;
	unsigned i;

	for (i = 0; i < CYRE_HEADER_MAX_FLAGS; i++) {
		a = i < old->nflags ? old->flags[i] : cyre_slice(NULL, 0);
		b = i < h->nflags ? h->flags[i] : cyre_slice(NULL, 0);
		if (cyre_slice_eq(a, b) || w->flag_names[i][0] ||
			(a.n && is_told(w, CYRE_FILE_HEADER, "user_flag", a)))
			continue;
		cyre_plan_note_text(w, "user_flag", a, b,
			b.n ? origin_of_header(w) : "not readable",
			b.n ? NULL : "name of a keyword");
	}
}

static void tell_header(struct cyre_plan_work *w)
{
	const struct cyre_header *old = &w->j->header, *h = &w->header;
	const struct {
		const char *name;
		struct cyre_slice before, after;
	} fields[] = {
		{"name", old->name, h->name},
		{"type", old->type, h->type},
		{"uniqueid", old->uniqueid, h->uniqueid},
		{"jmapid", old->jmapid, h->jmapid},
		{"quotaroot", old->quotaroot, h->quotaroot},
		{"acl", old->acl, h->acl},
	};
	struct cyre_slice none = {NULL, 0};
	size_t i;

	if (!cyre_plan_header_is_damaged(w))
		return;
	if (w->j->header_read && !old->magic_ok)
		cyre_plan_note_text(w, "magic", none, none,
			"the same in every header", NULL);
	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (!cyre_slice_eq(fields[i].before, fields[i].after) &&
			!is_told(w, CYRE_FILE_HEADER, fields[i].name, none))
			cyre_plan_note_text(w, fields[i].name, fields[i].before,
				fields[i].after,
				fields[i].after.n ? origin_of_header(w)
						  : "not readable",
				NULL);
	tell_flags(w);
}

/* ---- the header of cyrus.index ---- */

static void put_time(char ret[VALUE_LEN], uint64_t ns)
{
	if (ns % CYRE_NSEC)
		snprintf(ret, VALUE_LEN, "%" PRIu64 ".%09" PRIu64,
			cyre_index_seconds(ns), ns % CYRE_NSEC);
	else
		snprintf(ret, VALUE_LEN, "%" PRIu64, cyre_index_seconds(ns));
}

static void put_hex(char ret[VALUE_LEN], const uint8_t *p, size_t n)
{
	size_t most = (VALUE_LEN - 1) / 2;

	cyre_to_hex(p, n < most ? n : most, ret);
}

/* The value of a field; `of`: a header or record. */
static void put_value(
	char ret[VALUE_LEN], const struct cyre_index_field *f, const void *of)
{
	const uint8_t *at = (const uint8_t *)of + f->member;
	uint32_t word[4];
	uint64_t v;

	if (f->kind == CYRE_IX_GUID) {
		put_hex(ret, at, f->width);
		return;
	}
	if (f->kind == CYRE_IX_FLAGS) {
		memcpy(word, at, sizeof(word));
		snprintf(ret, VALUE_LEN,
			"%08" PRIx32 "%08" PRIx32 "%08" PRIx32 "%08" PRIx32,
			word[0], word[1], word[2], word[3]);
		return;
	}
	memcpy(&v, at, sizeof(v));
	if (f->kind == CYRE_IX_TIME)
		put_time(ret, v);
	else if (!strcmp(f->name, "system_flags") ||
		 !strcmp(f->name, "options"))
		snprintf(ret, VALUE_LEN, "%08" PRIx64, v);
	else
		snprintf(ret, VALUE_LEN, "%" PRIu64, v);
}

static void tell(struct cyre_plan_work *w, uint64_t uid,
	const struct cyre_index_field *f, const void *before, const void *after,
	const char *origin)
{
	char a[VALUE_LEN], b[VALUE_LEN];

	put_value(a, f, before);
	put_value(b, f, after);
	cyre_plan_note(w, &(struct cyre_repair){.file = CYRE_FILE_INDEX,
				  .uid = (uint32_t)uid,
				  .field = f->name,
				  .before = a,
				  .after = b,
				  .origin = origin});
}

/* Of a field of the index header; NULL: it is not told. */
static const char *origin_of_total(const struct cyre_plan_work *w, size_t field,
	const struct cyre_index_header *new)
{
	const uint64_t *found = w->found->count;
	uint64_t v = ((const uint64_t *)new)[field];

	if (FRAME >> field & 1)
		return "records";
	switch (field) {
	case CYRE_HEADER_FIELD(header_crc):
		return NULL;
	case CYRE_HEADER_FIELD(header_file_crc):
		return found[CYRE_P_INDEX_HEADER_FILE_CRC] ? "cyrus.header"
							   : NULL;
	case CYRE_HEADER_FIELD(synccrcs_basic):
	case CYRE_HEADER_FIELD(synccrcs_annot):
		return found[CYRE_P_INDEX_SYNC_CRC] ? "records" : NULL;
	case CYRE_HEADER_FIELD(generation_no):
		if (w->new_cache[CYRE_SIDE_SPOOL] ||
			w->new_cache[CYRE_SIDE_ARCHIVE])
			return NULL;
		break;
	default:
		break;
	}
	if (COUNTED >> field & 1)
		return "records";
	if (w->salvaged && w->sure_header)
		return "checksum";
	if (field == CYRE_HEADER_FIELD(options))
		return "what the bits mean";
	return v || !w->salvaged ? "records" : "not readable";
}

/* The header as it stands on the disk, as far as it is one. */
static bool old_header(const struct cyre_plan_work *w,
	const struct cyre_index_layout *l, struct cyre_index_header *ret)
{
	struct cyre_slice bytes = w->ev->meta[CYRE_FILE_INDEX].bytes;
	uint32_t start = w->j->index_read ? w->j->index.start : l->header_size;

	if (bytes.n < start || (!w->j->index_read && !w->sure_header))
		return false;
	*ret = cyre_index_decode_header(l, cyre_slice(bytes.p, start));
	return true;
}

static void tell_index_header(struct cyre_plan_work *w,
	const struct cyre_index_layout *l, struct cyre_slice bytes)
{
	const struct cyre_index_field *f, *sum = NULL;
	struct cyre_index_header old, new;
	size_t told = 0;

	if (!old_header(w, l, &old))
		return;
	new = cyre_index_decode_header(l, bytes);
	for (f = l->header; f->width; f++) {
		size_t field = f->member / sizeof(uint64_t);
		const char *origin;

		if (f->kind == CYRE_IX_SPARE ||
			!memcmp((const uint8_t *)&old + f->member,
				(const uint8_t *)&new + f->member,
				sizeof(uint64_t)))
			continue;
		if (field == CYRE_HEADER_FIELD(header_crc))
			sum = f;
		origin = origin_of_total(w, field, &new);
		if (!origin)
			continue;
		told++;
		if (!is_told(w, CYRE_FILE_INDEX, f->name, cyre_slice(NULL, 0)))
			tell(w, 0, f, &old, &new, origin);
	}
	/* The damage was in the sum itself. */
	if (sum && !told && w->found->count[CYRE_P_INDEX_HEADER_CRC])
		tell(w, 0, sum, &old, &new, "checksum");
}

/* ---- records ---- */

/* As it stands in the index on the disk. */
static bool old_record(const struct cyre_plan_work *w,
	const struct cyre_plan_record *p, struct cyre_index_record *ret)
{
	struct cyre_salvaged item;

	if (p->in)
		return cyre_index_decode(
			p->in, cyre_index_bytes(p->in, p->recno), ret);
	if (!p->item)
		return false;
	item = *p->item;
	item.bit = UINT16_MAX;
	*ret = cyre_index_salvage_get(&w->salvage, &item);
	return true;
}

static const char *origin_of_field(const struct cyre_plan_work *w,
	const struct cyre_plan_record *p, const struct cyre_index_record *old,
	uint32_t bit)
{
	uint64_t flags = p->r.system_flags ^ old->system_flags;

	if (p->derive && (bit & FACTS))
		return "message file";
	if (bit == CYRE_RECORD_BIT(system_flags)) {
		if (flags == CYRE_FLAG_ARCHIVED)
			return "directory";
		if (p->in == &w->j->expunge)
			return "cyrus.expunge";
	}
	if (p->item && p->item->origin == CYRE_ORIGIN_MENDED)
		return "checksum";
	return "records";
}

static size_t width_of(const struct cyre_index_field *f)
{
	return f->kind == CYRE_IX_GUID || f->kind == CYRE_IX_FLAGS
		       ? f->width
		       : sizeof(uint64_t);
}

static void tell_record(struct cyre_plan_work *w,
	const struct cyre_plan_record *p, const struct cyre_index_layout *l,
	const struct cyre_index_record *new)
{
	const struct cyre_index_field *f, *sum = NULL;
	struct cyre_index_record old;
	uint32_t quiet = p->told | PLACES, told = p->told;

	if (p->told == CYRE_RECORD_ALL || !old_record(w, p, &old))
		return;
	if (p->changed)
		quiet |= CYRE_RECORD_BIT(modseq) |
			 CYRE_RECORD_BIT(createdmodseq);
	for (f = l->record; f->width; f++) {
		uint32_t bit = 1u << f->member / sizeof(uint64_t);

		if (f->kind == CYRE_IX_SPARE ||
			!memcmp((const uint8_t *)&old + f->member,
				(const uint8_t *)new + f->member, width_of(f)))
			continue;
		if (bit == CYRE_RECORD_BIT(record_crc))
			sum = f;
		else
			told |= bit;
		if (!(quiet & bit))
			tell(w, p->r.uid, f, &old, new,
				origin_of_field(w, p, &old, bit));
	}
	if (sum && !told)
		tell(w, p->r.uid, sum, &old, new, "checksum");
}

/* The records of the new index, in the order of their uids. */
static void tell_records(struct cyre_plan_work *w,
	const struct cyre_index_layout *l, struct cyre_slice bytes)
{
	struct cyre_index ix = {.file = bytes,
		.layout = l,
		.record_fields = l->record,
		.stride = l->record_size,
		.start = l->header_size};
	struct cyre_index_record new;
	size_t i;

	for (i = 0; i < w->n; i++) {
		struct cyre_plan_record *p = &w->records[i];

		if (p->expunge)
			continue;
		ix.count++;
		if (cyre_index_decode(
			    &ix, cyre_index_bytes(&ix, ix.count), &new))
			tell_record(w, p, l, &new);
	}
}

void cyre_plan_tell(struct cyre_plan_work *w)
{
	const struct cyre_index_layout *l = cyre_index_layout(w->to);
	const struct cyre_plan *p = w->plan;
	size_t i;

	tell_header(w);
	for (i = 0; i < p->n_files && w->from == w->to; i++) {
		struct cyre_slice bytes = cyre_buf_slice(&p->files[i].bytes);

		if (p->files[i].file != CYRE_FILE_INDEX)
			continue;
		tell_index_header(w, l, bytes);
		tell_records(w, l, bytes);
	}
}
