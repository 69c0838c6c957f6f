/* run.c - see run.h. */
#include "run.h"

#include <cyrescue/place.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/imapd.conf"
#define NAMED_MAX      10 /* lines of what was asked for in vain */

volatile sig_atomic_t cyre_tool_stop;
static volatile sig_atomic_t asked; /* SIGUSR1: say where you are */

static void on_stop(int sig)
{
	(void)sig;
	cyre_tool_stop = 1;
}

static void on_usr1(int sig)
{
	(void)sig;
	asked = 1;
}

void cyre_tool_signals(void)
{
	struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
	struct sigaction usr1 = {.sa_handler = on_usr1, .sa_flags = SA_RESTART};

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGUSR1, &usr1, NULL);
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write */
}

bool cyre_output_open(struct cyre_output *out, const char *path)
{
	out->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return out->fd >= 0;
}

bool cyre_output_close(struct cyre_output *out)
{
	bool ok = true;

	if (out->fd < 0)
		return true;
	/* A pipe or a device cannot be synced, and need not be. */
	if (fsync(out->fd) && errno != EINVAL && errno != EROFS)
		ok = false;
	if (close(out->fd))
		ok = false;
	out->fd = -1;
	return ok;
}

int cyre_output_write(const void *bytes, size_t n, void *payload)
{
	const struct cyre_output *out = payload;
	int fd = out ? out->fd : STDOUT_FILENO;
	const char *p = bytes;
	ssize_t got;

	while (n) {
		got = write(fd, p, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

/* To `out`, or standard output when NULL. Ends the tool without memory. */
static cyre_report *new_report(enum cyre_report_format format,
	const struct cyre_common_options *c, struct cyre_output *out)
{
	struct cyre_report_options o = {
		.format = format,
		.quiet = c->quiet,
		.verbose = c->verbose,
		.silent_when_clean = c->cron && !out,
		.write = cyre_output_write,
		.payload = out,
	};
	cyre_report *r;

	if (cyre_report_new(&o, &r) != CYRE_OK) {
		fputs("out of memory\n", stderr);
		exit(EXIT_NOT_DONE);
	}
	return r;
}

static bool open_file(
	const char *tool, const char *path, struct cyre_output *out)
{
	if (!path || cyre_output_open(out, path))
		return true;
	cyre_complain(tool, "%s: %s", path, strerror(errno));
	return false;
}

bool cyre_tool_open(const char *tool, const struct cyre_common_options *c,
	bool json, const char *report, const char *plan,
	struct cyre_tool_outputs *ret)
{
	*ret = (struct cyre_tool_outputs){.file.fd = -1, .plan.fd = -1};
	if (!open_file(tool, report, &ret->file) ||
		!open_file(tool, plan, &ret->plan))
		return false;
	ret->reports[ret->n++] =
		new_report(json ? CYRE_REPORT_JSON : CYRE_REPORT_TEXT, c, NULL);
	if (report)
		ret->reports[ret->n++] =
			new_report(CYRE_REPORT_JSON, c, &ret->file);
	return true;
}

bool cyre_tool_close(const char *tool, struct cyre_tool_outputs *out,
	bool complete, int status)
{
	bool ok = true;
	size_t i;

	for (i = 0; i < out->n; i++) {
		ok &= cyre_report_end(out->reports[i], complete, status) ==
		      CYRE_OK;
		cyre_report_free(out->reports[i]);
	}
	ok &= cyre_output_close(&out->file);
	ok &= cyre_output_close(&out->plan);
	if (!ok)
		cyre_complain(tool, "the report could not be written: %s",
			strerror(errno));
	return ok;
}

static bool exists(const char *root, const char *config, char path[4096])
{
	snprintf(path, 4096, "%s%s%s", root ? root : "",
		root && *config != '/' ? "/" : "", config);
	return access(path, F_OK) == 0;
}

/* Named or not, it must be there before anything is begun. */
static void must_exist(const char *tool, const char *root, const char *config)
{
	char path[4096];

	if (!exists(root, config, path))
		cyre_usage_error(tool,
			"there is no %s; name imapd.conf with -C, the server's "
			"root with --root, or a bare spool with --spool",
			path);
}

bool cyre_tool_has_place(const struct cyre_common_options *c)
{
	char path[4096];

	return c->configs.n || c->spools.n || c->confdir ||
	       exists(c->root, DEFAULT_CONFIG, path);
}

size_t cyre_tool_places(const char *tool, const struct cyre_common_options *c)
{
	size_t i;

	for (i = 0; i < c->configs.n; i++)
		must_exist(tool, c->root, c->configs.items[i]);
	if (c->configs.n)
		return c->configs.n;
	if (!c->spools.n && !c->confdir)
		must_exist(tool, c->root, DEFAULT_CONFIG);
	return 1;
}

struct cyre_source_place cyre_tool_place(
	const struct cyre_common_options *c, size_t i)
{
	struct cyre_source_place p = {
		.root = c->root,
		.spools = (const char *const *)c->spools.items,
		.n_spools = c->spools.n,
		.metas = (const char *const *)c->metas.items,
		.n_metas = c->metas.n,
		.confdir = c->confdir,
	};

	if (c->configs.n)
		p.config = c->configs.items[i];
	else if (!c->spools.n && !c->confdir)
		p.config = DEFAULT_CONFIG;
	return p;
}

struct cyre_select cyre_tool_select(const struct cyre_common_options *c)
{
	return (struct cyre_select){
		.partitions = (const char *const *)c->partitions.items,
		.n_partitions = c->partitions.n,
		.users = (const char *const *)c->users.items,
		.n_users = c->users.n,
		.mailboxes = (const char *const *)c->mailboxes.items,
		.n_mailboxes = c->mailboxes.n,
		.patterns = (const char *const *)c->patterns.items,
		.n_patterns = c->patterns.n,
		.shard = c->shard,
		.shards = c->shards,
		.met = c->met,
	};
}

/* How many of a list no mailbox has; the first of all are named. */
static size_t list_unmet(const char *tool, const char *option,
	const struct cyre_list *list, const bool *met, size_t before)
{
	size_t i, n = before;

	for (i = 0; i < list->n; i++)
		if (!met[i] && n++ < NAMED_MAX)
			fprintf(stderr, "%s: no mailbox for %s %s\n", tool,
				option, list->items[i]);
	return n;
}

bool cyre_tool_all_met(const char *tool, const struct cyre_common_options *c)
{
	const bool *met = c->met;
	size_t n;

	if (!met)
		return true;
	n = list_unmet(tool, "--partition", &c->partitions, met, 0);
	met += c->partitions.n;
	n = list_unmet(tool, "--user", &c->users, met, n);
	met += c->users.n;
	n = list_unmet(tool, "--mailbox", &c->mailboxes, met, n);
	met += c->mailboxes.n;
	n = list_unmet(tool, "--mailbox", &c->patterns, met, n);
	if (n > NAMED_MAX)
		fprintf(stderr, "%s: and %zu more\n", tool, n - NAMED_MAX);
	if (n)
		fprintf(stderr,
			"%s: if the name is right, the mailbox has lost its "
			"directory and its name: run without a selection\n",
			tool);
	return n == 0;
}

void cyre_tool_timezone(const struct cyre_common_options *c)
{
	/* Named even when it is the host's: the C library looks at the file
	 * again each time when it is not. */
	if (c->timezone)
		setenv("TZ", c->timezone, 1);
	else if (!getenv("TZ"))
		setenv("TZ", ":/etc/localtime", 1);
	tzset();
}

bool cyre_tool_become(const char *tool, const struct cyre_source_place *place,
	enum cyre_keep keep)
{
	struct cyre_error err = {0};
	struct cyre_place_owner owner;
	cyre_status st;

	if (geteuid() != 0)
		return true;
	st = cyre_place_owner(place, &owner, &err);
	if (st == CYRE_OK && owner.uid != 0)
		st = cyre_become_user(owner.uid, owner.gid, keep, &err);
	if (st != CYRE_OK)
		cyre_tool_explain(tool, st, &err);
	return st == CYRE_OK;
}

bool cyre_tool_confine(const char *tool, const struct cyre_common_options *c,
	const struct cyre_source_place *place)
{
	struct cyre_error err = {0};
	cyre_status st;

	if (!cyre_tool_become(tool, place, CYRE_KEEP_READ))
		return false;
	st = cyre_confine_readonly(&err);
	if (st == CYRE_EUNSUPPORTED) {
		if (c->verbose)
			cyre_complain(tool,
				"this kernel has no Landlock: nothing "
				"but our own care keeps us from writing");
		return true;
	}
	if (st != CYRE_OK)
		cyre_tool_explain(tool, st, &err);
	return st == CYRE_OK;
}

static void time_text(char *buf, size_t n)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(buf, n, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void cyre_tool_run_name(char ret[64])
{
	static char name[64];
	char started[32];

	if (!*name) {
		time_text(started, sizeof(started));
		snprintf(name, sizeof(name), "%s-%ld", started, (long)getpid());
	}
	memcpy(ret, name, sizeof(name));
}

void cyre_tool_begin(const char *tool, const struct cyre_common_options *c,
	const struct cyre_source_place *place, unsigned level,
	cyre_report *const *reports, size_t n)
{
	char host[256] = "", started[32], run[64], shard[32], sum[65];
	struct cyre_report_run info = {
		.tool = tool,
		.run = run,
		.host = host,
		.instance = place->config,
		.started = started,
		.shard = c->shards > 1 ? shard : NULL,
		.level = level,
	};
	size_t i;

	gethostname(host, sizeof(host) - 1);
	time_text(started, sizeof(started));
	cyre_tool_run_name(run);
	snprintf(shard, sizeof(shard), "%u/%u", c->shard, c->shards);
	if (cyre_place_config_sum(place, sum) == CYRE_OK)
		info.config_sha256 = sum;
	for (i = 0; i < n; i++)
		cyre_report_begin(reports[i], &info);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void print_progress(struct cyre_tool_progress *p,
	const struct cyre_progress *now, bool line)
{
	double t = seconds() - p->start;
	double rate = t > 0 ? (double)now->done / t : 0;
	double left = rate > 0 ? (double)(now->total - now->done) / rate : 0;

	fprintf(stderr,
		"%s%s: %" PRIu64 " of %" PRIu64
		" mailboxes, %.0f a second, %.0f s left%s",
		line ? "" : "\r\033[K", now->phase, now->done, now->total, rate,
		left, line ? "\n" : "");
	fflush(stderr);
	p->shown = !line;
}

static void hook(void *payload, const struct cyre_progress *now)
{
	struct cyre_tool_progress *p = payload;
	double t;

	if (asked) {
		asked = 0;
		if (p->shown)
			fputc('\n', stderr);
		print_progress(p, now, true);
	}
	if (!p->bar)
		return;
	t = seconds();
	if (t - p->last < 0.2)
		return;
	p->last = t;
	print_progress(p, now, false);
}

void cyre_tool_progress(struct cyre_tool_progress *p,
	const struct cyre_common_options *c,
	void (**ret_hook)(void *, const struct cyre_progress *),
	void **ret_payload)
{
	*p = (struct cyre_tool_progress){.start = seconds()};
	p->last = p->start;
	p->bar = c->progress == PROGRESS_ALWAYS ||
		 (c->progress == PROGRESS_AUTO && !c->quiet && !c->cron &&
			 isatty(STDERR_FILENO));
	*ret_hook = hook;
	*ret_payload = p;
}

void cyre_tool_progress_end(struct cyre_tool_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}

void cyre_tool_explain(
	const char *tool, cyre_status st, const struct cyre_error *err)
{
	/* It may be the name of a mailbox, which may be anything. */
	char *shown = cyre_visible(err->path);
	const char *path = shown ? shown : "";

	if (st == CYRE_EUSAGE && *path)
		cyre_complain(tool, "%s", path);
	else if (*path && err->errnum)
		cyre_complain(tool, "%s: %s", path, strerror(err->errnum));
	else if (*path)
		cyre_complain(tool, "%s: %s", path, cyre_status_text(st));
	else if (err->errnum)
		cyre_complain(tool, "%s: %s", err->call, strerror(err->errnum));
	else
		cyre_complain(tool, "%s", cyre_status_text(st));
	free(shown);
}
