/*
 * seen_match.c - see seen_match.h. Format: docs/formats/user-databases.md
 * section 1, header.md 4.
 */
#include "seen_match.h"

#include <stdlib.h>

#include "arena.h"
#include "header.h"
#include "userdb.h"

#define LOW UINT32_MAX

/* An id as a server up to 2.5 makes it. */
struct made {
	uint64_t id; /* the hash, then UIDVALIDITY; 0 where it is not known */
	const struct cyre_seen_mailbox *mailbox;
};

struct former {
	struct cyre_slice id, name;
	uint64_t uidvalidity;
	struct former *next; /* as they came */
};

struct known {
	struct cyre_slice id;
	const struct cyre_seen_mailbox *mailbox; /* NULL: no more is known */
	struct known *next;
};

struct node {
	struct cyre_seen_mailbox mailbox; /* first */
	struct node *next;
};

struct cyre_seen_match {
	struct cyre_arena arena;
	struct node *nodes;
	struct former *formers;
	struct known *knowns;
	size_t n_nodes, n_formers, n_knowns, n_made, n_dated;

	/* Sorted, when ready. */
	const struct cyre_seen_mailbox **by_name, **by_date;
	struct former **by_id;
	struct known **ids;
	struct made *made;
};

const char *cyre_seen_action_name(enum cyre_seen_action a)
{
	static const char *const names[CYRE_SEEN_ACTIONS] = {
		[CYRE_SEEN_KEPT] = "kept",
		[CYRE_SEEN_ATTACHED] = "attached",
		[CYRE_SEEN_REPLACED] = "replaced",
		[CYRE_SEEN_OWN_NEWER] = "own-newer",
		[CYRE_SEEN_UNDECIDED] = "undecided",
		[CYRE_SEEN_NO_MAILBOX] = "no-mailbox",
		[CYRE_SEEN_UNREADABLE] = "unreadable",
	};

	return names[a];
}

const char *cyre_seen_doubt_text(enum cyre_seen_doubt d)
{
	switch (d) {
	case CYRE_SEEN_UIDVALIDITY:
		return "the mailbox has not the UIDVALIDITY of then, or none "
		       "that can be read: uids can mean other messages";
	case CYRE_SEEN_UIDS:
		return "it has uids that the mailbox never gave out";
	case CYRE_SEEN_ID:
		return "which uniqueid that mailbox has is not certain; run "
		       "cyrrebuild and cyrdb rebuild mailboxes first";
	case CYRE_SEEN_RENAMED:
		return "that mailbox was created under another name; this may "
		       "be of one that had the name before";
	case CYRE_SEEN_SEVERAL:
		return "it can be of more than one mailbox";
	case CYRE_SEEN_MAYBE:
		return "no mailbox has this uniqueid; those below have its "
		       "UIDVALIDITY";
	case CYRE_SEEN_NO_DOUBT:
		break;
	}
	return NULL;
}

/* ---- what there is ---- */

cyre_status cyre_seen_match_new(struct cyre_seen_match **ret)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return CYRE_ENOMEM;
	(*ret)->arena.limit = SIZE_MAX / 2;
	return CYRE_OK;
}

void cyre_seen_match_free(struct cyre_seen_match *m)
{
	if (!m)
		return;
	cyre_arena_free(&m->arena);
	free(m->by_name);
	free(m->by_date);
	free(m->by_id);
	free(m->ids);
	free(m->made);
	free(m);
}

static struct cyre_slice keep(struct cyre_seen_match *m, struct cyre_slice s)
{
	uint8_t *p = s.n ? cyre_arena_text(&m->arena, s.n) : NULL;

	if (!p)
		return cyre_slice(NULL, 0);
	memcpy(p, s.p, s.n);
	return cyre_arena_keep(&m->arena, p, s.n);
}

/* `id` is kept already. */
static cyre_status add_known(struct cyre_seen_match *m, struct cyre_slice id,
	const struct cyre_seen_mailbox *mailbox)
{
	struct known *k;

	if (!id.n)
		return CYRE_OK;
	k = cyre_arena_get(&m->arena, sizeof(*k));
	if (!k)
		return CYRE_ENOMEM;
	*k = (struct known){id, mailbox, m->knowns};
	m->knowns = k;
	m->n_knowns++;
	return CYRE_OK;
}

cyre_status cyre_seen_match_mailbox(
	struct cyre_seen_match *m, const struct cyre_seen_mailbox *mailbox)
{
	struct node *n = cyre_arena_get(&m->arena, sizeof(*n));
	cyre_status st;

	if (!n)
		return CYRE_ENOMEM;
	n->mailbox = *mailbox;
	n->mailbox.name = keep(m, mailbox->name);
	n->mailbox.uniqueid = keep(m, mailbox->uniqueid);
	n->mailbox.listed = keep(m, mailbox->listed);
	n->next = m->nodes;
	m->nodes = n;
	m->n_nodes++;
	st = add_known(m, n->mailbox.uniqueid, &n->mailbox);
	if (st == CYRE_OK &&
		!cyre_slice_eq(n->mailbox.listed, n->mailbox.uniqueid))
		st = add_known(m, n->mailbox.listed, &n->mailbox);
	return m->arena.bad ? CYRE_ENOMEM : st;
}

cyre_status cyre_seen_match_known(
	struct cyre_seen_match *m, struct cyre_slice id)
{
	cyre_status st = add_known(m, keep(m, id), NULL);

	return m->arena.bad ? CYRE_ENOMEM : st;
}

cyre_status cyre_seen_match_former(struct cyre_seen_match *m,
	struct cyre_slice name, struct cyre_slice id, uint64_t uidvalidity)
{
	struct former *f;

	if (!id.n || !name.n)
		return CYRE_OK;
	f = cyre_arena_get(&m->arena, sizeof(*f));
	if (!f)
		return CYRE_ENOMEM;
	*f = (struct former){
		keep(m, id), keep(m, name), uidvalidity, m->formers};
	m->formers = f;
	m->n_formers++;
	return m->arena.bad ? CYRE_ENOMEM : CYRE_OK;
}

/* ---- found again ---- */

static int compare(struct cyre_slice a, struct cyre_slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n ? memcmp(a.p, b.p, n) : 0;

	return d ? d : (a.n > b.n) - (a.n < b.n);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_name(const void *va, const void *vb)
{
	const struct cyre_seen_mailbox *const *a = va, *const *b = vb;

	return compare((*a)->name, (*b)->name);
}

static int by_date(const void *va, const void *vb)
{
	const struct cyre_seen_mailbox *const *a = va, *const *b = vb;
	int d = compare_numbers(
		(*a)->uidvalidity & LOW, (*b)->uidvalidity & LOW);

	return d ? d : by_name(va, vb);
}

static int by_former(const void *va, const void *vb)
{
	const struct former *const *a = va, *const *b = vb;

	return compare((*a)->id, (*b)->id);
}

static int by_known(const void *va, const void *vb)
{
	const struct known *const *a = va, *const *b = vb;

	return compare((*a)->id, (*b)->id);
}

static int by_made(const void *va, const void *vb)
{
	const struct made *a = va, *b = vb;
	int d = compare_numbers(a->id, b->id);

	return d ? d : by_name(&a->mailbox, &b->mailbox);
}

/* The first of `n` at `base` that does not sort before `key`. */
static size_t seek(const void *key, const void *base, size_t n, size_t size,
	int (*cmp)(const void *, const void *))
{
	size_t lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (cmp((const char *)base + mid * size, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int by_made_id(const void *va, const void *vb)
{
	const struct made *a = va, *b = vb;

	return compare_numbers(a->id, b->id);
}

static void make_ids(
	struct cyre_seen_match *m, const struct cyre_seen_mailbox *mailbox)
{
	uint64_t low = mailbox->index_known ? mailbox->uidvalidity & LOW : 0;
	uint64_t id[2];
	int wide;

	if (!mailbox->name.n)
		return;
	for (wide = 0; wide < 2; wide++) {
		id[wide] = (uint64_t)cyre_uniqueid_hash(mailbox->name, wide)
				   << 32 |
			   low;
		if (!wide || id[1] != id[0])
			m->made[m->n_made++] = (struct made){id[wide], mailbox};
	}
}

/* Two mailboxes of one id, or one of two. */
static void mark_unsure(struct cyre_seen_match *m)
{
	struct node *n;
	size_t i;

	for (i = 1; i < m->n_knowns; i++)
		if (!compare(m->ids[i - 1]->id, m->ids[i]->id) &&
			m->ids[i]->mailbox && m->ids[i - 1]->mailbox) {
			((struct node *)(uintptr_t)m->ids[i]->mailbox)
				->mailbox.unsure = true;
			((struct node *)(uintptr_t)m->ids[i - 1]->mailbox)
				->mailbox.unsure = true;
		}
	for (n = m->nodes; n; n = n->next)
		n->mailbox.unsure |= !n->mailbox.uniqueid.n ||
				     (n->mailbox.listed.n &&
					     !cyre_slice_eq(n->mailbox.listed,
						     n->mailbox.uniqueid));
}

cyre_status cyre_seen_match_ready(struct cyre_seen_match *m)
{
	struct former *f;
	struct known *k;
	struct node *n;
	size_t i = 0;

	m->by_name = calloc(m->n_nodes + 1, sizeof(*m->by_name));
	m->by_date = calloc(m->n_nodes + 1, sizeof(*m->by_date));
	m->made = calloc(2 * m->n_nodes + 1, sizeof(*m->made));
	m->by_id = calloc(m->n_formers + 1, sizeof(struct former *));
	m->ids = calloc(m->n_knowns + 1, sizeof(struct known *));
	if (!m->by_name || !m->by_date || !m->made || !m->by_id || !m->ids)
		return CYRE_ENOMEM;
	for (n = m->nodes; n; n = n->next) {
		m->by_name[i++] = &n->mailbox;
		if (n->mailbox.index_known)
			m->by_date[m->n_dated++] = &n->mailbox;
		make_ids(m, &n->mailbox);
	}
	for (f = m->formers, i = 0; f; f = f->next)
		m->by_id[i++] = f;
	for (k = m->knowns, i = 0; k; k = k->next)
		m->ids[i++] = k;
	qsort(m->by_name, m->n_nodes, sizeof(*m->by_name), by_name);
	qsort(m->by_date, m->n_dated, sizeof(*m->by_date), by_date);
	qsort(m->made, m->n_made, sizeof(*m->made), by_made);
	qsort(m->by_id, m->n_formers, sizeof(*m->by_id), by_former);
	qsort(m->ids, m->n_knowns, sizeof(*m->ids), by_known);
	mark_unsure(m);
	return CYRE_OK;
}

/* ---- whose is it? ---- */

static void may_be(
	struct cyre_seen_choice *c, const struct cyre_seen_mailbox *mailbox)
{
	size_t i;

	for (i = 0; i < c->n_may_be; i++)
		if (c->may_be[i] == mailbox)
			return;
	if (c->n_may_be < CYRE_SEEN_MAY_BE)
		c->may_be[c->n_may_be++] = mailbox;
}

/* 16 hexadecimal digits. */
static bool read_made(struct cyre_slice s, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i;

	if (s.n != 16)
		return false;
	for (i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret = v;
	return true;
}

/* The id is that of its name: those of the same UIDVALIDITY, else all. */
static void find_made(const struct cyre_seen_match *m, struct cyre_slice key,
	struct cyre_seen_choice *c)
{
	struct made want;
	uint64_t id;
	size_t i;

	if (!read_made(key, &id))
		return;
	want.id = id;
	i = seek(&want, m->made, m->n_made, sizeof(want), by_made_id);
	for (; i < m->n_made && m->made[i].id == id; i++) {
		c->proof = CYRE_SEEN_NAME;
		may_be(c, m->made[i].mailbox);
	}
	if (c->n_may_be)
		return;
	want.id = id & ~(uint64_t)LOW;
	i = seek(&want, m->made, m->n_made, sizeof(want), by_made_id);
	for (; i < m->n_made && m->made[i].id >> 32 == id >> 32; i++) {
		c->proof = CYRE_SEEN_NAME;
		c->doubt = CYRE_SEEN_UIDVALIDITY;
		may_be(c, m->made[i].mailbox);
	}
}

static void find_named(const struct cyre_seen_match *m, const struct former *f,
	struct cyre_seen_choice *c)
{
	struct cyre_seen_mailbox want = {.name = f->name};
	const struct cyre_seen_mailbox *key = &want;
	size_t i = seek(&key, m->by_name, m->n_nodes, sizeof(key), by_name);

	for (; i < m->n_nodes && cyre_slice_eq(m->by_name[i]->name, f->name);
		i++) {
		const struct cyre_seen_mailbox *mb = m->by_name[i];

		c->proof = CYRE_SEEN_COPY;
		if (!mb->index_known || !f->uidvalidity ||
			mb->uidvalidity != f->uidvalidity)
			c->doubt = CYRE_SEEN_UIDVALIDITY;
		may_be(c, mb);
	}
}

static void find_former(const struct cyre_seen_match *m, struct cyre_slice key,
	struct cyre_seen_choice *c)
{
	struct former want = {.id = key}, *p = &want;
	size_t i = seek(&p, m->by_id, m->n_formers, sizeof(p), by_former);

	for (; i < m->n_formers && cyre_slice_eq(m->by_id[i]->id, key); i++)
		find_named(m, m->by_id[i], c);
}

static const struct known *find_known(
	const struct cyre_seen_match *m, struct cyre_slice key)
{
	struct known want = {.id = key}, *p = &want;
	size_t i = seek(&p, m->ids, m->n_knowns, sizeof(p), by_known);

	return i < m->n_knowns && cyre_slice_eq(m->ids[i]->id, key) ? m->ids[i]
								    : NULL;
}

static bool has_given_out(
	const struct cyre_seen_mailbox *mb, const struct cyre_seen *s)
{
	struct cyre_cur c = cyre_cur(s->uids);
	uint64_t lo, hi, last = s->last_uid;

	while (cyre_uidset_next(&c, &lo, &hi))
		if (hi > last)
			last = hi;
	return mb->index_known && last <= mb->last_uid;
}

/* Its id is of its UIDVALIDITY: it never had another one. */
static bool has_its_own(const struct cyre_seen_mailbox *mb)
{
	uint64_t id;

	return read_made(mb->uniqueid, &id) &&
	       (id & LOW) == (mb->uidvalidity & LOW);
}

/* A mailbox of 2.x that was renamed, then lost its id: UIDVALIDITY is all that
 * tells. */
static void find_dated(const struct cyre_seen_match *m, struct cyre_slice key,
	const struct cyre_seen *s, struct cyre_seen_choice *c)
{
	struct cyre_seen_mailbox want = {.index_known = true};
	const struct cyre_seen_mailbox *p = &want;
	uint64_t id;
	size_t i;

	if (!read_made(key, &id))
		return;
	want.uidvalidity = id & LOW;
	i = seek(&p, m->by_date, m->n_dated, sizeof(p), by_date);
	for (; i < m->n_dated && c->n_may_be < CYRE_SEEN_MAY_BE &&
		(m->by_date[i]->uidvalidity & LOW) == want.uidvalidity;
		i++)
		if (has_given_out(m->by_date[i], s) &&
			!has_its_own(m->by_date[i]))
			may_be(c, m->by_date[i]);
	if (c->n_may_be)
		c->doubt = CYRE_SEEN_MAYBE;
}

/*
 * Its id is right, but of another name: what is proven by its present name can
 * be of a mailbox that had the name before, created in the same second.
 */
static bool was_renamed(const struct cyre_seen_mailbox *mb)
{
	uint64_t id;

	return has_its_own(mb) && read_made(mb->uniqueid, &id) &&
	       id >> 32 != cyre_uniqueid_hash(mb->name, false) &&
	       id >> 32 != cyre_uniqueid_hash(mb->name, true);
}

static void choose(const struct cyre_seen_match *m,
	const struct cyre_db_entry *e, struct cyre_seen_choice *c)
{
	const struct known *known = find_known(m, e->key);
	struct cyre_seen s;

	*c = (struct cyre_seen_choice){.action = CYRE_SEEN_KEPT};
	if (!cyre_seen_read(e->value, &s) || !cyre_uidset_valid(s.uids)) {
		c->action = CYRE_SEEN_UNREADABLE;
		return;
	}
	if (known) {
		c->mailbox = known->mailbox;
		return;
	}
	find_made(m, e->key, c);
	if (!c->n_may_be)
		find_former(m, e->key, c);
	if (!c->n_may_be)
		find_dated(m, e->key, &s, c);
	c->action = c->n_may_be ? CYRE_SEEN_UNDECIDED : CYRE_SEEN_NO_MAILBOX;
	if (c->n_may_be > 1 && c->doubt == CYRE_SEEN_NO_DOUBT)
		c->doubt = CYRE_SEEN_SEVERAL;
	if (!c->n_may_be || c->doubt)
		return;
	c->mailbox = c->may_be[0];
	if (c->mailbox->unsure)
		c->doubt = CYRE_SEEN_ID;
	else if (!has_given_out(c->mailbox, &s))
		c->doubt = CYRE_SEEN_UIDS;
	else if (c->proof == CYRE_SEEN_NAME && was_renamed(c->mailbox))
		c->doubt = CYRE_SEEN_RENAMED;
	else
		c->action = CYRE_SEEN_ATTACHED;
}

/* ---- one of several for a mailbox ---- */

/* A record that is to have, or has, the id of a mailbox. */
struct rival {
	const struct cyre_db_entry *e;
	struct cyre_seen_choice *c;
	struct cyre_slice id; /* of the mailbox */
	uint64_t change;
};

/* By id; then the one that counts first: the newest, of equals its own. */
static int by_rank(const void *va, const void *vb)
{
	const struct rival *a = va, *b = vb;
	int d = compare(a->id, b->id);

	if (!d)
		d = compare_numbers(b->change, a->change);
	if (!d)
		d = (int)a->c->action - (int)b->c->action;
	return d ? d : compare(a->e->key, b->e->key);
}

static void settle(struct rival *r, size_t n)
{
	size_t i;

	for (i = 1; i < n; i++) {
		if (!cyre_slice_eq(r[i].id, r[i - 1].id))
			continue;
		/* Behind the one that counts. */
		r[i].c->action = r[i].c->action == CYRE_SEEN_KEPT
					 ? CYRE_SEEN_REPLACED
					 : CYRE_SEEN_OWN_NEWER;
	}
}

static int by_rival_id(const void *va, const void *vb)
{
	const struct rival *a = va, *b = vb;

	return compare(a->id, b->id);
}

/* A mailbox that has a record is not the one whose record is missing. */
static void rule_out(
	struct cyre_seen_choice *c, const struct rival *rivals, size_t n)
{
	struct rival want;
	size_t i, at, left = 0;

	for (i = 0; i < c->n_may_be; i++) {
		want.id = c->may_be[i]->uniqueid;
		at = seek(&want, rivals, n, sizeof(want), by_rival_id);
		if (at == n || !cyre_slice_eq(rivals[at].id, want.id))
			c->may_be[left++] = c->may_be[i];
	}
	c->n_may_be = left;
	if (left)
		return;
	c->action = CYRE_SEEN_NO_MAILBOX;
	c->doubt = CYRE_SEEN_NO_DOUBT;
}

cyre_status cyre_seen_match_file(const struct cyre_seen_match *m,
	const struct cyre_db_entry *const *records, size_t n,
	struct cyre_seen_choice *ret)
{
	struct rival *rivals = calloc(n + 1, sizeof(*rivals));
	size_t i, n_rivals = 0;
	struct cyre_seen s;

	if (!rivals)
		return CYRE_ENOMEM;
	for (i = 0; i < n; i++) {
		choose(m, records[i], &ret[i]);
		if (ret[i].action > CYRE_SEEN_ATTACHED ||
			!cyre_seen_read(records[i]->value, &s))
			continue;
		rivals[n_rivals++] = (struct rival){.e = records[i],
			.c = &ret[i],
			.id = ret[i].action == CYRE_SEEN_KEPT
				      ? records[i]->key
				      : ret[i].mailbox->uniqueid,
			.change = s.last_change};
	}
	qsort(rivals, n_rivals, sizeof(*rivals), by_rank);
	settle(rivals, n_rivals);
	for (i = 0; i < n; i++)
		if (ret[i].doubt == CYRE_SEEN_MAYBE)
			rule_out(&ret[i], rivals, n_rivals);
	free(rivals);
	return CYRE_OK;
}
