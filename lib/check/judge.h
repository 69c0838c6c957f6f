/*
 * judge.h - one mailbox's evidence -> findings and facts
 *
 * Pure: calls each check on what gather found. What needs message bytes (level
 * 4) is called by the engine, message by message, in check_messages.h.
 */
#ifndef CYRE_JUDGE_H
#define CYRE_JUDGE_H

#include "check_cache.h"
#include "check_files.h"
#include "check_index.h"
#include "evidence.h"
#include "header.h"

struct cyre_judge_options {
	unsigned level; /* CYRE_LEVEL_... as numbers */
	uint64_t now;   /* seconds; 0: dates are not held against it */
	bool absent;    /* it has no file at all, which is told already */
	/* What mailboxes.db says of it. Empty, 0: nothing. */
	struct cyre_slice listed_uniqueid, listed_name;
	uint64_t listed_uidvalidity;
};

/* What the judge made of the evidence; free with cyre_judgement_free(). */
struct cyre_judgement {
	bool header_read, index_read, expunge_read;
	bool index_whole; /* no record can have been lost from the index */
	/* It is of another mailbox: `index` can be read, and nothing goes by
	 * it, as if it were not there. */
	bool index_foreign;
	bool header_foreign; /* so is cyrus.header, alone or with it */
	struct cyre_header header;
	struct cyre_index index, expunge;
	struct cyre_index_totals totals;
	struct cyre_files_totals files;
	struct cyre_cache_totals cache[2]; /* by side */
	bool unavailable;      /* the server cannot open the mailbox */
	bool degraded;         /* it opens, and shows something wrong */
	bool delivery_blocked; /* new mail is not taken */
};

/*
 * The first half: header, index, expunge file, which say what each message is
 * to be. CYRE_OK or CYRE_ENOMEM; *ret is to be freed in any case.
 */
cyre_status cyre_judge_metadata(const struct cyre_evidence *ev,
	const struct cyre_judge_options *o, struct cyre_findings *found,
	struct cyre_judgement *ret);
/*
 * The second: message files by their sizes, annotations, caches. `j` is what
 * the first half made of the same evidence. CYRE_OK or CYRE_ENOMEM.
 */
cyre_status cyre_judge_files(const struct cyre_evidence *ev,
	const struct cyre_judge_options *o, struct cyre_findings *found,
	struct cyre_judgement *j);
void cyre_judgement_free(struct cyre_judgement *j);

/* Was this found, and is it one of a family ("HD-") that is more than a note? */
bool cyre_judge_is_hurt(const struct cyre_findings *found, enum cyre_problem p,
	const char *family);

/* What the findings so far mean for who opens the mailbox. */
void cyre_judge_access(
	const struct cyre_findings *found, struct cyre_judgement *j);

#endif
