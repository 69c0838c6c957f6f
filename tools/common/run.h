/*
 * run.h - what every tool that goes over a server does around the library:
 * output files, rights, signals, progress
 */
#ifndef CYRE_TOOL_RUN_H
#define CYRE_TOOL_RUN_H

#include <cyrescue/confine.h>
#include <cyrescue/report.h>
#include <cyrescue/scan.h>

#include <signal.h>

#include "options.h"

/* Set by SIGINT and SIGTERM: end soon, with a truthful trailer. */
extern volatile sig_atomic_t cyre_tool_stop;

void cyre_tool_signals(void);

struct cyre_output {
	int fd; /* -1: none */
};

bool cyre_output_open(struct cyre_output *out, const char *path);
/* A cyre_write_fn; NULL is standard output. */
int cyre_output_write(const void *bytes, size_t n, void *payload);
/* Flushed to the disk; false and errno when that failed. */
bool cyre_output_close(struct cyre_output *out);

/* Everything that is open for writing, open before rights are given up. */
struct cyre_tool_outputs {
	cyre_report *reports[2];
	size_t n;
	struct cyre_output file, plan;
};

/*
 * The reports of a run: text, or with `json` JSON Lines, on standard output;
 * JSON Lines to the file `report` as well; an empty file `plan`. Either may be
 * NULL. Complains and returns false when a file cannot be made.
 */
bool cyre_tool_open(const char *tool, const struct cyre_common_options *c,
	bool json, const char *report, const char *plan,
	struct cyre_tool_outputs *ret);
/* Ends the reports and closes the files; false when one was not written. */
bool cyre_tool_close(const char *tool, struct cyre_tool_outputs *out,
	bool complete, int status);

/* The options name a server, or /etc/imapd.conf is there. */
bool cyre_tool_has_place(const struct cyre_common_options *c);
/*
 * How many servers the options name: one a --config. Complains and exits 16
 * when they name none and /etc/imapd.conf is not there.
 */
size_t cyre_tool_places(const char *tool, const struct cyre_common_options *c);
struct cyre_source_place cyre_tool_place(
	const struct cyre_common_options *c, size_t i);
struct cyre_select cyre_tool_select(const struct cyre_common_options *c);
/*
 * After all servers: was there a mailbox for everything that was asked for?
 * Names what there was none for, and returns false.
 */
bool cyre_tool_all_met(const char *tool, const struct cyre_common_options *c);

/*
 * Becomes the server's user. Complains and returns false when that failed.
 */
bool cyre_tool_become(const char *tool, const struct cyre_source_place *place,
	enum cyre_keep keep);
/*
 * The same, and gives up writing; a kernel without Landlock is told under -v
 * only.
 */
bool cyre_tool_confine(const char *tool, const struct cyre_common_options *c,
	const struct cyre_source_place *place);

/* The time zone of the server, for the whole process. */
void cyre_tool_timezone(const struct cyre_common_options *c);

void cyre_tool_begin(const char *tool, const struct cyre_common_options *c,
	const struct cyre_source_place *place, unsigned level,
	cyre_report *const *reports, size_t n);

/* The name of this run, as in the report's header. */
void cyre_tool_run_name(char ret[64]);

struct cyre_tool_progress {
	bool bar;           /* a terminal looks */
	bool shown;         /* something is on the line */
	double start, last; /* seconds */
};

void cyre_tool_progress(struct cyre_tool_progress *p,
	const struct cyre_common_options *c,
	void (**ret_hook)(void *, const struct cyre_progress *),
	void **ret_payload);
void cyre_tool_progress_end(struct cyre_tool_progress *p);

/* Why a run could not be done, in words an administrator can act on. */
void cyre_tool_explain(
	const char *tool, cyre_status st, const struct cyre_error *err);

#endif
