/*
 * index_fields.c - the layouts of cyrus.index as ordered field lists
 *
 * Format: docs/formats/index.md sections 2 and 8. One list a version, because
 * v19 and v20 reordered fields; versions that share a layout share the list.
 * A list names every byte: what a version reserves is SPARE.
 */
#include "index.h"

#define H(kind, f, w)                                                          \
	{                                                                      \
#f, offsetof(struct cyre_index_header, f), w, CYRE_IX_##kind   \
	}
#define R(kind, f, w)                                                          \
	{                                                                      \
#f, offsetof(struct cyre_index_record, f), w, CYRE_IX_##kind   \
	}
#define SPARE(w)                                                               \
	{                                                                      \
		"spare", 0, w, CYRE_IX_SPARE                                   \
	}
#define END                                                                    \
	{                                                                      \
		NULL, 0, 0, 0                                                  \
	}

/* Offsets 0 to 31 of every version before 20. */
#define HEADER_START                                                           \
	H(UINT, generation_no, 4), H(UINT, format, 4),                         \
		H(UINT, minor_version, 4), H(UINT, start_offset, 4),           \
		H(UINT, record_size, 4), H(UINT, num_records, 4)
#define HEADER_LAST                                                            \
	HEADER_START, H(TIME, last_appenddate, 4), H(UINT, last_uid, 4)
#define HEADER_POP H(TIME, pop3_last_login, 4), H(UINT, uidvalidity, 4)
#define HEADER_FLAGS                                                           \
	H(UINT, deleted, 4), H(UINT, answered, 4), H(UINT, flagged, 4)
/* Up to offset 67 of v6 to v18. */
#define HEADER_6                                                               \
	HEADER_LAST, H(UINT, quota_mailbox_used, 8), HEADER_POP, HEADER_FLAGS, \
		H(UINT, options, 4), H(UINT, leaked_cache_records, 4)
/* Up to offset 111 of v12 to v18. */
#define HEADER_12                                                              \
	HEADER_6, H(UINT, highestmodseq, 8), H(UINT, deletedmodseq, 8),        \
		H(UINT, exists, 4), H(TIME, first_expunged, 4),                \
		H(TIME, last_repack_time, 4), HEADER_SYNC,                     \
		H(UINT, recentuid, 4), H(TIME, recenttime, 4)
#define HEADER_SYNC H(UINT, header_file_crc, 4), H(UINT, synccrcs_basic, 4)
#define HEADER_13                                                              \
	H(TIME, pop3_show_after, 4), H(UINT, quota_annot_used, 4),             \
		H(UINT, synccrcs_annot, 4)
#define HEADER_14  HEADER_12, HEADER_13, H(UINT, unseen, 4)
#define HEADER_16  HEADER_14, H(UINT, createdmodseq, 8)
#define HEADER_CRC H(UINT, header_crc, 4), END

/* v0 to v4 grew at the end only; start_offset says how far (index.md 2.1). */
static const struct cyre_index_field header_4[] = {HEADER_LAST,
	H(UINT, quota_mailbox_used, 4), HEADER_POP, HEADER_FLAGS,
	H(UINT, options, 4), SPARE(16), END};
static const struct cyre_index_field header_5[] = {HEADER_LAST,
	H(UINT, quota_mailbox_used, 4), HEADER_POP, HEADER_FLAGS,
	H(UINT, options, 4), H(UINT, leaked_cache_records, 4), SPARE(12), END};
static const struct cyre_index_field header_6[] = {HEADER_6, SPARE(8), END};
static const struct cyre_index_field header_8[] = {
	HEADER_6, H(UINT, highestmodseq, 8), SPARE(16), END};
static const struct cyre_index_field header_9[] = {
	HEADER_6, H(UINT, highestmodseq, 8), SPARE(20), END};
static const struct cyre_index_field header_12[] = {
	HEADER_12, SPARE(12), HEADER_CRC};
static const struct cyre_index_field header_13[] = {
	HEADER_12, HEADER_13, HEADER_CRC};
static const struct cyre_index_field header_14[] = {
	HEADER_14, SPARE(28), HEADER_CRC};
static const struct cyre_index_field header_16[] = {
	HEADER_16, SPARE(20), HEADER_CRC};
static const struct cyre_index_field header_17[] = {
	HEADER_16, H(TIME, changes_epoch, 4), SPARE(16), HEADER_CRC};
static const struct cyre_index_field header_18[] = {HEADER_16,
	H(TIME, changes_epoch, 4), H(UINT, quota_deleted_used, 8),
	H(UINT, quota_expunged_used, 8), HEADER_CRC};
static const struct cyre_index_field header_19[] = {HEADER_LAST,
	H(UINT, quota_mailbox_used, 8), HEADER_POP, HEADER_FLAGS,
	H(UINT, exists, 4), H(UINT, options, 4),
	H(UINT, leaked_cache_records, 4), H(UINT, highestmodseq, 8),
	H(UINT, deletedmodseq, 8), H(TIME, first_expunged, 4),
	H(TIME, last_repack_time, 4), HEADER_SYNC, H(UINT, recentuid, 4),
	H(TIME, recenttime, 4), HEADER_13, H(UINT, unseen, 4),
	H(UINT, createdmodseq, 8), H(UINT, quota_deleted_used, 8),
	H(UINT, quota_expunged_used, 8), H(TIME, changes_epoch, 4), HEADER_CRC};
static const struct cyre_index_field header_20[] = {HEADER_START,
	H(TIME, last_appenddate, 8), H(UINT, quota_mailbox_used, 8),
	H(TIME, pop3_last_login, 8), HEADER_FLAGS, H(UINT, exists, 4),
	H(UINT, options, 4), H(UINT, leaked_cache_records, 4),
	H(UINT, highestmodseq, 8), H(UINT, deletedmodseq, 8),
	H(UINT, last_uid, 4), H(UINT, uidvalidity, 4), HEADER_SYNC,
	H(TIME, recenttime, 8), H(TIME, pop3_show_after, 8),
	H(UINT, synccrcs_annot, 4), H(UINT, unseen, 4),
	H(UINT, createdmodseq, 8), H(UINT, quota_deleted_used, 8),
	H(UINT, quota_expunged_used, 8), H(UINT, quota_annot_used, 8),
	H(TIME, changes_epoch, 8), H(TIME, first_expunged, 8),
	H(TIME, last_repack_time, 8), H(UINT, recentuid, 4), HEADER_CRC};

#define RECORD_START(word5)                                                    \
	R(UINT, uid, 4), R(TIME, internaldate, 4), R(TIME, sentdate, 4),       \
		R(UINT, size, 4), R(UINT, header_size, 4), word5,              \
		R(UINT, cache_offset, 4), R(TIME, last_updated, 4),            \
		R(UINT, system_flags, 4), R(FLAGS, user_flags, 16)
#define RECORD_2 RECORD_START(R(UINT, content_offset, 4))
#define RECORD_6 RECORD_2, R(UINT, content_lines, 4), R(UINT, cache_version, 4)
#define RECORD_12(word13)                                                      \
	RECORD_START(R(TIME, gmtime, 4)), word13, R(UINT, cache_version, 4),   \
		R(GUID, guid, 20), R(UINT, modseq, 8)
#define LINES      R(UINT, content_lines, 4)
#define SAVED      R(TIME, savedate, 4)
#define RECORD_CRC R(UINT, cache_crc, 4), R(UINT, record_crc, 4), END

const struct cyre_index_field cyre_index_record_1993[] = {R(UINT, uid, 4),
	R(TIME, internaldate, 4), R(UINT, size, 4), R(UINT, header_size, 4),
	R(UINT, content_offset, 4), R(UINT, cache_offset, 4),
	R(TIME, last_updated, 4), R(UINT, system_flags, 4),
	R(FLAGS, user_flags, 16), SPARE(16), END};
static const struct cyre_index_field record_2[] = {RECORD_2, END};
static const struct cyre_index_field record_5[] = {RECORD_2, LINES, END};
static const struct cyre_index_field record_6[] = {RECORD_6, END};
static const struct cyre_index_field record_7[] = {
	RECORD_6, R(GUID, guid, 12), END};
static const struct cyre_index_field record_8[] = {
	RECORD_6, R(GUID, guid, 12), R(UINT, modseq, 8), END};
static const struct cyre_index_field record_10[] = {
	RECORD_6, R(GUID, guid, 20), R(UINT, modseq, 8), END};
static const struct cyre_index_field record_12[] = {
	RECORD_12(LINES), RECORD_CRC};
static const struct cyre_index_field record_13[] = {
	RECORD_12(LINES), R(UINT, cid, 8), RECORD_CRC};
static const struct cyre_index_field record_15[] = {
	RECORD_12(SAVED), R(UINT, cid, 8), RECORD_CRC};
static const struct cyre_index_field record_16[] = {RECORD_12(SAVED),
	R(UINT, cid, 8), R(UINT, createdmodseq, 8), RECORD_CRC};
static const struct cyre_index_field record_20[] = {R(UINT, uid, 4),
	R(UINT, cache_offset, 4), R(TIME, internaldate, 8),
	R(TIME, sentdate, 8), R(UINT, size, 8), R(UINT, header_size, 4),
	R(UINT, system_flags, 4), R(FLAGS, user_flags, 16),
	R(UINT, cache_version, 4), R(GUID, guid, 20), R(UINT, modseq, 8),
	R(UINT, cid, 8), R(UINT, createdmodseq, 8), R(TIME, gmtime, 8),
	R(TIME, last_updated, 8), R(TIME, savedate, 8), R(UINT, basecid, 8),
	RECORD_CRC};

static const struct cyre_index_layout layouts[] = {
	[0] = {0, 76, 52, header_4, record_2},
	[1] = {1, 76, 52, header_4, record_2},
	[2] = {2, 76, 52, header_4, record_2},
	[3] = {3, 76, 52, header_4, record_2},
	[4] = {4, 76, 52, header_4, record_2},
	[5] = {5, 76, 56, header_5, record_5},
	[6] = {6, 76, 60, header_6, record_6},
	[7] = {7, 76, 72, header_6, record_7},
	[8] = {8, 92, 80, header_8, record_8},
	[9] = {9, 96, 80, header_9, record_8},
	[10] = {10, 96, 88, header_9, record_10},
	[12] = {12, 128, 96, header_12, record_12},
	[13] = {13, 128, 104, header_13, record_13},
	[14] = {14, 160, 104, header_14, record_13},
	[15] = {15, 160, 104, header_14, record_15},
	[16] = {16, 160, 112, header_16, record_16},
	[17] = {17, 160, 112, header_17, record_16},
	[18] = {18, 160, 112, header_18, record_16},
	[19] = {19, 160, 112, header_19, record_16},
	[20] = {20, 192, 144, header_20, record_20},
};

const struct cyre_index_layout *cyre_index_layout(uint64_t version)
{
	if (version > CYRE_INDEX_MAX_VERSION || !layouts[version].header)
		return NULL;
	return &layouts[version];
}
