/*
 * mbox_merge.c - see mbox_merge.h
 *
 * One entry a name, in a hash; beside it who has which uniqueid. Every field of
 * an entry remembers who said it, so that the order in which the weaker sources
 * come does not matter. What a copy says of a mailbox with another uniqueid is
 * about an earlier mailbox of that name and does not count.
 */
#include "mbox_merge_inside.h"

#include <stdlib.h>

#include "header_salvage.h"

const char *cyre_mbox_source_name(enum cyre_mbox_source s)
{
	static const char *const names[CYRE_MBOX_SOURCES] = {
		[CYRE_MBOX_NOBODY] = "nobody",
		[CYRE_MBOX_DATABASE] = "mailboxes.db",
		[CYRE_MBOX_HEADER] = "cyrus.header",
		[CYRE_MBOX_INDEX] = "cyrus.index",
		[CYRE_MBOX_DIRECTORY] = "directory",
		[CYRE_MBOX_SALVAGED] = "doubtful record",
		[CYRE_MBOX_LEFTOVER] = "mailboxes.db.NEW",
		[CYRE_MBOX_DONOR] = "donor",
		[CYRE_MBOX_BACKUP] = "backup",
		[CYRE_MBOX_DUMP] = "dump",
		[CYRE_MBOX_RULE] = "rule",
	};

	return names[s];
}

cyre_status cyre_mbox_merge_new(
	const struct cyre_mbox_merge_options *o, struct cyre_mbox_merge **ret)
{
	struct cyre_mbox_merge *g = calloc(1, sizeof(*g));

	if (!g)
		return CYRE_ENOMEM;
	g->o = *o;
	g->arena.limit = SIZE_MAX / 2;
	*ret = g;
	return CYRE_OK;
}

void cyre_mbox_merge_free(struct cyre_mbox_merge *g)
{
	if (!g)
		return;
	HASH_CLEAR(hh, g->nodes);
	HASH_CLEAR(hh, g->ids);
	free(g->strays);
	free(g->entries);
	cyre_arena_free(&g->arena);
	free(g);
}

static struct cyre_slice keep(struct cyre_mbox_merge *g, struct cyre_slice s)
{
	uint8_t *p = s.n ? cyre_arena_text(&g->arena, s.n) : NULL;

	if (!p)
		return cyre_slice(NULL, 0);
	memcpy(p, s.p, s.n);
	return cyre_arena_keep(&g->arena, p, s.n);
}

/* What stands in bytes that stay need not be copied. */
static struct cyre_slice keep_from(struct cyre_mbox_merge *g,
	struct cyre_slice s, const struct cyre_slice *stays)
{
	if (stays && s.n && s.p >= stays->p && s.p < stays->p + stays->n)
		return s;
	return keep(g, s);
}

/* ---- names and ids ---- */

static struct node *find_name(
	const struct cyre_mbox_merge *g, struct cyre_slice name)
{
	struct node *n = NULL;

	HASH_FIND(hh, g->nodes, name.p, name.n, n);
	return n;
}

static struct node *find_id(
	const struct cyre_mbox_merge *g, struct cyre_slice uniqueid)
{
	struct id *id = NULL;

	if (uniqueid.n)
		HASH_FIND(hh, g->ids, uniqueid.p, uniqueid.n, id);
	return id ? id->node : NULL;
}

/* NULL: no memory. */
static struct node *add_node(struct cyre_mbox_merge *g, struct cyre_slice name)
{
	struct node *n = cyre_arena_get(&g->arena, sizeof(*n));
	struct cyre_slice own = keep(g, name);

	if (!n || g->arena.bad)
		return NULL;
	n->e.m = (struct cyre_mbox){.type = 'e', .name = own};
	HASH_ADD_KEYPTR(hh, g->nodes, own.p, own.n, n);
	return n->no_room ? NULL : n;
}

/* The first that has an id keeps it. False: no memory. */
static bool add_id(
	struct cyre_mbox_merge *g, struct cyre_slice uniqueid, struct node *n)
{
	struct id *id;

	if (!uniqueid.n || find_id(g, uniqueid))
		return true;
	id = cyre_arena_get(&g->arena, sizeof(*id));
	if (!id)
		return false;
	id->uniqueid = uniqueid;
	id->node = n;
	HASH_ADD_KEYPTR(hh, g->ids, id->uniqueid.p, id->uniqueid.n, id);
	return !id->no_room;
}

/* ---- fields ---- */

static bool is_stronger(const struct cyre_mbox_entry *e, enum cyre_mbox_field f,
	enum cyre_mbox_source from)
{
	return !e->origin[f] || from < e->origin[f];
}

static void set_text(struct cyre_mbox_entry *e, enum cyre_mbox_field f,
	enum cyre_mbox_source from, struct cyre_slice *field,
	struct cyre_slice value)
{
	if (!value.n || !is_stronger(e, f, from))
		return;
	*field = value;
	e->origin[f] = (uint8_t)from;
}

static void set_number(struct cyre_mbox_entry *e, enum cyre_mbox_field f,
	enum cyre_mbox_source from, uint64_t *field, uint64_t value)
{
	if (!value || !is_stronger(e, f, from))
		return;
	*field = value;
	e->origin[f] = (uint8_t)from;
}

/* `stays`: bytes that live as long as the merge. */
static void fill(struct cyre_mbox_merge *g, struct cyre_mbox_entry *e,
	const struct cyre_mbox *m, enum cyre_mbox_source from,
	const struct cyre_slice *stays)
{
	struct cyre_mbox *to = &e->m;

	if (is_stronger(e, CYRE_MBOX_F_TYPE, from)) {
		to->type = m->type;
		to->flags = m->flags;
		to->odd_type = m->odd_type;
		e->origin[CYRE_MBOX_F_TYPE] = (uint8_t)from;
	}
#define TEXT(F, field)                                                         \
	if (m->field.n && is_stronger(e, CYRE_MBOX_F_##F, from))               \
	set_text(e, CYRE_MBOX_F_##F, from, &to->field,                         \
		keep_from(g, m->field, stays))
	TEXT(UNIQUEID, uniqueid);
	TEXT(JMAPID, jmapid);
	TEXT(PARTITION, partition);
	TEXT(SERVER, server);
	TEXT(ACL, acl);
	TEXT(HISTORY, history);
#undef TEXT
#define NUMBER(F, field)                                                       \
	set_number(e, CYRE_MBOX_F_##F, from, &to->field, m->field)
	NUMBER(UIDVALIDITY, uidvalidity);
	NUMBER(CREATEDMODSEQ, createdmodseq);
	NUMBER(FOLDERMODSEQ, foldermodseq);
	NUMBER(MTIME, mtime);
#undef NUMBER
	if (m->foldermodseq)
		g->has_modseq = true;
}

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
	size_t cap;

	if (g->n_strays == g->cap_strays) {
		cap = g->cap_strays ? g->cap_strays * 2 : 64;
		grown = reallocarray(g->strays, cap, sizeof(*grown));
		if (!grown)
			return CYRE_ENOMEM;
		g->strays = grown;
		g->cap_strays = cap;
	}
	g->strays[g->n_strays++] = (struct stray){
		.uniqueid = uniqueid, .key = r->key, .value = r->value};
	return CYRE_OK;
}

static cyre_status take_name_record(struct cyre_mbox_merge *g,
	const struct cyre_db_entry *r, const struct cyre_mbox *m,
	struct cyre_slice name)
{
	struct node *n = find_name(g, name), *first;

	if (!n)
		n = add_node(g, name);
	if (!n)
		return CYRE_ENOMEM;
	if (n->e.key.n)
		return CYRE_OK;
	n->e.key = r->key;
	n->e.value = r->value;
	fill(g, &n->e, m, CYRE_MBOX_DATABASE, &r->value);
	/* Absent types are that of plain mail. */
	if (cyre__mbox_is_live(m)) {
		first = find_id(g, n->e.m.uniqueid);
		n->id_twice = first != NULL;
		if (first)
			first->id_twice = true;
		else if (!add_id(g, n->e.m.uniqueid, n))
			return CYRE_ENOMEM;
	}
	return g->arena.bad ? CYRE_ENOMEM : CYRE_OK;
}

/* As the check of the list has it (check_mboxlist.c): the one by name wins. */
static bool is_sister(const struct cyre_mbox *a, const struct cyre_mbox *b)
{
	return a->type == b->type && a->flags == b->flags &&
	       a->uidvalidity == b->uidvalidity &&
	       cyre_slice_eq(a->partition, b->partition) &&
	       cyre_slice_eq(a->server, b->server) &&
	       cyre_slice_eq(a->acl, b->acl) &&
	       cyre_slice_eq(a->jmapid, b->jmapid);
}

static cyre_status take_id_record(struct cyre_mbox_merge *g,
	const struct cyre_db_entry *r, const struct cyre_mbox *m,
	struct cyre_slice name)
{
	struct node *n = find_name(g, name);

	if (!n || !n->e.key.n || !cyre_slice_eq(n->e.m.uniqueid, m->uniqueid))
		return add_stray(g, r, m->uniqueid);
	n->e.id_key = r->key;
	n->e.id_value = r->value;
	n->sister_differs =
		cyre__mbox_is_live(&n->e.m) && !is_sister(&n->e.m, m);
	set_text(&n->e, CYRE_MBOX_F_HISTORY, CYRE_MBOX_DATABASE,
		&n->e.m.history, keep_from(g, m->history, &r->value));
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

/* ---- directories ---- */

/* Of two directories of one mailbox, is `a` the better? */
static bool is_better(const struct cyre_mbox_entry *e,
	const struct cyre_mbox_dir *a, const struct cyre_mbox_dir *b)
{
	struct cyre_slice id = e->m.uniqueid, part = e->m.partition;
	int d;

	if (!e->key.n)
		id.n = part.n = 0;
	d = cyre_slice_eq(a->uniqueid, id) - cyre_slice_eq(b->uniqueid, id);
	if (d && id.n)
		return d > 0;
	d = cyre_slice_eq(a->partition, part) -
	    cyre_slice_eq(b->partition, part);
	if (d && part.n)
		return d > 0;
	return a->last_appenddate > b->last_appenddate;
}

/* One that the database knows before one that it does not. */
static bool claim_id(
	struct cyre_mbox_merge *g, struct cyre_slice uniqueid, struct node *n)
{
	struct id *id = NULL;

	if (uniqueid.n)
		HASH_FIND(hh, g->ids, uniqueid.p, uniqueid.n, id);
	if (!id)
		return add_id(g, uniqueid, n);
	if (n->e.key.n && !id->node->e.key.n)
		id->node = n;
	return true;
}

static cyre_status attach(struct cyre_mbox_merge *g, struct node *n,
	const struct cyre_mbox_dir *dir)
{
	struct cyre_mbox_dir *own;

	if (n->e.dir) {
		g->result.doubles++;
		if (!is_better(&n->e, dir, n->e.dir))
			return CYRE_OK;
	}
	own = cyre_arena_get(&g->arena, sizeof(*own));
	if (!own)
		return CYRE_ENOMEM;
	*own = *dir;
	own->name = n->e.m.name;
	own->uniqueid = keep(g, dir->uniqueid);
	own->partition = keep(g, dir->partition);
	own->acl = keep(g, dir->acl);
	own->jmapid = keep(g, dir->jmapid);
	own->type = keep(g, dir->type);
	n->e.dir = own;
	if (cyre__mbox_is_live(&n->e.m) && !claim_id(g, own->uniqueid, n))
		return CYRE_ENOMEM;
	return g->arena.bad ? CYRE_ENOMEM : CYRE_OK;
}

cyre_status cyre_mbox_merge_dir(
	struct cyre_mbox_merge *g, const struct cyre_mbox_dir *dir)
{
	struct node *n = NULL;

	/* Where the path is the id, the database knows the name: a header can
	 * be older than a rename. */
	if (!dir->by_path)
		n = find_id(g, dir->uniqueid);
	if (!n && dir->name.n) {
		n = find_name(g, dir->name);
		if (!n)
			n = add_node(g, dir->name);
		if (!n)
			return CYRE_ENOMEM;
	}
	return n ? attach(g, n, dir) : CYRE_EUSAGE;
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

	fill(g, e, m, from, NULL);
	if (e->origin[CYRE_MBOX_F_ACL] != before)
		e->acl_ns = ns;
}

cyre_status cyre_mbox_merge_copy(struct cyre_mbox_merge *g,
	const struct cyre_mbox *m, enum cyre_mbox_source from, int64_t ns)
{
	struct node *n = find_name(g, m->name), *other;

	if (!m->name.n || (g->o.wanted && !g->o.wanted(g->o.payload, m)))
		return CYRE_OK;
	if (n) {
		if (!n->e.key.n && is_same(&n->e, m))
			fill_copy(g, &n->e, m, from, ns);
		return g->arena.bad ? CYRE_ENOMEM : CYRE_OK;
	}
	/* A name that a mailbox had before. */
	other = cyre__mbox_is_live(m) ? find_id(g, m->uniqueid) : NULL;
	if (other && (other->e.key.n || other->e.dir))
		return CYRE_OK;
	n = add_node(g, m->name);
	if (!n)
		return CYRE_ENOMEM;
	fill_copy(g, &n->e, m, from, ns);
	if (cyre__mbox_is_live(m) && !add_id(g, n->e.m.uniqueid, n))
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

/* ---- the decision ---- */

/* What no release keeps in a header: the type of a calendar and its kind, told
 * by the names the server gives them. */
static char type_by_name(struct cyre_slice name)
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
		e->m.type = type_by_name(e->m.name);
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
		set_text(e, CYRE_MBOX_F_ACL, CYRE_MBOX_RULE, &e->m.acl,
			keep(g, cyre_buf_slice(&acl)));
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
	set_text(e, CYRE_MBOX_F_UNIQUEID,
		d->by_path ? CYRE_MBOX_HEADER : CYRE_MBOX_DIRECTORY,
		&m->uniqueid, d->uniqueid);
	set_text(
		e, CYRE_MBOX_F_JMAPID, CYRE_MBOX_HEADER, &m->jmapid, d->jmapid);
	if (d->has_acl && !(e->acl_ns && e->acl_ns >= d->header_ns)) {
		m->acl = d->acl;
		e->origin[CYRE_MBOX_F_ACL] = CYRE_MBOX_HEADER;
	} else if (!e->origin[CYRE_MBOX_F_ACL]) {
		give_to_owner(g, e);
	}
	e->origin[CYRE_MBOX_F_PARTITION] = CYRE_MBOX_NOBODY;
	set_text(e, CYRE_MBOX_F_PARTITION, CYRE_MBOX_DIRECTORY, &m->partition,
		d->partition);
	set_number(e, CYRE_MBOX_F_UIDVALIDITY, CYRE_MBOX_INDEX, &m->uidvalidity,
		d->uidvalidity);
	set_number(e, CYRE_MBOX_F_CREATEDMODSEQ, CYRE_MBOX_INDEX,
		&m->createdmodseq, d->createdmodseq);
	/* It is not larger than this; too large only makes clients look. */
	if (g->has_modseq || d->createdmodseq)
		set_number(e, CYRE_MBOX_F_FOLDERMODSEQ, CYRE_MBOX_RULE,
			&m->foldermodseq, d->highestmodseq);
	set_number(e, CYRE_MBOX_F_MTIME, CYRE_MBOX_RULE, &m->mtime, g->o.now);
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
	const struct node *n = e->dir ? find_id(g, e->dir->uniqueid) : NULL;

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
	struct cyre_slice x = (*a)->m.name, y = (*b)->m.name;
	size_t n = x.n < y.n ? x.n : y.n;
	int d = memcmp(x.p, y.p, n);

	return d ? d : (x.n > y.n) - (x.n < y.n);
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
		n = find_name(g, cyre_slice(name.p, i));
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
		!add_id(g, n->e.m.uniqueid, n))
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
