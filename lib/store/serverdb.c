/*
 * serverdb.c - see serverdb.h. Format: docs/formats/user-databases.md sections
 * 6 and 9. Opens nothing.
 */
#include "serverdb.h"

#include <cyrescue/db.h>

#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "names.h"
#include "userdb.h"

/* Room for one more item of `size` bytes, zeroed and counted. */
static void *grow(void **items, size_t *n, size_t *cap, size_t size)
{
	void *p = cyre_grow(*items, *n, cap, size);

	if (!p)
		return NULL;
	*items = p;
	return memset((char *)p + size * (*n)++, 0, size);
}

static char *copy(struct cyre_slice s)
{
	return strndup(s.n ? (const char *)s.p : "", s.n);
}

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void note_since(struct cyre_serverdb *db, cyre_release r)
{
	if (r > db->since)
		db->since = r;
}

static cyre_release since(struct cyre_slice status)
{
	if (status.p[0] == 'I' || status.p[0] == 'S')
		return CYRE_RELEASE(3, 2);
	return status.p[0] == '4' ? CYRE_RELEASE(2, 4) : CYRE_RELEASE(2, 3);
}

static cyre_status take_status(
	struct cyre_serverdb *db, const struct cyre_db_entry *e)
{
	struct cyre_serverdb_status *to;
	struct cyre_statuscache s;

	if (!cyre_statuscache_read(e->key, e->value, &s) || !s.mailbox.n)
		return CYRE_OK;
	note_since(db, since(e->value));
	to = grow((void **)&db->status, &db->n_status, &db->cap_status,
		sizeof(*to));
	if (!to)
		return CYRE_ENOMEM;
	to->mboxname = copy(s.mailbox);
	to->highestmodseq = s.highestmodseq;
	if (s.has_mailbox) {
		to->uidvalidity = s.uidvalidity;
		to->last_uid = s.uidnext ? s.uidnext - 1 : 0;
	}
	return to->mboxname ? CYRE_OK : CYRE_ENOMEM;
}

static cyre_status take_annotation(
	struct cyre_serverdb *db, const struct cyre_db_entry *e)
{
	struct cyre_serverdb_annotations *to;
	struct cyre_annotation a;

	note_since(db, CYRE_RELEASE(2, 2));
	if (!cyre_annotation_read(e->key, e->value, &a) || a.deleted ||
		!a.scope.n || !a.value.n)
		return CYRE_OK;
	to = grow((void **)&db->annotations, &db->n_annotations,
		&db->cap_annotations, sizeof(*to));
	if (!to)
		return CYRE_ENOMEM;
	to->scope = copy(a.scope);
	to->bytes = a.value.n;
	return to->scope ? CYRE_OK : CYRE_ENOMEM;
}

static cyre_status take_all(struct cyre_serverdb *db,
	const struct cyre_db *from,
	cyre_status (*take)(
		struct cyre_serverdb *db, const struct cyre_db_entry *e))
{
	const struct cyre_db_entry *e, *before = NULL;
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < cyre_db_count(from) && st == CYRE_OK; i++) {
		e = cyre_db_at(from, i);
		/* Of one key twice the surer stands first. */
		if (e->trust == CYRE_DB_UNCOMMITTED ||
			(before && cyre_slice_eq(before->key, e->key)))
			continue;
		before = e;
		st = take(db, e);
	}
	return st;
}

cyre_status cyre_serverdb_add_status(
	struct cyre_serverdb *db, const struct cyre_db *from)
{
	return take_all(db, from, take_status);
}

cyre_status cyre_serverdb_add_annotations(
	struct cyre_serverdb *db, const struct cyre_db *from)
{
	cyre_status st = take_all(db, from, take_annotation);

	db->has_annotations |= st == CYRE_OK;
	return st;
}

/* ---- sorted, one item a key ---- */

/* Both begin with a pointer to their key. */
static int by_text(const void *va, const void *vb)
{
	return strcmp(*(const char *const *)va, *(const char *const *)vb);
}

static void merge_status(struct cyre_serverdb *db)
{
	struct cyre_serverdb_status *s = db->status, *to;
	size_t i, n = 0;

	for (i = 0; i < db->n_status; i++) {
		if (!n || strcmp(s[n - 1].mboxname, s[i].mboxname) != 0) {
			s[n++] = s[i];
			continue;
		}
		to = &s[n - 1];
		to->uidvalidity = max(to->uidvalidity, s[i].uidvalidity);
		to->last_uid = max(to->last_uid, s[i].last_uid);
		to->highestmodseq = max(to->highestmodseq, s[i].highestmodseq);
		free(s[i].mboxname);
	}
	db->n_status = n;
}

static void merge_annotations(struct cyre_serverdb *db)
{
	struct cyre_serverdb_annotations *a = db->annotations;
	size_t i, n = 0;

	for (i = 0; i < db->n_annotations; i++) {
		if (!n || strcmp(a[n - 1].scope, a[i].scope) != 0) {
			a[n++] = a[i];
			continue;
		}
		a[n - 1].bytes += a[i].bytes;
		free(a[i].scope);
	}
	db->n_annotations = n;
}

void cyre_serverdb_finish(struct cyre_serverdb *db)
{
	if (db->n_status)
		qsort(db->status, db->n_status, sizeof(*db->status), by_text);
	if (db->n_annotations)
		qsort(db->annotations, db->n_annotations,
			sizeof(*db->annotations), by_text);
	merge_status(db);
	merge_annotations(db);
}

void cyre_serverdb_free(struct cyre_serverdb *db)
{
	size_t i;

	for (i = 0; i < db->n_status; i++)
		free(db->status[i].mboxname);
	for (i = 0; i < db->n_annotations; i++)
		free(db->annotations[i].scope);
	free(db->status);
	free(db->annotations);
	*db = (struct cyre_serverdb){0};
}

/* ---- asking ---- */

const struct cyre_serverdb_status *cyre_serverdb_find_status(
	const struct cyre_serverdb *db, const char *mboxname)
{
	return mboxname && db->n_status
		       ? bsearch(&mboxname, db->status, db->n_status,
				 sizeof(*db->status), by_text)
		       : NULL;
}

static uint64_t bytes_of(const struct cyre_serverdb *db, const char *scope)
{
	const struct cyre_serverdb_annotations *a = NULL;

	if (scope && db->n_annotations)
		a = bsearch(&scope, db->annotations, db->n_annotations,
			sizeof(*db->annotations), by_text);
	return a ? a->bytes : 0;
}

uint64_t cyre_serverdb_annotation_bytes(const struct cyre_serverdb *db,
	const char *mboxname, const char *uniqueid)
{
	/* 3.6 writes new ones by id, and leaves the old ones where
	 * `ctl_cyrusdb -r` has not run since. */
	return bytes_of(db, mboxname) + bytes_of(db, uniqueid);
}
