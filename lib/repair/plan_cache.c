/*
 * plan_cache.c - the cache of each side, and what only the message tells
 *
 * A cache that holds good for every record stays as it is. Else a new one is
 * written: good records are copied, the others made again from their messages,
 * in the order of the uids, as a repack of the server would. Records whose
 * fields are in doubt get them from the message at the same time: it is read
 * once.
 *
 * Formats: docs/formats/cache.md 1, index.md 8 and 9.
 */
#include "plan_work.h"

#include <stdlib.h>

#include "check_cache.h"
#include "digest.h"

/* Room taken at first: a record has about 1 KiB. */
#define RECORD_SIZE ((size_t)1024)
#define ROOM_FOR    ((size_t)1024) /* records */

struct cache_job {
	struct cyre_plan_work *w;
	enum cyre_msg_side side;
	struct cyre_source *old; /* NULL: there is none */
	struct cyre_buf *out;    /* the new cache; NULL: it stays */
	struct cyre_cache_scratch scratch;
	size_t next; /* the first record that `out` has not got yet */
};

static enum cyre_file file_of(enum cyre_msg_side side)
{
	return side == CYRE_SIDE_ARCHIVE ? CYRE_FILE_ARCHIVE_CACHE
					 : CYRE_FILE_CACHE;
}

static bool on_side(const struct cache_job *c, const struct cyre_plan_record *p)
{
	bool archived = p->r.system_flags & CYRE_FLAG_ARCHIVED;

	return !c->w->ev->has_archive_cache ||
	       archived == (c->side == CYRE_SIDE_ARCHIVE);
}

static bool has_message(const struct cyre_plan_record *p)
{
	return p->file && p->file->state == CYRE_ENTRY_FILE && p->file->size;
}

/* Unlinked records need no cache record (index.md invariant 23); one that has
 * neither message nor cache record can get none. */
static bool wants_cache(
	const struct cache_job *c, const struct cyre_plan_record *p)
{
	return on_side(c, p) && !(p->r.system_flags & CYRE_FLAG_UNLINKED) &&
	       (has_message(p) || p->r.cache_offset);
}

/* Is the record at this offset the one the index describes? */
static cyre_status holds_good(struct cache_job *c,
	const struct cyre_plan_record *p, uint32_t *ret_len)
{
	uint64_t at = p->r.cache_offset, want = 65536;
	struct cyre_cache_record rec;
	struct cyre_cache_fault fault = {.what = NULL};
	struct cyre_slice bytes;
	cyre_status st;

	*ret_len = 0;
	if (!c->old || p->derive || p->no_cache || at < CYRE_CACHE_FIRST ||
		at >= c->old->size || at % 4 ||
		p->r.cache_version > CYRE_CACHE_MAX_VERSION)
		return CYRE_OK;
	for (;;) {
		if (want > CYRE_CACHE_RECORD_MAX || want > SIZE_MAX)
			return CYRE_OK;
		st = cyre_view(c->old, at, (size_t)want, &bytes);
		if (st != CYRE_OK)
			return st == CYRE_ENOMEM ? st : CYRE_OK;
		want = cyre_cache_measure(bytes, &rec);
		if (!want)
			break;
		if (want > c->old->size - at)
			return CYRE_OK;
	}
	if (c->w->from >= 12) {
		if (p->r.cache_crc && cyre_crc32(rec.bytes) != p->r.cache_crc)
			return CYRE_OK;
	}
	if (c->w->from < 12 || !p->r.cache_crc) {
		st = cyre_check_cache_items(&rec, (unsigned)p->r.cache_version,
			&c->scratch, &fault);
		if (st != CYRE_OK || fault.what)
			return st;
	}
	*ret_len = (uint32_t)rec.bytes.n;
	return CYRE_OK;
}

static bool generation_fits(struct cache_job *c)
{
	struct cyre_slice bytes;

	return c->old && c->old->size >= 4 &&
	       cyre_view(c->old, 0, 4, &bytes) == CYRE_OK && bytes.n >= 4 &&
	       cyre_load_be32(bytes.p) == c->w->h.generation_no;
}

/*
 * Decides which records hold good, and whether the file can stay. The strict
 * reader has tested all of them already when it found nothing.
 */
static cyre_status look_at_old(struct cache_job *c, bool *ret_stays)
{
	struct cyre_plan_work *w = c->w;
	bool same_generation = generation_fits(c);
	bool stays = same_generation, any = false;
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < w->n && st == CYRE_OK; i++) {
		struct cyre_plan_record *p = &w->records[i];

		p->cache_len = 0;
		if (!wants_cache(c, p))
			continue;
		any = true;
		/* Before v12 no sum ties a record to its message: what stands
		 * at an offset of another generation may be anybody's. */
		if (w->from >= 12 || same_generation)
			st = holds_good(c, p, &p->cache_len);
		p->cache_at = p->r.cache_offset;
		stays = stays && p->cache_len;
	}
	/* No file is right for a mailbox that never cached anything. */
	*ret_stays = stays || (!any && !c->old);
	return st;
}

/* ---- what a message tells ---- */

/* Of a date behind 2106 the server writes the 32 bits that there is room for;
 * v20 has room for more. */
static uint64_t ns(const struct cyre_plan_work *w, int64_t seconds)
{
	uint64_t s = seconds > 0 ? (uint64_t)seconds : 0;

	return (w->to >= 20 ? s : (uint32_t)s) * CYRE_NSEC;
}

/* Whole seconds, except in v20. */
static uint64_t date_of_file(
	const struct cyre_plan_work *w, const struct cyre_msgfile *f)
{
	uint64_t t = 0;

	if (f->mtime_ns > 0)
		t = w->to >= 20 ? (uint64_t)f->mtime_ns
				: ns(w, f->mtime_ns / (int64_t)CYRE_NSEC);
	return t ? t : CYRE_NSEC;
}

static bool guid_is_null(const struct cyre_index_record *r)
{
	static const uint8_t none[20];

	return memcmp(r->guid, none, sizeof(none)) == 0;
}

/* Up to v10 the server computed GUIDs only when told to. */
static void set_guid(struct cyre_plan_work *w, struct cyre_plan_record *p,
	const struct cyre_mail_facts *facts)
{
	if (w->to >= 12 || (w->to == 10 && !p->adopted && !guid_is_null(&p->r)))
		memcpy(p->r.guid, facts->guid, sizeof(p->r.guid));
}

static void set_facts(struct cyre_plan_work *w, struct cyre_plan_record *p,
	const cyre_mail_parser *parser, struct cyre_plan_parsed *m)
{
	struct cyre_index_record *r = &p->r;
	struct cyre_mail_facts *facts = &m->facts;

	cyre_plan_settle_doubt(w, p, m);
	cyre_plan_complete(w, p, facts->guid);
	if (!r->internaldate)
		r->internaldate = date_of_file(w, p->file);
	if (!r->last_updated)
		r->last_updated = r->internaldate - r->internaldate % CYRE_NSEC;
	cyre_mail_dates(
		parser, (int64_t)cyre_index_seconds(r->internaldate), facts);
	r->size = w->to >= 12 ? p->file->size : facts->size;
	r->header_size = facts->header_size;
	r->content_offset = facts->content_offset;
	r->content_lines = facts->content_lines;
	r->sentdate = ns(w, facts->sentdate);
	r->gmtime = ns(w, facts->gmtime);
	set_guid(w, p, facts);
	w->plan->rederived++;
}

static cyre_status copy_old(struct cache_job *c, struct cyre_plan_record *p)
{
	struct cyre_slice bytes;
	cyre_status st = cyre_view(c->old, p->cache_at, p->cache_len, &bytes);

	if (st != CYRE_OK)
		return st;
	if (bytes.n < p->cache_len)
		return CYRE_EIO; /* it was longer when it was measured */
	p->r.cache_offset = c->out->n;
	cyre_put(c->out, bytes.p, p->cache_len);
	if (c->w->to >= 12 && !p->r.cache_crc)
		p->r.cache_crc = cyre_crc32(cyre_slice(bytes.p, p->cache_len));
	return CYRE_OK;
}

/* From before v12 to v12 and later the server reads every message. */
static bool wants_facts(
	const struct cache_job *c, const struct cyre_plan_record *p)
{
	return p->derive || (c->w->from < 12 && c->w->to >= 12);
}

/* Its cache record is made again, from the message. */
static bool is_parsed(
	const struct cache_job *c, const struct cyre_plan_record *p)
{
	return wants_cache(c, p) && has_message(p) &&
	       (!p->cache_len || wants_facts(c, p));
}

static cyre_status put_old(struct cache_job *c, struct cyre_plan_record *p)
{
	if (p->cache_len)
		return copy_old(c, p);
	/* Neither message nor cache: the record stands for what was lost. */
	p->r.cache_offset = 0;
	p->r.cache_crc = 0;
	return CYRE_OK;
}

/* The records up to the next one that is parsed. */
static cyre_status put_others(struct cache_job *c)
{
	struct cyre_plan_work *w = c->w;
	cyre_status st = CYRE_OK;

	for (; c->next < w->n && st == CYRE_OK; c->next++) {
		struct cyre_plan_record *p = &w->records[c->next];

		if (is_parsed(c, p))
			break;
		if (wants_cache(c, p))
			st = put_old(c, p);
		else if (on_side(c, p))
			p->r.cache_offset = 0;
	}
	return st;
}

static cyre_status take_parsed(void *payload, const cyre_mail_parser *parser,
	struct cyre_slice record, struct cyre_plan_parsed *m)
{
	struct cache_job *c = payload;
	cyre_status st = put_others(c);
	struct cyre_plan_record *p = &c->w->records[c->next];

	if (st != CYRE_OK)
		return st;
	p->r.cache_offset = c->out->n;
	p->r.cache_version = m->facts.cache_version;
	p->r.cache_crc = m->facts.cache_crc;
	cyre_put_slice(c->out, record);
	c->w->plan->parsed++;
	if (wants_facts(c, p))
		set_facts(c->w, p, parser, m);
	c->next++;
	return CYRE_OK;
}

static cyre_status put_all(struct cache_job *c)
{
	const struct cyre_plan_reader *reader = c->w->reader;
	struct cyre_plan_parsing p = {.take = take_parsed, .payload = c};
	const struct cyre_msgfile **files =
		calloc(c->w->n + 1, sizeof(const struct cyre_msgfile *));
	cyre_status st = CYRE_OK;
	size_t i;

	if (!files)
		return CYRE_ENOMEM;
	for (i = 0; i < c->w->n; i++)
		if (is_parsed(c, &c->w->records[i]))
			files[p.n++] = c->w->records[i].file;
	p.files = files;
	/* About what the records take; the rest comes as it is needed. */
	if (p.n)
		cyre_buf_room(c->out,
			(p.n < ROOM_FOR ? p.n : ROOM_FOR) * RECORD_SIZE);
	if (p.n) {
		p.behaviour = cyre_plan_behaviour(c->w);
		st = reader->parse(reader->payload, &p);
	}
	free(files);
	return st == CYRE_OK ? put_others(c) : st;
}

/*
 * The next generation, so that nobody takes old offsets for new ones. Counted
 * from the index, never from the cache: a run that was killed between the two
 * renames must come to the same number when it is done again.
 */
static uint32_t next_generation(const struct cache_job *c)
{
	uint32_t g = (uint32_t)c->w->h.generation_no;

	if (c->w->new_cache[!c->side])
		return g; /* the other side's new cache has set it */
	return c->w->j->index_read || c->old ? g + 1 : 0;
}

static cyre_status write_new(struct cache_job *c)
{
	struct cyre_plan_work *w = c->w;
	struct cyre_plan_file *f = cyre_plan_add_file(w, file_of(c->side));
	cyre_status st;

	c->out = &f->bytes;
	w->h.generation_no = next_generation(c);
	w->new_cache[c->side] = true;
	cyre_put_be32(c->out, (uint32_t)w->h.generation_no);
	st = put_all(c);
	if (st == CYRE_OK && c->out->bad)
		st = CYRE_ENOMEM;
	return st;
}

static cyre_status plan_side(
	struct cyre_plan_work *w, enum cyre_msg_side side, bool force)
{
	struct cache_job c = {
		.w = w, .side = side, .old = w->ev->meta[file_of(side)].view};
	bool stays;
	cyre_status st = look_at_old(&c, &stays);

	if (st == CYRE_OK && (!stays || (force && c.old)))
		st = write_new(&c);
	cyre_cache_scratch_free(&c.scratch);
	return st;
}

cyre_status cyre_plan_cache(struct cyre_plan_work *w)
{
	/* Index and cache of another version are written together, as the
	 * server does: with the next generation. */
	bool anew = w->from != w->to;
	cyre_status st;

	/* Both caches have the index's generation: a new one here makes the
	 * other new as well. */
	if (w->ev->has_archive_cache) {
		st = plan_side(w, CYRE_SIDE_ARCHIVE, anew);
		if (st == CYRE_OK)
			st = plan_side(w, CYRE_SIDE_SPOOL,
				anew || w->new_cache[CYRE_SIDE_ARCHIVE]);
		if (st == CYRE_OK && w->new_cache[CYRE_SIDE_SPOOL] &&
			!w->new_cache[CYRE_SIDE_ARCHIVE])
			st = plan_side(w, CYRE_SIDE_ARCHIVE, true);
		return st;
	}
	return plan_side(w, CYRE_SIDE_SPOOL, anew);
}
