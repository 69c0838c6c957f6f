/*
 * plan_index.c - cyrus.index and cyrus.expunge as they are to be
 *
 * Numbers that only grow are raised to the highest seen anywhere; totals and
 * check sums are computed; everything else stays as found.
 *
 * Rules: docs/formats/index.md 6 to 8; design.md 5.
 */
#include "plan_work.h"

#include <stdlib.h>

#include "check_annotations.h"
#include "digest.h"
#include "index_convert.h"
#include "index_write.h"

static void raise(struct cyre_plan_work *w, uint64_t *field, uint64_t to,
	const char *name, const char *origin)
{
	if (*field >= to)
		return;
	cyre_plan_note_number(
		w, CYRE_FILE_INDEX, name, *field, to, origin, NULL);
	*field = to;
}

/* The highest uid that was ever given out, as far as anything shows. */
static void raise_last_uid(struct cyre_plan_work *w)
{
	struct cyre_floor floor = cyre_plan_last_uid(w);

	if (w->n && w->records[w->n - 1].r.uid >= floor.value)
		floor = (struct cyre_floor){
			w->records[w->n - 1].r.uid, "messages"};
	if (w->ev->nfiles && w->ev->files[w->ev->nfiles - 1].uid >= floor.value)
		floor = (struct cyre_floor){
			w->ev->files[w->ev->nfiles - 1].uid, "messages"};
	raise(w, &w->h.last_uid, floor.value, "last_uid", floor.origin);
}

/*
 * Records that were made again get a modseq above all others, so that clients
 * which synchronise by it fetch them again.
 */
static void raise_modseqs(struct cyre_plan_work *w)
{
	struct cyre_floor floor = cyre_plan_modseq(w);
	uint64_t top = w->h.highestmodseq, next;
	bool any = false;
	size_t i;

	if (w->to < 8)
		return;
	if (floor.value > top)
		top = floor.value;
	for (i = 0; i < w->n; i++) {
		if (w->records[i].r.modseq > top)
			top = w->records[i].r.modseq;
		any |= w->records[i].changed;
	}
	/* Before 2.4 modseqs stand still, unless a client asked for them. */
	next = w->to < 12 && top <= 1 ? 1 : top + any;
	if (!next)
		next = 1;
	for (i = 0; i < w->n; i++) {
		struct cyre_plan_record *p = &w->records[i];

		if (p->changed || !p->r.modseq)
			p->r.modseq = next;
		if (p->adopted && w->to >= 16)
			p->r.createdmodseq = next;
		if (p->r.createdmodseq > p->r.modseq)
			p->r.createdmodseq = p->r.modseq;
	}
	raise(w, &w->h.highestmodseq, next, "highestmodseq", floor.origin);
	if (w->h.deletedmodseq > w->h.highestmodseq)
		w->h.deletedmodseq = w->h.highestmodseq;
	if (w->h.createdmodseq > w->h.highestmodseq)
		w->h.createdmodseq = w->h.highestmodseq;
}

/* Values of a header that was lost, where 0 would say something wrong. */
static void fill_header(struct cyre_plan_work *w)
{
	static const enum cyre_problem deleted[] = {
		CYRE_P_INDEX_DELETED_OPTION, CYRE_PROBLEM_COUNT};
	uint64_t newest = 0;
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->records[i].r.internaldate > newest)
			newest = w->records[i].r.internaldate;
	if (!w->h.last_appenddate)
		w->h.last_appenddate = newest - newest % CYRE_NSEC;
	if (w->to >= 12 && !w->known_last_uid && !w->h.recentuid) {
		w->h.recentuid = w->h.last_uid;
		w->h.recenttime = w->h.last_appenddate;
	}
	/* Which deletions are forgotten is not known: all may be. */
	if (w->to >= 12 && !w->known_last_uid)
		w->h.deletedmodseq = w->h.highestmodseq;
	if (w->hints->listed && cyre_plan_has(w, deleted)) {
		cyre_plan_note_number(w, CYRE_FILE_INDEX, "options",
			w->h.options, w->h.options & ~CYRE_OPT_DELETED,
			"mailboxes.db", NULL);
		w->h.options &= ~(uint64_t)CYRE_OPT_DELETED;
	}
	w->h.options &= w->to >= 12  ? 0xe000001fu
			: w->to >= 8 ? 0x0000001fu
				     : CYRE_OPT_POP3_NEW_UIDL;
	w->h.format = 0;
}

/* Whose `reconstruct -V` to follow: "2.5" */
static cyre_release release_of(const struct cyre_plan_work *w)
{
	const char *name = cyre_mail_behaviour_name(cyre_plan_behaviour(w));
	char *end;
	unsigned long major = strtoul(name, &end, 10);
	unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;

	return CYRE_RELEASE(major, minor);
}

static cyre_status convert(struct cyre_plan_work *w)
{
	struct cyre_index_conversion c = {.from = w->from,
		.to = w->to,
		.release = release_of(w),
		.now_ns = w->hints->now * CYRE_NSEC,
		.highestmodseq = w->h.highestmodseq};
	struct cyre_index_annotated out;
	uint64_t generation;
	cyre_status st;
	size_t i, n = 0;

	if (w->from == w->to)
		return CYRE_OK;
	st = cyre_plan_shadows_read(w);
	if (st != CYRE_OK)
		return st;
	generation = w->h.generation_no;
	cyre_index_convert_header(&c, &w->h);
	/* The new cache has counted already. */
	if (w->new_cache[CYRE_SIDE_SPOOL] || w->new_cache[CYRE_SIDE_ARCHIVE])
		w->h.generation_no = generation;
	for (i = 0; i < w->n; i++)
		if (cyre_index_convert_record(&c, &w->h, &w->records[i].r,
			    &w->annotated[i], &out)) {
			w->annotated[n] = out;
			w->records[n++] = w->records[i];
		}
	w->n = n;
	return cyre_plan_shadows_write(w);
}

/* Records of one file, as the writer wants them. */
static struct cyre_index_record *gather_records(struct cyre_plan_work *w,
	bool expunge, struct cyre_index_tally *tally, size_t *ret_n)
{
	struct cyre_index_record *r = calloc(w->n ? w->n : 1, sizeof(*r));
	size_t i, n = 0;

	cyre_index_tally_begin(tally, w->to, w->header.flags, w->header.nflags);
	for (i = 0; r && i < w->n; i++) {
		if (w->records[i].expunge != expunge)
			continue;
		cyre_index_tally_add(tally, &w->records[i].r);
		r[n++] = w->records[i].r;
	}
	*ret_n = n;
	return r;
}

/*
 * Those of the messages are here, those of the mailbox itself in annotations.db
 * (index.md 6). Without that a number that is not too small is left alone.
 */
static void settle_quota_annot(
	struct cyre_plan_work *w, uint64_t messages, uint64_t before)
{
	const struct cyre_outside *o = &w->outside;
	uint64_t now = w->h.quota_annot_used;

	if (w->to < 13)
		return;
	if (o->has_annotations && (!w->sure_header || w->from < 13))
		now = messages + o->annotation_bytes;
	else if (w->from != w->to && now >= before)
		now += messages - before;
	if (now < messages)
		now = messages;
	cyre_plan_note_number(w, CYRE_FILE_INDEX, "quota_annot_used",
		w->h.quota_annot_used, now,
		o->has_annotations ? "annotations.db" : "annotations", NULL);
	w->h.quota_annot_used = now;
}

/* The sum and the size of the annotations of these messages. */
static cyre_status sum_annotations(const struct cyre_plan_work *w,
	const struct cyre_index_record *r, size_t n, struct cyre_slice bytes,
	uint32_t *ret_sum, uint64_t *ret_bytes)
{
	const char *owner = w->ev->userid ? w->ev->userid : "";

	*ret_sum = 0;
	*ret_bytes = 0;
	return w->to < 13 ? CYRE_OK
			  : cyre_annotations_sum(w->to, r, n, bytes,
				    cyre_slice_str(owner), ret_sum, ret_bytes);
}

static cyre_status write_index(struct cyre_plan_work *w)
{
	struct cyre_plan_file *f = cyre_plan_add_file(w, CYRE_FILE_INDEX);
	struct cyre_index_tally tally;
	struct cyre_index_totals totals;
	uint32_t annotations, ignored, stored = (uint32_t)w->h.synccrcs_annot;
	uint64_t annot_bytes, before = 0;
	struct cyre_index_record *r;
	cyre_status st;
	size_t n;

	r = gather_records(w, false, &tally, &n);
	if (!r)
		return CYRE_ENOMEM;
	totals = cyre_index_tally_end(&tally);
	st = sum_annotations(
		w, r, n, w->annotation_bytes, &annotations, &annot_bytes);
	if (st == CYRE_OK && w->from != w->to)
		st = sum_annotations(w, r, n,
			w->ev->meta[CYRE_FILE_ANNOTATIONS].bytes, &ignored,
			&before);
	settle_quota_annot(w, annot_bytes, before);
	w->h.header_file_crc =
		w->to >= 12 ? cyre_crc32(cyre_buf_slice(&w->header_bytes)) : 0;
	cyre_index_apply_totals(&w->h, &totals,
		w->to < 15 ? CYRE_RELEASE(3, 0) : 0, annotations);
	/* A value hashes alike as a field and as an annotation. */
	if (w->from != w->to && w->from >= 13 && w->strict)
		w->h.synccrcs_annot = stored;
	w->h.num_records = n;
	if (st == CYRE_OK)
		st = cyre_index_write(&f->bytes, w->to, &w->h, r, n);
	free(r);
	return st == CYRE_ELIMIT ? CYRE_EIO : st;
}

/* A file no release since 2.4 keeps (index.md 10.2) becomes part of the index
 * where that is wanted; messages of the index are never listed there. */
static void merge_expunge(struct cyre_plan_work *w)
{
	size_t i;

	if (w->to < 12 ||
		(w->from >= 12 && !cyre_plan_wants(w, CYRE_P_EXPUNGE_STALE)))
		return;
	for (i = 0; i < w->n; i++) {
		if (!w->records[i].expunge)
			continue;
		w->records[i].expunge = false;
		w->records[i].r.system_flags |= CYRE_FLAG_EXPUNGED;
	}
}

/* Written in its own version when it was read, or pointed into the cache that
 * is new now; without records it is removed. */
static cyre_status write_expunge(struct cyre_plan_work *w)
{
	const struct cyre_metafile *old = &w->ev->meta[CYRE_FILE_EXPUNGE];
	struct cyre_index_header h =
		w->j->expunge_read ? w->j->expunge.h : w->h;
	struct cyre_index_tally tally;
	struct cyre_index_totals totals;
	struct cyre_plan_file *f;
	struct cyre_index_record *r;
	unsigned version = w->to;
	cyre_status st = CYRE_OK;
	size_t n;

	if (old->state != CYRE_ENTRY_FILE || !old->bytes.n)
		return CYRE_OK;
	if (w->to >= 12 && w->j->expunge_read)
		version = w->j->expunge.layout->version;
	r = gather_records(w, true, &tally, &n);
	if (!r)
		return CYRE_ENOMEM;
	totals = cyre_index_tally_end(&tally);
	f = cyre_plan_add_file(w, CYRE_FILE_EXPUNGE);
	f->remove = n == 0;
	h.generation_no = w->h.generation_no;
	cyre_index_apply_counts(&h, &totals);
	if (n)
		st = cyre_index_write(&f->bytes, version, &h, r, n);
	free(r);
	return st;
}

cyre_status cyre_plan_index(struct cyre_plan_work *w)
{
	cyre_status st;

	cyre_plan_seen(w);
	convert(w);
	raise_last_uid(w);
	raise_modseqs(w);
	fill_header(w);
	merge_expunge(w);
	st = write_index(w);
	if (st == CYRE_OK)
		st = write_expunge(w);
	return st;
}
