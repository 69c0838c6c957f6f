/*
 * index_salvage_parts.h - what the files of the salvage reader share
 */
#ifndef CYRE_INDEX_SALVAGE_PARTS_H
#define CYRE_INDEX_SALVAGE_PARTS_H

#include "index_salvage.h"

#define CYRE_RECORD_MAX 144 /* bytes of the longest record */

/* One layout tried on one file. */
struct cyre_trial {
	const struct cyre_salvage_hints *hints;
	enum cyre_file which;
	struct cyre_index ix; /* file, layout, record_fields, stride */
	uint32_t start;       /* bytes of the header */
	int64_t at; /* where it begins; not 0 when the file was shifted */
	bool version_known;
	/* The uids between which a damaged record must lie. */
	uint64_t after, before;
};

/* Records of cyrus.expunge are in no order (index.md 10.2). */
static inline bool cyre_trial_in_order(const struct cyre_trial *t)
{
	return t->which != CYRE_FILE_EXPUNGE &&
	       t->which != CYRE_FILE_EXPUNGE_NEW;
}

/* ---- index_salvage_fields.c ---- */

/* The message file of a uid; NULL: none, or none are known. */
const struct cyre_msgfile *cyre_salvage_file(
	const struct cyre_salvage_hints *hints, uint64_t uid);
/* Is a byte of it in a sector of zeros, which is what a lost one reads as? */
bool cyre_trial_hole(struct cyre_slice file, uint64_t offset, size_t width);
/* Before v12: does every field pass? On any bytes, fast where they do not. */
bool cyre_trial_record(const struct cyre_trial *t, struct cyre_slice bytes,
	struct cyre_index_record *ret);
/* From v12 on: could this be a record, if the sum is right by chance? */
bool cyre_trial_likely(const struct cyre_index_record *r);
/*
 * Which fields of a damaged record pass their tests. `bytes` are those that
 * are left of it, `offset` where they stand.
 */
uint32_t cyre_trial_fields(const struct cyre_trial *t, struct cyre_slice bytes,
	uint64_t offset, const struct cyre_index_record *r);

/* ---- index_salvage_header.c ---- */

#define CYRE_HEADER_MAX 192 /* bytes of the longest header */

/*
 * The bytes of a header that begins at `at` (negative: its beginning is gone);
 * 0 where there are none. True: their sum is right, perhaps after one bit was
 * turned back.
 */
bool cyre_trial_header_bytes(struct cyre_slice file, int64_t at, uint32_t start,
	bool has_crc, uint8_t ret[CYRE_HEADER_MAX]);
/* The header of a file whose records are known, and the largest of them. */
void cyre_trial_header(const struct cyre_trial *t, uint64_t max_uid,
	uint64_t max_modseq, struct cyre_salvaged_file *ret);

/* ---- index_salvage_scan.c ---- */

struct cyre_finds {
	struct cyre_salvaged *v;
	size_t n, cap;
	bool nomem;
};

void cyre_finds_add(struct cyre_finds *f, const struct cyre_salvaged *item);

/*
 * Finds the layout and every record that can be believed as it stands, in the
 * order of the file. t->ix.layout is NULL afterwards when there is nothing.
 * False: no memory.
 */
bool cyre_trial_scan(struct cyre_trial *t, struct cyre_finds *ret);

/* ---- index_salvage_file.c ---- */

/* `bit` of the record is turned; UINT16_MAX: none. Missing bytes are zeros. */
struct cyre_index_record cyre_trial_decode(
	const struct cyre_trial *t, struct cyre_slice bytes, uint16_t bit);
/* Fills `file`, which has its kind and bytes; its records go behind `all`.
 * CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_salvage_read_file(struct cyre_salvaged_file *file,
	uint8_t number, const struct cyre_salvage_hints *hints,
	struct cyre_finds *all);

#endif
