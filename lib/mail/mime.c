/*
 * mime.c - Content-Type, -Disposition, -Transfer-Encoding, -Language
 * (docs/formats/message-parsing.md 5.1, 5.4-5.6). A value that does not parse
 * counts as if the header were not there.
 *
 * The text of a header goes on to the end of the header block; it is
 * cyre_mail_skip() that sees the end of the field.
 */
#include "parse.h"

bool cyre_mail_bad_token(const struct cyre_mail_parser *m, int c)
{
	return cyre_is(c, CYRE_CC_CTL | CYRE_CC_SPECIAL) ||
	       (c >= 0x80 && !m->opt.char_is_unsigned);
}

/* Up to a blank, a comment or `stop`; false at a byte no token has. */
static bool token(const struct cyre_mail_parser *m, struct cyre_cur *t,
	int stop, struct cyre_slice *ret)
{
	const uint8_t *start = t->p;
	int c;

	while ((c = cyre_peek(t)) && !cyre_is(c, CYRE_CC_WS) && c != '(' &&
		c != stop) {
		if (cyre_mail_bad_token(m, c))
			return false;
		t->p++;
	}
	*ret = cyre_slice(start, (size_t)(t->p - start));
	return true;
}

void cyre_mail_default_type(
	struct cyre_mail_parser *m, struct cyre_part *part, const char *type)
{
	struct cyre_cur t = cyre_cur(cyre_slice_str(type));

	cyre_mail_content_type(m, part, t);
}

/* type "/" subtype; `more`: parameters follow at t. */
static bool type_and_subtype(struct cyre_mail_parser *m, struct cyre_cur *t,
	struct cyre_slice *type, struct cyre_slice *subtype, bool *more)
{
	if (!token(m, t, '/', type) || !cyre_mail_skip(t) ||
		cyre_peek(t) != '/')
		return false;
	t->p++;
	if (!cyre_mail_skip(t) || !token(m, t, ';', subtype))
		return false;
	*more = cyre_mail_skip(t);
	if (*more && cyre_peek(t) != ';')
		return false;
	t->p += *more;
	return true;
}

void cyre_mail_content_type(
	struct cyre_mail_parser *m, struct cyre_part *part, struct cyre_cur t)
{
	struct cyre_slice type, subtype;
	bool more, decoded = false;

	if (m->b->first_wins && part->type.p)
		return;
	part->type = part->subtype = CYRE_ABSENT;
	part->params = NULL;
	if (!cyre_mail_skip(&t))
		return;
	if (m->b->encoded_type)
		decoded = cyre_mail_decode_type(m, &t);
	if (!type_and_subtype(m, &t, &type, &subtype, &more)) {
		if (m->b->octet_stream) {
			part->type = cyre_slice_str("application");
			part->subtype = cyre_slice_str("octet-stream");
		}
		return;
	}
	part->type = cyre_mail_upper(m, type);
	part->subtype = cyre_mail_upper(m, subtype);
	if (more) {
		part->params = cyre_mail_params(m, t);
		cyre_mail_fold_params(m, &part->params);
	}
	if (decoded)
		cyre_mail_encode_params(m, part->params);
}

void cyre_mail_disposition(
	struct cyre_mail_parser *m, struct cyre_part *part, struct cyre_cur t)
{
	struct cyre_slice d;
	bool more;

	if (m->b->first_wins && part->disposition.p)
		return;
	part->disposition = CYRE_ABSENT;
	part->disp_params = NULL;
	if (!cyre_mail_skip(&t) || !token(m, &t, ';', &d))
		return;
	more = cyre_mail_skip(&t);
	if (more && cyre_peek(&t) != ';')
		return;
	part->disposition = cyre_mail_upper(m, d);
	if (more) {
		t.p++;
		part->disp_params = cyre_mail_params(m, t);
		cyre_mail_fold_params(m, &part->disp_params);
	}
}

void cyre_mail_encoding(
	struct cyre_mail_parser *m, struct cyre_part *part, struct cyre_cur t)
{
	struct cyre_slice e;

	if (m->b->first_wins && part->encoding.p)
		return;
	part->encoding = CYRE_ABSENT;
	if (!cyre_mail_skip(&t) || !token(m, &t, 0, &e) || cyre_mail_skip(&t))
		return;
	part->encoding = cyre_mail_upper(m, e);
}

/* A language tag; false at a byte none has. */
static bool language(struct cyre_cur *t, struct cyre_slice *ret)
{
	const uint8_t *start = t->p;
	int c;

	while ((c = cyre_peek(t)) && !cyre_is(c, CYRE_CC_WS) && c != ',' &&
		c != '(') {
		if (!cyre_is(c, CYRE_CC_ALPHA) && c != '-')
			return false;
		t->p++;
	}
	*ret = cyre_slice(start, (size_t)(t->p - start));
	return true;
}

void cyre_mail_language(
	struct cyre_mail_parser *m, struct cyre_part *part, struct cyre_cur t)
{
	struct cyre_lang *list = NULL, **tail = &list;
	struct cyre_slice tag;
	bool more = true;

	while (more && cyre_mail_skip(&t) && language(&t, &tag)) {
		more = cyre_mail_skip(&t);
		if (more && cyre_peek(&t) != ',')
			break;
		t.p += more;
		*tail = cyre_mail_get(m, sizeof(**tail));
		if (!*tail)
			return;
		(*tail)->tag = cyre_mail_upper(m, tag);
		tail = &(*tail)->next;
	}
	if (list || !m->b->first_wins)
		part->languages = list;
}

bool cyre_part_is_message(
	const struct cyre_mail_parser *m, const struct cyre_part *part)
{
	return cyre_slice_is(part->type, "MESSAGE") &&
	       (cyre_slice_is(part->subtype, "RFC822") ||
		       (m->b->message_global &&
			       cyre_slice_is(part->subtype, "GLOBAL")));
}
