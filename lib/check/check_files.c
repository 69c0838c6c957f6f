/*
 * check_files.c - does every record have its file, every file its record?
 *
 * Reads records and the listing of a mailbox, adds findings. Does not look into
 * messages and knows no directory.
 *
 * Rules: docs/formats/index.md section 10 (which file must exist), invariants
 * 11, 19, 20, 29, 37; docs/design.md section 5 (orphans).
 */
#include "check_files.h"

#include <stdlib.h>

struct match {
	const struct cyre_files_context *ctx;
	struct cyre_findings *found;
	struct cyre_files_totals *sum;
	uint8_t *claimed; /* one bit a file: some record speaks of it */
	size_t hint;      /* records and files mostly ascend together */
};

static void note(struct match *m, enum cyre_problem p, uint32_t uid,
	uint64_t expected, uint64_t actual, const char *text)
{
	CYRE_FIND(m->found, .problem = p, .file = CYRE_FILE_MESSAGE, .uid = uid,
		.expected = expected, .actual = actual, .text = text);
}

/* The files of one uid: none, one, or one on each side. */
static size_t find_files(struct match *m, uint64_t uid, size_t *ret)
{
	const struct cyre_msgfile *f = m->ctx->files;
	size_t i = m->hint, n = 0;

	if (i >= m->ctx->nfiles || f[i].uid != uid)
		i = cyre_msgfile_seek(f, m->ctx->nfiles, uid);
	while (i + n < m->ctx->nfiles && f[i + n].uid == uid)
		n++;
	*ret = i;
	m->hint = i + n;
	return n;
}

static void claim(struct match *m, size_t i, size_t n)
{
	for (; n; n--, i++)
		m->claimed[i / 8] |= (uint8_t)(1u << i % 8);
}

static bool claimed(const struct match *m, size_t i)
{
	return m->claimed[i / 8] >> i % 8 & 1;
}

/* The record of an expunged message whose file the server was to remove. */
static void check_unlinked(
	struct match *m, const struct cyre_index_record *r, size_t n)
{
	uint64_t pending = CYRE_OPT_NEEDS_UNLINK | CYRE_OPT_NEEDS_REPACK;

	if (n && !(m->ctx->index->h.options & pending))
		note(m, CYRE_P_INDEX_CLEANUP, (uint32_t)r->uid, 0, 0, NULL);
}

/* Of two copies the flag decides which is used (index.md 10.4). */
static const struct cyre_msgfile *pick_side(
	struct match *m, const struct cyre_index_record *r, size_t i, size_t n)
{
	const struct cyre_msgfile *f = m->ctx->files;
	uint8_t side = r->system_flags & CYRE_FLAG_ARCHIVED ? CYRE_SIDE_ARCHIVE
							    : CYRE_SIDE_SPOOL;
	size_t k;

	if (!m->ctx->has_archive)
		return &f[i];
	for (k = i; k < i + n; k++)
		if (f[k].side == side)
			return &f[k];
	note(m, CYRE_P_INDEX_ARCHIVED_SPOOL, (uint32_t)r->uid, 0, 0,
		side == CYRE_SIDE_ARCHIVE ? "archive" : "spool");
	return &f[i];
}

static void check_file(struct match *m, const struct cyre_index_record *r,
	const struct cyre_msgfile *f)
{
	if (f->state != CYRE_ENTRY_FILE)
		return; /* gather has said what stands there */
	if (f->size == 0)
		note(m, CYRE_P_MESSAGE_EMPTY, f->uid, r->size, 0, NULL);
	else if (f->size != r->size)
		note(m, CYRE_P_MESSAGE_SIZE, f->uid, r->size, f->size, NULL);
	if (!(r->system_flags & CYRE_FLAG_EXPUNGED))
		m->sum->bytes += f->size;
}

static void check_record(struct match *m, const struct cyre_index_record *r)
{
	size_t i, n = find_files(m, r->uid, &i);

	claim(m, i, n);
	if (r->system_flags & CYRE_FLAG_UNLINKED) {
		check_unlinked(m, r, n);
	} else if (n) {
		check_file(m, r, pick_side(m, r, i, n));
	} else if (r->system_flags & CYRE_FLAG_EXPUNGED) {
		note(m, CYRE_P_EXPUNGE_FILE_MISSING, (uint32_t)r->uid, 0, 0,
			NULL);
	} else {
		m->sum->missing++;
		note(m, CYRE_P_MESSAGE_FILE_MISSING, (uint32_t)r->uid, r->size,
			0, NULL);
	}
}

/* A record of cyrus.expunge: its file stays until cyr_expire (index.md 10.2) */
static void check_expunged(struct match *m, const struct cyre_index_record *r)
{
	size_t i, n = find_files(m, r->uid, &i);

	if (!n) {
		note(m, CYRE_P_EXPUNGE_FILE_MISSING, (uint32_t)r->uid, 0, 0,
			NULL);
	} else if (claimed(m, i)) {
		CYRE_FIND(m->found, .problem = CYRE_P_EXPUNGE_IN_INDEX,
			.file = CYRE_FILE_EXPUNGE, .uid = (uint32_t)r->uid);
	} else {
		claim(m, i, n);
		check_file(m, r, &m->ctx->files[i]);
	}
}

static void each_record(struct match *m, const struct cyre_index *ix,
	void (*check)(struct match *, const struct cyre_index_record *))
{
	struct cyre_index_record r;
	uint32_t recno;

	for (recno = 1; recno <= ix->count + ix->uncommitted; recno++)
		if (cyre_index_decode(ix, cyre_index_bytes(ix, recno), &r) &&
			r.uid && r.uid <= UINT32_MAX)
			check(m, &r);
}

/*
 * A file no record speaks of. Deleted mail must not come back: below last_uid
 * of a whole index it was expunged; else its record can have been lost.
 */
static void check_orphans(struct match *m)
{
	const struct cyre_files_context *c = m->ctx;
	size_t i;

	for (i = 0; i < c->nfiles; i++) {
		const struct cyre_msgfile *f = &c->files[i];

		if (claimed(m, i))
			continue;
		if (f->state == CYRE_ENTRY_FILE && f->size == 0)
			note(m, CYRE_P_MESSAGE_EMPTY, f->uid, 0, 0, NULL);
		if (c->index && c->index_whole &&
			f->uid <= c->index->h.last_uid) {
			note(m, CYRE_P_MESSAGE_FILE_LEFT, f->uid, 0, 0, NULL);
			continue;
		}
		m->sum->orphans++;
		/* Without an index one finding speaks of them all. */
		if (c->index)
			note(m, CYRE_P_MESSAGE_NO_RECORD, f->uid, 0, f->size,
				NULL);
	}
}

cyre_status cyre_check_files(const struct cyre_files_context *ctx,
	struct cyre_findings *found, struct cyre_files_totals *ret)
{
	struct match m = {.ctx = ctx, .found = found, .sum = ret};

	*ret = (struct cyre_files_totals){0};
	m.claimed = calloc(ctx->nfiles / 8 + 1, 1);
	if (!m.claimed)
		return CYRE_ENOMEM;
	if (ctx->index)
		each_record(&m, ctx->index, check_record);
	m.hint = 0;
	if (ctx->expunge)
		each_record(&m, ctx->expunge, check_expunged);
	check_orphans(&m);
	free(m.claimed);
	return CYRE_OK;
}
