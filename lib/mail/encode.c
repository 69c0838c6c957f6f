/*
 * encode.c - base64 and quoted-printable as the server undoes them, and the
 * SHA-1 of a part's decoded content (docs/formats/message-parsing.md
 * section 7). Both decoders take anything: what is not of the encoding is
 * dropped or passed on as the page says.
 */
#include "parse.h"

#define BLOCK   ((size_t)48 << 10)
#define QP_LINE 999u /* a line this long is flushed before its end */

#define NO    255
#define NO_16 NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO
/* clang-format off */
static const uint8_t values[256] = {
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62, NO, NO, NO, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, 64, NO, NO,
	NO, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, NO,
	NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
	NO_16, NO_16, NO_16, NO_16, NO_16, NO_16, NO_16, NO_16,
};
/* clang-format on */

uint8_t cyre_base64_value(uint8_t c)
{
	return values[c];
}

/* Whole groups of four characters of the alphabet, as many as come. */
static const uint8_t *whole_groups(
	const uint8_t *p, const uint8_t *end, uint8_t **out)
{
	uint8_t *q = *out;
	size_t n = cyre_base64_blocks(p, (size_t)(end - p), q);
	uint32_t a, b, c, d, v;

	p += n;
	q += n / 4 * 3;
	while (end - p >= 4) {
		a = values[p[0]];
		b = values[p[1]];
		c = values[p[2]];
		d = values[p[3]];
		if ((a | b | c | d) >= 64)
			break;
		v = a << 18 | b << 12 | c << 6 | d;
		q[0] = (uint8_t)(v >> 16);
		q[1] = (uint8_t)(v >> 8);
		q[2] = (uint8_t)v;
		q += 3;
		p += 4;
	}
	*out = q;
	return p;
}

void cyre_base64_put(
	struct cyre_base64 *s, struct cyre_slice in, struct cyre_buf *out)
{
	const uint8_t *p = in.p, *end = p + in.n;
	uint8_t *q, v;

	if (!cyre_buf_room(out, in.n))
		return;
	q = out->p + out->n;
	while (p < end) {
		if (!s->have)
			p = whole_groups(p, end, &q);
		if (p == end)
			break;
		v = values[*p++];
		if (v >= 64) {
			if (v == 64 && !s->ignore_pad)
				s->have = 0;
			continue;
		}
		s->bits = s->bits << 6 | v;
		if (s->have)
			*q++ = (uint8_t)(s->bits >> (6 - 2 * s->have));
		s->have = (s->have + 1) & 3;
	}
	out->n = (size_t)(q - out->p);
}

/* One line without its end. `eol`: an end is due. */
static void qp_flush(
	const uint8_t *p, size_t n, bool eol, bool header, struct cyre_buf *out)
{
	const uint8_t *eq;
	uint8_t *q;
	size_t i, plain;

	while (n && cyre_is_wsp(p[n - 1]))
		n--;
	if (!cyre_buf_room(out, n + 2))
		return;
	q = out->p + out->n;
	for (i = 0; i < n; i++) {
		eq = header ? p + i : memchr(p + i, '=', n - i);
		plain = eq ? (size_t)(eq - p) - i : n - i;
		memcpy(q, p + i, plain);
		q += plain;
		i += plain;
		if (i == n)
			break;
		if (p[i] == '_' && header) {
			*q++ = ' ';
		} else if (p[i] != '=') {
			*q++ = p[i];
		} else if (i + 1 == n) {
			eol = false;
		} else if (i + 2 < n && cyre_is(p[i + 1], CYRE_CC_HEX) &&
			   cyre_is(p[i + 2], CYRE_CC_HEX)) {
			*q++ = (uint8_t)((unsigned)cyre_hex(p[i + 1]) << 4 |
					 (unsigned)cyre_hex(p[i + 2]));
			i += 2;
		} else {
			*q++ = '=';
		}
	}
	if (eol) {
		*q++ = '\r';
		*q++ = '\n';
	}
	out->n = (size_t)(q - out->p);
}

/* A line with CRs inside, or a very long one. */
static void qp_odd_line(
	const uint8_t *p, size_t n, bool eol, bool header, struct cyre_buf *out)
{
	uint8_t line[QP_LINE];
	size_t i, len = 0;

	for (i = 0; i < n; i++) {
		if (p[i] == '\r')
			continue;
		line[len++] = p[i];
		if (len == QP_LINE) {
			qp_flush(line, len, false, header, out);
			len = 0;
		}
	}
	qp_flush(line, len, eol, header, out);
}

/* Ends with a flush: cut the input only behind an LF. */
void cyre_qp_put(struct cyre_slice in, bool header, struct cyre_buf *out)
{
	const uint8_t *p = in.p, *end = in.p + in.n, *lf;
	size_t n, text;

	while (p < end) {
		lf = memchr(p, '\n', (size_t)(end - p));
		n = (size_t)((lf ? lf : end) - p);
		text = n && p[n - 1] == '\r' ? n - 1 : n;
		if (text >= QP_LINE || (text && memchr(p, '\r', text)))
			qp_odd_line(p, n, lf, header, out);
		else
			qp_flush(p, text, lf, header, out);
		p += lf ? n + 1 : n;
	}
}

enum cyre_encoding cyre_part_encoding(const struct cyre_part *part)
{
	static const struct {
		const char *name;
		enum cyre_encoding enc;
	} known[] = {{"7BIT", CYRE_ENC_NONE}, {"8BIT", CYRE_ENC_NONE},
		{"BINARY", CYRE_ENC_NONE}, {"BASE64", CYRE_ENC_BASE64},
		{"QUOTED-PRINTABLE", CYRE_ENC_QP}};
	size_t i;

	if (!part->encoding.p)
		return CYRE_ENC_NONE;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (cyre_slice_is(part->encoding, known[i].name))
			return known[i].enc;
	}
	return CYRE_ENC_UNKNOWN;
}

/* How much of `in` makes the next block: for QP it ends behind an LF. */
static size_t block_of(struct cyre_slice in, enum cyre_encoding enc)
{
	const uint8_t *lf;

	if (enc == CYRE_ENC_NONE || in.n <= BLOCK)
		return in.n;
	if (enc == CYRE_ENC_BASE64)
		return BLOCK;
	lf = memchr(in.p + BLOCK, '\n', in.n - BLOCK);
	return lf ? (size_t)(lf - in.p) + 1 : in.n;
}

static cyre_status hash_piece(
	struct cyre_mail_parser *m, struct cyre_part *part, struct cyre_slice s)
{
	part->decoded_size += s.n;
	return cyre_sha1_update(m->hasher, s);
}

static cyre_status hash_content(struct cyre_mail_parser *m,
	struct cyre_part *part, struct cyre_slice in, enum cyre_encoding enc)
{
	struct cyre_base64 b64 = {.ignore_pad = m->b->base64_ignores_pad};
	struct cyre_slice block;
	cyre_status st = CYRE_OK;

	while (in.n && st == CYRE_OK) {
		block = cyre_slice(in.p, block_of(in, enc));
		in = cyre_slice(in.p + block.n, in.n - block.n);
		cyre_buf_reset(&m->decoded);
		if (enc == CYRE_ENC_BASE64)
			cyre_base64_put(&b64, block, &m->decoded);
		else if (enc == CYRE_ENC_QP)
			cyre_qp_put(block, false, &m->decoded);
		if (m->decoded.bad)
			return CYRE_ENOMEM;
		st = hash_piece(m, part,
			enc == CYRE_ENC_NONE ? block
					     : cyre_buf_slice(&m->decoded));
	}
	return st;
}

/*
 * Decodes a short content and leaves it to be hashed with others. False: it is
 * long, there is no room, or (3.0) the GUID is more than the hash.
 */
static bool hash_later(struct cyre_mail_parser *m, struct cyre_part *part,
	struct cyre_slice in, enum cyre_encoding enc)
{
	struct cyre_base64 b64 = {.ignore_pad = m->b->base64_ignores_pad};
	struct cyre_buf decoded;

	if (m->b->section == CYRE_SECTION_GUID || in.n >= CYRE_SUM_LONG)
		return false;
	if (enc != CYRE_ENC_NONE) {
		/* A lone LF becomes two bytes. */
		if (!cyre_later_room(m->later, 2 * in.n + 2, &decoded))
			return false;
		if (enc == CYRE_ENC_BASE64)
			cyre_base64_put(&b64, in, &decoded);
		else
			cyre_qp_put(in, false, &decoded);
		in = cyre_buf_slice(&decoded);
	}
	part->sum = cyre_later_add(m->later, in);
	if (part->sum)
		part->decoded_size += in.n;
	return part->sum;
}

/* 3.0 mixes type and charset into the last four bytes (cache.md 11). */
static void mix_guid(struct cyre_mail_parser *m, struct cyre_part *part)
{
	struct cyre_slice name = cyre_mail_charset_name(m, part);
	uint8_t *last = part->guid + CYRE_SHA1_LEN - 4;
	uint32_t v;

	v = cyre_crc32(part->type);
	v = cyre_crc32_more(v, part->subtype);
	v = cyre_crc32_more(v, name);
	v ^= cyre_load_be32(last);
	/* Stored in the order of the host, taken to be little-endian. */
	cyre_store_be32(last, __builtin_bswap32(v));
}

void cyre_mail_content_guid(
	struct cyre_mail_parser *m, struct cyre_part *part, uint64_t start)
{
	static const uint8_t nuls[64];
	uint64_t size = part->content_size, have = m->msg.n - start, missing;
	enum cyre_encoding enc = cyre_part_encoding(part);
	struct cyre_slice in;
	cyre_status st;

	if (m->b->section > CYRE_SECTION_GUID)
		return;
	if (cyre_slice_is(part->type, "MESSAGE") && !m->b->message_encoded)
		enc = CYRE_ENC_NONE;
	if (enc == CYRE_ENC_UNKNOWN)
		return;
	/* Past the end of the file the server reads the rest of its page. */
	missing = size > have ? size - have : 0;
	if (missing > m->msg.n || !cyre_mail_spend(m, size)) {
		cyre_mail_fail(m, CYRE_ELIMIT);
		return;
	}
	in = cyre_slice(m->msg.p + start, (size_t)(size - missing));
	if (!missing && hash_later(m, part, in, enc))
		return;
	st = cyre_sha1_begin(m->hasher);
	if (st == CYRE_OK)
		st = hash_content(m, part, in, enc);
	for (; st == CYRE_OK && missing; missing -= size) {
		size = missing < sizeof(nuls) ? missing : sizeof(nuls);
		st = hash_piece(m, part, cyre_slice(nuls, (size_t)size));
	}
	if (st == CYRE_OK)
		st = cyre_sha1_end(m->hasher, part->guid);
	if (st != CYRE_OK)
		cyre_mail_fail(m, st);
	else if (m->b->section == CYRE_SECTION_GUID)
		mix_guid(m, part);
}
