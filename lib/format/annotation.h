/*
 * annotation.h - one entry of cyrus.annotations or annotations.db
 *
 * Format: docs/formats/per-mailbox-other.md section 4. The container is read by
 * cyrescue/db.h; this is what its keys and values mean. Slices borrow.
 */
#ifndef CYRE_ANNOTATION_H
#define CYRE_ANNOTATION_H

#include "buf.h"
#include "bytes.h"

/* What the owner's own id is stored as since 3.6. */
#define CYRE_ANNOTATION_OWNER "[.OwNeR.]"

struct cyre_annotation {
	/* The first part of the key: a uid in decimal in cyrus.annotations, a
	 * mailbox or nothing in annotations.db. */
	struct cyre_slice scope;
	struct cyre_slice entry;  /* "/comment", … */
	struct cyre_slice userid; /* empty: shared */
	bool has_userid;          /* keys without one were left by old bugs */
	struct cyre_slice value;
	uint64_t modseq; /* 0: older than 3.1.6 */
	bool deleted;    /* a tombstone */
};

/* False when key or value are none of an annotation. */
bool cyre_annotation_parse(struct cyre_slice key, struct cyre_slice value,
	struct cyre_annotation *ret);
/* The scope as a uid; 0: it is none. */
uint32_t cyre_annotation_uid(const struct cyre_annotation *a);

/* Appends the key of a shared annotation of a message. */
void cyre_annotation_put_key(
	struct cyre_buf *b, uint32_t uid, const char *entry);
/* Appends a value; modseq 0: as releases up to 3.1 write it, without one. */
void cyre_annotation_put_value(
	struct cyre_buf *b, struct cyre_slice value, uint64_t modseq);

#endif
