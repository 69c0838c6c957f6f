/*
 * index_salvage_header.c - what is left of an index header
 *
 * Whole, or whole but for one bit, by its own sum (v12 and later); else field
 * by field, each held against what the records say. Rules: docs/formats/
 * index.md sections 2, 5, 6 and 11.
 */
#include "index_salvage_parts.h"

#include "crc_mend.h"
#include "digest.h"

#define DAY        86400u
#define MAX_JUMP   100000000u /* as in check_index.c */
#define MAX_MODSEQ (UINT64_C(1) << 48)

struct header {
	const struct cyre_trial *t;
	uint64_t max_uid, max_modseq;
	bool frame; /* version and sizes stand there as they must */
	struct cyre_salvaged_file *ret;
};

static void copy_bytes(
	struct cyre_slice file, int64_t at, uint32_t start, uint8_t *ret)
{
	size_t skip = at < 0 ? (size_t)-at : 0;
	size_t from = at < 0 ? 0 : (size_t)at, n;

	memset(ret, 0, CYRE_HEADER_MAX);
	if (skip >= start || from >= file.n)
		return;
	n = start - skip;
	if (n > file.n - from)
		n = file.n - from;
	memcpy(ret + skip, file.p + from, n);
}

bool cyre_trial_header_bytes(struct cyre_slice file, int64_t at, uint32_t start,
	bool has_crc, uint8_t ret[CYRE_HEADER_MAX])
{
	size_t n = start - 4u;
	uint32_t is, stored;
	uint64_t bit;

	copy_bytes(file, at, start, ret);
	if (!has_crc)
		return false;
	is = cyre_crc32(cyre_slice(ret, n));
	stored = cyre_load_be32(ret + n);
	/* Equal, or one bit of the sum itself. */
	if (((is ^ stored) & ((is ^ stored) - 1)) == 0)
		return true;
	bit = cyre_crc32_bad_bit(n, is, stored);
	if (bit == UINT64_MAX)
		return false;
	ret[bit / 8] ^= (uint8_t)(1u << bit % 8);
	return true;
}

static bool date_ok(const struct header *h, uint64_t ns)
{
	uint64_t now = h->t->hints->now;

	return !now || cyre_index_seconds(ns) <= now + DAY;
}

/* What the value must fulfil by itself; false where nothing can be said. */
static bool field_ok(const struct header *h, size_t field)
{
	const struct cyre_index_header *v = &h->ret->h;
	uint64_t now = h->t->hints->now;

	switch (field) {
	case CYRE_HEADER_FIELD(format):
		return v->format == 0;
	case CYRE_HEADER_FIELD(minor_version):
	case CYRE_HEADER_FIELD(start_offset):
	case CYRE_HEADER_FIELD(record_size):
		return h->frame;
	case CYRE_HEADER_FIELD(uidvalidity):
		return v->uidvalidity && (!now || v->uidvalidity <= now + DAY);
	case CYRE_HEADER_FIELD(last_uid):
		return v->last_uid >= h->max_uid &&
		       v->last_uid <= h->max_uid + MAX_JUMP;
	case CYRE_HEADER_FIELD(highestmodseq):
		return v->highestmodseq && v->highestmodseq >= h->max_modseq &&
		       v->highestmodseq < MAX_MODSEQ;
	case CYRE_HEADER_FIELD(deletedmodseq):
		return v->deletedmodseq <= v->highestmodseq;
	case CYRE_HEADER_FIELD(createdmodseq):
		return v->createdmodseq <= v->highestmodseq;
	case CYRE_HEADER_FIELD(recentuid):
		return v->recentuid <= v->last_uid;
	case CYRE_HEADER_FIELD(options):
		/* The next close would delete every file. */
		return !(v->options & CYRE_OPT_DELETED) &&
		       !(v->options & ~cyre_index_valid_options(
					      h->t->ix.layout->version));
	case CYRE_HEADER_FIELD(num_records):
		return h->frame;
	case CYRE_HEADER_FIELD(exists):
	case CYRE_HEADER_FIELD(deleted):
	case CYRE_HEADER_FIELD(answered):
	case CYRE_HEADER_FIELD(flagged):
	case CYRE_HEADER_FIELD(unseen):
		return h->frame && v->exists <= v->num_records &&
		       v->deleted <= v->num_records &&
		       v->answered <= v->num_records;
	case CYRE_HEADER_FIELD(last_appenddate):
		return date_ok(h, v->last_appenddate);
	case CYRE_HEADER_FIELD(pop3_last_login):
		return date_ok(h, v->pop3_last_login);
	case CYRE_HEADER_FIELD(recenttime):
		return date_ok(h, v->recenttime);
	case CYRE_HEADER_FIELD(first_expunged):
		return date_ok(h, v->first_expunged);
	case CYRE_HEADER_FIELD(last_repack_time):
		return date_ok(h, v->last_repack_time);
	case CYRE_HEADER_FIELD(changes_epoch):
		return date_ok(h, v->changes_epoch);
	default:
		return h->frame;
	}
}

static enum cyre_trust grade(const struct header *h,
	const struct cyre_index_field *f, int64_t offset)
{
	struct cyre_slice file = h->t->ix.file;
	uint64_t v;

	if (offset < 0 || (uint64_t)offset + f->width > file.n ||
		cyre_trial_hole(file, (uint64_t)offset, f->width))
		return CYRE_TRUST_ABSENT;
	memcpy(&v, (const uint8_t *)&h->ret->h + f->member, sizeof(v));
	/* A zero is what lost bytes read as. Without a sum it is believed only
	 * in a header that else looks whole. */
	if (v == 0 && (!h->frame || cyre_index_has_crc(h->t->ix.layout)))
		return CYRE_TRUST_DOUBTFUL;
	return field_ok(h, f->member / 8) ? CYRE_TRUST_PLAUSIBLE
					  : CYRE_TRUST_DOUBTFUL;
}

static void grade_all(struct header *h, bool sure)
{
	const struct cyre_index_field *f = h->t->ix.layout->header;
	uint32_t at = 0;

	for (; f->width && at < h->t->start; at += f->width, f++)
		if (f->kind != CYRE_IX_SPARE)
			h->ret->trust[f->member / 8] =
				(uint8_t)(sure ? CYRE_TRUST_SURE
					       : grade(h, f, h->t->at + at));
	if (h->t->ix.layout->version < 12) {
		h->ret->h.exists = h->ret->h.num_records;
		h->ret->trust[CYRE_HEADER_FIELD(exists)] =
			h->ret->trust[CYRE_HEADER_FIELD(num_records)];
	}
}

void cyre_trial_header(const struct cyre_trial *t, uint64_t max_uid,
	uint64_t max_modseq, struct cyre_salvaged_file *ret)
{
	struct header h = {.t = t,
		.max_uid = max_uid,
		.max_modseq = max_modseq,
		.ret = ret};
	const struct cyre_index_layout *l = t->ix.layout;
	uint8_t b[CYRE_HEADER_MAX];
	bool sure;

	sure = cyre_trial_header_bytes(
		t->ix.file, t->at, t->start, cyre_index_has_crc(l), b);
	ret->h = cyre_index_decode_header(l, cyre_slice(b, t->start));
	h.frame = ret->h.minor_version == l->version &&
		  ret->h.start_offset == t->start &&
		  ret->h.record_size == l->record_size;
	grade_all(&h, sure && h.frame);
}
