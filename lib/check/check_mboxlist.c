/*
 * check_mboxlist.c - see check_mboxlist.h
 *
 * Reads the entries of one mailboxes.db, each as often as another one refers to
 * it: nothing but ids and names is held.
 */
#include "check_mboxlist.h"

#include <stdlib.h>

#include "grow.h"
#include "mboxlist.h"

#define RS 0x1e

/* Ids with the names they go to, as offsets in `text`. */
struct ids {
	struct cyre_buf text;
	struct id_pair {
		size_t id, name;
	} * p;
	size_t n, cap;
};

struct check {
	const struct cyre_db *db;
	struct cyre_findings *found;
	struct cyre_slice admins;
	bool is_new;
	struct cyre_buf own, own2; /* of two entries at a time */
	struct cyre_buf key, text;
	struct ids live, jmap;
	cyre_status status;
};

static const char *str(const struct ids *l, size_t at)
{
	return (const char *)l->text.p + at;
}

static bool put_string(struct cyre_buf *b, struct cyre_slice s, size_t *ret)
{
	*ret = b->n;
	cyre_put_slice(b, s);
	cyre_put_u8(b, 0);
	return !b->bad;
}

static void add_id(struct check *c, struct ids *l, struct cyre_slice id,
	struct cyre_slice name)
{
	struct id_pair *p;

	p = cyre_grow(l->p, l->n, &l->cap, sizeof(*l->p));
	if (!p) {
		c->status = CYRE_ENOMEM;
		return;
	}
	l->p = p;
	if (!put_string(&l->text, id, &l->p[l->n].id) ||
		!put_string(&l->text, name, &l->p[l->n].name))
		c->status = CYRE_ENOMEM;
	else
		l->n++;
}

static int by_id(const void *va, const void *vb, void *payload)
{
	const struct id_pair *a = va, *b = vb;
	const struct ids *l = payload;
	int d = strcmp(str(l, a->id), str(l, b->id));

	return d ? d : strcmp(str(l, a->name), str(l, b->name));
}

static bool has_id(const struct ids *l, const char *id)
{
	size_t lo = 0, hi = l->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (strcmp(str(l, l->p[mid].id), id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && !strcmp(str(l, l->p[lo].id), id);
}

static void sort(struct ids *l)
{
	if (l->n)
		qsort_r(l->p, l->n, sizeof(*l->p), by_id, l);
}

static void complain_about(
	struct check *c, enum cyre_problem problem, const char *internal_name)
{
	CYRE_FIND(c->found, .problem = problem, .file = CYRE_FILE_OTHER,
		.text = internal_name);
}

static void complain(
	struct check *c, enum cyre_problem problem, struct cyre_slice name)
{
	cyre_buf_reset(&c->text);
	cyre_mbox_put_name(&c->text, name, c->is_new);
	cyre_put_u8(&c->text, 0);
	if (c->text.bad)
		c->status = CYRE_ENOMEM;
	else
		complain_about(c, problem, (const char *)c->text.p);
}

/* The entry of a key made of `letter` and `rest`. */
static bool find(struct check *c, char letter, struct cyre_slice rest,
	struct cyre_buf *own, struct cyre_mbox *ret)
{
	const struct cyre_db_entry *e;

	cyre_buf_reset(&c->key);
	if (letter)
		cyre_put_u8(&c->key, (uint8_t)letter);
	cyre_put_slice(&c->key, rest);
	if (c->key.bad) {
		c->status = CYRE_ENOMEM;
		return false;
	}
	e = cyre_db_find(c->db, cyre_buf_slice(&c->key));
	return e && cyre_mbox_read(e->key, e->value, true, own, ret);
}

static bool is_live(const struct cyre_mbox *m)
{
	return m->kind == CYRE_MBOXKEY_NAME && m->name.n &&
	       !(m->flags & (CYRE_MBOX_DELETED | CYRE_MBOX_INTERMEDIATE));
}

/* An entry by name against its sister by uniqueid. */
static void check_by_name(struct check *c, const struct cyre_mbox *m)
{
	struct cyre_mbox i;

	if (m->flags & CYRE_MBOX_RESERVE)
		complain(c, CYRE_P_MBOXLIST_RESERVED, m->name);
	if (!is_live(m) || !m->uniqueid.n)
		return;
	add_id(c, &c->live, m->uniqueid, m->name);
	if (!c->is_new)
		return;
	if (!find(c, 'I', m->uniqueid, &c->own2, &i))
		complain(c, CYRE_P_MBOXLIST_NO_I, m->name);
	/* One that goes to another name: either two mailboxes have the id,
	 * which is said of both, or check_by_id() says that nobody has. */
	else if (!cyre_slice_eq(i.name, m->name) || !cyre_mbox_agree(m, &i))
		complain(c, CYRE_P_MBOXLIST_I_DISAGREES, m->name);
}

static void check_by_id(struct check *c, const struct cyre_mbox *m)
{
	struct cyre_mbox n;

	if (m->name.n && (!find(c, 'N', m->name, &c->own2, &n) ||
				 !cyre_slice_eq(n.uniqueid, m->uniqueid)))
		complain(c, CYRE_P_MBOXLIST_NO_N, m->name);
}

/* J, userid, RS, JMAP id. */
static void check_by_jmapid(
	struct check *c, struct cyre_slice key, const struct cyre_mbox *m)
{
	const uint8_t *rs = memrchr(key.p, RS, key.n);
	struct cyre_slice id = cyre_slice(NULL, 0);
	struct cyre_mbox i;

	if (rs)
		id = cyre_slice(rs + 1, (size_t)(key.p + key.n - rs) - 1);
	if (id.n && find(c, 'I', m->uniqueid, &c->own2, &i) &&
		cyre_slice_eq(i.jmapid, id))
		add_id(c, &c->jmap, m->uniqueid, m->name);
	else
		complain(c, CYRE_P_MBOXLIST_BOGUS_J, m->name);
}

/* Whose mailbox it is; appended. False: nobody's. */
static bool put_owner(
	struct check *c, struct cyre_slice name, struct cyre_buf *ret)
{
	struct cyre_slice user = cyre_slice_str("user"), first, domain;
	uint8_t sep = c->is_new ? 0x1f : '.', bang = c->is_new ? 0x1d : '!';
	struct cyre_slice rest = name;
	size_t i;

	domain = cyre_slice_take(&rest, bang);
	if (!rest.p) {
		rest = domain;
		domain.n = 0;
	}
	first = cyre_slice_take(&rest, sep);
	/* After a delayed delete there is one component more in front. */
	if (!cyre_slice_eq(first, user) &&
		!cyre_slice_eq(cyre_slice_take(&rest, sep), user))
		return false;
	first = cyre_slice_take(&rest, sep);
	for (i = 0; i < first.n; i++)
		cyre_put_u8(ret, first.p[i] == '^' ? '.' : first.p[i]);
	if (domain.n)
		cyre_put_u8(ret, '@');
	cyre_put_slice(ret, domain);
	return first.n > 0;
}

/* J, userid, RS, JMAP id: without conversations 3.13 gives all mailboxes of a
 * user the same id, and one of them has the key. */
static bool is_shared_jmapid(struct check *c, const struct cyre_mbox *m)
{
	struct cyre_mbox other;

	cyre_buf_reset(&c->text);
	put_owner(c, m->name, &c->text);
	cyre_put_u8(&c->text, RS);
	cyre_put_slice(&c->text, m->jmapid);
	if (c->text.bad)
		c->status = CYRE_ENOMEM;
	return find(c, 'J', cyre_buf_slice(&c->text), &c->own2, &other) &&
	       !cyre_slice_eq(other.uniqueid, m->uniqueid);
}

/* Live mailboxes with a JMAP id, and no entry by it. */
static void check_jmap_missing(struct check *c)
{
	struct cyre_mbox m;
	size_t i;

	for (i = 0; i < c->live.n && c->is_new && c->jmap.n; i++) {
		const char *name = str(&c->live, c->live.p[i].name);

		if (!has_id(&c->jmap, str(&c->live, c->live.p[i].id)) &&
			find(c, 'N', cyre_slice_str(name), &c->own, &m) &&
			m.jmapid.n)
			complain(c,
				is_shared_jmapid(c, &m)
					? CYRE_P_MBOXLIST_J_SHARED
					: CYRE_P_MBOXLIST_NO_J,
				m.name);
	}
}

static void check_twice(struct check *c)
{
	const struct ids *l = &c->live;
	size_t i;

	for (i = 0; i < l->n; i++) {
		const char *id = str(l, l->p[i].id);

		if ((i && !strcmp(str(l, l->p[i - 1].id), id)) ||
			(i + 1 < l->n && !strcmp(str(l, l->p[i + 1].id), id)))
			complain(c, CYRE_P_MBOXLIST_ID_TWICE,
				cyre_slice_str(str(l, l->p[i].name)));
	}
}

/* ---- who may see what ---- */

struct racl {
	uint64_t wanted, there, missing;
};

static bool is_admin(const struct check *c, struct cyre_slice id)
{
	struct cyre_slice rest = c->admins;

	while (rest.n)
		if (cyre_slice_eq(cyre_slice_take(&rest, ' '), id))
			return true;
	return false;
}

static bool has_racl(struct check *c, bool owned, struct cyre_slice id,
	struct cyre_slice name)
{
	uint8_t sep = c->is_new ? RS : '$';

	cyre_buf_reset(&c->key);
	cyre_put_str(&c->key, c->is_new ? "A" : "$RACL$");
	cyre_put_u8(&c->key, owned ? 'U' : 'S');
	cyre_put_u8(&c->key, sep);
	cyre_put_slice(&c->key, id);
	cyre_put_u8(&c->key, sep);
	cyre_put_slice(&c->key, name);
	if (c->key.bad)
		c->status = CYRE_ENOMEM;
	return cyre_db_find(c->db, cyre_buf_slice(&c->key)) != NULL;
}

static void count_racl(
	struct check *c, const struct cyre_mbox *m, struct racl *n)
{
	struct cyre_slice acl = m->acl, id, rights;
	bool owned;

	cyre_buf_reset(&c->text);
	owned = put_owner(c, m->name, &c->text);
	while (acl.n) {
		id = cyre_slice_take(&acl, '\t');
		rights = cyre_slice_take(&acl, '\t');
		if (!id.n || !rights.n)
			continue;
		/* 3.2 has one whatever the rights are. */
		if (has_racl(c, owned, id, m->name))
			n->wanted++;
		/* Negative rights, and admins may have changed since. */
		else if ((memchr(rights.p, 'l', rights.n) ||
				 memchr(rights.p, 'r', rights.n)) &&
			 id.p[0] != '-' && !is_admin(c, id) &&
			 !(owned &&
				 cyre_slice_eq(id, cyre_buf_slice(&c->text))))
			n->missing++;
	}
}

static void check_racl(struct check *c)
{
	static const uint8_t marker[] = {'A', 'S', RS};
	struct racl n = {0};
	struct cyre_mbox m;
	size_t i;

	if (!cyre_db_find(c->db, c->is_new ? cyre_slice(marker, 3)
					   : cyre_slice_str("$RACL")))
		return;
	for (i = 0; i < cyre_db_count(c->db); i++) {
		const struct cyre_db_entry *e = cyre_db_at(c->db, i);

		if (!cyre_mbox_read(e->key, e->value, c->is_new, &c->own, &m))
			continue;
		n.there += m.kind == CYRE_MBOXKEY_ACL;
		if (is_live(&m))
			count_racl(c, &m, &n);
	}
	n.wanted++; /* the marker */
	if (n.missing || n.there > n.wanted)
		CYRE_FIND(c->found, .problem = CYRE_P_MBOXLIST_RACL,
			.file = CYRE_FILE_OTHER, .actual = n.missing,
			.expected =
				n.there > n.wanted ? n.there - n.wanted : 0);
}

/* ---- the whole ---- */

static void check_entry(struct check *c, const struct cyre_db_entry *e)
{
	struct cyre_mbox m;

	/* What cannot be read is said by cyre_db_check_values(). */
	if (!cyre_mbox_read(e->key, e->value, c->is_new, &c->own, &m))
		return;
	switch (m.kind) {
	case CYRE_MBOXKEY_NAME:
		check_by_name(c, &m);
		break;
	case CYRE_MBOXKEY_UNIQUEID:
		check_by_id(c, &m);
		break;
	case CYRE_MBOXKEY_JMAP:
		check_by_jmapid(c, e->key, &m);
		break;
	case CYRE_MBOXKEY_ACL:
	case CYRE_MBOXKEY_OTHER:
		break;
	}
}

cyre_status cyre_check_mboxlist(const struct cyre_db *db,
	struct cyre_slice admins, struct cyre_findings *found)
{
	struct check c = {.db = db,
		.found = found,
		.admins = admins,
		.is_new = cyre_mbox_keys_are_new(db)};
	size_t i;

	for (i = 0; i < cyre_db_count(db) && c.status == CYRE_OK; i++)
		check_entry(&c, cyre_db_at(db, i));
	sort(&c.live);
	sort(&c.jmap);
	if (c.status == CYRE_OK) {
		check_twice(&c);
		check_jmap_missing(&c);
		check_racl(&c);
	}
	if (c.own.bad || c.own2.bad)
		c.status = CYRE_ENOMEM;
	cyre_buf_free(&c.own);
	cyre_buf_free(&c.own2);
	cyre_buf_free(&c.key);
	cyre_buf_free(&c.text);
	cyre_buf_free(&c.live.text);
	cyre_buf_free(&c.jmap.text);
	free(c.live.p);
	free(c.jmap.p);
	return c.status == CYRE_OK ? found->status : c.status;
}
