/*
 * dbrebuild_sources.c - mailboxes.db as it is, and every copy of it there is
 *
 * The file itself strictly or, when damaged, salvaged; where even its first
 * bytes are lost, as the format that gives the most mailboxes. Copies:
 * what an interrupted rewrite left, db.backup1 and 2, dumps of ctl_mboxlist -d
 * in <configdirectory>/backup and where Debian keeps them, and the donors that
 * the administrator names.
 */
#include "dbrebuild.h"

#include <cyrescue/dbload.h>

#include "conf_load.h"
#include "mboxdump.h"
#include "read_file.h"
#include "unpack.h"

/* cron.daily of Debian's package, of the server that /etc/imapd.conf is. */
#define DEBIAN_CONFIG "/etc/imapd.conf"
#define DEBIAN_DUMP   "/var/backups/cyrus-mboxlist.txt.gz"

static cyre_status tell(
	const struct cyre_dbrebuild *d, struct cyre_dbreport_source *s)
{
	s->database = "mailboxes.db";
	return cyre_dbreport_source(&d->o->out, s);
}

/* ---- the database itself ---- */

/* Records that say something of a mailbox. */
static size_t count_readable(const struct cyre_db *db)
{
	bool is_new = cyre_mbox_form_of(db) == CYRE_MBOX_IDS;
	size_t i, n = cyre_db_count(db), good = 0;
	struct cyre_buf own = {0};
	struct cyre_mbox m;

	for (i = 0; i < n; i++) {
		const struct cyre_db_entry *e = cyre_db_at(db, i);

		good += cyre_mbox_read(e->key, e->value, is_new, &own, &m) &&
			m.kind == CYRE_MBOXKEY_NAME;
	}
	cyre_buf_free(&own);
	return good;
}

cyre_status cyre_dbrebuild_guess(struct cyre_slice bytes,
	size_t (*readable)(const struct cyre_db *db), struct cyre_db **ret)
{
	static const enum cyre_db_format formats[] = {CYRE_DB_TWOSKIP,
		CYRE_DB_SKIPLIST, CYRE_DB_TWOM, CYRE_DB_BERKELEY, CYRE_DB_FLAT};
	struct cyre_db *best = NULL, *db;
	size_t i, n, most = 0;
	cyre_status st;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		st = cyre_db_salvage(bytes, formats[i], NULL, &db);
		if (st == CYRE_ENOMEM) {
			cyre_db_free(best);
			return st;
		}
		if (st != CYRE_OK)
			continue;
		n = readable(db);
		if (n > most) {
			cyre_db_free(best);
			best = db;
			most = n;
		} else {
			cyre_db_free(db);
		}
	}
	*ret = best;
	return CYRE_OK;
}

void cyre_dbrebuild_describe(
	const struct cyre_db *db, bool complete, struct cyre_dbreport_source *s)
{
	const struct cyre_db_info *info = cyre_db_info(db);

	s->format = cyre_db_format_name(info->format);
	s->entries = info->count[CYRE_DB_INTACT];
	s->doubtful = info->count[CYRE_DB_RESURRECTED] +
		      info->count[CYRE_DB_UNCOMMITTED];
	*(complete ? &s->entries : &s->doubtful) +=
		info->count[CYRE_DB_REPLAYED];
	s->missing = info->missing;
}

bool cyre_dbrebuild_is_complete(const struct cyre_findings *found)
{
	static const enum cyre_problem gaps[] = {CYRE_P_DB_TRUNCATED,
		CYRE_P_DB_RECORD, CYRE_P_DB_CUT, CYRE_P_DB_KEYS_LOST};
	size_t i;

	for (i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
		if (found->count[gaps[i]])
			return false;
	return true;
}

static cyre_status read_database(
	struct cyre_dbrebuild *d, struct cyre_dbreport_source *s)
{
	struct cyre_dbload_options o = {.memory = d->run.rules.limit};
	struct cyre_slice bytes = cyre_buf_slice(&d->target.bytes);
	struct cyre_findings found = {.keep = 1};
	enum cyre_severity worst;
	cyre_status st;

	if (!d->target.before.exists) {
		s->problem = "it is not there";
		return CYRE_OK;
	}
	st = cyre_dbload_bytes(
		(const char *)d->target.path.p, bytes, &o, &found, &d->db);
	d->complete = cyre_dbrebuild_is_complete(&found);
	if (st == CYRE_EFORMAT || st == CYRE_EUNSUPPORTED) {
		s->problem = bytes.n ? "its first bytes are not those of a "
				       "database"
				     : "it is empty";
		d->complete = false;
		d->damaged = true;
		st = cyre_dbrebuild_guess(bytes, count_readable, &d->db);
	} else if (st == CYRE_OK && cyre_findings_worst(&found, &worst) &&
		   worst > CYRE_SEV_NOTE) {
		s->problem = "it is damaged";
		/* What is only stale the server puts right itself, but not a
		 * file that its log files alone still know. */
		d->damaged = worst > CYRE_SEV_STALE ||
			     cyre_db_info(d->db)->salvaged ||
			     cyre_db_detect(bytes) == CYRE_DB_NONE;
	}
	d->damaged |= d->ask.rewrite;
	cyre_findings_free(&found);
	return st;
}

cyre_status cyre_dbrebuild_open(struct cyre_dbrebuild *d)
{
	struct cyre_dbreport_source s = {.role = "mailboxes.db"};
	const char *path = d->run.conf->mboxlist_db_path;
	const struct cyre_server_file *f;
	struct cyre_buf own = {0};
	cyre_status st;
	size_t n;

	if (path)
		cyre_put_str(&own, path);
	else
		cyre_put_fmt(
			&own, "%s/mailboxes.db", d->run.conf->configdirectory);
	cyre_put_u8(&own, '\0');
	f = cyre_confdir_find(d->run.confdir, CYRE_SERVER_MAILBOXES, NULL, &n);
	if (f && f->copy != CYRE_COPY_LIVE)
		f = NULL;
	st = own.bad ? CYRE_ENOMEM
		     : cyre_db_target_open(
			       d, f, (const char *)own.p, &d->target);
	cyre_buf_free(&own);
	if (st == CYRE_OK)
		st = read_database(d, &s);
	if (st != CYRE_OK)
		return st;
	s.path = (const char *)d->target.path.p;
	if (d->db)
		cyre_dbrebuild_describe(d->db, d->complete, &s);
	return tell(d, &s);
}

/* ---- copies ---- */

static void note_copy(struct cyre_dbrebuild *d, enum cyre_db_format format,
	enum cyre_mbox_form form)
{
	if (d->seen_format == CYRE_DB_NONE)
		d->seen_format = format;
	if (form > d->seen_form)
		d->seen_form = form;
}

struct dump_adder {
	struct cyre_mbox_merge *merge;
	enum cyre_mbox_source from;
	uint64_t n;
};

static cyre_status add_dumped(void *payload, const struct cyre_mbox *m)
{
	struct dump_adder *a = payload;

	a->n++;
	return cyre_mbox_merge_copy(a->merge, m, a->from, 0);
}

static cyre_status add_dump(struct cyre_dbrebuild *d, struct cyre_slice bytes,
	enum cyre_mbox_source from, struct cyre_dbreport_source *s)
{
	struct dump_adder a = {.merge = d->merge, .from = from};
	bool json = bytes.n && bytes.p[0] == '{';
	uint64_t skipped = 0;
	cyre_status st;

	st = cyre_mboxdump_read(bytes, add_dumped, &a, &skipped);
	if (st == CYRE_EFORMAT) {
		s->problem = "neither a database nor a dump";
		return CYRE_OK;
	}
	s->format = json ? "dump (JSON)" : "dump (text)";
	s->entries = a.n;
	if (skipped)
		s->problem = "some lines are not those of a dump";
	if (json)
		note_copy(d, CYRE_DB_NONE, CYRE_MBOX_IDS);
	return st;
}

/* Text of a dump has the shape of a flat database, but no lists in it. */
static bool is_database(struct cyre_slice bytes)
{
	enum cyre_db_format f = cyre_db_detect(bytes);
	size_t n = bytes.n < 4096 ? bytes.n : 4096;

	if (f == CYRE_DB_FLAT)
		return n && memmem(bytes.p, n, "\t%(", 3);
	return f != CYRE_DB_NONE && bytes.p[0] != '{';
}

static cyre_status add_database(struct cyre_dbrebuild *d,
	struct cyre_slice bytes, enum cyre_mbox_source from, int64_t ns,
	struct cyre_dbreport_source *s)
{
	struct cyre_findings found = {.keep = 1};
	enum cyre_severity worst;
	struct cyre_db *db;
	cyre_status st;

	st = cyre_db_open(bytes, &found, &db);
	if (st == CYRE_OK && cyre_findings_worst(&found, &worst) &&
		worst > CYRE_SEV_NOTE)
		s->problem = "it is damaged";
	cyre_findings_free(&found);
	if (st == CYRE_EFORMAT || st == CYRE_EUNSUPPORTED) {
		s->problem = "not a database we read";
		return CYRE_OK;
	}
	if (st != CYRE_OK)
		return st;
	cyre_dbrebuild_describe(db, true, s);
	if (cyre_db_count(db))
		note_copy(d, cyre_db_info(db)->format, cyre_mbox_form_of(db));
	st = cyre_mbox_merge_copies(d->merge, db, from, ns);
	cyre_db_free(db);
	return st;
}

static cyre_status add_copy(struct cyre_dbrebuild *d, const char *path,
	struct cyre_slice bytes, enum cyre_mbox_source from, int64_t ns)
{
	struct cyre_dbreport_source s = {
		.path = path, .role = cyre_mbox_source_name(from)};
	struct cyre_buf unpacked = {.limit = d->run.rules.limit};
	cyre_status st = CYRE_OK;

	if (cyre_is_packed(bytes)) {
		st = cyre_unpack(bytes, &unpacked);
		bytes = cyre_buf_slice(&unpacked);
	}
	if (st == CYRE_EFORMAT || st == CYRE_ELIMIT) {
		s.problem = cyre_status_text(st);
		st = CYRE_OK;
	} else if (!bytes.n) {
		s.problem = "it is empty";
	} else if (st == CYRE_OK) {
		st = is_database(bytes) ? add_database(d, bytes, from, ns, &s)
					: add_dump(d, bytes, from, &s);
	}
	cyre_buf_free(&unpacked);
	return st == CYRE_OK ? tell(d, &s) : st;
}

/* The server makes these itself, from the database as it is then. */
static int64_t when_made(
	struct cyre_dbrebuild *d, const struct cyre_server_file *f)
{
	struct cyre_file_info info;

	if (f->copy != CYRE_COPY_BACKUP1 && f->copy != CYRE_COPY_BACKUP2)
		return 0;
	return cyre_file_stat(&d->opener, f->dirfd, f->name, &info, NULL) ==
			       CYRE_OK
		       ? info.mtime_ns
		       : 0;
}

static cyre_status add_file(
	struct cyre_dbrebuild *d, const struct cyre_server_file *f)
{
	static const enum cyre_mbox_source sources[] = {
		[CYRE_COPY_LIVE] = CYRE_MBOX_BACKUP,
		[CYRE_COPY_NEW] = CYRE_MBOX_LEFTOVER,
		[CYRE_COPY_OLD] = CYRE_MBOX_BACKUP,
		[CYRE_COPY_BACKUP1] = CYRE_MBOX_BACKUP,
		[CYRE_COPY_BACKUP2] = CYRE_MBOX_BACKUP,
		[CYRE_COPY_DUMP] = CYRE_MBOX_DUMP,
	};
	struct cyre_buf bytes = {.limit = d->run.rules.limit}, path = {0};
	enum cyre_mbox_source from = sources[f->copy];
	enum cyre_kind kind;
	cyre_status st;

	cyre_run_put_path(&d->run, f, &path);
	st = path.bad ? CYRE_ENOMEM
		      : cyre_confdir_read(f, &d->opener, &bytes, &kind, NULL);
	if (st == CYRE_OK)
		st = add_copy(d, (const char *)path.p, cyre_buf_slice(&bytes),
			from, when_made(d, f));
	else if (st != CYRE_ENOMEM)
		st = tell(d, &(struct cyre_dbreport_source){
				     .path = (const char *)path.p,
				     .role = cyre_mbox_source_name(from),
				     .problem = "it cannot be read"});
	cyre_buf_free(&bytes);
	cyre_buf_free(&path);
	return st;
}

/* A donor that cannot be read ends the run: it was asked for. */
static cyre_status add_path(struct cyre_dbrebuild *d, const char *path,
	enum cyre_mbox_source from, bool must)
{
	struct cyre_buf bytes = {.limit = d->run.rules.limit};
	cyre_status st;

	st = cyre_read_path(path, &bytes, must ? d->run.error : NULL);
	if (st == CYRE_OK)
		st = add_copy(d, path, cyre_buf_slice(&bytes), from, 0);
	else if (!must && st != CYRE_ENOMEM)
		st = CYRE_OK;
	cyre_buf_free(&bytes);
	return st;
}

static cyre_status add_debian(struct cyre_dbrebuild *d)
{
	const struct cyre_source_place *place = &d->run.o->place;
	struct cyre_buf path = {0};
	cyre_status st = CYRE_OK;

	if (!place->config || strcmp(place->config, DEBIAN_CONFIG) != 0)
		return CYRE_OK;
	cyre_place_path(place, DEBIAN_DUMP, &path);
	cyre_put_u8(&path, '\0');
	st = path.bad
		     ? CYRE_ENOMEM
		     : add_path(d, (const char *)path.p, CYRE_MBOX_DUMP, false);
	cyre_buf_free(&path);
	return st;
}

cyre_status cyre_dbrebuild_copies(struct cyre_dbrebuild *d)
{
	const struct cyre_server_file *f;
	cyre_status st = CYRE_OK;
	size_t i, n;

	for (i = 0; i < d->o->n_donors && st == CYRE_OK; i++)
		st = add_path(d, d->o->donors[i], CYRE_MBOX_DONOR, true);
	f = cyre_confdir_find(d->run.confdir, CYRE_SERVER_MAILBOXES, NULL, &n);
	for (i = 0; i < n && st == CYRE_OK; i++)
		if (f[i].copy != CYRE_COPY_LIVE || i > 0)
			st = add_file(d, &f[i]);
	return st == CYRE_OK ? add_debian(d) : st;
}
