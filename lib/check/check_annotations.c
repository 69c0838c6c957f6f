/*
 * check_annotations.c - reads cyrus.annotations, adds up what the index should
 * say of it
 *
 * Rules: docs/formats/index.md 7.2, per-mailbox-other.md section 4. What
 * releases do differently is tried in all combinations: only a sum that none of
 * them gives is a finding.
 */
#include "check_annotations.h"

#include <cyrescue/db.h>

#include "annotation.h"
#include "digest.h"

#define VENDOR     "/vendor/cmu/cyrus-imapd/"
#define BASE_3_1_8 12345678u /* the start value since 3.1.8 */

struct sums {
	uint32_t stored;        /* without those that shadow a record field */
	uint32_t stored_shadow; /* of those */
	uint64_t bytes;         /* of the values */
};

/* The records, in an index or by themselves; they ascend. */
struct records {
	unsigned version;
	size_t n;
	const struct cyre_index *ix; /* NULL: `r` */
	const struct cyre_index_record *r;
};

static bool find_record(
	const struct records *of, uint32_t uid, struct cyre_index_record *ret)
{
	size_t lo = 0, hi = of->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (of->ix)
			cyre_index_decode(of->ix,
				cyre_index_bytes(of->ix, (uint32_t)mid + 1),
				ret);
		else
			*ret = of->r[mid];
		if (ret->uid == uid)
			return true;
		if (ret->uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* Is this entry a field of the record in an index of this version? */
static bool shadows_field(unsigned version, struct cyre_slice entry)
{
	static const struct {
		const char *name;
		unsigned since;
	} fields[] = {
		{VENDOR "thrid", 13},
		{VENDOR "savedate", 15},
		{VENDOR "createdmodseq", 16},
		{VENDOR "basethrid", 20},
		{VENDOR "internaldate.nsec", 20},
	};
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (version >= fields[i].since &&
			cyre_slice_eq(entry, cyre_slice_str(fields[i].name)))
			return true;
	return false;
}

/* crc32("<uid> <entry> <userid> " + value) */
static uint32_t sum_of(const struct cyre_annotation *a, struct cyre_slice owner)
{
	struct cyre_slice blank = cyre_slice_str(" "), user = a->userid;
	uint32_t crc;

	if (cyre_slice_eq(user, cyre_slice_str(CYRE_ANNOTATION_OWNER)))
		user = owner;
	crc = cyre_crc32(a->scope);
	crc = cyre_crc32_more(crc, blank);
	crc = cyre_crc32_more(crc, a->entry);
	crc = cyre_crc32_more(crc, blank);
	crc = cyre_crc32_more(crc, user);
	crc = cyre_crc32_more(crc, blank);
	return cyre_crc32_more(crc, a->value);
}

static void add_entry(const struct records *of, const struct cyre_db_entry *e,
	struct cyre_slice owner, struct sums *sums)
{
	struct cyre_index_record r;
	struct cyre_annotation a;
	uint32_t uid;

	if (!cyre_annotation_parse(e->key, e->value, &a) || a.deleted ||
		!a.value.n)
		return;
	uid = cyre_annotation_uid(&a);
	if (!uid || !find_record(of, uid, &r) ||
		(r.system_flags & CYRE_FLAG_EXPUNGED))
		return;
	sums->bytes += a.value.n;
	if (shadows_field(of->version, a.entry))
		sums->stored_shadow ^= sum_of(&a, owner);
	else
		sums->stored ^= sum_of(&a, owner);
}

static cyre_status add_file(const struct records *of, struct cyre_slice bytes,
	struct cyre_slice owner, struct cyre_findings *found, struct sums *sums,
	bool *ret_known)
{
	struct cyre_db *db;
	cyre_status st;
	size_t i;

	*ret_known = true;
	if (!bytes.n)
		return CYRE_OK;
	st = cyre_db_read(bytes, found, &db);
	if (st == CYRE_ENOMEM)
		return st;
	*ret_known = st == CYRE_OK;
	if (st == CYRE_EFORMAT)
		CYRE_FIND(found, .problem = CYRE_P_ANNOTATIONS_UNREADABLE,
			.file = CYRE_FILE_ANNOTATIONS, .length = bytes.n);
	if (st != CYRE_OK)
		return CYRE_OK;
	for (i = 0; i < cyre_db_count(db); i++)
		add_entry(of, cyre_db_at(db, i), owner, sums);
	cyre_db_free(db);
	return CYRE_OK;
}

/* Is this what any release would have stored? */
static bool any_release(uint32_t stored, const struct cyre_index_totals *t,
	const struct sums *s)
{
	const uint32_t fields[2] = {t->sync_annot, t->sync_annot_padded};
	unsigned i;
	uint32_t sum;

	for (i = 0; i < 8; i++) {
		sum = fields[i & 1] ^ s->stored;
		if (i & 2)
			sum ^= BASE_3_1_8;
		if (i & 4)
			sum ^= s->stored_shadow;
		if (sum == stored)
			return true;
	}
	return false;
}

cyre_status cyre_check_annotations(const struct cyre_index *ix,
	const struct cyre_index_totals *totals, struct cyre_slice bytes,
	struct cyre_slice owner, struct cyre_findings *found)
{
	struct records of = {.ix = ix};
	struct sums s = {0};
	bool known;
	cyre_status st;

	if (ix) {
		of.version = ix->layout->version;
		of.n = ix->count;
	}
	st = add_file(&of, bytes, owner, found, &s, &known);
	if (st != CYRE_OK || !known || of.version < 13)
		return st;
	if (!any_release(ix->h.synccrcs_annot, totals, &s))
		CYRE_FIND(found, .problem = CYRE_P_INDEX_SYNC_CRC,
			.file = CYRE_FILE_INDEX,
			.expected = totals->sync_annot ^ s.stored ^ BASE_3_1_8,
			.actual = ix->h.synccrcs_annot,
			.text = "synccrcs.annot");
	/* The stored number also counts annotations of the mailbox itself,
	 * which are not in this directory: it can only be too small. */
	if (ix->h.quota_annot_used < s.bytes)
		CYRE_FIND(found, .problem = CYRE_P_INDEX_QUOTA_ANNOT,
			.file = CYRE_FILE_INDEX, .expected = s.bytes,
			.actual = ix->h.quota_annot_used);
	return CYRE_OK;
}

cyre_status cyre_annotations_sum(unsigned version,
	const struct cyre_index_record *records, size_t n,
	struct cyre_slice bytes, struct cyre_slice owner, uint32_t *ret_sum,
	uint64_t *ret_bytes)
{
	struct records of = {.version = version, .n = n, .r = records};
	struct cyre_findings ignored = {.keep = 1};
	struct sums s = {0};
	bool known;
	cyre_status st = add_file(&of, bytes, owner, &ignored, &s, &known);

	cyre_findings_free(&ignored);
	if (st != CYRE_OK)
		return st;
	/* Before 3.1.8, whose files are v13, those count as well. */
	*ret_sum = s.stored ^ (version < 15 ? s.stored_shadow : 0);
	*ret_bytes = s.bytes;
	return CYRE_OK;
}
