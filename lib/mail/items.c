/*
 * items.c - ENVELOPE, BODYSTRUCTURE, BODY and SUBJECT of a cache record
 * (docs/formats/cache.md sections 2-4 and 8).
 */
#include "parse.h"

#define QUOTED_MAX 1023u

/* Bytes that make a value a literal. */
static bool needs_literal(struct cyre_slice s)
{
	size_t i;

	if (s.n > QUOTED_MAX)
		return true;
	for (i = 0; i < s.n; i++) {
		if (cyre_is(s.p[i], CYRE_CC_LITERAL))
			return true;
	}
	return false;
}

void cyre_put_nstring(struct cyre_buf *out, struct cyre_slice s)
{
	if (!s.p) {
		cyre_put_str(out, "NIL");
	} else if (needs_literal(s)) {
		cyre_put_u8(out, '{');
		cyre_put_dec(out, s.n);
		cyre_put_str(out, "}\r\n");
		cyre_put_slice(out, s);
	} else {
		cyre_put_u8(out, '"');
		cyre_put_slice(out, s);
		cyre_put_u8(out, '"');
	}
}

static void put_sp_nstring(struct cyre_buf *out, struct cyre_slice s)
{
	cyre_put_u8(out, ' ');
	cyre_put_nstring(out, s);
}

static void put_sp_addresses(
	struct cyre_buf *out, const struct cyre_addresses *list)
{
	const struct cyre_address *a;

	if (!list->first) {
		cyre_put_str(out, " NIL");
		return;
	}
	cyre_put_str(out, " (");
	for (a = list->first; a; a = a->next) {
		cyre_put_u8(out, '(');
		cyre_put_nstring(out, a->name);
		put_sp_nstring(out, a->route);
		put_sp_nstring(out, a->mailbox);
		put_sp_nstring(out, a->domain);
		cyre_put_u8(out, ')');
	}
	cyre_put_u8(out, ')');
}

void cyre_put_envelope(struct cyre_buf *out, const struct cyre_envelope *env)
{
	cyre_put_u8(out, '(');
	cyre_put_nstring(out, env->date);
	put_sp_nstring(out, env->subject);
	put_sp_addresses(out, &env->from);
	put_sp_addresses(out, env->sender.first ? &env->sender : &env->from);
	put_sp_addresses(
		out, env->reply_to.first ? &env->reply_to : &env->from);
	put_sp_addresses(out, &env->to);
	put_sp_addresses(out, &env->cc);
	put_sp_addresses(out, &env->bcc);
	put_sp_nstring(out, env->in_reply_to);
	put_sp_nstring(out, env->message_id);
	cyre_put_u8(out, ')');
}

static void put_sp_params(struct cyre_buf *out, const struct cyre_param *p)
{
	const char *before = " (";

	if (!p) {
		cyre_put_str(out, " NIL");
		return;
	}
	for (; p; p = p->next) {
		cyre_put_str(out, before);
		cyre_put_nstring(out, p->name);
		put_sp_nstring(out, p->value);
		before = " ";
	}
	cyre_put_u8(out, ')');
}

/* Disposition, languages, location: the end of every extended form. */
static void put_sp_extension(const struct cyre_mail_parser *m,
	struct cyre_buf *out, const struct cyre_part *part)
{
	const struct cyre_lang *l;
	const char *before = " (";

	if (part->disposition.p) {
		cyre_put_str(out, " (");
		cyre_put_nstring(out, part->disposition);
		put_sp_params(out, part->disp_params);
		cyre_put_u8(out, ')');
	} else {
		cyre_put_str(out, " NIL");
	}
	for (l = part->languages; l; l = l->next) {
		cyre_put_str(out, before);
		cyre_put_nstring(out, l->tag);
		before = " ";
	}
	cyre_put_str(out, part->languages ? ")" : " NIL");
	if (!m->b->no_location)
		put_sp_nstring(out, part->location);
}

static void put_sp_number(
	const struct cyre_mail_parser *m, struct cyre_buf *out, uint64_t v)
{
	cyre_put_u8(out, ' ');
	cyre_put_dec(out, m->b->wide_numbers ? v : (uint32_t)v);
}

static void put_leaf(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *part, bool extended)
{
	cyre_put_u8(out, '(');
	cyre_put_nstring(out, part->type);
	put_sp_nstring(out, part->subtype);
	put_sp_params(out, part->params);
	put_sp_nstring(out, part->id);
	put_sp_nstring(out, part->description);
	put_sp_nstring(out,
		part->encoding.p ? part->encoding : cyre_slice_str("7BIT"));
	put_sp_number(m, out, part->content_size);
	if (cyre_slice_is(part->type, "TEXT")) {
		put_sp_number(m, out, part->content_lines);
	} else if (part->inner) {
		cyre_put_u8(out, ' ');
		cyre_put_envelope(out, part->inner->env);
		cyre_put_u8(out, ' ');
		cyre_put_body(m, out, part->inner, extended);
		put_sp_number(m, out, part->content_lines);
	}
	if (extended) {
		put_sp_nstring(out, part->md5);
		put_sp_extension(m, out, part);
	}
	cyre_put_u8(out, ')');
}

void cyre_put_body(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *part, bool extended)
{
	const struct cyre_part *k;

	if (!cyre_slice_is(part->type, "MULTIPART")) {
		put_leaf(m, out, part, extended);
		return;
	}
	if (!part->n_sub) {
		cyre_put_str(out, "(\"TEXT\" \"PLAIN\" (\"CHARSET\" "
				  "\"us-ascii\") NIL NIL \"7BIT\" 0 0");
		if (extended)
			cyre_put_str(out, m->b->no_location
						  ? " NIL NIL NIL"
						  : " NIL NIL NIL NIL");
		cyre_put_u8(out, ')');
		return;
	}
	cyre_put_u8(out, '(');
	for (k = part->sub; k; k = k->next)
		cyre_put_body(m, out, k, extended);
	put_sp_nstring(out, part->subtype);
	if (extended) {
		put_sp_params(out, part->params);
		put_sp_extension(m, out, part);
	}
	cyre_put_u8(out, ')');
}

void cyre_put_subject(struct cyre_mail_parser *m, struct cyre_buf *out,
	struct cyre_slice subject)
{
	if (!subject.p && m->b->subject_always)
		subject = cyre_slice_str("");
	if (subject.p)
		subject = cyre_mail_decode(m, subject, m->opt.rfc2047_utf8);
	cyre_put_nstring(out, subject);
}
