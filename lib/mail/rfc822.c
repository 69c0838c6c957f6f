/*
 * rfc822.c - the header block of a part: its bounds, its sizes, its fields
 * (docs/formats/message-parsing.md sections 3 and 4).
 *
 * The page's text T begins with a helper LF that is not in the message; here
 * T is a slice of the message and the helper only a case of its own (3.3).
 */
#include "parse.h"

/* T without the helper, and whether even that was cut off (3.3). */
struct block {
	const uint8_t *p;
	size_t n;
	uint8_t *copy; /* p, where T had to be changed */
	bool no_helper;
};

/* The end of the field's value that starts at v (4). */
const uint8_t *cyre_field_end(const uint8_t *v, const uint8_t *end)
{
	const uint8_t *lf = v;

	do {
		lf = lf + 1 < end ? memchr(lf + 1, '\n', (size_t)(end - lf - 1))
				  : NULL;
		if (!lf)
			return end;
	} while (lf + 1 < end && cyre_is_wsp(lf[1]));
	return lf[-1] == '\r' ? lf - 1 : lf;
}

/* Blanks and comments (4.2); false: no more in this field. */
bool cyre_mail_skip(struct cyre_cur *t)
{
	int c, level;

	while ((c = cyre_peek(t)) && (cyre_is(c, CYRE_CC_WS) || c == '(')) {
		t->p++;
		if (c == '\n' && !cyre_is_wsp(cyre_peek(t)))
			return false;
		for (level = c == '('; level > 0;) {
			c = cyre_peek(t);
			if (!c)
				return false;
			t->p++;
			if (c == '\n') {
				if (!cyre_is_wsp(cyre_peek(t)))
					return false;
				t->p++;
			} else if (c == '\\') {
				if (!cyre_peek(t))
					return false;
				t->p++;
			} else if (c == '(') {
				level++;
			} else if (c == ')') {
				level--;
			}
		}
	}
	return c != 0;
}

/* A plain value: unfolded, otherwise as it stands (4.1). */
static struct cyre_slice string(struct cyre_mail_parser *m, struct cyre_cur t)
{
	const uint8_t *p, *end;
	uint8_t *text, *q;

	while (cyre_is_wsp(cyre_peek(&t)))
		t.p++;
	end = cyre_field_end(t.p, t.end);
	if (end == t.p || !memchr(t.p, '\n', (size_t)(end - t.p)))
		return cyre_slice(t.p, (size_t)(end - t.p));
	text = q = cyre_mail_text(m, (size_t)(end - t.p));
	if (!text)
		return CYRE_ABSENT;
	for (p = t.p; p < end; p++) {
		if (*p == '\r' && p + 1 < end && p[1] == '\n')
			p++;
		else if (*p != '\n')
			*q++ = *p;
	}
	return cyre_arena_keep(&m->arena, text, (size_t)(q - text));
}

static void set_string(
	struct cyre_mail_parser *m, struct cyre_cur t, struct cyre_slice *ret)
{
	if (!m->b->first_wins || !ret->p)
		*ret = string(m, t);
}

static void set_addresses(struct cyre_mail_parser *m, struct cyre_cur t,
	struct cyre_addresses *list)
{
	const uint8_t *end = cyre_field_end(t.p, t.end);

	if (!m->b->first_wins)
		*list = (struct cyre_addresses){NULL, NULL};
	cyre_mail_addresses(m, cyre_slice(t.p, (size_t)(end - t.p)), list);
}

/*
 * The fields only a message is asked for; the server parses them in every part,
 * but only a message's are seen.
 */
static bool envelope_field(struct cyre_mail_parser *m,
	struct cyre_envelope *env, struct cyre_slice name, struct cyre_cur t)
{
#define ROW(name, list, member)                                                \
	{                                                                      \
		name, sizeof(name) - 1, list,                                  \
			offsetof(struct cyre_envelope, member)                 \
	}
	static const struct {
		const char *name;
		size_t len;
		bool list;
		size_t off;
	} fields[] = {ROW("from", true, from), ROW("to", true, to),
		ROW("cc", true, cc), ROW("date", false, date),
		ROW("subject", false, subject),
		ROW("message-id", false, message_id),
		ROW("reply-to", true, reply_to),
		ROW("in-reply-to", false, in_reply_to),
		ROW("sender", true, sender), ROW("bcc", true, bcc)};
#undef ROW
	size_t i;
	char *at;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (name.n == fields[i].len &&
			cyre_slice_is_nocase(name, fields[i].name))
			break;
	}
	if (i == sizeof(fields) / sizeof(fields[0]))
		return false;
	at = (char *)env + fields[i].off;
	if (fields[i].list)
		set_addresses(m, t, (struct cyre_addresses *)(void *)at);
	else
		set_string(m, t, (struct cyre_slice *)(void *)at);
	return true;
}

/* What follows "Content-". */
static void content_field(struct cyre_mail_parser *m, struct cyre_part *part,
	struct cyre_slice rest, struct cyre_cur t)
{
	if (cyre_slice_is_nocase(rest, "type"))
		cyre_mail_content_type(m, part, t);
	else if (cyre_slice_is_nocase(rest, "transfer-encoding"))
		cyre_mail_encoding(m, part, t);
	else if (cyre_slice_is_nocase(rest, "disposition"))
		cyre_mail_disposition(m, part, t);
	else if (cyre_slice_is_nocase(rest, "language"))
		cyre_mail_language(m, part, t);
	else if (cyre_slice_is_nocase(rest, "id"))
		set_string(m, t, &part->id);
	else if (cyre_slice_is_nocase(rest, "description"))
		set_string(m, t, &part->description);
	else if (cyre_slice_is_nocase(rest, "md5"))
		set_string(m, t, &part->md5);
	else if (cyre_slice_is_nocase(rest, "location") && !m->b->no_location)
		set_string(m, t, &part->location);
}

/* The field goes into item HEADERS, if its name does (cache.md 6). */
static void cache_field(struct cyre_mail_parser *m, struct cyre_slice name,
	const uint8_t *line, const uint8_t *end)
{
	if (name.n > m->b->short_names || !cyre_header_is_cached(m->b, name))
		return;
	cyre_put(&m->headers, line, (size_t)(cyre_field_end(line, end) - line));
	cyre_put(&m->headers, "\r\n", 2);
}

static void header_line(struct cyre_mail_parser *m, struct cyre_part *part,
	bool top, const uint8_t *line, const uint8_t *end)
{
	static const char content[] = "content-";
	struct cyre_slice name, pre;
	struct cyre_cur t = {line, end, false};
	int c;

	while ((c = cyre_peek(&t)) && c != ':' && c != '\r' && c != '\n')
		t.p++;
	if (c != ':')
		return;
	name = cyre_slice(line, (size_t)(t.p - line));
	if (top && !cyre_is_wsp(*line))
		cache_field(m, name, line, end);
	t.p++;
	if (part->env && envelope_field(m, part->env, name, t))
		return;
	if (!cyre_slice_sub(name, 0, sizeof(content) - 1, &pre))
		return;
	if (cyre_slice_is_nocase(pre, content))
		content_field(
			m, part, cyre_slice(name.p + pre.n, name.n - pre.n), t);
}

/* 3.4 */
static void interpret(struct cyre_mail_parser *m, struct cyre_part *part,
	const struct block *t)
{
	const uint8_t *p = t->p, *end = t->p + t->n;
	uint32_t max = m->b->no_header_limit ? 0 : m->opt.maxheaderlines;
	bool top = part->header_offset == 0 && m->depth == 1;
	uint32_t k;

	for (k = 0; p < end && !(max && k > max); k++) {
		header_line(m, part, top, p, end);
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			break;
		p++;
	}
}

static size_t c_length(struct cyre_slice s)
{
	const uint8_t *nul = s.n ? memchr(s.p, 0, s.n) : NULL;

	return nul ? (size_t)(nul - s.p) : s.n;
}

/* Was this line the boundary that ends the block? 3.1 step 3. */
static bool cut_at_boundary(struct cyre_mail_parser *m, struct cyre_part *part,
	struct cyre_slice line, struct block *t)
{
	line.n = c_length(line);
	if (!cyre_mail_is_boundary(m, line))
		return false;
	part->boundary_size = line.n;
	part->boundary_lines = 1;
	if (!t->n)
		return true;
	part->boundary_size += 2;
	part->boundary_lines++;
	if (t->n == 1) {
		/* The cut lies before the helper: the size is that of all
		 * behind it, nothing is interpreted (3.3). */
		t->no_helper = true;
		part->header_size = 1 + line.n;
	} else {
		t->n -= 2;
	}
	return true;
}

static bool ends_block(const struct cyre_mail_parser *m, struct cyre_slice line)
{
	if (line.n >= 2 && line.p[0] == '\r' && line.p[1] == '\n')
		return true;
	return m->b->lf_ends_header && line.p[0] == '\n';
}

/*
 * Adds a line to T. Up to 2.4 a NUL cuts its own line only, and the next one is
 * joined to what is left of it; T is no slice of the message then.
 */
static void add_line(
	struct cyre_mail_parser *m, struct cyre_slice line, struct block *t)
{
	size_t n = m->b->nul_cuts_line ? c_length(line) : line.n;

	if (n < line.n && !t->copy) {
		t->copy = cyre_mail_text(m, t->n + m->msg.n);
		if (!t->copy)
			return;
		memcpy(t->copy, t->p, t->n);
		t->p = t->copy;
	}
	if (t->copy)
		memcpy(t->copy + t->n, line.p, n);
	t->n += n;
}

/* T, up to where the content begins; true: it ended in a boundary. */
static bool read_block(
	struct cyre_mail_parser *m, struct cyre_part *part, struct block *t)
{
	bool sawb = false, end = false;
	struct cyre_slice line;

	while (!sawb && !end && m->off < m->msg.n) {
		line = cyre_mail_line(m);
		if (!t->n || t->p[t->n - 1] == '\n') {
			end = ends_block(m, line);
			sawb = line.p[0] == '-' &&
			       cut_at_boundary(m, part, line, t);
		}
		if (!sawb)
			add_line(m, line, t);
	}
	if (t->copy)
		cyre_arena_keep(&m->arena, t->copy, t->n);
	else
		t->n = c_length(cyre_slice(t->p, t->n));
	return sawb;
}

bool cyre_mail_headers(struct cyre_mail_parser *m, struct cyre_part *part,
	const char *default_type)
{
	struct block t = {.p = m->msg.p + m->off};
	const uint8_t *p, *end;
	bool sawb;

	part->header_offset = m->off;
	sawb = read_block(m, part, &t);
	part->content_offset = m->off;
	if (t.no_helper) {
		part->header_lines = UINT64_MAX;
	} else {
		part->header_size = t.n;
		end = t.p + t.n;
		for (p = t.p;
			p < end && (p = memchr(p, '\n', (size_t)(end - p)));
			p++)
			part->header_lines++;
		interpret(m, part, &t);
	}
	if (!part->type.p)
		cyre_mail_default_type(m, part, default_type);
	return sawb;
}
