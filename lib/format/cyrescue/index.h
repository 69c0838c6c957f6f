/*
 * cyrescue/index.h - cyrus.index, minor versions 0 to 20
 *
 * Format: docs/formats/index.md. Everything is big-endian on the disk. Here
 * times are nanoseconds since 1970-01-01 UTC (whole seconds before v20), sizes
 * and offsets bytes. Record numbers start at 1, as in the server.
 *
 * Threads: plain data, no state.
 */
#ifndef CYRESCUE_INDEX_H
#define CYRESCUE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cyrescue/status.h>

#define CYRE_INDEX_MAX_VERSION 20
#define CYRE_NSEC	       1000000000u

/* system_flags (index.md 8.1) */
#define CYRE_FLAG_ANSWERED     0x00000001u
#define CYRE_FLAG_FLAGGED      0x00000002u
#define CYRE_FLAG_DELETED      0x00000004u
#define CYRE_FLAG_DRAFT	       0x00000008u
#define CYRE_FLAG_SEEN	       0x00000010u
#define CYRE_FLAG_SNOOZED      0x04000000u
#define CYRE_FLAG_SPLIT	       0x08000000u
#define CYRE_FLAG_CLEANUP      0x10000000u
#define CYRE_FLAG_ARCHIVED     0x20000000u
#define CYRE_FLAG_UNLINKED     0x40000000u
#define CYRE_FLAG_EXPUNGED     0x80000000u

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
		answered, flagged, options, leaked_cache_records,
		highestmodseq, deletedmodseq, first_expunged, last_repack_time,
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
	uint8_t guid[20];	/* all zero: none; v7-v9: 12 bytes of UUID */
};

#endif
