/*
 * seen_match_choose.c - whose a record of read marks is, and which of several
 * counts; see seen_match.h. Format: docs/formats/user-databases.md section 1,
 * header.md 4.
 */
#include "seen_match_inside.h"

#include <stdlib.h>

#include "header.h"
#include "number.h"
#include "userdb.h"

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
	return s.n == 16 && cyre_lower_hex_number(s, ret);
}

/* The id is that of its name: those of the same UIDVALIDITY, else all. */
static void find_made(const struct cyre_seen_match *m, struct cyre_slice key,
	struct cyre_seen_choice *c)
{
	uint64_t id;
	size_t i;

	if (!read_made(key, &id))
		return;
	i = cyre__seen_seek_made(m, id);
	for (; i < m->n_made && m->made[i].id == id; i++) {
		c->proof = CYRE_SEEN_NAME;
		may_be(c, m->made[i].mailbox);
	}
	if (c->n_may_be)
		return;
	i = cyre__seen_seek_made(m, id & ~(uint64_t)LOW);
	for (; i < m->n_made && m->made[i].id >> 32 == id >> 32; i++) {
		c->proof = CYRE_SEEN_NAME;
		c->doubt = CYRE_SEEN_UIDVALIDITY;
		may_be(c, m->made[i].mailbox);
	}
}

static void find_named(const struct cyre_seen_match *m, const struct former *f,
	struct cyre_seen_choice *c)
{
	size_t i = cyre__seen_seek_name(m, f->name);

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
	size_t i = cyre__seen_seek_former(m, key);

	for (; i < m->n_formers && cyre_slice_eq(m->by_id[i]->id, key); i++)
		find_named(m, m->by_id[i], c);
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
	uint64_t id;
	size_t i;

	if (!read_made(key, &id))
		return;
	i = cyre__seen_seek_date(m, id & LOW);
	for (; i < m->n_dated && c->n_may_be < CYRE_SEEN_MAY_BE &&
		(m->by_date[i]->uidvalidity & LOW) == (id & LOW);
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
	const struct known *known = cyre__seen_find_known(m, e->key);
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
	int d = cyre_slice_compare(a->id, b->id);

	if (!d)
		d = compare_numbers(b->change, a->change);
	if (!d)
		d = (int)a->c->action - (int)b->c->action;
	return d ? d : cyre_slice_compare(a->e->key, b->e->key);
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

	return cyre_slice_compare(a->id, b->id);
}

/* A mailbox that has a record is not the one whose record is missing. */
static void rule_out(
	struct cyre_seen_choice *c, const struct rival *rivals, size_t n)
{
	struct rival want;
	size_t i, at, left = 0;

	for (i = 0; i < c->n_may_be; i++) {
		want.id = c->may_be[i]->uniqueid;
		at = cyre_seek(&want, rivals, n, sizeof(want), by_rival_id);
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
