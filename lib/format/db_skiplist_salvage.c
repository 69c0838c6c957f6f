/*
 * db_skiplist_salvage.c - the live keys of a damaged skiplist file
 *
 * docs/formats/skiplist.md section 8. There are no check sums, so a record is
 * believed for its structure: padding, pointers, terminator, and that another
 * record follows. Then the log is replayed, and the links that are still there
 * are compared with the result, as in db_twoskip_salvage.c.
 */
#include "db_skiplist.h"

#include <stdlib.h>

#define MAX_KEY     4096 /* plausible in the middle of damage */
#define MAX_SOLVE   65536
#define MAX_REPAIRS 256

struct salvage {
	struct cyre_slice file;
	struct cyre_db *db;
	struct sk_log log;
	struct sk_record dummy;
	bool has_dummy;
	struct sk_record **live; /* in the order of the keys */
	size_t nlive;
	cyre_db_compare *compare;
	uint64_t committed;
	uint64_t last_gap; /* offset behind the last unreadable bytes, or 0 */
	uint64_t nlost;    /* links of live records to nothing readable */
	unsigned repairs;
};

/* What stands behind a record: another one, zeros, or the end. */
static bool may_follow(const struct salvage *s, uint64_t off)
{
	uint32_t word;

	if (off >= s->file.n)
		return off == s->file.n;
	if (s->file.n - off < 4)
		return false;
	word = cyre_load_be32(s->file.p + off);
	return word == 0 || word == SK_INORDER || word == SK_ADD ||
	       word == SK_DELETE || word == SK_COMMIT;
}

/* Once there was more of the file, or the link is damaged. */
static bool leads_behind(const struct salvage *s, const struct sk_record *r)
{
	unsigned i;

	for (i = 0; i < r->level; i++)
		if (sk_ptr(r, i) >= s->file.n && sk_ptr(r, i) != SK_END)
			return true;
	return false;
}

static bool is_plausible(const struct salvage *s, const struct sk_record *r)
{
	unsigned i;

	if (r->type == SK_DELETE && (r->target % 4 || r->target < SK_FIRST ||
					    r->target >= r->offset))
		return false;
	for (i = 0; i < r->level; i++)
		if (sk_ptr(r, i) % 4)
			return false;
	return may_follow(s, r->offset + r->size);
}

/* Good enough to start reading again after damage. */
static bool is_anchor(const struct salvage *s, const struct sk_record *r)
{
	struct sk_record next;

	if (!is_plausible(s, r) || leads_behind(s, r) || r->key.n > MAX_KEY)
		return false;
	if (r->type == SK_DELETE && !cyre_sk_log_at(&s->log, r->target))
		return false;
	if (r->type != SK_DELETE && !sk_is_node(r))
		return false;
	if (r->offset + r->size == s->file.n)
		return true;
	return cyre_sk_record(s->file, r->offset + r->size, &next) &&
	       is_plausible(s, &next);
}

/* Where reading can go on at or behind `off`; the file's end if nowhere. */
static uint64_t next_anchor(const struct salvage *s, uint64_t off)
{
	struct sk_record r;

	for (; off < s->file.n; off += 4)
		if (cyre_sk_record(s->file, off, &r) && is_anchor(s, &r))
			return off;
	return s->file.n;
}

/*
 * The node at `off` has one wrong length. It must end at `end`, where the next
 * record was found; few lengths make it do so with all padding in place.
 */
static bool solve_length(
	struct salvage *s, uint64_t off, uint64_t end, struct sk_record *ret)
{
	uint32_t type, n,
		max = end - off < MAX_SOLVE ? (uint32_t)(end - off) : MAX_SOLVE;
	static const uint8_t zeros[4 * SK_MAX_LEVEL + 24];
	struct cyre_slice node;
	struct sk_record r;

	if (!s->repairs || !cyre_slice_sub(s->file, off, end - off, &node) ||
		node.n < 16)
		return false;
	type = cyre_load_be32(node.p);
	if (type != SK_ADD && type != SK_INORDER)
		return false;
	s->repairs--;
	for (n = 1; n < max; n++) {
		if (cyre_sk_node_as(s->file, off, n, UINT32_MAX, &r) &&
			r.size == node.n && is_plausible(s, &r) &&
			!leads_behind(s, &r))
			break;
		if (cyre_sk_node_as(s->file, off, UINT32_MAX, n - 1, &r) &&
			r.size == node.n && is_plausible(s, &r) &&
			!leads_behind(s, &r))
			break;
	}
	/* Zeros fit everywhere; they are no proof of anything. */
	if (n >= max || memmem(node.p, node.n, zeros, sizeof(zeros)))
		return false;
	*ret = r;
	return true;
}

static cyre_status collect(struct salvage *s)
{
	uint64_t off = SK_HEADER_LEN, end;
	struct sk_record r;
	cyre_status st;

	s->has_dummy = cyre_sk_record(s->file, off, &s->dummy) &&
		       s->dummy.type == SK_DUMMY && is_plausible(s, &s->dummy);
	off = s->has_dummy ? off + s->dummy.size : SK_FIRST;
	while (off < s->file.n) {
		if (!cyre_sk_record(s->file, off, &r) || r.type == SK_DUMMY ||
			!is_plausible(s, &r)) {
			end = next_anchor(s, off + 4);
			if (!solve_length(s, off, end, &r)) {
				s->last_gap = end;
				off = end;
				continue;
			}
		}
		st = cyre_sk_log_add(&s->log, &r);
		if (st != CYRE_OK)
			return st;
		off += r.size;
	}
	return CYRE_OK;
}

/* A COMMIT at the very end commits what was lost before it, too. */
static uint64_t committed_end(const struct salvage *s)
{
	if (s->file.n > SK_FIRST && s->file.n % 4 == 0 &&
		cyre_load_be32(s->file.p + s->file.n - 4) == SK_COMMIT)
		return s->file.n;
	return cyre_sk_committed(&s->log);
}

static void find_order(struct salvage *s)
{
	struct cyre_db_orders o = {{0}};
	const struct sk_record *r, *next;
	size_t i;

	for (i = 0; i < s->log.n; i++) {
		r = &s->log.r[i];
		if (!sk_is_node(r))
			continue;
		next = cyre_sk_log_at(&s->log, sk_ptr(r, 0));
		if (next && sk_is_node(next))
			cyre_db_orders_see(&o, r->key, next->key);
	}
	s->db->info.order = cyre_db_orders_best(&o, CYRE_DB_SIGNED);
	s->compare = cyre_db_comparer(s->db->info.order);
}

static int by_key(const void *va, const void *vb, void *arg)
{
	const struct sk_record *const *a = va, *const *b = vb;
	const struct salvage *s = arg;
	int c = s->compare((*a)->key, (*b)->key);

	if (c)
		return c;
	return (*a)->offset > (*b)->offset ? -1 : 1;
}

/* The live nodes sorted; of two with one key the later one is meant. */
static cyre_status list_live(struct salvage *s)
{
	size_t i, n = 0;

	s->live = calloc(s->log.n + 1, sizeof(*s->live));
	if (!s->live)
		return CYRE_ENOMEM;
	for (i = 0; i < s->log.n; i++)
		if (s->log.r[i].live)
			s->live[n++] = &s->log.r[i];
	qsort_r(s->live, n, sizeof(*s->live), by_key, s);
	for (i = 0; i < n; i++) {
		if (s->nlive && cyre_slice_eq(s->live[s->nlive - 1]->key,
					s->live[i]->key)) {
			s->live[i]->live = false;
			continue;
		}
		s->live[i]->place = s->nlive;
		s->live[s->nlive++] = s->live[i];
	}
	return CYRE_OK;
}

/* An open transaction changes links before it is committed. */
static void spare_uncommitted(struct salvage *s)
{
	struct sk_record *r, *old;
	size_t i;

	for (i = 0; i < s->log.n; i++) {
		r = &s->log.r[i];
		if (r->type != SK_DELETE || r->offset < s->committed)
			continue;
		old = cyre_sk_log_at(&s->log, r->target);
		if (old)
			old->spared = true;
	}
}

/* A walk along the links that are left. */
struct chain {
	const struct sk_record *at;
	struct sk_record *jump[SK_MAX_LEVEL]; /* live, or NULL */
	size_t done;                          /* live[] before is settled */
};

static void enter(struct salvage *s, struct chain *c, const struct sk_record *r)
{
	struct sk_record *to;
	unsigned i;

	c->at = r;
	for (i = 1; i < r->level; i++) {
		to = sk_ptr(r, i) ? cyre_sk_log_at(&s->log, sk_ptr(r, i))
				  : NULL;
		c->jump[i] = to && to->live ? to : NULL;
	}
}

/* The links pass over these: dead, but for what an open transaction unlinked. */
static void drop_unlinked(struct salvage *s, struct chain *c, size_t limit)
{
	for (; c->done < limit; c->done++) {
		s->live[c->done]->live = s->live[c->done]->spared;
		s->live[c->done]->trust = CYRE_DB_REPLAYED;
	}
}

static void keep_replayed(struct salvage *s, struct chain *c, size_t limit)
{
	struct sk_record *r;
	uint32_t off = 0;

	for (; c->done < limit; c->done++) {
		r = s->live[c->done];
		r->trust = CYRE_DB_RESURRECTED;
		if (r->offset >= s->last_gap || r->spared || off == r->offset)
			r->trust = CYRE_DB_REPLAYED;
		off = r->trust == CYRE_DB_REPLAYED ? sk_ptr(r, 0) : 0;
	}
}

/* The nearest record that a higher list still names. */
static struct sk_record *nearest_jump(const struct chain *c)
{
	struct sk_record *best = NULL, *r;
	unsigned i;

	for (i = 1; i < SK_MAX_LEVEL; i++) {
		r = c->jump[i];
		if (r && r->place >= c->done &&
			(!best || r->place < best->place))
			best = r;
	}
	return best;
}

static void reach(struct salvage *s, struct chain *c, struct sk_record *r)
{
	r->trust = CYRE_DB_INTACT;
	c->done = r->place + 1;
	enter(s, c, r);
}

/*
 * One step along list 0. A higher list that names a nearer record shows that
 * this link is not to be believed, nor the end of the list.
 */
static bool step(struct salvage *s, struct chain *c)
{
	struct sk_record *jump = nearest_jump(c), *r = NULL;
	uint32_t off = c->at ? sk_ptr(c->at, 0) : SK_END;

	if (off == 0 && !jump) {
		drop_unlinked(s, c, s->nlive);
		return false;
	}
	r = cyre_sk_log_at(&s->log, off);
	if (r && sk_is_node(r) && r->offset >= s->committed) {
		enter(s, c, r);
		return true;
	}
	if (r && r->live && r->place >= c->done &&
		(!jump || r->place <= jump->place)) {
		drop_unlinked(s, c, r->place);
		reach(s, c, r);
		return true;
	}
	s->nlost += !r && off && off != SK_END;
	keep_replayed(s, c, jump ? jump->place : s->nlive);
	if (jump)
		reach(s, c, jump);
	return jump != NULL;
}

static void follow_links(struct salvage *s)
{
	struct chain c = {0};
	size_t steps = s->log.n;

	if (s->has_dummy)
		enter(s, &c, &s->dummy);
	while (step(s, &c) && steps--)
		;
}

/*
 * Links of more than one node lead behind the end: there was more. Then what
 * stands last is no open transaction, and anything may have changed behind it.
 */
static bool is_cut(const struct salvage *s)
{
	size_t i, n = s->has_dummy && leads_behind(s, &s->dummy);

	for (i = 0; i < s->log.n; i++)
		n += sk_is_node(&s->log.r[i]) && leads_behind(s, &s->log.r[i]);
	return n > 1;
}

static cyre_status emit(struct salvage *s, struct cyre_findings *found)
{
	struct cyre_db_info *info = &s->db->info;
	const struct sk_record *r;
	struct sk_header h;
	uint64_t have = 0;
	cyre_status st;
	size_t i;

	for (i = 0; i < s->log.n; i++) {
		r = &s->log.r[i];
		if (!r->live && (!sk_is_node(r) || r->offset < s->committed))
			continue;
		have += r->live;
		st = cyre_db_add(
			s->db, &(struct cyre_db_entry){.key = r->key,
				       .value = r->value,
				       .offset = r->offset,
				       .trust = r->live ? r->trust
							: CYRE_DB_UNCOMMITTED});
		if (st != CYRE_OK)
			return st;
	}
	/* The count is right while there is no log. */
	info->counted = cyre_sk_header(s->file, &h) && h.logstart == s->file.n;
	info->expected = info->counted ? h.listsize : 0;
	/* The DUMMY would have a link to the first keys that are gone. */
	if (!s->nlost && s->last_gap && !s->has_dummy)
		s->nlost = 1;
	cyre_db_tell_missing(s->db, have, s->nlost, found);
	return CYRE_OK;
}

cyre_status cyre_sk_salvage(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct salvage s = {.file = file, .db = db, .repairs = MAX_REPAIRS};
	cyre_status st;

	st = collect(&s);
	if (st != CYRE_OK)
		goto out;
	s.committed = committed_end(&s);
	cyre_sk_replay(&s.log, s.committed);
	find_order(&s);
	st = list_live(&s);
	if (st != CYRE_OK)
		goto out;
	if (is_cut(&s))
		s.last_gap = s.file.n;
	else
		spare_uncommitted(&s);
	follow_links(&s);
	st = emit(&s, found);
out:
	free(s.live);
	free(s.log.r);
	return st;
}
