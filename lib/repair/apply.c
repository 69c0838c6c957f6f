/*
 * apply.c - a batch of mailboxes from check to done; see apply.h
 *
 * The order of everything, and why:
 *
 *  1. check	every input against its hash; new files are written beside the
 *		old ones (temporary names); nothing that counts has changed.
 *  2. archive	the originals, then sync: archive, new files.
 *  3. intent	into the journal, synced. From here a kill leaves traces.
 *  4. rename	aside, cache, expunge, header | index | removals, moves.
 *  5. sync	the directories; then the old files, until now under the
 *		temporary names, are unlinked.
 *  6. done	into the journal; the archive is settled.
 *
 * The index is the commit (docs/formats/index.md 3 and 12, header.md 5). It
 * holds what refers to the others: header_file_crc, the generation of the
 * cache, cache offsets, the bits that the header's flag names explain. It also
 * is the best evidence we have. So it goes last of the files we write: until it
 * is replaced, everything a plan can be made from again stands where it stood.
 * What can be seen after a kill in step 4, per mailbox:
 *
 *  - new cache, the rest old. Generations may differ: <= 2.3 refuses to open
 *    the mailbox, 2.4 and 2.5 rebuild the cache, 3.x reads the message where
 *    the CRC of a cache record does not fit. The cache holds nothing that is
 *    not in the messages, so a second run makes the same one again. (It must
 *    take the index's generation as the base for the next, not the cache's.)
 *  - new cache, expunge and header, old index. The flag names are a superset in
 *    the same slots, so that every bit means what it meant; header_file_crc
 *    does not fit, which 2.4 refuses and 2.5+ reports.
 *  - everything new, something to be removed still there (cyrus.expunge after a
 *    conversion, *.NEW). The index already has what was in it. Taking it away
 *    first would lose expunged records to a kill; the other order at worst
 *    leaves a record twice, where the index is right (index.md 10.2).
 *  - a file of a plan that is in place has the bytes of the plan; a second run
 *    of the same plan sees that it is done.
 *
 * A new plan of a mailbox in between would have less to go by than the first:
 * what only the old cache knew is gone with it. So a later run first puts such
 * mailboxes back, from the archive (half_done.h), and comes to the same result.
 *
 * Moves (message files to quarantine) come last of all: no state in between has
 * an index that counts on a file which is gone. Only what stands in the place of
 * a file that is to be written, and is none, goes aside before.
 *
 * A power cut is a kill plus the reordering of what was not synced. On one file
 * system renames reach the disk in the order they were made (they share its
 * log); where a mailbox is split over several, its directories are synced
 * before the index, and before the removals.
 *
 * Many mailboxes share the syncs: from SYNC_EACH files on a syncfs(2) of the
 * file systems is cheaper than one fsync a file; since Linux 5.8 it tells of
 * write errors as fsync does.
 */
#include "apply.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "changes.h"
#include "fail.h"
#include "step.h"
#include "undo_archive.h"

#define SYNC_EACH ((size_t)8)

struct batch {
	const struct cyre_apply_options *o;
	struct cyre_job *jobs;
	size_t n;
	struct cyre_opener opener;
	struct cyre_hasher *hasher;
	struct cyre_archive_out *archive;
	struct cyre_buf changes;
	struct cyre_journal_line *lines;
	bool whole; /* sync file systems, not files */
	struct cyre_error error;
};

static bool works(const struct cyre_job *job)
{
	return job->alive && job->n_todo;
}

static void drop(struct cyre_job *job)
{
	cyre_job_take_back(job);
	job->alive = false;
}

/* What hurts all: everything not yet settled goes back. */
static cyre_status drop_all(struct batch *b, cyre_status st)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (works(&b->jobs[i])) {
			cyre_job_fail(&b->jobs[i], NULL, st, &b->error);
			drop(&b->jobs[i]);
		}
	return st;
}

/* Calls `fn` for every job that has something to do; one that fails is taken
 * back and the others go on. */
static void each_job(struct batch *b, cyre_status (*fn)(struct cyre_job *job))
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (works(&b->jobs[i]) && fn(&b->jobs[i]) != CYRE_OK)
			drop(&b->jobs[i]);
}

static void check_all(struct batch *b, struct cyre_change_set *sets)
{
	size_t i, files = 0;

	for (i = 0; i < b->n; i++) {
		struct cyre_job *job = &b->jobs[i];

		if (cyre_job_open(job, &sets[i], &b->opener) != CYRE_OK ||
			cyre_job_check(job, b->hasher) != CYRE_OK)
			continue;
		files += job->n_writes;
	}
	b->whole = files > SYNC_EACH;
	for (i = 0; i < b->n; i++)
		if (works(&b->jobs[i]) &&
			cyre_job_prepare(&b->jobs[i], b->whole) != CYRE_OK)
			drop(&b->jobs[i]);
}

static bool any_works(const struct batch *b)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (works(&b->jobs[i]))
			return true;
	return false;
}

/* The original of one step. Other than CYRE_OK: the archive is broken. */
static cyre_status archive_step(
	struct batch *b, struct cyre_job *job, struct cyre_step *s)
{
	uint8_t sha[CYRE_SHA256_LEN];
	struct cyre_buf path = {0};
	cyre_status st;

	if (!s->todo || s->was.fd < 0)
		return CYRE_OK;
	cyre_put_place(&path, s->c->root, s->c->dir, s->c->name);
	cyre_put_u8(&path, 0);
	st = path.bad ? CYRE_ENOMEM
		      : cyre_archive_add(b->archive, (const char *)path.p,
				s->was.fd, s->was.size, sha, &b->error);
	cyre_buf_free(&path);
	if (st == CYRE_EBUSY || (st == CYRE_OK && memcmp(sha, s->now.sha256,
							  sizeof(sha)) != 0)) {
		cyre_job_fail(job, s, CYRE_EBUSY, NULL);
		st = CYRE_OK;
	}
	return st;
}

static struct cyre_done done_of(
	const struct cyre_job *job, const struct cyre_step *s)
{
	static const enum cyre_done_kind kinds[] = {
		[CYRE_CHANGE_WRITE] = CYRE_DONE_WRITE,
		[CYRE_CHANGE_REMOVE] = CYRE_DONE_REMOVE,
		[CYRE_CHANGE_MOVE] = CYRE_DONE_MOVE};
	const struct cyre_change *c = s->c;
	struct cyre_done d = {.kind = kinds[c->kind],
		.mboxname = job->set->mboxname,
		.apart = job->set->apart,
		.root = c->root,
		.dir = c->dir,
		.name = c->name,
		.before = s->now,
		.after = s->after};

	if (c->kind == CYRE_CHANGE_MOVE) {
		d.to_dir = c->to_dir;
		d.to_name = c->to_name;
	}
	return d;
}

static void list_changes(struct batch *b, const struct cyre_job *job)
{
	size_t i;

	for (i = 0; i < job->n_made; i++) {
		struct cyre_done d = {.kind = CYRE_DONE_MKDIR,
			.mboxname = job->set->mboxname,
			.apart = job->set->apart,
			.root = job->made[i].root,
			.dir = job->made[i].dir};

		cyre_changes_put(&b->changes, &d);
	}
	for (i = 0; i < job->n_steps; i++)
		if (job->steps[i].todo) {
			struct cyre_done d = done_of(job, &job->steps[i]);

			cyre_changes_put(&b->changes, &d);
		}
}

static cyre_status archive_all(struct batch *b)
{
	cyre_status st;
	size_t i, k;

	st = cyre_archive_begin(b->o->undo_dir, &b->error, &b->archive);
	cyre_changes_begin(&b->changes, b->o->run, b->o->root);
	for (i = 0; st == CYRE_OK && i < b->n; i++) {
		struct cyre_job *job = &b->jobs[i];

		if (!works(job))
			continue;
		for (k = 0; st == CYRE_OK && job->alive && k < job->n_steps;
			k++)
			st = archive_step(b, job, &job->steps[k]);
		if (st == CYRE_OK && job->alive)
			list_changes(b, job);
		else if (!job->alive)
			drop(job);
	}
	if (st == CYRE_OK && b->changes.bad)
		st = CYRE_ENOMEM;
	return st == CYRE_OK ? cyre_archive_finish(b->archive,
				       cyre_buf_slice(&b->changes), &b->error)
			     : st;
}

/* One syncfs for each file system the jobs have a directory on. */
static cyre_status sync_whole(struct batch *b)
{
	uint64_t seen[16];
	size_t i, k, m, n = 0;

	for (i = 0; i < b->n; i++)
		for (k = 0; works(&b->jobs[i]) && k < b->jobs[i].n_dirs; k++) {
			const struct cyre_job_dir *d = &b->jobs[i].dirs[k];

			for (m = 0; m < n && seen[m] != d->dev; m++)
				;
			if (d->fd < 0 || m < n)
				continue;
			if (syncfs(d->fd) < 0)
				return cyre_sys_fail(
					&b->error, "syncfs", d->root);
			if (n < sizeof(seen) / sizeof(*seen))
				seen[n++] = d->dev;
		}
	return CYRE_OK;
}

static cyre_status sync_files(struct batch *b)
{
	if (b->whole)
		return sync_whole(b);
	each_job(b, cyre_job_sync_files);
	return CYRE_OK;
}

static cyre_status sync_dirs(struct batch *b)
{
	if (b->whole)
		return sync_whole(b);
	each_job(b, cyre_job_sync_dirs);
	return CYRE_OK;
}

static cyre_status write_intents(struct batch *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->n; i++)
		if (works(&b->jobs[i]))
			b->lines[n++] = (struct cyre_journal_line){
				.state = CYRE_JOURNAL_INTENT,
				.mboxname = b->jobs[i].set->mboxname,
				.run = b->o->run,
				.archive = cyre_archive_name(b->archive)};
	return b->o->journal
		       ? cyre_journal_put(b->o->journal, b->lines, n, &b->error)
		       : CYRE_OK;
}

static cyre_status write_ends(struct batch *b)
{
	size_t i;

	for (i = 0; i < b->n; i++) {
		const struct cyre_change_set *set = b->jobs[i].set;
		bool ok = set->status == CYRE_OK;

		b->lines[i] = (struct cyre_journal_line){
			.state = ok ? CYRE_JOURNAL_DONE : CYRE_JOURNAL_FAILED,
			.mboxname = set->mboxname,
			.run = b->o->run,
			.changed = set->changed,
			.status = set->status,
			.error = &set->error};
	}
	return b->o->journal ? cyre_journal_put(
				       b->o->journal, b->lines, b->n, &b->error)
			     : CYRE_OK;
}

static cyre_status before_index(struct cyre_job *job)
{
	cyre_status st =
		cyre_job_perform(job, CYRE_RANK_ASIDE, CYRE_RANK_HEADER);

	return st == CYRE_OK && cyre_job_is_split(job) ? cyre_job_sync_dirs(job)
						       : st;
}

static cyre_status the_index(struct cyre_job *job)
{
	cyre_status st =
		cyre_job_perform(job, CYRE_RANK_INDEX, CYRE_RANK_INDEX);

	return st == CYRE_OK && cyre_job_is_split(job) ? cyre_job_sync_dirs(job)
						       : st;
}

static cyre_status after_index(struct cyre_job *job)
{
	return cyre_job_perform(job, CYRE_RANK_REMOVE, CYRE_RANK_MOVE);
}

static cyre_status replace_all(struct batch *b)
{
	cyre_status st;
	size_t i;

	each_job(b, before_index);
	each_job(b, the_index);
	each_job(b, after_index);
	st = sync_dirs(b);
	if (st != CYRE_OK)
		return drop_all(b, st);
	/* What is left to do cannot be taken back, nor need it be. */
	for (i = 0; i < b->n; i++)
		if (works(&b->jobs[i]))
			cyre_job_finish(&b->jobs[i]);
	return CYRE_OK;
}

static cyre_status run(struct batch *b, struct cyre_change_set *sets)
{
	cyre_status st = CYRE_OK;
	bool any = false;
	size_t i;

	check_all(b, sets);
	if (any_works(b)) {
		st = archive_all(b);
		if (st == CYRE_OK)
			st = sync_files(b);
		if (st == CYRE_OK)
			st = write_intents(b);
		st = st == CYRE_OK ? replace_all(b) : drop_all(b, st);
	}
	for (i = 0; i < b->n; i++)
		any |= b->jobs[i].set->changed;
	/* Nobody needs an archive of what is still there. */
	if (b->archive && !any)
		cyre_archive_discard(b->archive);
	return st;
}

/* After the closing lines. What failed half-way is for the next run to find. */
static void settle(struct batch *b)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (b->jobs[i].set->status != CYRE_OK &&
			b->jobs[i].set->changed)
			return;
	if (b->archive)
		cyre_archive_settle(b->archive);
}

cyre_status cyre_apply(const struct cyre_apply_options *o,
	struct cyre_change_set *sets, size_t n, struct cyre_error *reterr)
{
	struct batch b = {.o = o, .n = n};
	cyre_status st, ends;
	size_t i;

	if (n == 0)
		return CYRE_OK;
	b.jobs = calloc(n, sizeof(*b.jobs));
	b.lines = calloc(n, sizeof(*b.lines));
	st = b.jobs && b.lines ? cyre_hasher_new(&b.hasher) : CYRE_ENOMEM;
	if (st != CYRE_OK) {
		for (i = 0; i < n; i++)
			sets[i].status = st;
		goto out;
	}
	st = run(&b, sets);
	ends = write_ends(&b);
	settle(&b);
	if (st == CYRE_OK)
		st = ends;
	if (st != CYRE_OK && reterr)
		*reterr = b.error;
	for (i = 0; i < n; i++)
		cyre_job_close(&b.jobs[i]);
out:
	cyre_archive_end(b.archive);
	cyre_hasher_free(b.hasher);
	cyre_buf_free(&b.changes);
	free(b.lines);
	free(b.jobs);
	return st;
}
