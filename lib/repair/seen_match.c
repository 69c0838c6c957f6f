/*
 * seen_match.c - see seen_match.h. Format: docs/formats/user-databases.md
 * section 1, header.md 4.
 *
 * Keeps what is known of the mailboxes, sorted in every way by which a record
 * can be of one; seen_match_choose.c decides.
 */
#include "seen_match_inside.h"

#include <stdlib.h>

#include "header.h"

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

static int by_name(const void *va, const void *vb)
{
	const struct cyre_seen_mailbox *const *a = va, *const *b = vb;

	return cyre_slice_compare((*a)->name, (*b)->name);
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

	return cyre_slice_compare((*a)->id, (*b)->id);
}

static int by_known(const void *va, const void *vb)
{
	const struct known *const *a = va, *const *b = vb;

	return cyre_slice_compare((*a)->id, (*b)->id);
}

static int by_made(const void *va, const void *vb)
{
	const struct made *a = va, *b = vb;
	int d = compare_numbers(a->id, b->id);

	return d ? d : by_name(&a->mailbox, &b->mailbox);
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
		if (!cyre_slice_compare(m->ids[i - 1]->id, m->ids[i]->id) &&
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

/* ---- places in them ---- */

size_t cyre__seen_seek_made(const struct cyre_seen_match *m, uint64_t id)
{
	struct made want = {.id = id};

	return cyre_seek(&want, m->made, m->n_made, sizeof(want), by_made_id);
}

size_t cyre__seen_seek_name(
	const struct cyre_seen_match *m, struct cyre_slice name)
{
	struct cyre_seen_mailbox want = {.name = name};
	const struct cyre_seen_mailbox *p = &want;

	return cyre_seek(&p, m->by_name, m->n_nodes, sizeof(p), by_name);
}

size_t cyre__seen_seek_date(
	const struct cyre_seen_match *m, uint64_t uidvalidity)
{
	struct cyre_seen_mailbox want = {
		.index_known = true, .uidvalidity = uidvalidity};
	const struct cyre_seen_mailbox *p = &want;

	return cyre_seek(&p, m->by_date, m->n_dated, sizeof(p), by_date);
}

size_t cyre__seen_seek_former(
	const struct cyre_seen_match *m, struct cyre_slice id)
{
	struct former want = {.id = id}, *p = &want;

	return cyre_seek(&p, m->by_id, m->n_formers, sizeof(p), by_former);
}

const struct known *cyre__seen_find_known(
	const struct cyre_seen_match *m, struct cyre_slice id)
{
	struct known want = {.id = id}, *p = &want;
	size_t i = cyre_seek(&p, m->ids, m->n_knowns, sizeof(p), by_known);

	return i < m->n_knowns && cyre_slice_eq(m->ids[i]->id, id) ? m->ids[i]
								   : NULL;
}
