/*
 * conf_options.c - options of imapd.conf to fields, with the defaults of each
 * release
 *
 * Reads the options conf.c collected, produces the fields of struct cyre_conf
 * and findings. Table: docs/formats/layout.md section 1; databases:
 * other-databases.md section 0.
 */
#include "conf_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum type { STRING, SWITCH, ENUM, BITS, OCTAL, DURATION };

struct since {
	cyre_release release; /* 0: from the beginning */
	const char *value;    /* NULL: no default */
};

struct option {
	const char *name;
	enum type type;
	size_t field;
	const char *const *words; /* of ENUM and BITS, NULL-terminated */
	const char *old;          /* a deprecated name that still works */
	int64_t unit;             /* of a bare number in a DURATION, seconds */
	struct since since[5];    /* ascending */
};

#define OPT(kind, field_, ...)                                                 \
	{                                                                      \
		.name = #field_, .type = kind,                                 \
		.field = offsetof(struct cyre_conf, field_), __VA_ARGS__       \
	}
#define R   CYRE_RELEASE
#define DAY 86400

static const char *const virtdomains_words[] = {"off", "userid", "on", NULL};
static const char *const delete_words[] = {"immediate", "delayed", NULL};
static const char *const expunge_words[] = {
	"immediate", "default", "delayed", "semidelayed", NULL};
static const char *const meta_words[CYRE_META_COUNT + 1] = {"header", "index",
	"cache", "expunge", "squat", "annotations", "lock", "dav",
	"archivecache", NULL};

/* clang-format off */
static const struct option options[] = {
	OPT(STRING, admins),
	OPT(SWITCH, altnamespace,
	 .since = {{0, "no"}, {R(3, 0), "yes"}}),
	OPT(STRING, annotation_db,
	 .since = {{R(2, 1), "skiplist"}, {R(2, 5), "twoskip"}}),
	OPT(STRING, annotation_db_path),
	OPT(DURATION, archive_after, .unit = DAY,
	 .old = "archive_days", .since = {{R(3, 0), "7d"}}),
	OPT(SWITCH, archive_enabled),
	OPT(STRING, configdirectory),
	OPT(SWITCH, conversations),
	OPT(STRING, conversations_db,
	 .since = {{R(3, 0), "skiplist"}}),
	OPT(STRING, cyrus_group),
	OPT(STRING, cyrus_user),
	OPT(STRING, defaultdomain,
	 .since = {{R(3, 0), "internal"}}),
	OPT(STRING, defaultpartition,
	 .since = {{0, "default"}, {R(2, 3), NULL}}),
	OPT(ENUM, delete_mode, .words = delete_words,
	 .since = {{0, "immediate"}, {R(2, 5), "delayed"}}),
	OPT(STRING, deletedprefix,
	 .since = {{0, "DELETED"}}),
	OPT(STRING, duplicate_db,
	 .since = {{0, "berkeley"}, {R(2, 1), "berkeley-nosync"},
		   {R(2, 4), "skiplist"}, {R(2, 5), "twoskip"}}),
	OPT(STRING, duplicate_db_path),
	OPT(ENUM, expunge_mode, .words = expunge_words,
	 .since = {{0, "immediate"}, {R(2, 4), "default"},
		   {R(2, 5), "delayed"}}),
	OPT(SWITCH, fulldirhash),
	OPT(SWITCH, hashimapspool),
	OPT(SWITCH, improved_mboxlist_sort),
	OPT(SWITCH, mailbox_legacy_dirs),
	OPT(STRING, mboxlist_db,
	 .since = {{0, "berkeley"}, {R(2, 1), "skiplist"},
		   {R(2, 5), "twoskip"}}),
	OPT(STRING, mboxlist_db_path),
	OPT(STRING, mboxname_lockpath),
	OPT(BITS, metapartition_files, .words = meta_words),
	OPT(STRING, proc_path),
	OPT(STRING, quota_db, .since = {{0, "quotalegacy"}}),
	OPT(STRING, quota_db_path),
	OPT(SWITCH, reverseacls),
	OPT(STRING, seenstate_db,
	 .since = {{0, "flat"}, {R(2, 1), "skiplist"}, {R(2, 5), "twoskip"}}),
	OPT(STRING, servername),
	OPT(STRING, sharedprefix,
	 .since = {{0, "Shared Folders"}}),
	OPT(STRING, sievedir, .since = {{0, "/usr/sieve"}}),
	OPT(SWITCH, sieveusehomedir),
	OPT(SWITCH, statuscache),
	OPT(STRING, statuscache_db,
	 .since = {{R(2, 3), "berkeley-nosync"}, {R(2, 4), "skiplist"},
		   {R(2, 5), "twoskip"}}),
	OPT(STRING, statuscache_db_path),
	OPT(STRING, subscription_db,
	 .since = {{0, "flat"}}),
	OPT(OCTAL, umask, .since = {{0, "077"}}),
	OPT(SWITCH, unixhierarchysep,
	 .since = {{0, "no"}, {R(3, 0), "yes"}}),
	OPT(SWITCH, username_tolower,
	 .since = {{0, "no"}, {R(2, 1), "yes"}}),
	OPT(STRING, userprefix,
	 .since = {{0, "Other Users"}}),
	OPT(ENUM, virtdomains, .words = virtdomains_words),
};
/* clang-format on */
#define N_OPTIONS (sizeof(options) / sizeof(*options))

struct finish {
	struct cyre_conf *conf;
	struct cyre_findings *found;
	cyre_status status;
};

bool cyre_conf_option_exists(const char *name)
{
	size_t i;

	for (i = 0; i < N_OPTIONS; i++)
		if (!strcmp(options[i].name, name))
			return true;
	return false;
}

const char *cyre_meta_name(enum cyre_meta kind)
{
	return (unsigned)kind < CYRE_META_COUNT ? meta_words[kind] : "";
}

static bool parse_switch(const char *s, bool *ret)
{
	int c = tolower((unsigned char)s[0]);
	int d = c ? tolower((unsigned char)s[1]) : 0;

	if (c == '0' || c == 'n' || c == 'f' || (c == 'o' && d == 'f'))
		*ret = false;
	else if (c == '1' || c == 'y' || c == 't' || (c == 'o' && d == 'n'))
		*ret = true;
	else
		return false;
	return true;
}

/* The words are separated by blanks; each sets its bit. */
static bool parse_bits(const char *s, const char *const *words, unsigned *ret)
{
	unsigned bits = 0, i;
	size_t n;

	for (;; s += n) {
		s += strspn(s, " \t");
		n = strcspn(s, " \t");
		if (n == 0)
			break;
		for (i = 0; words[i]; i++)
			if (strlen(words[i]) == n &&
				!strncasecmp(words[i], s, n))
				break;
		if (!words[i])
			return false;
		bits |= 1u << i;
	}
	*ret = bits;
	return true;
}

/* One word; "yes" and "no" are other words for "on" and "off". */
static bool parse_enum(const char *s, const char *const *words, unsigned *ret)
{
	bool on;
	unsigned i;

	for (i = 0; words[i]; i++)
		if (!strcasecmp(words[i], s)) {
			*ret = i;
			return true;
		}
	if (words == virtdomains_words && parse_switch(s, &on)) {
		*ret = on ? CYRE_VIRT_ON : CYRE_VIRT_OFF;
		return true;
	}
	return false;
}

static bool parse_octal(const char *s, unsigned *ret)
{
	unsigned v = 0;

	for (; *s >= '0' && *s <= '7' && v <= 0777; s++)
		v = v * 8 + (unsigned)(*s - '0');
	if (*s || v > 0777)
		return false;
	*ret = v;
	return true;
}

/* "3d12h", "90", "-1": numbers with a unit, the last one may go without. */
static bool parse_duration(const char *s, int64_t unit, int64_t *ret)
{
	static const char letters[] = "smhd";
	static const int64_t seconds[] = {1, 60, 3600, DAY};
	bool minus = *s == '-';
	int64_t sum = 0;
	const char *p;

	s += minus;
	if (!*s)
		return false;
	while (*s) {
		int64_t v = 0, u = unit;

		if (!isdigit((unsigned char)*s))
			return false;
		for (; isdigit((unsigned char)*s); s++) {
			v = v * 10 + (*s - '0');
			if (v > INT32_MAX)
				return false;
		}
		if (*s) {
			p = strchr(letters, tolower((unsigned char)*s));
			if (!p)
				return false;
			u = seconds[p - letters];
			s++;
		}
		sum += v * u;
		if (sum > INT64_MAX / 4)
			return false;
	}
	*ret = minus ? -sum : sum;
	return true;
}

static const char *default_of(const struct option *o, cyre_release release)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; i < sizeof(o->since) / sizeof(o->since[0]); i++) {
		if (i > 0 && o->since[i].release == 0)
			break;
		if (release == 0 || o->since[i].release <= release)
			value = o->since[i].value;
	}
	return value;
}

static bool store(
	struct cyre_conf *conf, const struct option *o, const char *value)
{
	void *field = (char *)conf + o->field;
	unsigned *u = field;

	switch (o->type) {
	case STRING:
		*(const char **)field = value;
		return true;
	case SWITCH:
		return parse_switch(value ? value : "no", field);
	case ENUM:
		if (!parse_enum(value ? value : "off", o->words, u))
			return false;
		if (o->words == expunge_words && *u > CYRE_EXPUNGE_DELAYED)
			*u = CYRE_EXPUNGE_DEFAULT;
		return true;
	case BITS:
		return parse_bits(value ? value : "", o->words, u);
	case OCTAL:
		return parse_octal(value, u);
	case DURATION:
		return parse_duration(value ? value : "0", o->unit, field);
	}
	return false;
}

void cyre_conf_complain(struct cyre_findings *found, enum cyre_problem problem,
	const char *name, const char *value)
{
	struct cyre_buf b = {0};

	cyre_put_str(&b, name);
	if (value)
		cyre_put_fmt(&b, ": %s", value);
	cyre_put_u8(&b, 0);
	CYRE_FIND(found, .problem = problem, .file = CYRE_FILE_OTHER,
		.text = b.bad ? name : (const char *)b.p);
	cyre_buf_free(&b);
}

/* {configdirectory}/x: the text of the option itself is replaced. */
static const char *expand(struct finish *f, const char *name, const char *value)
{
	static const char macro[] = "{configdirectory}";
	const char *dir = cyre_conf_get(f->conf, "configdirectory");
	struct cyre_buf b = {0};

	if (strncmp(value, macro, sizeof(macro) - 1) != 0 || !dir ||
		!strcmp(name, "configdirectory"))
		return value;
	cyre_put_str(&b, dir);
	cyre_put_str(&b, value + sizeof(macro) - 1);
	cyre_put_u8(&b, 0);
	if (b.bad || cyre_conf_set(f->conf, name, (const char *)b.p))
		f->status = CYRE_ENOMEM;
	cyre_buf_free(&b);
	return cyre_conf_get(f->conf, name);
}

static void set_field(struct finish *f, const struct option *o)
{
	const char *name = o->name, *value = cyre_conf_get(f->conf, name);

	if (!value && o->old) {
		name = o->old;
		value = cyre_conf_get(f->conf, name);
	}
	if (value && o->type == STRING)
		value = expand(f, name, value);
	if (value && store(f->conf, o, value))
		return;
	if (value)
		cyre_conf_complain(
			f->found, CYRE_P_CONF_BAD_VALUE, name, value);
	store(f->conf, o, default_of(o, f->conf->release));
}

cyre_status cyre_conf_finish(struct cyre_conf *conf, cyre_release release,
	struct cyre_findings *found)
{
	struct finish f = {.conf = conf, .found = found};
	size_t i;

	conf->release = release;
	for (i = 0; i < N_OPTIONS; i++)
		set_field(&f, &options[i]);
	if (conf->configdirectory && conf->configdirectory[0] != '/')
		cyre_conf_complain(found, CYRE_P_CONF_RELATIVE_PATH,
			"configdirectory", conf->configdirectory);
	if (f.status == CYRE_OK)
		f.status = cyre_conf_collect_partitions(conf, found);
	return f.status != CYRE_OK ? f.status : found->status;
}
