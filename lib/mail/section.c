/*
 * section.c - item SECTION of a cache record: where each part lies in the file
 * (docs/formats/cache.md section 5).
 */
#include "parse.h"

static const struct cyre_part none;

static void put_loc(
	struct cyre_buf *out, const struct cyre_part *p, uint64_t size)
{
	cyre_put_be32(out, (uint32_t)p->header_offset);
	cyre_put_be32(out, (uint32_t)p->header_size);
	cyre_put_be32(out, (uint32_t)p->content_offset);
	cyre_put_be32(out, (uint32_t)size);
}

/* What stands behind the charset name. */
static void put_tail(const struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *p)
{
	if (m->b->section <= CYRE_SECTION_GUID) {
		if (p->sum)
			cyre_later_place(m->later, out, p->sum);
		cyre_put(out, p->guid, sizeof(p->guid));
	}
	if (m->b->section == CYRE_SECTION_FULL) {
		cyre_put_be32(out, (uint32_t)p->decoded_size);
		cyre_put_be32(out, (uint32_t)p->content_lines);
	}
}

/* An entry without a charset. */
static void put_nochar(const struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *p)
{
	cyre_put_be32(out,
		m->b->section == CYRE_SECTION_NUMBER ? 0xffff0000 : 0x0000ffff);
	put_tail(m, out, p);
}

/* Up to 3.0 the name is not the given one but the server's own. */
static struct cyre_slice name_of(const struct cyre_mail_parser *m,
	const struct cyre_charset *cs, struct cyre_slice given)
{
	return m->b->section == CYRE_SECTION_FULL ? given
						  : cyre_charset_canon(cs);
}

struct cyre_slice cyre_mail_charset_name(
	struct cyre_mail_parser *m, const struct cyre_part *p)
{
	struct cyre_slice name = cyre_slice_str("us-ascii");
	const struct cyre_charset *cs;
	const struct cyre_param *a;

	if (!cyre_slice_is(p->type, "TEXT")) {
		if (cyre_slice_is(p->type, "MESSAGE") &&
			!cyre_part_is_message(m, p))
			return name;
		return CYRE_ABSENT;
	}
	for (a = p->params; a; a = a->next) {
		if (!cyre_slice_is(a->name, "CHARSET"))
			continue;
		cs = a->value.n ? cyre_charset_find(m, a->value) : NULL;
		if (cs)
			name = name_of(m, cs, a->value);
		else if (a->value.n && m->b->first_charset)
			name = CYRE_ABSENT;
		if (m->b->first_charset)
			break;
	}
	return name;
}

/* The number 2.4 and older store for the name. */
static uint32_t charset_number(
	const struct cyre_mail_parser *m, const struct cyre_part *p)
{
	const struct cyre_param *a;

	if (cyre_slice_is(p->type, "MESSAGE") && !p->inner)
		return 0;
	if (!cyre_slice_is(p->type, "TEXT"))
		return 0xffff;
	for (a = p->params; a; a = a->next) {
		if (cyre_slice_is(a->name, "CHARSET"))
			return 0xffff &
			       (uint32_t)cyre_charset_number(m->b, a->value);
	}
	return 0;
}

static void put_char(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *p)
{
	struct cyre_slice name = CYRE_ABSENT;
	size_t len = 0;
	enum cyre_encoding enc = cyre_part_encoding(p);

	if (cyre_slice_is(p->type, "MESSAGE") && !m->b->message_encoded)
		enc = CYRE_ENC_NONE;
	if (m->b->section <= CYRE_SECTION_GUID) {
		name = cyre_mail_charset_name(m, p);
		len = name.p ? (name.n / 4 + 1) * 4 : 0;
	}
	if (len > 0xffff)
		len = 0;
	if (m->b->section == CYRE_SECTION_NUMBER)
		cyre_put_be32(out, charset_number(m, p) << 16 | enc);
	else
		cyre_put_be32(out, (uint32_t)(len << 16) | enc);
	if (len) {
		cyre_put_slice(out, name);
		cyre_put_fill(out, 0, len - name.n);
	}
	put_tail(m, out, p);
}

static bool is_empty_multipart(const struct cyre_part *p)
{
	return cyre_slice_is(p->type, "MULTIPART") && !p->n_sub;
}

static void put_section(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *part);

static void put_children(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *part)
{
	const struct cyre_part *k;

	for (k = part->sub; k; k = k->next)
		put_section(m, out, k);
}

void cyre_put_section(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *msg)
{
	const struct cyre_part *k;

	cyre_put_be32(out, msg->n_sub ? msg->n_sub + 1 : 2);
	put_loc(out, msg, msg->content_size);
	put_nochar(m, out, msg);
	if (msg->n_sub) {
		for (k = msg->sub; k; k = k->next) {
			put_loc(out, k,
				is_empty_multipart(k) ? 0 : k->content_size);
			put_char(m, out, k);
		}
		put_children(m, out, msg);
		return;
	}
	if (is_empty_multipart(msg)) {
		put_loc(out, msg, 0);
		put_nochar(m, out, &none);
	} else {
		put_loc(out, msg, msg->content_size);
		put_char(m, out, msg);
	}
	put_section(m, out, msg);
}

static void put_section(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *part)
{
	const struct cyre_part *k;

	if (part->inner) {
		cyre_put_section(m, out, part->inner);
		return;
	}
	if (!part->n_sub) {
		cyre_put_be32(out, 0);
		return;
	}
	cyre_put_be32(out, part->n_sub + 1);
	cyre_put_be32(out, 0);
	cyre_put_be32(out, UINT32_MAX);
	cyre_put_be32(out, 0);
	cyre_put_be32(out, UINT32_MAX);
	put_nochar(m, out, &none);
	for (k = part->sub; k; k = k->next) {
		if (is_empty_multipart(k)) {
			put_loc(out, k, 0);
			put_nochar(m, out, k);
		} else {
			put_loc(out, k, k->content_size);
			put_char(m, out, k);
		}
	}
	put_children(m, out, part);
}
