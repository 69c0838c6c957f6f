/*
 * seen_match_inside.h - between seen_match.c and seen_match_choose.c
 */
#ifndef CYRE_SEEN_MATCH_INSIDE_H
#define CYRE_SEEN_MATCH_INSIDE_H

#include "arena.h"
#include "seen_match.h"

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

static inline int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* ---- seen_match.c: places in the sorted lists of one that is ready ---- */

/* The first that does not sort before: in m->made, by_name, by_date, by_id. */
size_t cyre__seen_seek_made(const struct cyre_seen_match *m, uint64_t id);
size_t cyre__seen_seek_name(
	const struct cyre_seen_match *m, struct cyre_slice name);
size_t cyre__seen_seek_date(
	const struct cyre_seen_match *m, uint64_t uidvalidity);
size_t cyre__seen_seek_former(
	const struct cyre_seen_match *m, struct cyre_slice id);
/* NULL: nobody has it. */
const struct known *cyre__seen_find_known(
	const struct cyre_seen_match *m, struct cyre_slice id);

#endif
