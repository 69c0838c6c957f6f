/*
 * cyrescue/report.h - what a run found, as JSON Lines or as a screen
 *
 * The JSON Lines form is docs/report.schema.json, manual cyrescue-report(5):
 * a header, then for each mailbox its findings behind its own line, then a
 * trailer. The text form is for people: the triage first, then the findings by
 * mailbox. Names are hostile: both forms escape.
 *
 * Threads: a report belongs to one thread.
 */
#ifndef CYRESCUE_REPORT_H
#define CYRESCUE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cyrescue/finding.h>

#define CYRE_REPORT_SCHEMA "cyrescue-report/1"

enum cyre_access {
	CYRE_ACCESS_OK,
	CYRE_ACCESS_DEGRADED,   /* opens, but shows something wrong */
	CYRE_ACCESS_UNAVAILABLE /* the server cannot open the mailbox */
};

/* What a rebuild made of a mailbox. */
enum cyre_outcome {
	CYRE_OUTCOME_NONE,     /* it was only looked at */
	CYRE_OUTCOME_CLEAN,    /* there was nothing to repair */
	CYRE_OUTCOME_PLANNED,  /* there is, and nothing was done yet */
	CYRE_OUTCOME_REPAIRED, /* nothing above a note is left */
	CYRE_OUTCOME_LEFT,     /* what could be repaired is; problems remain */
	CYRE_OUTCOME_FAILED    /* could not be worked on */
};
#define CYRE_OUTCOMES 6

/* The run as a whole. Strings are borrowed; NULL: left out. */
struct cyre_report_run {
	const char *tool, *run, *host, *instance, *started, *shard,
		*config_sha256;
	unsigned level;
};

/* One mailbox; strings are borrowed, NULL: not known. */
struct cyre_report_mailbox {
	const char *mboxname; /* internal form */
	const char *userid, *partition, *path, *uniqueid;
	enum cyre_access access;
	bool delivery_blocked;
	bool opened; /* the index could be read */
	uint64_t messages, bytes;
	unsigned index_version;
	const struct cyre_findings *findings; /* sorted */
	/* Of a rebuild. */
	enum cyre_outcome outcome;
	bool changed;                     /* files are not what they were */
	const struct cyre_findings *left; /* found afterwards; NULL: nobody
					   * looked */
	const char *error;                /* why it FAILED; NULL */
};

/* One value that a rebuild changes. Strings are borrowed; NULL: none. */
struct cyre_report_repair {
	enum cyre_file file;
	uint32_t uid; /* 0: the mailbox */
	const char *field, *before, *after, *origin, *loss;
};

struct cyre_report_totals {
	uint64_t mailboxes, messages, bytes;
	uint64_t by_severity[4]; /* mailboxes by their worst finding */
	uint64_t clean;          /* mailboxes without any finding */
	uint64_t unavailable, degraded, blocked;
	uint64_t databases;       /* files of the configdirectory */
	uint64_t databases_by[4]; /* by their worst finding */
	uint64_t findings[CYRE_PROBLEM_COUNT];
	uint64_t outcomes[CYRE_OUTCOMES]; /* mailboxes */
	uint64_t changed;                 /* mailboxes */
	uint64_t repairs, losses;         /* values */
	/* Databases of the server, after a rebuild of its mailboxes. */
	uint64_t databases_planned, databases_written, databases_failed;
	uint64_t databases_left[CYRE_PROBLEM_COUNT]; /* found afterwards */
};

/* Where the bytes go: 0, or -1 and errno. */
typedef int cyre_write_fn(const void *bytes, size_t n, void *payload);

typedef struct cyre_report cyre_report;

enum cyre_report_format { CYRE_REPORT_JSON, CYRE_REPORT_TEXT };

struct cyre_report_options {
	enum cyre_report_format format;
	bool quiet;             /* text: the triage only */
	bool verbose;           /* text: notes too, every finding */
	bool silent_when_clean; /* text: nothing at all on exit status 0 */
	cyre_write_fn *write;
	void *payload;
};

/* CYRE_OK, CYRE_ENOMEM. Options are copied. */
CYRE_API cyre_status cyre_report_new(
	const struct cyre_report_options *o, cyre_report **ret);
CYRE_API void cyre_report_begin(
	cyre_report *r, const struct cyre_report_run *run);
/* Mailboxes come in the order of the report. */
CYRE_API void cyre_report_mailbox(
	cyre_report *r, const struct cyre_report_mailbox *m);
/* One change of the mailbox reported last. */
CYRE_API void cyre_report_repair(cyre_report *r,
	const struct cyre_report_mailbox *m,
	const struct cyre_report_repair *repair);
/* Findings of no mailbox: configuration, partitions. `path`: of the file
 * or directory they are about, NULL: the server. */
CYRE_API void cyre_report_server(
	cyre_report *r, const char *path, const struct cyre_findings *f);
/* One file of the configdirectory that was looked at. `userid`: whose, NULL: the
 * server's. Before the mailboxes, or behind them. */
CYRE_API void cyre_report_database(cyre_report *r, const char *userid,
	const char *path, const struct cyre_findings *f);
/* What a rebuild left of and about databases, or did not touch: once, behind
 * everything else. */
CYRE_API void cyre_report_databases_left(
	cyre_report *r, const struct cyre_findings *f);
/*
 * The end. `complete` false: the run was interrupted. CYRE_OK, or what went
 * wrong first: CYRE_ENOMEM, CYRE_EIO (a write failed).
 */
CYRE_API cyre_status cyre_report_end(
	cyre_report *r, bool complete, int exit_status);
CYRE_API const struct cyre_report_totals *cyre_report_totals(
	const cyre_report *r);
CYRE_API void cyre_report_free(cyre_report *r);

/*
 * A name or path as the text form shows it: control characters, and bytes that
 * are not UTF-8, are \xNN, a backslash is doubled. free(3); NULL: no memory.
 */
CYRE_API char *cyre_visible(const char *s);

/* Worst severity of a list; false: it is empty. */
CYRE_API bool cyre_findings_worst(
	const struct cyre_findings *f, enum cyre_severity *ret);

#endif
