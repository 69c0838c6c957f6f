/*
 * structure.c - the tree of parts of a message, cut at its boundaries
 * (docs/formats/message-parsing.md sections 2 and 6).
 *
 * One pass: each line is looked at once. The stack of pending boundaries is one
 * for the whole message, also through embedded messages.
 */
#include "grow.h"
#include "parse.h"

static const char text_plain[] = "TEXT/PLAIN; CHARSET=us-ascii";

/* The next line with its LF; not at the end of the message. */
struct cyre_slice cyre_mail_line(struct cyre_mail_parser *m)
{
	const uint8_t *p = m->msg.p + m->off, *lf;
	size_t left = m->msg.n - m->off;

	lf = memchr(p, '\n', left);
	if (lf)
		left = (size_t)(lf - p) + 1;
	m->off += left;
	return cyre_slice(p, left);
}

/* Up to 2.3: `b` is all that follows the dashes, not the line alone. */
static bool is_plain_boundary(struct cyre_mail_parser *m, struct cyre_slice b)
{
	struct cyre_slice id;
	struct cyre_cur t;
	size_t i;
	int c;

	cyre_mail_spend(m, m->n_bounds);
	for (i = 0; i < m->n_bounds; i++) {
		id = m->bounds[i];
		if (!cyre_slice_starts(b, id))
			continue;
		t = cyre_cur(cyre_slice(b.p + id.n, b.n - id.n));
		c = cyre_peek(&t);
		if (c == '-' && cyre_peek_at(&t, 1) == '-')
			m->n_bounds = i;
		else if (!m->opt.rfc2046_strict && c && !cyre_is(c, CYRE_CC_WS))
			continue;
		return true;
	}
	return false;
}

/* 6.2; a closing line of an outer boundary pops the stack. */
bool cyre_mail_is_boundary(struct cyre_mail_parser *m, struct cyre_slice line)
{
	struct cyre_slice b, id;
	size_t i;

	if (line.n < 2 || line.p[0] != '-' || line.p[1] != '-')
		return false;
	b = cyre_slice(line.p + 2, line.n - 2);
	if (m->b->plain_boundary)
		return is_plain_boundary(m, b);
	cyre_mail_spend(m, m->n_bounds);
	for (i = 0; i < m->n_bounds; i++) {
		id = m->bounds[i];
		if (!cyre_slice_starts(b, id))
			continue;
		if (b.n >= id.n + 2 && b.p[id.n] == '-' &&
			b.p[id.n + 1] == '-') {
			m->n_bounds = i;
			return true;
		}
		if (!m->opt.rfc2046_strict && b.n > id.n + 1 && b.p[id.n] &&
			!cyre_is(b.p[id.n], CYRE_CC_WS))
			continue;
		return true;
	}
	return false;
}

static bool push_boundary(struct cyre_mail_parser *m, struct cyre_slice id)
{
	struct cyre_slice *p = cyre_grow(
		m->bounds, m->n_bounds, &m->cap_bounds, sizeof(*m->bounds));

	if (!p)
		return cyre_mail_fail(m, CYRE_ENOMEM);
	m->bounds = p;
	m->bounds[m->n_bounds++] = id;
	return true;
}

/* In content the older releases compare without regard to the line's end. */
static bool is_boundary_here(struct cyre_mail_parser *m, struct cyre_slice line)
{
	if (m->b->plain_boundary)
		line.n = (size_t)(m->msg.p + m->msg.n - line.p);
	return cyre_mail_is_boundary(m, line);
}

/* The next line from here on that begins with two dashes; NULL: none does. */
static const uint8_t *dashes(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *start = p, *dash;

	while (p < end && (dash = memchr(p, '-', (size_t)(end - p)))) {
		if ((dash == start || dash[-1] == '\n') && end - dash > 1 &&
			dash[1] == '-')
			return dash;
		p = memchr(dash, '\n', (size_t)(end - dash));
		if (!p)
			break;
		p++;
	}
	return NULL;
}

/* In pieces whose count fits a byte: so the compiler makes vectors of it. */
static uint64_t count_lf(const uint8_t *p, size_t n)
{
	uint64_t count = 0;
	size_t i, piece;
	uint8_t few;

	for (; n; n -= piece, p += piece) {
		piece = n < 240 ? n : 240;
		few = 0;
		for (i = 0; i < piece; i++)
			few = (uint8_t)(few + (p[i] == '\n'));
		count += few;
	}
	return count;
}

/* The line that ends the content, read; false: the message ends before. */
static bool find_boundary(struct cyre_mail_parser *m, struct cyre_slice *line)
{
	const uint8_t *end = m->msg.p + m->msg.n, *p;

	while (m->n_bounds && (p = dashes(m->msg.p + m->off, end))) {
		m->off = (size_t)(p - m->msg.p);
		*line = cyre_mail_line(m);
		if (is_boundary_here(m, *line))
			return true;
	}
	m->off = m->msg.n;
	return false;
}

/* 6.4; `guid`: the content is one somebody will see. */
static void content(
	struct cyre_mail_parser *m, struct cyre_part *part, bool guid)
{
	size_t start = m->off, size, line_end = 2;
	const uint8_t *p = m->msg.p + start;
	struct cyre_slice line = CYRE_ABSENT;
	bool found = find_boundary(m, &line);

	size = found ? (size_t)(line.p - p) : m->msg.n - start;
	part->content_size = size;
	part->content_lines = count_lf(p, size);
	if (found) {
		part->boundary_size = line.n;
		part->boundary_lines = 1;
		if (m->b->real_line_end && size)
			line_end = size >= 2 && p[size - 2] == '\r' ? 2 : 1;
		if (part->content_lines > 0) {
			part->content_lines--;
			part->boundary_lines++;
		}
		if (part->content_size > !m->b->short_content) {
			part->content_size -= line_end;
			part->boundary_size += line_end;
		}
	}
	if (guid)
		cyre_mail_content_guid(m, part, start);
}

/* The boundary of a multipart; absent: it has none (6.1). */
static struct cyre_slice boundary_of(
	struct cyre_mail_parser *m, const struct cyre_part *part)
{
	const struct cyre_param *p;
	struct cyre_slice id;

	for (p = part->params; p; p = p->next) {
		if (cyre_slice_is(p->name, "BOUNDARY"))
			return p->value;
		if (m->b->boundary_star &&
			cyre_slice_is(p->name, "BOUNDARY*")) {
			id = cyre_mail_decode_2231(m, p->value);
			return id.p ? id : p->value;
		}
	}
	return CYRE_ABSENT;
}

/* Sub-parts until the boundary at `depth` is gone or is reached no more. */
static void sub_parts(struct cyre_mail_parser *m, struct cyre_part *part,
	size_t depth, struct cyre_part **last)
{
	uint32_t limit = m->b->no_boundary_limit ? 0 : m->opt.boundary_limit;
	const char *type = cyre_slice_is(part->subtype, "DIGEST")
				   ? "MESSAGE/RFC822"
				   : text_plain;
	struct cyre_part *k;

	*last = NULL;
	while (m->n_bounds == depth && !(limit && m->n_bounds >= limit) &&
		m->st == CYRE_OK) {
		k = cyre_mail_get(m, sizeof(*k));
		if (!k)
			return;
		if (*last)
			(*last)->next = k;
		else
			part->sub = k;
		*last = k;
		part->n_sub++;
		cyre_mail_body(m, k, type);
		if (m->off == m->msg.n && k->boundary_size == 0)
			m->n_bounds = 0;
	}
}

static void add_up(struct cyre_part *part, const struct cyre_part *k)
{
	part->content_size +=
		k->header_size + k->content_size + k->boundary_size;
	part->content_lines +=
		k->header_lines + k->content_lines + k->boundary_lines;
}

static void multipart(struct cyre_mail_parser *m, struct cyre_part *part)
{
	struct cyre_part preamble = {0}, epilogue = {0};
	struct cyre_slice id = boundary_of(m, part);
	struct cyre_part *last, *k;
	size_t depth;

	if (!id.p) {
		content(m, part, true);
		return;
	}
	if (!push_boundary(m, id))
		return;
	depth = m->n_bounds;
	content(m, &preamble, false);
	sub_parts(m, part, depth, &last);
	if (m->n_bounds == depth - 1) {
		content(m, &epilogue, false);
	} else {
		k = last ? last : &preamble;
		part->boundary_size = k->boundary_size;
		part->boundary_lines = k->boundary_lines;
		k->boundary_size = k->boundary_lines = 0;
	}
	add_up(part, &preamble);
	for (k = part->sub; k; k = k->next)
		add_up(part, k);
	part->content_size += epilogue.content_size;
	part->content_lines += epilogue.content_lines;
	part->boundary_size += epilogue.boundary_size;
	part->boundary_lines += epilogue.boundary_lines;
}

/* message/rfc822; `sawb`: its header block ended in a boundary. */
static void embedded(
	struct cyre_mail_parser *m, struct cyre_part *part, bool sawb)
{
	size_t start = m->off;
	struct cyre_part *k = cyre_mail_get(m, sizeof(*k));

	if (!k)
		return;
	part->inner = k;
	k->env = cyre_mail_get(m, sizeof(*k->env));
	if (!k->env)
		return;
	if (sawb) {
		cyre_mail_default_type(m, k, text_plain);
		return;
	}
	if (m->outline) {
		cyre_mail_default_type(m, k, text_plain);
		k->header_offset = k->content_offset = m->off;
		content(m, k, false);
	} else {
		cyre_mail_body(m, k, text_plain);
	}
	part->content_size = k->header_size + k->content_size;
	part->content_lines = k->header_lines + k->content_lines;
	part->boundary_size = k->boundary_size;
	part->boundary_lines = k->boundary_lines;
	cyre_mail_content_guid(m, part, start);
}

void cyre_mail_body(struct cyre_mail_parser *m, struct cyre_part *part,
	const char *default_type)
{
	bool sawb;

	if (++m->depth > m->opt.depth) {
		cyre_mail_fail(m, CYRE_ELIMIT);
		return;
	}
	sawb = cyre_mail_headers(
		m, part, default_type ? default_type : text_plain);
	if (m->st != CYRE_OK)
		return;
	if (cyre_part_is_message(m, part)) {
		embedded(m, part, sawb);
	} else if (!sawb) {
		if (!cyre_slice_is(part->type, "MULTIPART"))
			content(m, part, true);
		else if (m->outline)
			content(m, part, false);
		else
			multipart(m, part);
	}
	m->depth--;
}
