/* check_entry.c - see check_entry.h. */
#include "check_entry.h"

#include <stdlib.h>

#define KEPT 256 /* bytes of a value that a finding shows */

static void complain(struct cyre_findings *found, enum cyre_problem problem,
	enum cyre_file file, struct cyre_slice value)
{
	char text[KEPT];
	size_t n = value.n < KEPT - 1 ? value.n : KEPT - 1;

	if (n)
		memcpy(text, value.p, n);
	text[n] = '\0';
	CYRE_FIND(found, .problem = problem, .file = file, .text = text);
}

/* The rights of an identifier; empty: it has none. */
static struct cyre_slice rights_of(struct cyre_slice acl, struct cyre_slice id)
{
	struct cyre_slice name, rights;

	while (acl.n) {
		name = cyre_slice_take(&acl, '\t');
		rights = cyre_slice_take(&acl, '\t');
		if (cyre_slice_eq(name, id))
			return rights;
	}
	return cyre_slice(NULL, 0);
}

/* Every identifier of `a` has the same rights in `b`. */
static bool is_part_of(struct cyre_slice a, struct cyre_slice b)
{
	struct cyre_slice id, rights, rest = a;

	while (rest.n) {
		id = cyre_slice_take(&rest, '\t');
		rights = cyre_slice_take(&rest, '\t');
		if (!cyre_slice_eq(rights, rights_of(b, id)))
			return false;
	}
	return true;
}

/*
 * Up to 2.3 a RENAME leaves the rights in the header as they were (errata.md);
 * the version of the index tells such a server.
 */
static void check_acl(const struct cyre_entry *e, const struct cyre_header *h,
	const struct cyre_index *ix, struct cyre_findings *found)
{
	bool old = ix && ix->layout->version <= 10;

	if (is_part_of(e->acl, h->acl) && is_part_of(h->acl, e->acl))
		return;
	complain(found, old ? CYRE_P_ENTRY_ACL_OLD : CYRE_P_ENTRY_ACL_DISAGREES,
		CYRE_FILE_HEADER, e->acl);
}

static void check_header(const struct cyre_entry *e,
	const struct cyre_header *h, const struct cyre_index *ix,
	struct cyre_findings *found)
{
	/* By id, the directory says which one is right: MB-004. */
	if (!e->by_id && e->uniqueid.n && h->uniqueid.n &&
		!cyre_slice_eq(e->uniqueid, h->uniqueid))
		complain(found, CYRE_P_ENTRY_UNIQUEID_DISAGREES,
			CYRE_FILE_HEADER, e->uniqueid);
	/* By name, a RENAME leaves the header as it is (errata.md). */
	if (e->by_id && h->name.n && !cyre_slice_eq(e->name, h->name))
		complain(found, CYRE_P_ENTRY_NAME_DISAGREES, CYRE_FILE_HEADER,
			e->name);
	if (h->form == CYRE_HEADER_DLIST && h->type.n &&
		!memchr(h->type.p, e->type, h->type.n))
		complain(found, CYRE_P_ENTRY_TYPE_DISAGREES, CYRE_FILE_HEADER,
			cyre_slice(&e->type, 1));
	if ((h->form == CYRE_HEADER_TEXT && h->acl.n) ||
		(h->form == CYRE_HEADER_DLIST && h->has & CYRE_HEADER_A))
		check_acl(e, h, ix, found);
}

void cyre_check_entry(const struct cyre_entry *e,
	const struct cyre_header *header, const struct cyre_index *index,
	struct cyre_findings *found)
{
	/* One with a damaged beginning is told of by its own checks. */
	if (header && header->magic_ok)
		check_header(e, header, index, found);
	if (index && e->uidvalidity && index->h.uidvalidity &&
		e->uidvalidity != index->h.uidvalidity)
		CYRE_FIND(found, .problem = CYRE_P_ENTRY_UIDVALIDITY_DISAGREES,
			.file = CYRE_FILE_INDEX, .expected = e->uidvalidity,
			.actual = index->h.uidvalidity);
}
