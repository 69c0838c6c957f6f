/*
 * rebuild_outside.c - see rebuild_outside.h; what is a user's is read by
 * rebuild_outside_user.c
 *
 * A database that is not there, or of no use, is silence: it is evidence less.
 */
#include "rebuild_outside.h"

#include <stdlib.h>
#include <string.h>

#include "confdir.h"

/* ---- of the server ---- */

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
	return cyre_outside_only_ends(st);
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

void cyre_outside_close(const struct cyre_run *r, struct cyre_outside_files *f)
{
	unsigned n = r->threads > 1 ? r->threads : 1, i;

	for (i = 0; f->users && i < n; i++)
		cyre_user_files_free(&f->users[i]);
	if (f->users)
		pthread_mutex_destroy(&f->lock);
	free(f->users);
	cyre_marks_free(&f->shared);
	cyre_serverdb_free(&f->server);
	*f = (struct cyre_outside_files){0};
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

static void get_messages(const struct cyre_user_files *u,
	const struct cyre_candidate *c, struct cyre_slice header_id,
	struct cyre_outside *ret)
{
	const struct cyre_slice keys[] = {header_id,
		cyre_slice_text(c->uniqueid),
		cyre_slice_text(c->entry ? c->entry->uniqueid : NULL),
		cyre_slice_text(c->name)};
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
		f->shared_known = st == CYRE_OK;
		if (st != CYRE_OK)
			cyre_marks_free(&f->shared);
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
	cyre_status st = cyre_user_files_load(r, f, w, c, u);

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
