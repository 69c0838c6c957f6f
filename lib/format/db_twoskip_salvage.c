/*
 * db_twoskip_salvage.c - which records of a damaged twoskip file are live
 *
 * From all records that can still be read (db_twoskip_collect.c) it makes the
 * list of live keys in two ways that check each other, docs/formats/twoskip.md
 * section 8: C, D replay in file order; E the links that are still there. The
 * links win where they are whole; the replay fills the gaps between.
 */
#include "db_twoskip_collect.h"

#include <stdlib.h>

struct salvage {
	struct cyre_slice file;
	struct cyre_db *db;
	struct ts_items items;
	cyre_db_compare *compare;
	struct ts_item **by_rank; /* newest live item of a key, or NULL */
	struct ts_item **by_next; /* items with keys and links, by link */
	size_t nnext;
	uint32_t *live[6]; /* which are not NULL, 32 a word, in levels */
	uint32_t nranks;
	struct ts_header h;
	bool has_header;
	uint64_t end;   /* what starts here or later is not committed */
	uint64_t doubt; /* what was written before may have been changed in
			    a gap, up to this offset; 0: there is no gap */
	uint64_t nlost; /* links of live records to nothing readable */
};

/* The set of live ranks: the greatest below a limit in a few steps. */
static bool live_init(struct salvage *s)
{
	uint32_t n = s->nranks;
	int i;

	for (i = 0; i < 6; i++) {
		n = n / 32 + 1;
		s->live[i] = calloc(n, sizeof(uint32_t));
		if (!s->live[i])
			return false;
	}
	return true;
}

static void live_set(struct salvage *s, uint32_t rank, struct ts_item *it)
{
	uint32_t k = rank;
	int i;

	if (s->by_rank[rank])
		s->by_rank[rank]->live = false;
	s->by_rank[rank] = it;
	if (it)
		it->live = true;
	for (i = 0; i < 6; i++, k /= 32) {
		if (it) {
			s->live[i][k / 32] |= 1u << k % 32;
			continue;
		}
		s->live[i][k / 32] &= ~(1u << k % 32);
		if (s->live[i][k / 32])
			break;
	}
}

/* The greatest live rank below `limit`; UINT32_MAX: none. */
static uint32_t live_before(const struct salvage *s, uint32_t limit)
{
	uint32_t k = limit, word;
	int i;

	for (i = 0; i < 6; i++, k /= 32) {
		word = s->live[i][k / 32] & ((1u << k % 32) - 1);
		if (!word)
			continue;
		k = k / 32 * 32 + 31 - (uint32_t)__builtin_clz(word);
		while (i-- > 0)
			k = k * 32 + 31 -
			    (uint32_t)__builtin_clz(s->live[i][k]);
		return k;
	}
	return UINT32_MAX;
}

/* Where the record's list 0 goes on; a DELETE in between is stepped over. */
static struct ts_item *successor(
	const struct salvage *s, const struct ts_item *it, uint64_t *ret_offset)
{
	uint64_t off = cyre_ts_next(&it->r, 0, s->end);
	struct ts_item *next = off ? cyre_ts_item_at(&s->items, off) : NULL;

	if (next && next->r.type == TS_DELETE && ts_has_links(next)) {
		off = ts_ptr(&next->r, 0);
		next = off ? cyre_ts_item_at(&s->items, off) : NULL;
	}
	*ret_offset = off;
	return next && next->r.type == TS_RECORD && off < s->end ? next : NULL;
}

/* Every link that was ever made respects the order of the file. */
static void find_order(struct salvage *s)
{
	struct cyre_db_orders o = {{0}};
	struct ts_item *it, *next;
	uint64_t off;
	size_t i;

	for (i = 0; i < s->items.n; i++) {
		it = &s->items.v[i];
		if (!ts_has_key(it) || !ts_has_links(it))
			continue;
		next = successor(s, it, &off);
		if (next && ts_has_key(next))
			cyre_db_orders_see(&o, it->r.key, next->r.key);
	}
	o.wrong[CYRE_DB_SIGNED] = UINT64_MAX;
	s->db->info.order = cyre_db_orders_best(&o, CYRE_DB_RAW);
	s->compare = cyre_db_comparer(s->db->info.order);
}

static int by_key(const void *va, const void *vb, void *arg)
{
	const struct ts_item *const *a = va, *const *b = vb;
	const struct salvage *s = arg;
	int c = s->compare((*a)->r.key, (*b)->r.key);

	if (c)
		return c;
	return (*a)->r.offset < (*b)->r.offset
		       ? -1
		       : (*a)->r.offset > (*b)->r.offset;
}

/* Numbers the keys in their order; by_rank is left empty. */
static cyre_status rank_keys(struct salvage *s)
{
	struct ts_item **v;
	size_t i, n = 0;

	v = calloc(s->items.n + 1, sizeof(*v));
	if (!v)
		return CYRE_ENOMEM;
	for (i = 0; i < s->items.n; i++)
		if (ts_has_key(&s->items.v[i]))
			v[n++] = &s->items.v[i];
	if (n >> 30) { /* what six levels of 32 can hold */
		free(v);
		return CYRE_ELIMIT;
	}
	qsort_r(v, n, sizeof(*v), by_key, s);
	for (i = 0; i < n; i++) {
		if (i && s->compare(v[i - 1]->r.key, v[i]->r.key) != 0)
			s->nranks++;
		v[i]->rank = s->nranks;
	}
	s->nranks += n > 0;
	memset(v, 0, (n + 1) * sizeof(*v));
	s->by_rank = v;
	return live_init(s) ? CYRE_OK : CYRE_ENOMEM;
}

static int by_link(const void *va, const void *vb, void *arg)
{
	const struct ts_item *const *a = va, *const *b = vb;
	const struct salvage *s = arg;
	uint64_t na = cyre_ts_next(&(*a)->r, 0, s->end);
	uint64_t nb = cyre_ts_next(&(*b)->r, 0, s->end);

	return na < nb ? -1 : na > nb;
}

static cyre_status sort_by_link(struct salvage *s)
{
	size_t i;

	s->by_next = calloc(s->items.n + 1, sizeof(*s->by_next));
	if (!s->by_next)
		return CYRE_ENOMEM;
	for (i = 0; i < s->items.n; i++)
		if (ts_has_key(&s->items.v[i]) && ts_has_links(&s->items.v[i]))
			s->by_next[s->nnext++] = &s->items.v[i];
	qsort_r(s->by_next, s->nnext, sizeof(*s->by_next), by_link, s);
	return CYRE_OK;
}

/* A record keeps its link when it dies: what it deleted led to its target. */
static struct ts_item *victim_by_link(
	const struct salvage *s, const struct ts_item *del)
{
	uint64_t target = ts_ptr(&del->r, 0);
	size_t lo = 0, hi = s->nnext, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (cyre_ts_next(&s->by_next[mid]->r, 0, s->end) < target)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Few can share one target; a file that says otherwise is a trick. */
	for (hi = lo + 64;
		lo < s->nnext && lo < hi &&
		cyre_ts_next(&s->by_next[lo]->r, 0, s->end) == target;
		lo++)
		if (s->by_next[lo]->live &&
			s->by_next[lo]->r.offset < del->r.offset)
			return s->by_next[lo];
	return NULL;
}

/* What it deleted stood, when it died, just before the DELETE's target. */
static struct ts_item *victim_by_key(
	const struct salvage *s, const struct ts_item *del)
{
	uint64_t target = ts_ptr(&del->r, 0), off;
	uint32_t rank = s->nranks;
	struct ts_item *it;

	if (target) {
		it = cyre_ts_item_at(&s->items, target);
		if (!it || !ts_has_key(it))
			return NULL;
		rank = it->rank;
	}
	rank = live_before(s, rank);
	if (rank == UINT32_MAX)
		return NULL;
	it = s->by_rank[rank];
	if (!ts_has_links(it))
		return it;
	/* With earlier records lost, the victim may be one of those. */
	successor(s, it, &off);
	return off == target ? it : NULL;
}

static void replay_delete(struct salvage *s, const struct ts_item *del)
{
	struct ts_item *victim = NULL;

	if (ts_has_links(del)) {
		victim = victim_by_key(s, del);
		if (!victim && ts_ptr(&del->r, 0))
			victim = victim_by_link(s, del);
	}
	if (victim)
		live_set(s, victim->rank, NULL);
	else
		s->doubt = del->r.offset + 1; /* nobody knows whom */
}

static void replay(struct salvage *s)
{
	struct ts_item *it;
	size_t i;

	for (i = 0; i < s->items.n; i++) {
		it = &s->items.v[i];
		if (it->r.offset >= s->end)
			break;
		if (ts_has_key(it))
			live_set(s, it->rank, it);
		else if (it->r.type == TS_DELETE)
			replay_delete(s, it);
	}
	/* What was cut off may have changed anything. */
	if (s->has_header && s->file.n < s->end)
		s->doubt = s->end;
	/* A repack writes each live key once and deletes nothing: a gap there
	 * costs what stood in it, and says nothing of the rest. */
	if (s->has_header && s->items.last_gap <= s->h.repack_size)
		s->items.last_gap = 0;
	if (s->items.last_gap > s->doubt)
		s->doubt =
			s->items.last_gap < s->end ? s->items.last_gap : s->end;
}

/* A walk along the links that are left. */
struct chain {
	struct ts_item *at;          /* last record reached with its links */
	uint64_t jump[TS_MAX_LEVEL]; /* where the higher lists go on */
	uint32_t done;               /* ranks below are settled */
};

static void enter(struct chain *c, struct ts_item *it)
{
	unsigned i;

	c->at = it;
	for (i = 1; i < it->r.level; i++)
		c->jump[i] = ts_ptr(&it->r, i + 1);
}

/* Live keys from c->done up to `limit` are what the links say: none. */
static void drop_unlinked(struct salvage *s, struct chain *c, uint32_t limit)
{
	uint32_t rank;

	while ((rank = live_before(s, limit)) != UINT32_MAX && rank >= c->done)
		live_set(s, rank, NULL);
}

/*
 * Live keys from c->done up to `limit` are known by the replay alone. One that
 * a sure record points to is sure; so is one after which nothing is lost.
 */
static void keep_replayed(struct salvage *s, struct chain *c, uint32_t limit)
{
	const struct ts_item *sure = NULL;
	struct ts_item *it;
	uint64_t off = 0;
	uint32_t rank;

	for (rank = c->done; rank < limit; rank++) {
		it = s->by_rank[rank];
		if (!it)
			continue;
		it->trust = CYRE_DB_RESURRECTED;
		if (it->r.offset >= s->doubt || (sure && off == it->r.offset))
			it->trust = CYRE_DB_REPLAYED;
		if (it->trust == CYRE_DB_REPLAYED && ts_has_links(it)) {
			sure = it;
			successor(s, it, &off);
		} else {
			sure = NULL;
		}
	}
}

/* The nearest record beyond a gap that a higher list still names. */
static struct ts_item *beyond_gap(
	const struct salvage *s, const struct chain *c)
{
	struct ts_item *best = NULL, *it;
	unsigned i;

	for (i = 1; i < TS_MAX_LEVEL; i++) {
		it = c->jump[i] && c->jump[i] < s->end
			     ? cyre_ts_item_at(&s->items, c->jump[i])
			     : NULL;
		if (!it || !ts_has_key(it) || it->rank < c->done)
			continue;
		if (!best || it->rank < best->rank)
			best = it;
	}
	return best;
}

/* A record that a live record points to. False: the links go in a circle. */
static bool reach(struct salvage *s, struct chain *c, struct ts_item *it)
{
	if (!ts_has_key(it)) {
		if (it->linked)
			return false;
		it->linked = true;
		s->nlost++;
		enter(c, it);
		return true;
	}
	if (it->rank < c->done)
		return false;
	drop_unlinked(s, c, it->rank);
	live_set(s, it->rank, it);
	it->linked = true;
	it->trust = it->state == TS_GOOD ? CYRE_DB_INTACT : CYRE_DB_REPLAYED;
	c->done = it->rank + 1;
	c->at = ts_has_links(it) ? it : NULL;
	if (c->at)
		enter(c, it);
	return true;
}

/* From c->done on nothing is known until a higher list comes down again. */
static bool cross_gap(struct salvage *s, struct chain *c)
{
	struct ts_item *it = beyond_gap(s, c);

	keep_replayed(s, c, it ? it->rank : s->nranks);
	if (!it)
		return false;
	c->done = it->rank;
	return reach(s, c, it);
}

/* What the slot of list 0 that is not in effect leads to. */
static struct ts_item *older_successor(
	const struct salvage *s, const struct ts_item *it)
{
	uint64_t a = ts_ptr(&it->r, 0), b = it->r.level ? ts_ptr(&it->r, 1) : 0;
	struct ts_item *old;

	old = cyre_ts_item_at(
		&s->items, cyre_ts_next(&it->r, 0, s->end) == a ? b : a);
	if (old && old->r.type == TS_DELETE && ts_has_links(old))
		old = cyre_ts_item_at(&s->items, ts_ptr(&old->r, 0));
	return old && ts_has_key(old) && ts_has_links(old) && old->live ? old
									: NULL;
}

/*
 * Live keys from c->done up to `limit`, around the one record `lost`: what is
 * older was not linked there any more, what is newer may have been.
 */
static void settle(
	struct salvage *s, struct chain *c, uint32_t limit, uint64_t lost)
{
	struct ts_item *it;

	for (; c->done < limit; c->done++) {
		it = s->by_rank[c->done];
		if (!it)
			continue;
		if (it->r.offset < lost)
			live_set(s, c->done, NULL);
		else
			it->trust = it->r.offset >= s->doubt
					    ? CYRE_DB_REPLAYED
					    : CYRE_DB_RESURRECTED;
	}
}

/*
 * c->at leads to `lost`, which cannot be read. It was an insertion before, a
 * deletion or a replacement of what the older slot leads to, `old`: whether
 * `old` lives is open, but the record behind it does in all three cases.
 */
static bool step_over(struct salvage *s, struct chain *c, uint64_t lost)
{
	struct ts_item *old = older_successor(s, c->at), *next;
	uint64_t off;

	if (!old || old->rank < c->done || old->r.offset >= lost)
		return false;
	next = successor(s, old, &off);
	if (!next || !ts_has_key(next) || !next->live ||
		next->rank <= old->rank)
		return false;
	settle(s, c, old->rank, lost);
	old->trust = CYRE_DB_RESURRECTED;
	c->done = old->rank + 1;
	settle(s, c, next->rank, lost);
	if (!reach(s, c, next))
		return false;
	next->trust = CYRE_DB_REPLAYED;
	return true;
}

static void follow_links(struct salvage *s)
{
	struct ts_item *dummy = cyre_ts_item_at(&s->items, TS_HEADER_LEN);
	struct chain c = {0};
	struct ts_item *next;
	uint64_t off;

	if (dummy && dummy->r.type == TS_DUMMY && ts_has_links(dummy))
		enter(&c, dummy);
	for (;;) {
		if (c.at) {
			next = successor(s, c.at, &off);
			if (!off) {
				drop_unlinked(s, &c, s->nranks);
				return;
			}
			if (next && reach(s, &c, next))
				continue;
			s->nlost++;
			if (step_over(s, &c, cyre_ts_next(&c.at->r, 0, s->end)))
				continue;
			c.at = NULL;
		}
		if (!cross_gap(s, &c))
			return;
	}
}

static bool has_dummy(const struct salvage *s)
{
	return s->items.n && s->items.v[0].r.type == TS_DUMMY;
}

static cyre_status emit(struct salvage *s, struct cyre_findings *found)
{
	struct cyre_db_info *info = &s->db->info;
	uint64_t have = 0;
	struct ts_item *it;
	cyre_status st;
	size_t i;

	for (i = 0; i < s->items.n; i++) {
		it = &s->items.v[i];
		if (it->r.offset >= s->end && ts_has_key(it))
			it->trust = CYRE_DB_UNCOMMITTED;
		else if (!it->live)
			continue;
		have += it->trust < CYRE_DB_UNCOMMITTED;
		st = cyre_db_add(
			s->db, &(struct cyre_db_entry){.key = it->r.key,
				       .value = it->r.value,
				       .offset = it->r.offset,
				       .trust = it->trust});
		if (st != CYRE_OK)
			return st;
	}
	info->counted = s->has_header;
	info->expected = s->has_header ? s->h.num_records : 0;
	info->generation = s->has_header ? s->h.generation : 0;
	/* The DUMMY would have a link to the first keys that are gone. */
	if (!s->nlost && s->items.last_gap && !has_dummy(s))
		s->nlost = 1;
	cyre_db_tell_missing(s->db, have, s->nlost, found);
	return CYRE_OK;
}

cyre_status cyre_ts_salvage(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct salvage s = {.file = file, .db = db};
	cyre_status st;
	int i;

	st = cyre_ts_collect(file, db, &s.items);
	if (st != CYRE_OK)
		goto out;
	s.has_header = cyre_ts_header(file, &s.h);
	s.end = s.has_header ? s.h.current_size : s.items.commit_end;
	find_order(&s);
	st = rank_keys(&s);
	if (st != CYRE_OK)
		goto out;
	st = sort_by_link(&s);
	if (st != CYRE_OK)
		goto out;
	replay(&s);
	follow_links(&s);
	st = emit(&s, found);
out:
	for (i = 0; i < 6; i++)
		free(s.live[i]);
	free(s.by_rank);
	free(s.by_next);
	free(s.items.v);
	return st;
}
