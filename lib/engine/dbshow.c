/*
 * dbshow.c - see cyrescue/dbshow.h. Some keys are one job; each worker may be
 * as far ahead of the output as it has slots.
 */
#include <cyrescue/dbshow.h>

#include <stdatomic.h>
#include <stdlib.h>

#include "db.h"
#include "dbreport_out.h"
#include "pool.h"

#define KEYS  512 /* of a job */
#define SLOTS 4   /* jobs a thread */

/* Room that a worker uses again for each key. */
struct scratch {
	struct cyre_buf words, own;
};

struct show {
	const struct cyre_dbshow_options *o;
	const struct cyre_db *db;
	size_t from, to;
	struct cyre_buf *slots;
	size_t nslots;
	struct scratch *scratch; /* one a worker */
	atomic_bool failed;      /* then it ends, with `st` */
	cyre_status st;
};

static void put_entry(struct show *s, struct scratch *room,
	const struct cyre_db_entry *e, struct cyre_buf *b)
{
	struct cyre_dbreport_key k = {
		.key = e->key, .value = e->value, .offset = e->offset};

	if (s->o->all_trusts || e->trust != CYRE_DB_INTACT)
		k.trust = cyre_db_trust_name(e->trust);
	cyre_buf_reset(&room->words);
	cyre_db_put_meaning(s->o->kind, e, &room->own, &room->words);
	if (room->words.n) {
		cyre_put_u8(&room->words, '\0');
		k.meaning = (const char *)room->words.p;
	}
	if (room->words.bad)
		b->bad = true;
	else
		cyre_dbreport_put_key(b, s->o->out.format, &k);
}

/* On copies: what the workers write to all the time must not share a line of
 * the processors' caches. */
static void work(void *payload, unsigned worker, size_t job)
{
	struct show *s = payload;
	struct cyre_buf b = s->slots[job % s->nslots];
	struct scratch room = s->scratch[worker];
	size_t i = s->from + job * KEYS,
	       end = s->to - i < KEYS ? s->to : i + KEYS;

	cyre_buf_reset(&b);
	for (; i < end; i++)
		put_entry(s, &room, cyre_db_at(s->db, i), &b);
	s->slots[job % s->nslots] = b;
	s->scratch[worker] = room;
}

static void done(void *payload, size_t job)
{
	struct show *s = payload;
	const struct cyre_buf *b = &s->slots[job % s->nslots];

	if (b->bad)
		s->st = CYRE_ENOMEM;
	else if (s->o->out.write(b->p, b->n, s->o->out.payload) != 0)
		s->st = CYRE_EIO;
	s->failed = s->st != CYRE_OK;
}

static bool stop(void *payload)
{
	return ((struct show *)payload)->failed;
}

static bool make_rooms(struct show *s, unsigned threads)
{
	s->nslots = (size_t)threads * SLOTS;
	s->slots = calloc(s->nslots, sizeof(*s->slots));
	s->scratch = calloc(threads, sizeof(*s->scratch));
	return s->slots && s->scratch;
}

static void free_rooms(struct show *s, unsigned threads)
{
	size_t i;

	for (i = 0; s->slots && i < s->nslots; i++)
		cyre_buf_free(&s->slots[i]);
	for (i = 0; s->scratch && i < threads; i++) {
		cyre_buf_free(&s->scratch[i].words);
		cyre_buf_free(&s->scratch[i].own);
	}
	free(s->slots);
	free(s->scratch);
}

cyre_status cyre_dbshow(const struct cyre_dbshow_options *o,
	const struct cyre_db *db, size_t from, size_t to)
{
	unsigned threads = o->jobs > 1 ? o->jobs : 1;
	struct show s = {.o = o, .db = db, .from = from, .to = to};
	struct cyre_pool_job job = {
		.count = (to - from + KEYS - 1) / KEYS,
		.threads = threads,
		.work = work,
		.done = done,
		.stop = stop,
		.payload = &s,
	};
	cyre_status st = CYRE_ENOMEM;
	size_t ignored;

	if (job.count < threads)
		job.threads = threads = job.count > 1 ? (unsigned)job.count : 1;
	if (make_rooms(&s, threads)) {
		job.window = s.nslots;
		st = cyre_pool_run(&job, &ignored);
	}
	if (s.failed)
		st = s.st;
	free_rooms(&s, threads);
	return st;
}
