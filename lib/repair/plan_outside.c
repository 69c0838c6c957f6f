/*
 * plan_outside.c - the databases of the server and of the owner as evidence
 *
 * Asked only where the mailbox's own files no longer say. conversations.db has
 * flags, date and thread of each message, also whether it was expunged; it is
 * believed for a message whose digest is the one it has. Read marks are kept by
 * uniqueid. Numbers that only grow have a floor.
 *
 * Format: docs/formats/user-databases.md; which counts more: design.md 5.
 */
#include "plan_work.h"

#include <inttypes.h>
#include <stdio.h>

#include "userdb.h"

/* Those that are about the message; the others are about its files. */
#define KNOWN_FLAGS                                                            \
	(CYRE_FLAG_ANSWERED | CYRE_FLAG_FLAGGED | CYRE_FLAG_DELETED |          \
		CYRE_FLAG_DRAFT | CYRE_FLAG_SEEN | CYRE_FLAG_SNOOZED |         \
		CYRE_FLAG_SPLIT | CYRE_FLAG_EXPUNGED)

#define OLD_ID_LEN 16 /* of a uniqueid up to 2.5 */

/* Where \Seen is, and whether annotations are counted, is another from 12 and
 * from 13 on. */
static bool moves_between(const struct cyre_plan_work *w)
{
	return (w->from < 12) != (w->to < 12) || (w->from < 13 && w->to >= 13);
}

cyre_status cyre_plan_outside(struct cyre_plan_work *w)
{
	const struct cyre_plan_reader *reader = w->reader;
	bool needed = !w->sure_header || moves_between(w) ||
		      cyre_plan_header_is_damaged(w);
	size_t i;

	for (i = 0; i < w->n && !needed; i++)
		needed = w->records[i].no_flags || w->records[i].doubt;
	if (!needed || !reader->outside)
		return CYRE_OK;
	return reader->outside(reader->payload, &w->outside);
}

/* ---- one message ---- */

static int message_and_uid(const void *va, const void *vb)
{
	const struct cyre_known_message *m = va;
	const uint64_t *uid = vb;

	return (m->uid > *uid) - (m->uid < *uid);
}

static const struct cyre_known_message *find_known(
	const struct cyre_plan_work *w, uint64_t uid, const uint8_t guid[20])
{
	const struct cyre_known_message *m = w->outside.messages;
	size_t n = w->outside.n_messages;
	size_t i = cyre_seek(&uid, m, n, sizeof(*m), message_and_uid);

	return i < n && m[i].uid == uid && !memcmp(m[i].guid, guid, 20) ? &m[i]
									: NULL;
}

static void take_flags(struct cyre_plan_work *w, struct cyre_plan_record *p,
	const struct cyre_known_message *k)
{
	uint64_t flags = k->flags & KNOWN_FLAGS;

	if (w->to < 12)
		flags &= ~(uint64_t)(CYRE_FLAG_SEEN | CYRE_FLAG_EXPUNGED);
	p->r.system_flags |= flags;
	p->no_flags = false;
	/* When it was expunged nobody knows: it is kept as long as any. */
	if ((flags & CYRE_FLAG_EXPUNGED) && !p->r.last_updated)
		p->r.last_updated = w->hints->now * CYRE_NSEC;
}

static void note_record(struct cyre_plan_record *p, struct cyre_plan_work *w,
	const char *origin)
{
	bool named = !w->j->header_read || w->j->header.nflags;
	bool lost = !p->adopted || !w->whole;

	if (!p->adopted && !p->doubtful && !p->other)
		return;
	p->told = CYRE_RECORD_ALL;
	cyre_plan_note(w, &(struct cyre_repair){.file = CYRE_FILE_INDEX,
				  .uid = (uint32_t)p->r.uid,
				  .field = "record",
				  .origin = origin,
				  .loss = !lost                     ? NULL
					  : p->no_flags             ? "flags"
					  : p->no_keywords && named ? "keywords"
								    : NULL});
}

void cyre_plan_complete(struct cyre_plan_work *w, struct cyre_plan_record *p,
	const uint8_t guid[20])
{
	const struct cyre_known_message *k = find_known(w, p->r.uid, guid);
	const char *origin = p->doubtful ? "damaged record" : "message file";
	bool lent = p->doubt == CYRE_DOUBT_FOREIGN;

	if (k && k->has_flags && (p->no_flags || !p->r.internaldate)) {
		if (lent) {
			p->r.system_flags &= CYRE_FLAG_ARCHIVED;
			p->r.internaldate = 0;
		}
		origin = k->doubtful ? "conversations.db, which is damaged"
				     : "conversations.db";
		if (!p->r.internaldate)
			p->r.internaldate = k->internaldate;
		if (w->to < 20)
			p->r.internaldate -= p->r.internaldate % CYRE_NSEC;
		if (p->no_flags)
			take_flags(w, p, k);
	} else if (lent) {
		origin = "index of another mailbox";
		p->no_flags = false;
	}
	/* Any number may be a cid: one of a damaged record proves nothing. */
	if (k && w->to >= 13 &&
		(!p->r.cid || (p->doubtful && k->cid && !k->doubtful)))
		p->r.cid = k->cid;
	note_record(p, w, origin);
}

/* ---- read marks ---- */

static bool read_seen(const struct cyre_plan_work *w, struct cyre_slice id,
	struct cyre_seen *ret)
{
	const struct cyre_db_entry *e = NULL;

	if (w->outside.seen && id.n)
		e = cyre_db_find(w->outside.seen, id);
	return e && e->trust != CYRE_DB_UNCOMMITTED &&
	       cyre_seen_read(e->value, ret) && cyre_uidset_valid(ret->uids);
}

/* The first mark whose id does not stand before this one. A shared mailbox has
 * one of each user: there may be millions. */
static size_t seek_mark(const struct cyre_outside *o, struct cyre_slice id)
{
	return cyre_seek(&(struct cyre_read_mark){.id = id}, o->marks,
		o->n_marks, sizeof(*o->marks), cyre_read_mark_compare);
}

/* Of a 2.x mailbox with this name; of two the one that was made last. Where the
 * UIDVALIDITY is known (not 0), with that. */
static struct cyre_slice seen_id(
	const struct cyre_plan_work *w, uint32_t hash, uint64_t uidvalidity)
{
	const struct cyre_outside *o = &w->outside;
	struct cyre_slice best = {NULL, 0}, prefix;
	char text[OLD_ID_LEN + 1];
	size_t i;

	snprintf(text, sizeof(text), "%08" PRIx32 "%08" PRIx32, hash,
		(uint32_t)uidvalidity);
	prefix = cyre_slice(text, uidvalidity ? OLD_ID_LEN : OLD_ID_LEN / 2);
	for (i = seek_mark(o, prefix); i < o->n_marks; i++) {
		if (!cyre_slice_starts(o->marks[i].id, prefix))
			break;
		if (o->marks[i].id.n == OLD_ID_LEN)
			best = o->marks[i].id;
	}
	return best;
}

struct cyre_slice cyre_plan_seen_id(const struct cyre_plan_work *w,
	struct cyre_slice mboxname, uint64_t uidvalidity)
{
	struct cyre_slice id = {NULL, 0};

	if (!mboxname.n)
		return id;
	id = seen_id(w, cyre_uniqueid_hash(mboxname, true), uidvalidity);
	return id.n ? id
		    : seen_id(w, cyre_uniqueid_hash(mboxname, false),
			      uidvalidity);
}

bool cyre_plan_is_read(const struct cyre_plan_work *w, struct cyre_slice id)
{
	size_t i = seek_mark(&w->outside, id);

	return i < w->outside.n_marks &&
	       cyre_slice_eq(w->outside.marks[i].id, id);
}

/* Messages of the set whose record says \Seen, and whose does not. */
struct marks {
	uint64_t set, only_index;
};

/* Both ascend. `give`: the records get what the set has. */
static struct marks compare_marks(
	struct cyre_plan_work *w, struct cyre_slice uids, bool give)
{
	struct cyre_cur c = cyre_cur(uids);
	struct marks m = {0};
	uint64_t lo = 0, hi = 0;
	bool more = true;
	size_t i;

	for (i = 0; i < w->n; i++) {
		struct cyre_plan_record *p = &w->records[i];
		bool has = p->r.system_flags & CYRE_FLAG_SEEN, in;

		while (more && hi < p->r.uid)
			more = cyre_uidset_next(&c, &lo, &hi);
		in = more && lo <= p->r.uid && p->r.uid <= hi;
		m.only_index += has && !in;
		if (!give || !in || has || (w->from >= 12 && !p->no_flags))
			continue;
		p->r.system_flags |= CYRE_FLAG_SEEN;
		p->told |= CYRE_RECORD_BIT(system_flags);
		m.set++;
	}
	return m;
}

static void note_marks(struct cyre_plan_work *w, uint64_t n, const char *loss)
{
	char text[40];

	snprintf(text, sizeof(text), "of %" PRIu64 " messages", n);
	cyre_plan_note(w, &(struct cyre_repair){.file = CYRE_FILE_INDEX,
				  .field = "\\Seen",
				  .after = text,
				  .origin = loss ? "index" : "seen database",
				  .loss = loss});
}

/*
 * From v12 on the owner's marks are in the index, before in his database, which
 * stays behind when a mailbox is converted.
 */
void cyre_plan_seen(struct cyre_plan_work *w)
{
	struct cyre_seen seen = {.uids = {NULL, 0}};
	bool known = read_seen(w, w->header.uniqueid, &seen);
	struct marks m;

	if (w->to < 12 && w->from < 12)
		return;
	if (w->to < 12) {
		/* The database is not ours to write here. */
		m = compare_marks(w, seen.uids, false);
		if (m.only_index)
			note_marks(w, m.only_index, "read marks");
		return;
	}
	if (!known || !w->ev->userid)
		return;
	m = compare_marks(w, seen.uids, true);
	if (m.set)
		note_marks(w, m.set, NULL);
	if (w->from < 12 && seen.last_uid > w->h.recentuid) {
		w->h.recentuid = seen.last_uid;
		w->h.recenttime = seen.last_change * CYRE_NSEC;
	}
}

/* ---- numbers that only grow ---- */

static void lift(struct cyre_floor *f, uint64_t value, const char *origin)
{
	if (value > f->value)
		*f = (struct cyre_floor){value, origin};
}

struct cyre_floor cyre_plan_last_uid(const struct cyre_plan_work *w)
{
	const struct cyre_outside *o = &w->outside;
	struct cyre_slice id = w->header.uniqueid;
	struct cyre_floor f = {0, "messages"};
	size_t i;

	if (w->sure_header)
		return f;
	if (o->status_last_uid <= UINT32_MAX)
		lift(&f, o->status_last_uid, "statuscache.db");
	if (o->n_messages)
		lift(&f, o->messages[o->n_messages - 1].uid,
			"conversations.db");
	for (i = seek_mark(o, id);
		i < o->n_marks && cyre_slice_eq(o->marks[i].id, id); i++)
		if (o->marks[i].last_uid <= UINT32_MAX)
			lift(&f, o->marks[i].last_uid, "seen database");
	return f;
}

struct cyre_floor cyre_plan_modseq(const struct cyre_plan_work *w)
{
	struct cyre_floor f = {0, "records"};

	if (w->sure_header)
		return f;
	lift(&f, w->hints->foldermodseq, cyre_plan_list(w));
	lift(&f, w->outside.status_modseq, "statuscache.db");
	lift(&f, w->outside.counter_modseq, "counters");
	return f;
}
