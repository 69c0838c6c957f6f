/*
 * cyrrebuild - bring lost metadata of a Cyrus server's mailboxes back
 *
 * Parses options, gives up the rights it does not need, calls the library, and
 * turns the result into an exit status. Manual: docs/man/cyrrebuild.8.
 */
#include <cyrescue/mail.h>
#include <cyrescue/rebuild.h>
#include <cyrescue/report.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/options.h"
#include "common/run.h"
#include "cyrrebuild_undo.h"

#define TOOL "cyrrebuild"

static const char usage[] = "Usage: cyrrebuild [OPTION]...\n"
			    "Brings lost metadata of mailboxes back. Plans "
			    "only, unless --apply is given.\n";

struct rebuild_tool {
	struct cyre_common_options common;
	struct cyre_rebuild_options o;
	bool only[CYRE_PROBLEM_COUNT];
	bool json, dry_run, force;
	bool looked; /* at all servers, to their end */
	const char *output, *plan_out, *undo, *resume;
};

static bool choose(const char *s, const char *const *names, int n, int *ret)
{
	int i;

	for (i = 0; i < n; i++)
		if (!strcmp(s, names[i])) {
			*ret = i;
			return true;
		}
	return false;
}

static bool set_accept(void *payload, const char *s)
{
	static const char *const names[] = {"exact", "rule", "all"};
	int i;

	if (!choose(s, names, 3, &i))
		return false;
	((struct rebuild_tool *)payload)->o.accept = (enum cyre_accept)i;
	return true;
}

static bool set_orphans(void *payload, const char *s)
{
	static const char *const names[] = {
		"auto", "report", "adopt", "quarantine"};
	int i;

	if (!choose(s, names, 4, &i))
		return false;
	((struct rebuild_tool *)payload)->o.orphans = (enum cyre_orphans)i;
	return true;
}

/* Codes or ids, with commas between. */
static bool set_only(void *payload, const char *s)
{
	struct rebuild_tool *t = payload;
	char name[64];
	enum cyre_problem p;
	size_t n;

	for (; *s; s += n + (s[n] == ',')) {
		n = strcspn(s, ",");
		if (n == 0 || n >= sizeof(name))
			return false;
		memcpy(name, s, n);
		name[n] = '\0';
		p = cyre_problem_by_name(name);
		if (p == CYRE_PROBLEM_COUNT)
			return false;
		t->only[p] = true;
		t->o.only = t->only;
	}
	return t->o.only != NULL;
}

static bool set_release(void *payload, const char *s)
{
	((struct rebuild_tool *)payload)->o.release = s;
	return cyre_mail_behaviour(s) != NULL;
}

static bool set_index_version(void *payload, const char *s)
{
	struct rebuild_tool *t = payload;
	uint64_t v;

	t->o.index_version = 0;
	if (!strcmp(s, "keep"))
		return true;
	if (!cyre_parse_number(s, 20, &v) || v < 6 || v == 11)
		return false;
	t->o.index_version = (unsigned)v;
	return true;
}

static bool set_order(void *payload, const char *s)
{
	static const char *const names[] = {"impact", "name"};
	int i;

	if (!choose(s, names, 2, &i))
		return false;
	((struct rebuild_tool *)payload)->o.by_name = i == 1;
	return true;
}

static const struct cyre_option own_options[] = {
	{"apply", 0, NULL,
		"do it; without, the plan is made and nothing written",
		CYRE_SETS_FLAG(struct rebuild_tool, o.apply)},
	{"dry-run", 'n', NULL, "plan only (with --undo: test only)",
		CYRE_SETS_FLAG(struct rebuild_tool, dry_run)},
	{"plan-out", 0, "FILE", "the plan as JSON Lines to FILE",
		CYRE_SETS_TEXT(struct rebuild_tool, plan_out)},
	{"plan", 0, "FILE", "do just what the reviewed plan in FILE says",
		CYRE_SETS_TEXT(struct rebuild_tool, o.plan)},
	{"accept", 0, "HOW",
		"how sure a repair must be: exact, rule (default) or all",
		CYRE_CALLS(set_accept)},
	{"only", 0, "CODE,...", "only repairs of these findings, by code or id",
		CYRE_CALLS(set_only)},
	{"orphans", 0, "WHAT",
		"messages without a record: auto (default), report, adopt or "
		"quarantine",
		CYRE_CALLS(set_orphans)},
	{"as-release", 0, "V",
		"write what this release of Cyrus would, e.g. 2.3.16",
		CYRE_CALLS(set_release)},
	{"index-version", 0, "N",
		"convert to this version of cyrus.index; keep (default)",
		CYRE_CALLS(set_index_version)},
	{"order", 0, "HOW", "impact (worst hurt first, default) or name",
		CYRE_CALLS(set_order)},
	{"offline", 0, NULL, "the server is stopped, do not look whether it is",
		CYRE_SETS_FLAG(struct rebuild_tool, o.offline)},
	{"online", 0, NULL, "the server may run: take its locks",
		CYRE_SETS_FLAG(struct rebuild_tool, o.online)},
	{"no-databases", 0, NULL,
		"leave mailboxes.db, quota and seen state as they are",
		CYRE_SETS_FLAG(struct rebuild_tool, o.no_databases)},
	{"undo-dir", 0, "DIR",
		"originals go to archives in DIR (default: cyrescue-undo in "
		"the configdirectory)",
		CYRE_SETS_TEXT(struct rebuild_tool, o.undo_dir)},
	{"undo", 0, "ARCHIVE",
		"put back what is in ARCHIVE, or in all of a folder, newest "
		"first",
		CYRE_SETS_TEXT(struct rebuild_tool, undo)},
	{"force", 0, NULL,
		"with --undo: also over files that were changed since",
		CYRE_SETS_FLAG(struct rebuild_tool, force)},
	{"resume", 0, "REPORT", "go on with the run that wrote REPORT",
		CYRE_SETS_TEXT(struct rebuild_tool, resume)},
	{"json", 0, NULL, "the report as JSON Lines on standard output",
		CYRE_SETS_FLAG(struct rebuild_tool, json)},
	{"output", 'o', "FILE",
		"the report as JSON Lines to FILE, beside the text",
		CYRE_SETS_TEXT(struct rebuild_tool, output)},
	{NULL, 0, NULL, NULL, CYRE_CALLS(NULL)},
};

static int status_of(const struct cyre_rebuild_result *r)
{
	int status = EXIT_CLEAN, i;

	for (i = 0; i < CYRE_REBUILD_DATABASES; i++) {
		const struct cyre_rebuild_database *d = &r->databases[i];

		status |= d->changed ? EXIT_REPAIRED : 0;
		status |= d->planned ? EXIT_PROBLEMS : 0;
		status |= d->failed ? EXIT_NOT_DONE : 0;
	}

	if (r->changed)
		status |= EXIT_REPAIRED;
	if (r->planned || r->left || r->server_left)
		status |= EXIT_PROBLEMS;
	if (r->failed || r->scan.skipped)
		status |= EXIT_NOT_DONE;
	if (r->scan.interrupted)
		status |= EXIT_INTERRUPTED;
	return status;
}

static bool give_up_rights(
	const struct rebuild_tool *t, const struct cyre_source_place *place)
{
	return t->o.apply ? cyre_tool_become(TOOL, place, CYRE_KEEP_REPAIR)
			  : cyre_tool_confine(TOOL, &t->common, place);
}

/* REPORT.journal: beside the report, or of the report to go on with. */
static char *journal_path(const struct rebuild_tool *t)
{
	const char *report = t->resume ? t->resume : t->output;
	char *path = NULL;

	if (report && asprintf(&path, "%s.journal", report) < 0)
		path = NULL;
	return path;
}

/* An option as a shell takes it. */
static void put_option(FILE *f, const char *option, const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "/._-+:@%,";

	if (!value)
		return;
	fprintf(f, " %s ", option);
	if (*value && !value[strspn(value, plain)]) {
		fputs(value, f);
		return;
	}
	fputc('\'', f);
	for (; *value; value++)
		if (*value == '\'')
			fputs("'\\''", f);
		else
			fputc(*value, f);
	fputc('\'', f);
}

/* The options that name this server. */
static void put_place(FILE *f, const struct cyre_source_place *place)
{
	size_t i;

	put_option(f, "--root", place->root);
	put_option(f, "-C", place->config);
	for (i = 0; i < place->n_spools; i++) {
		put_option(f, "--spool", place->spools[i]);
		put_option(f, "--meta",
			i < place->n_metas ? place->metas[i] : NULL);
	}
	put_option(f, "--confdir", place->confdir);
}

/* A database that is not all right: why, and the command that goes on. */
static void tell_waiting(const struct cyre_source_place *place, int what,
	enum cyre_rebuild_waits why)
{
	static const char *const names[CYRE_REBUILD_DATABASES] = {
		"mailboxes.db", "quota", "seen state"};
	static const char *const words[CYRE_REBUILD_DATABASES] = {
		"mailboxes", "quota", "seen"};
	static const char *const reasons[] = {
		[CYRE_WAITS_SERVER] = "not put right: the server runs, and has "
				      "it open; stop it, then",
		[CYRE_WAITS_SHARD] = "not put right; when all shards are done",
		[CYRE_WAITS_PLAN] = "not put right: the plan does not have it",
		[CYRE_WAITS_UNWANTED] = "not put right: --no-databases",
		[CYRE_WAITS_SELECTION] = "not put right: it is not there, and "
					 "only some mailboxes were asked for",
		[CYRE_WAITS_LIST] = "not put right: mailboxes.db is not; when "
				    "it is",
		[CYRE_WAITS_PERSON] = "a person must decide on what is left; "
				      "what would be done tells",
	};
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		return;
	put_place(f, place);
	if (fclose(f) == 0)
		cyre_complain(TOOL, "%s: %s: cyrdb rebuild %s%s", names[what],
			reasons[why], words[what], text);
	free(text);
}

static void tell_all_waiting(const struct cyre_source_place *place,
	const struct cyre_rebuild_result *r)
{
	int i;

	for (i = 0; i < CYRE_REBUILD_DATABASES; i++)
		if (r->databases[i].waits != CYRE_WAITS_NOT)
			tell_waiting(place, i, r->databases[i].waits);
}

/* Of the threads of an apply some wait for the disk, while others work. */
static unsigned jobs(const struct rebuild_tool *t)
{
	unsigned n = t->common.jobs;

	return t->o.apply && !t->common.jobs_given ? n + (n + 1) / 2 : n;
}

static int rebuild_place(
	struct rebuild_tool *t, const struct cyre_source_place *place)
{
	struct cyre_rebuild_options o = t->o;
	struct cyre_rebuild_result result = {0};
	struct cyre_tool_progress progress;
	struct cyre_error err = {0};
	struct cyre_tool_outputs out;
	char *journal, run[64];
	int status = EXIT_NOT_DONE;
	cyre_status st;

	if (!cyre_tool_open(
		    TOOL, &t->common, t->json, t->output, t->plan_out, &out))
		return EXIT_NOT_DONE;
	if (!give_up_rights(t, place)) {
		cyre_tool_close(TOOL, &out, false, EXIT_NOT_DONE);
		return EXIT_NOT_DONE;
	}
	journal = journal_path(t);
	cyre_tool_run_name(run);
	o.scan = (struct cyre_scan_options){
		.place = *place,
		.select = cyre_tool_select(&t->common),
		.jobs = jobs(t),
		.memory = t->common.memory,
		.now = (uint64_t)time(NULL),
		.stop = &cyre_tool_stop,
		.reports = out.reports,
		.n_reports = out.n,
	};
	o.run = run;
	o.journal = journal;
	o.resume = t->resume != NULL;
	if (t->plan_out) {
		o.plan_write = cyre_output_write;
		o.plan_payload = &out.plan;
	}
	cyre_tool_begin(
		TOOL, &t->common, place, CYRE_LEVEL_SUMS, out.reports, out.n);
	cyre_tool_progress(
		&progress, &t->common, &o.scan.progress, &o.scan.payload);
	st = cyre_rebuild(&o, &result, &err);
	cyre_tool_progress_end(&progress);
	if (result.put_back)
		cyre_complain(TOOL,
			"an interrupted run had left %" PRIu64
			" mailboxes half done: they were put back first",
			result.put_back);
	t->looked &= result.scan.complete;
	if (st == CYRE_OK)
		status = status_of(&result);
	else {
		if (st == CYRE_EUSAGE)
			status = EXIT_USAGE;
		cyre_tool_explain(TOOL, st, &err);
	}
	if (!cyre_tool_close(
		    TOOL, &out, st == CYRE_OK && result.scan.complete, status))
		status |= EXIT_NOT_DONE;
	tell_all_waiting(place, &result);
	free(journal);
	return status;
}

static bool selects(const struct cyre_common_options *c)
{
	return c->partitions.n || c->users.n || c->mailboxes.n ||
	       c->patterns.n || c->shards > 1;
}

static void check_usage(const struct rebuild_tool *t)
{
	if (t->o.plan && !t->o.apply)
		cyre_usage_error(TOOL, "--plan needs --apply");
	if (t->o.plan && t->plan_out)
		cyre_usage_error(
			TOOL, "--plan and --plan-out exclude each other");
	if (t->o.apply && t->dry_run)
		cyre_usage_error(
			TOOL, "--apply and --dry-run exclude each other");
	if (t->o.online && t->o.offline)
		cyre_usage_error(
			TOOL, "--online and --offline exclude each other");
	if (t->force && !t->undo)
		cyre_usage_error(TOOL, "--force belongs to --undo");
	if (t->resume && !t->o.apply)
		cyre_usage_error(TOOL, "--resume needs --apply");
	if (t->undo && t->o.apply)
		cyre_usage_error(TOOL, "--undo and --apply exclude each other");
	if (t->undo && t->o.online)
		cyre_usage_error(TOOL,
			"--undo and --online exclude each other: stop the "
			"server");
	if (t->undo && selects(&t->common))
		cyre_usage_error(TOOL,
			"--undo takes whole archives; -p, -u, -m and --shard "
			"do not go with it");
}

int main(int argc, char **argv)
{
	struct rebuild_tool t = {.o.accept = CYRE_ACCEPT_RULE, .looked = true};
	struct cyre_source_place place;
	int first, status = EXIT_CLEAN;
	size_t i, n;

	cyre_parse_options(argc, argv, CYRE_TAKES_SERVER, TOOL, usage,
		own_options, &t, &t.common, &first);
	if (first < argc)
		cyre_usage_error(TOOL,
			"unexpected argument '%s'; mailboxes are named with -m",
			argv[first]);
	check_usage(&t);
	cyre_tool_signals();
	cyre_tool_timezone(&t.common);
	if (t.undo) {
		status = cyrrebuild_undo(
			&(struct cyrrebuild_undo){.common = &t.common,
				.archive = t.undo,
				.dry_run = t.dry_run,
				.force = t.force,
				.offline = t.o.offline});
		cyre_common_free(&t.common);
		return status;
	}
	n = cyre_tool_places(TOOL, &t.common);
	if (n > 1 && (t.output || t.plan_out || t.o.plan || t.resume))
		cyre_usage_error(TOOL,
			"-o, --plan, --plan-out and --resume are for one "
			"server; give one --config with them");
	for (i = 0; i < n && !cyre_tool_stop; i++) {
		place = cyre_tool_place(&t.common, i);
		status |= rebuild_place(&t, &place);
	}
	if (t.looked && !cyre_tool_all_met(TOOL, &t.common))
		status |= EXIT_NOT_DONE;
	cyre_common_free(&t.common);
	return status;
}
