/*
 * report.h - what the two forms of a report share
 */
#ifndef CYRE_REPORT_H
#define CYRE_REPORT_H

#include <cyrescue/report.h>

#include "buf.h"

/* One form: how each thing is put into `out`. */
struct cyre_report_form {
	void (*begin)(cyre_report *r, const struct cyre_report_run *run);
	void (*mailbox)(cyre_report *r, const struct cyre_report_mailbox *m);
	void (*repair)(cyre_report *r, const struct cyre_report_mailbox *m,
		const struct cyre_report_repair *repair);
	void (*server)(cyre_report *r, const char *path,
		const struct cyre_findings *f);
	void (*database)(cyre_report *r, const char *userid, const char *path,
		const struct cyre_findings *f);
	/* NULL: told at the end. */
	void (*databases_left)(cyre_report *r, const struct cyre_findings *f);
	void (*end)(cyre_report *r, bool complete, int exit_status);
	void (*free)(cyre_report *r); /* NULL: nothing of its own */
};

extern const struct cyre_report_form cyre__report_json;
extern const struct cyre_report_form cyre__report_text;

struct cyre_report {
	struct cyre_report_options options;
	const struct cyre_report_form *form;
	struct cyre_report_totals totals;
	struct cyre_buf out;    /* on its way to write() */
	struct cyre_buf body;   /* text: kept until the triage is known */
	struct cyre_text *text; /* of the text form */
	const char *database;   /* text: the one that was told of last */
	unsigned level;
	cyre_status status; /* sticky */
};

/* Hands `out` on. */
void cyre__report_flush(cyre_report *r);
/* "clean", or the name of the worst severity. */
const char *cyre__mailbox_status(const struct cyre_findings *f);
const char *cyre__access_name(enum cyre_access a);
const char *cyre__outcome_name(enum cyre_outcome o);

#endif
