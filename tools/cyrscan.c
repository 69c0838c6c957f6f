/*
 * cyrscan - look at a crashed Cyrus server's spool and say who is hurt
 *
 * Parses options, gives up the rights a scan does not need, calls the library,
 * and turns the result into an exit status. Manual: docs/man/cyrscan.8.
 */
#include <cyrescue/confine.h>
#include <cyrescue/report.h>
#include <cyrescue/scan.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/options.h"
#include "common/run.h"

#define TOOL "cyrscan"

static const char usage[] =
	"Usage: cyrscan [OPTION]...\n"
	"Checks the mailboxes of a Cyrus IMAP server. Writes nothing.\n";

struct scan_tool {
	struct cyre_common_options common;
	unsigned level;
	bool json;
	const char *output;
	enum cyre_severity fail_on;
	bool looked; /* at all servers, to their end */
};

static bool set_level(void *payload, const char *s)
{
	struct scan_tool *t = payload;
	uint64_t v;

	if (!cyre_parse_number(s, CYRE_LEVEL_PARSE, &v))
		return false;
	t->level = (unsigned)v;
	return true;
}

static bool set_fail_on(void *payload, const char *s)
{
	struct scan_tool *t = payload;
	int i;

	for (i = CYRE_SEV_NOTE; i <= CYRE_SEV_LOSS; i++)
		if (!strcmp(s, cyre_severity_name((enum cyre_severity)i))) {
			t->fail_on = (enum cyre_severity)i;
			return true;
		}
	return false;
}

static const struct cyre_option own_options[] = {
	{"level", 0, "N",
		"0 databases, 1 directories, 2 indexes, 3 every checksum "
		"(default), 4 every message, 5 parsed too",
		CYRE_CALLS(set_level)},
	{"json", 0, NULL, "the report as JSON Lines on standard output",
		CYRE_SETS_FLAG(struct scan_tool, json)},
	{"output", 'o', "FILE",
		"the report as JSON Lines to FILE, beside the text",
		CYRE_SETS_TEXT(struct scan_tool, output)},
	{"fail-on", 0, "SEVERITY",
		"note, stale (default), damage or loss: what makes exit status "
		"4",
		CYRE_CALLS(set_fail_on)},
	{NULL, 0, NULL, NULL, CYRE_CALLS(NULL)},
};

static int status_of(
	const struct scan_tool *t, const struct cyre_scan_result *r)
{
	int status = EXIT_CLEAN;

	if (r->has_findings && r->worst >= t->fail_on)
		status |= EXIT_PROBLEMS;
	if (r->skipped)
		status |= EXIT_NOT_DONE;
	if (r->interrupted)
		status |= EXIT_INTERRUPTED;
	return status;
}

/* One server: its header, its mailboxes, its trailer. */
static int scan_place(
	struct scan_tool *t, const struct cyre_source_place *place)
{
	struct cyre_scan_options o = {
		.place = *place,
		.select = cyre_tool_select(&t->common),
		.level = t->level,
		.jobs = t->common.jobs,
		.memory = t->common.memory,
		.now = (uint64_t)time(NULL),
		.stop = &cyre_tool_stop,
	};
	struct cyre_scan_result result = {0};
	struct cyre_tool_progress progress;
	struct cyre_error err = {0};
	struct cyre_tool_outputs out;
	int status = EXIT_NOT_DONE;
	cyre_status st;

	if (!cyre_tool_open(TOOL, &t->common, t->json, t->output, NULL, &out))
		return EXIT_NOT_DONE;
	if (!cyre_tool_confine(TOOL, &t->common, place)) {
		cyre_tool_close(TOOL, &out, false, EXIT_NOT_DONE);
		return EXIT_NOT_DONE;
	}
	cyre_tool_begin(TOOL, &t->common, place, t->level, out.reports, out.n);
	o.reports = out.reports;
	o.n_reports = out.n;
	cyre_tool_progress(&progress, &t->common, &o.progress, &o.payload);
	st = cyre_scan(&o, &result, &err);
	cyre_tool_progress_end(&progress);
	t->looked &= result.complete;
	if (st == CYRE_OK)
		status = status_of(t, &result);
	else {
		if (st == CYRE_EUSAGE)
			status = EXIT_USAGE;
		cyre_tool_explain(TOOL, st, &err);
	}
	if (!cyre_tool_close(
		    TOOL, &out, st == CYRE_OK && result.complete, status))
		status |= EXIT_NOT_DONE;
	return status;
}

int main(int argc, char **argv)
{
	struct scan_tool t = {.level = CYRE_LEVEL_SUMS,
		.fail_on = CYRE_SEV_STALE,
		.looked = true};
	struct cyre_source_place place;
	size_t i, n;
	int first, status = EXIT_CLEAN;

	cyre_parse_options(argc, argv, CYRE_TAKES_SERVER, TOOL, usage,
		own_options, &t, &t.common, &first);
	if (first < argc)
		cyre_usage_error(TOOL,
			"unexpected argument '%s'; mailboxes are named with -m",
			argv[first]);
	cyre_tool_signals();
	n = cyre_tool_places(TOOL, &t.common);
	if (n > 1 && t.output)
		cyre_usage_error(
			TOOL, "-o takes one report; give one --config with it");
	for (i = 0; i < n && !cyre_tool_stop; i++) {
		place = cyre_tool_place(&t.common, i);
		status |= scan_place(&t, &place);
	}
	if (t.looked && t.level > CYRE_LEVEL_DATABASES &&
		!cyre_tool_all_met(TOOL, &t.common))
		status |= EXIT_NOT_DONE;
	cyre_common_free(&t.common);
	return status;
}
