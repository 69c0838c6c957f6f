/*
 * plan_doubts.c - values that were read without trouble and cannot stand
 *
 * Fields of cyrus.header that failed their own test, and records of which the
 * checks said what is wrong: each is cleared, computed, or marked to be had
 * from the message. What damaged files leave of a value is settled where they
 * are read (plan_header.c, plan_records.c).
 *
 * Rules: docs/problems.md, by code.
 */
#include "plan_work.h"

#include <inttypes.h>
#include <strings.h>

#include "check_header.h"

/* ---- cyrus.header ---- */

/* Without mailboxes.db the entries that are whole are kept. */
static cyre_status doubt_acl(struct cyre_plan_work *w)
{
	struct cyre_slice acl = w->header.acl;

	if (w->header_salvage.acl != CYRE_TRUST_DOUBTFUL)
		return CYRE_OK;
	if (!w->hints->acl.n) {
		if (!cyre_acl_keep_whole(acl, &w->acl_kept))
			return CYRE_ENOMEM;
		w->header.acl = cyre_buf_slice(&w->acl_kept);
		cyre_plan_note_text(w, "acl", acl, w->header.acl,
			"what is whole", "access rights");
		return CYRE_OK;
	}
	w->header.acl = cyre_slice(NULL, 0); /* to be taken */
	return CYRE_OK;
}

static void doubt_type(struct cyre_plan_work *w)
{
	struct cyre_slice *type = &w->header.type;
	size_t i, n = 0;

	if (w->header_salvage.type != CYRE_TRUST_DOUBTFUL)
		return;
	for (i = 0; !w->hints->type.n && i < type->n; i++)
		if (strchr(CYRE_TYPE_LETTERS, type->p[i]) && type->p[i] &&
			n < sizeof(w->type_kept))
			w->type_kept[n++] = (char)type->p[i];
	if (n)
		cyre_plan_note_text(w, "type", *type,
			cyre_slice(w->type_kept, n), "what is known", NULL);
	*type = cyre_slice(w->type_kept, n);
}

static bool named_before(const struct cyre_header *h, unsigned i)
{
	unsigned k;

	for (k = 0; k < i; k++)
		if (h->flags[k].n == h->flags[i].n &&
			!strncasecmp((const char *)h->flags[k].p,
				(const char *)h->flags[i].p, h->flags[i].n))
			return true;
	return false;
}

/* A name that is none, or is given already, is taken away; the bit stays. */
static void doubt_flags(struct cyre_plan_work *w)
{
	struct cyre_header *h = &w->header;
	unsigned i;

	for (i = 0; i < h->nflags; i++) {
		if (!h->flags[i].n ||
			(cyre_flag_name_ok(h->flags[i]) && !named_before(h, i)))
			continue;
		cyre_plan_note_text(w, "user_flag", h->flags[i],
			cyre_slice(NULL, 0), "no name of a keyword", NULL);
		h->flags[i] = cyre_slice(NULL, 0);
	}
}

/* In the middle of which the file ends: to be taken from where it is whole. */
static void doubt_cut(struct cyre_plan_work *w)
{
	const struct cyre_header_salvage *s = &w->header_salvage;
	const struct cyre_slice none = {NULL, 0};

	if (s->name == CYRE_TRUST_DOUBTFUL &&
		(w->ev->mboxname || w->hints->mboxname.n))
		w->header.name = none;
	if (s->jmapid == CYRE_TRUST_DOUBTFUL && w->hints->jmapid.n)
		w->header.jmapid = none;
	if (s->quotaroot == CYRE_TRUST_DOUBTFUL)
		w->header.quotaroot = none;
}

cyre_status cyre_plan_header_doubts(struct cyre_plan_work *w)
{
	doubt_cut(w);
	doubt_type(w);
	doubt_flags(w);
	return doubt_acl(w);
}

/* ---- records ---- */

static struct cyre_plan_record *find_record(
	struct cyre_plan_work *w, uint32_t uid, bool expunge)
{
	size_t i = cyre_plan_seek(w, uid);

	return i < w->n && w->records[i].r.uid == uid &&
			       w->records[i].expunge == expunge
		       ? &w->records[i]
		       : NULL;
}

void cyre_plan_note_flags(struct cyre_plan_work *w, struct cyre_plan_record *p,
	uint64_t flags, const char *origin, const char *loss)
{
	char before[17], after[17]; /* a v20 field has 64 bits */

	if (p->r.system_flags == flags)
		return;
	snprintf(before, sizeof(before), "%08" PRIx64, p->r.system_flags);
	snprintf(after, sizeof(after), "%08" PRIx64, flags);
	cyre_plan_note(w, &(struct cyre_repair){.file = CYRE_FILE_INDEX,
				  .uid = (uint32_t)p->r.uid,
				  .field = "system_flags",
				  .before = before,
				  .after = after,
				  .origin = origin,
				  .loss = loss});
	p->r.system_flags = flags;
	p->told |= CYRE_RECORD_BIT(system_flags);
}

/* Its fields and its place in the cache come from the message, if it is there.
 */
static void derive(struct cyre_plan_record *p)
{
	if (p->file && p->file->state == CYRE_ENTRY_FILE && p->file->size)
		p->derive = p->changed = true;
}

static void doubt_record(struct cyre_plan_work *w, enum cyre_problem problem,
	struct cyre_plan_record *p)
{
	uint64_t flags = p->r.system_flags;

	switch (problem) {
	case CYRE_P_INDEX_FLAG_BITS:
		cyre_plan_note_flags(w, p, flags & CYRE_FLAGS_KNOWN,
			"what the bits mean", NULL);
		break;
	case CYRE_P_INDEX_UNLINKED_ALIVE:
		if (!(flags & CYRE_FLAG_UNLINKED) ||
			(flags & CYRE_FLAG_EXPUNGED))
			break;
		cyre_plan_note_flags(w, p,
			p->file ? flags & ~(uint64_t)CYRE_FLAG_UNLINKED
				: flags | CYRE_FLAG_EXPUNGED,
			"what the bits mean", NULL);
		p->changed = true;
		break;
	case CYRE_P_INDEX_DATE_ZERO:
	case CYRE_P_INDEX_GUID_NULL:
	case CYRE_P_INDEX_HEADER_SIZE:
	case CYRE_P_INDEX_RECORD_IMPLAUSIBLE:
		derive(p);
		break;
	case CYRE_P_CACHE_OVERLAP:
	case CYRE_P_CACHE_PADDING:
	case CYRE_P_CACHE_VERSION:
	case CYRE_P_CACHE_ITEM:
	case CYRE_P_CACHE_OTHER_MESSAGE:
		p->no_cache = true;
		break;
	default:
		break;
	}
}

void cyre_plan_record_doubts(struct cyre_plan_work *w)
{
	uint64_t listed[CYRE_PROBLEM_COUNT] = {0};
	struct cyre_plan_record *p;
	size_t i, k;

	for (i = 0; i < w->found->n; i++) {
		const struct cyre_finding *f = &w->found->items[i];

		listed[f->problem]++;
		if (!f->uid || !cyre_plan_wants(w, f->problem))
			continue;
		p = find_record(w, f->uid, f->file == CYRE_FILE_EXPUNGE);
		if (p)
			doubt_record(w, f->problem, p);
	}
	/* Found more often than is listed: it may be true of any record. */
	for (i = 0; i < CYRE_PROBLEM_COUNT; i++)
		for (k = 0; w->found->count[i] > listed[i] && k < w->n &&
			    cyre_plan_wants(w, (enum cyre_problem)i);
			k++)
			doubt_record(w, (enum cyre_problem)i, &w->records[k]);
}
