/*
 * mbox_merge_write.c - from decided entries to the records of a new database
 *
 * Records that stay are passed on as they are. Those that the server makes
 * again when it starts (who may see what: A, $RACL, $RUNQ) go as soon as
 * anything changes: a stale one hides a mailbox from a user, a missing marker
 * only makes the server look at all of them.
 */
#include "grow.h"
#include "mbox_merge_inside.h"

#include <stdlib.h>

const char *cyre_mbox_field_name(enum cyre_mbox_field f)
{
	static const char *const names[] = {
#define X(name, text) text,
		CYRE_MBOX_FIELDS(X)
#undef X
	};

	return names[f];
}

const char *cyre_mbox_action_name(enum cyre_mbox_action a)
{
	static const char *const names[CYRE_MBOX_ACTIONS] = {
		[CYRE_MBOX_KEPT] = "kept",
		[CYRE_MBOX_ADDED] = "added",
		[CYRE_MBOX_CHANGED] = "changed",
		[CYRE_MBOX_NOT_ASKED] = "left",
		[CYRE_MBOX_NO_DIRECTORY] = "no-directory",
		[CYRE_MBOX_NO_UNIQUEID] = "no-uniqueid",
		[CYRE_MBOX_BAD_NAME] = "bad-name",
	};

	return names[a];
}

static void put_number(struct cyre_buf *b, uint64_t v)
{
	if (v)
		cyre_put_dec(b, v);
}

/* Does this form keep the field? */
static bool has_field(enum cyre_mbox_form form, enum cyre_mbox_field f)
{
	switch (f) {
	case CYRE_MBOX_F_TYPE:
	case CYRE_MBOX_F_PARTITION:
	case CYRE_MBOX_F_SERVER:
	case CYRE_MBOX_F_ACL:
		return true;
	case CYRE_MBOX_F_JMAPID:
	case CYRE_MBOX_F_HISTORY:
		return form == CYRE_MBOX_IDS;
	default:
		return form != CYRE_MBOX_TEXT;
	}
}

void cyre_mbox_put_field(struct cyre_buf *b, const struct cyre_mbox *m,
	enum cyre_mbox_form form, enum cyre_mbox_field f)
{
	if (!has_field(form, f))
		return;
	switch (f) {
	case CYRE_MBOX_F_TYPE:
		cyre_mbox_put_type(b, form, m);
		return;
	case CYRE_MBOX_F_UNIQUEID:
		cyre_put_slice(b, m->uniqueid);
		return;
	case CYRE_MBOX_F_JMAPID:
		cyre_put_slice(b, m->jmapid);
		return;
	case CYRE_MBOX_F_PARTITION:
		cyre_put_slice(b, m->partition);
		return;
	case CYRE_MBOX_F_SERVER:
		cyre_put_slice(b, m->server);
		return;
	case CYRE_MBOX_F_UIDVALIDITY:
		put_number(b, m->uidvalidity);
		return;
	case CYRE_MBOX_F_CREATEDMODSEQ:
		put_number(b, m->createdmodseq);
		return;
	case CYRE_MBOX_F_FOLDERMODSEQ:
		put_number(b, m->foldermodseq);
		return;
	case CYRE_MBOX_F_MTIME:
		put_number(b, m->mtime);
		return;
	case CYRE_MBOX_F_ACL:
		cyre_put_slice(b, m->acl);
		return;
	case CYRE_MBOX_F_HISTORY:
		cyre_put_slice(b, m->history);
		return;
	case CYRE_MBOX_FIELD_COUNT:
		break;
	}
}

static bool owns_id(
	const struct cyre_mbox_merge *g, const struct cyre_mbox_entry *e)
{
	struct cyre_slice s = e->m.uniqueid;
	struct id *id = NULL;

	if (s.n)
		HASH_FIND(hh, g->ids, s.p, s.n, id);
	return id && &id->node->e == e;
}

/* Its record by id is made anew from the one by name. */
static bool sister_differs(
	const struct cyre_mbox_merge *g, const struct cyre_mbox_entry *e)
{
	return ((const struct node *)e)->sister_differs &&
	       !(g->o.leave & CYRE_MBOX_LEAVE_SISTER);
}

/* In the old file the mailbox had its record by id, or needs none. */
static bool has_id_record(
	const struct cyre_mbox_merge *g, const struct cyre_mbox_entry *e)
{
	return g->form != CYRE_MBOX_IDS ||
	       (e->id_key.n && !sister_differs(g, e)) || !owns_id(g, e) ||
	       !cyre__mbox_is_live(&e->m);
}

static bool is_derived(enum cyre_mboxkey kind, struct cyre_slice key)
{
	return kind == CYRE_MBOXKEY_ACL || kind == CYRE_MBOXKEY_JMAP ||
	       cyre_slice_starts(key, cyre_slice_str("$RUNQ"));
}

static enum cyre_mboxkey kind_of(
	const struct cyre_mbox_merge *g, const struct cyre_db_entry *r)
{
	struct cyre_buf own = {0};
	struct cyre_mbox m = {.kind = CYRE_MBOXKEY_OTHER};

	/* The key alone tells. */
	cyre_mbox_read(r->key, cyre_slice(NULL, 0), g->o.old == CYRE_MBOX_IDS,
		&own, &m);
	cyre_buf_free(&own);
	return m.kind;
}

/* Does the new file differ from the old one, and what is left out? */
void cyre__mbox_merge_settle(struct cyre_mbox_merge *g)
{
	struct cyre_mbox_merge_result *r = &g->result;
	size_t i;

	r->changed = !g->db || g->form != g->o.old ||
		     r->count[CYRE_MBOX_ADDED] || r->count[CYRE_MBOX_CHANGED] ||
		     g->o.damaged;
	for (i = 0; i < r->n && !r->changed; i++)
		r->changed = cyre__mbox_is_taken(r->entries[i]) &&
			     !has_id_record(g, r->entries[i]);
	for (i = 0; g->db && r->changed && i < cyre_db_count(g->db); i++) {
		const struct cyre_db_entry *e = cyre_db_at(g->db, i);

		r->derived += is_derived(kind_of(g, e), e->key);
	}
}

/* ---- the records ---- */

struct records {
	struct cyre_mbox_merge *g;
	struct cyre_db_entry *v;
	size_t n, cap;
	struct cyre_buf key, value, owner; /* scratch */
	bool bad;
};

static void add(
	struct records *r, struct cyre_slice key, struct cyre_slice value)
{
	struct cyre_db_entry *grown =
		r->bad ? NULL : cyre_grow(r->v, r->n, &r->cap, sizeof(*r->v));

	if (!grown) {
		r->bad = true;
		return;
	}
	r->v = grown;
	r->v[r->n++] = (struct cyre_db_entry){.key = key, .value = value};
}

static struct cyre_slice keep(struct records *r, const struct cyre_buf *b)
{
	uint8_t *p = cyre_arena_text(&r->g->arena, b->n);

	if (b->bad || !p) {
		r->bad = true;
		return cyre_slice(NULL, 0);
	}
	if (b->n)
		memcpy(p, b->p, b->n);
	return cyre_arena_keep(&r->g->arena, p, b->n);
}

static void make(
	struct records *r, const struct cyre_mbox *m, enum cyre_mboxkey kind)
{
	enum cyre_mbox_form form = r->g->form;

	cyre_buf_reset(&r->key);
	cyre_buf_reset(&r->value);
	cyre_buf_reset(&r->owner);
	if (kind == CYRE_MBOXKEY_JMAP && r->g->o.owner)
		r->g->o.owner(r->g->o.payload, m->name, &r->owner);
	cyre_mbox_put_key(&r->key, form, m, kind, cyre_buf_slice(&r->owner));
	cyre_mbox_put_value(&r->value, form, m, kind);
	r->bad |= r->owner.bad;
	add(r, keep(r, &r->key), keep(r, &r->value));
}

static void put_entry(struct records *r, const struct cyre_mbox_entry *e)
{
	bool raw = cyre__mbox_is_raw(r->g, e);

	if (!cyre__mbox_is_taken(e))
		return;
	if (raw)
		add(r, e->key, e->value);
	else
		make(r, &e->m, CYRE_MBOXKEY_NAME);
	if (r->g->form != CYRE_MBOX_IDS)
		return;
	if (raw && e->id_key.n && !sister_differs(r->g, e)) {
		if (owns_id(r->g, e))
			add(r, e->id_key, e->id_value);
	} else if (owns_id(r->g, e) && (!raw || cyre__mbox_is_live(&e->m))) {
		make(r, &e->m, CYRE_MBOXKEY_UNIQUEID);
	}
	if (e->m.jmapid.n && cyre__mbox_is_live(&e->m))
		make(r, &e->m, CYRE_MBOXKEY_JMAP);
}

/* Ids that nobody has: the server leaves such behind a deleted mailbox. */
static void put_strays(struct records *r)
{
	size_t i;

	for (i = 0; i < r->g->n_strays; i++) {
		const struct stray *s = &r->g->strays[i];
		struct id *id = NULL;

		HASH_FIND(hh, r->g->ids, s->uniqueid.p, s->uniqueid.n, id);
		if (!id)
			add(r, s->key, s->value);
	}
}

/* Keys of no kind we know are not ours to drop. */
static void put_others(struct records *r)
{
	const struct cyre_db *db = r->g->db;
	size_t i;

	for (i = 0; db && i < cyre_db_count(db); i++) {
		const struct cyre_db_entry *e = cyre_db_at(db, i);

		if (cyre__mbox_is_sure(r->g, e) &&
			kind_of(r->g, e) == CYRE_MBOXKEY_OTHER &&
			!is_derived(CYRE_MBOXKEY_OTHER, e->key))
			add(r, e->key, e->value);
	}
}

static int by_key(const void *va, const void *vb)
{
	const struct cyre_db_entry *a = va, *b = vb;
	size_t n = a->key.n < b->key.n ? a->key.n : b->key.n;
	int d = n ? memcmp(a->key.p, b->key.p, n) : 0;

	if (!d)
		d = (a->key.n > b->key.n) - (a->key.n < b->key.n);
	/* The first one that was put counts: offsets number them. */
	return d ? d : (a->offset > b->offset) - (a->offset < b->offset);
}

static void drop_twice(struct records *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->n; i++)
		r->v[i].offset = i;
	if (r->n)
		qsort(r->v, r->n, sizeof(*r->v), by_key);
	for (i = 0; i < r->n; i++)
		if (!n || !cyre_slice_eq(r->v[n - 1].key, r->v[i].key))
			r->v[n++] = r->v[i];
	r->n = n;
}

cyre_status cyre_mbox_merge_records(
	struct cyre_mbox_merge *g, struct cyre_db_entry **ret, size_t *ret_n)
{
	struct records r = {.g = g};
	size_t i;

	for (i = 0; i < g->result.n; i++)
		put_entry(&r, g->result.entries[i]);
	if (g->form == CYRE_MBOX_IDS && g->o.old == CYRE_MBOX_IDS)
		put_strays(&r);
	if (g->form == g->o.old)
		put_others(&r);
	drop_twice(&r);
	cyre_buf_free(&r.key);
	cyre_buf_free(&r.value);
	cyre_buf_free(&r.owner);
	if (r.bad) {
		free(r.v);
		return CYRE_ENOMEM;
	}
	*ret = r.v;
	*ret_n = r.n;
	return CYRE_OK;
}
