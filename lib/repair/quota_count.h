/*
 * quota_count.h - what each quota root uses, counted from the indexes of the
 * mailboxes whose headers name it
 *
 * Limits stay, whatever they are; what is used is counted. A root whose record
 * is lost or damaged gets the limits of the first copy that can be read: a
 * doubtful record of the database, or another file. Where there is no copy it
 * is made again without a limit. A copy alone makes no root: it may have been
 * removed since; a mailbox must be, or may be, charged to it. Where the header
 * or index of a mailbox cannot be believed, every root it can belong to stays as
 * it is.
 *
 * Threads: one thread at a time.
 */
#ifndef CYRE_QUOTA_COUNT_H
#define CYRE_QUOTA_COUNT_H

#include <cyrescue/status.h>

#include "buf.h"
#include "userdb.h"

enum cyre_quota_action {
	CYRE_QUOTA_KEPT,
	CYRE_QUOTA_CHANGED,  /* something else is used */
	CYRE_QUOTA_ADDED,    /* it was not there, or could not be read */
	CYRE_QUOTA_DOUBTFUL, /* counted; its limits are those of a copy */
	CYRE_QUOTA_PARTIAL,  /* not counted: part of it cannot be read */
	CYRE_QUOTA_ACTIONS
};
/* "kept", "changed", … */
const char *cyre_quota_action_name(enum cyre_quota_action a);

struct cyre_quota_root {
	struct cyre_slice root;  /* internal name */
	struct cyre_slice value; /* as it was stored; empty: it was not */
	bool stored;             /* the database has it, readable or not */
	bool readable;           /* and `before` is what it says */
	bool doubtful;           /* `value` is of a copy */
	bool wanted;             /* a mailbox of it is */
	struct cyre_quota before, after;
	enum cyre_quota_action action;
};

/* A mailbox. Slices are copied. */
struct cyre_quota_use {
	struct cyre_slice name, root; /* root empty: it has none */
	bool root_known, used_known;
	bool wanted; /* the run is about it */
	uint64_t used[CYRE_QUOTA_RESOURCES];
};

struct cyre_quota_count;

/* Each: CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_quota_count_new(struct cyre_quota_count **ret);
void cyre_quota_count_free(struct cyre_quota_count *c); /* NULL is fine */
/* A root as the database has it. */
cyre_status cyre_quota_count_stored(struct cyre_quota_count *c,
	struct cyre_slice root, struct cyre_slice value);
/* As a copy has it, the better ones first: counts where nothing better does. */
cyre_status cyre_quota_count_copy(struct cyre_quota_count *c,
	struct cyre_slice root, struct cyre_slice value);
cyre_status cyre_quota_count_mailbox(
	struct cyre_quota_count *c, const struct cyre_quota_use *u);
/* There are mailboxes of which nothing is known: no root is counted. */
void cyre_quota_count_not_all(struct cyre_quota_count *c);
/*
 * `list`: new roots are written as 2.5 and later do. *ret, by root, lives as
 * long as the count.
 */
cyre_status cyre_quota_count_finish(struct cyre_quota_count *c, bool list,
	struct cyre_quota_root *const **ret, size_t *ret_n);

/* The value as the server stores it (user-databases.md section 7): a list of
 * 2.5 and later, or the two numbers of before. */
void cyre_quota_put(struct cyre_buf *b, const struct cyre_quota *q, bool list);

#endif
