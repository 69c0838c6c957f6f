/*
 * check_foreign.h - is this the index of this mailbox at all?
 *
 * fsck, or a restore, may have put the cyrus.index of another mailbox here:
 * sound in itself, and wrong of every message. Said only where the message
 * files and something else contradict it; a damaged index of this mailbox, or
 * one whose messages were cut, is never meant (docs/design.md section 5).
 */
#ifndef CYRE_CHECK_FOREIGN_H
#define CYRE_CHECK_FOREIGN_H

#include "evidence.h"
#include "header.h"
#include "index.h"

struct cyre_foreign_context {
	const struct cyre_index *index;
	const struct cyre_msgfile *files; /* sorted by uid, then side */
	size_t nfiles;
	/* cyrus.header; NULL: there is none, or it is damaged. */
	const struct cyre_header *header;
	/* What the directory and mailboxes.db say. Empty, 0: nothing. */
	struct cyre_slice path_uniqueid, listed_uniqueid;
	uint64_t listed_uidvalidity;
};

/* Does this record tell of a file that is there and has bytes, and can its
 * size be believed? Then *ret_fits says whether it is the file's. `f`, `n`: the
 * files of its uid. */
bool cyre_record_is_comparable(const struct cyre_index *ix, uint32_t recno,
	const struct cyre_index_record *r, const struct cyre_msgfile *f,
	size_t n, bool *ret_fits);

/* cyrus.header itself has the uniqueid of another mailbox. */
bool cyre_header_is_foreign(const struct cyre_foreign_context *ctx);

/* True, after a finding, when the index is of another mailbox. */
bool cyre_check_foreign(
	const struct cyre_foreign_context *ctx, struct cyre_findings *found);

#endif
