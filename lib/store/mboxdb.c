/* mboxdb.c - see mboxdb.h. */
#include "mboxdb.h"

#include <stdlib.h>

#include "grow.h"
#include "mboxlist.h"

static char *copy(struct cyre_slice s)
{
	return s.n ? strndup((const char *)s.p, s.n) : NULL;
}

static char *internal(const struct cyre_mbox *m)
{
	struct cyre_buf b = {0};

	cyre_mbox_put_name(&b, m->name, m->is_dbname);
	cyre_put_u8(&b, 0);
	if (b.bad || b.n == 1)
		cyre_buf_free(&b);
	return (char *)b.p;
}

static bool add(struct cyre_mboxdb *db, const struct cyre_mbox *m)
{
	struct cyre_mboxdb_entry *grown, *e;

	grown = cyre_grow(db->entries, db->n, &db->cap, sizeof(*db->entries));
	if (!grown)
		return false;
	db->entries = grown;
	e = &db->entries[db->n];
	*e = (struct cyre_mboxdb_entry){
		.name = internal(m),
		.uniqueid = copy(m->uniqueid),
		.jmapid = copy(m->jmapid),
		.acl = copy(m->acl),
		.partition = copy(m->partition),
		.type = m->type,
		.flags = m->flags,
		.uidvalidity = m->uidvalidity,
		.foldermodseq = m->foldermodseq,
	};
	db->n++;
	return e->name != NULL;
}

static int by_name(const void *va, const void *vb)
{
	const struct cyre_mboxdb_entry *a = va, *b = vb;

	return strcmp(a->name, b->name);
}

static int by_id(const void *va, const void *vb)
{
	struct cyre_mboxdb_entry *const *a = va, *const *b = vb;

	return strcmp((*a)->uniqueid, (*b)->uniqueid);
}

/* A tombstone has the name of a mailbox that is gone, and an id that the
 * mailbox of another name has now: it must not answer for either. */
static bool is_evidence(const struct cyre_mbox *m)
{
	return m->kind == CYRE_MBOXKEY_NAME && m->name.n &&
	       !(m->flags & (CYRE_MBOX_DELETED | CYRE_MBOX_INTERMEDIATE));
}

/* Rights that RFC 4314 brought, behind each identifier. */
static bool has_new_rights(struct cyre_slice acl)
{
	bool rights = false;
	size_t i;

	for (i = 0; i < acl.n; i++) {
		if (acl.p[i] == '\t')
			rights = !rights;
		else if (rights && memchr("kxten", acl.p[i], 5))
			return true;
	}
	return false;
}

/* docs/formats/mailboxes-db.md 1, 3 and 7. */
static cyre_release since(struct cyre_slice key, const struct cyre_mbox *m)
{
	if (cyre_slice_starts(key, cyre_slice_str("$RUNQ")))
		return CYRE_RELEASE(3, 4);
	if (cyre_slice_starts(key, cyre_slice_str("$RACL")))
		return CYRE_RELEASE(3, 0);
	if (m->kind == CYRE_MBOXKEY_JMAP)
		return CYRE_RELEASE(3, 13);
	if (m->is_dbname)
		return CYRE_RELEASE(3, 6);
	if (m->dlist)
		return m->foldermodseq ? CYRE_RELEASE(3, 0)
				       : CYRE_RELEASE(2, 5);
	return has_new_rights(m->acl) ? CYRE_RELEASE(2, 3) : CYRE_RELEASE(2, 1);
}

static cyre_status take_all(const struct cyre_db *from, struct cyre_mboxdb *to)
{
	bool new = cyre_mbox_keys_are_new(from);
	struct cyre_buf own = {0};
	struct cyre_mbox m;
	cyre_status st = CYRE_OK;
	size_t i;

	to->is_new = new;
	for (i = 0; i < cyre_db_count(from) && st == CYRE_OK; i++) {
		const struct cyre_db_entry *e = cyre_db_at(from, i);

		bool ok = cyre_mbox_read(e->key, e->value, new, &own, &m);

		if (ok && is_evidence(&m) && !add(to, &m))
			st = CYRE_ENOMEM;
		if (ok && since(e->key, &m) > to->since)
			to->since = since(e->key, &m);
		if (own.bad)
			st = CYRE_ENOMEM;
	}
	cyre_buf_free(&own);
	return st;
}

static cyre_status sort(struct cyre_mboxdb *db)
{
	size_t i;

	if (db->n)
		qsort(db->entries, db->n, sizeof(*db->entries), by_name);
	db->by_id = calloc(db->n + 1, sizeof(*db->by_id));
	if (!db->by_id)
		return CYRE_ENOMEM;
	for (i = 0; i < db->n; i++)
		if (db->entries[i].uniqueid)
			db->by_id[db->n_ids++] = &db->entries[i];
	if (db->n_ids)
		qsort(db->by_id, db->n_ids, sizeof(*db->by_id), by_id);
	return CYRE_OK;
}

cyre_status cyre_mboxdb_of(const struct cyre_db *from, struct cyre_mboxdb **ret)
{
	struct cyre_mboxdb *to = calloc(1, sizeof(*to));
	cyre_status st = to ? take_all(from, to) : CYRE_ENOMEM;

	if (st == CYRE_OK)
		st = sort(to);
	if (st == CYRE_OK)
		*ret = to;
	else
		cyre_mboxdb_free(to);
	return st;
}

cyre_status cyre_mboxdb_read(struct cyre_slice bytes,
	struct cyre_findings *found, struct cyre_mboxdb **ret)
{
	struct cyre_db *from;
	cyre_status st = cyre_db_open(bytes, found, &from);

	if (st != CYRE_OK)
		return st;
	st = cyre_mboxdb_of(from, ret);
	cyre_db_free(from);
	return st;
}

void cyre_mboxdb_free(struct cyre_mboxdb *db)
{
	size_t i;

	if (!db)
		return;
	for (i = 0; i < db->n; i++) {
		free(db->entries[i].name);
		free(db->entries[i].uniqueid);
		free(db->entries[i].jmapid);
		free(db->entries[i].acl);
		free(db->entries[i].partition);
	}
	free(db->entries);
	free(db->by_id);
	free(db);
}

const struct cyre_mboxdb_entry *cyre_mboxdb_by_name(
	const struct cyre_mboxdb *db, const char *name)
{
	struct cyre_mboxdb_entry key = {.name = (char *)(uintptr_t)name};

	return db && db->n ? bsearch(&key, db->entries, db->n,
				     sizeof(*db->entries), by_name)
			   : NULL;
}

const struct cyre_mboxdb_entry *cyre_mboxdb_by_id(
	const struct cyre_mboxdb *db, const char *uniqueid)
{
	struct cyre_mboxdb_entry key = {
		.uniqueid = (char *)(uintptr_t)uniqueid};
	struct cyre_mboxdb_entry *pkey = &key, **e;

	e = db && db->n_ids ? bsearch(&pkey, db->by_id, db->n_ids,
				      sizeof(*db->by_id), by_id)
			    : NULL;
	return e ? *e : NULL;
}

bool cyre_mboxdb_leads_by_id(
	const struct cyre_mboxdb *db, const struct cyre_mboxdb_entry *e)
{
	return db->is_new && !(e->flags & CYRE_MBOX_LEGACY);
}
