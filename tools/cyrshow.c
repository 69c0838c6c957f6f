/*
 * cyrshow - print what is readable in a mailbox's directory or files
 *
 * Parses options, gives up writing, calls the library. Manual:
 * docs/man/cyrshow.8.
 */
#include <cyrescue/confine.h>
#include <cyrescue/show.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/options.h"

#define TOOL "cyrshow"

static const char usage[] = "Usage: cyrshow [OPTION]... PATH...\n"
			    "Prints a mailbox's directory, cyrus.header, "
			    "cyrus.index, cyrus.expunge or\n"
			    "cyrus.cache, or a database, and marks what is "
			    "damaged. Writes nothing.\n";

static bool set_json(void *payload, const char *s)
{
	(void)s;
	((struct cyre_show_options *)payload)->format = CYRE_REPORT_JSON;
	return true;
}

static const struct cyre_option own_options[] = {
	{"json", 0, NULL, "JSON Lines", CYRE_CALLS(set_json)},
	{NULL, 0, NULL, NULL, CYRE_CALLS(NULL)},
};

static void explain(
	const char *path, cyre_status st, const struct cyre_error *e)
{
	switch (st) {
	case CYRE_EIO:
		cyre_complain(TOOL, "%s: %s", path,
			e->errnum == EINVAL ? "neither file nor directory"
					    : strerror(e->errnum));
		break;
	case CYRE_ELIMIT:
		cyre_complain(TOOL, "%s: larger than --memory allows", path);
		break;
	case CYRE_EFORMAT:
		cyre_complain(TOOL, "%s: no file of a mailbox, and no database",
			path);
		break;
	default:
		cyre_complain(TOOL, "%s: %s", path, cyre_status_text(st));
	}
}

static int show(const struct cyre_show_options *o, const char *path)
{
	struct cyre_show_result result;
	struct cyre_error err = {0};
	cyre_status st = cyre_show(o, path, &result, &err);
	int status = EXIT_CLEAN;

	if (st != CYRE_OK) {
		if (st != CYRE_EIO || err.errnum)
			explain(path, st, &err);
		status |= EXIT_NOT_DONE;
	}
	if (result.skipped)
		status |= EXIT_NOT_DONE;
	if (result.found && result.worst > CYRE_SEV_NOTE)
		status |= EXIT_PROBLEMS;
	return status;
}

int main(int argc, char **argv)
{
	struct cyre_show_options o = {.format = CYRE_REPORT_TEXT,
		.now = (uint64_t)time(NULL),
		.write = cyre_stdout_write};
	struct cyre_common_options common;
	int first, status = EXIT_CLEAN;

	cyre_parse_options(argc, argv, CYRE_TAKES_FILES, TOOL, usage,
		own_options, &o, &common, &first);
	if (first == argc)
		cyre_usage_error(TOOL, "which PATH?");
	o.verbose = common.verbose;
	o.memory = common.memory;
	cyre_confine_readonly(NULL);
	for (; first < argc && !ferror(stdout); first++)
		status |= show(&o, argv[first]);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cyre_complain(TOOL, "standard output: %s", strerror(errno));
		status |= EXIT_NOT_DONE;
	}
	cyre_common_free(&common);
	return status;
}
