/*
 * report_triage.h - how many are hurt and how badly: the first screen of a text
 * report
 */
#ifndef CYRE_REPORT_TRIAGE_H
#define CYRE_REPORT_TRIAGE_H

#include "report.h"

/* Ascending; the worst of what was found decides. */
enum cyre_bucket {
	CYRE_FINE,
	CYRE_STALE,
	CYRE_DAMAGED,
	CYRE_CLOSED,
	CYRE_LOSING,
	CYRE_BUCKETS
};

struct cyre_triage {
	uint64_t mailboxes[CYRE_BUCKETS], databases[CYRE_BUCKETS];
	struct cyre_triage_customer *customers;
	struct cyre_triage_row *rows; /* of "Worst first" */
	size_t n, cap;
	struct cyre_buf rows_text;
};

/* `closed`: no server can open the mailbox. */
enum cyre_bucket cyre_bucket_of(const struct cyre_findings *f, bool closed);
const char *cyre_bucket_name(enum cyre_bucket bucket);

/* One more mailbox or database of a customer; `userid` may be NULL or "". What
 * has no memory ends in r->status, here and below. */
void cyre_triage_customer(cyre_report *r, struct cyre_triage *t,
	const char *userid, enum cyre_bucket bucket);
/* `name`: of the mailbox, or the path of a file, or "server". */
void cyre_triage_row(cyre_report *r, struct cyre_triage *t,
	enum cyre_bucket bucket, const char *name,
	const struct cyre_findings *f);
/* All of it into r->out. */
void cyre_triage_put(
	cyre_report *r, const struct cyre_triage *t, bool complete);
void cyre_triage_free(struct cyre_triage *t);

#endif
