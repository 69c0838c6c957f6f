/*
 * cyrdb - look at, check and salvage the databases of a Cyrus server
 *
 * Parses options and calls the library. Never writes into a file that is
 * there, and takes no lock: it may be used beside a running server, which may
 * then be in the middle of a change. Manual: docs/man/cyrdb.8.
 */
#include <cyrescue/confine.h>
#include <cyrescue/dbload.h>
#include <cyrescue/dbreport.h>
#include <cyrescue/dbshow.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/options.h"
#include "cyrdb_rebuild.h"

#define TOOL "cyrdb"

static const char usage[] =
	"Usage: cyrdb show FILE [KEY]...\n"
	"       cyrdb show FILE --prefix PREFIX\n"
	"       cyrdb check FILE...\n"
	"       cyrdb salvage FILE -o OUT [--to FORMAT] [--include LIST]\n"
	"       cyrdb convert FILE OUT --to FORMAT\n"
	"       cyrdb rebuild mailboxes|quota|seen [--apply]; see "
	"'cyrdb rebuild --help'\n"
	"Reads twoskip, skiplist, flat and other databases by what they are.\n";

struct db_tool {
	struct cyre_common_options common;
	struct cyre_dbreport_options out;
	const char *prefix, *output, *env;
	enum cyre_db_format to, as;
	bool include[CYRE_DB_TRUSTS];
	int order; /* enum cyre_db_order; -1: not said */
	bool raw, quiet;
	int nargs;
	char **args;
};

/* One open file. */
struct db_file {
	const char *path;
	struct cyre_dbload l;
};

static bool set_jobs(void *payload, const char *s)
{
	uint64_t n;

	if (!cyre_parse_number(s, 1024, &n))
		return false;
	((struct db_tool *)payload)->common.jobs = (unsigned)n;
	return true;
}

static bool set_json(void *payload, const char *s)
{
	(void)s;
	((struct db_tool *)payload)->out.format = CYRE_REPORT_JSON;
	return true;
}

static bool set_env(void *payload, const char *s)
{
	((struct db_tool *)payload)->env = strcmp(s, "none") ? s : "";
	return true;
}

static bool set_to(void *payload, const char *s)
{
	struct db_tool *t = payload;

	t->to = cyre_db_format_by_name(s);
	return t->to != CYRE_DB_NONE;
}

static bool set_as(void *payload, const char *s)
{
	struct db_tool *t = payload;

	t->as = cyre_db_format_by_name(s);
	return t->as != CYRE_DB_NONE;
}

static bool set_order(void *payload, const char *s)
{
	struct db_tool *t = payload;

	t->order = cyre_db_order_by_name(s);
	return t->order >= 0;
}

static bool set_include(void *payload, const char *s)
{
	struct db_tool *t = payload;
	size_t n;
	int i;

	for (;; s += n + 1) {
		n = strcspn(s, ",");
		for (i = CYRE_DB_RESURRECTED; i < CYRE_DB_TRUSTS; i++)
			if (strlen(cyre_db_trust_name(i)) == n &&
				!memcmp(cyre_db_trust_name(i), s, n))
				break;
		if (i == CYRE_DB_TRUSTS)
			return false;
		t->include[i] = true;
		if (!s[n])
			return true;
	}
}

static const struct cyre_option own_options[] = {
	{"prefix", 0, "PREFIX", "show: only keys that begin so",
		CYRE_SETS_TEXT(struct db_tool, prefix)},
	{"raw", 0, NULL, "show: key, TAB, value as they are, nothing escaped",
		CYRE_SETS_FLAG(struct db_tool, raw)},
	{"as", 0, "FORMAT", "what a file was whose first bytes are lost",
		CYRE_CALLS(set_as)},
	{"env", 0, "DIR",
		"where the log files of a Berkeley database are (default: "
		"db/ beside or above it), or none",
		CYRE_CALLS(set_env)},
	{"output", 'o', "OUT", "salvage: the new file; must not exist",
		CYRE_SETS_TEXT(struct db_tool, output)},
	{"to", 0, "FORMAT",
		"twoskip, skiplist, flat or berkeley (salvage: default as "
		"before)",
		CYRE_CALLS(set_to)},
	{"order", 0, "ORDER",
		"raw, signed or mailbox: how the new file sorts its keys",
		CYRE_CALLS(set_order)},
	{"include", 0, "LIST", "salvage: also resurrected, uncommitted",
		CYRE_CALLS(set_include)},
	{"json", 0, NULL, "JSON Lines on standard output",
		CYRE_CALLS(set_json)},
	{"jobs", 'j', "N", "threads (default: one a processor)",
		CYRE_CALLS(set_jobs)},
	{"quiet", 'q', NULL, "nothing about clean files",
		CYRE_SETS_FLAG(struct db_tool, quiet)},
	{NULL, 0, NULL, NULL, CYRE_CALLS(NULL)},
};

static int failed(const char *path, cyre_status st, const struct cyre_error *e)
{
	if (st == CYRE_EIO)
		cyre_complain(TOOL, "%s: %s", path, strerror(e->errnum));
	else
		cyre_complain(TOOL, "%s: %s", path, cyre_status_text(st));
	return EXIT_NOT_DONE;
}

static void close_file(struct db_file *f)
{
	cyre_dbload_free(&f->l);
}

/* EXIT_CLEAN, or complains. A file that is no database is not an error here. */
static int open_file(
	const struct db_tool *t, const char *path, struct db_file *f)
{
	struct cyre_dbload_options o = {.memory = t->common.memory,
		.as = t->as,
		.env = t->env,
		.jobs = t->common.jobs};
	struct cyre_error err = {0};
	cyre_status st;

	*f = (struct db_file){.path = path, .l.found.keep = 20};
	st = cyre_dbload_file(path, &o, &f->l, &err);
	if (st == CYRE_OK)
		return EXIT_CLEAN;
	close_file(f);
	return failed(path, st, &err);
}

static int status_of(const struct cyre_findings *found)
{
	enum cyre_severity worst;

	return cyre_findings_worst(found, &worst) && worst > CYRE_SEV_NOTE
		       ? EXIT_PROBLEMS
		       : EXIT_CLEAN;
}

static int report_file(const struct db_tool *t, const struct db_file *f)
{
	struct cyre_dbreport d = {.path = f->path, .found = &f->l.found};

	if (f->l.db)
		cyre_dbload_describe(f->l.db, &d);
	return cyre_dbreport_file(&t->out, &d) == CYRE_OK ? EXIT_CLEAN
							  : EXIT_NOT_DONE;
}

static int check(struct db_tool *t)
{
	int i, status = EXIT_CLEAN, st;
	struct db_file f;

	if (t->nargs < 1)
		cyre_usage_error(TOOL, "check needs a FILE");
	for (i = 0; i < t->nargs; i++) {
		st = open_file(t, t->args[i], &f);
		status |= st;
		if (st != EXIT_CLEAN)
			continue;
		if (f.l.db && cyre_dbload_check_values(f.l.db,
				      cyre_db_kind_of(f.path), t->common.jobs,
				      &f.l.found) != CYRE_OK)
			status |= EXIT_NOT_DONE;
		status |= status_of(&f.l.found) | report_file(t, &f);
		close_file(&f);
	}
	return status;
}

/* Whether it could be written is asked at the end. */
static int show_raw(const struct cyre_db *db, size_t from, size_t to)
{
	const struct cyre_db_entry *e;

	for (; from < to; from++) {
		e = cyre_db_at(db, from);
		fwrite(e->key.p, 1, e->key.n, stdout);
		putchar('\t');
		fwrite(e->value.p, 1, e->value.n, stdout);
		putchar('\n');
	}
	return EXIT_CLEAN;
}

static int show_some(const struct db_tool *t, const struct db_file *f,
	size_t from, size_t to)
{
	struct cyre_dbshow_options o = {.out = t->out,
		.kind = cyre_db_kind_of(f->path),
		.all_trusts = t->out.format == CYRE_REPORT_JSON,
		.jobs = t->common.jobs};

	if (t->raw)
		return show_raw(f->l.db, from, to);
	return cyre_dbshow(&o, f->l.db, from, to) == CYRE_OK ? EXIT_CLEAN
							     : EXIT_NOT_DONE;
}

static struct cyre_slice slice_of(const char *s)
{
	return (struct cyre_slice){(const uint8_t *)s, strlen(s)};
}

static bool starts(struct cyre_slice s, struct cyre_slice prefix)
{
	return s.n >= prefix.n &&
	       (!prefix.n || !memcmp(s.p, prefix.p, prefix.n));
}

static int show_keys(const struct db_tool *t, const struct db_file *f)
{
	const struct cyre_db_entry *e;
	int i, status = EXIT_CLEAN;
	size_t at;

	for (i = 1; i < t->nargs; i++) {
		e = cyre_db_find(f->l.db, slice_of(t->args[i]));
		if (e) {
			at = (size_t)(e - cyre_db_at(f->l.db, 0));
			status |= show_some(t, f, at, at + 1);
		} else {
			cyre_complain(
				TOOL, "%s: no key '%s'", f->path, t->args[i]);
			status |= EXIT_NOT_DONE;
		}
	}
	return status;
}

static int show_all(const struct db_tool *t, const struct db_file *f)
{
	struct cyre_slice prefix = slice_of(t->prefix ? t->prefix : "");
	size_t from = cyre_db_seek(f->l.db, prefix), to = from;

	while (to < cyre_db_count(f->l.db) &&
		starts(cyre_db_at(f->l.db, to)->key, prefix))
		to++;
	return show_some(t, f, from, to);
}

static int show(struct db_tool *t)
{
	struct db_file f;
	int status;

	if (t->nargs < 1)
		cyre_usage_error(TOOL, "show needs a FILE");
	if (t->nargs > 1 && t->prefix)
		cyre_usage_error(
			TOOL, "show takes a KEY or --prefix, not both");
	status = open_file(t, t->args[0], &f);
	if (status != EXIT_CLEAN)
		return status;
	status = status_of(&f.l.found);
	if (status)
		cyre_complain(
			TOOL, "%s is damaged; see '%s check'", f.path, TOOL);
	if (f.l.db)
		status |= t->nargs > 1 ? show_keys(t, &f) : show_all(t, &f);
	close_file(&f);
	return status;
}

/*
 * The entries worth writing; of one key the surest alone. A copy of them only
 * where anything is left out: free(3) `ret_copy`, which is NULL otherwise.
 */
static cyre_status choose(const struct db_tool *t, const struct cyre_db *db,
	struct cyre_db_entry **ret_copy, const struct cyre_db_entry **ret,
	size_t *ret_n)
{
	size_t count = cyre_db_count(db), i, n = 0;
	const struct cyre_db_entry *e;
	struct cyre_db_entry *v;

	*ret = count ? cyre_db_at(db, 0) : NULL;
	*ret_n = count;
	*ret_copy = NULL;
	if (cyre_db_info(db)->count[CYRE_DB_INTACT] == count)
		return CYRE_OK;
	v = calloc(count, sizeof(*v));
	if (!v)
		return CYRE_ENOMEM;
	for (i = 0; i < count; i++) {
		e = cyre_db_at(db, i);
		if (e->trust >= CYRE_DB_RESURRECTED && !t->include[e->trust])
			continue;
		if (n && v[n - 1].key.n == e->key.n &&
			!memcmp(v[n - 1].key.p, e->key.p, e->key.n)) {
			/* An open transaction changed it: newer, if wanted. */
			if (e->trust == CYRE_DB_UNCOMMITTED)
				v[n - 1] = *e;
			continue;
		}
		v[n++] = *e;
	}
	*ret = *ret_copy = v;
	*ret_n = n;
	return CYRE_OK;
}

static cyre_status make_file(const struct db_tool *t, const struct db_file *f,
	const char *path, const struct cyre_db_entry *v, size_t n,
	struct cyre_error *err)
{
	const struct cyre_db_info *info = cyre_db_info(f->l.db);
	enum cyre_db_format format = t->to ? t->to : info->format;
	const char *tmpdir = getenv("TMPDIR");
	struct cyre_dbload_save_options o = {
		.write = {.format = format,
			.order = cyre_db_usual_order(format),
			.padded = info->padded,
			.generation = info->generation + 1,
			.time = (uint32_t)time(NULL)},
		.owner = &f->l.owner,
		.tmpdir = tmpdir ? tmpdir : "/tmp",
		.jobs = t->common.jobs};

	if (t->order >= 0)
		o.write.order = (enum cyre_db_order)t->order;
	else if (format == info->format)
		o.write.order = info->order;
	return cyre_dbload_save(path, &o, v, n, err);
}

static int write_db(
	const struct db_tool *t, const struct db_file *f, const char *path)
{
	const struct cyre_db_info *info = cyre_db_info(f->l.db);
	enum cyre_db_format format = t->to ? t->to : info->format;
	struct cyre_error err = {0};
	const struct cyre_db_entry *v;
	struct cyre_db_entry *copy;
	cyre_status st;
	size_t n;

	if (info->tables > 1) {
		cyre_complain(TOOL,
			"%s holds %u databases, each a table; take them apart "
			"with sqlite3(1) first",
			f->path, info->tables);
		return EXIT_NOT_DONE;
	}
	st = choose(t, f->l.db, &copy, &v, &n);
	if (st == CYRE_OK)
		st = make_file(t, f, path, v, n, &err);
	free(copy);
	if (st != CYRE_OK)
		return failed(path, st, &err);
	if (!t->quiet && t->out.format == CYRE_REPORT_TEXT)
		printf("%s: %s, %zu keys written\n", path,
			cyre_db_format_name(format), n);
	if (!t->quiet && t->out.format == CYRE_REPORT_TEXT &&
		info->count[CYRE_DB_RESURRECTED] &&
		!t->include[CYRE_DB_RESURRECTED])
		printf("  %zu records that may be deleted or outdated were "
		       "left out; --include resurrected takes them\n",
			info->count[CYRE_DB_RESURRECTED]);
	return EXIT_CLEAN;
}

/* What was read and what was left out is told before anything is written. */
static int rewrite(struct db_tool *t, const char *in, const char *out)
{
	struct db_file f;
	int status;

	status = open_file(t, in, &f);
	if (status != EXIT_CLEAN)
		return status;
	status = report_file(t, &f);
	if (!f.l.db)
		status |= EXIT_NOT_DONE;
	else
		status |= write_db(t, &f, out);
	/* Keys that are gone stay a problem; all else is repaired now. */
	if (status == EXIT_CLEAN && f.l.db && cyre_db_info(f.l.db)->missing)
		status = EXIT_PROBLEMS;
	else if (status == EXIT_CLEAN && status_of(&f.l.found))
		status = EXIT_REPAIRED;
	close_file(&f);
	return status;
}

static int salvage(struct db_tool *t)
{
	if (t->nargs != 1 || !t->output)
		cyre_usage_error(TOOL, "salvage needs one FILE and -o OUT");
	return rewrite(t, t->args[0], t->output);
}

static int convert(struct db_tool *t)
{
	struct db_file f;
	int status;

	if (t->nargs != 2 || !t->to)
		cyre_usage_error(
			TOOL, "convert needs FILE, OUT and --to FORMAT");
	status = open_file(t, t->args[0], &f);
	if (status != EXIT_CLEAN)
		return status;
	status = status_of(&f.l.found);
	if (status)
		cyre_complain(
			TOOL, "%s is damaged; use '%s salvage'", f.path, TOOL);
	else
		status = write_db(t, &f, t->args[1]);
	close_file(&f);
	return status;
}

static const struct {
	const char *name;
	int (*run)(struct db_tool *t);
	bool writes;
} commands[] = {
	{"show", show, false},
	{"check", check, false},
	{"salvage", salvage, true},
	{"convert", convert, true},
};

int main(int argc, char **argv)
{
	struct db_tool t = {.order = -1,
		.out = {.format = CYRE_REPORT_TEXT,
			.write = cyre_stdout_write}};
	size_t i, n = sizeof(commands) / sizeof(commands[0]);
	int first, status;

	if (argc > 1 && !strcmp(argv[1], "rebuild"))
		return cyrdb_rebuild(argc - 1, argv + 1);
	cyre_parse_options(argc, argv, CYRE_TAKES_FILES, TOOL, usage,
		own_options, &t, &t.common, &first);
	if (first == argc)
		cyre_usage_error(TOOL,
			"what to do? show, check, salvage, convert or "
			"rebuild");
	for (i = 0; i < n && strcmp(argv[first], commands[i].name) != 0; i++)
		;
	if (i == n && !strcmp(argv[first], "rebuild"))
		cyre_usage_error(TOOL, "rebuild stands before its options");
	if (i == n)
		cyre_usage_error(TOOL, "unknown command '%s'", argv[first]);
	t.out.quiet = t.quiet;
	t.out.verbose = t.common.verbose;
	t.args = argv + first + 1;
	t.nargs = argc - first - 1;
	if (!commands[i].writes)
		cyre_confine_readonly(NULL);
	status = commands[i].run(&t);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cyre_complain(TOOL, "standard output: %s", strerror(errno));
		status |= EXIT_NOT_DONE;
	}
	cyre_common_free(&t.common);
	return status;
}
