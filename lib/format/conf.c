/*
 * conf.c - the text of imapd.conf to options
 *
 * Reads bytes in memory (files named by @include through a callback), produces
 * the sorted list of options as text. Does not know what an option means:
 * conf_options.c and conf_partitions.c do.
 *
 * Format: docs/formats/layout.md section 1.
 */
#include "conf_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_INCLUDES 64
#define MAX_DEPTH    8

struct parse {
	struct cyre_conf *conf;
	const struct cyre_conf_reader *reader;
	struct cyre_findings *found;
	char *seen[MAX_INCLUDES];
	size_t n_seen;
	cyre_status status;
};

/* One file being read. */
struct text {
	struct cyre_slice rest;
	const char *path;
	uint32_t line;
	unsigned depth;
};

static void complain(struct parse *ps, const struct text *t, unsigned problem,
	const char *what)
{
	struct cyre_buf b = {0};

	cyre_put_fmt(&b, "%s (%s:%u)", what, t->path, t->line);
	cyre_put_u8(&b, 0);
	CYRE_FIND(ps->found, .problem = (enum cyre_problem)problem,
		.file = CYRE_FILE_OTHER, .actual = t->line,
		.text = b.bad ? what : (const char *)b.p);
	cyre_buf_free(&b);
}

cyre_status cyre_conf_new(struct cyre_conf **ret)
{
	struct cyre_conf *conf = calloc(1, sizeof(*conf));

	if (!conf)
		return CYRE_ENOMEM;
	*ret = conf;
	return CYRE_OK;
}

void cyre_conf_free(struct cyre_conf *conf)
{
	size_t i;

	if (!conf)
		return;
	for (i = 0; i < conf->n_options; i++) {
		free(conf->options[i].name);
		free(conf->options[i].value);
	}
	for (i = 0; i < conf->n_partitions; i++)
		free(conf->partitions[i].name);
	free(conf->partitions);
	free(conf->options);
	free(conf);
}

static int option_and_name(const void *option, const void *name)
{
	return strcmp(((const struct cyre_conf_option *)option)->name, name);
}

/* Where the option is, or would be. */
static size_t find_option(const struct cyre_conf *conf, const char *name)
{
	return cyre_seek(name, conf->options, conf->n_options,
		sizeof(*conf->options), option_and_name);
}

static bool is_at(const struct cyre_conf *conf, size_t i, const char *name)
{
	return i < conf->n_options && !strcmp(conf->options[i].name, name);
}

const char *cyre_conf_get(const struct cyre_conf *conf, const char *name)
{
	size_t i = find_option(conf, name);

	return is_at(conf, i, name) ? conf->options[i].value : NULL;
}

cyre_status cyre_conf_set(
	struct cyre_conf *conf, const char *name, const char *value)
{
	size_t i = find_option(conf, name), n = conf->n_options;
	struct cyre_conf_option o = {strdup(name), strdup(value)}, *options;

	if (!o.name || !o.value)
		goto nomem;
	if (is_at(conf, i, name)) {
		free(conf->options[i].name);
		free(conf->options[i].value);
	} else {
		options = reallocarray(conf->options, n + 1, sizeof(*options));
		if (!options)
			goto nomem;
		memmove(options + i + 1, options + i, (n - i) * sizeof(o));
		conf->options = options;
		conf->n_options++;
	}
	conf->options[i] = o;
	return CYRE_OK;
nomem:
	free(o.name);
	free(o.value);
	return CYRE_ENOMEM;
}

/* An IMAP_ or LMTP_ in front of what decides where files are. */
static bool is_service_location(const char *name)
{
	static const char *const words[] = {"configdirectory", "hashimapspool",
		"fulldirhash", "virtdomains", "defaultdomain",
		"defaultpartition", "metapartition_files",
		"mailbox_legacy_dirs", "archive_enabled", "deletedprefix"};
	static const char *const starts[] = {"partition-", "metapartition-",
		"archivepartition-", "metadir-"};
	const char *p;
	size_t i;

	if (cyre_conf_option_exists(name))
		return false;
	for (p = strchr(name, '_'); p; p = strchr(p + 1, '_')) {
		for (i = 0; i < sizeof(words) / sizeof(*words); i++)
			if (!strcmp(p + 1, words[i]))
				return true;
		for (i = 0; i < sizeof(starts) / sizeof(*starts); i++)
			if (!strncmp(p + 1, starts[i], strlen(starts[i])))
				return true;
	}
	return false;
}

/* The next line with its continuations, NUL-terminated; false at the end. */
static bool next_line(struct parse *ps, struct text *t, struct cyre_buf *ret)
{
	bool more = t->rest.n > 0;

	cyre_buf_reset(ret);
	while (more) {
		const uint8_t *nl = memchr(t->rest.p, '\n', t->rest.n);
		size_t n = nl ? (size_t)(nl - t->rest.p) : t->rest.n;
		struct cyre_slice line = cyre_slice(t->rest.p, n);
		size_t used = nl ? n + 1 : n;

		t->line++;
		t->rest = cyre_slice(t->rest.p + used, t->rest.n - used);
		more = n > 0 && line.p[n - 1] == '\\';
		if (more)
			line.n--;
		cyre_put_slice(ret, line);
		if (!more || t->rest.n == 0) {
			cyre_put_u8(ret, 0);
			if (ret->bad)
				ps->status = CYRE_ENOMEM;
			return !ret->bad;
		}
	}
	return false;
}

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (isspace((unsigned char)*s))
		s++;
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

static void read_text(struct parse *ps, struct text *t);

static void include(struct parse *ps, struct text *t, const char *path)
{
	struct text sub = {.path = path, .depth = t->depth + 1};
	struct cyre_buf b = {0};
	cyre_status st;
	size_t i;

	for (i = 0; i < ps->n_seen; i++)
		if (!strcmp(ps->seen[i], path)) {
			complain(ps, t, CYRE_P_CONF_INCLUDE_TWICE, path);
			return;
		}
	if (sub.depth > MAX_DEPTH || ps->n_seen == MAX_INCLUDES ||
		path[0] != '/' || !ps->reader) {
		complain(ps, t, CYRE_P_CONF_INCLUDE, path);
		return;
	}
	ps->seen[ps->n_seen] = strdup(path);
	if (!ps->seen[ps->n_seen]) {
		ps->status = CYRE_ENOMEM;
		return;
	}
	sub.path = ps->seen[ps->n_seen++];
	st = ps->reader->include(ps->reader->payload, path, &b);
	if (st == CYRE_ENOMEM)
		ps->status = st;
	else if (st != CYRE_OK)
		complain(ps, t, CYRE_P_CONF_INCLUDE, path);
	else {
		sub.rest = cyre_buf_slice(&b);
		read_text(ps, &sub);
	}
	cyre_buf_free(&b);
}

/* The server stops at each of these mistakes; we go on with what is left. */
static void read_line(struct parse *ps, struct text *t, char *line)
{
	char *name = trim(line), *p = name, *value;

	if (!*name || *name == '#')
		return;
	if (*p == '@')
		p++;
	for (; isalnum((unsigned char)*p) || *p == '-' || *p == '_'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (*p != ':' || p == name) {
		complain(ps, t, CYRE_P_CONF_SYNTAX, name);
		return;
	}
	*p = '\0';
	value = trim(p + 1);
	if (!*value) {
		complain(ps, t, CYRE_P_CONF_EMPTY_VALUE, name);
	} else if (!strcmp(name, "@include")) {
		include(ps, t, value);
	} else if (name[0] == '@') {
		complain(ps, t, CYRE_P_CONF_SYNTAX, name);
	} else if (cyre_conf_get(ps->conf, name)) {
		complain(ps, t, CYRE_P_CONF_DUPLICATE_OPTION, name);
	} else {
		if (is_service_location(name))
			complain(ps, t, CYRE_P_CONF_SERVICE_LOCATION, name);
		if (cyre_conf_set(ps->conf, name, value) != CYRE_OK)
			ps->status = CYRE_ENOMEM;
	}
}

static void read_text(struct parse *ps, struct text *t)
{
	struct cyre_buf line = {0};

	while (ps->status == CYRE_OK && next_line(ps, t, &line))
		read_line(ps, t, (char *)line.p);
	cyre_buf_free(&line);
}

cyre_status cyre_conf_read(struct cyre_conf *conf, struct cyre_slice text,
	const char *path, const struct cyre_conf_reader *reader,
	struct cyre_findings *found)
{
	struct parse ps = {.conf = conf, .reader = reader, .found = found};
	struct text t = {.rest = text, .path = path};
	size_t i;

	read_text(&ps, &t);
	for (i = 0; i < ps.n_seen; i++)
		free(ps.seen[i]);
	return ps.status != CYRE_OK ? ps.status : found->status;
}
