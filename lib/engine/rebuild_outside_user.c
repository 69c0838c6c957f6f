/*
 * rebuild_outside_user.c - what a user's own databases know of his mailboxes
 *
 * Of conversations.db only the messages are kept, without their parts.
 */
#include "rebuild_outside.h"

#include <stdlib.h>
#include <string.h>

#include "confdir.h"
#include "grow.h"
#include "names.h"

void cyre_user_files_free(struct cyre_user_files *u)
{
	free(u->userid);
	free(u->known);
	cyre_marks_free(&u->marks);
	cyre_db_free(u->seen);
	cyre_buf_free(&u->seen_bytes);
	cyre_conv_folders_free(&u->folders);
	cyre_buf_free(&u->folder_bytes);
	*u = (struct cyre_user_files){0};
}

/* The name of the INBOX of whoever this mailbox belongs to. */
static char *inbox_name(const struct cyre_conf *conf, struct cyre_slice name)
{
	struct cyre_name n = cyre_name_split(name);
	struct cyre_slice rest = n.local, part;
	char *ret = NULL;

	cyre_name_is_deleted(conf, name, &rest, NULL);
	n.local = rest;
	if (cyre_name_component(&rest, '.', &part) &&
		cyre_name_component(&rest, '.', &part))
		n.local.n = (size_t)(part.p + part.n - n.local.p);
	if (asprintf(&ret, "%.*s%s%.*s", (int)n.domain.n,
		    n.domain.n ? (const char *)n.domain.p : "",
		    n.domain.n ? "!" : "", (int)n.local.n,
		    n.local.n ? (const char *)n.local.p : "") < 0)
		return NULL;
	return ret;
}

/*
 * The uniqueid of it, by which 3.6 and later name the owner's folder. Without
 * mailboxes.db the mailbox itself tells: it stands near the others of his.
 */
static const char *find_inbox(
	const struct cyre_run *r, const struct cyre_candidate *c)
{
	char *name = inbox_name(r->conf, cyre_slice_str(c->name));
	const struct cyre_mboxdb_entry *e = NULL;
	const char *id = NULL;
	ptrdiff_t at = c - r->candidates, i, step;

	if (name)
		e = cyre_mboxdb_by_name(r->mboxdb, name);
	if (e)
		id = e->uniqueid;
	for (step = -1; step < 2 && name; step += 2)
		for (i = at; !id && i >= 0 && i < (ptrdiff_t)r->n; i += step) {
			const struct cyre_candidate *near = &r->candidates[i];

			if (!near->userid ||
				strcmp(near->userid, c->userid) != 0)
				break;
			if (near->name && !strcmp(near->name, name))
				id = near->uniqueid;
		}
	free(name);
	return id;
}

static struct cyre_known_message *add_known(struct cyre_user_files *u)
{
	struct cyre_known_message *grown;

	grown = cyre_grow(
		u->known, u->n_known, &u->cap_known, sizeof(*u->known));
	if (!grown)
		return NULL;
	u->known = grown;
	return &u->known[u->n_known++];
}

static cyre_status take_message(
	struct cyre_user_files *u, const struct cyre_db_entry *e)
{
	struct cyre_known_message *k;
	struct cyre_conv_guid g;

	if (!cyre_conv_guid_read(e->key, e->value, &g) || g.part.n)
		return CYRE_OK;
	k = add_known(u);
	if (!k)
		return CYRE_ENOMEM;
	*k = (struct cyre_known_message){.folder = g.folder,
		.uid = g.uid,
		.has_flags = g.has_flags,
		.doubtful = e->trust >= CYRE_DB_RESURRECTED,
		.flags = g.system_flags | g.internal_flags,
		.internaldate = g.internaldate_ns,
		.cid = g.cid};
	memcpy(k->guid, g.guid, sizeof(k->guid));
	return CYRE_OK;
}

static int by_folder(const void *va, const void *vb)
{
	const struct cyre_known_message *a = va, *b = vb;

	if (a->folder != b->folder)
		return a->folder < b->folder ? -1 : 1;
	if (a->uid != b->uid)
		return a->uid < b->uid ? -1 : 1;
	if (a->doubtful != b->doubtful)
		return a->doubtful ? 1 : -1;
	return memcmp(a->guid, b->guid, sizeof(a->guid));
}

static cyre_status take_conversations(
	struct cyre_user_files *u, const struct cyre_db *db)
{
	static const char *const lists[] = {"$FOLDER_IDS", "$FOLDER_NAMES"};
	const struct cyre_db_entry *e = NULL;
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < 2 && !e; i++)
		e = cyre_db_find(db, cyre_slice_str(lists[i]));
	if (!e)
		return CYRE_OK;
	cyre_put_slice(&u->folder_bytes, e->value);
	if (u->folder_bytes.bad)
		return CYRE_ENOMEM;
	st = cyre_conv_folders_read(
		cyre_buf_slice(&u->folder_bytes), &u->folders);
	for (i = 0; i < cyre_db_count(db) && st == CYRE_OK; i++) {
		e = cyre_db_at(db, i);
		if (e->trust != CYRE_DB_UNCOMMITTED)
			st = take_message(u, e);
	}
	if (u->n_known)
		qsort(u->known, u->n_known, sizeof(*u->known), by_folder);
	return st;
}

/* The user's file of a kind; NULL: there is none of use. */
static const struct cyre_server_file *user_file(
	const struct cyre_outside_files *f, enum cyre_server_kind kind,
	const char *userid, const char *inbox_id)
{
	const struct cyre_server_file *file =
		userid ? cyre_confdir_of_user(
				 f->confdir, kind, userid, inbox_id)
		       : cyre_confdir_find(
				 f->confdir, kind, NULL, &(size_t){0});

	return file && file->copy == CYRE_COPY_LIVE ? file : NULL;
}

static cyre_status load_conversations(const struct cyre_run *r,
	const struct cyre_outside_files *f, struct cyre_worker *w,
	const char *userid, const char *inbox_id, struct cyre_user_files *u)
{
	const struct cyre_server_file *file =
		user_file(f, CYRE_SERVER_CONVERSATIONS, userid, inbox_id);
	struct cyre_buf b = {.limit = f->limit};
	struct cyre_db *db;
	cyre_status st;

	if (!file)
		return CYRE_OK;
	st = cyre_run_open_evidence(r, w, file, &b, &db);
	if (st == CYRE_OK) {
		st = take_conversations(u, db);
		cyre_db_free(db);
	}
	if (st == CYRE_ELIMIT)
		u->too_big = f->limit + 1;
	cyre_buf_free(&b);
	return cyre_outside_only_ends(st);
}

static cyre_status load_seen(const struct cyre_run *r,
	const struct cyre_outside_files *f, struct cyre_worker *w,
	const char *userid, const char *inbox_id, struct cyre_user_files *u)
{
	const struct cyre_server_file *file =
		user_file(f, CYRE_SERVER_SEEN, userid, inbox_id);
	cyre_status st;

	if (!file)
		return CYRE_OK;
	u->seen_bytes.limit = f->limit;
	st = cyre_run_open_evidence(r, w, file, &u->seen_bytes, &u->seen);
	if (st == CYRE_OK)
		st = cyre_marks_of_user(u->seen, &u->marks);
	return cyre_outside_only_ends(st);
}

static cyre_status load_counters(const struct cyre_outside_files *f,
	struct cyre_worker *w, const char *userid, const char *inbox_id,
	struct cyre_user_files *u)
{
	const struct cyre_server_file *file =
		user_file(f, CYRE_SERVER_COUNTERS, userid, inbox_id);
	struct cyre_buf b = {.limit = 4096};
	struct cyre_error err;
	enum cyre_kind kind;
	cyre_status st;

	if (!file)
		return CYRE_OK;
	st = cyre_confdir_read(file, &w->gatherer.opener, &b, &kind, &err);
	if (st == CYRE_OK &&
		(!cyre_counters_read(cyre_buf_slice(&b), &u->counters) ||
			!u->counters.crc_ok))
		u->counters = (struct cyre_counters){0};
	cyre_buf_free(&b);
	return cyre_outside_only_ends(st);
}

cyre_status cyre_user_files_load(const struct cyre_run *r,
	const struct cyre_outside_files *f, struct cyre_worker *w,
	const struct cyre_candidate *c, struct cyre_user_files *u)
{
	const char *who = c->userid ? c->userid : "", *inbox_id = NULL;
	cyre_status st = CYRE_OK;

	if (u->userid && !strcmp(u->userid, who))
		return CYRE_OK;
	cyre_user_files_free(u);
	if (c->userid) {
		inbox_id = find_inbox(r, c);
		st = load_conversations(r, f, w, c->userid, inbox_id, u);
		if (st == CYRE_OK)
			st = load_seen(r, f, w, c->userid, inbox_id, u);
	}
	if (st == CYRE_OK)
		st = load_counters(f, w, c->userid, inbox_id, u);
	u->userid = strdup(who);
	if (st == CYRE_OK && !u->userid)
		st = CYRE_ENOMEM;
	if (st != CYRE_OK)
		cyre_user_files_free(u);
	return st;
}
