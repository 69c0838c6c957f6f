/*
 * dbload.c - see cyrescue/dbload.h
 *
 * Of a Berkeley database there are up to three versions: the file, the file
 * with the changes since the last checkpoint applied, and a new one made of all
 * log files alone, if they begin before the database does. The first that is
 * whole is taken, for want of one that with most keys.
 */
#include <cyrescue/dbload.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cyrescue/berkeley.h>
#include <cyrescue/report.h>

#include "berkeley_files.h"
#include "berkeley_log.h"
#include "bytes.h"
#include "db.h"
#include "dbarrive.h"

#define LARGE (4 << 20) /* bytes; less is read before a thread has begun */

static bool is_damaged(const struct cyre_findings *found)
{
	enum cyre_severity worst;

	return cyre_findings_worst(found, &worst) && worst >= CYRE_SEV_DAMAGE;
}

struct load {
	const char *path;
	struct cyre_slice bytes;
	const struct cyre_dbload_options *o;
	struct cyre_findings *found;
	struct cyre_db *db;
	bool file_is_right; /* once its logs are applied */
};

/* ---- the log files ---- */

/* One version of a database. */
struct version {
	struct cyre_slice bytes;
	struct cyre_findings found;
	struct cyre_db *db; /* NULL: there is no such version */
	bool damaged;
};

static void version_free(struct version *v)
{
	cyre_db_free(v->db);
	cyre_findings_free(&v->found);
	free((void *)v->bytes.p);
	*v = (struct version){.db = NULL};
}

static cyre_status read_version(struct version *v)
{
	cyre_status st;

	v->found.keep = 1;
	if (cyre_db_detect(v->bytes) != CYRE_DB_BERKELEY)
		return CYRE_OK;
	st = cyre_db_read(v->bytes, &v->found, &v->db);
	v->damaged = is_damaged(&v->found);
	if (st == CYRE_OK && v->damaged) {
		cyre_db_free(v->db);
		v->db = NULL;
		st = cyre_db_salvage(v->bytes, CYRE_DB_BERKELEY, NULL, &v->db);
	}
	return st;
}

/* A replay that fails is no version; the reason is told once. */
static cyre_status replay(struct load *l, const struct cyre_berkeley_replay *r,
	struct version *ret, uint32_t *version)
{
	struct cyre_error ignored;
	cyre_status st;

	st = cyre_berkeley_replay(r, &ret->bytes, version, &ignored);
	if (st == CYRE_ENOMEM || st == CYRE_ECANCELED)
		return st;
	if (st == CYRE_OK)
		return read_version(ret);
	if (st != CYRE_EFORMAT && !l->found->count[CYRE_P_DB_LOG_UNREAD])
		CYRE_FIND(l->found, .problem = CYRE_P_DB_LOG_UNREAD,
			.actual = *version, .file = CYRE_FILE_OTHER);
	return CYRE_OK;
}

/* Keys that are in one only, or with another value. */
static uint64_t count_changed(const struct cyre_db *a, const struct cyre_db *b)
{
	uint64_t both = 0, same = 0;
	const struct cyre_db_entry *e, *f;
	size_t i;

	for (i = 0; i < cyre_db_count(a); i++) {
		e = cyre_db_at(a, i);
		f = cyre_db_find(b, e->key);
		both += f != NULL;
		same += f && cyre_slice_eq(e->value, f->value);
	}
	return cyre_db_count(a) + cyre_db_count(b) - both - same;
}

/* Keys that a salvage would write by itself. */
static size_t sure_keys(const struct version *v)
{
	const struct cyre_db_info *info = v->db ? cyre_db_info(v->db) : NULL;

	return info ? info->count[CYRE_DB_INTACT] +
			       info->count[CYRE_DB_REPLAYED]
		    : 0;
}

static bool is_whole(const struct version *v)
{
	return v->db && !v->damaged;
}

/* A log file that is damaged in the middle ends a replay, which says nothing. */
static cyre_status check_log(
	struct load *l, const char *dir, const char *name, uint64_t limit)
{
	struct cyre_berkeley_log log;
	struct cyre_slice bytes = {NULL, 0};
	char path[4096];
	cyre_status st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	st = cyre_dbfile_read(path, limit, &bytes, NULL, NULL);
	if (st == CYRE_OK && cyre_berkeley_log_read(bytes, &log) && log.next)
		CYRE_FIND(l->found, .problem = CYRE_P_DB_LOG_DAMAGED,
			.offset = log.end, .actual = log.next, .text = name,
			.file = CYRE_FILE_OTHER);
	free((void *)bytes.p);
	return st == CYRE_ENOMEM ? st : CYRE_OK;
}

static int is_log(const struct dirent *e)
{
	return cyre_bfiles_is_log(e->d_name);
}

static cyre_status check_logs(struct load *l, const char *dir, uint64_t limit)
{
	cyre_status st = CYRE_OK;
	struct dirent **e;
	int i, n = scandir(dir, &e, is_log, alphasort);

	for (i = 0; i < n; i++) {
		if (st == CYRE_OK)
			st = check_log(l, dir, e[i]->d_name, limit);
		free(e[i]);
	}
	if (n >= 0)
		free(e);
	return st;
}

/* With the logs the server would have the file whole again, as after each
 * crash: what the file alone looks like is then no damage. */
static void take(struct load *l, struct version *own, struct version *best,
	bool as_server)
{
	uint64_t changed = own->db ? count_changed(own->db, best->db)
				   : cyre_db_count(best->db);

	if (!changed)
		return;
	CYRE_FIND(l->found,
		.problem = as_server ? CYRE_P_DB_LOG_NEWER : CYRE_P_DB_LOG_ONLY,
		.actual = as_server ? changed : cyre_db_count(best->db),
		.file = CYRE_FILE_OTHER);
	l->file_is_right = as_server && !best->damaged;
	cyre_db_adopt(best->db, (uint8_t *)best->bytes.p);
	l->db = best->db;
	best->db = NULL;
	best->bytes = (struct cyre_slice){NULL, 0};
}

static cyre_status apply_logs(
	struct load *l, uint64_t limit, const struct cyre_berkeley_env *env)
{
	struct cyre_berkeley_replay r = {
		.env = *env, .file = l->bytes, .limits.bytes = limit};
	struct version v[3] = {{.bytes = l->bytes}}, *best = &v[0];
	uint32_t version = 0;
	cyre_status st;

	st = check_logs(l, env->dir, limit);
	if (st == CYRE_OK)
		st = read_version(&v[0]);
	if (st == CYRE_OK)
		st = replay(l, &r, &v[1], &version);
	/* What the logs say counts, be it fewer keys. */
	if (is_whole(&v[1]) || (v[1].db && sure_keys(&v[1]) >= sure_keys(best)))
		best = &v[1];
	/* What the file's own pages lost, no checkpoint gives back. Log files
	 * that are damaged themselves may know less. */
	if (st == CYRE_OK && !is_whole(best)) {
		r.file.n = 0;
		r.from_start = true;
		st = replay(l, &r, &v[2], &version);
		if (v[2].db && sure_keys(&v[2]) >= sure_keys(best))
			best = &v[2];
	}
	if (st == CYRE_OK && best != &v[0])
		take(l, &v[0], best, best == &v[1]);
	v[0].bytes = (struct cyre_slice){NULL, 0};
	version_free(&v[0]);
	version_free(&v[1]);
	version_free(&v[2]);
	return st;
}

/* Most empty files were never a Berkeley database. */
static bool is_worth_it(const struct load *l, enum cyre_db_format format,
	const struct cyre_berkeley_env *env)
{
	return env->dir && (format == CYRE_DB_BERKELEY ||
				   cyre_berkeley_env_knows(env, l->o->memory));
}

static cyre_status load_berkeley(struct load *l, enum cyre_db_format format)
{
	struct cyre_berkeley_env env = {NULL, NULL};
	cyre_status st;

	if (l->o->env && !*l->o->env)
		return CYRE_OK;
	st = cyre_berkeley_env_find(l->path, l->o->env, &env);
	if (st == CYRE_OK && is_worth_it(l, format, &env))
		st = apply_logs(l, l->o->memory, &env);
	cyre_berkeley_env_free(&env);
	return st;
}

/* ---- all of them ---- */

static void tell_journals(const struct load *l)
{
	static const char *const ends[] = {"-journal", "-wal"};
	char beside[4096];
	struct stat sb;
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(beside, sizeof(beside), "%s%s", l->path, ends[i]);
		if (stat(beside, &sb) == 0 && sb.st_size > 0)
			CYRE_FIND(l->found, .problem = CYRE_P_DB_JOURNAL,
				.length = (uint64_t)sb.st_size, .text = beside,
				.file = CYRE_FILE_OTHER);
	}
}

cyre_status cyre_dbload_bytes(const char *path, struct cyre_slice bytes,
	const struct cyre_dbload_options *o, struct cyre_findings *found,
	struct cyre_db **ret)
{
	struct load l = {.path = path, .bytes = bytes, .o = o, .found = found};
	enum cyre_db_format format = o->as ? o->as : cyre_db_detect(bytes);
	struct cyre_db *db = NULL;
	cyre_status st = CYRE_OK;

	/* A file that lost its first bytes, or all: the logs may know it. */
	if (format == CYRE_DB_BERKELEY || format == CYRE_DB_NONE || !bytes.n)
		st = load_berkeley(&l, format);
	if (format == CYRE_DB_SQLITE)
		tell_journals(&l);
	if (st != CYRE_OK)
		return st;
	if (!l.db && (!o->as || cyre_db_detect(bytes) == o->as))
		return cyre_db_open(bytes, found, ret);
	if (!l.db) {
		CYRE_FIND(found, .problem = CYRE_P_DB_HEADER,
			.file = CYRE_FILE_OTHER);
		return cyre_db_salvage(bytes, o->as, found, ret);
	}
	/* Only what is wrong with the file itself is wanted. */
	if (!l.file_is_right)
		st = cyre_db_read(bytes, found, &db);
	cyre_db_free(db);
	if (st == CYRE_OK || st == CYRE_EFORMAT) {
		*ret = l.db;
		return CYRE_OK;
	}
	cyre_db_free(l.db);
	return st;
}

/* A large file by two threads, if there may be two. */
static cyre_status read_file(const char *path,
	const struct cyre_dbload_options *o, struct cyre_dbload *ret,
	struct cyre_error *reterr)
{
	struct cyre_buf b = {.limit = o->memory};
	cyre_status st;
	struct stat sb;

	if (o->jobs < 2 || o->as || stat(path, &sb) < 0 || sb.st_size < LARGE)
		return cyre_dbfile_read(
			path, o->memory, &ret->bytes, &ret->owner, reterr);
	ret->owner = (struct cyre_dbfile_owner){
		sb.st_uid, sb.st_gid, sb.st_mode & 0777};
	st = cyre_dbarrive(path, &b, &ret->found, &ret->db, reterr);
	ret->bytes = cyre_buf_slice(&b);
	return st;
}

cyre_status cyre_dbload_file(const char *path,
	const struct cyre_dbload_options *o, struct cyre_dbload *ret,
	struct cyre_error *reterr)
{
	cyre_status st = read_file(path, o, ret, reterr);

	if (st != CYRE_OK || ret->db)
		return st;
	st = cyre_dbload_bytes(path, ret->bytes, o, &ret->found, &ret->db);
	if (st == CYRE_EFORMAT) {
		CYRE_FIND(&ret->found, .problem = CYRE_P_DB_UNKNOWN,
			.file = CYRE_FILE_OTHER);
		st = ret->found.status;
	}
	return st;
}

void cyre_dbload_describe(const struct cyre_db *db, struct cyre_dbreport *ret)
{
	const struct cyre_db_info *info = cyre_db_info(db);
	int i;

	ret->format = cyre_db_format_name(info->format);
	ret->order = cyre_db_order_name(info->order);
	ret->keys = cyre_db_count(db);
	ret->generation = info->generation;
	ret->counted = info->counted;
	ret->expected = info->expected;
	ret->missing = info->missing;
	for (i = 0; i < CYRE_DB_TRUSTS; i++) {
		ret->by_trust[i] = info->count[i];
		ret->trusts[i] = cyre_db_trust_name((enum cyre_db_trust)i);
	}
}

cyre_status cyre_dbload_make(const struct cyre_db_write_options *o,
	const struct cyre_db_entry *entries, size_t n, const char *tmpdir,
	struct cyre_slice *ret, struct cyre_error *reterr)
{
	struct cyre_dbfile_pair *pairs;
	cyre_status st;
	uint8_t *p;
	size_t i;

	if (o->format != CYRE_DB_BERKELEY) {
		st = cyre_db_write(o, entries, n, &p, &ret->n);
		if (st == CYRE_OK)
			ret->p = p;
		return st;
	}
	pairs = calloc(n + 1, sizeof(*pairs));
	if (!pairs)
		return CYRE_ENOMEM;
	for (i = 0; i < n; i++)
		pairs[i] = (struct cyre_dbfile_pair){
			entries[i].key, entries[i].value};
	st = cyre_berkeley_write(pairs, n,
		o->order == CYRE_DB_RAW ? NULL : cyre_db_comparer(o->order),
		tmpdir, ret, reterr);
	free(pairs);
	return st;
}

void cyre_dbload_free(struct cyre_dbload *l)
{
	cyre_db_free(l->db);
	cyre_findings_free(&l->found);
	free((void *)l->bytes.p);
	*l = (struct cyre_dbload){.db = NULL};
}
