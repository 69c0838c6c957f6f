/*
 * check_header.h - do the values of cyrus.header make sense?
 *
 * Pure: reads memory, adds findings. The invariants are those of
 * docs/formats/header.md section 7; what does not fit the form was found by
 * cyre_header_read().
 */
#ifndef CYRE_CHECK_HEADER_H
#define CYRE_CHECK_HEADER_H

#include "buf.h"
#include "header.h"

struct cyre_header_context {
	enum cyre_file file;
	/* The mailbox's internal name as its place tells it; empty: unknown. */
	struct cyre_slice mboxname;
};

void cyre_check_header(const struct cyre_header *h,
	const struct cyre_header_context *ctx, struct cyre_findings *found);

/* Is this root the mailbox, one above it, or its whole domain ("domain!")? */
bool cyre_quotaroot_is_above(struct cyre_slice root, struct cyre_slice name);

/* May a user flag have this name? An IMAP atom of less than 1024 bytes. */
bool cyre_flag_name_ok(struct cyre_slice name);
/* Appends the entries of an ACL that are whole and mean something. False: no
 * memory. */
bool cyre_acl_keep_whole(struct cyre_slice acl, struct cyre_buf *out);
/* What a mailbox type consists of (header.md 3). */
#define CYRE_TYPE_LETTERS "enbcajspfdmrzil"

#endif
