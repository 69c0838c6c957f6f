/*
 * databases_cross.c - what a user's databases say of mailboxes, against the
 * mailboxes there are
 *
 * docs/formats/user-databases.md sections 1 and 2. A seen record has the
 * uniqueid of its mailbox; when the mailbox has got another one, the user's
 * read marks are lost to him. Up to 2.5 the id tells which mailbox it was: a
 * hash of its name, then its UIDVALIDITY.
 */
#include "databases.h"

#include <stdlib.h>

#include "header.h"
#include "mboxlist.h"
#include "names.h"
#include "userdb.h"

/* ---- which ids there are ---- */

static int by_text(const void *va, const void *vb)
{
	const char *const *a = va, *const *b = vb;

	return strcmp(*a, *b);
}

cyre_status cyre_ids_collect(struct cyre_run *r)
{
	size_t i;

	if (!r->cross || !r->rules.metadata)
		return CYRE_OK;
	r->ids = calloc(r->n + 1, sizeof(*r->ids));
	if (!r->ids)
		return CYRE_ENOMEM;
	for (i = 0; i < r->n; i++) {
		const char *id = r->candidates[i].uniqueid;

		if (!id)
			continue;
		r->ids[r->n_ids] = strdup(id);
		if (!r->ids[r->n_ids++])
			return CYRE_ENOMEM;
	}
	if (r->n_ids)
		qsort(r->ids, r->n_ids, sizeof(*r->ids), by_text);
	return CYRE_OK;
}

static int by_number(const void *va, const void *vb)
{
	const struct cyre_old_id *a = va, *b = vb;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->candidate < b->candidate ? -1 : a->candidate > b->candidate;
}

/* The ids that the mailboxes would have had up to 2.5. */
cyre_status cyre_ids_reckon(struct cyre_run *r)
{
	size_t i;
	int wide;

	if (!r->ids)
		return CYRE_OK;
	r->old_ids = calloc(2 * r->n + 1, sizeof(*r->old_ids));
	if (!r->old_ids)
		return CYRE_ENOMEM;
	for (i = 0; i < r->n; i++) {
		const struct cyre_candidate *c = &r->candidates[i];

		bool lost = !c->uniqueid;

		if (!c->name || (!lost && !c->counts.known))
			continue;
		for (wide = 0; wide < 2; wide++) {
			uint64_t hash = cyre_uniqueid_hash(
				cyre_slice_str(c->name), wide);
			uint64_t low = lost ? 0 : c->counts.uidvalidity;

			r->old_ids[r->n_old_ids++] = (struct cyre_old_id){
				.id = hash << 32 | (low & UINT32_MAX),
				.lost = lost,
				.candidate = i};
		}
	}
	if (r->n_old_ids)
		qsort(r->old_ids, r->n_old_ids, sizeof(*r->old_ids), by_number);
	return CYRE_OK;
}

/* 16 hexadecimal digits. */
static bool read_old_id(const char *s, uint64_t *ret)
{
	size_t n = strspn(s, "0123456789abcdef");

	if (n != 16 || s[n])
		return false;
	*ret = strtoull(s, NULL, 16);
	return true;
}

static const struct cyre_old_id *find_old_id(
	const struct cyre_run *r, uint64_t id)
{
	size_t i = cyre_seek(&(struct cyre_old_id){.id = id}, r->old_ids,
		r->n_old_ids, sizeof(*r->old_ids), by_number);

	return i < r->n_old_ids && r->old_ids[i].id == id ? &r->old_ids[i]
							  : NULL;
}

/* The mailbox whose id this should be; NULL: nothing tells. */
static const char *whose_id(const struct cyre_run *r, uint64_t id)
{
	const struct cyre_old_id *o = find_old_id(r, id);

	return o && !o->lost ? r->candidates[o->candidate].name : NULL;
}

/* A mailbox of that name has lost its id, which is told of there. */
static bool is_lost_id(const struct cyre_run *r, uint64_t id)
{
	const struct cyre_old_id *o =
		find_old_id(r, id & UINT64_C(0xffffffff00000000));

	return o && o->lost;
}

static bool is_known_id(const struct cyre_run *r, const char *id)
{
	return cyre_mboxdb_by_id(r->mboxdb, id) ||
	       (r->n_ids && bsearch(&id, r->ids, r->n_ids, sizeof(*r->ids),
				    by_text));
}

cyre_status cyre_databases_seen(const struct cyre_run *r,
	const struct cyre_db *db, struct cyre_buf *scratch,
	struct cyre_findings *found)
{
	const char *id, *name;
	uint64_t old;
	size_t i;

	for (i = 0; r->ids && i < cyre_db_count(db); i++) {
		cyre_buf_reset(scratch);
		cyre_put_slice(scratch, cyre_db_at(db, i)->key);
		cyre_put_u8(scratch, 0);
		if (scratch->bad)
			return CYRE_ENOMEM;
		id = (const char *)scratch->p;
		if (is_known_id(r, id))
			continue;
		name = NULL;
		if (read_old_id(id, &old)) {
			if (is_lost_id(r, old))
				continue;
			name = whose_id(r, old);
		}
		CYRE_FIND(found, .file = CYRE_FILE_OTHER,
			.offset = cyre_db_at(db, i)->offset,
			.problem = name ? CYRE_P_SEEN_DETACHED
					: CYRE_P_SEEN_NO_MAILBOX,
			.text = name ? name : id);
	}
	return CYRE_OK;
}

/* ---- subscriptions ---- */

/* Its internal name, with a NUL behind. False: it is none. */
static bool put_subscription(struct cyre_slice key, unsigned version,
	const char *userid, struct cyre_buf *b)
{
	struct cyre_sub s;

	if (!cyre_sub_read(key, version, &s) || (s.inbox && !userid))
		return false;
	cyre_buf_reset(b);
	if (s.inbox)
		cyre_name_inbox(cyre_slice_str(userid), b);
	cyre_mbox_put_name(b, s.name, s.is_dbname);
	cyre_put_u8(b, 0);
	return true;
}

cyre_status cyre_databases_subscriptions(const struct cyre_run *r,
	const struct cyre_db *db, const char *userid, struct cyre_buf *scratch,
	struct cyre_findings *found)
{
	const struct cyre_db_entry *e;
	unsigned version = 0;
	size_t i;

	if (!r->mboxdb || r->listless)
		return CYRE_OK;
	for (i = 0; i < cyre_db_count(db) && !version; i++) {
		e = cyre_db_at(db, i);
		version = cyre_sub_version(e->key, e->value);
	}
	for (i = 0; i < cyre_db_count(db); i++) {
		e = cyre_db_at(db, i);
		if (!put_subscription(e->key, version, userid, scratch))
			continue;
		if (scratch->bad)
			return CYRE_ENOMEM;
		if (!cyre_mboxdb_by_name(r->mboxdb, (const char *)scratch->p))
			CYRE_FIND(found, .problem = CYRE_P_SUB_NO_MAILBOX,
				.file = CYRE_FILE_OTHER, .offset = e->offset,
				.text = (const char *)scratch->p);
	}
	return CYRE_OK;
}
