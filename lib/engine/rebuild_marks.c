/*
 * rebuild_marks.c - see rebuild_marks.h. Format: docs/formats/user-databases.md
 * section 1, header.md 4.
 */
#include "rebuild_marks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "confdir.h"
#include "grow.h"
#include "header.h"
#include "userdb.h"

/* What an id of a shared mailbox can be: whole, or its first half. */
struct wanted {
	char **ids; /* sorted */
	size_t n;
};

static int by_text(const void *va, const void *vb)
{
	return strcmp(*(const char *const *)va, *(const char *const *)vb);
}

static void free_wanted(struct wanted *wanted)
{
	size_t i;

	for (i = 0; i < wanted->n; i++)
		free(wanted->ids[i]);
	free(wanted->ids);
}

static void want(struct wanted *wanted, const char *id, bool *bad)
{
	if (!id)
		return;
	wanted->ids[wanted->n] = strdup(id);
	if (wanted->ids[wanted->n])
		wanted->n++;
	else
		*bad = true;
}

static cyre_status find_wanted(const struct cyre_run *r, struct wanted *ret)
{
	bool bad = false;
	char half[9];
	size_t i;
	int wide;

	*ret = (struct wanted){.ids = calloc(3 * r->n + 1, sizeof(char *))};
	if (!ret->ids)
		return CYRE_ENOMEM;
	for (i = 0; i < r->n; i++) {
		const struct cyre_candidate *c = &r->candidates[i];

		if (c->userid)
			continue;
		want(ret, c->uniqueid, &bad);
		for (wide = 0; wide < 2 && c->name; wide++) {
			snprintf(half, sizeof(half), "%08" PRIx32,
				cyre_uniqueid_hash(
					cyre_slice_str(c->name), wide));
			want(ret, half, &bad);
		}
	}
	if (ret->n)
		qsort(ret->ids, ret->n, sizeof(*ret->ids), by_text);
	return bad ? CYRE_ENOMEM : CYRE_OK;
}

static bool is_wanted(const struct wanted *wanted, struct cyre_slice id)
{
	char text[64], *key = text;

	if (!id.n || id.n >= sizeof(text) || !wanted->n)
		return false;
	memcpy(text, id.p, id.n);
	text[id.n] = '\0';
	if (bsearch(&key, wanted->ids, wanted->n, sizeof(*wanted->ids),
		    by_text))
		return true;
	if (id.n != 16)
		return false;
	text[8] = '\0';
	return bsearch(
		&key, wanted->ids, wanted->n, sizeof(*wanted->ids), by_text);
}

static cyre_status add(
	struct cyre_marks *m, struct cyre_slice id, uint64_t last_uid)
{
	struct cyre_read_mark *grown;

	grown = cyre_grow(m->items, m->n, &m->cap, sizeof(*m->items));
	if (!grown)
		return CYRE_ENOMEM;
	m->items = grown;
	if (m->own) {
		id.p = (const uint8_t *)strndup((const char *)id.p, id.n);
		if (!id.p)
			return CYRE_ENOMEM;
	}
	m->items[m->n++] = (struct cyre_read_mark){id, last_uid};
	return CYRE_OK;
}

/* `wanted`: NULL: all of them. */
static cyre_status take(const struct cyre_db *seen, const struct wanted *wanted,
	struct cyre_marks *ret)
{
	cyre_status st = CYRE_OK;
	struct cyre_seen s;
	size_t i;

	for (i = 0; seen && i < cyre_db_count(seen) && st == CYRE_OK; i++) {
		const struct cyre_db_entry *e = cyre_db_at(seen, i);

		if (e->trust == CYRE_DB_UNCOMMITTED || !e->key.n ||
			!cyre_seen_read(e->value, &s) ||
			(wanted && !is_wanted(wanted, e->key)))
			continue;
		st = add(ret, e->key, s.last_uid);
	}
	return st;
}

static void sort(struct cyre_marks *m)
{
	if (m->n)
		qsort(m->items, m->n, sizeof(*m->items),
			cyre_read_mark_compare);
}

cyre_status cyre_marks_of_user(
	const struct cyre_db *seen, struct cyre_marks *ret)
{
	cyre_status st = take(seen, NULL, ret);

	sort(ret);
	return st;
}

/* One user's database; what cannot be read is evidence less. */
static cyre_status take_file(const struct cyre_run *r,
	const struct cyre_server_file *f, struct cyre_worker *w,
	const struct wanted *wanted, struct cyre_buf *b, struct cyre_marks *ret)
{
	struct cyre_db *db;
	cyre_status st = cyre_run_open_evidence(r, w, f, b, &db);

	if (st == CYRE_ENOMEM || st == CYRE_ECANCELED)
		return st;
	if (st != CYRE_OK)
		return CYRE_OK;
	st = take(db, wanted, ret);
	cyre_db_free(db);
	return st;
}

cyre_status cyre_marks_shared(const struct cyre_run *r,
	const struct cyre_confdir *confdir, struct cyre_worker *w,
	uint64_t limit, struct cyre_marks *ret)
{
	size_t n, i;
	const struct cyre_server_file *f =
		cyre_confdir_all(confdir, CYRE_SERVER_SEEN, &n);
	struct cyre_buf b = {.limit = limit};
	struct wanted wanted;
	cyre_status st = find_wanted(r, &wanted);

	*ret = (struct cyre_marks){.own = true};
	for (i = 0; i < n && st == CYRE_OK; i++)
		if (f[i].copy == CYRE_COPY_LIVE)
			st = take_file(r, &f[i], w, &wanted, &b, ret);
	sort(ret);
	free_wanted(&wanted);
	cyre_buf_free(&b);
	return st;
}

void cyre_marks_free(struct cyre_marks *m)
{
	size_t i;

	for (i = 0; m->own && i < m->n; i++)
		free((void *)(uintptr_t)m->items[i].id.p);
	free(m->items);
	*m = (struct cyre_marks){0};
}
