/*
 * index_convert.c - see index_convert.h
 *
 * Format: docs/formats/index.md sections 1, 4.3, 6, 8 and 13.3. Where releases
 * do harm in a conversion (modseq in the wrong half of its place, gmtime as
 * content_offset, first_expunged forgotten) the page's meaning is written.
 */
#include "index_convert.h"

static unsigned digits(uint64_t v)
{
	unsigned n = 0;

	for (; v; v /= 10)
		n++;
	return n;
}

uint64_t cyre_index_annotated_bytes(const struct cyre_index_annotated *a)
{
	return (a->cid ? 16 : 0) + digits(a->savedate) +
	       digits(a->createdmodseq) + (a->basecid ? 16 : 0) +
	       digits(a->nsec);
}

void cyre_index_convert_header(
	const struct cyre_index_conversion *c, struct cyre_index_header *h)
{
	/* Index and cache are written anew together (index.md 3). */
	h->generation_no = (uint32_t)(h->generation_no + 1);
	h->minor_version = c->to;
	h->options &= cyre_index_valid_options(c->to);
	if (c->to >= 12)
		h->options &=
			~(uint64_t)(CYRE_OPT_CONDSTORE | CYRE_OPT_NEEDS_UNLINK |
				    CYRE_OPT_NEEDS_REPACK);
	if (c->from < 8)
		h->highestmodseq = 1;
	if (c->from < 12)
		h->deletedmodseq = h->highestmodseq;
	if (c->from < 17)
		h->changes_epoch =
			h->last_repack_time ? h->last_repack_time : c->now_ns;
	h->last_repack_time = c->now_ns;
}

/* The record leaves the file: what replication must know of it. */
static void drop(struct cyre_index_header *h, const struct cyre_index_record *r)
{
	if (r->modseq <= h->deletedmodseq)
		return;
	h->deletedmodseq = r->modseq;
	if (r->last_updated > h->changes_epoch)
		h->changes_epoch = r->last_updated;
}

static void take_in(unsigned from, struct cyre_index_record *r,
	const struct cyre_index_annotated *in)
{
	if (from < 13)
		r->cid = in->cid;
	if (from < 15)
		r->savedate = in->savedate * CYRE_NSEC;
	if (from < 16)
		r->createdmodseq = in->createdmodseq;
	if (from < 20)
		r->basecid = in->basecid;
	if (from < 20 && in->nsec < CYRE_NSEC)
		r->internaldate += in->nsec;
}

static void hand_out(unsigned to, struct cyre_index_record *r,
	struct cyre_index_annotated *ret)
{
	if (to < 13) {
		ret->cid = r->cid;
		r->cid = 0;
	}
	if (to < 15) {
		ret->savedate = cyre_index_seconds(r->savedate);
		r->savedate = 0;
	}
	if (to < 16) {
		ret->createdmodseq = r->createdmodseq;
		r->createdmodseq = 0;
	}
	if (to < 20) {
		ret->basecid = r->basecid;
		ret->nsec = r->internaldate % CYRE_NSEC;
		r->basecid = 0;
		r->internaldate -= ret->nsec;
	}
}

/* Since 3.2 nobody counts lines (index.md 9). */
static bool keeps_lines(const struct cyre_index_conversion *c)
{
	return c->from < 15 && c->to < 15 && c->release &&
	       c->release < CYRE_RELEASE(3, 2);
}

static void convert_old(
	const struct cyre_index_conversion *c, struct cyre_index_record *r)
{
	if (c->to < 12) {
		/* \Seen lives in the users' databases (index.md 8.1). */
		r->system_flags &= ~(uint64_t)CYRE_FLAG_SEEN;
		r->content_offset = r->header_size;
		r->gmtime = 0;
		r->cache_crc = 0;
	}
	/* Up to v9 the place holds no digest (index.md 8.4). */
	if (c->to < 10 || c->from < 10)
		memset(r->guid, 0, sizeof(r->guid));
	if (!keeps_lines(c))
		r->content_lines = 0;
	if (c->from < 8 || r->modseq == 0)
		r->modseq = 1;
}

bool cyre_index_convert_record(const struct cyre_index_conversion *c,
	struct cyre_index_header *h, struct cyre_index_record *r,
	const struct cyre_index_annotated *in, struct cyre_index_annotated *ret)
{
	struct cyre_index_annotated out = {0};

	r->modseq =
		cyre_index_modseq_meant(c->from, r->modseq, c->highestmodseq);
	if (r->uid == 0 || (r->system_flags & CYRE_FLAG_UNLINKED)) {
		drop(h, r);
		return false;
	}
	if (in)
		take_in(c->from, r, in);
	convert_old(c, r);
	hand_out(c->to, r, &out);
	*ret = out;
	return true;
}
