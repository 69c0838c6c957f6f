/*
 * index.h - cyrus.index and cyrus.expunge, minor versions 0 to 20
 *
 * Format: docs/formats/index.md. Everything is big-endian on the disk. Here
 * times are nanoseconds since 1970-01-01 UTC (whole seconds before v20), sizes
 * and offsets bytes. Record numbers start at 1, as in the server.
 *
 * This is the strict reader: it follows the header, and says what is wrong with
 * it. Records are decoded when asked for, so that a mailbox of a million
 * messages needs no more than its file.
 *
 * Threads: an index is read-only once read; share it freely.
 */
#ifndef CYRE_INDEX_H
#define CYRE_INDEX_H

#include <cyrescue/finding.h>

#include "bytes.h"

#define CYRE_INDEX_MAX_VERSION 20
#define CYRE_NSEC              1000000000u

/* system_flags (index.md 8.1) */
#define CYRE_FLAG_ANSWERED 0x00000001u
#define CYRE_FLAG_FLAGGED  0x00000002u
#define CYRE_FLAG_DELETED  0x00000004u
#define CYRE_FLAG_DRAFT    0x00000008u
#define CYRE_FLAG_SEEN     0x00000010u
#define CYRE_FLAG_SNOOZED  0x04000000u
#define CYRE_FLAG_SPLIT    0x08000000u
#define CYRE_FLAG_CLEANUP  0x10000000u
#define CYRE_FLAG_ARCHIVED 0x20000000u
#define CYRE_FLAG_UNLINKED 0x40000000u
#define CYRE_FLAG_EXPUNGED 0x80000000u
#define CYRE_FLAGS_KNOWN   0xfc00001fu

/* options (index.md 5) */
#define CYRE_OPT_POP3_NEW_UIDL 0x00000001u
#define CYRE_OPT_CONDSTORE     0x00000002u
#define CYRE_OPT_SHAREDSEEN    0x00000004u
#define CYRE_OPT_DUPDELIVER    0x00000008u
#define CYRE_OPT_HAS_ALARMS    0x00000010u
#define CYRE_OPT_NEEDS_UNLINK  0x20000000u
#define CYRE_OPT_NEEDS_REPACK  0x40000000u
#define CYRE_OPT_DELETED       0x80000000u

/*
 * Every field of every version's header. A field the version does not have is
 * 0. `num_records` and `exists` are one field up to v10; both are set then.
 */
struct cyre_index_header {
	uint64_t generation_no, format, minor_version, start_offset,
		record_size, num_records, exists, last_appenddate, last_uid,
		quota_mailbox_used, pop3_last_login, uidvalidity, deleted,
		answered, flagged, options, leaked_cache_records, highestmodseq,
		deletedmodseq, first_expunged, last_repack_time,
		header_file_crc, synccrcs_basic, recentuid, recenttime,
		pop3_show_after, quota_annot_used, synccrcs_annot, unseen,
		createdmodseq, changes_epoch, quota_deleted_used,
		quota_expunged_used, header_crc;
};

/* Every field of every version's record; what a version lacks is 0. */
struct cyre_index_record {
	uint64_t uid, internaldate, sentdate, size, header_size, gmtime,
		content_offset, cache_offset, last_updated, system_flags,
		content_lines, cache_version, modseq, cid, createdmodseq,
		savedate, basecid, cache_crc, record_crc;
	uint32_t user_flags[4]; /* flag n: word n/32, bit n%32 */
	uint8_t guid[20];       /* all zero: none; v7-v9: 12 bytes of UUID */
};

/* How one number or run of bytes of a layout is stored. */
enum cyre_index_kind {
	CYRE_IX_UINT,
	CYRE_IX_TIME,  /* 4 bytes: seconds, 8 bytes: nanoseconds */
	CYRE_IX_GUID,  /* bytes, into guid[] */
	CYRE_IX_FLAGS, /* four words, into user_flags[] */
	CYRE_IX_SPARE  /* zeros */
};

struct cyre_index_field {
	const char *name; /* as on the format page */
	uint16_t member;  /* offset in struct cyre_index_header or _record */
	uint8_t width;    /* bytes on the disk */
	uint8_t kind;
};

/*
 * One version: its fields in the order of the file. Reader, writer and the
 * inspection tool use the same lists; a test compares their sums with the
 * sizes, and the offsets with the tables of the format page.
 */
struct cyre_index_layout {
	uint8_t version;
	uint16_t header_size, record_size;
	const struct cyre_index_field *header, *record; /* end with width 0 */
};

/* NULL for 11 and for what no server wrote. For 0 to 4 the newest form. */
const struct cyre_index_layout *cyre_index_layout(uint64_t version);
/* The record fields of version 0 as of 1993 (64 bytes a record). */
extern const struct cyre_index_field cyre_index_record_1993[];

/* Does this version have check sums (header, records, cache)? */
static inline bool cyre_index_has_crc(const struct cyre_index_layout *l)
{
	return l->version >= 12;
}

struct cyre_index {
	struct cyre_slice file; /* borrowed */
	const struct cyre_index_layout *layout;
	const struct cyre_index_field *record_fields;
	struct cyre_index_header h;
	uint32_t start, stride; /* bytes, as used; see cyre_index_read() */
	uint32_t count;         /* records that the header promises and the
				 * file holds */
	uint32_t uncommitted;   /* good records behind them */
};

/*
 * Reads the header of an index or expunge file (`which`) and finds the records.
 *
 * Damage is added to `found` and reading goes on with what can be trusted: the
 * sizes of the version's layout win over those stored.
 *
 * file	 borrowed; must stay valid as long as *ret is used
 *
 * CYRE_OK; CYRE_EFORMAT when there is nothing to go on with (too short, or an
 * unknown version), after a finding that says so.
 */
cyre_status cyre_index_read(struct cyre_slice file, enum cyre_file which,
	struct cyre_findings *found, struct cyre_index *ret);

/* The bytes of record recno (1 to count + uncommitted). */
struct cyre_slice cyre_index_bytes(const struct cyre_index *ix, uint32_t recno);
/* Decodes a record of this index's layout; false when it is too short. */
bool cyre_index_decode(const struct cyre_index *ix, struct cyre_slice bytes,
	struct cyre_index_record *ret);
/* The fields of a header as far as `bytes` go; no test is made. */
struct cyre_index_header cyre_index_decode_header(
	const struct cyre_index_layout *l, struct cyre_slice bytes);
/* The check sum the record should carry; only where cyre_index_has_crc(). */
uint32_t cyre_index_record_sum(
	const struct cyre_index *ix, struct cyre_slice bytes);

/* The option bits a version can hold (index.md 5). */
static inline uint64_t cyre_index_valid_options(unsigned version)
{
	return version >= 12  ? 0xe000001fu
	       : version >= 8 ? 0x0000001fu
			      : CYRE_OPT_POP3_NEW_UIDL;
}

/*
 * 2.5 to 3.1.8 wrote the modseq of a v8 or v9 record into the upper half of its
 * place (index.md 4.3). The number that was meant; others come back as they
 * are.
 */
uint64_t cyre_index_modseq_meant(
	unsigned version, uint64_t modseq, uint64_t highestmodseq);

/* Whole seconds of a time. */
static inline uint64_t cyre_index_seconds(uint64_t ns)
{
	return ns / CYRE_NSEC;
}

#endif
