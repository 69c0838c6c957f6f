/*
 * messages.c - each message read, hashed, and at level 5 parsed and held
 * against its record in the cache
 *
 * A mailbox is read in ranges of its files, one after the other or side by
 * side; what is found is put together in their order. In a range some messages
 * are read and parsed, then hashed together, then looked at.
 *
 * Format: docs/formats/cache.md. Which release wrote a record
 * is known by its cache version and the version of the index, or not quite:
 * where several behaviours share a cache version and the index was converted
 * since, any of them may have written it.
 */
#include "messages.h"

#include <stdlib.h>

#include "check_messages.h"
#include "pool.h"

#define RANGE 1024 /* messages */

/* A message that was read, and waits for its SHA-1. */
struct message {
	uint32_t uid;
	bool has_record, parsed;
	struct cyre_index_record rec;
	struct cyre_slice bytes;
	size_t made; /* where in w->records its cache record stands */
	struct cyre_mail_facts facts;
};

struct reading {
	const struct cyre_run *r;
	struct cyre_worker *w; /* whose buffers are used */
	const struct cyre_judgement *j;
	struct cyre_findings *found;
	struct message waiting[CYRE_GATHER_HELD];
	size_t n;
};

/* Of the releases whose records came out in more than one way. */
static bool wrote_old_forms(unsigned cache_version, unsigned index_version)
{
	return cache_version < 3 || (cache_version == 3 && index_version < 13);
}

/* Where the cache record of a message begins; false: there is none. */
static bool locate_cached(const struct reading *rd,
	const struct cyre_index_record *rec, enum cyre_file *ret_file,
	uint64_t *ret_off)
{
	const struct cyre_evidence *ev = &rd->w->gatherer.ev;
	const struct cyre_source *src;

	*ret_off = cyre_cache_offset(
		(uint32_t)rec->cache_offset, (uint32_t)rec->cache_version);
	*ret_file =
		ev->has_archive_cache && rec->system_flags & CYRE_FLAG_ARCHIVED
			? CYRE_FILE_ARCHIVE_CACHE
			: CYRE_FILE_CACHE;
	src = ev->meta[*ret_file].view;
	return src && *ret_off >= CYRE_CACHE_FIRST && *ret_off < src->size;
}

/* False: there is none to measure. */
static bool find_cached(const struct reading *rd,
	const struct cyre_index_record *rec, enum cyre_file *ret_file,
	struct cyre_cache_record *ret)
{
	uint64_t off, need = 4096, asked;
	struct cyre_slice s;

	if (!locate_cached(rd, rec, ret_file, &off))
		return false;
	while (need) {
		asked = need;
		if (need > CYRE_CACHE_RECORD_MAX ||
			cyre_view(rd->w->gatherer.ev.meta[*ret_file].view, off,
				(size_t)need, &s) != CYRE_OK)
			return false;
		need = cyre_cache_measure(s, ret);
		if (need && s.n < asked)
			return false;
	}
	return true;
}

static const struct cyre_mail_behaviour *behaviour_of(
	const struct reading *rd, const struct cyre_index_record *rec)
{
	return cyre_mail_behaviour_of_record(
		cyre_cache_version((uint32_t)rec->cache_version),
		rd->j->index.layout->version);
}

/* The record as `b` makes it, in the worker's scratch. */
static cyre_status make(struct reading *rd, const struct cyre_mail_behaviour *b,
	struct cyre_slice bytes, struct cyre_mail_facts *facts,
	struct cyre_cache_record *ret)
{
	cyre_mail_parser *parser;
	cyre_status st = cyre_parsers_get(&rd->w->parsers, b, &parser);

	cyre_buf_reset(&rd->w->scratch);
	if (st == CYRE_OK)
		st = cyre_mail_parse(parser, bytes, &rd->w->scratch, facts);
	if (st == CYRE_OK &&
		cyre_cache_measure(cyre_buf_slice(&rd->w->scratch), ret))
		st = CYRE_EFORMAT;
	return st;
}

/* Did another release of this cache version write it? Then *d says how well. */
static cyre_status try_others(struct reading *rd, unsigned version,
	struct cyre_slice bytes, const struct cyre_cache_record *is, bool old,
	struct cyre_cache_difference *d)
{
	const struct cyre_mail_behaviour *b = NULL;
	struct cyre_cache_difference other;
	struct cyre_cache_record made;
	struct cyre_mail_facts facts;
	cyre_status st;

	while (d->differ && (b = cyre_mail_behaviour_after(b))) {
		if (cyre_mail_cache_version(b) != version)
			continue;
		st = make(rd, b, bytes, &facts, &made);
		if (st == CYRE_ENOMEM)
			return st;
		if (st != CYRE_OK)
			continue;
		other = cyre_cache_compare(is, &made, old);
		if (!other.differ)
			*d = other;
	}
	return CYRE_OK;
}

/* Makes the record anew that the message has in the cache, if it has one. */
static cyre_status parse(struct reading *rd, struct message *m)
{
	const struct cyre_mail_behaviour *b = behaviour_of(rd, &m->rec);
	cyre_mail_parser *parser;
	enum cyre_file file;
	cyre_status st;
	uint64_t off;

	if (!b || !m->bytes.n || !locate_cached(rd, &m->rec, &file, &off))
		return CYRE_OK;
	m->made = rd->w->records.n;
	st = cyre_parsers_get(&rd->w->parsers, b, &parser);
	if (st == CYRE_OK)
		st = cyre_mail_parse_later(parser, rd->w->later, m->bytes,
			&rd->w->records, &m->facts);
	m->parsed = st == CYRE_OK;
	if (st == CYRE_ELIMIT)
		CYRE_FIND(rd->found, .problem = CYRE_P_MESSAGE_NOT_COMPARED,
			.file = CYRE_FILE_MESSAGE, .uid = (uint32_t)m->rec.uid);
	return st == CYRE_ENOMEM ? st : CYRE_OK;
}

static cyre_status compare(struct reading *rd, struct message *m)
{
	const struct cyre_index *ix = &rd->j->index;
	unsigned version = cyre_cache_version((uint32_t)m->rec.cache_version);
	bool old = wrote_old_forms(version, ix->layout->version), sound;
	struct cyre_slice bytes =
		cyre_slice(rd->w->records.p + m->made, m->facts.record_size);
	struct cyre_cache_record is, made;
	struct cyre_cache_difference d;
	enum cyre_file file;
	cyre_status st;

	if (!find_cached(rd, &m->rec, &file, &is) ||
		cyre_slice_eq(is.bytes, bytes) ||
		cyre_cache_measure(bytes, &made))
		return CYRE_OK;
	/* Of another message: that is found by size or GUID. */
	if (m->facts.size != m->rec.size ||
		(cyre_record_has_guid(ix, &m->rec) &&
			memcmp(m->facts.guid, m->rec.guid, CYRE_SHA1_LEN) != 0))
		return CYRE_OK;
	d = cyre_cache_compare(&is, &made, old);
	st = cyre_cache_is_sound(
		ix, &m->rec, &is, &rd->w->cache_scratch, &sound);
	if (st != CYRE_OK || !sound)
		return st;
	st = try_others(rd, version, m->bytes, &is, old, &d);
	if (st == CYRE_OK)
		cyre_check_cached(file, &m->rec, &d, rd->found);
	return st;
}

/* The SHA-1s that are wanted and that no parser has made. */
static cyre_status hash(struct reading *rd)
{
	struct cyre_sum sums[CYRE_GATHER_HELD];
	struct message *of[CYRE_GATHER_HELD];
	cyre_status st;
	size_t i, n = 0;

	for (i = 0; i < rd->n; i++) {
		struct message *m = &rd->waiting[i];

		if (m->parsed || !m->has_record || !m->bytes.n ||
			!cyre_record_has_guid(&rd->j->index, &m->rec))
			continue;
		of[n] = m;
		sums[n++].bytes = m->bytes;
	}
	st = cyre_sha1_many(rd->w->hasher, sums, n);
	for (i = 0; i < n; i++)
		memcpy(of[i]->facts.guid, sums[i].sha1, CYRE_SHA1_LEN);
	return st;
}

/* What waits is looked at, and its bytes are given back. */
static cyre_status look(struct reading *rd)
{
	cyre_status st = cyre_mail_later_finish(rd->w->later);
	size_t i;

	if (st == CYRE_OK)
		st = hash(rd);
	for (i = 0; i < rd->n && st == CYRE_OK; i++) {
		struct message *m = &rd->waiting[i];

		if (m->parsed)
			st = compare(rd, m);
		cyre_check_message(&rd->j->index,
			m->has_record ? &m->rec : NULL, m->uid, m->bytes,
			m->facts.guid, rd->found);
	}
	rd->n = 0;
	cyre_buf_reset(&rd->w->records);
	cyre_gather_forget(&rd->w->gatherer);
	return st;
}

static cyre_status read_message(struct reading *rd, struct cyre_msgfile *f,
	const struct cyre_index_record *rec)
{
	struct message *m = &rd->waiting[rd->n];
	struct cyre_slice bytes;
	cyre_status st = cyre_gather_listed(&rd->w->gatherer, f, &bytes);

	if (st != CYRE_OK)
		return st == CYRE_ENOMEM ? st : CYRE_OK;
	rd->n++;
	m->uid = f->uid;
	m->bytes = bytes;
	m->parsed = false;
	m->has_record = rec;
	if (rec)
		m->rec = *rec;
	if (rec && rd->r->o->level >= CYRE_LEVEL_PARSE)
		st = parse(rd, m);
	return st == CYRE_OK && rd->w->gatherer.full ? look(rd) : st;
}

/* A place in the index: records are taken as the uids of files ascend. */
struct place {
	uint32_t next; /* record number */
	struct cyre_index_record rec;
};

/*
 * The first record from here on whose uid is not below this one. Where the
 * index is out of order, what does not meet has no record.
 */
static void move_to(
	const struct cyre_judgement *j, struct place *at, uint32_t uid)
{
	const struct cyre_index *ix = &j->index;
	uint32_t last = j->index_read ? ix->count + ix->uncommitted : 0;

	while (at->rec.uid < uid && at->next <= last)
		cyre_index_decode(
			ix, cyre_index_bytes(ix, at->next++), &at->rec);
}

static cyre_status read_range(struct reading *rd, struct place at,
	struct cyre_msgfile *files, size_t n)
{
	cyre_status st = CYRE_OK;
	size_t i;

	/* A range before may have been given up half-way. */
	cyre_mail_later_drop(rd->w->later);
	cyre_buf_reset(&rd->w->records);
	cyre_gather_forget(&rd->w->gatherer);
	for (i = 0; i < n && st == CYRE_OK; i++) {
		if (cyre_run_stopped(rd->r))
			return CYRE_ECANCELED;
		move_to(rd->j, &at, files[i].uid);
		st = read_message(rd, &files[i],
			at.rec.uid == files[i].uid ? &at.rec : NULL);
	}
	return st == CYRE_OK ? look(rd) : st;
}

/* ---- one mailbox, all threads ---- */

struct range {
	struct cyre_findings found;
	cyre_status status;
};

struct team {
	struct cyre_run *r;
	struct cyre_worker *w; /* that has gathered the mailbox */
	const struct cyre_judgement *j;
	struct cyre_findings *found;
	struct place *at;     /* where each range begins */
	struct range *ranges; /* a ring, `window` of them */
	size_t window;
	cyre_status status;
};

static void work_range(void *payload, unsigned worker, size_t job)
{
	struct team *t = payload;
	struct cyre_gatherer *all = &t->w->gatherer;
	struct cyre_worker *w = &t->r->helpers[worker];
	struct range *range = &t->ranges[job % t->window];
	size_t first = job * RANGE, left = all->ev.nfiles - first;
	struct reading rd = {.r = t->r, .w = w, .j = t->j};

	rd.found = &range->found;
	range->found.keep = t->found->keep;
	cyre_gather_share(&w->gatherer, all, &range->found);
	range->status = read_range(&rd, t->at[job], all->files + first,
		left < RANGE ? left : RANGE);
	cyre_gather_unshare(&w->gatherer);
}

static void range_done(void *payload, size_t job)
{
	struct team *t = payload;
	struct range *range = &t->ranges[job % t->window];

	if (t->status == CYRE_OK)
		t->status = range->status;
	cyre_findings_merge(t->found, &range->found);
}

static bool team_stopped(void *payload)
{
	return cyre_run_stopped(((struct team *)payload)->r);
}

/* Where each range begins: so it meets the records it would meet in one go. */
static cyre_status find_places(struct team *t, size_t n)
{
	struct place at = {.next = 1};
	size_t i;

	t->at = calloc(n, sizeof(*t->at));
	if (!t->at)
		return CYRE_ENOMEM;
	for (i = 0; i < n; i++) {
		move_to(t->j, &at, t->w->gatherer.files[i * RANGE].uid);
		t->at[i] = at;
	}
	return CYRE_OK;
}

static cyre_status read_together(struct team *t)
{
	size_t n = (t->w->gatherer.ev.nfiles + RANGE - 1) / RANGE, ran, i;
	struct cyre_pool_job job = {.count = n,
		.threads = t->r->threads,
		.work = work_range,
		.done = range_done,
		.stop = team_stopped,
		.payload = t};
	cyre_status st = find_places(t, n);

	job.window = t->window = 4 * (size_t)job.threads;
	t->ranges = calloc(t->window, sizeof(*t->ranges));
	if (st == CYRE_OK && !t->ranges)
		st = CYRE_ENOMEM;
	if (st == CYRE_OK)
		st = cyre_pool_run(&job, &ran);
	for (i = 0; t->ranges && i < t->window; i++)
		cyre_findings_free(&t->ranges[i].found);
	free(t->ranges);
	free(t->at);
	return st == CYRE_OK ? t->status : st;
}

cyre_status cyre_run_messages(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_judgement *j, struct cyre_findings *found)
{
	struct reading rd = {.r = r, .w = w, .j = j, .found = found};
	struct team team = {.r = r, .w = w, .j = j, .found = found};
	struct place start = {.next = 1};
	cyre_status st;

	if (!cyre_run_call_helpers(r, w->gatherer.ev.nfiles))
		return read_range(
			&rd, start, w->gatherer.files, w->gatherer.ev.nfiles);
	st = read_together(&team);
	cyre_run_dismiss_helpers(r);
	return st;
}
