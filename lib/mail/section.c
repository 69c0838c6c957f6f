/*
 * section.c - item SECTION of a cache record: where each part lies in the file
 * (docs/formats/cache.md section 5).
 */
#include "parse.h"

static const struct cyre_part none;

static void put_loc(struct cyre_buf *out, const struct cyre_part *p,
	uint64_t size)
{
	cyre_put_be32(out, (uint32_t)p->header_offset);
	cyre_put_be32(out, (uint32_t)p->header_size);
	cyre_put_be32(out, (uint32_t)p->content_offset);
	cyre_put_be32(out, (uint32_t)size);
}

static void put_tail(struct cyre_buf *out, const struct cyre_part *p)
{
	cyre_put(out, p->guid, sizeof(p->guid));
	cyre_put_be32(out, (uint32_t)p->decoded_size);
	cyre_put_be32(out, (uint32_t)p->content_lines);
}

/* An entry without a charset. */
static void put_nochar(struct cyre_buf *out, const struct cyre_part *p)
{
	cyre_put_be32(out, 0x0000ffff);
	put_tail(out, p);
}

/* The name as it stands in the message, when the server knows it. */
static struct cyre_slice charset_name(struct cyre_mail_parser *m,
	const struct cyre_part *p)
{
	struct cyre_slice name = cyre_slice_str("us-ascii");
	const struct cyre_param *a;

	if (!cyre_slice_is(p->type, "TEXT")) {
		if (cyre_slice_is(p->type, "MESSAGE") && !p->inner)
			return name;
		return CYRE_ABSENT;
	}
	for (a = p->params; a; a = a->next) {
		if (!cyre_slice_is(a->name, "CHARSET"))
			continue;
		if (a->value.n && cyre_charset_find(m, a->value))
			name = a->value;
		else if (a->value.n && m->b->first_charset)
			name = CYRE_ABSENT;
		if (m->b->first_charset)
			break;
	}
	return name;
}

static void put_char(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *p)
{
	struct cyre_slice name = charset_name(m, p);
	size_t len = name.p ? (name.n / 4 + 1) * 4 : 0;
	enum cyre_encoding enc = cyre_part_encoding(p);

	if (cyre_slice_is(p->type, "MESSAGE") && !m->b->message_encoded)
		enc = CYRE_ENC_NONE;
	if (len > 0xffff)
		len = 0;
	cyre_put_be32(out, (uint32_t)(len << 16) | enc);
	if (len) {
		cyre_put_slice(out, name);
		cyre_put_fill(out, 0, len - name.n);
	}
	put_tail(out, p);
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
	put_nochar(out, msg);
	if (msg->n_sub) {
		for (k = msg->sub; k; k = k->next) {
			put_loc(out, k, is_empty_multipart(k)
				? 0 : k->content_size);
			put_char(m, out, k);
		}
		put_children(m, out, msg);
		return;
	}
	if (is_empty_multipart(msg)) {
		put_loc(out, msg, 0);
		put_nochar(out, &none);
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
	put_nochar(out, &none);
	for (k = part->sub; k; k = k->next) {
		if (is_empty_multipart(k)) {
			put_loc(out, k, 0);
			put_nochar(out, k);
		} else {
			put_loc(out, k, k->content_size);
			put_char(m, out, k);
		}
	}
	put_children(m, out, part);
}
