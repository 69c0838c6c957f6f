/*
 * parser.c - one message in, its cache record and index fields out: the
 * parser's life, its limits, and the order of the ten items (docs/formats/
 * cache.md section 1.1, index.md section 9).
 */
#include "parse.h"

/* A message may cost this many steps, and so many for each of its bytes. */
#define WORK_BASE   ((uint64_t)1 << 28)
#define WORK_A_BYTE 64u

bool cyre_mail_fail(struct cyre_mail_parser *m, cyre_status st)
{
	if (m->st == CYRE_OK) {
		m->st = st;
		m->off = m->msg.n; /* nothing more is read */
	}
	return false;
}

bool cyre_mail_spend(struct cyre_mail_parser *m, uint64_t n)
{
	if (n > m->work)
		return cyre_mail_fail(m, CYRE_ELIMIT);
	m->work -= n;
	return true;
}

void *cyre_mail_get(struct cyre_mail_parser *m, size_t n)
{
	void *p = cyre_arena_get(&m->arena, n);

	if (!p)
		cyre_mail_fail(m, m->arena.over ? CYRE_ELIMIT : CYRE_ENOMEM);
	return p;
}

uint8_t *cyre_mail_text(struct cyre_mail_parser *m, size_t max)
{
	uint8_t *p = cyre_arena_text(&m->arena, max);

	if (!p)
		cyre_mail_fail(m, m->arena.over ? CYRE_ELIMIT : CYRE_ENOMEM);
	return p;
}

cyre_status cyre_mail_parser_new(const struct cyre_mail_behaviour *b,
	const struct cyre_mail_options *options, cyre_mail_parser **ret)
{
	static const struct cyre_mail_options standard = CYRE_MAIL_OPTIONS_INIT;
	cyre_mail_parser *m = calloc(1, sizeof(*m));

	if (!m)
		return CYRE_ENOMEM;
	m->b = b;
	m->opt = options ? *options : standard;
	m->arena.limit = m->opt.memory_bytes;
	if (cyre_hasher_new(&m->hasher) != CYRE_OK ||
		cyre_mail_later_new(&m->own) != CYRE_OK ||
		cyre_charsets_new(&m->charsets) != CYRE_OK) {
		cyre_mail_parser_free(m);
		return CYRE_ENOMEM;
	}
	*ret = m;
	return CYRE_OK;
}

void cyre_mail_parser_free(cyre_mail_parser *m)
{
	if (!m)
		return;
	cyre_arena_free(&m->arena);
	cyre_hasher_free(m->hasher);
	cyre_mail_later_free(m->own);
	cyre_charsets_free(m->charsets);
	cyre_buf_free(&m->headers);
	cyre_buf_free(&m->decoded);
	cyre_buf_free(&m->text);
	free(m->bounds);
	free(m);
}

static void start(cyre_mail_parser *m, struct cyre_slice message)
{
	cyre_arena_reset(&m->arena);
	cyre_buf_reset(&m->headers);
	m->msg = message;
	m->off = 0;
	m->n_bounds = 0;
	m->depth = 0;
	m->work = WORK_BASE + WORK_A_BYTE * (uint64_t)message.n;
	m->st = CYRE_OK;
}

/* Length, bytes, NULs up to a multiple of 4. */
static void end_item(struct cyre_buf *out, size_t at)
{
	size_t n = out->n - at - 4;

	if (out->bad)
		return;
	cyre_store_be32(out->p + at, (uint32_t)n);
	cyre_put_fill(out, 0, (4 - n % 4) % 4);
}

static void put_item(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *top, unsigned item)
{
	const struct cyre_envelope *env = top->env;

	switch (item) {
	case 0:
		cyre_put_envelope(out, env);
		break;
	case 1:
	case 2:
		cyre_put_body(m, out, top, item == 1);
		break;
	case 3:
		cyre_put_section(m, out, top);
		break;
	case 4:
		cyre_put_slice(out, cyre_buf_slice(&m->headers));
		break;
	case 5:
		cyre_put_search(m, out, &env->from);
		break;
	case 6:
		cyre_put_search(m, out, &env->to);
		break;
	case 7:
		cyre_put_search(m, out, &env->cc);
		break;
	case 8:
		cyre_put_search(m, out, &env->bcc);
		break;
	case 9:
		cyre_put_subject(m, out, env->subject);
		break;
	}
}

static cyre_status put_record(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *top, struct cyre_mail_facts *facts)
{
	size_t begin = out->n, at;
	unsigned item;

	for (item = 0; item < 10; item++) {
		at = out->n;
		cyre_put_be32(out, 0);
		put_item(m, out, top, item);
		end_item(out, at);
	}
	if (m->st == CYRE_OK && (out->bad || m->headers.bad))
		m->st = CYRE_ENOMEM;
	if (m->st != CYRE_OK) {
		out->n = begin;
		return m->st;
	}
	facts->record_size = out->n - begin;
	return CYRE_OK;
}

/* Parses the message; *ret_sum is its own, 0 when it is in facts->guid. */
static cyre_status parse(struct cyre_mail_parser *m, struct cyre_buf *record,
	struct cyre_mail_facts *facts, uint32_t *ret_sum)
{
	struct cyre_envelope env = {0};
	struct cyre_part top = {.env = &env};

	cyre_mail_body(m, &top, NULL);
	if (m->st != CYRE_OK)
		return m->st;
	*ret_sum =
		m->msg.n < CYRE_SUM_LONG ? cyre_later_add(m->later, m->msg) : 0;
	if (!*ret_sum)
		m->st = cyre_sha1(m->hasher, m->msg, facts->guid);
	if (m->b->size_of_parts)
		facts->size = (uint32_t)(top.header_size + top.content_size);
	facts->header_size = top.header_size;
	facts->content_offset = top.content_offset;
	facts->content_lines = (uint32_t)top.content_lines;
	if (env.date.p) {
		facts->gmtime = cyre_mail_date(m, env.date, false);
		facts->sentdate = cyre_mail_date(m, env.date, true);
	}
	return record && m->st == CYRE_OK ? put_record(m, record, &top, facts)
					  : m->st;
}

cyre_status cyre_mail_parse_later(cyre_mail_parser *m,
	struct cyre_mail_later *l, struct cyre_slice message,
	struct cyre_buf *record, struct cyre_mail_facts *ret)
{
	struct cyre_mail_facts facts = {
		.size = message.n, .cache_version = m->b->cache_version};
	size_t at = record ? record->n : 0;
	struct cyre_later_mark mark;
	cyre_status st;
	uint32_t sum;

	if (!message.n)
		return CYRE_EFORMAT;
	st = cyre_later_begin(l, &mark);
	if (st != CYRE_OK)
		return st;
	start(m, message);
	m->later = l;
	st = parse(m, record, &facts, &sum);
	if (st != CYRE_OK) {
		cyre_later_back(l, mark);
		return st;
	}
	*ret = facts;
	cyre_later_end(l, sum, record, at, ret);
	return CYRE_OK;
}

cyre_status cyre_mail_parse(cyre_mail_parser *m, struct cyre_slice message,
	struct cyre_buf *record, struct cyre_mail_facts *ret)
{
	struct cyre_mail_facts facts;
	size_t at = record ? record->n : 0;
	cyre_status st =
		cyre_mail_parse_later(m, m->own, message, record, &facts);

	if (st == CYRE_OK) {
		st = cyre_mail_later_finish(m->own);
		if (st == CYRE_OK)
			*ret = facts;
		else if (record)
			record->n = at;
	}
	return st;
}

cyre_status cyre_mail_parse_outline(cyre_mail_parser *m,
	struct cyre_slice message, struct cyre_buf *record,
	struct cyre_mail_facts *ret)
{
	cyre_status st;

	m->outline = true;
	st = cyre_mail_parse(m, message, record, ret);
	m->outline = false;
	return st;
}

void cyre_mail_dates(const cyre_mail_parser *m, int64_t internaldate,
	struct cyre_mail_facts *facts)
{
	const struct cyre_mail_options *o = &m->opt;
	int64_t east = 0, local;

	if (!facts->gmtime)
		facts->gmtime = internaldate;
	if (facts->sentdate)
		return;
	/* Midnight of that day where the server stands. */
	if (o->zone)
		east = o->zone(o->payload, internaldate);
	local = internaldate + east;
	local -= (local % 86400 + 86400) % 86400;
	facts->sentdate = local - east;
}
