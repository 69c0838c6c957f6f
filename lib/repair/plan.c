/*
 * plan.c - the steps of a plan, and what they share
 *
 * records -> outside -> cache -> header -> index: each step needs what the ones
 * before decided; the index is last, because it holds the sums of the others. A file
 * whose new bytes are its old ones is left out: a plan that changes nothing is
 * empty.
 */
#include "plan_work.h"

#include <inttypes.h>
#include <stdlib.h>

#include "grow.h"

#define KEEP_REPAIRS 100000 /* lines of one mailbox */

bool cyre_plan_wants(const struct cyre_plan_work *w, enum cyre_problem p)
{
	const struct cyre_problem_row *row = cyre_problem_row(p);

	if (w->policy->only && !w->policy->only[p])
		return false;
	switch (row->fix) {
	case CYRE_FIX_EXACT:
		return true;
	case CYRE_FIX_RULE:
		return w->policy->accept >= CYRE_ACCEPT_RULE;
	case CYRE_FIX_ASK:
		return w->policy->accept >= CYRE_ACCEPT_ALL;
	case CYRE_FIX_NONE:
		break;
	}
	return false;
}

bool cyre_plan_has(
	const struct cyre_plan_work *w, const enum cyre_problem *list)
{
	for (; *list != CYRE_PROBLEM_COUNT; list++)
		if (w->found->count[*list] && cyre_plan_wants(w, *list))
			return true;
	return false;
}

bool cyre_plan_family(const struct cyre_plan_work *w, const char *family)
{
	int p;

	for (p = 0; p < CYRE_PROBLEM_COUNT; p++)
		if (cyre_judge_is_hurt(
			    w->found, (enum cyre_problem)p, family) &&
			cyre_plan_wants(w, (enum cyre_problem)p))
			return true;
	return false;
}

static bool keep_repair(struct cyre_plan *p, const struct cyre_repair *r)
{
	struct cyre_repair copy = *r, *grown;

	grown = cyre_grow(
		p->repairs, p->n_repairs, &p->cap_repairs, sizeof(*p->repairs));
	if (!grown)
		return false;
	p->repairs = grown;
	copy.before = r->before ? strdup(r->before) : NULL;
	copy.after = r->after ? strdup(r->after) : NULL;
	if ((r->before && !copy.before) || (r->after && !copy.after)) {
		free(copy.before);
		free(copy.after);
		return false;
	}
	p->repairs[p->n_repairs++] = copy;
	return true;
}

void cyre_plan_note(struct cyre_plan_work *w, const struct cyre_repair *r)
{
	struct cyre_plan *p = w->plan;

	if (p->n_repairs < KEEP_REPAIRS && keep_repair(p, r))
		return;
	p->repairs_dropped++;
	p->losses_dropped += r->loss != NULL;
}

void cyre_plan_note_dropped(struct cyre_plan_work *w)
{
	struct cyre_plan *p = w->plan;
	char n[24];

	if (!p->repairs_dropped)
		return;
	snprintf(n, sizeof(n), "%" PRIu64, p->repairs_dropped);
	keep_repair(
		p, &(struct cyre_repair){.field = "more values",
			   .after = n,
			   .origin = "not told one by one",
			   .loss = p->losses_dropped ? "some of them" : NULL});
}

void cyre_plan_note_number(struct cyre_plan_work *w, enum cyre_file file,
	const char *field, uint64_t before, uint64_t after, const char *origin,
	const char *loss)
{
	char a[24], b[24];

	if (before == after && !loss)
		return;
	snprintf(a, sizeof(a), "%" PRIu64, before);
	snprintf(b, sizeof(b), "%" PRIu64, after);
	cyre_plan_note(w, &(struct cyre_repair){.file = file,
				  .field = field,
				  .before = a,
				  .after = b,
				  .origin = origin,
				  .loss = loss});
}

cyre_status cyre_plan_add_move(struct cyre_plan_work *w, enum cyre_file file,
	const struct cyre_msgfile *f)
{
	char where[] = CYRE_QUARANTINE;
	struct cyre_plan *p = w->plan;
	struct cyre_plan_move *grown;

	grown = cyre_grow(
		p->moves, p->n_moves, &p->cap_moves, sizeof(*p->moves));
	if (!grown)
		return CYRE_ENOMEM;
	p->moves = grown;
	p->moves[p->n_moves] = (struct cyre_plan_move){.file = file};
	if (f)
		p->moves[p->n_moves].message = *f;
	p->n_moves++;
	cyre_plan_note(w, &(struct cyre_repair){.file = file,
				  .uid = f ? f->uid : 0,
				  .field = "place",
				  .after = where,
				  .origin = f ? "no record" : "no file"});
	return CYRE_OK;
}

struct cyre_plan_file *cyre_plan_add_file(
	struct cyre_plan_work *w, enum cyre_file file)
{
	struct cyre_plan_file *f = &w->plan->files[w->plan->n_files++];

	*f = (struct cyre_plan_file){.file = file};
	return f;
}

/* Index versions and the releases that write them by themselves (index.md 1):
 * from the first to the newest. */
static const struct {
	unsigned version;
	const char *first, *newest;
} writers[] = {
	{4, "2.1", "2.1"},
	{6, "2.1.16", "2.2"},
	{7, "2.3", "2.3"},
	{8, "2.3.4", "2.3.4"},
	{9, "2.3.7", "2.3.7"},
	{10, "2.3.10", "2.3.16"},
	{12, "2.4", "2.4"},
	{13, "2.5", "3.0"},
	{16, "3.2", "3.2"},
	{17, "3.4", "3.8"},
	{19, "3.10", "3.12"},
	{20, "3.13", "3.13"},
};

#define N_WRITERS (sizeof(writers) / sizeof(*writers))

static const char *newest_release(unsigned version)
{
	size_t i;

	for (i = 0; i + 1 < N_WRITERS && version > writers[i].version; i++)
		;
	return writers[i].newest;
}

unsigned cyre_plan_version_of(const char *release)
{
	size_t i;

	for (i = N_WRITERS - 1; i && strverscmp(release, writers[i].first) < 0;
		i--)
		;
	return writers[i].version;
}

/*
 * --as-release, else what the records that are left show, else the neighbours;
 * a cache version no release wrote is as good as none.
 */
const struct cyre_mail_behaviour *cyre_plan_behaviour(
	const struct cyre_plan_work *w)
{
	const struct cyre_mail_behaviour *b = NULL;
	uint64_t version = 0;
	size_t i;

	if (w->policy->release)
		return cyre_mail_behaviour(w->policy->release);
	for (i = 0; i < w->n; i++)
		if (!w->records[i].derive &&
			w->records[i].r.cache_version > version &&
			cyre_mail_behaviour_of_record(
				(unsigned)w->records[i].r.cache_version, w->to))
			version = w->records[i].r.cache_version;
	if (version || w->to < 6)
		b = cyre_mail_behaviour_of_record((unsigned)version, w->to);
	if (!b && w->hints->cache_version)
		b = cyre_mail_behaviour_of_record(
			w->hints->cache_version, w->to);
	return b ? b : cyre_mail_behaviour(newest_release(w->to));
}

/* Files of deleted messages are no problem; with these policies they are work. */
static bool orphans_to_do(const struct cyre_plan_work *w)
{
	static const enum cyre_problem orphans[] = {CYRE_P_MESSAGE_FILE_LEFT,
		CYRE_P_MESSAGE_NO_RECORD, CYRE_PROBLEM_COUNT};
	const enum cyre_problem *p;

	if (w->policy->orphans != CYRE_ORPHANS_ADOPT &&
		w->policy->orphans != CYRE_ORPHANS_QUARANTINE)
		return false;
	for (p = orphans; *p != CYRE_PROBLEM_COUNT; p++)
		if (w->found->count[*p] &&
			(!w->policy->only || w->policy->only[*p]))
			return true;
	return false;
}

/* What can be set right in the files of this mailbox. */
static bool anything_to_do(const struct cyre_plan_work *w)
{
	static const enum cyre_problem others[] = {CYRE_P_EMPTY_MAILBOX_DIR,
		CYRE_P_ENTRY_EMPTY_DIR, CYRE_P_SPOOL_WITHOUT_META,
		CYRE_P_ARCHIVE_WITHOUT_META, CYRE_P_UNIQUEID_MISFILED,
		CYRE_P_NOT_REGULAR, CYRE_PROBLEM_COUNT};

	return orphans_to_do(w) || w->j->header_foreign ||
	       cyre_plan_annotations_damaged(w) || cyre_plan_family(w, "HD-") ||
	       cyre_plan_family(w, "IX-") || cyre_plan_family(w, "EX-") ||
	       cyre_plan_family(w, "CA-") || cyre_plan_has(w, others) ||
	       cyre_plan_recharges(w) ||
	       (w->policy->index_version && w->j->index_read &&
		       w->policy->index_version != w->j->index.layout->version);
}

/* What cannot be read now must not be replaced: it may be there tomorrow. */
static bool anything_unreadable(const struct cyre_plan_work *w)
{
	bool others_go = cyre_plan_wants(w, CYRE_P_NOT_REGULAR);
	int i;

	for (i = 0; i < CYRE_FILE_COUNT; i++)
		if (w->ev->meta[i].state == CYRE_ENTRY_BROKEN ||
			(w->ev->meta[i].state == CYRE_ENTRY_OTHER &&
				!others_go))
			return true;
	return w->found->count[CYRE_P_DIRECTORY_UNREADABLE] != 0;
}

/* What is no file, in the place of one. */
static cyre_status move_others(struct cyre_plan_work *w)
{
	cyre_status st = CYRE_OK;
	int i;

	for (i = 0; st == CYRE_OK && i < CYRE_FILE_COUNT; i++)
		if (w->ev->meta[i].state == CYRE_ENTRY_OTHER)
			st = cyre_plan_add_move(w, (enum cyre_file)i, NULL);
	return st;
}

static void drop_unchanged(struct cyre_plan_work *w)
{
	struct cyre_plan *p = w->plan;
	size_t i, n = 0;

	for (i = 0; i < p->n_files; i++) {
		struct cyre_plan_file *f = &p->files[i];
		const struct cyre_metafile *old = &w->ev->meta[f->file];
		bool there = old->state == CYRE_ENTRY_FILE;

		if (f->remove ? !there
			      : there && !old->view &&
					cyre_slice_eq(old->bytes,
						cyre_buf_slice(&f->bytes))) {
			cyre_buf_free(&f->bytes);
			continue;
		}
		p->files[n++] = *f;
	}
	p->n_files = n;
	p->needed = n || p->n_moves;
}

static void free_work(struct cyre_plan_work *w)
{
	if (w->salvaged)
		cyre_index_salvage_free(&w->salvage);
	cyre_header_salvage_free(&w->header_salvage);
	cyre_buf_free(&w->acl_kept);
	cyre_buf_free(&w->header_bytes);
	cyre_plan_shadows_free(w);
	free(w->records);
}

cyre_status cyre_plan_make(const struct cyre_evidence *ev,
	const struct cyre_judgement *j, const struct cyre_findings *found,
	const struct cyre_plan_policy *policy,
	const struct cyre_plan_hints *hints,
	const struct cyre_plan_reader *reader, struct cyre_plan *ret)
{
	struct cyre_plan_work w = {.ev = ev,
		.j = j,
		.found = found,
		.policy = policy,
		.hints = hints,
		.reader = reader,
		.plan = ret,
		.annotation_bytes = ev->meta[CYRE_FILE_ANNOTATIONS].bytes};
	cyre_status st;

	*ret = (struct cyre_plan){0};
	/* What is written in the wrong place is in the way of the right one;
	 * beside an index of another mailbox nothing can be set right. */
	if (!anything_to_do(&w) || found->count[CYRE_P_NAME_MISPLACED] ||
		(j->index_foreign &&
			!cyre_plan_wants(&w, CYRE_P_INDEX_FOREIGN)))
		return CYRE_OK;
	if (anything_unreadable(&w))
		return CYRE_EIO;
	st = move_others(&w);
	if (st == CYRE_OK)
		st = cyre_plan_records(&w);
	if (st == CYRE_OK)
		st = cyre_plan_outside(&w);
	if (st == CYRE_OK)
		st = cyre_plan_cache(&w);
	if (st == CYRE_OK)
		st = cyre_plan_header(&w);
	if (st == CYRE_OK)
		st = cyre_plan_annotations_mend(&w);
	if (st == CYRE_OK)
		st = cyre_plan_index(&w);
	if (st == CYRE_OK) {
		cyre_plan_tell(&w);
		cyre_plan_note_dropped(&w);
		drop_unchanged(&w);
	}
	free_work(&w);
	return st;
}

void cyre_plan_free(struct cyre_plan *p)
{
	size_t i;

	for (i = 0; i < p->n_files; i++)
		cyre_buf_free(&p->files[i].bytes);
	for (i = 0; i < p->n_repairs; i++) {
		free(p->repairs[i].before);
		free(p->repairs[i].after);
	}
	free(p->repairs);
	free(p->moves);
	*p = (struct cyre_plan){0};
}
