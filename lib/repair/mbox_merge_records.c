/*
 * mbox_merge_records.c - claims of the database itself, and of its copies
 *
 * Both are read in two passes: names must be known before ids. Formats:
 * docs/formats/mailboxes-db.md.
 */
#include "mbox_merge_inside.h"

#include <stdlib.h>

#include "grow.h"

/* ---- the database itself ---- */

enum cyre_mbox_form cyre_mbox_form_of(const struct cyre_db *db)
{
	size_t i, n = cyre_db_count(db), new = 0, lists = 0;

	for (i = 0; i < n; i++) {
		const struct cyre_db_entry *e = cyre_db_at(db, i);

		new += cyre_mboxkey_is_new(e->key);
		lists += cyre_slice_starts(e->value, cyre_slice_str("%("));
	}
	if (n && new > n / 2)
		return CYRE_MBOX_IDS;
	return lists ? CYRE_MBOX_NAMES : CYRE_MBOX_TEXT;
}

static cyre_status add_stray(struct cyre_mbox_merge *g,
	const struct cyre_db_entry *r, struct cyre_slice uniqueid)
{
	struct stray *grown;

	grown = cyre_grow(
		g->strays, g->n_strays, &g->cap_strays, sizeof(*g->strays));
	if (!grown)
		return CYRE_ENOMEM;
	g->strays = grown;
	g->strays[g->n_strays++] = (struct stray){
		.uniqueid = uniqueid, .key = r->key, .value = r->value};
	return CYRE_OK;
}

static cyre_status take_name_record(struct cyre_mbox_merge *g,
	const struct cyre_db_entry *r, const struct cyre_mbox *m,
	struct cyre_slice name)
{
	struct node *n = cyre__mbox_find_name(g, name), *first;

	if (!n)
		n = cyre__mbox_add(g, name);
	if (!n)
		return CYRE_ENOMEM;
	if (n->e.key.n)
		return CYRE_OK;
	n->e.key = r->key;
	n->e.value = r->value;
	cyre__mbox_fill(g, &n->e, m, CYRE_MBOX_DATABASE, &r->value);
	/* Absent types are that of plain mail. */
	if (cyre__mbox_is_live(m)) {
		first = cyre__mbox_find_id(g, n->e.m.uniqueid);
		n->id_twice = first != NULL;
		if (first)
			first->id_twice = true;
		else if (!cyre__mbox_add_id(g, n->e.m.uniqueid, n))
			return CYRE_ENOMEM;
	}
	return g->arena.bad ? CYRE_ENOMEM : CYRE_OK;
}

static cyre_status take_id_record(struct cyre_mbox_merge *g,
	const struct cyre_db_entry *r, const struct cyre_mbox *m,
	struct cyre_slice name)
{
	struct node *n = cyre__mbox_find_name(g, name);

	if (!n || !n->e.key.n || !cyre_slice_eq(n->e.m.uniqueid, m->uniqueid))
		return add_stray(g, r, m->uniqueid);
	n->e.id_key = r->key;
	n->e.id_value = r->value;
	/* As the check of the list has it: the one by name wins. */
	n->sister_differs =
		cyre__mbox_is_live(&n->e.m) && !cyre_mbox_agree(&n->e.m, m);
	cyre__mbox_set_text(&n->e, CYRE_MBOX_F_HISTORY, CYRE_MBOX_DATABASE,
		&n->e.m.history,
		cyre__mbox_keep_from(g, m->history, &r->value));
	return CYRE_OK;
}

/* One of two passes: names must be known before ids. */
static cyre_status take_records(
	struct cyre_mbox_merge *g, enum cyre_mboxkey kind)
{
	bool is_new = g->o.old == CYRE_MBOX_IDS;
	struct cyre_buf own = {0}, name = {0};
	cyre_status st = CYRE_OK;
	struct cyre_mbox m;
	size_t i;

	for (i = 0; i < cyre_db_count(g->db) && st == CYRE_OK; i++) {
		const struct cyre_db_entry *r = cyre_db_at(g->db, i);

		if (!cyre__mbox_is_sure(g, r) ||
			!cyre_mbox_read(r->key, r->value, is_new, &own, &m) ||
			m.kind != kind || !m.name.n) {
			st = own.bad ? CYRE_ENOMEM : CYRE_OK;
			continue;
		}
		cyre_buf_reset(&name);
		cyre_mbox_put_name(&name, m.name, m.is_dbname);
		if (name.bad)
			st = CYRE_ENOMEM;
		else if (kind == CYRE_MBOXKEY_NAME)
			st = take_name_record(g, r, &m, cyre_buf_slice(&name));
		else
			st = take_id_record(g, r, &m, cyre_buf_slice(&name));
	}
	cyre_buf_free(&own);
	cyre_buf_free(&name);
	return st;
}

cyre_status cyre_mbox_merge_database(
	struct cyre_mbox_merge *g, const struct cyre_db *db)
{
	cyre_status st;

	g->db = db;
	st = take_records(g, CYRE_MBOXKEY_NAME);
	if (st == CYRE_OK && g->o.old == CYRE_MBOX_IDS)
		st = take_records(g, CYRE_MBOXKEY_UNIQUEID);
	return st;
}

/* ---- copies ---- */

static struct cyre_slice known_id(const struct cyre_mbox_entry *e)
{
	return e->dir && e->dir->uniqueid.n ? e->dir->uniqueid : e->m.uniqueid;
}

/* Is what a copy says about this mailbox? */
static bool is_same(const struct cyre_mbox_entry *e, const struct cyre_mbox *m)
{
	struct cyre_slice id = known_id(e);

	if (id.n && m->uniqueid.n && !cyre_slice_eq(id, m->uniqueid))
		return false;
	/* A directory is there: it was not deleted, and lives here. */
	if (e->dir && (!cyre__mbox_is_live(m) || m->flags & CYRE_MBOX_REMOTE))
		return false;
	return cyre__mbox_is_live(&e->m) == cyre__mbox_is_live(m) ||
	       !e->origin[CYRE_MBOX_F_TYPE];
}

static void fill_copy(struct cyre_mbox_merge *g, struct cyre_mbox_entry *e,
	const struct cyre_mbox *m, enum cyre_mbox_source from, int64_t ns)
{
	uint8_t before = e->origin[CYRE_MBOX_F_ACL];

	cyre__mbox_fill(g, e, m, from, NULL);
	if (e->origin[CYRE_MBOX_F_ACL] != before)
		e->acl_ns = ns;
}

cyre_status cyre_mbox_merge_copy(struct cyre_mbox_merge *g,
	const struct cyre_mbox *m, enum cyre_mbox_source from, int64_t ns)
{
	struct node *n = cyre__mbox_find_name(g, m->name), *other;

	if (!m->name.n || (g->o.wanted && !g->o.wanted(g->o.payload, m)))
		return CYRE_OK;
	if (n) {
		if (!n->e.key.n && is_same(&n->e, m))
			fill_copy(g, &n->e, m, from, ns);
		return g->arena.bad ? CYRE_ENOMEM : CYRE_OK;
	}
	/* A name that a mailbox had before. */
	other = cyre__mbox_is_live(m) ? cyre__mbox_find_id(g, m->uniqueid)
				      : NULL;
	if (other && (other->e.key.n || other->e.dir))
		return CYRE_OK;
	n = cyre__mbox_add(g, m->name);
	if (!n)
		return CYRE_ENOMEM;
	fill_copy(g, &n->e, m, from, ns);
	if (cyre__mbox_is_live(m) && !cyre__mbox_add_id(g, n->e.m.uniqueid, n))
		return CYRE_ENOMEM;
	return g->arena.bad ? CYRE_ENOMEM : CYRE_OK;
}

static bool is_wanted(const struct cyre_mbox_merge *g,
	const struct cyre_db_entry *r, enum cyre_mboxkey kind,
	enum cyre_mbox_source from)
{
	if (from != CYRE_MBOX_SALVAGED)
		return r->trust <= CYRE_DB_REPLAYED;
	/* A sure record by id counts where the one by name is lost: there are
	 * such of mailboxes that were deleted (mailboxes-db.md 6). */
	return kind == CYRE_MBOXKEY_UNIQUEID || !cyre__mbox_is_sure(g, r);
}

static cyre_status copy_records(struct cyre_mbox_merge *g,
	const struct cyre_db *db, enum cyre_mboxkey kind,
	enum cyre_mbox_source from, int64_t ns)
{
	bool is_new = cyre_mbox_form_of(db) == CYRE_MBOX_IDS;
	struct cyre_buf own = {0}, name = {0};
	cyre_status st = CYRE_OK;
	struct cyre_mbox m;
	size_t i;

	for (i = 0; i < cyre_db_count(db) && st == CYRE_OK; i++) {
		const struct cyre_db_entry *r = cyre_db_at(db, i);

		if (!is_wanted(g, r, kind, from) ||
			!cyre_mbox_read(r->key, r->value, is_new, &own, &m) ||
			m.kind != kind) {
			st = own.bad ? CYRE_ENOMEM : CYRE_OK;
			continue;
		}
		cyre_buf_reset(&name);
		cyre_mbox_put_name(&name, m.name, m.is_dbname);
		m.name = cyre_buf_slice(&name);
		st = name.bad ? CYRE_ENOMEM
			      : cyre_mbox_merge_copy(g, &m, from, ns);
	}
	cyre_buf_free(&own);
	cyre_buf_free(&name);
	return st;
}

cyre_status cyre_mbox_merge_copies(struct cyre_mbox_merge *g,
	const struct cyre_db *db, enum cyre_mbox_source from, int64_t ns)
{
	cyre_status st = copy_records(g, db, CYRE_MBOXKEY_NAME, from, ns);

	return st == CYRE_OK
		       ? copy_records(g, db, CYRE_MBOXKEY_UNIQUEID, from, ns)
		       : st;
}
