/*
 * plan_records.c - which messages are in the mailbox, and what is known of each
 *
 * Reads the index as the strict reader has it when that lost nothing, else
 * whatever the salvage reader finds in all files of the mailbox; matches the
 * message files; adopts orphans by the policy of docs/design.md section 5.
 * Derived fields are filled later, when the message is parsed (plan_cache.c).
 */
#include "plan_work.h"

#include <inttypes.h>
#include <stdlib.h>

#define DEFAULT_VERSION 17

static struct cyre_plan_record *add(struct cyre_plan_work *w)
{
	struct cyre_plan_record *grown;
	size_t cap;

	if (w->n == w->cap) {
		cap = w->cap ? w->cap * 2 : 256;
		grown = reallocarray(w->records, cap, sizeof(*grown));
		if (!grown)
			return NULL;
		w->records = grown;
		w->cap = cap;
	}
	w->records[w->n] = (struct cyre_plan_record){0};
	return &w->records[w->n++];
}

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
		p = add(w);
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
	p = add(w);
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

/* A header that can be believed knows how many records there were. */
static bool all_found(const struct cyre_plan_work *w)
{
	size_t i, listed = 0;

	for (i = 0; i < w->salvage.n; i++)
		listed += w->salvage.items[i].uid && w->salvage.items[i].listed;
	return w->known_last_uid && listed >= w->h.num_records;
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

/* ---- files ---- */

static int by_uid(const void *va, const void *vb)
{
	const struct cyre_plan_record *a = va, *b = vb;

	if (a->r.uid != b->r.uid)
		return a->r.uid < b->r.uid ? -1 : 1;
	return (int)a->expunge - (int)b->expunge; /* the index wins */
}

static void sort_records(struct cyre_plan_work *w)
{
	size_t i, n = 0;

	if (w->n)
		qsort(w->records, w->n, sizeof(*w->records), by_uid);
	for (i = 0; i < w->n; i++)
		if (!n || w->records[i].r.uid != w->records[n - 1].r.uid)
			w->records[n++] = w->records[i];
	w->n = n;
}

/* The file of a record: the side its flag names, else the other. */
static const struct cyre_msgfile *pick(const struct cyre_plan_work *w,
	const struct cyre_index_record *r, size_t i, size_t n)
{
	uint8_t side = r->system_flags & CYRE_FLAG_ARCHIVED ? CYRE_SIDE_ARCHIVE
							    : CYRE_SIDE_SPOOL;
	size_t k;

	for (k = i; k < i + n; k++)
		if (!w->ev->has_archive || w->ev->files[k].side == side)
			return &w->ev->files[k];
	return &w->ev->files[i];
}

static void set_side(struct cyre_plan_work *w, struct cyre_plan_record *p)
{
	bool archived =
		w->ev->has_archive && p->file->side == CYRE_SIDE_ARCHIVE;

	if (!w->ev->has_archive ||
		archived == !!(p->r.system_flags & CYRE_FLAG_ARCHIVED))
		return;
	p->r.system_flags ^= CYRE_FLAG_ARCHIVED;
	p->r.cache_offset = 0; /* it was in the other cache */
	p->changed = true;
}

static void use_file(struct cyre_plan_work *w, struct cyre_plan_record *p,
	const struct cyre_msgfile *f)
{
	p->file = f;
	if (f->state != CYRE_ENTRY_FILE || f->size == 0)
		return;
	set_side(w, p);
	cyre_plan_doubt_size(w, p, f);
}

/* Deleted mail must not come back; delivered mail must not be lost. */
static bool may_adopt(
	const struct cyre_plan_work *w, const struct cyre_msgfile *f)
{
	if (f->state != CYRE_ENTRY_FILE || f->size == 0)
		return false;
	switch (w->policy->orphans) {
	case CYRE_ORPHANS_REPORT:
		return false;
	case CYRE_ORPHANS_ADOPT:
		return true;
	case CYRE_ORPHANS_AUTO:
	case CYRE_ORPHANS_QUARANTINE:
		break;
	}
	return !w->whole || f->uid > w->known_last_uid;
}

static cyre_status adopt(struct cyre_plan_work *w, const struct cyre_msgfile *f)
{
	struct cyre_plan_record *p = add(w);

	if (!p)
		return CYRE_ENOMEM;
	p->r.uid = f->uid;
	p->file = f;
	p->derive = p->changed = p->adopted = true;
	p->no_flags = p->no_keywords = true;
	cyre_plan_borrow(w, p);
	if (w->ev->has_archive && f->side == CYRE_SIDE_ARCHIVE)
		p->r.system_flags |= CYRE_FLAG_ARCHIVED;
	w->plan->adopted++;
	return CYRE_OK;
}

/* The files of one uid, on one side or both. */
static cyre_status move_away(
	struct cyre_plan_work *w, const struct cyre_msgfile *f, size_t n)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; st == CYRE_OK && i < n; i++)
		if (f[i].state == CYRE_ENTRY_FILE)
			st = cyre_plan_add_move(w, CYRE_FILE_MESSAGE, &f[i]);
	return st;
}

static cyre_status match_files(struct cyre_plan_work *w)
{
	const struct cyre_msgfile *f = w->ev->files;
	size_t nfiles = w->ev->nfiles, had = w->n, i = 0, k, n;
	cyre_status st = CYRE_OK;

	for (k = 0; i < nfiles && st == CYRE_OK; i += n) {
		for (n = 1; i + n < nfiles && f[i + n].uid == f[i].uid; n++)
			;
		while (k < had && w->records[k].r.uid < f[i].uid)
			k++;
		if (k < had && w->records[k].r.uid == f[i].uid)
			use_file(w, &w->records[k],
				pick(w, &w->records[k].r, i, n));
		else if (may_adopt(w, &f[i]))
			st = adopt(w, &f[i]);
		else if (w->policy->orphans == CYRE_ORPHANS_QUARANTINE)
			st = move_away(w, &f[i], n);
	}
	return st;
}

static void note_dropped(
	struct cyre_plan_work *w, const struct cyre_plan_record *p)
{
	if (p->doubtful)
		cyre_plan_note(w, &(struct cyre_repair){.file = CYRE_FILE_INDEX,
					  .uid = (uint32_t)p->r.uid,
					  .field = "record",
					  .origin = "no message file",
					  .loss = "record"});
}

/*
 * What has no file. A record that was damaged, or (before v12) only plausible,
 * is believed with its file, not without: it may be of a message that was
 * deleted long ago. Any other is kept, for a person to decide.
 */
static void settle_missing(struct cyre_plan_work *w)
{
	uint64_t gone = CYRE_FLAG_EXPUNGED | CYRE_FLAG_UNLINKED;
	size_t i, n = 0;

	for (i = 0; i < w->n; i++) {
		struct cyre_plan_record *p = &w->records[i];

		if (p->file || (p->r.system_flags & CYRE_FLAG_UNLINKED)) {
			w->records[n++] = *p;
			continue;
		}
		if (p->expunge || p->doubtful ||
			(w->salvaged && w->from < 12)) {
			note_dropped(w, p);
			continue;
		}
		if (!(p->r.system_flags & CYRE_FLAG_EXPUNGED) &&
			cyre_plan_wants(w, CYRE_P_MESSAGE_FILE_MISSING)) {
			if (w->from < 12)
				continue;
			cyre_plan_note_flags(w, p, p->r.system_flags | gone,
				"no message file", "message");
			p->changed = true;
		}
		w->records[n++] = *p;
	}
	w->n = n;
}

static int record_and_uid(const void *va, const void *vb)
{
	const struct cyre_plan_record *p = va;
	const uint64_t *uid = vb;

	return (p->r.uid > *uid) - (p->r.uid < *uid);
}

size_t cyre_plan_seek(const struct cyre_plan_work *w, uint64_t uid)
{
	return cyre_seek(
		&uid, w->records, w->n, sizeof(*w->records), record_and_uid);
}

cyre_status cyre_plan_records(struct cyre_plan_work *w)
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
	w->to = w->policy->index_version ? w->policy->index_version : w->from;
	sort_records(w);
	st = match_files(w);
	if (st != CYRE_OK)
		return st;
	sort_records(w);
	cyre_plan_record_doubts(w);
	settle_missing(w);
	w->plan->kept = w->n - w->plan->adopted;
	return CYRE_OK;
}
