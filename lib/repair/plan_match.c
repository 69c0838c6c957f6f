/*
 * plan_match.c - is a record of the message whose file has its uid?
 *
 * Usually it is, however damaged the file: a message that was cut, or changed on
 * the disk, is still this message, and has the flags of its record. It is not
 * when another file was put in its place, or the index is that of another
 * mailbox; then flags and dates would be another message's. The GUID cannot
 * tell the two apart, since it differs in both: the header of the message does.
 *
 * Rules: docs/design.md section 5, formats/index.md 8.
 */
#include "plan_work.h"

#include "check_foreign.h"
#include "check_messages.h"

#define DAY 86400

/* What of a record says nothing of whose mailbox the message is in. A message
 * that somebody deleted in his mailbox was not deleted in this one. */
#define LENT_FLAGS                                                             \
	(CYRE_FLAG_ANSWERED | CYRE_FLAG_FLAGGED | CYRE_FLAG_DRAFT |            \
		CYRE_FLAG_SEEN)

void cyre_plan_doubt_size(struct cyre_plan_work *w, struct cyre_plan_record *p,
	const struct cyre_msgfile *f)
{
	if (f->size == p->r.size || p->derive ||
		!cyre_plan_wants(w, CYRE_P_MESSAGE_SIZE))
		return;
	p->derive = p->changed = true;
	/* Expunged stays expunged. */
	if (!p->expunge && !(p->r.system_flags & CYRE_FLAG_EXPUNGED))
		p->doubt = CYRE_DOUBT_SIZE;
}

/* The record number of a uid; 0: it has none. */
static uint32_t find_record(const struct cyre_index *ix, uint64_t uid,
	struct cyre_index_record *ret)
{
	uint32_t lo = 1, hi = ix->count + 1, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (!cyre_index_decode(ix, cyre_index_bytes(ix, mid), ret))
			return 0;
		if (ret->uid == uid)
			return mid;
		if (ret->uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

void cyre_plan_borrow(
	const struct cyre_plan_work *w, struct cyre_plan_record *p)
{
	const struct cyre_index *ix = &w->j->index;
	struct cyre_index_record r;
	uint32_t recno;
	bool fits;

	if (!w->j->index_foreign)
		return;
	recno = find_record(ix, p->r.uid, &r);
	if (!recno || (r.system_flags & CYRE_FLAG_EXPUNGED) ||
		!cyre_record_is_comparable(ix, recno, &r, p->file, 1, &fits) ||
		!fits)
		return;
	p->r = r;
	p->r.system_flags &= LENT_FLAGS;
	p->r.modseq = p->r.createdmodseq = p->r.savedate = 0;
	p->r.cid = p->r.basecid = p->r.last_updated = 0;
	memset(p->r.user_flags, 0, sizeof(p->r.user_flags));
	p->doubt = CYRE_DOUBT_FOREIGN;
}

/* Up to v19 an index has the low 32 bits of a date. */
static bool is_date(uint64_t ns, int64_t seconds)
{
	int64_t t = (int64_t)cyre_index_seconds(ns);

	return t == seconds || t == (int64_t)(uint32_t)seconds;
}

static bool near(uint64_t ns, int64_t seconds)
{
	int64_t t = (int64_t)cyre_index_seconds(ns);
	int64_t low = (int64_t)(uint32_t)seconds;

	return (t - DAY <= seconds && seconds <= t + DAY) ||
	       (t - DAY <= low && low <= t + DAY);
}

/* Byte for byte the one, as far as a record of this version can say. */
static bool is_exactly(const struct cyre_plan_work *w,
	const struct cyre_index_record *r, const struct cyre_mail_facts *f)
{
	if (cyre_record_has_guid(&w->j->index, r))
		return memcmp(r->guid, f->guid, sizeof(r->guid)) == 0;
	return r->header_size == f->header_size && f->sentdate &&
	       near(r->sentdate, f->sentdate) &&
	       (!r->content_lines || r->content_lines == f->content_lines);
}

/*
 * The file has another size: was it cut or rewritten, or is it another message?
 * The date of the message decides, where both have it to the second (since v9);
 * else its day together with the size of the header. A file that ends within
 * the header, or begins with zeros, may say nothing: then the uid decides.
 */
static bool is_still(const struct cyre_index_record *r,
	const struct cyre_msgfile *file, const struct cyre_plan_parsed *m)
{
	const struct cyre_mail_facts *f = &m->facts;
	bool cut = file->size < r->header_size && f->header_size >= file->size;

	if (f->gmtime && r->gmtime && is_date(r->gmtime, f->gmtime))
		return true;
	if (cut || r->header_size == f->header_size)
		return !f->sentdate || near(r->sentdate, f->sentdate);
	return m->zeroed;
}

/* As if there had been no record. */
static void forget_record(struct cyre_plan_record *p)
{
	p->r = (struct cyre_index_record){
		.uid = p->r.uid,
		.system_flags = p->r.system_flags & CYRE_FLAG_ARCHIVED,
		.cache_offset = p->r.cache_offset,
		.cache_version = p->r.cache_version,
		.cache_crc = p->r.cache_crc,
	};
	p->no_flags = p->no_keywords = true;
	p->doubt = CYRE_DOUBT_NONE;
}

void cyre_plan_settle_doubt(struct cyre_plan_work *w,
	struct cyre_plan_record *p, const struct cyre_plan_parsed *m)
{
	switch (p->doubt) {
	case CYRE_DOUBT_NONE:
		return;
	case CYRE_DOUBT_SIZE:
		if (!is_still(&p->r, p->file, m)) {
			p->other = true;
			forget_record(p);
		}
		return;
	case CYRE_DOUBT_FOREIGN:
		if (!is_exactly(w, &p->r, &m->facts))
			forget_record(p);
		return;
	}
}
