/*
 * cyrdb_rebuild.c - cyrdb rebuild: make a database again
 *
 * Parses options and calls the library. Without --apply it cannot write, like a
 * scan. Manual: docs/man/cyrdb.8.
 */
#include "cyrdb_rebuild.h"

#include <cyrescue/dbrebuild.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/run.h"

#define TOOL "cyrdb rebuild"

static const char usage[] =
	"Usage: cyrdb rebuild mailboxes|quota|seen [SELECT] [--apply]\n"
	"Makes mailboxes.db again from what is left of it, the header of\n"
	"every mailbox, and its copies; counts quota; mends seen state and\n"
	"attaches it to mailboxes that have another uniqueid now. Tells the\n"
	"plan; writes with --apply only.\n";

struct rebuild_tool {
	struct cyre_common_options common;
	struct cyre_dbrebuild_options o;
	struct cyre_list donors;
	bool dry_run;
};

static bool set_donor(void *payload, const char *s)
{
	cyre_list_add(&((struct rebuild_tool *)payload)->donors, s);
	return true;
}

static bool set_json(void *payload, const char *s)
{
	(void)s;
	((struct rebuild_tool *)payload)->o.out.format = CYRE_REPORT_JSON;
	return true;
}

static const struct cyre_option own_options[] = {
	{"apply", 0, NULL,
		"do it; without, the plan is told and nothing written",
		CYRE_SETS_FLAG(struct rebuild_tool, o.apply)},
	{"dry-run", 'n', NULL, "plan only",
		CYRE_SETS_FLAG(struct rebuild_tool, dry_run)},
	{"donor", 0, "FILE",
		"a copy of mailboxes.db, or a dump of ctl_mboxlist -d",
		CYRE_CALLS(set_donor)},
	{"offline", 0, NULL, "the server is stopped, do not look whether it is",
		CYRE_SETS_FLAG(struct rebuild_tool, o.offline)},
	{"undo-dir", 0, "DIR",
		"the original goes to an archive in DIR (default: "
		"cyrescue-undo in the configdirectory)",
		CYRE_SETS_TEXT(struct rebuild_tool, o.undo_dir)},
	{"json", 0, NULL, "JSON Lines on standard output",
		CYRE_CALLS(set_json)},
	{NULL, 0, NULL, NULL, CYRE_CALLS(NULL)},
};

static const struct {
	const char *name;
	enum cyre_dbrebuild_what what;
} databases[] = {
	{"mailboxes", CYRE_DBREBUILD_MAILBOXES},
	{"quota", CYRE_DBREBUILD_QUOTA},
	{"seen", CYRE_DBREBUILD_SEEN},
};

static int status_of(const struct cyre_dbrebuild_result *r)
{
	int status = EXIT_CLEAN;

	if (r->changed)
		status |= EXIT_REPAIRED;
	if (r->planned || r->left)
		status |= EXIT_PROBLEMS;
	if (r->skipped)
		status |= EXIT_NOT_DONE;
	if (r->interrupted)
		status |= EXIT_INTERRUPTED;
	return status;
}

static int rebuild_place(
	const struct rebuild_tool *t, const struct cyre_source_place *place)
{
	struct cyre_dbrebuild_options o = t->o;
	struct cyre_dbrebuild_result result = {0};
	struct cyre_tool_progress progress;
	struct cyre_error err = {0};
	char run[64];
	cyre_status st;

	if (!(o.apply ? cyre_tool_become(TOOL, place, CYRE_KEEP_REPAIR)
		      : cyre_tool_confine(TOOL, &t->common, place)))
		return EXIT_NOT_DONE;
	cyre_tool_run_name(run);
	o.run = run;
	o.scan = (struct cyre_scan_options){
		.place = *place,
		.select = cyre_tool_select(&t->common),
		.jobs = t->common.jobs,
		.memory = t->common.memory,
		.now = (uint64_t)time(NULL),
		.stop = &cyre_tool_stop,
	};
	cyre_tool_progress(
		&progress, &t->common, &o.scan.progress, &o.scan.payload);
	st = cyre_dbrebuild(&o, &result, &err);
	cyre_tool_progress_end(&progress);
	if (st == CYRE_OK)
		return status_of(&result);
	cyre_tool_explain(TOOL, st, &err);
	return status_of(&result) |
	       (st == CYRE_EUSAGE ? EXIT_USAGE : EXIT_NOT_DONE);
}

static enum cyre_dbrebuild_what database_named(const char *name)
{
	size_t i, n = sizeof(databases) / sizeof(databases[0]);

	for (i = 0; i < n; i++)
		if (!strcmp(databases[i].name, name))
			return databases[i].what;
	cyre_usage_error(TOOL, "there is no '%s' to rebuild", name);
}

int cyrdb_rebuild(int argc, char **argv)
{
	struct rebuild_tool t = {.o.out = {.format = CYRE_REPORT_TEXT,
					 .write = cyre_stdout_write}};
	struct cyre_source_place place;
	int first, status = EXIT_CLEAN;
	size_t i, n;

	cyre_parse_options(argc, argv, CYRE_TAKES_SERVER, TOOL, usage,
		own_options, &t, &t.common, &first);
	if (first == argc)
		cyre_usage_error(
			TOOL, "what to rebuild? mailboxes, quota or seen");
	if (first + 1 < argc)
		cyre_usage_error(TOOL,
			"unexpected argument '%s'; mailboxes are named with -m",
			argv[first + 1]);
	if (t.o.apply && t.dry_run)
		cyre_usage_error(
			TOOL, "--apply and --dry-run exclude each other");
	t.o.what = database_named(argv[first]);
	t.o.out.quiet = t.common.quiet || t.common.cron;
	t.o.out.verbose = t.common.verbose;
	t.o.donors = (const char *const *)t.donors.items;
	t.o.n_donors = t.donors.n;
	cyre_tool_signals();
	n = cyre_tool_places(TOOL, &t.common);
	if (n > 1 && t.donors.n)
		cyre_usage_error(TOOL,
			"--donor is for one server; give one --config with it");
	for (i = 0; i < n && !cyre_tool_stop; i++) {
		place = cyre_tool_place(&t.common, i);
		status |= rebuild_place(&t, &place);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cyre_complain(TOOL, "standard output: %s", strerror(errno));
		status |= EXIT_NOT_DONE;
	}
	cyre_list_free(&t.donors);
	cyre_common_free(&t.common);
	return status;
}
