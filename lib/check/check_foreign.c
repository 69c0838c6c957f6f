/*
 * check_foreign.c - see check_foreign.h.
 *
 * Sizes decide that something is wrong, seldom alone what: messages may have
 * been cut or rewritten under a right index. So two of three must contradict:
 * cyrus.header, UIDVALIDITY in mailboxes.db, files that are longer than they
 * should be. An index that fits cyrus.header is of this mailbox, whatever the
 * sizes say.
 *
 * Rules: docs/formats/index.md 5 (header_file_crc), header.md 4 (uniqueid).
 */
#include "check_foreign.h"

#include <stdio.h>

#include "digest.h"

#define ENOUGH 16 /* records, after which a sound index is known as one */
#define FEW    3  /* misfits that may be so many damaged messages */
#define MANY   8  /* misfits that may speak alone */

struct sizes {
	uint64_t compared, fit;
	uint64_t longer, shorter; /* files, than their records say */
};

bool cyre_record_is_comparable(const struct cyre_index *ix, uint32_t recno,
	const struct cyre_index_record *r, const struct cyre_msgfile *f,
	size_t n, bool *ret_fits)
{
	bool any = false;
	size_t i;

	*ret_fits = false;
	if (!r->size || (r->system_flags & CYRE_FLAG_UNLINKED))
		return false;
	for (i = 0; i < n; i++) {
		if (f[i].state != CYRE_ENTRY_FILE || !f[i].size)
			continue;
		any = true;
		*ret_fits |= f[i].size == r->size;
	}
	return any &&
	       (!cyre_index_has_crc(ix->layout) ||
		       cyre_index_record_sum(ix, cyre_index_bytes(ix, recno)) ==
			       r->record_crc);
}

static void compare(struct sizes *s, const struct cyre_index *ix,
	uint32_t recno, const struct cyre_index_record *r,
	const struct cyre_msgfile *f, size_t n)
{
	bool fits;

	if (!cyre_record_is_comparable(ix, recno, r, f, n, &fits))
		return;
	s->compared++;
	s->fit += fits;
	s->longer += !fits && f->size > r->size;
	s->shorter += !fits && f->size < r->size;
}

/* Records and files ascend together; a sound index is told by its first ones.
 */
static struct sizes compare_sizes(const struct cyre_foreign_context *c)
{
	const struct cyre_index *ix = c->index;
	struct cyre_index_record r;
	struct sizes s = {0};
	uint32_t recno;
	size_t i = 0, n;

	for (recno = 1; recno <= ix->count && i < c->nfiles; recno++) {
		if (!cyre_index_decode(ix, cyre_index_bytes(ix, recno), &r))
			break;
		while (i < c->nfiles && c->files[i].uid < r.uid)
			i++;
		for (n = 0; i + n < c->nfiles && c->files[i + n].uid == r.uid;
			n++)
			;
		compare(&s, ix, recno, &r, c->files + i, n);
		if (s.compared >= ENOUGH && s.fit > s.compared / 2)
			break;
	}
	return s;
}

static bool differ(struct cyre_slice a, struct cyre_slice b)
{
	return a.n && b.n && !cyre_slice_eq(a, b);
}

bool cyre_header_is_foreign(const struct cyre_foreign_context *c)
{
	return c->header &&
	       (differ(c->header->uniqueid, c->path_uniqueid) ||
		       differ(c->header->uniqueid, c->listed_uniqueid));
}

/* The index is one that was written beside another cyrus.header. */
static bool header_contradicts(const struct cyre_foreign_context *c)
{
	uint64_t uidvalidity;

	if (c->index->layout->version >= 12)
		return c->index->h.header_file_crc !=
			       cyre_crc32(c->header->bytes) ||
		       cyre_header_is_foreign(c);
	return cyre_uniqueid_uidvalidity(c->header->uniqueid, &uidvalidity) &&
	       uidvalidity != c->index->h.uidvalidity;
}

/* … or beside this one. */
static bool header_vouches(const struct cyre_foreign_context *c)
{
	return c->header && c->index->layout->version >= 12 &&
	       !header_contradicts(c);
}

static bool uidvalidity_contradicts(const struct cyre_foreign_context *c)
{
	return c->listed_uidvalidity && c->index->h.uidvalidity &&
	       c->listed_uidvalidity != c->index->h.uidvalidity;
}

bool cyre_check_foreign(
	const struct cyre_foreign_context *c, struct cyre_findings *found)
{
	struct sizes s = compare_sizes(c);
	uint64_t misfit = s.compared - s.fit;
	bool header, uidvalidity, longer, alone;

	if (s.fit > s.compared / 4 || header_vouches(c))
		return false;
	header = c->header && header_contradicts(c);
	uidvalidity = uidvalidity_contradicts(c);
	/* Where nothing can be compared, both must say so. */
	if (misfit < FEW && !(header && uidvalidity))
		return false;
	/* What is longer was not cut; and what rewrites messages makes all of
	 * them longer, or all shorter. */
	longer = s.longer >= s.compared / 4 && s.longer;
	alone = misfit >= MANY && s.fit <= s.compared / 8 &&
		s.longer >= s.compared / 8 && s.shorter >= s.compared / 8;
	if (header + uidvalidity + longer < 2 && !alone)
		return false;
	CYRE_FIND(found, .problem = CYRE_P_INDEX_FOREIGN,
		.file = CYRE_FILE_INDEX, .expected = s.compared,
		.actual = s.fit,
		.text = header && uidvalidity
				? "cyrus.header and UIDVALIDITY are not its own"
			: header ? "cyrus.header is not its own"
			: uidvalidity
				? "UIDVALIDITY is not that of mailboxes.db"
				: "nothing here is its own");
	return true;
}
