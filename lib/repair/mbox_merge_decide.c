/*
 * mbox_merge_decide.c - of everything that was claimed, what each entry becomes
 *
 * What an intact record says is left but for what its directory proves wrong;
 * anything else is made of the strongest claims. Rules: mbox_merge.h,
 * docs/design.md section 5.
 */
#include "mbox_merge_inside.h"

#include <stdlib.h>

#include "header_salvage.h"

/* What no release keeps in a header: the type of a calendar and its kind, told
 * by the names the server gives them. */
char cyre_mbox_type_by_name(struct cyre_slice name)
{
	static const struct {
		const char *part;
		char type;
	} kinds[] = {{"#calendars", 'c'}, {"#addressbooks", 'a'},
		{"#drive", 'b'}, {"#notifications", 'b'}, {"#jmap", 'b'},
		{"#jmapsubmission", 's'}, {"#jmappushsubscription", 'p'},
		{"#jmapnotification", 'j'}, {"#sieve", 'f'}};
	const uint8_t *p = memchr(name.p, '#', name.n), *end;
	struct cyre_slice part;
	size_t i;

	if (!p || p == name.p || p[-1] != '.')
		return 'e';
	part = cyre_slice(p, (size_t)(name.p + name.n - p));
	end = memchr(part.p, '.', part.n);
	if (end)
		part.n = (size_t)(end - part.p);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (cyre_slice_eq(part, cyre_slice_str(kinds[i].part)))
			return kinds[i].type;
	return 'e';
}

static void set_legacy(
	const struct cyre_mbox_merge *g, struct cyre_mbox *m, bool by_path)
{
	m->flags &= ~CYRE_MBOX_LEGACY;
	if (by_path && g->form == CYRE_MBOX_IDS)
		m->flags |= CYRE_MBOX_LEGACY;
}

static void decide_type(struct cyre_mbox_merge *g, struct cyre_mbox_entry *e)
{
	struct cyre_mbox header = {.type = 'e'};

	if (e->dir->type.n)
		cyre_mbox_read_type(e->dir->type, &header);
	if (e->dir->type.n && !header.odd_type) {
		e->m.type = header.type;
		e->origin[CYRE_MBOX_F_TYPE] = CYRE_MBOX_HEADER;
	} else if (!e->origin[CYRE_MBOX_F_TYPE]) {
		e->m.type = cyre_mbox_type_by_name(e->m.name);
		e->origin[CYRE_MBOX_F_TYPE] = CYRE_MBOX_RULE;
	}
	e->m.flags = 0;
	set_legacy(g, &e->m, e->dir->by_path);
}

/* A user's own mailbox is at least his own; anybody else asks the
 * administrator. */
static void give_to_owner(struct cyre_mbox_merge *g, struct cyre_mbox_entry *e)
{
	struct cyre_buf acl = {0};

	if (g->o.owner)
		g->o.owner(g->o.payload, e->m.name, &acl);
	if (acl.n) {
		cyre_put_u8(&acl, '\t');
		cyre_put_slice(&acl, g->rights);
		cyre_put_u8(&acl, '\t');
		cyre__mbox_set_text(e, CYRE_MBOX_F_ACL, CYRE_MBOX_RULE,
			&e->m.acl, cyre__mbox_keep(g, cyre_buf_slice(&acl)));
	}
	g->arena.bad |= acl.bad;
	cyre_buf_free(&acl);
}

/* A directory that the database does not know, or has lost. */
static void decide_new(struct cyre_mbox_merge *g, struct cyre_mbox_entry *e)
{
	const struct cyre_mbox_dir *d = e->dir;
	struct cyre_mbox *m = &e->m;

	decide_type(g, e);
	cyre__mbox_set_text(e, CYRE_MBOX_F_UNIQUEID,
		d->by_path ? CYRE_MBOX_HEADER : CYRE_MBOX_DIRECTORY,
		&m->uniqueid, d->uniqueid);
	cyre__mbox_set_text(
		e, CYRE_MBOX_F_JMAPID, CYRE_MBOX_HEADER, &m->jmapid, d->jmapid);
	if (d->has_acl && !(e->acl_ns && e->acl_ns >= d->header_ns)) {
		m->acl = d->acl;
		e->origin[CYRE_MBOX_F_ACL] = CYRE_MBOX_HEADER;
	} else if (!e->origin[CYRE_MBOX_F_ACL]) {
		give_to_owner(g, e);
	}
	e->origin[CYRE_MBOX_F_PARTITION] = CYRE_MBOX_NOBODY;
	cyre__mbox_set_text(e, CYRE_MBOX_F_PARTITION, CYRE_MBOX_DIRECTORY,
		&m->partition, d->partition);
	cyre__mbox_set_number(e, CYRE_MBOX_F_UIDVALIDITY, CYRE_MBOX_INDEX,
		&m->uidvalidity, d->uidvalidity);
	cyre__mbox_set_number(e, CYRE_MBOX_F_CREATEDMODSEQ, CYRE_MBOX_INDEX,
		&m->createdmodseq, d->createdmodseq);
	/* It is not larger than this; too large only makes clients look. */
	if (g->has_modseq || d->createdmodseq)
		cyre__mbox_set_number(e, CYRE_MBOX_F_FOLDERMODSEQ,
			CYRE_MBOX_RULE, &m->foldermodseq, d->highestmodseq);
	cyre__mbox_set_number(
		e, CYRE_MBOX_F_MTIME, CYRE_MBOX_RULE, &m->mtime, g->o.now);
	e->action = CYRE_MBOX_ADDED;
}

/* Is this to be done? Else it is noted. */
static bool may(const struct cyre_mbox_merge *g, struct cyre_mbox_entry *e,
	enum cyre_mbox_leave what)
{
	if (!(g->o.leave & what))
		return true;
	e->left |= what;
	return false;
}

static void decide_flags(struct cyre_mbox_merge *g, struct cyre_mbox_entry *e)
{
	const struct cyre_mbox_dir *d = e->dir;
	struct cyre_mbox *m = &e->m;
	uint32_t flags = m->flags;

	if (flags & CYRE_MBOX_RESERVE && (d->uniqueid.n || d->has_acl) &&
		may(g, e, CYRE_MBOX_LEAVE_RESERVED))
		m->flags &= ~CYRE_MBOX_RESERVE;
	if (g->o.old == CYRE_MBOX_IDS &&
		!(m->flags & CYRE_MBOX_LEGACY) == d->by_path &&
		may(g, e, CYRE_MBOX_LEAVE_PARTITION))
		set_legacy(g, m, d->by_path);
	if (m->flags == flags)
		return;
	e->origin[CYRE_MBOX_F_TYPE] = CYRE_MBOX_DIRECTORY;
	e->action = CYRE_MBOX_CHANGED;
}

static void decide_uniqueid(
	struct cyre_mbox_merge *g, struct cyre_mbox_entry *e)
{
	const struct cyre_mbox_dir *d = e->dir;
	struct cyre_mbox *m = &e->m;

	if ((!m->uniqueid.n && g->form != CYRE_MBOX_IDS) ||
		!cyre_uniqueid_ok(d->uniqueid) ||
		cyre_slice_eq(m->uniqueid, d->uniqueid) ||
		!may(g, e,
			((const struct node *)e)->id_twice
				? CYRE_MBOX_LEAVE_TWICE
				: CYRE_MBOX_LEAVE_UNIQUEID))
		return;
	m->uniqueid = d->uniqueid;
	e->origin[CYRE_MBOX_F_UNIQUEID] =
		d->by_path ? CYRE_MBOX_HEADER : CYRE_MBOX_DIRECTORY;
	e->action = CYRE_MBOX_CHANGED;
}

/* An intact record: only what the directory proves wrong. */
static void decide_known(struct cyre_mbox_merge *g, struct cyre_mbox_entry *e)
{
	const struct cyre_mbox_dir *d = e->dir;
	struct cyre_mbox *m = &e->m;

	e->action = CYRE_MBOX_KEPT;
	if (!d || m->flags & (CYRE_MBOX_REMOTE | CYRE_MBOX_MOVING) ||
		!cyre__mbox_is_live(m))
		return;
	decide_flags(g, e);
	decide_uniqueid(g, e);
	if (!cyre_slice_eq(m->partition, d->partition) &&
		may(g, e, CYRE_MBOX_LEAVE_PARTITION)) {
		m->partition = d->partition;
		e->origin[CYRE_MBOX_F_PARTITION] = CYRE_MBOX_DIRECTORY;
		e->action = CYRE_MBOX_CHANGED;
	}
	/* Clients were told that of the index. */
	if (m->uidvalidity && d->uidvalidity &&
		m->uidvalidity != d->uidvalidity &&
		may(g, e, CYRE_MBOX_LEAVE_UIDVALIDITY)) {
		m->uidvalidity = d->uidvalidity;
		e->origin[CYRE_MBOX_F_UIDVALIDITY] = CYRE_MBOX_INDEX;
		e->action = CYRE_MBOX_CHANGED;
	}
}

/* Only copies tell of it; parents are looked at when all else is known. */
static void decide_copy(struct cyre_mbox_merge *g, struct cyre_mbox_entry *e)
{
	uint32_t flags = e->m.flags;

	if (flags & CYRE_MBOX_REMOTE ||
		(flags & (CYRE_MBOX_DELETED | CYRE_MBOX_INTERMEDIATE) &&
			g->form != CYRE_MBOX_TEXT))
		e->action = CYRE_MBOX_ADDED;
	else
		e->action = CYRE_MBOX_NO_DIRECTORY;
}

/* Another mailbox has the uniqueid of its directory: one is a copy. */
static bool is_twin(
	const struct cyre_mbox_merge *g, const struct cyre_mbox_entry *e)
{
	const struct node *n =
		e->dir ? cyre__mbox_find_id(g, e->dir->uniqueid) : NULL;

	return n && &n->e != e && (n->e.key.n || n->e.dir);
}

static void decide(struct cyre_mbox_merge *g, struct cyre_mbox_entry *e)
{
	if (e->key.n)
		decide_known(g, e);
	else if (e->dir)
		decide_new(g, e);
	else
		decide_copy(g, e);
	/* By-name files of before are by-name directories. */
	if (e->key.n && g->form == CYRE_MBOX_IDS && g->o.old != CYRE_MBOX_IDS &&
		cyre__mbox_is_live(&e->m))
		set_legacy(g, &e->m, !e->dir || e->dir->by_path);
	if (e->action == CYRE_MBOX_ADDED && !cyre_mbox_name_ok(e->m.name))
		e->action = CYRE_MBOX_BAD_NAME;
	if (e->action == CYRE_MBOX_ADDED &&
		(!may(g, e, CYRE_MBOX_LEAVE_NEW) ||
			(is_twin(g, e) && !may(g, e, CYRE_MBOX_LEAVE_TWIN))))
		e->action = CYRE_MBOX_NOT_ASKED;
	if (g->form == CYRE_MBOX_IDS && cyre__mbox_is_taken(e) &&
		!cyre__mbox_is_raw(g, e) && !e->m.uniqueid.n &&
		cyre__mbox_is_live(&e->m))
		e->action = CYRE_MBOX_NO_UNIQUEID;
}

static int by_name(const void *va, const void *vb)
{
	const struct cyre_mbox_entry *const *a = va, *const *b = vb;

	return cyre_slice_compare((*a)->m.name, (*b)->m.name);
}

/* A parent without a mailbox below it is not needed: the server makes and
 * removes them itself. */
static void mark_parents(struct cyre_mbox_merge *g, struct cyre_slice name)
{
	struct node *n;
	size_t i;

	for (i = name.n; i-- > 0;) {
		if (name.p[i] != '.')
			continue;
		n = cyre__mbox_find_name(g, cyre_slice(name.p, i));
		if (n && n->needed)
			return; /* and so are those above it */
		if (n)
			n->needed = true;
	}
}

static bool is_barren(const struct node *n)
{
	return !n->needed && !n->e.key.n &&
	       n->e.m.flags & CYRE_MBOX_INTERMEDIATE &&
	       n->e.action == CYRE_MBOX_ADDED;
}

/* Who has which id now: one with a directory before one without. */
static cyre_status settle_ids(struct cyre_mbox_merge *g)
{
	static const struct {
		bool live, dir;
	} turns[] = {{true, true}, {true, false}, {false, false}};
	struct node *n, *tmp;
	size_t t;

	HASH_CLEAR(hh, g->ids);
	for (t = 0; t < 3; t++)
		HASH_ITER(hh, g->nodes, n, tmp)
	if (cyre__mbox_is_taken(&n->e) &&
		cyre__mbox_is_live(&n->e.m) == turns[t].live &&
		(n->e.dir != NULL) == turns[t].dir &&
		!cyre__mbox_add_id(g, n->e.m.uniqueid, n))
		return CYRE_ENOMEM;
	return CYRE_OK;
}

static cyre_status decide_all(struct cyre_mbox_merge *g)
{
	struct cyre_mbox_merge_result *r = &g->result;
	struct node *n, *tmp;
	size_t i = 0;

	r->n = HASH_COUNT(g->nodes);
	g->entries = calloc(r->n + 1, sizeof(*g->entries));
	if (!g->entries)
		return CYRE_ENOMEM;
	HASH_ITER(hh, g->nodes, n, tmp)
	{
		decide(g, &n->e);
		g->entries[i++] = &n->e;
	}
	HASH_ITER(hh, g->nodes, n, tmp)
	if (cyre__mbox_is_taken(&n->e) && cyre__mbox_is_live(&n->e.m))
		mark_parents(g, n->e.m.name);
	HASH_ITER(hh, g->nodes, n, tmp)
	{
		if (is_barren(n))
			n->e.action = CYRE_MBOX_NO_DIRECTORY;
		r->count[n->e.action]++;
		r->left += n->e.left != 0;
	}
	if (r->n)
		qsort(g->entries, r->n, sizeof(*g->entries), by_name);
	r->entries = g->entries;
	return g->arena.bad ? CYRE_ENOMEM : CYRE_OK;
}

cyre_status cyre_mbox_merge_finish(struct cyre_mbox_merge *g,
	enum cyre_mbox_form form, const char *rights,
	struct cyre_mbox_merge_result *ret)
{
	cyre_status st;

	g->form = form;
	g->rights = cyre_slice_str(rights);
	st = decide_all(g);
	if (st == CYRE_OK)
		st = settle_ids(g);
	if (st == CYRE_OK)
		cyre__mbox_merge_settle(g);
	*ret = g->result;
	return st;
}
