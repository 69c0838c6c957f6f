/*
 * databases.c - the databases of the server and of each user, one job a file
 *
 * Reads each once, asks whether its container is intact and its values are what
 * the server keeps there. What a user's file says about mailboxes is held
 * against the mailboxes in databases_cross.c.
 */
#include "databases.h"

#include <stdlib.h>

#include "names.h"
#include "quotas.h"
#include "select.h"
#include "userdb.h"

#define KEEP_FINDINGS 1000 /* of one problem in one file */

/* ---- which ones ---- */

cyre_status cyre_database_owner(
	const struct cyre_run *r, const struct cyre_server_file *f, char **ret)
{
	const struct cyre_mboxdb_entry *e;
	struct cyre_buf b = {0};
	const char *name = f->owner;

	*ret = NULL;
	if (!f->owner || f->owner[0] == '@' || !strcmp(f->owner, "anyone"))
		return CYRE_OK;
	if (f->kind != CYRE_SERVER_QUOTA && !f->by_id) {
		*ret = strdup(f->owner);
		return *ret ? CYRE_OK : CYRE_ENOMEM;
	}
	if (f->by_id) {
		e = cyre_mboxdb_by_id(r->mboxdb, f->owner);
		name = e ? e->name : "";
	}
	if (cyre_name_userid(r->conf, cyre_slice_str(name), &b))
		cyre_put_u8(&b, 0);
	if (b.bad) {
		cyre_buf_free(&b);
		return CYRE_ENOMEM;
	}
	*ret = (char *)b.p;
	return CYRE_OK;
}

cyre_status cyre_database_selected(const struct cyre_run *r,
	const struct cyre_select *select, const char *userid,
	struct cyre_buf *scratch, bool *ret)
{
	const struct cyre_mboxdb_entry *e;
	struct cyre_buf inbox = {0};
	cyre_status st = CYRE_OK;

	*ret = cyre_select_server(select);
	if (!userid)
		return CYRE_OK;
	cyre_name_inbox(cyre_slice_str(userid), &inbox);
	cyre_put_u8(&inbox, 0);
	if (inbox.bad) {
		st = CYRE_ENOMEM;
	} else {
		e = cyre_mboxdb_by_name(r->mboxdb, (const char *)inbox.p);
		st = cyre_select_match(select, r->conf,
			cyre_slice(inbox.p, inbox.n - 1),
			cyre_slice_str(userid),
			e && e->partition ? e->partition : "", scratch, ret);
	}
	cyre_buf_free(&inbox);
	return st;
}

static cyre_status consider(struct cyre_run *r,
	const struct cyre_server_file *f, struct cyre_buf *scratch)
{
	struct cyre_dbfile d = {.file = f};
	bool selected = false;
	cyre_status st = cyre_database_owner(r, f, &d.userid);

	if (st == CYRE_OK)
		st = cyre_database_selected(
			r, &r->o->select, d.userid, scratch, &selected);
	/* Every run needs the list. */
	if (f->kind == CYRE_SERVER_MAILBOXES && f->copy == CYRE_COPY_LIVE)
		selected = true;
	if (st == CYRE_OK && selected)
		r->dbfiles[r->n_dbfiles++] = d;
	else
		free(d.userid);
	return st;
}

cyre_status cyre_databases_list(struct cyre_run *r)
{
	const struct cyre_confdir *c = r->confdir;
	struct cyre_buf scratch = {0};
	cyre_status st = CYRE_OK;
	size_t i;

	r->dbfiles = calloc(c->n + 1, sizeof(*r->dbfiles));
	if (!r->dbfiles)
		return CYRE_ENOMEM;
	for (i = 0; i < c->n && st == CYRE_OK; i++)
		if (c->files[i].copy <= CYRE_COPY_NEW)
			st = consider(r, &c->files[i], &scratch);
	cyre_buf_free(&scratch);
	return st;
}

/* ---- one of them ---- */

static void check_rights(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_server_file *f, struct cyre_findings *found)
{
	struct cyre_file_info info;
	struct cyre_error err;

	if (!r->rules.catalog || f->is != CYRE_KIND_FILE)
		return;
	if (cyre_file_stat(&w->gatherer.opener, f->dirfd, f->name, &info,
		    &err) == CYRE_OK &&
		info.kind == CYRE_KIND_FILE)
		cyre_check_rights(&r->rules, CYRE_FILE_OTHER, 0, &info, found);
}

static cyre_status check_counters(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_server_file *f, struct cyre_findings *found)
{
	struct cyre_counters c;
	cyre_status st = cyre_run_read_file(r, w, f, found);

	if (st == CYRE_OK &&
		(!cyre_counters_read(cyre_buf_slice(&w->scratch), &c) ||
			!c.crc_ok))
		CYRE_FIND(found, .problem = CYRE_P_COUNTERS_DAMAGED,
			.file = CYRE_FILE_OTHER);
	return st == CYRE_ENOMEM ? st : CYRE_OK;
}

/* What was read and checked before. */
static void take_findings(
	struct cyre_findings *from, struct cyre_findings *found)
{
	cyre_findings_free(found);
	*found = *from;
	*from = (struct cyre_findings){0};
}

/* A root that has a file of its own: one entry. */
static void check_quota(struct cyre_run *r, const struct cyre_server_file *f,
	const struct cyre_db *db, struct cyre_findings *found)
{
	struct cyre_quota_sum *root =
		cyre_quotas_find(&r->quotas, cyre_slice_str(f->owner));

	if (!root || root->file != f || cyre_db_count(db) != 1)
		return;
	root->read = cyre_quota_read(cyre_db_at(db, 0)->value, &root->says);
	cyre_quotas_check(&r->quotas, root, found);
}

static cyre_status check_container(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_dbfile *d, struct cyre_findings *found)
{
	struct cyre_db *db;
	cyre_status st = cyre_run_read_database(r, w, d->file, found, &db);

	if (found->count[CYRE_P_DB_EMPTY])
		cyre_databases_no_bytes(r, d->file, found);
	if (st == CYRE_OK && db)
		st = cyre_db_check_values(
			db, cyre_server_db_kind(d->file->kind), found);
	if (st == CYRE_OK && db && d->file->kind == CYRE_SERVER_SEEN)
		st = cyre_databases_seen(r, db, &w->gatherer.message, found);
	if (st == CYRE_OK && db && d->file->kind == CYRE_SERVER_SUB)
		st = cyre_databases_subscriptions(
			r, db, d->userid, &w->gatherer.message, found);
	if (st == CYRE_OK && db && d->file->kind == CYRE_SERVER_QUOTA)
		check_quota(r, d->file, db, found);
	cyre_db_free(db);
	return st;
}

/* quotas.db: read before, unless the server has a file for each root. */
static cyre_status check_quotas(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_dbfile *d, struct cyre_findings *found)
{
	size_t i;

	if (r->quotas.file != d->file)
		return check_container(r, w, d, found);
	take_findings(&r->quotas.found, found);
	for (i = 0; i < r->quotas.n; i++)
		cyre_quotas_check(&r->quotas, &r->quotas.roots[i], found);
	return CYRE_OK;
}

/* What only saves work: whatever is wrong, it is one thing to do about it. */
static cyre_status check_disposable(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_dbfile *d, struct cyre_findings *found)
{
	struct cyre_findings own = {.keep = 1};
	cyre_status st = check_container(r, w, d, &own);
	enum cyre_severity worst = CYRE_SEV_NOTE;

	cyre_findings_worst(&own, &worst);
	if (worst > CYRE_SEV_NOTE)
		CYRE_FIND(found, .problem = CYRE_P_DB_DISPOSABLE,
			.file = CYRE_FILE_OTHER,
			.text = cyre_server_kind_name(d->file->kind));
	cyre_findings_free(&own);
	return st;
}

/* The INBOX of a user must be known; else these are of a deleted account. */
static cyre_status check_inbox(const struct cyre_run *r,
	const struct cyre_dbfile *d, struct cyre_findings *found)
{
	const struct cyre_server_file *f = d->file;
	struct cyre_buf inbox = {0};
	bool known = true, bad;

	if (f->kind < CYRE_SERVER_SEEN || !f->owner || r->listless ||
		!r->mboxdb)
		return CYRE_OK;
	if (f->by_id) {
		known = cyre_mboxdb_by_id(r->mboxdb, f->owner) != NULL;
	} else if (d->userid) {
		cyre_name_inbox(cyre_slice_str(d->userid), &inbox);
		cyre_put_u8(&inbox, 0);
		known = inbox.bad ||
			cyre_mboxdb_by_name(r->mboxdb, (const char *)inbox.p);
	}
	if (!known)
		CYRE_FIND(found, .problem = CYRE_P_USER_FILES_NO_ENTRY,
			.file = CYRE_FILE_OTHER);
	bad = inbox.bad;
	cyre_buf_free(&inbox);
	return bad ? CYRE_ENOMEM : CYRE_OK;
}

cyre_status cyre_databases_check(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_dbfile *d, struct cyre_findings *found)
{
	const struct cyre_server_file *f = d->file;
	cyre_status st = CYRE_OK;

	if (f->copy == CYRE_COPY_NEW) {
		CYRE_FIND(found, .problem = CYRE_P_DB_LEFTOVER,
			.file = CYRE_FILE_OTHER);
		return CYRE_OK;
	}
	switch (f->kind) {
	case CYRE_SERVER_MAILBOXES:
		take_findings(&r->list_found, found);
		break;
	case CYRE_SERVER_QUOTAS:
		st = check_quotas(r, w, d, found);
		break;
	case CYRE_SERVER_COUNTERS:
		st = check_counters(r, w, f, found);
		break;
	case CYRE_SERVER_STATUSCACHE:
	case CYRE_SERVER_DELIVER:
	case CYRE_SERVER_TLS:
		st = check_disposable(r, w, d, found);
		break;
	case CYRE_SERVER_XAPIANACTIVE: /* text */
	case CYRE_SERVER_DAV:          /* SQLite, and made again */
		break;
	default:
		st = check_container(r, w, d, found);
	}
	check_rights(r, w, f, found);
	if (f->misplaced)
		CYRE_FIND(found, .problem = CYRE_P_SERVER_FILE_MISPLACED,
			.file = CYRE_FILE_OTHER);
	return st == CYRE_OK ? check_inbox(r, d, found) : st;
}

/* ---- all of them ---- */

static void check_one(void *payload, unsigned worker, size_t job)
{
	struct cyre_run *r = payload;
	struct cyre_slot *s = &r->slots[job % r->window];

	cyre_findings_free(&s->found);
	s->found.keep = KEEP_FINDINGS;
	s->status = cyre_databases_check(
		r, &r->workers[worker], &r->dbfiles[job], &s->found);
	cyre_run_put_path(r, r->dbfiles[job].file, &s->path);
	if (s->status == CYRE_OK)
		s->status = s->path.bad ? CYRE_ENOMEM : s->found.status;
}

static void checked(void *payload, size_t job)
{
	struct cyre_run *r = payload;
	struct cyre_slot *s = &r->slots[job % r->window];

	if (s->status != CYRE_OK) {
		r->status = s->status;
		return;
	}
	cyre_run_report_database(r, r->dbfiles[job].file,
		r->dbfiles[job].userid, (const char *)s->path.p, &s->found);
}

cyre_status cyre_run_databases(struct cyre_run *r)
{
	cyre_status st;

	if (!r->catalog) /* else it was asked before */
		cyre_run_miss_list(r);
	else
		cyre_run_ready(r);
	if (r->catalog)
		cyre_quotas_count(r);
	st = cyre_ids_reckon(r);
	if (st == CYRE_OK && cyre_select_server(&r->o->select))
		cyre_databases_miss(r);
	if (st == CYRE_OK)
		st = cyre_databases_list(r);
	return st == CYRE_OK
		       ? cyre_run_jobs(r, r->n_dbfiles, check_one, checked)
		       : st;
}
