/*
 * confdir_run.c - the first phase of a run: what the configdirectory has, and
 * mailboxes.db
 *
 * mailboxes.db knows names, ids and UIDVALIDITYs that a damaged directory has
 * lost. A rebuild takes it as evidence; a scan also asks whether it agrees with
 * itself, and misses it when it is not there. A copy of a spool without a
 * configdirectory has none.
 */
#include "run.h"

#include <cyrescue/dbload.h>
#include <stdlib.h>

#include "check_mboxlist.h"
#include "conf_load.h"
#include "quotas.h"

static void weigh(struct cyre_scan_result *res, const struct cyre_findings *f)
{
	enum cyre_severity s;

	res->skipped |= f->count[CYRE_P_DIRECTORY_UNREADABLE] != 0 ||
			f->count[CYRE_P_FILE_UNREADABLE] != 0;
	if (!cyre_findings_worst(f, &s))
		return;
	res->has_findings = true;
	if (s > res->worst)
		res->worst = s;
}

void cyre_run_take(struct cyre_run *r, const struct cyre_server_file *file,
	const char *userid, const char *path, const struct cyre_findings *f)
{
	cyre_status st = r->taker->take(r->taker, r, file, userid, path, f);

	if (st != CYRE_OK)
		r->status = st;
}

void cyre_run_report(
	struct cyre_run *r, const char *path, struct cyre_findings *f)
{
	size_t k;

	if (!f->n)
		return;
	cyre_findings_sort(f);
	weigh(&r->result, f);
	if (r->taker) {
		cyre_run_take(r, NULL, NULL, path, f);
		return;
	}
	for (k = 0; k < r->o->n_reports; k++)
		cyre_report_server(r->o->reports[k], path, f);
}

void cyre_run_report_database(struct cyre_run *r,
	const struct cyre_server_file *file, const char *userid,
	const char *path, struct cyre_findings *f)
{
	size_t k;

	cyre_findings_sort(f);
	weigh(&r->result, f);
	if (r->taker) {
		cyre_run_take(r, file, userid, path, f);
		return;
	}
	for (k = 0; k < r->o->n_reports; k++)
		cyre_report_database(r->o->reports[k], userid, path, f);
}

void cyre_run_put_path(const struct cyre_run *r,
	const struct cyre_server_file *f, struct cyre_buf *ret)
{
	cyre_buf_reset(ret);
	if (*f->path == '/') {
		cyre_place_path(&r->o->place, f->path, ret);
	} else {
		cyre_place_path(&r->o->place, r->confdir->path, ret);
		cyre_put_fmt(ret, "/%s", f->path);
	}
	cyre_put_u8(ret, 0);
}

cyre_status cyre_run_read_file(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_server_file *f, struct cyre_findings *found)
{
	struct cyre_error err = {0};
	enum cyre_kind kind;
	char text[128];
	cyre_status st;

	w->scratch.limit = r->rules.limit;
	st = cyre_confdir_read(
		f, &w->gatherer.opener, &w->scratch, &kind, &err);
	w->scratch.limit = 0;
	if (st == CYRE_EUNSUPPORTED)
		CYRE_FIND(found, .problem = CYRE_P_NOT_REGULAR,
			.file = CYRE_FILE_OTHER, .text = cyre_kind_name(kind));
	else if (st == CYRE_EIO)
		CYRE_FIND(found, .problem = CYRE_P_FILE_UNREADABLE,
			.file = CYRE_FILE_OTHER,
			.text = strerror_r(err.errnum, text, sizeof(text)));
	else if (st == CYRE_ELIMIT)
		CYRE_FIND(found, .problem = CYRE_P_FILE_TOO_BIG,
			.file = CYRE_FILE_OTHER, .expected = r->rules.limit);
	if (st == CYRE_OK)
		w->gatherer.read += w->scratch.n;
	else if (st != CYRE_ENOMEM)
		w->gatherer.skipped |= st != CYRE_EUNSUPPORTED;
	return st;
}

cyre_status cyre_run_load(const struct cyre_run *r,
	const struct cyre_server_file *f, struct cyre_slice bytes,
	uint64_t memory, struct cyre_findings *found, struct cyre_db **ret)
{
	struct cyre_dbload_options o = {.memory = memory};
	struct cyre_buf path = {0};
	cyre_status st;

	cyre_run_put_path(r, f, &path);
	st = path.bad ? CYRE_ENOMEM
		      : cyre_dbload_bytes(
				(const char *)path.p, bytes, &o, found, ret);
	cyre_buf_free(&path);
	return st;
}

cyre_status cyre_run_read_database(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_server_file *f, struct cyre_findings *found,
	struct cyre_db **ret)
{
	cyre_status st = cyre_run_read_file(r, w, f, found);
	struct cyre_db *db = NULL;

	*ret = NULL;
	if (st != CYRE_OK)
		return st == CYRE_ENOMEM ? st : CYRE_OK;
	st = cyre_run_load(
		r, f, cyre_buf_slice(&w->scratch), r->rules.limit, found, &db);
	if (st == CYRE_EFORMAT)
		CYRE_FIND(found, .problem = CYRE_P_DB_UNKNOWN,
			.file = CYRE_FILE_OTHER, .length = w->scratch.n);
	if (st == CYRE_ENOMEM || st == CYRE_ECANCELED)
		return st;
	*ret = db;
	return CYRE_OK;
}

cyre_status cyre_run_open_evidence(const struct cyre_run *r,
	struct cyre_worker *w, const struct cyre_server_file *f,
	struct cyre_buf *b, struct cyre_db **ret)
{
	struct cyre_findings found = {.keep = 1};
	struct cyre_error err;
	enum cyre_kind kind;
	cyre_status st =
		cyre_confdir_read(f, &w->gatherer.opener, b, &kind, &err);

	if (st != CYRE_OK)
		return st;
	st = cyre_run_load(r, f, cyre_buf_slice(b), b->limit, &found, ret);
	cyre_findings_free(&found);
	return st;
}

/* ---- mailboxes.db ---- */

static cyre_status check_list(struct cyre_run *r, const struct cyre_db *db)
{
	const char *admins = r->conf->admins ? r->conf->admins : "";
	cyre_status st;

	if (!r->cross)
		return CYRE_OK;
	st = cyre_db_check_values(db, CYRE_DB_KIND_MAILBOXES, &r->list_found);
	if (st == CYRE_OK)
		st = cyre_check_mboxlist(
			db, cyre_slice_str(admins), &r->list_found);
	return st;
}

static cyre_status read_list(
	struct cyre_run *r, const struct cyre_server_file *f)
{
	struct cyre_db *db;
	cyre_status st = cyre_run_read_database(
		r, &r->workers[0], f, &r->list_found, &db);

	if (st != CYRE_OK || !db)
		return st;
	r->list_format = cyre_db_info(db)->format;
	st = check_list(r, db);
	if (st == CYRE_OK)
		st = cyre_mboxdb_of(db, &r->mboxdb);
	cyre_db_free(db);
	return st;
}

bool cyre_run_list_is_whole(const struct cyre_run *r)
{
	enum cyre_severity worst = CYRE_SEV_NOTE;

	cyre_findings_worst(&r->list_found, &worst);
	return r->mboxdb && r->mboxdb->n && worst <= CYRE_SEV_STALE;
}

/* The newest copy that the server made and that can be read. */
static cyre_status read_list_copy(struct cyre_run *r)
{
	struct cyre_buf b = {.limit = r->workers[0].gatherer.rules->limit};
	const struct cyre_server_file *f;
	struct cyre_db *db;
	cyre_status st = CYRE_OK;
	size_t i, n;

	f = cyre_confdir_find(r->confdir, CYRE_SERVER_MAILBOXES, NULL, &n);
	for (i = 0; i < n && st == CYRE_OK && !r->list_copy; i++) {
		if (f[i].copy != CYRE_COPY_BACKUP1 &&
			f[i].copy != CYRE_COPY_BACKUP2)
			continue;
		cyre_buf_reset(&b);
		st = cyre_run_open_evidence(r, &r->workers[0], &f[i], &b, &db);
		if (st != CYRE_OK) {
			st = st == CYRE_ENOMEM ? st : CYRE_OK;
			continue;
		}
		if (cyre_db_count(db))
			st = cyre_mboxdb_of(db, &r->list_copy);
		cyre_db_free(db);
	}
	cyre_buf_free(&b);
	return st;
}

/* A server whose list names nothing, though it has users or mailboxes. */
void cyre_run_miss_list(struct cyre_run *r)
{
	size_t n_seen, n_sub, n_quota;
	struct cyre_findings found = {0};
	bool used;

	if (!r->cross || !r->confdir->path)
		return;
	cyre_confdir_all(r->confdir, CYRE_SERVER_SEEN, &n_seen);
	cyre_confdir_all(r->confdir, CYRE_SERVER_SUB, &n_sub);
	cyre_confdir_all(r->confdir, CYRE_SERVER_QUOTA, &n_quota);
	used = n_seen + n_sub + n_quota ||
	       (r->catalog && r->catalog->n_mailboxes);
	if (r->mboxdb && (r->mboxdb->n || !used))
		return;
	/* It may name them all. */
	if (r->list_found.count[CYRE_P_FILE_TOO_BIG])
		return;
	r->listless = true;
	CYRE_FIND(&found, .file = CYRE_FILE_OTHER,
		.problem = r->mboxdb ? CYRE_P_MBOXLIST_EMPTY
				     : CYRE_P_MBOXLIST_MISSING);
	cyre_run_report(r, NULL, &found);
	cyre_findings_free(&found);
}

cyre_status cyre_run_confdir(struct cyre_run *r)
{
	const struct cyre_server_file *f;
	cyre_status st;
	size_t n;

	if (!r->taker)
		cyre_run_report(r, NULL, &r->server);
	st = cyre_confdir_walk(r->conf, r->o->place.root, &r->confdir);
	if (st != CYRE_OK)
		return st;
	if (r->cross)
		cyre_run_report(r, NULL, &r->confdir->found);
	f = cyre_confdir_find(r->confdir, CYRE_SERVER_MAILBOXES, NULL, &n);
	if (f && f->copy == CYRE_COPY_LIVE)
		st = read_list(r, f);
	if (st == CYRE_OK && !cyre_run_list_is_whole(r))
		st = read_list_copy(r);
	if (st == CYRE_OK)
		st = cyre_quotas_load(r);
	return st;
}
