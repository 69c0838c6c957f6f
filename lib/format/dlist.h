/*
 * dlist.h - the list notation of Cyrus 3, value by value
 *
 * cyrus.header of 3.6 and later and the values of mailboxes.db are written in
 * it (docs/formats/header.md 3.1): (list), %(key value ...), atom, "quoted",
 * {n}CRLF literal, NIL. The reader is a pull parser without a tree: each call
 * gives the next value, or the end of the list it stands in. It stops for good
 * at the first byte that is none of these.
 *
 * Strings borrow from the input where they stand there as they are; a string
 * that had backslashes is copied to `own`, room that the caller gives.
 */
#ifndef CYRE_DLIST_H
#define CYRE_DLIST_H

#include "bytes.h"

#define CYRE_DLIST_DEPTH 16

enum cyre_dlist_kind {
	CYRE_DLIST_BAD, /* syntax error, too deep, or the input ended early */
	CYRE_DLIST_END, /* of the list, or of the text when in none */
	CYRE_DLIST_NIL,
	CYRE_DLIST_ATOM,
	CYRE_DLIST_QUOTED,
	CYRE_DLIST_LITERAL,
	CYRE_DLIST_LIST,   /* its values follow, then END */
	CYRE_DLIST_KVLIST, /* its keys and values follow, then END */
};

struct cyre_dlist {
	struct cyre_cur cur;
	unsigned depth;
	bool bad;        /* BAD was returned */
	bool odd_blanks; /* not exactly one blank between two values */
	bool literal;    /* the server cannot read this in cyrus.header, */
	bool line_break; /* nor this: an LF inside a quoted string */
	bool first;      /* nothing was read of the list yet */
	uint8_t *own, *own_end;
};

/*
 * `own` must have room for as many bytes as the text, and live as long as the
 * slices that cyre_dlist_next() returns.
 */
void cyre_dlist_begin(
	struct cyre_dlist *d, struct cyre_slice text, uint8_t *own);
/* The next value; *ret is set for strings, and empty for all else. */
enum cyre_dlist_kind cyre_dlist_next(
	struct cyre_dlist *d, struct cyre_slice *ret);
/* Reads to the END of the list that was just begun; false when it is bad. */
bool cyre_dlist_skip(struct cyre_dlist *d);

/* Can it stand without quotes? The rule for names of flags, too. */
bool cyre_dlist_is_atom(struct cyre_slice s);

static inline bool cyre_dlist_is_string(enum cyre_dlist_kind k)
{
	return k == CYRE_DLIST_ATOM || k == CYRE_DLIST_QUOTED ||
	       k == CYRE_DLIST_LITERAL;
}

#endif
