/* quota_count.c - see quota_count.h. */
#include "quota_count.h"

#include <stdlib.h>
/* No memory is a status, not the end of the process. */
#define HASH_NONFATAL_OOM      1
#define uthash_nonfatal_oom(n) ((n)->no_room = true)
#include <uthash.h>

#include "arena.h"

struct node {
	struct cyre_quota_root r; /* first */
	bool charged;             /* a mailbox belongs to it */
	bool partial, no_room;
	UT_hash_handle hh;
};

/* A mailbox of which it is not known to which root it belongs. */
struct stray {
	struct cyre_slice name;
	struct stray *next;
};

struct cyre_quota_count {
	struct cyre_arena arena;
	struct node *nodes;
	struct stray *strays;
	struct cyre_quota_root **sorted;
	bool not_all;
};

const char *cyre_quota_action_name(enum cyre_quota_action a)
{
	static const char *const names[CYRE_QUOTA_ACTIONS] = {
		[CYRE_QUOTA_KEPT] = "kept",
		[CYRE_QUOTA_CHANGED] = "changed",
		[CYRE_QUOTA_ADDED] = "added",
		[CYRE_QUOTA_DOUBTFUL] = "doubtful",
		[CYRE_QUOTA_PARTIAL] = "not-counted",
	};

	return names[a];
}

cyre_status cyre_quota_count_new(struct cyre_quota_count **ret)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return CYRE_ENOMEM;
	(*ret)->arena.limit = SIZE_MAX / 2;
	return CYRE_OK;
}

void cyre_quota_count_free(struct cyre_quota_count *c)
{
	if (!c)
		return;
	HASH_CLEAR(hh, c->nodes);
	cyre_arena_free(&c->arena);
	free(c->sorted);
	free(c);
}

static struct cyre_slice keep(struct cyre_quota_count *c, struct cyre_slice s)
{
	uint8_t *p = s.n ? cyre_arena_text(&c->arena, s.n) : NULL;

	if (!p)
		return cyre_slice(NULL, 0);
	memcpy(p, s.p, s.n);
	return cyre_arena_keep(&c->arena, p, s.n);
}

static struct node *find(
	const struct cyre_quota_count *c, struct cyre_slice root)
{
	struct node *n = NULL;

	HASH_FIND(hh, c->nodes, root.p, root.n, n);
	return n;
}

/* NULL: no memory. */
static struct node *get(struct cyre_quota_count *c, struct cyre_slice root)
{
	struct node *n = find(c, root);
	struct cyre_slice own;

	if (n)
		return n;
	n = cyre_arena_get(&c->arena, sizeof(*n));
	own = keep(c, root);
	if (!n || c->arena.bad)
		return NULL;
	n->r.root = own;
	HASH_ADD_KEYPTR(hh, c->nodes, own.p, own.n, n);
	return n->no_room ? NULL : n;
}

cyre_status cyre_quota_count_stored(struct cyre_quota_count *c,
	struct cyre_slice root, struct cyre_slice value)
{
	struct node *n = root.n ? get(c, root) : NULL;

	if (!n)
		return root.n ? CYRE_ENOMEM : CYRE_OK;
	n->r.stored = true;
	n->r.value = keep(c, value);
	n->r.readable = cyre_quota_read(value, &n->r.before);
	n->r.doubtful = false;
	return c->arena.bad ? CYRE_ENOMEM : CYRE_OK;
}

cyre_status cyre_quota_count_copy(struct cyre_quota_count *c,
	struct cyre_slice root, struct cyre_slice value)
{
	struct cyre_quota q;
	struct node *n;

	if (!root.n || !cyre_quota_read(value, &q))
		return CYRE_OK;
	n = get(c, root);
	if (!n)
		return CYRE_ENOMEM;
	if (n->r.readable)
		return CYRE_OK;
	n->r.value = keep(c, value);
	n->r.before = q;
	n->r.readable = n->r.doubtful = true;
	return c->arena.bad ? CYRE_ENOMEM : CYRE_OK;
}

void cyre_quota_count_not_all(struct cyre_quota_count *c)
{
	c->not_all = true;
}

cyre_status cyre_quota_count_mailbox(
	struct cyre_quota_count *c, const struct cyre_quota_use *u)
{
	struct stray *s;
	struct node *n;
	int i;

	if (!u->root_known) {
		s = cyre_arena_get(&c->arena, sizeof(*s));
		if (!s)
			return CYRE_ENOMEM;
		/* Of no name it can be of any root. */
		c->not_all |= !u->name.n;
		s->name = keep(c, u->name);
		s->next = c->strays;
		c->strays = s;
		return c->arena.bad ? CYRE_ENOMEM : CYRE_OK;
	}
	if (!u->root.n)
		return CYRE_OK;
	n = get(c, u->root);
	if (!n)
		return CYRE_ENOMEM;
	n->charged = true;
	n->r.wanted |= u->wanted;
	n->partial |= !u->used_known;
	for (i = 0; i < CYRE_QUOTA_RESOURCES; i++)
		n->r.after.used[i] += u->used[i];
	return CYRE_OK;
}

/* The mailbox may belong to itself, and to everything above it. */
static void mark_above(struct cyre_quota_count *c, struct cyre_slice name)
{
	struct node *n;
	size_t i;

	for (i = name.n; i > 0; i--) {
		if (i < name.n && name.p[i] != '.' && name.p[i - 1] != '!')
			continue;
		n = find(c, cyre_slice(name.p, i));
		if (n)
			n->partial = true;
	}
}

/* Limits and all else from what was stored; what is used is counted. */
static void settle(struct cyre_quota_root *r, bool partial, bool list)
{
	struct cyre_quota counted = r->after;
	bool same = true;
	int i;

	r->after = r->before;
	if (!r->readable) {
		r->after = (struct cyre_quota){.scan = false};
		for (i = 0; i < CYRE_QUOTA_RESOURCES; i++)
			r->after.has[i] = list || i == CYRE_QUOTA_STORAGE;
	}
	for (i = 0; i < CYRE_QUOTA_RESOURCES; i++) {
		if (!r->after.has[i])
			continue;
		r->after.used[i] = counted.used[i];
		same &= r->after.used[i] == r->before.used[i];
	}
	same &= !r->after.scan;
	r->after.scan = false;
	if (partial)
		r->action = CYRE_QUOTA_PARTIAL;
	else if (r->doubtful)
		r->action = CYRE_QUOTA_DOUBTFUL;
	else if (!r->readable)
		r->action = CYRE_QUOTA_ADDED;
	else
		r->action = same ? CYRE_QUOTA_KEPT : CYRE_QUOTA_CHANGED;
}

static int by_root(const void *va, const void *vb)
{
	const struct cyre_quota_root *const *a = va, *const *b = vb;

	return cyre_slice_compare((*a)->root, (*b)->root);
}

cyre_status cyre_quota_count_finish(struct cyre_quota_count *c, bool list,
	struct cyre_quota_root *const **ret, size_t *ret_n)
{
	struct node *n, *tmp;
	struct stray *s;
	size_t i = 0;

	c->sorted = calloc(HASH_COUNT(c->nodes) + 1, sizeof(*c->sorted));
	if (!c->sorted)
		return CYRE_ENOMEM;
	for (s = c->strays; s; s = s->next)
		mark_above(c, s->name);
	HASH_ITER(hh, c->nodes, n, tmp)
	{
		/* A copy of one that is not there any more. */
		if (!n->r.stored && !n->charged && !n->partial && !c->not_all)
			continue;
		settle(&n->r, n->partial || c->not_all, list);
		c->sorted[i++] = &n->r;
	}
	if (i)
		qsort(c->sorted, i, sizeof(*c->sorted), by_root);
	*ret = c->sorted;
	*ret_n = i;
	return CYRE_OK;
}

void cyre_quota_put(struct cyre_buf *b, const struct cyre_quota *q, bool list)
{
	static const char *const names[CYRE_QUOTA_RESOURCES] = {
		"S", "M", "AS", "NF"};
	const char *separator = "";
	int i;

	if (!list) {
		cyre_put_dec(b, q->used[CYRE_QUOTA_STORAGE]);
		cyre_put_u8(b, ' ');
		if (q->limited[CYRE_QUOTA_STORAGE])
			cyre_put_dec(b, q->limit[CYRE_QUOTA_STORAGE]);
		else
			cyre_put_str(b, "-1");
		return;
	}
	cyre_put_str(b, "%(");
	for (i = 0; i < CYRE_QUOTA_RESOURCES; i++) {
		if (!q->has[i])
			continue;
		cyre_put_fmt(b, "%s%s (", separator, names[i]);
		cyre_put_dec(b, q->used[i]);
		if (q->limited[i]) {
			cyre_put_u8(b, ' ');
			cyre_put_dec(b, q->limit[i]);
		}
		cyre_put_u8(b, ')');
		separator = " ";
	}
	if (q->modseq) {
		cyre_put_fmt(b, "%sMODSEQ ", separator);
		cyre_put_dec(b, q->modseq);
	}
	cyre_put_u8(b, ')');
}
