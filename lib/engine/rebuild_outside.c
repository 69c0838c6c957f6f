/*
 * rebuild_outside.c - see rebuild_outside.h
 *
 * A database that is not there, or of no use, is silence: it is evidence less.
 * Of conversations.db only the messages are kept, without their parts.
 */
#include "rebuild_outside.h"

#include <stdlib.h>
#include <string.h>

#include "confdir.h"
#include "names.h"

/* ---- of the server ---- */

/* What cannot be used is evidence less; these end the run. */
static cyre_status only_ends(cyre_status st)
{
	return st == CYRE_ENOMEM || st == CYRE_ECANCELED ? st : CYRE_OK;
}

static cyre_status add_database(const struct cyre_run *r,
	enum cyre_server_kind kind, struct cyre_serverdb *db,
	cyre_status (*add)(
		struct cyre_serverdb *db, const struct cyre_db *from))
{
	size_t n;
	const struct cyre_server_file *f =
		cyre_confdir_find(r->confdir, kind, NULL, &n);
	struct cyre_buf b = {.limit = r->workers[0].gatherer.rules->limit};
	struct cyre_db *from;
	cyre_status st;

	if (!f || f->copy != CYRE_COPY_LIVE)
		return CYRE_OK;
	st = cyre_run_open_evidence(r, &r->workers[0], f, &b, &from);
	if (st == CYRE_OK) {
		st = add(db, from);
		cyre_db_free(from);
	}
	cyre_buf_free(&b);
	return only_ends(st);
}

cyre_status cyre_outside_open(
	const struct cyre_run *r, struct cyre_outside_files *ret)
{
	unsigned n = r->threads > 1 ? r->threads : 1;
	struct cyre_serverdb *db = &ret->server;
	cyre_status st;

	*ret = (struct cyre_outside_files){
		.confdir = r->confdir, .limit = r->rules.limit / (2 * (n + 1))};
	ret->users = calloc(n, sizeof(*ret->users));
	if (!ret->users)
		return CYRE_ENOMEM;
	pthread_mutex_init(&ret->lock, NULL);
	st = add_database(
		r, CYRE_SERVER_STATUSCACHE, db, cyre_serverdb_add_status);
	if (st == CYRE_OK)
		st = add_database(r, CYRE_SERVER_ANNOTATIONS, db,
			cyre_serverdb_add_annotations);
	cyre_serverdb_finish(db);
	return st;
}

/* ---- of a user ---- */

static void forget_user(struct cyre_user_files *u)
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

void cyre_outside_close(const struct cyre_run *r, struct cyre_outside_files *f)
{
	unsigned n = r->threads > 1 ? r->threads : 1, i;

	for (i = 0; f->users && i < n; i++)
		forget_user(&f->users[i]);
	if (f->users)
		pthread_mutex_destroy(&f->lock);
	free(f->users);
	cyre_marks_free(&f->shared);
	cyre_serverdb_free(&f->server);
	*f = (struct cyre_outside_files){0};
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
	size_t cap;

	if (u->n_known == u->cap_known) {
		cap = u->cap_known ? u->cap_known * 2 : 256;
		grown = reallocarray(u->known, cap, sizeof(*grown));
		if (!grown)
			return NULL;
		u->known = grown;
		u->cap_known = cap;
	}
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
	return only_ends(st);
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
	return only_ends(st);
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
	return only_ends(st);
}

static cyre_status load_user(const struct cyre_run *r,
	const struct cyre_outside_files *f, struct cyre_worker *w,
	const struct cyre_candidate *c, struct cyre_user_files *u)
{
	const char *who = c->userid ? c->userid : "", *inbox_id = NULL;
	cyre_status st = CYRE_OK;

	if (u->userid && !strcmp(u->userid, who))
		return CYRE_OK;
	forget_user(u);
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
		forget_user(u);
	return st;
}

/* ---- of a mailbox ---- */

static int message_and_folder(const void *va, const void *vb)
{
	const struct cyre_known_message *m = va;
	const uint64_t *folder = vb;

	return (m->folder > *folder) - (m->folder < *folder);
}

/* The first message of this folder, or of one behind it. */
static size_t seek_folder(const struct cyre_user_files *u, uint64_t number)
{
	return cyre_seek(&number, u->known, u->n_known, sizeof(*u->known),
		message_and_folder);
}

/* The messages of a folder, which has this name or id. */
static bool find_folder(const struct cyre_user_files *u, struct cyre_slice key,
	struct cyre_outside *ret)
{
	size_t first, end;
	uint32_t number;

	if (!key.n || !cyre_conv_folder_number(&u->folders, key, &number))
		return false;
	first = seek_folder(u, number);
	end = seek_folder(u, (uint64_t)number + 1);
	ret->messages = u->known + first;
	ret->n_messages = end - first;
	return true;
}

static struct cyre_slice text(const char *s)
{
	return s ? cyre_slice_str(s) : cyre_slice(NULL, 0);
}

static void get_messages(const struct cyre_user_files *u,
	const struct cyre_candidate *c, struct cyre_slice header_id,
	struct cyre_outside *ret)
{
	const struct cyre_slice keys[] = {header_id, text(c->uniqueid),
		text(c->entry ? c->entry->uniqueid : NULL), text(c->name)};
	size_t i;

	for (i = 0; u->n_known && i < sizeof(keys) / sizeof(*keys); i++)
		if (find_folder(u, keys[i], ret))
			break;
}

static void get_server(const struct cyre_serverdb *db,
	const struct cyre_candidate *c, struct cyre_outside *ret)
{
	const struct cyre_serverdb_status *s =
		cyre_serverdb_find_status(db, c->name);
	const char *id = c->entry && c->entry->uniqueid ? c->entry->uniqueid
							: c->uniqueid;

	if (s) {
		ret->status_uidvalidity = s->uidvalidity;
		ret->status_last_uid = s->last_uid;
		ret->status_modseq = s->highestmodseq;
	}
	ret->has_annotations = db->has_annotations && (c->name || id);
	ret->annotation_bytes = cyre_serverdb_annotation_bytes(db, c->name, id);
}

static cyre_status get_marks(const struct cyre_run *r,
	struct cyre_outside_files *f, struct cyre_worker *w,
	const struct cyre_candidate *c, struct cyre_outside *ret)
{
	const struct cyre_user_files *u = &f->users[w - r->workers];
	const struct cyre_marks *marks = c->userid ? &u->marks : &f->shared;
	cyre_status st = CYRE_OK;

	if (!c->userid) {
		pthread_mutex_lock(&f->lock);
		if (!f->shared_known)
			st = cyre_marks_shared(
				r, f->confdir, w, f->limit, &f->shared);
		f->shared_known = true;
		pthread_mutex_unlock(&f->lock);
	}
	ret->marks = marks->items;
	ret->n_marks = marks->n;
	return st;
}

cyre_status cyre_outside_get(const struct cyre_run *r,
	struct cyre_outside_files *f, struct cyre_worker *w,
	const struct cyre_candidate *c, struct cyre_slice header_id,
	struct cyre_findings *found, struct cyre_outside *ret)
{
	struct cyre_user_files *u = &f->users[w - r->workers];
	cyre_status st = load_user(r, f, w, c, u);

	*ret = (struct cyre_outside){0};
	if (st != CYRE_OK)
		return st;
	get_server(&f->server, c, ret);
	ret->seen = u->seen;
	ret->counter_uidvalidity = u->counters.uidvalidity;
	ret->counter_modseq = u->counters.highest;
	if (u->too_big) {
		w->gatherer.skipped = true;
		CYRE_FIND(found, .problem = CYRE_P_FILE_TOO_BIG,
			.file = CYRE_FILE_OTHER, .actual = u->too_big,
			.expected = f->limit, .text = "conversations.db");
	}
	get_messages(u, c, header_id, ret);
	return get_marks(r, f, w, c, ret);
}
