/*
 * mbox_merge_inside.h - what the parts of mbox_merge.h hand to each other
 */
#ifndef CYRE_MBOX_MERGE_INSIDE_H
#define CYRE_MBOX_MERGE_INSIDE_H

#include "mbox_merge.h"

/* No memory is a status, not the end of the process. */
#define HASH_NONFATAL_OOM      1
#define uthash_nonfatal_oom(c) ((c)->no_room = true)
#include <uthash.h>

struct node {
	struct cyre_mbox_entry e; /* first */
	bool needed;              /* a mailbox lies below it */
	bool id_twice;            /* another record has its uniqueid */
	bool sister_differs;      /* its record by id says otherwise */
	bool no_room;
	UT_hash_handle hh; /* by name */
};

/* The mailbox that has a uniqueid now. */
struct id {
	struct cyre_slice uniqueid;
	struct node *node;
	bool no_room;
	UT_hash_handle hh;
};

/* An id record of the database whose mailbox has no name record. */
struct stray {
	struct cyre_slice uniqueid, key, value;
};

struct cyre_mbox_merge {
	struct cyre_mbox_merge_options o;
	enum cyre_mbox_form form;
	struct cyre_slice rights;
	struct cyre_arena arena;
	struct node *nodes;
	struct id *ids;
	const struct cyre_db *db; /* NULL: none */
	struct stray *strays;
	size_t n_strays, cap_strays;
	const struct cyre_mbox_entry **entries; /* by name, after finish */
	struct cyre_mbox_merge_result result;
	bool has_modseq; /* the releases at work keep foldermodseq */
};

/* ---- mbox_merge.c ---- */

/* A copy that lives as long as the merge; empty, and the arena is bad: no
 * memory. keep_from: what stands in bytes that stay is not copied. */
struct cyre_slice cyre__mbox_keep(
	struct cyre_mbox_merge *g, struct cyre_slice s);
struct cyre_slice cyre__mbox_keep_from(struct cyre_mbox_merge *g,
	struct cyre_slice s, const struct cyre_slice *stays);
/* NULL: there is none. */
struct node *cyre__mbox_find_name(
	const struct cyre_mbox_merge *g, struct cyre_slice name);
struct node *cyre__mbox_find_id(
	const struct cyre_mbox_merge *g, struct cyre_slice uniqueid);
/* NULL: no memory. */
struct node *cyre__mbox_add(struct cyre_mbox_merge *g, struct cyre_slice name);
/* The first that has an id keeps it. False: no memory. */
bool cyre__mbox_add_id(
	struct cyre_mbox_merge *g, struct cyre_slice uniqueid, struct node *n);
/* A field, if this source is stronger than who said it; not an empty value. */
void cyre__mbox_set_text(struct cyre_mbox_entry *e, enum cyre_mbox_field f,
	enum cyre_mbox_source from, struct cyre_slice *field,
	struct cyre_slice value);
void cyre__mbox_set_number(struct cyre_mbox_entry *e, enum cyre_mbox_field f,
	enum cyre_mbox_source from, uint64_t *field, uint64_t value);
/* All fields. `stays`: bytes that live as long as the merge. */
void cyre__mbox_fill(struct cyre_mbox_merge *g, struct cyre_mbox_entry *e,
	const struct cyre_mbox *m, enum cyre_mbox_source from,
	const struct cyre_slice *stays);

/* mbox_merge_write.c: what the result says of the new file. */
void cyre__mbox_merge_settle(struct cyre_mbox_merge *g);

static inline bool cyre__mbox_is_live(const struct cyre_mbox *m)
{
	return !(m->flags & (CYRE_MBOX_DELETED | CYRE_MBOX_INTERMEDIATE));
}

static inline bool cyre__mbox_is_sure(
	const struct cyre_mbox_merge *g, const struct cyre_db_entry *r)
{
	return r->trust == CYRE_DB_INTACT ||
	       (r->trust == CYRE_DB_REPLAYED && g->o.complete);
}

static inline bool cyre__mbox_is_taken(const struct cyre_mbox_entry *e)
{
	return e->action <= CYRE_MBOX_CHANGED;
}

/* The entry stands in the new file as it stood in the old one. */
static inline bool cyre__mbox_is_raw(
	const struct cyre_mbox_merge *g, const struct cyre_mbox_entry *e)
{
	return e->key.n && e->action == CYRE_MBOX_KEPT && g->form == g->o.old;
}

#endif
