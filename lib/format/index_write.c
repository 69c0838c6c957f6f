/*
 * index_write.c - see index_write.h
 *
 * Encodes a header and records by the field list of a version. Judges nothing
 * and converts nothing; a value that does not fit is refused, not cut.
 *
 * Format: docs/formats/index.md sections 2, 4, 6, 7 and 8.
 */
#include "index_write.h"

#include "digest.h"

/* The annotation sum starts with this since 3.1.8 (index.md 7.2). */
#define SYNC_ANNOT_BASE 12345678u

/* A number of `width` bytes; false when it is too large for them. */
static bool put_uint(struct cyre_buf *out, uint64_t v, unsigned width)
{
	if (width == 8)
		cyre_put_be64(out, v);
	else if (v <= UINT32_MAX)
		cyre_put_be32(out, (uint32_t)v);
	else
		return false;
	return true;
}

static bool put_field(struct cyre_buf *out, const struct cyre_index_field *f,
	const void *base)
{
	const uint8_t *member = (const uint8_t *)base + f->member;
	uint32_t word;
	uint64_t v;
	int i;

	switch ((enum cyre_index_kind)f->kind) {
	case CYRE_IX_UINT:
	case CYRE_IX_TIME:
		memcpy(&v, member, sizeof(v));
		if (f->kind == CYRE_IX_TIME && f->width == 4)
			v = cyre_index_seconds(v);
		return put_uint(out, v, f->width);
	case CYRE_IX_GUID:
		cyre_put(out, member, f->width);
		break;
	case CYRE_IX_FLAGS:
		for (i = 0; i < 4; i++) {
			memcpy(&word, member + 4 * i, sizeof(word));
			cyre_put_be32(out, word);
		}
		break;
	case CYRE_IX_SPARE:
		cyre_put_fill(out, 0, f->width);
		break;
	}
	return true;
}

/* The fields, and over them the check sum, which is the last one. */
static cyre_status put_fields(struct cyre_buf *out,
	const struct cyre_index_layout *l, const struct cyre_index_field *f,
	const void *base)
{
	size_t start = out->n;
	bool fits = true;

	for (; f->width && fits; f++)
		fits = put_field(out, f, base);
	if (out->bad)
		return CYRE_ENOMEM;
	if (!fits) {
		out->n = start;
		return CYRE_ELIMIT;
	}
	if (cyre_index_has_crc(l))
		cyre_store_be32(out->p + out->n - 4,
			cyre_crc32(cyre_slice(
				out->p + start, out->n - start - 4)));
	return CYRE_OK;
}

cyre_status cyre_index_put_record(struct cyre_buf *out,
	const struct cyre_index_layout *l, const struct cyre_index_record *r)
{
	struct cyre_index_record w = *r;

	w.record_crc = 0;
	if (l->version < 6)
		return put_fields(out, l, l->record, &w);
	/* index.md 8.3: bits 32 to 47 stand above the cache version. */
	if (w.cache_offset >> 48 || w.cache_version > UINT16_MAX)
		return CYRE_ELIMIT;
	w.cache_version |= w.cache_offset >> 32 << 16;
	w.cache_offset &= UINT32_MAX;
	return put_fields(out, l, l->record, &w);
}

cyre_status cyre_index_put_header(struct cyre_buf *out,
	const struct cyre_index_layout *l, const struct cyre_index_header *h,
	size_t n)
{
	struct cyre_index_header w = *h;

	w.minor_version = l->version;
	w.start_offset = l->header_size;
	w.record_size = l->record_size;
	w.num_records = n;
	w.header_crc = 0;
	return put_fields(out, l, l->header, &w);
}

cyre_status cyre_index_write(struct cyre_buf *out, unsigned version,
	const struct cyre_index_header *h, const struct cyre_index_record *r,
	size_t n)
{
	const struct cyre_index_layout *l = cyre_index_layout(version);
	size_t start = out->n, i;
	cyre_status st;

	if (!l)
		return CYRE_EUNSUPPORTED;
	st = cyre_index_put_header(out, l, h, n);
	for (i = 0; i < n && st == CYRE_OK; i++)
		st = cyre_index_put_record(out, l, &r[i]);
	if (st != CYRE_OK)
		out->n = start;
	return st;
}

static void raise(uint64_t *v, uint64_t floor)
{
	if (*v < floor)
		*v = floor;
}

void cyre_index_apply_counts(
	struct cyre_index_header *h, const struct cyre_index_totals *t)
{
	h->exists = t->exists;
	h->deleted = t->deleted;
	h->answered = t->answered;
	h->flagged = t->flagged;
	h->unseen = t->unseen;
	h->quota_mailbox_used = t->quota_used;
	h->quota_deleted_used = t->quota_deleted;
	h->quota_expunged_used = t->quota_expunged;
}

void cyre_index_apply_totals(struct cyre_index_header *h,
	const struct cyre_index_totals *t, cyre_release release,
	uint32_t annotations)
{
	bool padded = release >= CYRE_RELEASE(3, 13);

	cyre_index_apply_counts(h, t);
	raise(&h->last_uid, t->max_uid);
	raise(&h->highestmodseq, t->max_modseq);
	raise(&h->highestmodseq, h->createdmodseq);
	raise(&h->highestmodseq, h->deletedmodseq);
	raise(&h->highestmodseq, 1);
	if (h->recentuid > h->last_uid)
		h->recentuid = h->last_uid;
	if (t->oldest_expunged &&
		(h->first_expunged == 0 ||
			h->first_expunged > t->oldest_expunged))
		h->first_expunged = t->oldest_expunged;
	h->synccrcs_basic = t->sync_basic;
	h->synccrcs_annot =
		annotations ^ (padded ? t->sync_annot_padded : t->sync_annot) ^
		(release && release < CYRE_RELEASE(3, 2) ? 0 : SYNC_ANNOT_BASE);
}
