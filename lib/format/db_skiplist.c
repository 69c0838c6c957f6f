/*
 * db_skiplist.c - skiplist files, read as the server's recovery reads them
 *
 * Reads the records in file order and does again what the log says
 * (docs/formats/skiplist.md sections 3, 6, 7), then compares the result with
 * the links. There are no check sums: a changed byte inside a key or a value
 * is not seen. Values are not interpreted.
 */
#include "db_skiplist.h"

#include "large.h"

#include <stdlib.h>

bool cyre_sk_header(struct cyre_slice file, struct sk_header *ret)
{
	struct cyre_cur c = cyre_cur(file);
	struct sk_header h;
	uint32_t version;

	if (!cyre_slice_starts(file, cyre_slice(SK_MAGIC, SK_MAGIC_LEN)))
		return false;
	cyre_get_bytes(&c, SK_MAGIC_LEN);
	version = cyre_get_be32(&c);
	cyre_get_be32(&c); /* minor version: nobody checks it */
	h.maxlevel = cyre_get_be32(&c);
	h.curlevel = cyre_get_be32(&c);
	h.listsize = cyre_get_be32(&c);
	h.logstart = cyre_get_be32(&c);
	cyre_get_be32(&c); /* time of the last recovery */
	if (c.bad || version != 1 || h.maxlevel > SK_MAX_LEVEL ||
		h.curlevel > h.maxlevel)
		return false;
	*ret = h;
	return true;
}

/* A length, so many bytes, NULs up to a multiple of four. */
static struct cyre_slice get_padded(struct cyre_cur *c, uint32_t instead)
{
	uint32_t i, npad, n = cyre_get_be32(c);
	const uint8_t *p, *pad;

	if (instead != UINT32_MAX)
		n = instead;
	npad = -n & 3;
	p = cyre_get_bytes(c, n);
	pad = cyre_get_bytes(c, npad);
	for (i = 0; pad && i < npad; i++)
		c->bad = c->bad || pad[i];
	return c->bad ? cyre_slice(NULL, 0) : cyre_slice(p, n);
}

/* Behind the type: key, value, pointers up to the terminator. */
static bool get_node(struct cyre_cur *c, uint32_t keylen, uint32_t datalen,
	struct sk_record *r)
{
	r->key = get_padded(c, keylen);
	r->value = get_padded(c, datalen);
	r->ptr = c->p;
	while (!c->bad && cyre_get_be32(c) != SK_END && !c->bad)
		if (++r->level > SK_MAX_LEVEL)
			return false;
	return !c->bad && r->level && (r->type == SK_DUMMY) == (r->key.n == 0);
}

/* At the start of a record that may stand at `off`. */
static bool begin(struct cyre_slice file, uint64_t off, struct cyre_cur *ret)
{
	struct cyre_slice rest;

	if (off % 4 || off > file.n ||
		!cyre_slice_sub(file, off, file.n - off, &rest))
		return false;
	*ret = cyre_cur(rest);
	return true;
}

bool cyre_sk_node_as(struct cyre_slice file, uint64_t off, uint32_t keylen,
	uint32_t datalen, struct sk_record *ret)
{
	struct sk_record r = {.offset = off};
	struct cyre_cur c;

	if (!begin(file, off, &c))
		return false;
	r.type = cyre_get_be32(&c);
	if (!get_node(&c, keylen, datalen, &r))
		return false;
	r.size = file.n - off - cyre_cur_left(&c);
	*ret = r;
	return true;
}

bool cyre_sk_record(struct cyre_slice file, uint64_t off, struct sk_record *ret)
{
	struct sk_record r = {.offset = off};
	struct cyre_cur c;

	if (!begin(file, off, &c))
		return false;
	r.type = cyre_get_be32(&c);
	switch (r.type) {
	case SK_COMMIT:
		break;
	case SK_DELETE:
		r.target = cyre_get_be32(&c);
		break;
	case SK_DUMMY:
	case SK_INORDER:
	case SK_ADD:
		if (!get_node(&c, UINT32_MAX, UINT32_MAX, &r))
			return false;
		break;
	default:
		return false;
	}
	if (c.bad)
		return false;
	r.size = file.n - off - cyre_cur_left(&c);
	*ret = r;
	return true;
}

static bool make_room(struct sk_log *log, size_t cap)
{
	struct sk_record *p = cyre_realloc_large(log->r, cap, sizeof(*p));

	if (!p)
		return false;
	log->r = p;
	log->cap = cap;
	return true;
}

cyre_status cyre_sk_log_add(struct sk_log *log, const struct sk_record *r)
{
	if (log->n == log->cap && !make_room(log, log->cap ? log->cap * 2 : 64))
		return CYRE_ENOMEM;
	log->r[log->n++] = *r;
	return CYRE_OK;
}

struct sk_record *cyre_sk_log_at(const struct sk_log *log, uint64_t off)
{
	size_t lo = 0, hi = log->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (log->r[mid].offset < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < log->n && log->r[lo].offset == off ? &log->r[lo] : NULL;
}

struct sk_record *cyre_sk_log_after(
	const struct sk_log *log, const struct sk_record *r, uint64_t off)
{
	size_t i = r ? (size_t)(r - log->r) + 1 : 0;

	return i < log->n && log->r[i].offset == off ? &log->r[i]
						     : cyre_sk_log_at(log, off);
}

uint64_t cyre_sk_committed(const struct sk_log *log)
{
	uint64_t end = 0;
	size_t i;

	/* The checkpointed part needs no COMMIT. */
	for (i = 0; i < log->n; i++)
		if (log->r[i].type == SK_COMMIT || log->r[i].type == SK_INORDER)
			end = log->r[i].offset + log->r[i].size;
	return end;
}

void cyre_sk_replay(struct sk_log *log, uint64_t committed)
{
	struct sk_record *r, *dead;
	size_t i;

	for (i = 0; i < log->n && log->r[i].offset < committed; i++) {
		r = &log->r[i];
		if (sk_is_node(r)) {
			r->live = true;
		} else if (r->type == SK_DELETE) {
			dead = cyre_sk_log_at(log, r->target);
			if (dead)
				dead->live = false;
		}
	}
}

static bool detect(struct cyre_slice bytes)
{
	return cyre_slice_starts(bytes, cyre_slice(SK_MAGIC, SK_MAGIC_LEN));
}

struct walk {
	struct cyre_slice file;
	struct cyre_findings *found;
	struct cyre_db *db;
	struct sk_log log;
	struct sk_record dummy;
	bool stopped;         /* not all records could be read */
	uint64_t inorder_end; /* where the checkpointed part ends */
	size_t ninorder;      /* records in it */
	struct cyre_db_orders orders;
	size_t sorted; /* records at the start seen to ascend */
};

static void damaged(struct walk *w, uint64_t off, const char *what)
{
	CYRE_FIND(w->found, .problem = CYRE_P_DB_RECORD, .offset = off,
		.text = what, .file = CYRE_FILE_OTHER);
}

/* Everything behind DUMMY, until a record cannot be read. */
static cyre_status read_records(struct walk *w)
{
	uint64_t off = w->dummy.offset + w->dummy.size, zeros = 0, first = 0;
	struct cyre_slice file;
	struct sk_record r;
	bool is_record;
	cyre_status st;

	w->inorder_end = off;
	while (off < w->file.n) {
		file = cyre_db_arrived(w->db, w->file, off + CYRE_DB_AHEAD);
		if (file.n - off >= 4 && !cyre_load_be32(file.p + off)) {
			first = zeros ? first : off;
			zeros += 4;
			off += 4;
			continue;
		}
		is_record = cyre_sk_record(file, off, &r);
		if (!is_record && file.n < w->file.n) {
			file = cyre_db_arrived(w->db, w->file, w->file.n);
			is_record = cyre_sk_record(file, off, &r);
		}
		if (!is_record || r.type == SK_DUMMY) {
			damaged(w, off, "not a record");
			w->stopped = true;
			break;
		}
		if (r.type == SK_INORDER) {
			if (off != w->inorder_end) {
				damaged(w, off,
					"a checkpointed record in the log");
				w->stopped = true;
				break;
			}
			w->inorder_end = off + r.size;
			if (w->ninorder++)
				cyre_db_orders_see(&w->orders,
					w->log.r[w->log.n - 1].key, r.key);
		}
		st = cyre_sk_log_add(&w->log, &r);
		if (st != CYRE_OK)
			return st;
		off += r.size;
	}
	/* The links lead anywhere. */
	cyre_db_arrived(w->db, w->file, w->file.n);
	if (zeros)
		CYRE_FIND(w->found, .problem = CYRE_P_DB_WASTE, .offset = first,
			.length = zeros, .file = CYRE_FILE_OTHER);
	return CYRE_OK;
}

/* The live nodes as entries; of two with one key the later is meant. */
static cyre_status add_live(struct walk *w)
{
	const struct sk_record *r;
	bool sorted = true;
	cyre_status st;
	size_t i;

	for (i = 0; i < w->log.n; i++) {
		r = &w->log.r[i];
		if (!r->live)
			continue;
		sorted = i < w->sorted;
		st = cyre_db_add(w->db, &(struct cyre_db_entry){.key = r->key,
						.value = r->value,
						.offset = r->offset});
		if (st != CYRE_OK)
			return st;
	}
	if (sorted)
		cyre_db_finish_sorted(w->db);
	else
		cyre_db_finish(w->db);
	return CYRE_OK;
}

/* The order of the keys, as the checkpointed part, which was seen, and list 0
 * have it. */
static void find_order(struct walk *w)
{
	struct cyre_db_orders *o = &w->orders;
	const struct sk_record *r, *last = NULL;
	uint64_t steps = w->log.n;

	for (r = cyre_sk_log_at(&w->log, sk_ptr(&w->dummy, 0));
		r && sk_is_node(r) && steps--;
		r = cyre_sk_log_after(&w->log, r, sk_ptr(r, 0))) {
		/* Not twice what is linked as it was checkpointed. */
		if (last && (r != last + 1 || r->type != SK_INORDER))
			cyre_db_orders_see(o, last->key, r->key);
		last = r;
	}
	w->db->info.order = cyre_db_orders_best(o, CYRE_DB_SIGNED);
	if (o->wrong[w->db->info.order])
		CYRE_FIND(w->found, .problem = CYRE_P_DB_ORDER,
			.actual = o->wrong[w->db->info.order],
			.file = CYRE_FILE_OTHER);
	else
		w->sorted = w->ninorder;
}

/* Every list goes exactly through the entries that are high enough. */
static void check_links(struct walk *w)
{
	const struct sk_record *at[SK_MAX_LEVEL], *r = NULL;
	unsigned i;
	size_t k;

	for (i = 0; i < SK_MAX_LEVEL; i++)
		at[i] = &w->dummy;
	for (k = 0; k <= w->db->n; k++) {
		r = k < w->db->n
			    ? cyre_sk_log_after(&w->log, r, w->db->e[k].offset)
			    : NULL;
		for (i = 0; i < (r ? r->level : SK_MAX_LEVEL); i++) {
			uint32_t p = i < at[i]->level ? sk_ptr(at[i], i) : 0;

			if (p != (r ? r->offset : 0))
				CYRE_FIND(w->found, .problem = CYRE_P_DB_LINK,
					.offset = at[i]->offset, .actual = p,
					.expected = r ? r->offset : 0,
					.file = CYRE_FILE_OTHER);
			at[i] = r;
		}
	}
}

static cyre_status walk(struct walk *w, const struct sk_header *h)
{
	uint64_t committed;
	cyre_status st;
	size_t n;

	if (!cyre_sk_record(w->file, SK_HEADER_LEN, &w->dummy) ||
		w->dummy.type != SK_DUMMY || w->dummy.value.n ||
		w->dummy.level != h->maxlevel) {
		damaged(w, SK_HEADER_LEN, "the first record");
		return CYRE_OK;
	}
	n = h->listsize < w->file.n / SK_MIN_NODE ? h->listsize
						  : w->file.n / SK_MIN_NODE;
	if (n)
		make_room(&w->log, n); /* a hint: it grows when needed */
	cyre_db_expect(w->db, n, n);
	st = read_records(w);
	if (st != CYRE_OK)
		return st;
	if (w->inorder_end != h->logstart)
		CYRE_FIND(w->found, .problem = CYRE_P_DB_FIELD,
			.text = "logstart", .actual = h->logstart,
			.expected = w->inorder_end, .file = CYRE_FILE_OTHER);
	committed = cyre_sk_committed(&w->log);
	cyre_sk_replay(&w->log, committed);
	find_order(w);
	st = add_live(w);
	if (st != CYRE_OK)
		return st;
	if (w->log.n && w->log.r[w->log.n - 1].offset >= committed)
		CYRE_FIND(w->found, .problem = CYRE_P_DB_UNCOMMITTED,
			.offset = committed, .length = w->file.n - committed,
			.file = CYRE_FILE_OTHER);
	else if (!w->stopped)
		check_links(w);
	return CYRE_OK;
}

static cyre_status read_strict(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct walk w = {.file = file, .found = found, .db = db};
	struct sk_header h;
	cyre_status st;

	db->info.order = CYRE_DB_SIGNED;
	/* Header and DUMMY. */
	cyre_db_arrived(db, file, SK_FIRST + CYRE_DB_AHEAD);
	if (!cyre_sk_header(file, &h)) {
		CYRE_FIND(found, .problem = CYRE_P_DB_HEADER,
			.file = CYRE_FILE_OTHER);
		return CYRE_OK;
	}
	st = walk(&w, &h);
	free(w.log.r);
	return st;
}

const struct cyre_db_driver cyre_db_skiplist = {
	.name = "skiplist",
	.order = CYRE_DB_SIGNED,
	.detect = detect,
	.arrives = true,
	.read = read_strict,
	.salvage = cyre_sk_salvage,
	.lay_out = cyre_sk_lay_out,
	.make = cyre_sk_make,
};
