/*
 * rebuild_parse.c - parses the messages that a plan asks for
 *
 * One after the other, or, when there are many, in ranges that the helpers work
 * on side by side. What comes out is handed over in the order of the messages,
 * by the thread that asked, up to the first one that fails: the plan cannot
 * tell how many threads there were. At most AHEAD ranges a thread are held.
 */
#include "rebuild.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "check_messages.h"
#include "pool.h"

#define RANGE 64 /* messages */
#define AHEAD 8  /* ranges */

struct range {
	struct cyre_buf records; /* one behind the other */
	struct cyre_plan_parsed parsed[RANGE];
	size_t n; /* parsed, before one failed */
	struct cyre_findings found;
	cyre_status status;
};

/*
 * The record is appended; its GUIDs may be open. One message must not stop its
 * mailbox.
 */
static cyre_status parse_one(const struct cyre_run *r, struct cyre_worker *w,
	cyre_mail_parser *parser, const struct cyre_msgfile *f,
	struct cyre_findings *found, struct cyre_buf *records,
	struct cyre_plan_parsed *ret)
{
	struct cyre_slice message;
	cyre_status st = CYRE_ECANCELED;

	if (!cyre_run_stopped(r))
		st = cyre_gather_message(&w->gatherer, f, &message);
	if (st == CYRE_OK)
		st = cyre_mail_parse_later(
			parser, w->later, message, records, &ret->facts);
	if (st == CYRE_ELIMIT) {
		CYRE_FIND(found, .problem = CYRE_P_MESSAGE_TOO_DEEP,
			.file = CYRE_FILE_MESSAGE, .uid = f->uid);
		st = cyre_mail_parse_outline(
			parser, message, records, &ret->facts);
	}
	if (st == CYRE_OK)
		ret->zeroed = cyre_message_is_zeroed(message);
	return st;
}

/* Some at a time are hashed together: as many as the gatherer holds. */
static void parse_range(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_plan_parsing *p, size_t first,
	struct cyre_findings *found, struct range *range)
{
	size_t n = p->n - first < RANGE ? p->n - first : RANGE, i = 0;
	cyre_mail_parser *parser = NULL;
	cyre_status st = cyre_parsers_get(&w->parsers, p->behaviour, &parser);
	cyre_status sums = CYRE_OK;

	cyre_buf_reset(&range->records);
	range->n = 0;
	while (i < n && st == CYRE_OK && sums == CYRE_OK) {
		st = parse_one(r, w, parser, p->files[first + i], found,
			&range->records, &range->parsed[i]);
		i += st == CYRE_OK;
		if (i < n && st == CYRE_OK && !w->gatherer.full)
			continue;
		sums = cyre_mail_later_finish(w->later);
		if (sums == CYRE_OK)
			range->n = i;
		cyre_gather_forget(&w->gatherer);
	}
	range->status = sums != CYRE_OK ? sums : st;
}

static cyre_status take_range(const struct cyre_plan_parsing *p,
	const cyre_mail_parser *parser, struct range *range)
{
	struct cyre_slice all = cyre_buf_slice(&range->records);
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < range->n && st == CYRE_OK; i++) {
		size_t size = range->parsed[i].facts.record_size;

		st = p->take(p->payload, parser, cyre_slice(all.p, size),
			&range->parsed[i]);
		all = cyre_slice(all.p + size, all.n - size);
	}
	return st == CYRE_OK ? range->status : st;
}

static cyre_status parse_alone(const struct cyre_run *r, struct cyre_worker *w,
	const cyre_mail_parser *parser, const struct cyre_plan_parsing *p,
	struct cyre_findings *found)
{
	struct range *range = calloc(1, sizeof(*range));
	cyre_status st = range ? CYRE_OK : CYRE_ENOMEM;
	size_t i;

	if (st != CYRE_OK)
		return st;
	range->records = w->records; /* has its room from other mailboxes */
	for (i = 0; i < p->n && st == CYRE_OK; i += RANGE) {
		parse_range(r, w, p, i, found, range);
		st = take_range(p, parser, range);
	}
	w->records = range->records;
	free(range);
	return st;
}

/* ---- all threads ---- */

struct team {
	struct cyre_run *r;
	struct cyre_worker *w;    /* that has gathered the mailbox */
	cyre_mail_parser *parser; /* its own */
	const struct cyre_plan_parsing *p;
	struct cyre_findings *found;
	struct range *ranges; /* a ring, `window` of them */
	size_t window;
	cyre_status status; /* of the ranges handed over */
	atomic_bool failed; /* it is not CYRE_OK */
};

static void work_range(void *payload, unsigned worker, size_t job)
{
	struct team *t = payload;
	struct cyre_worker *w = &t->r->helpers[worker];
	struct range *range = &t->ranges[job % t->window];

	range->found.keep = t->found->keep;
	cyre_gather_share(&w->gatherer, &t->w->gatherer, &range->found);
	parse_range(t->r, w, t->p, job * RANGE, &range->found, range);
	cyre_gather_unshare(&w->gatherer);
}

/* Behind the first failure nothing counts. */
static void range_done(void *payload, size_t job)
{
	struct team *t = payload;
	struct range *range = &t->ranges[job % t->window];

	if (t->status != CYRE_OK)
		return;
	t->status = take_range(t->p, t->parser, range);
	cyre_findings_merge(t->found, &range->found);
	t->failed = t->status != CYRE_OK;
}

static bool team_stops(void *payload)
{
	struct team *t = payload;

	return t->failed || cyre_run_stopped(t->r);
}

static cyre_status parse_together(struct team *t)
{
	struct cyre_pool_job job = {.count = (t->p->n + RANGE - 1) / RANGE,
		.threads = t->r->threads,
		.window = AHEAD * (size_t)t->r->threads,
		.work = work_range,
		.done = range_done,
		.stop = team_stops,
		.payload = t};
	cyre_status st;
	size_t ran, i;

	t->window = job.window;
	t->ranges = calloc(t->window, sizeof(*t->ranges));
	if (!t->ranges)
		return CYRE_ENOMEM;
	st = cyre_pool_run(&job, &ran);
	for (i = 0; i < t->window; i++) {
		cyre_buf_free(&t->ranges[i].records);
		cyre_findings_free(&t->ranges[i].found);
	}
	free(t->ranges);
	return t->status != CYRE_OK ? t->status : st;
}

cyre_status cyre_rebuild_parse(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_plan_parsing *p, struct cyre_findings *found)
{
	struct team team = {.r = r, .w = w, .p = p, .found = found};
	cyre_status st =
		cyre_parsers_get(&w->parsers, p->behaviour, &team.parser);

	if (st != CYRE_OK)
		return st;
	if (!cyre_run_call_helpers(r, p->n))
		return parse_alone(r, w, team.parser, p, found);
	st = parse_together(&team);
	cyre_run_dismiss_helpers(r);
	return st;
}
