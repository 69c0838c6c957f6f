/*
 * check_index.c - records and header of an index against each other
 *
 * Reads a cyre_index (format/index.c has tested its structure), goes once over
 * the records, and adds findings. Opens nothing, changes nothing. Files of
 * messages are compared in check_files.c, the cache in check_cache.c.
 *
 * Rules: docs/formats/index.md sections 5 to 8 and 11.
 */
#include "check_index.h"

#define DAY 86400u
/* No mailbox gets so many messages between two that it keeps. */
#define LAST_UID_JUMP 100000000u

/* One record on its way through the tests. */
struct visit {
	const struct cyre_index *ix;
	const struct cyre_index_context *ctx;
	struct cyre_findings *found;
	struct cyre_index_tally tally;
	enum cyre_file which;
	uint32_t recno;
	uint64_t offset; /* of the record in the file */
	struct cyre_slice bytes;
	struct cyre_index_record r;
	uint64_t last_uid; /* of the record before */
};

static void note(struct visit *v, enum cyre_problem p, uint64_t expected,
	uint64_t actual, const char *text)
{
	CYRE_FIND(v->found, .problem = p, .file = v->which,
		.uid = (uint32_t)v->r.uid, .offset = v->offset,
		.length = v->recno, .expected = expected, .actual = actual,
		.text = text);
}

static bool all_zero(struct cyre_slice s)
{
	return s.n && s.p[0] == 0 && memcmp(s.p, s.p + 1, s.n - 1) == 0;
}

/* Can the record be believed at all? */
static bool check_sum_and_uid(struct visit *v)
{
	uint32_t sum;

	if (all_zero(v->bytes)) {
		note(v, CYRE_P_INDEX_RECORD_ZEROED, 0, 0, NULL);
		return false;
	}
	if (cyre_index_has_crc(v->ix->layout)) {
		sum = cyre_index_record_sum(v->ix, v->bytes);
		if (sum != v->r.record_crc) {
			note(v, CYRE_P_INDEX_RECORD_CRC, sum, v->r.record_crc,
				NULL);
			v->tally.totals.broken++;
		}
	}
	if (v->r.uid)
		return true;
	if ((v->r.system_flags & CYRE_FLAG_EXPUNGED) &&
		(v->r.system_flags & CYRE_FLAG_UNLINKED))
		note(v, CYRE_P_INDEX_RECORD_WIPED, 0, 0, NULL);
	else
		note(v, CYRE_P_INDEX_UID_ZERO, 0, 0, NULL);
	return false;
}

static void check_flags(struct visit *v)
{
	uint64_t f = v->r.system_flags;
	/* 2.5 and later also keep \Seen and the internal bits in old files. */
	uint64_t valid = CYRE_FLAGS_KNOWN;

	if (f & ~valid)
		note(v, CYRE_P_INDEX_FLAG_BITS, f & valid, f, NULL);
	if ((f & CYRE_FLAG_UNLINKED) && !(f & CYRE_FLAG_EXPUNGED))
		note(v, CYRE_P_INDEX_UNLINKED_ALIVE, 0, f, NULL);
}

static void unshift_modseq(struct visit *v)
{
	uint64_t meant = cyre_index_modseq_meant(
		v->ix->layout->version, v->r.modseq, v->ix->h.highestmodseq);

	if (meant == v->r.modseq)
		return;
	v->r.modseq = meant;
	note(v, CYRE_P_INDEX_MODSEQ_SHIFTED, 0, meant, NULL);
}

static void check_modseq(struct visit *v)
{
	if (v->ix->layout->version < 8)
		return;
	unshift_modseq(v);
	if (v->r.modseq == 0)
		note(v, CYRE_P_INDEX_MODSEQ_ZERO, 1, 0, NULL);
	/* The header of an expunge file is a copy made when it was created. */
	if (v->which == CYRE_FILE_INDEX && v->r.modseq > v->ix->h.highestmodseq)
		note(v, CYRE_P_INDEX_MODSEQ_FUTURE, v->ix->h.highestmodseq,
			v->r.modseq, NULL);
	if (v->r.createdmodseq > v->r.modseq)
		note(v, CYRE_P_INDEX_CREATEDMODSEQ, v->r.modseq,
			v->r.createdmodseq, "record");
}

static void check_date(
	struct visit *v, uint64_t ns, bool required, const char *name)
{
	uint64_t t = cyre_index_seconds(ns);

	if (required && t == 0)
		note(v, CYRE_P_INDEX_DATE_ZERO, 0, 0, name);
	if (v->ctx->now && t > v->ctx->now + DAY)
		note(v, CYRE_P_INDEX_DATE_FUTURE, v->ctx->now, t, name);
}

/* 3.13 stores gmtime there, within a day or two of sentdate (errata.md). */
static void check_content_offset(struct visit *v)
{
	uint64_t t = v->r.content_offset;
	uint64_t sent = cyre_index_seconds(v->r.sentdate);

	if (t > v->r.size && t + 2 * DAY > sent && t < sent + 2 * DAY)
		note(v, CYRE_P_INDEX_GMTIME_CONTENT, 0, t, NULL);
	else
		note(v, CYRE_P_INDEX_HEADER_SIZE, v->r.header_size, t,
			"content_offset");
}

static void check_values(struct visit *v)
{
	unsigned version = v->ix->layout->version;
	const struct cyre_index_record *r = &v->r;

	if (r->internaldate == 0)
		note(v, CYRE_P_INDEX_DATE_ZERO, 0, 0, "internaldate");
	check_date(v, r->last_updated, true, "last_updated");
	check_date(v, r->savedate, false, "savedate");
	if (r->size == 0 && !(r->system_flags & CYRE_FLAG_UNLINKED))
		note(v, CYRE_P_INDEX_RECORD_IMPLAUSIBLE, 0, r->size, "size");
	if (r->header_size > r->size)
		note(v, CYRE_P_INDEX_HEADER_SIZE, r->size, r->header_size,
			"header_size");
	else if (version <= 10 && r->content_offset != r->header_size)
		check_content_offset(v);
	if (version < 15 && r->content_lines != UINT32_MAX &&
		r->content_lines > r->size)
		note(v, CYRE_P_INDEX_RECORD_IMPLAUSIBLE, r->size,
			r->content_lines, "content_lines");
	if (version >= 12 && all_zero(cyre_slice(r->guid, sizeof(r->guid))) &&
		!(r->system_flags & CYRE_FLAG_UNLINKED))
		note(v, CYRE_P_INDEX_GUID_NULL, 0, 0, NULL);
}

static void check_record(struct visit *v)
{
	v->bytes = cyre_index_bytes(v->ix, v->recno);
	v->offset = v->ix->start + (uint64_t)(v->recno - 1) * v->ix->stride;
	cyre_index_decode(v->ix, v->bytes, &v->r);
	if (!check_sum_and_uid(v)) {
		v->tally.totals.broken += v->r.uid == 0;
		return;
	}
	if (v->which == CYRE_FILE_INDEX) {
		if (v->r.uid <= v->last_uid) {
			note(v, CYRE_P_INDEX_UID_ORDER, v->last_uid, v->r.uid,
				NULL);
			v->tally.totals.broken++;
		}
		v->last_uid = v->r.uid;
	}
	check_flags(v);
	check_modseq(v);
	check_values(v);
	cyre_index_tally_add(&v->tally, &v->r);
}

static void check_records(const struct cyre_index *ix,
	const struct cyre_index_context *ctx, enum cyre_file which,
	struct cyre_findings *found, struct cyre_index_totals *ret)
{
	struct visit v = {.ix = ix, .ctx = ctx, .found = found, .which = which};

	cyre_index_tally_begin(&v.tally, ix->layout->version, ctx->flag_names,
		ctx->flag_count);
	for (v.recno = 1; v.recno <= ix->count; v.recno++)
		check_record(&v);
	*ret = cyre_index_tally_end(&v.tally);
}

struct counter {
	const char *name;
	uint64_t stored, counted;
};

static void compare(struct cyre_findings *found, enum cyre_file which,
	enum cyre_problem p, const struct counter *c, size_t n)
{
	for (; n; n--, c++)
		if (c->stored != c->counted)
			CYRE_FIND(found, .problem = p, .file = which,
				.expected = c->counted, .actual = c->stored,
				.text = c->name);
}

#define COMPARE(found, which, p, ...)                                          \
	compare(found, which, p, (const struct counter[]){__VA_ARGS__},        \
		sizeof((const struct counter[]){__VA_ARGS__}) /                \
			sizeof(struct counter))

static void check_counters(const struct cyre_index *ix, enum cyre_file which,
	const struct cyre_index_totals *t, struct cyre_findings *found)
{
	const struct cyre_index_header *h = &ix->h;
	unsigned version = ix->layout->version;

	if (version >= 12 || which == CYRE_FILE_EXPUNGE)
		COMPARE(found, which, CYRE_P_INDEX_COUNTERS,
			{"exists", h->exists, t->exists});
	/* Before v3 the header had no flag counts. */
	if (ix->start >= 56)
		COMPARE(found, which, CYRE_P_INDEX_COUNTERS,
			{"answered", h->answered, t->answered},
			{"flagged", h->flagged, t->flagged},
			{"deleted", h->deleted, t->deleted});
	if (version >= 14)
		COMPARE(found, which, CYRE_P_INDEX_COUNTERS,
			{"unseen", h->unseen, t->unseen});
	COMPARE(found, which, CYRE_P_INDEX_QUOTA_USED,
		{"quota_mailbox_used", h->quota_mailbox_used, t->quota_used});
	if (version >= 18)
		COMPARE(found, which, CYRE_P_INDEX_QUOTA_USED,
			{"quota_deleted_used", h->quota_deleted_used,
				t->quota_deleted},
			{"quota_expunged_used", h->quota_expunged_used,
				t->quota_expunged});
}

static void simple(struct cyre_findings *found, enum cyre_problem p,
	uint64_t expected, uint64_t actual, const char *text)
{
	CYRE_FIND(found, .problem = p, .file = CYRE_FILE_INDEX,
		.expected = expected, .actual = actual, .text = text);
}

static void check_header_numbers(const struct cyre_index *ix,
	const struct cyre_index_context *ctx, const struct cyre_index_totals *t,
	struct cyre_findings *found)
{
	const struct cyre_index_header *h = &ix->h;
	unsigned version = ix->layout->version;

	if (t->max_uid > h->last_uid)
		simple(found, CYRE_P_INDEX_LAST_UID, t->max_uid, h->last_uid,
			NULL);
	if (h->last_uid > t->max_uid + LAST_UID_JUMP)
		simple(found, CYRE_P_INDEX_LAST_UID_JUMP, t->max_uid,
			h->last_uid, NULL);
	if (h->recentuid > h->last_uid)
		simple(found, CYRE_P_INDEX_RECENT, h->last_uid, h->recentuid,
			NULL);
	if (ix->start >= 44 && h->uidvalidity == 0)
		simple(found, CYRE_P_INDEX_UIDVALIDITY_ZERO, 0, 0, NULL);
	if (ctx->now && h->uidvalidity > ctx->now + DAY)
		simple(found, CYRE_P_INDEX_UIDVALIDITY_FUTURE, ctx->now,
			h->uidvalidity, NULL);
	if (version >= 8 && h->highestmodseq == 0)
		simple(found, CYRE_P_INDEX_HIGHESTMODSEQ_ZERO, 1, 0, NULL);
	if (h->deletedmodseq > h->highestmodseq)
		simple(found, CYRE_P_INDEX_DELETEDMODSEQ, h->highestmodseq,
			h->deletedmodseq, NULL);
	if (h->createdmodseq > h->highestmodseq)
		simple(found, CYRE_P_INDEX_CREATEDMODSEQ, h->highestmodseq,
			h->createdmodseq, "mailbox");
	if (ctx->now && cyre_index_seconds(h->last_appenddate) > ctx->now + DAY)
		simple(found, CYRE_P_INDEX_DATE_FUTURE, ctx->now,
			cyre_index_seconds(h->last_appenddate),
			"last_appenddate");
	if (version >= 12 && t->oldest_expunged &&
		(h->first_expunged == 0 ||
			h->first_expunged > t->oldest_expunged))
		/* 2.4's upgrade of a 2.3 mailbox, which v12 files only can have
		 * gone through, does not set it (errata.md). */
		simple(found,
			version == 12 ? CYRE_P_INDEX_FIRST_EXPUNGED_UPGRADE
				      : CYRE_P_INDEX_FIRST_EXPUNGED,
			cyre_index_seconds(t->oldest_expunged),
			cyre_index_seconds(h->first_expunged), NULL);
}

static void check_options(
	const struct cyre_index *ix, struct cyre_findings *found)
{
	unsigned version = ix->layout->version;
	uint64_t options = ix->h.options;
	uint64_t valid = cyre_index_valid_options(version);

	if (options & ~valid)
		simple(found, CYRE_P_INDEX_OPTIONS, options & valid, options,
			NULL);
	if (version >= 12 && (options & CYRE_OPT_DELETED))
		simple(found, CYRE_P_INDEX_DELETED_OPTION, 0, options, NULL);
}

static void check_against_header(const struct cyre_index *ix,
	const struct cyre_index_context *ctx, const struct cyre_index_totals *t,
	struct cyre_findings *found)
{
	unsigned i;

	if (!ctx->header_known)
		return;
	for (i = 0; i < CYRE_MAX_USER_FLAGS; i++)
		if (t->flag_use[i] &&
			(i >= ctx->flag_count || !ctx->flag_names[i].n))
			simple(found, CYRE_P_INDEX_FLAG_UNNAMED, t->flag_use[i],
				i, NULL);
	if (ix->layout->version < 12)
		return;
	/* 0 means "not known" to 2.5 and later (header.md 5). */
	if (ix->h.header_file_crc && ix->h.header_file_crc != ctx->header_crc)
		simple(found, CYRE_P_INDEX_HEADER_FILE_CRC, ctx->header_crc,
			ix->h.header_file_crc, NULL);
	if (t->sync_basic != ix->h.synccrcs_basic)
		simple(found, CYRE_P_INDEX_SYNC_CRC, t->sync_basic,
			ix->h.synccrcs_basic, "synccrcs.basic");
}

void cyre_check_index(const struct cyre_index *ix,
	const struct cyre_index_context *ctx, struct cyre_findings *found,
	struct cyre_index_totals *ret)
{
	check_records(ix, ctx, CYRE_FILE_INDEX, found, ret);
	check_counters(ix, CYRE_FILE_INDEX, ret, found);
	check_header_numbers(ix, ctx, ret, found);
	check_options(ix, found);
	check_against_header(ix, ctx, ret, found);
}

void cyre_check_expunge(const struct cyre_index *ix,
	const struct cyre_index_context *ctx, struct cyre_findings *found,
	struct cyre_index_totals *ret)
{
	check_records(ix, ctx, CYRE_FILE_EXPUNGE, found, ret);
	check_counters(ix, CYRE_FILE_EXPUNGE, ret, found);
}
