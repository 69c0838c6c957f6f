/*
 * plan_header.c - cyrus.header as it is to be, and UIDVALIDITY, which stands in
 * the same evidence
 *
 * A header without damage stays byte for byte, unless a user flag that messages
 * have must get a name back, or the mailbox another quota root. Else it is written from what is left of it, the
 * place of the mailbox, and what is known from outside.
 *
 * Formats: docs/formats/header.md; what is taken from where: design.md 5.
 */
#include "plan_work.h"

#include <stdlib.h>

#include "check_header.h"
#include "digest.h"
#include "index_totals.h"
#include "mbox_merge.h"

/* 2.x: eight digits of a hash of the name, then the UIDVALIDITY. */
#define OLD_ID_LEN 16
#define UUID_SIZE  37 /* with its NUL */

/* mailboxes.db, the status cache, the id of a 2.x mailbox, else a new one:
 * later than any the owner's mailboxes have had. */
static void settle_uidvalidity(struct cyre_plan_work *w)
{
	const struct cyre_outside *o = &w->outside;
	struct cyre_slice id = w->header.uniqueid;
	const char *origin = "the clock", *loss = NULL;
	uint64_t v = 0;

	if (w->h.uidvalidity)
		return;
	if (w->hints->uidvalidity) {
		v = w->hints->uidvalidity;
		origin = cyre_plan_list(w);
	} else if (o->status_uidvalidity) {
		v = o->status_uidvalidity;
		origin = "statuscache.db";
	} else if (cyre_uniqueid_uidvalidity(id, &v) && v) {
		origin = "uniqueid";
	} else {
		v = w->hints->now;
		if (o->counter_uidvalidity >= v &&
			o->counter_uidvalidity < UINT32_MAX)
			v = o->counter_uidvalidity + 1;
		loss = "UIDVALIDITY";
	}
	cyre_plan_note_number(
		w, CYRE_FILE_INDEX, "uidvalidity", 0, v, origin, loss);
	w->h.uidvalidity = v;
}

/* ---- what is left of the header ---- */

bool cyre_plan_header_is_damaged(const struct cyre_plan_work *w)
{
	struct cyre_slice id = w->j->header.uniqueid;

	/* An id that no release makes: a copy, or the checksum, knows more. */
	return !w->j->header_read || !w->j->header.magic_ok ||
	       w->j->header_foreign || (id.n && !cyre_uniqueid_ok(id)) ||
	       cyre_plan_family(w, "HD-") ||
	       cyre_plan_has(
		       w, (const enum cyre_problem[]){CYRE_P_UNIQUEID_MISFILED,
				  CYRE_P_EMPTY_MAILBOX_DIR,
				  CYRE_P_ENTRY_EMPTY_DIR, CYRE_PROBLEM_COUNT});
}

static cyre_status read_left(struct cyre_plan_work *w)
{
	static const enum cyre_file files[] = {
		CYRE_FILE_HEADER, CYRE_FILE_HEADER_NEW};
	uint32_t sum = (uint32_t)w->h.header_file_crc;
	struct cyre_header_salvage s;
	cyre_status st;
	int i;

	for (i = 0; i < 2; i++) {
		const struct cyre_metafile *m = &w->ev->meta[files[i]];

		if (m->state != CYRE_ENTRY_FILE || !m->bytes.n ||
			(w->j->header_foreign && files[i] == CYRE_FILE_HEADER))
			continue;
		st = cyre_header_salvage(m->bytes, sum ? &sum : NULL, &s);
		if (st == CYRE_ENOMEM)
			return st;
		if (st != CYRE_OK)
			continue;
		/* The second only where it has the id that the first lost. */
		if (w->header_salvage.own &&
			s.uniqueid < CYRE_TRUST_PLAUSIBLE) {
			cyre_header_salvage_free(&s);
			continue;
		}
		cyre_header_salvage_free(&w->header_salvage);
		w->header_salvage = s;
		w->header = s.h;
		w->header_from = files[i];
		if (s.uniqueid >= CYRE_TRUST_PLAUSIBLE)
			return CYRE_OK;
		/* The id decides whose seen state it is: better none. */
		w->header.uniqueid = cyre_slice(NULL, 0);
	}
	return CYRE_OK;
}

/* ---- what stands elsewhere ---- */

static void take(struct cyre_plan_work *w, struct cyre_slice *field,
	struct cyre_slice value, const char *name, const char *origin)
{
	size_t member = (size_t)((uint8_t *)field - (uint8_t *)&w->header);
	struct cyre_slice old;

	if (field->n || !value.n)
		return;
	*field = value;
	memcpy(&old, (uint8_t *)&w->j->header + member, sizeof(old));
	if (!cyre_slice_eq(old, value))
		cyre_plan_note_text(w, name, old, value, origin, NULL);
}

/*
 * An id as releases up to 2.5 made it, of name and UIDVALIDITY: of the two ways
 * to count the hash the one by which somebody has read this mailbox, else that
 * of the release.
 */
static void old_id(const struct cyre_plan_work *w, struct cyre_slice name,
	char ret[OLD_ID_LEN + 1])
{
	bool wide[2] = {w->to < 12, w->to >= 12};
	int i;

	for (i = 1; i >= 0; i--) {
		snprintf(ret, OLD_ID_LEN + 1, "%08x%08x",
			cyre_uniqueid_hash(name, wide[i]),
			(uint32_t)w->h.uidvalidity);
		if (cyre_plan_is_read(w, cyre_slice_str(ret)))
			return;
	}
}

/* A name-based UUID, of what is the same whenever this mailbox is planned. */
static cyre_status make_uuid(const struct cyre_plan_work *w,
	struct cyre_slice name, char ret[UUID_SIZE])
{
	uint8_t sha[CYRE_SHA1_LEN];
	struct cyre_hasher *h = NULL;
	struct cyre_buf b = {0};
	cyre_status st;

	cyre_put_slice(&b, name);
	cyre_put_fmt(&b, " %llu", (unsigned long long)w->h.uidvalidity);
	if (w->n)
		cyre_put(&b, w->records[0].r.guid, 20);
	st = b.bad ? CYRE_ENOMEM : cyre_hasher_new(&h);
	if (st == CYRE_OK)
		st = cyre_sha1(h, cyre_buf_slice(&b), sha);
	cyre_hasher_free(h);
	cyre_buf_free(&b);
	if (st != CYRE_OK)
		return st;
	snprintf(ret, UUID_SIZE,
		"%02x%02x%02x%02x-%02x%02x-5%x%02x-a%x%02x-"
		"%02x%02x%02x%02x%02x%02x",
		sha[0], sha[1], sha[2], sha[3], sha[4], sha[5], sha[6] & 15,
		sha[7], sha[8] & 15, sha[9], sha[10], sha[11], sha[12], sha[13],
		sha[14], sha[15]);
	return CYRE_OK;
}

/*
 * No copy anywhere. A 2.x id is made again as it was; what 2.5 and later gave
 * at random may as well have this form, but in uuid paths. There one is made
 * that is the same whenever this mailbox is planned.
 */
static cyre_status make_uniqueid(
	struct cyre_plan_work *w, struct cyre_slice name)
{
	const char *loss = "uniqueid";
	char *id = w->made_uniqueid;
	cyre_status st = CYRE_OK;

	if (w->header.uniqueid.n)
		return CYRE_OK;
	if (w->to < 17 && name.n) {
		old_id(w, name, id);
		if (w->to < 13 || cyre_plan_is_read(w, cyre_slice_str(id)))
			loss = NULL;
	} else {
		st = make_uuid(w, name, id);
		if (st != CYRE_OK)
			return st;
	}
	w->header.uniqueid = cyre_slice_str(id);
	cyre_plan_note(w, &(struct cyre_repair){.file = CYRE_FILE_HEADER,
				  .field = "uniqueid",
				  .after = id,
				  .origin = "name and UIDVALIDITY",
				  .loss = loss});
	return CYRE_OK;
}

/* Any bytes are text, when nothing in them can be read. */
static bool has_form(const struct cyre_plan_work *w)
{
	const struct cyre_header_salvage *s = &w->header_salvage;

	return w->header.form == CYRE_HEADER_DLIST ||
	       (w->header.form == CYRE_HEADER_TEXT &&
		       (s->uniqueid >= CYRE_TRUST_PLAUSIBLE ||
			       s->acl >= CYRE_TRUST_PLAUSIBLE ||
			       s->quotaroot >= CYRE_TRUST_PLAUSIBLE));
}

/* The text form up to 3.5; since 3.6, whose cache version is 11, the other. */
static enum cyre_header_form form_of(const struct cyre_plan_work *w)
{
	uint64_t newest = 0;
	size_t i;

	if (has_form(w))
		return w->header.form;
	for (i = 0; i < w->n; i++)
		if (w->records[i].r.cache_version > newest)
			newest = w->records[i].r.cache_version;
	if (!newest)
		newest = w->hints->cache_version;
	return w->to >= 17 && (newest >= 11 || w->ev->path_uniqueid)
		       ? CYRE_HEADER_DLIST
		       : CYRE_HEADER_TEXT;
}

bool cyre_plan_recharges(const struct cyre_plan_work *w)
{
	static const enum cyre_problem other[] = {
		CYRE_P_QUOTAROOT_OTHER, CYRE_PROBLEM_COUNT};

	return w->hints->recharges && cyre_plan_has(w, other);
}

/* The root above the mailbox, where the header has none that can be right. */
static void settle_quotaroot(struct cyre_plan_work *w, struct cyre_slice name)
{
	struct cyre_slice old = w->header.quotaroot;
	bool fits = old.n && cyre_quotaroot_is_above(old, name);
	bool none =
		!old.n && w->header_salvage.quotaroot >= CYRE_TRUST_PLAUSIBLE;

	if (!w->hints->has_roots || !name.n ||
		((fits || none) && !cyre_plan_recharges(w)) ||
		cyre_slice_eq(old, w->hints->quotaroot))
		return;
	w->header.quotaroot = w->hints->quotaroot;
	cyre_plan_note_text(
		w, "quotaroot", old, w->header.quotaroot, "quota roots", NULL);
}

/* Read marks are kept by an id that has hash of the name and UIDVALIDITY; which
 * of the two hashes, its key tells: 2.4 keeps the id a 2.3 made. */
static void take_seen_id(struct cyre_plan_work *w, struct cyre_slice name)
{
	uint64_t uidvalidity = w->h.uidvalidity ? w->h.uidvalidity
			       : w->hints->uidvalidity
				       ? w->hints->uidvalidity
				       : w->outside.status_uidvalidity;

	if (!w->header.uniqueid.n)
		take(w, &w->header.uniqueid,
			cyre_plan_seen_id(w, name, uidvalidity), "uniqueid",
			"seen database");
}

static struct cyre_slice name_of(const struct cyre_plan_work *w)
{
	return w->ev->mboxname ? cyre_slice_str(w->ev->mboxname)
			       : w->hints->mboxname;
}

/* Where nothing tells the rights, mailboxes.db is given the same: a header
 * without any would take them away when reconstruct goes by it. */
static void give_to_owner(struct cyre_plan_work *w)
{
	if (w->header.acl.n || w->header.has & CYRE_HEADER_A || !w->ev->userid)
		return;
	cyre_buf_reset(&w->acl_kept);
	cyre_put_fmt(&w->acl_kept, "%s\tlrswipkxtecdan\t", w->ev->userid);
	if (w->acl_kept.bad)
		return;
	w->header.acl = cyre_buf_slice(&w->acl_kept);
	cyre_plan_note_text(w, "acl", cyre_slice(NULL, 0), w->header.acl,
		"owner", "access rights");
}

/* What nothing says of a calendar its name does. */
static void name_type(struct cyre_plan_work *w, struct cyre_slice name)
{
	char type = name.n ? cyre_mbox_type_by_name(name) : 'e';
	struct cyre_slice s;

	if (w->header.type.n)
		return;
	w->type_kept[0] = type;
	w->type_kept[1] = 'l';
	s = cyre_slice(w->type_kept, w->ev->path_uniqueid ? 1 : 2);
	if (type == 'e')
		w->header.type = s;
	else
		take(w, &w->header.type, s, "type", "name");
}

static cyre_status fill_gaps(struct cyre_plan_work *w)
{
	struct cyre_slice name = name_of(w);

	/* In the uuid layout the directory is the id (layout.md 5). */
	if (w->ev->path_uniqueid) {
		w->header.uniqueid = cyre_slice(NULL, 0);
		take(w, &w->header.uniqueid,
			cyre_slice_text(w->ev->path_uniqueid), "uniqueid",
			"directory");
	}
	take(w, &w->header.uniqueid, w->hints->uniqueid, "uniqueid",
		cyre_plan_list(w));
	take(w, &w->header.acl, w->hints->acl, "acl", cyre_plan_list(w));
	take(w, &w->header.type, w->hints->type, "type", cyre_plan_list(w));
	settle_quotaroot(w, name);
	w->header.form = form_of(w);
	if (w->header.form == CYRE_HEADER_DLIST) {
		take(w, &w->header.name, name, "name",
			w->ev->mboxname ? "directory" : cyre_plan_list(w));
		take(w, &w->header.jmapid, w->hints->jmapid, "jmapid",
			cyre_plan_list(w));
		name_type(w, name);
		give_to_owner(w);
		w->header.has |= CYRE_HEADER_T | CYRE_HEADER_N | CYRE_HEADER_I;
	}
	take_seen_id(w, name);
	settle_uidvalidity(w);
	return make_uniqueid(w, name);
}

/* ---- user flags ---- */

static void count_flags(
	const struct cyre_plan_work *w, uint64_t use[CYRE_HEADER_MAX_FLAGS])
{
	size_t i;
	int f;

	memset(use, 0, CYRE_HEADER_MAX_FLAGS * sizeof(*use));
	for (i = 0; i < w->n; i++)
		for (f = 0; f < CYRE_HEADER_MAX_FLAGS; f++)
			use[f] += w->records[i].r.user_flags[f / 32] >> f % 32 &
				  1;
}

/* Bits are never dropped: what lost its name gets a placeholder. */
static unsigned name_flags(struct cyre_plan_work *w)
{
	uint64_t use[CYRE_HEADER_MAX_FLAGS];
	unsigned n, i;

	count_flags(w, use);
	n = cyre_header_name_used(&w->header, use, w->flag_names);
	for (i = 0; n && i < CYRE_HEADER_MAX_FLAGS; i++)
		if (w->flag_names[i][0])
			cyre_plan_note(w,
				&(struct cyre_repair){.file = CYRE_FILE_HEADER,
					.field = "user_flag",
					.after = w->flag_names[i],
					.origin = "index",
					.loss = "name of a keyword"});
	return n;
}

cyre_status cyre_plan_header(struct cyre_plan_work *w)
{
	bool damaged = cyre_plan_header_is_damaged(w);
	struct cyre_plan_file *f;
	cyre_status st = CYRE_OK;

	if (!damaged) {
		w->header = w->j->header;
		settle_uidvalidity(w);
		if (cyre_plan_recharges(w))
			settle_quotaroot(w, name_of(w));
		if (!name_flags(w) && cyre_slice_eq(w->header.quotaroot,
					      w->j->header.quotaroot)) {
			cyre_put_slice(&w->header_bytes,
				w->ev->meta[CYRE_FILE_HEADER].bytes);
			return w->header_bytes.bad ? CYRE_ENOMEM : CYRE_OK;
		}
	} else {
		st = read_left(w);
		if (st == CYRE_OK)
			st = cyre_plan_header_doubts(w);
		if (st == CYRE_OK)
			st = fill_gaps(w);
		if (st != CYRE_OK)
			return st;
		name_flags(w);
	}
	st = cyre_header_write(&w->header_bytes, &w->header, w->header.form);
	if (st != CYRE_OK)
		return st == CYRE_EUSAGE ? CYRE_EIO : st;
	f = cyre_plan_add_file(w, CYRE_FILE_HEADER);
	cyre_put_slice(&f->bytes, cyre_buf_slice(&w->header_bytes));
	return f->bytes.bad ? CYRE_ENOMEM : CYRE_OK;
}
