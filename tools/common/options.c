/* options.c - see options.h. A thin table over getopt_long(3). */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_OPTIONS 64
#define FIRST_LONG  256 /* getopt's value of options without a letter */

static const char *tool_name;

void cyre_complain(const char *tool, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", tool);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void cyre_usage_error(const char *tool, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", tool);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; try '%s --help'\n", tool);
	exit(EXIT_USAGE);
}

static void no_memory(void)
{
	cyre_complain(tool_name, "out of memory");
	exit(EXIT_NOT_DONE);
}

void cyre_list_add(struct cyre_list *l, const char *s)
{
	char **items = reallocarray(l->items, l->n + 1, sizeof(*items));

	if (!items)
		no_memory();
	l->items = items;
	items[l->n] = strdup(s);
	if (!items[l->n])
		no_memory();
	l->n++;
}

void cyre_list_free(struct cyre_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->items[i]);
	free(l->items);
	*l = (struct cyre_list){0};
}

void cyre_common_free(struct cyre_common_options *c)
{
	cyre_list_free(&c->configs);
	cyre_list_free(&c->spools);
	cyre_list_free(&c->metas);
	cyre_list_free(&c->partitions);
	cyre_list_free(&c->users);
	cyre_list_free(&c->mailboxes);
	cyre_list_free(&c->patterns);
	free(c->met);
}

bool cyre_parse_number(const char *s, uint64_t max, uint64_t *ret)
{
	unsigned long long v;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno || *end || v > max)
		return false;
	*ret = v;
	return true;
}

bool cyre_parse_size(const char *s, uint64_t *ret)
{
	static const char units[] = "kmgt";
	char digits[32];
	const char *unit;
	size_t n = strlen(s);
	unsigned shift = 0;
	uint64_t v;

	if (n == 0 || n >= sizeof(digits))
		return false;
	memcpy(digits, s, n + 1);
	unit = strchr(units, digits[n - 1] | 0x20);
	if (unit && *unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		digits[n - 1] = '\0';
	}
	if (!cyre_parse_number(digits, UINT64_MAX >> shift, &v))
		return false;
	*ret = v << shift;
	return true;
}

/* "2/8": the second of eight parts. */
static bool set_shard(struct cyre_common_options *c, const char *s)
{
	const char *slash = strchr(s, '/');
	char first[16];
	uint64_t k, n;

	if (!slash || (size_t)(slash - s) >= sizeof(first))
		return false;
	memcpy(first, s, (size_t)(slash - s));
	first[slash - s] = '\0';
	if (!cyre_parse_number(first, UINT32_MAX, &k) ||
		!cyre_parse_number(slash + 1, UINT32_MAX, &n) || k < 1 || k > n)
		return false;
	c->shard = (unsigned)k;
	c->shards = (unsigned)n;
	return true;
}

static bool set_progress(struct cyre_common_options *c, const char *s)
{
	static const char *const names[] = {"auto", "always", "never"};
	int i;

	for (i = 0; i < 3; i++)
		if (!strcmp(s, names[i])) {
			c->progress = (enum progress_when)i;
			return true;
		}
	return false;
}

static void add_mailbox(struct cyre_common_options *c, const char *name)
{
	cyre_list_add(strpbrk(name, "*%") ? &c->patterns : &c->mailboxes, name);
}

static int by_text(const void *va, const void *vb)
{
	return strcmp(*(char *const *)va, *(char *const *)vb);
}

static void cannot_read(const char *path)
{
	cyre_complain(tool_name, "%s: %s", path, strerror(errno));
	exit(EXIT_NOT_DONE);
}

/*
 * One name a line (or, after -0, ended by NUL); "-" is standard input. That it
 * names none is an error: no selection would be all mailboxes.
 */
static void add_names(
	struct cyre_common_options *c, const char *path, int delimiter)
{
	FILE *f = !strcmp(path, "-") ? stdin : fopen(path, "re");
	bool any = false;
	size_t cap = 0;
	char *line = NULL;
	ssize_t n;

	if (!f)
		cannot_read(path);
	while ((n = getdelim(&line, &cap, delimiter, f)) > 0) {
		if (line[n - 1] == delimiter)
			line[n - 1] = '\0';
		if (!*line)
			continue;
		add_mailbox(c, line);
		any = true;
	}
	if (ferror(f))
		cannot_read(path);
	free(line);
	if (f != stdin)
		fclose(f);
	if (!any)
		cyre_usage_error(
			tool_name, "--from-file %s names no mailbox", path);
}

enum common {
	OPT_CONFIG = FIRST_LONG + MAX_OPTIONS,
	OPT_ROOT,
	OPT_SPOOL,
	OPT_META,
	OPT_CONFDIR,
	OPT_PARTITION,
	OPT_USER,
	OPT_MAILBOX,
	OPT_FROM_FILE,
	OPT_NUL,
	OPT_SHARD,
	OPT_JOBS,
	OPT_MEMORY,
	OPT_TIMEZONE,
	OPT_PROGRESS,
	OPT_QUIET,
	OPT_VERBOSE,
	OPT_CRON,
	OPT_VERSION,
	OPT_HELP,
};

/* In the order of --help. */
static const struct cyre_option common_options[] = {
	{"config", 'C', "FILE",
		"imapd.conf (default /etc/imapd.conf); may be given more than "
		"once",
		CYRE_CALLS(NULL)},
	{"root", 0, "DIR", "take every absolute path of imapd.conf below DIR",
		CYRE_CALLS(NULL)},
	{"spool", 0, "DIR", "a partition's directory, without imapd.conf",
		CYRE_CALLS(NULL)},
	{"meta", 0, "DIR", "the metapartition beside the last --spool",
		CYRE_CALLS(NULL)},
	{"confdir", 0, "DIR", "the configdirectory, without imapd.conf",
		CYRE_CALLS(NULL)},
	{"partition", 'p', "NAME", "only this partition", CYRE_CALLS(NULL)},
	{"user", 'u', "USER", "only this user's mailboxes", CYRE_CALLS(NULL)},
	{"mailbox", 'm', "NAME", "only this mailbox; * and % are patterns",
		CYRE_CALLS(NULL)},
	{"from-file", 0, "FILE",
		"mailboxes named in FILE, one a line; - is standard input",
		CYRE_CALLS(NULL)},
	{"null", '0', NULL, "names in --from-file end with NUL",
		CYRE_CALLS(NULL)},
	{"shard", 0, "K/N", "the K-th of N parts, by user", CYRE_CALLS(NULL)},
	{"jobs", 'j', "N", "threads (default: one a processor)",
		CYRE_CALLS(NULL)},
	{"memory", 0, "SIZE", "file contents held at once (default 1G)",
		CYRE_CALLS(NULL)},
	{"timezone", 0, "TZ", "the server's time zone (default: this host's)",
		CYRE_CALLS(NULL)},
	{"progress", 0, "WHEN", "auto, always or never", CYRE_CALLS(NULL)},
	{"quiet", 'q', NULL, "the summary only", CYRE_CALLS(NULL)},
	{"verbose", 'v', NULL, "also what costs nobody anything",
		CYRE_CALLS(NULL)},
	{"cron", 0, NULL, "silent when all is well", CYRE_CALLS(NULL)},
	{"version", 0, NULL, "print the version", CYRE_CALLS(NULL)},
	{"help", 'h', NULL, "print this", CYRE_CALLS(NULL)},
	{NULL, 0, NULL, NULL, CYRE_CALLS(NULL)},
};

/* A tool that is given files has no server to choose from. */
static bool is_for_files(const struct cyre_option *o)
{
	switch (OPT_CONFIG + (o - common_options)) {
	case OPT_MEMORY:
	case OPT_VERBOSE:
	case OPT_VERSION:
	case OPT_HELP:
		return true;
	default:
		return false;
	}
}

static void print_options(const struct cyre_option *o, bool files)
{
	char left[64];

	for (; o->name; o++) {
		if (files && !is_for_files(o))
			continue;
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s",
			o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
			o->letter ? ", " : "  ", o->name, o->arg ? " " : "",
			o->arg ? o->arg : "");
		printf("  %-26s %s\n", left, o->help);
	}
}

static void print_help(
	const char *usage, const struct cyre_option *own, bool files)
{
	printf("%s\n", usage);
	print_options(own, false);
	if (own->name && !files)
		putchar('\n');
	print_options(common_options, files);
	printf("\nExit status: 0 clean, 1 all repaired, 4 problems left, 8 "
	       "part of the work could\n"
	       "not be done, 16 wrong usage, 32 interrupted; added up.\n");
}

struct parse {
	const char *tool, *usage;
	const struct cyre_option *own;
	void *payload;
	bool files; /* only the options of tools that are given files */
	struct cyre_common_options *c;
	struct option longs[MAX_OPTIONS];
	char shorts[2 * MAX_OPTIONS + 2];
	const char *from_file;
	int delimiter;
};

static void add_table(
	struct parse *p, const struct cyre_option *o, int first, size_t *nlongs)
{
	size_t s = strlen(p->shorts);
	int i;

	for (i = 0; o[i].name && *nlongs < MAX_OPTIONS - 1; i++) {
		if (o == common_options && p->files && !is_for_files(&o[i]))
			continue;
		p->longs[(*nlongs)++] = (struct option){o[i].name,
			o[i].arg ? required_argument : no_argument, NULL,
			first + i};
		if (!o[i].letter)
			continue;
		p->shorts[s++] = o[i].letter;
		if (o[i].arg)
			p->shorts[s++] = ':';
	}
	p->shorts[s] = '\0';
}

/* The number of a letter as of its long option. */
static int by_letter(const struct parse *p, int c)
{
	int i;

	for (i = 0; p->own[i].name; i++)
		if (p->own[i].letter == c)
			return FIRST_LONG + i;
	for (i = 0; common_options[i].name; i++)
		if (common_options[i].letter == c)
			return OPT_CONFIG + i;
	return '?';
}

static bool set_path_or_name(
	struct cyre_common_options *c, int opt, const char *arg)
{
	switch (opt) {
	case OPT_CONFIG:
		cyre_list_add(&c->configs, arg);
		return true;
	case OPT_ROOT:
		c->root = arg;
		return true;
	case OPT_SPOOL:
		cyre_list_add(&c->spools, arg);
		return true;
	case OPT_META:
		if (c->metas.n >= c->spools.n)
			cyre_usage_error(tool_name,
				"--meta %s: there is no --spool before it",
				arg);
		while (c->metas.n + 1 < c->spools.n)
			cyre_list_add(&c->metas, "");
		cyre_list_add(&c->metas, arg);
		return true;
	case OPT_CONFDIR:
		c->confdir = arg;
		return true;
	case OPT_PARTITION:
		cyre_list_add(&c->partitions, arg);
		return true;
	case OPT_USER:
		cyre_list_add(&c->users, arg);
		return true;
	case OPT_MAILBOX:
		add_mailbox(c, arg);
		return true;
	case OPT_TIMEZONE:
		c->timezone = arg;
		return true;
	}
	return false;
}

static bool set_common(struct parse *p, int opt, const char *arg)
{
	struct cyre_common_options *c = p->c;
	uint64_t v;

	switch (opt) {
	case OPT_FROM_FILE:
		p->from_file = arg;
		return true;
	case OPT_NUL:
		p->delimiter = '\0';
		return true;
	case OPT_SHARD:
		return set_shard(c, arg);
	case OPT_JOBS:
		if (!cyre_parse_number(arg, 1024, &v))
			return false;
		c->jobs = (unsigned)v;
		c->jobs_given = true;
		return true;
	case OPT_MEMORY:
		return cyre_parse_size(arg, &c->memory);
	case OPT_PROGRESS:
		return set_progress(c, arg);
	case OPT_QUIET:
		c->quiet = true;
		return true;
	case OPT_VERBOSE:
		c->verbose = true;
		return true;
	case OPT_CRON:
		c->cron = true;
		return true;
	case OPT_VERSION:
		printf("%s (cyrescue) %s\n", p->tool, CYRE_VERSION);
		exit(EXIT_CLEAN);
	case OPT_HELP:
		print_help(p->usage, p->own, p->files);
		exit(EXIT_CLEAN);
	}
	return set_path_or_name(c, opt, arg);
}

static const char *option_name(const struct parse *p, int opt)
{
	return opt >= OPT_CONFIG ? common_options[opt - OPT_CONFIG].name
				 : p->own[opt - FIRST_LONG].name;
}

static bool set_own(const struct parse *p, const struct cyre_option_does *does,
	const char *arg)
{
	char *field = (char *)p->payload + does->at;

	switch (does->kind) {
	case CYRE_OPTION_FLAG:
		*(bool *)(void *)field = true;
		return true;
	case CYRE_OPTION_TEXT:
		*(const char **)(void *)field = arg;
		return true;
	case CYRE_OPTION_CALL:
		break;
	}
	return does->call(p->payload, arg);
}

static void take_options(struct parse *p, int argc, char **argv)
{
	bool ok;
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, p->shorts, p->longs, NULL)) !=
		-1) {
		if (opt == ':')
			cyre_usage_error(p->tool,
				"option '%s' needs an argument",
				argv[optind - 1]);
		if (opt < FIRST_LONG)
			opt = by_letter(p, opt);
		if (opt == '?')
			cyre_usage_error(p->tool, "unknown option '%s'",
				argv[optind - 1]);
		ok = opt >= OPT_CONFIG
			     ? set_common(p, opt, optarg)
			     : set_own(p, &p->own[opt - FIRST_LONG].does,
				       optarg);
		if (!ok)
			cyre_usage_error(p->tool, "'%s' is no value for --%s",
				optarg ? optarg : "", option_name(p, opt));
	}
	if (p->from_file)
		add_names(p->c, p->from_file, p->delimiter);
	if (p->c->mailboxes.n > 1)
		qsort(p->c->mailboxes.items, p->c->mailboxes.n,
			sizeof(*p->c->mailboxes.items), by_text);
	p->c->met = calloc(p->c->partitions.n + p->c->users.n +
				   p->c->mailboxes.n + p->c->patterns.n + 1,
		sizeof(*p->c->met));
}

void cyre_parse_options(int argc, char **argv, enum cyre_tool_takes takes,
	const char *tool, const char *usage, const struct cyre_option *own,
	void *payload, struct cyre_common_options *common, int *ret_first)
{
	struct parse p = {.tool = tool,
		.usage = usage,
		.own = own,
		.payload = payload,
		.files = takes == CYRE_TAKES_FILES,
		.c = common,
		.shorts = ":",
		.delimiter = '\n'};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t nlongs = 0;

	tool_name = tool;
	*common = (struct cyre_common_options){.shard = 1,
		.shards = 1,
		.jobs = cpus > 1 ? (unsigned)cpus : 1,
		.memory = UINT64_C(1) << 30};
	add_table(&p, own, FIRST_LONG, &nlongs);
	add_table(&p, common_options, OPT_CONFIG, &nlongs);
	take_options(&p, argc, argv);
	*ret_first = optind;
}

int cyre_stdout_write(const void *bytes, size_t n, void *payload)
{
	(void)payload;
	return fwrite(bytes, 1, n, stdout) == n ? 0 : -1;
}
