/*
 * undo_archive_names.h - what writer and reader of undo archives agree on
 */
#ifndef CYRE_UNDO_ARCHIVE_NAMES_H
#define CYRE_UNDO_ARCHIVE_NAMES_H

#include "buf.h"
#include "digest.h"

#define PART_ENDING  ".part"
#define OWNERS_PATH  ".cyrescue-undo/owners"
#define CHANGES_PATH ".cyrescue-undo/changes"
#define SUMS_PATH    ".cyrescue-undo/sha256sums"
#define MARK_PATH    ".cyrescue-undo/finished"
#define MARK_START   "cyrescue-undo/1 "

/* A line as sha256sum(1) writes it, names with a backslash or a line end are
 * escaped; leading slashes of the path are left out. */
void cyre__archive_sum_line(struct cyre_buf *b,
	const uint8_t sha[CYRE_SHA256_LEN], const char *path);

/* Mode, owner, group, modification time and a sum of the extended attributes of
 * a member: the sums are of its bytes alone. */
struct archive_entry;
cyre_status cyre__archive_owner_line(struct cyre_buf *b,
	struct cyre_hasher *hasher, struct archive_entry *e);

#endif
