/*
 * judge.c - the checks of one mailbox in their order
 *
 * header -> index -> expunge -> files -> cache: each uses what the one before
 * could read, and goes on with less when that was little. Adds findings only;
 * opens nothing.
 */
#include "judge.h"

#include "check_annotations.h"
#include "check_foreign.h"
#include "check_header.h"
#include "digest.h"

struct court {
	const struct cyre_evidence *ev;
	const struct cyre_judge_options *o;
	struct cyre_findings *found;
	struct cyre_judgement *j;
};

static bool present(const struct court *c, enum cyre_file which)
{
	return c->ev->meta[which].state != CYRE_ENTRY_ABSENT;
}

static bool readable(const struct court *c, enum cyre_file which)
{
	return c->ev->meta[which].state == CYRE_ENTRY_FILE;
}

/* What is not there at all. One finding when both are gone. */
static void judge_presence(struct court *c)
{
	bool header = present(c, CYRE_FILE_HEADER);
	bool index = present(c, CYRE_FILE_INDEX);

	if (c->o->absent)
		return;
	if (!header && !index) {
		CYRE_FIND(c->found, .problem = CYRE_P_EMPTY_MAILBOX_DIR,
			.file = CYRE_FILE_DIRECTORY, .actual = c->ev->nfiles);
		return;
	}
	if (!header)
		CYRE_FIND(c->found, .problem = CYRE_P_HEADER_MISSING,
			.file = CYRE_FILE_HEADER);
	if (!index)
		CYRE_FIND(c->found, .problem = CYRE_P_INDEX_MISSING,
			.file = CYRE_FILE_INDEX);
}

static cyre_status judge_header(struct court *c)
{
	struct cyre_header *h = &c->j->header;
	struct cyre_header_context ctx = {.file = CYRE_FILE_HEADER,
		.mboxname = cyre_slice_text(c->ev->mboxname)};
	struct cyre_slice id = cyre_slice_text(c->ev->path_uniqueid);
	cyre_status st;

	if (!readable(c, CYRE_FILE_HEADER))
		return CYRE_OK;
	st = cyre_header_read(c->ev->meta[CYRE_FILE_HEADER].bytes,
		CYRE_FILE_HEADER, c->found, h);
	if (st != CYRE_OK)
		return st;
	c->j->header_read = true;
	cyre_check_header(h, &ctx, c->found);
	if (id.n && h->uniqueid.n && !cyre_slice_eq(id, h->uniqueid))
		CYRE_FIND(c->found, .problem = CYRE_P_UNIQUEID_MISFILED,
			.file = CYRE_FILE_HEADER, .text = c->ev->path_uniqueid);
	return CYRE_OK;
}

static struct cyre_index_context index_context(const struct court *c)
{
	const struct cyre_header *h = &c->j->header;

	return (struct cyre_index_context){
		.now = c->o->now,
		.header_known = c->j->header_read && h->magic_ok,
		.header_crc = cyre_crc32(h->bytes),
		.flag_names = h->flags,
		.flag_count = h->nflags,
	};
}

/*
 * Can a file's record have been lost from this index? Asked before the expunge
 * file is read, whose findings have the same codes.
 */
static bool index_is_whole(const struct court *c)
{
	const uint64_t *n = c->found->count;

	return c->j->totals.broken == 0 && !n[CYRE_P_INDEX_TRUNCATED] &&
	       !n[CYRE_P_INDEX_HEADER_CRC] && !n[CYRE_P_INDEX_SIZES];
}

static void judge_index(struct court *c)
{
	struct cyre_index_context ctx = index_context(c);
	struct cyre_judgement *j = c->j;

	if (!readable(c, CYRE_FILE_INDEX) ||
		cyre_index_read(c->ev->meta[CYRE_FILE_INDEX].bytes,
			CYRE_FILE_INDEX, c->found, &j->index) != CYRE_OK)
		return;
	j->index_read = true;
	cyre_check_index(&j->index, &ctx, c->found, &j->totals);
	j->index_whole = index_is_whole(c);
}

/* A 2.3 server's file of expunged messages (index.md 10.2). */
static void judge_expunge(struct court *c)
{
	const struct cyre_metafile *m = &c->ev->meta[CYRE_FILE_EXPUNGE];
	struct cyre_index_context ctx = index_context(c);
	struct cyre_index_totals totals;
	struct cyre_judgement *j = c->j;

	/* Empty: nothing was expunged. */
	if (!readable(c, CYRE_FILE_EXPUNGE) || m->bytes.n == 0)
		return;
	if (cyre_index_read(m->bytes, CYRE_FILE_EXPUNGE, c->found,
		    &j->expunge) != CYRE_OK)
		return;
	j->expunge_read = true;
	cyre_check_expunge(&j->expunge, &ctx, c->found, &totals);
	if (j->index_read && j->index.layout->version >= 12)
		CYRE_FIND(c->found, .problem = CYRE_P_EXPUNGE_STALE,
			.file = CYRE_FILE_EXPUNGE,
			.actual = j->index.layout->version);
}

bool cyre_judge_is_hurt(const struct cyre_findings *found, enum cyre_problem p,
	const char *family)
{
	const struct cyre_problem_row *row = cyre_problem_row(p);

	return found->count[p] && row->severity > CYRE_SEV_NOTE &&
	       strncmp(row->id, family, strlen(family)) == 0;
}

/* No damage that a rebuild would mend; its bytes are what a server wrote. A
 * quota root that is not above this mailbox may well be above another. */
static bool header_is_sound(const struct court *c)
{
	int p;

	for (p = 0; p < CYRE_PROBLEM_COUNT; p++)
		if (p != CYRE_P_HEADER_QUOTAROOT &&
			cyre_judge_is_hurt(
				c->found, (enum cyre_problem)p, "HD-"))
			return false;
	return c->j->header_read && c->j->header.magic_ok;
}

/*
 * A header of 3.6 and later says whose it is twice: where neither its uniqueid
 * nor its name is this mailbox's, all that it says is another one's. Where only
 * mailboxes.db says what they should be, that may be the older of the two: then
 * the index goes with the header.
 */
static bool header_names_another(
	const struct court *c, const struct cyre_foreign_context *ctx)
{
	const struct cyre_header *h = ctx->header;
	struct cyre_slice name = cyre_slice_text(c->ev->mboxname);

	if (!ctx->path_uniqueid.n &&
		(!c->j->index_read || !cyre_index_has_crc(ctx->index->layout) ||
			!c->found->count[CYRE_P_INDEX_HEADER_FILE_CRC]))
		return false;
	if (!name.n)
		name = c->o->listed_name;
	return h && cyre_header_is_foreign(ctx) && name.n && h->name.n &&
	       !cyre_slice_eq(name, h->name);
}

/* What was said of an index of another mailbox before that was known: each
 * follows from it. */
static void judge_foreign(struct court *c)
{
	static const enum cyre_problem follow[] = {CYRE_P_MESSAGE_GUID,
		CYRE_P_CACHE_STALE, CYRE_P_CACHE_OLD_FORM,
		CYRE_P_INDEX_HEADER_FILE_CRC, CYRE_P_INDEX_FLAG_UNNAMED,
		CYRE_P_INDEX_SYNC_CRC, CYRE_P_ENTRY_UIDVALIDITY_DISAGREES};
	struct cyre_judgement *j = c->j;
	struct cyre_foreign_context ctx = {
		.index = &j->index,
		.files = c->ev->files,
		.nfiles = c->ev->nfiles,
		.header = header_is_sound(c) ? &j->header : NULL,
		.path_uniqueid = cyre_slice_text(c->ev->path_uniqueid),
		.listed_uniqueid = c->o->listed_uniqueid,
		.listed_uidvalidity = c->o->listed_uidvalidity,
	};
	size_t i;

	j->header_foreign = header_names_another(c, &ctx);
	if (!j->index_read || !cyre_check_foreign(&ctx, c->found))
		return;
	j->index_foreign = true;
	j->header_foreign = cyre_header_is_foreign(&ctx);
	j->index_read = j->index_whole = false;
	for (i = 0; i < sizeof(follow) / sizeof(*follow); i++)
		cyre_findings_drop(c->found, follow[i]);
}

static cyre_status judge_files(struct court *c)
{
	struct cyre_judgement *j = c->j;
	struct cyre_files_context ctx = {
		.index = j->index_read ? &j->index : NULL,
		.expunge = j->expunge_read ? &j->expunge : NULL,
		.files = c->ev->files,
		.nfiles = c->ev->nfiles,
		.has_archive = c->ev->has_archive,
		.index_whole = j->index_whole,
	};

	return cyre_check_files(&ctx, c->found, &j->files);
}

/*
 * One of the two caches. Without a file nothing is said when nothing was ever
 * cached: a mailbox that never had a message has none (index.md 3).
 */
static cyre_status judge_cache(struct court *c, enum cyre_msg_side side)
{
	enum cyre_file which = side == CYRE_SIDE_ARCHIVE
				       ? CYRE_FILE_ARCHIVE_CACHE
				       : CYRE_FILE_CACHE;
	const struct cyre_metafile *m = &c->ev->meta[which];
	struct cyre_judgement *j = c->j;
	struct cyre_cache_context ctx = {
		.file = which,
		.index = &j->index,
		.expunge = j->expunge_read ? &j->expunge : NULL,
		.has_archive = c->ev->has_archive_cache,
		.archived = side == CYRE_SIDE_ARCHIVE,
		.files_known = true,
		.files = c->ev->files,
		.nfiles = c->ev->nfiles,
		.deep = c->o->level > 3,
	};
	cyre_status st;

	if (!j->index_read)
		return CYRE_OK;
	if (m->view) {
		st = cyre_check_cache(m->view, &ctx, c->found, &j->cache[side]);
		if (st == CYRE_EIO)
			CYRE_FIND(c->found, .problem = CYRE_P_FILE_UNREADABLE,
				.file = which, .text = "input/output error");
		return st == CYRE_EIO ? CYRE_OK : st;
	}
	if (m->state == CYRE_ENTRY_ABSENT && cyre_cache_wanted(&ctx))
		CYRE_FIND(c->found, .problem = CYRE_P_CACHE_MISSING,
			.file = which);
	return CYRE_OK;
}

static cyre_status judge_annotations(struct court *c)
{
	const struct cyre_metafile *m = &c->ev->meta[CYRE_FILE_ANNOTATIONS];

	/* What is there and cannot be read says nothing of the sums. */
	if (m->state != CYRE_ENTRY_ABSENT && m->state != CYRE_ENTRY_FILE)
		return CYRE_OK;
	return cyre_check_annotations(c->j->index_read ? &c->j->index : NULL,
		&c->j->totals, m->bytes, cyre_slice_text(c->ev->userid),
		c->found);
}

/* Without these the server does not open a mailbox, in any release. */
static const enum cyre_problem closing[] = {CYRE_P_EMPTY_MAILBOX_DIR,
	CYRE_P_SPOOL_WITHOUT_META, CYRE_P_NAME_MISPLACED, CYRE_P_HEADER_MISSING,
	CYRE_P_HEADER_MAGIC, CYRE_P_HEADER_EMPTY, CYRE_P_HEADER_NUL,
	CYRE_P_HEADER_TRUNCATED, CYRE_P_HEADER_SYNTAX, CYRE_P_HEADER_LITERAL,
	CYRE_P_INDEX_MISSING, CYRE_P_INDEX_SHORT, CYRE_P_INDEX_HEADER_ZEROED,
	CYRE_P_INDEX_VERSION, CYRE_P_INDEX_SIZES, CYRE_P_INDEX_TRUNCATED,
	CYRE_P_INDEX_HEADER_CRC, CYRE_P_DIR_NO_ENTRY, CYRE_P_ENTRY_NO_DIR,
	CYRE_P_ENTRY_EMPTY_DIR, CYRE_P_ENTRY_PARTITION};

static bool closes_by_damage(const struct cyre_finding *f)
{
	/* It has the codes of the index, and is read by nobody who opens a
	 * mailbox. */
	if (f->file == CYRE_FILE_EXPUNGE)
		return false;
	for (size_t i = 0; i < sizeof(closing) / sizeof(*closing); i++)
		if (f->problem == closing[i])
			return true;
	return false;
}

/* Nor when it cannot read one of the two files it always reads. */
static bool closes_by_rights(const struct cyre_finding *f)
{
	switch (f->file) {
	case CYRE_FILE_HEADER:
	case CYRE_FILE_INDEX:
	case CYRE_FILE_DIRECTORY:
		break;
	default:
		return false;
	}
	return f->problem == CYRE_P_FILE_UNREADABLE ||
	       f->problem == CYRE_P_DIRECTORY_UNREADABLE ||
	       f->problem == CYRE_P_NOT_REGULAR ||
	       f->problem == CYRE_P_WRONG_OWNER ||
	       f->problem == CYRE_P_WRONG_MODE;
}

void cyre_judge_access(
	const struct cyre_findings *found, struct cyre_judgement *j)
{
	int p;

	for (size_t i = 0; i < found->n; i++)
		j->unavailable |= closes_by_rights(&found->items[i]) ||
				  closes_by_damage(&found->items[i]);

	/* Only 2.4 insists on this one (header.md 5). */
	if (j->index_read && j->index.layout->version == 12)
		j->unavailable |=
			found->count[CYRE_P_INDEX_HEADER_FILE_CRC] != 0;
	for (p = 0; p < CYRE_PROBLEM_COUNT; p++)
		j->degraded |=
			found->count[p] &&
			cyre_problem_row((enum cyre_problem)p)->severity >=
				CYRE_SEV_DAMAGE;
	j->delivery_blocked = j->unavailable;
}

cyre_status cyre_judge_metadata(const struct cyre_evidence *ev,
	const struct cyre_judge_options *o, struct cyre_findings *found,
	struct cyre_judgement *ret)
{
	struct court c = {.ev = ev, .o = o, .found = found, .j = ret};
	cyre_status st;

	*ret = (struct cyre_judgement){0};
	judge_presence(&c);
	if (o->level < 2)
		return CYRE_OK;
	st = judge_header(&c);
	if (st != CYRE_OK)
		return st;
	judge_index(&c);
	judge_expunge(&c);
	return CYRE_OK;
}

cyre_status cyre_judge_files(const struct cyre_evidence *ev,
	const struct cyre_judge_options *o, struct cyre_findings *found,
	struct cyre_judgement *j)
{
	struct court c = {.ev = ev, .o = o, .found = found, .j = j};
	cyre_status st;

	if (o->level < 2)
		return CYRE_OK;
	if (o->level >= 3)
		judge_foreign(&c);
	st = judge_files(&c);
	if (st == CYRE_OK && o->level >= 3)
		st = judge_annotations(&c);
	if (st == CYRE_OK && o->level >= 3)
		st = judge_cache(&c, CYRE_SIDE_SPOOL);
	if (st == CYRE_OK && o->level >= 3 && ev->has_archive_cache)
		st = judge_cache(&c, CYRE_SIDE_ARCHIVE);
	return st;
}

void cyre_judgement_free(struct cyre_judgement *j)
{
	if (j->header_read)
		cyre_header_free(&j->header);
	j->header_read = false;
}
