/*
 * plan_sources.c - the records there are, and the header of the index
 *
 * Reads the index as the strict reader has it when that lost nothing, else
 * whatever the salvage reader finds in all files of the mailbox.
 *
 * Format: docs/formats/index.md.
 */
#include "plan_work.h"

#include <inttypes.h>

#define DEFAULT_VERSION 17

/* ---- from a sound index ---- */

static bool strict_is_enough(const struct cyre_plan_work *w)
{
	static const enum cyre_problem doubts[] = {CYRE_P_INDEX_SIZES,
		CYRE_P_INDEX_TRUNCATED, CYRE_P_INDEX_HEADER_CRC,
		CYRE_P_INDEX_RECORD_CRC, CYRE_P_INDEX_RECORD_ZEROED,
		CYRE_P_INDEX_UID_ZERO, CYRE_P_INDEX_UID_ORDER,
		CYRE_P_INDEX_RECORD_IMPLAUSIBLE, CYRE_P_INDEX_FLAG_BITS,
		CYRE_P_INDEX_HEADER_SIZE};
	size_t i;

	if (!w->j->index_read)
		return false;
	for (i = 0; i < sizeof(doubts) / sizeof(*doubts); i++)
		if (w->found->count[doubts[i]])
			return false;
	return true;
}

static cyre_status add_strict(
	struct cyre_plan_work *w, const struct cyre_index *ix, bool expunge)
{
	struct cyre_plan_record *p;
	struct cyre_index_record r;
	uint32_t recno;

	for (recno = 1; recno <= ix->count + ix->uncommitted; recno++) {
		if (!cyre_index_decode(ix, cyre_index_bytes(ix, recno), &r) ||
			!r.uid)
			continue;
		p = cyre_plan_add_record(w);
		if (!p)
			return CYRE_ENOMEM;
		p->r = r;
		p->expunge = expunge;
		p->in = ix;
		p->recno = recno;
	}
	return CYRE_OK;
}

static cyre_status from_strict(struct cyre_plan_work *w)
{
	cyre_status st;

	w->from = w->j->index.layout->version;
	w->h = w->j->index.h;
	w->known_last_uid = w->h.last_uid;
	w->sure_header = w->whole = w->strict = true;
	st = add_strict(w, &w->j->index, false);
	if (st == CYRE_OK && w->j->expunge_read)
		st = add_strict(w, &w->j->expunge, true);
	return st;
}

/* ---- from what is left ---- */

/* Of an index that does not tell; 0: nothing does. */
static unsigned usual_version(const struct cyre_plan_work *w)
{
	return w->policy->release ? cyre_plan_version_of(w->policy->release)
				  : w->hints->index_version;
}

static cyre_status run_salvage(struct cyre_plan_work *w)
{
	static const enum cyre_file files[] = {CYRE_FILE_INDEX,
		CYRE_FILE_INDEX_NEW, CYRE_FILE_EXPUNGE, CYRE_FILE_EXPUNGE_NEW};
	struct cyre_salvage_source sources[4];
	uint32_t named[4] = {0};
	struct cyre_salvage_hints hints = {
		.now = w->hints->now,
		.files = w->ev->files,
		.nfiles = w->ev->nfiles,
		.version = usual_version(w),
	};
	size_t n = 0, i;
	cyre_status st;

	for (i = 0; i < 4; i++)
		if (w->ev->meta[files[i]].state == CYRE_ENTRY_FILE &&
			w->ev->meta[files[i]].bytes.n &&
			!(w->j->index_foreign && files[i] == CYRE_FILE_INDEX))
			sources[n++] = (struct cyre_salvage_source){
				w->ev->meta[files[i]].bytes, files[i]};
	for (i = 0; i < w->j->header.nflags; i++)
		if (w->j->header.flags[i].n)
			named[i / 32] |= 1u << i % 32;
	if (w->j->header_read && w->j->header.magic_ok)
		hints.named_flags = named;
	st = cyre_index_salvage(sources, n, &hints, &w->salvage);
	w->salvaged = st == CYRE_OK;
	return st;
}

/* Each field of the header from the file where it is believed most. */
static void salvage_header(struct cyre_plan_work *w)
{
	uint64_t *to = (uint64_t *)&w->h;
	const struct cyre_salvaged_file *f;
	uint8_t best[CYRE_HEADER_FIELDS] = {0};
	size_t i, k;

	for (i = 0; i < w->salvage.nfiles; i++) {
		f = &w->salvage.files[i];
		if (!f->layout)
			continue;
		if (!w->from)
			w->from = f->layout->version;
		for (k = 0; k < CYRE_HEADER_FIELDS; k++) {
			if (f->trust[k] <= best[k] ||
				f->trust[k] < CYRE_TRUST_PLAUSIBLE)
				continue;
			/* The header of an expunge file is an old copy. */
			if (f->which == CYRE_FILE_EXPUNGE &&
				k != CYRE_HEADER_FIELD(uidvalidity))
				continue;
			best[k] = f->trust[k];
			memcpy(&to[k], (const uint64_t *)&f->h + k,
				sizeof(*to));
		}
	}
	w->sure_header = best[CYRE_HEADER_FIELD(last_uid)] == CYRE_TRUST_SURE;
	if (w->sure_header)
		w->known_last_uid = w->h.last_uid;
	if (!best[CYRE_HEADER_FIELD(options)])
		w->h.options = CYRE_OPT_POP3_NEW_UIDL;
}

static void forget(struct cyre_index_record *r, uint32_t trusted)
{
#define KEEP_OR_ZERO(f)                                                        \
	do {                                                                   \
		if (!(trusted & CYRE_RECORD_BIT(f)))                           \
			r->f = 0;                                              \
	} while (0)
	KEEP_OR_ZERO(internaldate);
	KEEP_OR_ZERO(last_updated);
	KEEP_OR_ZERO(system_flags);
	KEEP_OR_ZERO(modseq);
	KEEP_OR_ZERO(cid);
	KEEP_OR_ZERO(createdmodseq);
	KEEP_OR_ZERO(savedate);
	KEEP_OR_ZERO(basecid);
	KEEP_OR_ZERO(cache_offset);
	KEEP_OR_ZERO(cache_crc);
#undef KEEP_OR_ZERO
	if (!(trusted & CYRE_RECORD_BIT(user_flags)))
		memset(r->user_flags, 0, sizeof(r->user_flags));
}

static cyre_status add_salvaged(
	struct cyre_plan_work *w, const struct cyre_salvaged *item)
{
	enum cyre_file which = w->salvage.files[item->file].which;
	struct cyre_plan_record *p;

	/* Without a uid only the message's GUID can tell; it is matched when
	 * the message is parsed, if ever. */
	if (!item->uid)
		return CYRE_OK;
	p = cyre_plan_add_record(w);
	if (!p)
		return CYRE_ENOMEM;
	p->r = cyre_index_salvage_get(&w->salvage, item);
	p->r.uid = item->uid;
	if (which == CYRE_FILE_INDEX)
		p->item = item;
	p->expunge = !item->listed && (which == CYRE_FILE_EXPUNGE ||
					      which == CYRE_FILE_EXPUNGE_NEW);
	if (which == CYRE_FILE_INDEX_NEW && item->origin != CYRE_ORIGIN_FIELDS)
		cyre_plan_note(w, &(struct cyre_repair){.file = CYRE_FILE_INDEX,
					  .uid = item->uid,
					  .field = "record",
					  .origin = "cyrus.index.NEW"});
	if (item->origin == CYRE_ORIGIN_FIELDS) {
		forget(&p->r, item->trusted);
		p->derive = p->doubtful = p->changed = true;
		p->no_flags = !(item->trusted & CYRE_RECORD_BIT(system_flags));
		p->no_keywords = !(item->trusted & CYRE_RECORD_BIT(user_flags));
	}
	return CYRE_OK;
}

static bool has_file(const struct cyre_plan_work *w, uint32_t uid)
{
	const struct cyre_evidence *ev = w->ev;
	size_t i = cyre_msgfile_seek(ev->files, ev->nfiles, uid);

	return i < ev->nfiles && ev->files[i].uid == uid;
}

/*
 * A header that can be believed knows how many records there were. A damaged one
 * whose uid no file has may have had any other: it counts as lost.
 */
static bool all_found(const struct cyre_plan_work *w)
{
	size_t i, found = 0;

	for (i = 0; i < w->salvage.n; i++) {
		const struct cyre_salvaged *s = &w->salvage.items[i];

		found += s->uid && s->listed &&
			 (s->origin != CYRE_ORIGIN_FIELDS ||
				 has_file(w, s->uid));
	}
	return w->known_last_uid && found >= w->h.num_records;
}

static cyre_status from_salvage(struct cyre_plan_work *w)
{
	cyre_status st = run_salvage(w);
	size_t i;

	if (st != CYRE_OK)
		return st;
	salvage_header(w);
	w->whole = all_found(w);
	for (i = 0; i < w->salvage.n && st == CYRE_OK; i++)
		st = add_salvaged(w, &w->salvage.items[i]);
	return st;
}

/* An index of another mailbox is of the same server. */
static void take_frame(struct cyre_plan_work *w)
{
	const struct cyre_index *ix = &w->j->index;
	char found[24], taken[] = "0";

	if (!w->from)
		w->from = ix->layout->version;
	if (!w->sure_header)
		w->h.generation_no = ix->h.generation_no;
	snprintf(found, sizeof(found), "%" PRIu32, ix->count);
	if (ix->count)
		cyre_plan_note(
			w, &(struct cyre_repair){.file = CYRE_FILE_INDEX,
				   .field = "records",
				   .before = found,
				   .after = taken,
				   .origin = "index of another mailbox"});
}

cyre_status cyre_plan_sources(struct cyre_plan_work *w)
{
	cyre_status st = strict_is_enough(w) ? from_strict(w) : from_salvage(w);

	if (st != CYRE_OK)
		return st;
	if (w->j->index_foreign)
		take_frame(w);
	if (!w->from)
		w->from = usual_version(w);
	if (!w->from) {
		w->from = DEFAULT_VERSION;
		cyre_plan_note_number(w, CYRE_FILE_INDEX, "minor_version", 0,
			w->from, "nothing: name the release (--as-release)",
			NULL);
	}
	return CYRE_OK;
}
