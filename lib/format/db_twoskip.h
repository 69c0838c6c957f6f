/*
 * db_twoskip.h - twoskip records, for its three files (strict, salvage, write)
 *
 * Format: docs/formats/twoskip.md.
 */
#ifndef CYRE_DB_TWOSKIP_H
#define CYRE_DB_TWOSKIP_H

#include "db.h"

#define TS_HEADER_LEN 64
#define TS_MAX_LEVEL  31
#define TS_DUMMY_LEN  272
#define TS_FIRST      (TS_HEADER_LEN + TS_DUMMY_LEN) /* first data record */
#define TS_MIN_RECORD 24
#define TS_DIRTY      1u
#define TS_MAGIC      "\xa1\x02\x8b\x0dtwoskip file\0\0\0\0"
#define TS_MAGIC_LEN  20
#define TS_BLANK                                                               \
	"\x20"                                                                 \
	"BLANK\x07\xa0"

enum ts_type {
	TS_DUMMY = '=',
	TS_RECORD = '+',
	TS_DELETE = '-',
	TS_COMMIT = '$'
};

struct ts_header {
	uint32_t version, flags;
	uint64_t generation, num_records, repack_size, current_size;
};

struct ts_record {
	uint64_t offset, size; /* size: head, sums, key, value, padding */
	size_t head;           /* bytes the first sum is over */
	uint8_t type, level;
	bool head_ok;           /* the check sum over head and pointers */
	uint32_t tail_crc;      /* over `tail`, as stored */
	const uint8_t *ptr;     /* level + 1 pointers */
	struct cyre_slice tail; /* key, value, padding */
	struct cyre_slice key, value;
};

/* False: too short, another magic, a version we do not know, or a bad CRC. */
bool cyre_ts_header(struct cyre_slice file, struct ts_header *ret);

/*
 * The record at `off`. False when no record of any kind can stand there: not
 * aligned, an impossible type, level or length. A wrong check sum is not that.
 */
bool cyre_ts_record(
	struct cyre_slice file, uint64_t off, struct ts_record *ret);
/* The same, its head read from `head`: a copy somebody repaired. */
bool cyre_ts_record_from(struct cyre_slice head, struct cyre_slice file,
	uint64_t off, struct ts_record *ret);
/* The check sum over key and value. Costs their length: callers keep count. */
bool cyre_ts_tail_ok(const struct ts_record *r);

/* Pointer slot i of a record. */
static inline uint64_t ts_ptr(const struct ts_record *r, unsigned i)
{
	return cyre_load_be64(r->ptr + 8 * (size_t)i);
}

/* Where list `i` goes on, the newest committed slot of list 0. */
uint64_t cyre_ts_next(const struct ts_record *r, unsigned list, uint64_t end);

bool cyre_ts_is_blank(struct cyre_slice file, uint64_t off);

cyre_status cyre_ts_salvage(struct cyre_slice file, struct cyre_findings *found,
	struct cyre_db *db);
bool cyre_ts_lay_out(struct cyre_db_plan *plan);
void cyre_ts_make(const struct cyre_db_plan *plan, size_t part, uint8_t *to);

#endif
