/*
 * index_salvage_fields.c - could these bytes be a record, or this a field?
 *
 * Tests single values of a record against what servers write; knows neighbours
 * only as two uids. Rules: docs/formats/index.md sections 4.3, 8 and 11.
 */
#include "index_salvage_parts.h"

#define DAY          86400u
#define SECTOR       512u
#define MAX_SIZE     (UINT64_C(1) << 40) /* of a message, and of a cache */
#define MAX_MODSEQ   (UINT64_C(1) << 48)
#define MAX_CACHE_V  64u
#define FIRST_SERVER 725846400u /* 1993-01-01: no record is older */

const struct cyre_msgfile *cyre_salvage_file(
	const struct cyre_salvage_hints *hints, uint64_t uid)
{
	size_t n = hints->files ? hints->nfiles : 0;
	size_t i = cyre_msgfile_seek(hints->files, n, uid);

	return i < n && hints->files[i].uid == uid ? &hints->files[i] : NULL;
}

static bool date_ok(const struct cyre_trial *t, uint64_t ns, uint64_t first)
{
	uint64_t s = cyre_index_seconds(ns);

	return s >= first && s <= UINT32_MAX &&
	       (!t->hints->now || s <= t->hints->now + DAY);
}

/* Two dates of one message: the Date: header as a day, and as a moment. */
static bool same_date(uint64_t a_seconds, uint64_t b_seconds)
{
	return a_seconds + 2 * DAY > b_seconds &&
	       b_seconds + 2 * DAY > a_seconds;
}

static bool flags_ok(uint64_t f)
{
	return !(f & ~(uint64_t)CYRE_FLAGS_KNOWN) &&
	       !((f & CYRE_FLAG_UNLINKED) && !(f & CYRE_FLAG_EXPUNGED));
}

static bool user_flags_ok(
	const struct cyre_trial *t, const struct cyre_index_record *r)
{
	const uint32_t *named = t->hints->named_flags;
	int i;

	for (i = 0; named && i < 4; i++)
		if (r->user_flags[i] & ~named[i])
			return false;
	return true;
}

static bool cache_ok(const struct cyre_index_record *r)
{
	return (r->cache_offset == 0 || r->cache_offset >= 4) &&
	       r->cache_offset < MAX_SIZE && r->cache_version < MAX_CACHE_V;
}

static bool lines_ok(const struct cyre_index_record *r)
{
	return r->content_lines == UINT32_MAX || r->content_lines <= r->size;
}

/* 3.13 stores gmtime as content_offset (index.md 4.3). */
static bool content_ok(const struct cyre_index_record *r)
{
	return r->content_offset == r->header_size ||
	       (r->content_offset > r->size &&
		       same_date(r->content_offset,
			       cyre_index_seconds(r->sentdate)));
}

/* 2.3.4 and 2.3.5 could leave 0 in v8. */
static bool modseq_ok(const struct cyre_trial *t, uint64_t m)
{
	if (m == 0)
		return t->ix.layout->version < 9;
	return m < MAX_MODSEQ || ((uint32_t)m == 0 && m >> 32 < UINT32_MAX);
}

/* The four words every version before v12 begins with, before decoding. */
static bool quick(const uint8_t *p)
{
	uint32_t uid = cyre_load_be32(p), size = cyre_load_be32(p + 12);
	uint32_t header = cyre_load_be32(p + 16);

	return uid && size && header <= size && cyre_load_be32(p + 4) &&
	       flags_ok(cyre_load_be32(p + 32));
}

bool cyre_trial_record(const struct cyre_trial *t, struct cyre_slice bytes,
	struct cyre_index_record *ret)
{
	struct cyre_index_record r;

	if (bytes.n < t->ix.stride || !quick(bytes.p) ||
		!cyre_index_decode(&t->ix, bytes, &r))
		return false;
	*ret = r;
	/* A client may choose any internaldate. */
	return content_ok(&r) && date_ok(t, r.last_updated, FIRST_SERVER) &&
	       cache_ok(&r) && lines_ok(&r) && modseq_ok(t, r.modseq) &&
	       user_flags_ok(t, &r);
}

bool cyre_trial_likely(const struct cyre_index_record *r)
{
	return r->uid && !(r->system_flags & ~(uint64_t)CYRE_FLAGS_KNOWN) &&
	       r->header_size <= r->size && r->size < MAX_SIZE;
}

bool cyre_trial_hole(struct cyre_slice file, uint64_t offset, size_t width)
{
	uint64_t at = offset / SECTOR * SECTOR;
	struct cyre_slice s;

	for (; at < offset + width && at < file.n; at += SECTOR) {
		cyre_slice_sub(file, at,
			file.n - at < SECTOR ? file.n - at : SECTOR, &s);
		/* The last one may be short, and flags of a sound record. */
		if (s.n >= CYRE_RECORD_MAX && s.p[0] == 0 &&
			!memcmp(s.p, s.p + 1, s.n - 1))
			return true;
	}
	return false;
}

static bool guid_ok(const struct cyre_index_record *r)
{
	static const uint8_t none[20];

	return memcmp(r->guid, none, sizeof(none)) != 0;
}

static bool uid_ok(
	const struct cyre_trial *t, const struct cyre_index_record *r)
{
	if (!cyre_trial_in_order(t))
		return r->uid && cyre_salvage_file(t->hints, r->uid);
	return r->uid > t->after && r->uid < t->before;
}

static bool size_ok(
	const struct cyre_trial *t, const struct cyre_index_record *r)
{
	const struct cyre_msgfile *f = cyre_salvage_file(t->hints, r->uid);

	if (f && f->state == CYRE_ENTRY_FILE)
		return f->size == r->size;
	return r->size && r->size < MAX_SIZE;
}

static uint32_t passing(
	const struct cyre_trial *t, const struct cyre_index_record *r)
{
	unsigned version = t->ix.layout->version;
	uint32_t m = 0;

#define PASS(field, test) m |= (test) ? CYRE_RECORD_BIT(field) : 0
	PASS(uid, uid_ok(t, r));
	PASS(internaldate, date_ok(t, r->internaldate, 1));
	PASS(sentdate, date_ok(t, r->sentdate, 0));
	PASS(size, size_ok(t, r));
	PASS(header_size, r->header_size && r->header_size <= r->size);
	PASS(gmtime, date_ok(t, r->gmtime, 1));
	PASS(content_offset, content_ok(r));
	PASS(cache_offset, cache_ok(r));
	PASS(last_updated, date_ok(t, r->last_updated, FIRST_SERVER));
	PASS(system_flags, flags_ok(r->system_flags));
	PASS(user_flags, user_flags_ok(t, r));
	PASS(content_lines, lines_ok(r));
	PASS(cache_version, r->cache_version < MAX_CACHE_V);
	PASS(modseq, version >= 8 && r->modseq && modseq_ok(t, r->modseq));
	PASS(createdmodseq, r->createdmodseq <= r->modseq);
	PASS(savedate, r->savedate == 0 || date_ok(t, r->savedate, 1));
	PASS(guid, guid_ok(r));
	PASS(cid, true);
	PASS(basecid, true);
	PASS(cache_crc, r->cache_crc != 0);
#undef PASS
	return m;
}

uint32_t cyre_trial_fields(const struct cyre_trial *t, struct cyre_slice bytes,
	uint64_t offset, const struct cyre_index_record *r)
{
	const struct cyre_index_field *f = t->ix.record_fields;
	uint32_t there = 0;
	size_t at = 0;

	for (; f->width; at += f->width, f++)
		if (f->kind != CYRE_IX_SPARE && at + f->width <= bytes.n &&
			!cyre_trial_hole(t->ix.file, offset + at, f->width))
			there |= 1u << f->member / 8;
	return there & passing(t, r);
}
