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

struct cyre_slice cyre__mbox_keep(
	struct cyre_mbox_merge *g, struct cyre_slice s)
{
	uint8_t *p = s.n ? cyre_arena_text(&g->arena, s.n) : NULL;

	if (!p)
		return cyre_slice(NULL, 0);
	memcpy(p, s.p, s.n);
	return cyre_arena_keep(&g->arena, p, s.n);
}

/* What stands in bytes that stay need not be copied. */
struct cyre_slice cyre__mbox_keep_from(struct cyre_mbox_merge *g,
	struct cyre_slice s, const struct cyre_slice *stays)
{
	if (stays && s.n && s.p >= stays->p && s.p < stays->p + stays->n)
		return s;
	return cyre__mbox_keep(g, s);
}

/* ---- names and ids ---- */

struct node *cyre__mbox_find_name(
	const struct cyre_mbox_merge *g, struct cyre_slice name)
{
	struct node *n = NULL;

	HASH_FIND(hh, g->nodes, name.p, name.n, n);
	return n;
}

struct node *cyre__mbox_find_id(
	const struct cyre_mbox_merge *g, struct cyre_slice uniqueid)
{
	struct id *id = NULL;

	if (uniqueid.n)
		HASH_FIND(hh, g->ids, uniqueid.p, uniqueid.n, id);
	return id ? id->node : NULL;
}

/* NULL: no memory. */
struct node *cyre__mbox_add(struct cyre_mbox_merge *g, struct cyre_slice name)
{
	struct node *n = cyre_arena_get(&g->arena, sizeof(*n));
	struct cyre_slice own = cyre__mbox_keep(g, name);

	if (!n || g->arena.bad)
		return NULL;
	n->e.m = (struct cyre_mbox){.type = 'e', .name = own};
	HASH_ADD_KEYPTR(hh, g->nodes, own.p, own.n, n);
	return n->no_room ? NULL : n;
}

/* The first that has an id keeps it. False: no memory. */
bool cyre__mbox_add_id(
	struct cyre_mbox_merge *g, struct cyre_slice uniqueid, struct node *n)
{
	struct id *id;

	if (!uniqueid.n || cyre__mbox_find_id(g, uniqueid))
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

void cyre__mbox_set_text(struct cyre_mbox_entry *e, enum cyre_mbox_field f,
	enum cyre_mbox_source from, struct cyre_slice *field,
	struct cyre_slice value)
{
	if (!value.n || !is_stronger(e, f, from))
		return;
	*field = value;
	e->origin[f] = (uint8_t)from;
}

void cyre__mbox_set_number(struct cyre_mbox_entry *e, enum cyre_mbox_field f,
	enum cyre_mbox_source from, uint64_t *field, uint64_t value)
{
	if (!value || !is_stronger(e, f, from))
		return;
	*field = value;
	e->origin[f] = (uint8_t)from;
}

/* `stays`: bytes that live as long as the merge. */
void cyre__mbox_fill(struct cyre_mbox_merge *g, struct cyre_mbox_entry *e,
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
	cyre__mbox_set_text(e, CYRE_MBOX_F_##F, from, &to->field,              \
		cyre__mbox_keep_from(g, m->field, stays))
	TEXT(UNIQUEID, uniqueid);
	TEXT(JMAPID, jmapid);
	TEXT(PARTITION, partition);
	TEXT(SERVER, server);
	TEXT(ACL, acl);
	TEXT(HISTORY, history);
#undef TEXT
#define NUMBER(F, field)                                                       \
	cyre__mbox_set_number(e, CYRE_MBOX_F_##F, from, &to->field, m->field)
	NUMBER(UIDVALIDITY, uidvalidity);
	NUMBER(CREATEDMODSEQ, createdmodseq);
	NUMBER(FOLDERMODSEQ, foldermodseq);
	NUMBER(MTIME, mtime);
#undef NUMBER
	if (m->foldermodseq)
		g->has_modseq = true;
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
		return cyre__mbox_add_id(g, uniqueid, n);
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
	own->uniqueid = cyre__mbox_keep(g, dir->uniqueid);
	own->partition = cyre__mbox_keep(g, dir->partition);
	own->acl = cyre__mbox_keep(g, dir->acl);
	own->jmapid = cyre__mbox_keep(g, dir->jmapid);
	own->type = cyre__mbox_keep(g, dir->type);
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
		n = cyre__mbox_find_id(g, dir->uniqueid);
	if (!n && dir->name.n) {
		n = cyre__mbox_find_name(g, dir->name);
		if (!n)
			n = cyre__mbox_add(g, dir->name);
		if (!n)
			return CYRE_ENOMEM;
	}
	return n ? attach(g, n, dir) : CYRE_EUSAGE;
}
