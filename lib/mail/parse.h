/*
 * parse.h - the parse of one message, shared by the files of this layer
 *
 * A slice whose p is NULL is an absent value (NIL); one with n == 0 is present
 * and empty. Values borrow the message where they can; what had to be changed
 * stands in the parser's arena. Nothing in here outlives the next message.
 *
 * Header text is walked with a struct cyre_cur whose `bad` is not used: the
 * text holds no NUL (MP 3.2), so that 0 from cyre_peek() is its end.
 */
#ifndef CYRE_PARSE_H
#define CYRE_PARSE_H

#include "arena.h"
#include "behaviour.h"
#include "buf.h"
#include "bytes.h"
#include "digest.h"
#include "later.h"

#define CYRE_ABSENT ((struct cyre_slice){NULL, 0})

struct cyre_param {
	struct cyre_param *next;
	struct cyre_slice name, value;
};

struct cyre_lang {
	struct cyre_lang *next;
	struct cyre_slice tag;
};

/* A group's start has a mailbox and no domain, its end neither. */
struct cyre_address {
	struct cyre_address *next;
	struct cyre_slice name, route, mailbox, domain;
};

struct cyre_addresses {
	struct cyre_address *first, **tail;
};

/* Only of a message, the outermost or an embedded one. */
struct cyre_envelope {
	struct cyre_slice date, subject, in_reply_to, message_id;
	struct cyre_addresses from, sender, reply_to, to, cc, bcc;
};

/* MP 1: the fields of a part. Sizes wrap as the release's do when written. */
struct cyre_part {
	struct cyre_part *next;    /* the next sub-part of the same parent */
	struct cyre_part *sub;     /* of a multipart, the first */
	struct cyre_part *inner;   /* of a message/rfc822, the message */
	struct cyre_envelope *env; /* of a message */
	struct cyre_slice type, subtype, id, description, encoding, md5,
		disposition, location;
	struct cyre_param *params, *disp_params;
	struct cyre_lang *languages;
	uint64_t header_offset, header_size, content_offset, content_size;
	uint64_t header_lines, content_lines;
	uint64_t boundary_size, boundary_lines;
	uint64_t decoded_size;
	uint32_t n_sub;
	uint8_t guid[CYRE_SHA1_LEN]; /* unless it comes later: */
	uint32_t sum;                /* cyre_later_add(); 0: it is here */
};

enum cyre_encoding {
	CYRE_ENC_NONE = 0,
	CYRE_ENC_QP = 1,
	CYRE_ENC_BASE64 = 2,
	CYRE_ENC_UNKNOWN = 255,
};

struct cyre_mail_parser {
	const struct cyre_mail_behaviour *b;
	struct cyre_mail_options opt;
	struct cyre_arena arena;
	struct cyre_hasher *hasher;
	struct cyre_mail_later *later; /* now used */
	struct cyre_mail_later *own;   /* of a message that is hashed at once */
	struct cyre_charsets *charsets;
	struct cyre_slice msg;
	size_t off;                /* the next unread byte */
	struct cyre_slice *bounds; /* pending boundaries, outermost first */
	size_t n_bounds, cap_bounds;
	struct cyre_buf headers; /* item HEADERS */
	struct cyre_buf decoded; /* a block of content, a decoded word */
	struct cyre_buf text;    /* decoded RFC 2047 text */
	uint64_t work;           /* what may still be spent on this message */
	uint32_t depth;
	bool outline;   /* nobody looks into the parts */
	cyre_status st; /* sticky: the first failure */
};

/* Fails once and stays failed; false. */
bool cyre_mail_fail(struct cyre_mail_parser *m, cyre_status st);
/*
 * Takes n steps off what one message may cost, so that no message takes hours:
 * nested messages are hashed once a level, lines compared with each boundary.
 */
bool cyre_mail_spend(struct cyre_mail_parser *m, uint64_t n);
/* arena.h's two, setting the status. */
void *cyre_mail_get(struct cyre_mail_parser *m, size_t n);
uint8_t *cyre_mail_text(struct cyre_mail_parser *m, size_t max);

/* ---- class.c: characters (MP 1) ---- */
enum {
	CYRE_CC_WS = 1,      /* HT LF VT FF CR SP */
	CYRE_CC_CTL = 2,     /* below 0x20 */
	CYRE_CC_SPECIAL = 4, /* TSPECIALS */
	CYRE_CC_ALPHA = 8,
	CYRE_CC_DIGIT = 16,
	CYRE_CC_HEX = 32,
	CYRE_CC_LITERAL = 64, /* makes a value a literal (cache.md 2) */
};
extern const uint8_t cyre_char_class[256];

static inline bool cyre_is(int c, unsigned classes)
{
	return cyre_char_class[(uint8_t)c] & classes;
}

static inline bool cyre_is_wsp(int c)
{
	return c == ' ' || c == '\t';
}

static inline uint8_t cyre_upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c;
}

static inline uint8_t cyre_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static inline int cyre_hex(int c)
{
	if (!cyre_is(c, CYRE_CC_HEX))
		return -1;
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static inline int cyre_peek(const struct cyre_cur *t)
{
	return t->p < t->end ? *t->p : 0;
}

/* The byte at p + n, 0 past the end. */
static inline int cyre_peek_at(const struct cyre_cur *t, size_t n)
{
	return n < (size_t)(t->end - t->p) ? t->p[n] : 0;
}

bool cyre_slice_is(struct cyre_slice s, const char *word); /* exactly */
bool cyre_slice_is_nocase(struct cyre_slice s, const char *word);
struct cyre_slice cyre_mail_upper(
	struct cyre_mail_parser *m, struct cyre_slice s);

/* ---- rfc822.c: header block and plain values (MP 3, 4) ---- */
/* True: the block ended in a boundary line, there is no content. */
bool cyre_mail_headers(struct cyre_mail_parser *m, struct cyre_part *part,
	const char *default_type);
bool cyre_mail_skip(struct cyre_cur *t);
const uint8_t *cyre_field_end(const uint8_t *v, const uint8_t *end);

/* ---- address.c (MP 8) ---- */
void cyre_mail_addresses(struct cyre_mail_parser *m, struct cyre_slice value,
	struct cyre_addresses *list);

/* ---- mime.c, param.c, encoded_type.c (MP 5) ---- */
void cyre_mail_default_type(
	struct cyre_mail_parser *m, struct cyre_part *part, const char *type);
void cyre_mail_content_type(
	struct cyre_mail_parser *m, struct cyre_part *part, struct cyre_cur t);
void cyre_mail_disposition(
	struct cyre_mail_parser *m, struct cyre_part *part, struct cyre_cur t);
void cyre_mail_encoding(
	struct cyre_mail_parser *m, struct cyre_part *part, struct cyre_cur t);
void cyre_mail_language(
	struct cyre_mail_parser *m, struct cyre_part *part, struct cyre_cur t);
bool cyre_mail_bad_token(const struct cyre_mail_parser *m, int c);
struct cyre_param *cyre_mail_params(
	struct cyre_mail_parser *m, struct cyre_cur t);
void cyre_mail_fold_params(
	struct cyre_mail_parser *m, struct cyre_param **list);
/* The text of an encoded Content-Type; false when it is not one. */
bool cyre_mail_decode_type(struct cyre_mail_parser *m, struct cyre_cur *t);
void cyre_mail_encode_params(
	struct cyre_mail_parser *m, struct cyre_param *list);
bool cyre_part_is_message(
	const struct cyre_mail_parser *m, const struct cyre_part *part);

/* ---- structure.c (MP 2, 6) ---- */
void cyre_mail_body(struct cyre_mail_parser *m, struct cyre_part *part,
	const char *default_type);
bool cyre_mail_is_boundary(struct cyre_mail_parser *m, struct cyre_slice line);
struct cyre_slice cyre_mail_line(struct cyre_mail_parser *m);

/* ---- encode.c (MP 7) ---- */
struct cyre_base64 {
	uint32_t bits;
	uint8_t have; /* characters of the unfinished group */
	bool ignore_pad;
};
/* 0-63; 64: `=`; 255: not of the alphabet. */
uint8_t cyre_base64_value(uint8_t c);
/*
 * base64_blocks.c: as many of n characters as come in whole blocks of the
 * alphabet and as this processor can do; returns how many. `out` has room for n
 * bytes; behind the bytes that were made it may be written over.
 */
size_t cyre_base64_blocks(const uint8_t *p, size_t n, uint8_t *out);
void cyre_base64_put(
	struct cyre_base64 *s, struct cyre_slice in, struct cyre_buf *out);
void cyre_qp_put(struct cyre_slice in, bool header, struct cyre_buf *out);
enum cyre_encoding cyre_part_encoding(const struct cyre_part *part);
void cyre_mail_content_guid(
	struct cyre_mail_parser *m, struct cyre_part *part, uint64_t start);

/* ---- charset.c, rfc2047.c (MP 9) ---- */
struct cyre_charset;
struct cyre_unicode {
	struct cyre_buf *out;
	uint32_t code; /* an unfinished UTF-8 sequence */
	unsigned left;
};
cyre_status cyre_charsets_new(struct cyre_charsets **ret);
void cyre_charsets_free(struct cyre_charsets *cs);
/* NULL: unknown. Valid until the next call but seven. */
struct cyre_charset *cyre_charset_find(
	struct cyre_mail_parser *m, struct cyre_slice name);
/* ICU's own converter of exactly this name. */
struct cyre_charset *cyre_charset_find_icu(
	struct cyre_mail_parser *m, struct cyre_slice name);
/* us-ascii or UTF-8; always valid. */
struct cyre_charset *cyre_charset_plain(struct cyre_mail_parser *m, bool utf8);
/* The one code of these bytes, U+FFFD when there is none. */
uint32_t cyre_charset_one(struct cyre_charset *cs, struct cyre_slice bytes);
/* Its place in the built-in list of 2.5 and older; -1: not in it. */
int cyre_charset_number(
	const struct cyre_mail_behaviour *b, struct cyre_slice name);
struct cyre_slice cyre_charset_canon(const struct cyre_charset *cs);
/* Starts anew / converts one piece, ended by a flush, to UTF-8. */
void cyre_charset_reset(struct cyre_charset *cs, struct cyre_unicode *u);
void cyre_charset_put(struct cyre_charset *cs, struct cyre_unicode *u,
	struct cyre_slice bytes);
void cyre_put_utf8(struct cyre_buf *out, uint32_t code);
/* An RFC 2047 word. */
struct cyre_word {
	struct cyre_slice charset, text;
	const uint8_t *start, *end;
	bool q; /* else base64 */
};
/* The next word by the rule of 3.0 and older. */
bool cyre_find_word_old(
	const uint8_t *p, const uint8_t *end, struct cyre_word *ret);
/* In the arena. */
struct cyre_slice cyre_mail_decode(
	struct cyre_mail_parser *m, struct cyre_slice text, bool utf8);
/* RFC 2231; absent when it does not decode. */
struct cyre_slice cyre_mail_decode_2231(
	struct cyre_mail_parser *m, struct cyre_slice value);

/* ---- charset_old.c, rfc2047_old.c, fold.c (cache.md 11) ---- */
/* A charset built into 2.5 and older, byte by byte. */
struct cyre_old {
	struct cyre_mail_parser *m;
	int charset; /* its number */
	uint8_t lead, set;
	bool in_esc;
	uint8_t n_esc;
	char esc[4];
};
#define CYRE_OLD_NONE UINT32_MAX /* no code ends with this byte */
uint32_t cyre_old_code(struct cyre_old *o, uint8_t c);
bool cyre_old_is_utf7(int charset);
bool cyre_old_is_utf8(int charset);
#define CYRE_FOLD_MAX 40
/* The search form of one code, as up to 2.4. Returns how many codes it has. */
size_t cyre_fold(const struct cyre_mail_behaviour *b, uint32_t code,
	uint32_t ret[CYRE_FOLD_MAX]);
/* unicode_2_0.c: a character whose search form was another then; 0 ends it. */
struct cyre_unicode_2_0 {
	uint16_t code, to[3];
};
#define CYRE_UNICODE_ITSELF 0xffff
const struct cyre_unicode_2_0 *cyre_unicode_2_0_find(uint32_t code);
/* Has any of the 256 codes around this one another search form? */
bool cyre_fold_has_block(const struct cyre_mail_behaviour *b, uint32_t code);
/* Into m->text. */
void cyre_decode_old(struct cyre_mail_parser *m, struct cyre_slice s);

/* ---- datetime.c, datetime822.c (MP 10) ---- */
int64_t cyre_mail_date_822(const struct cyre_mail_parser *m,
	struct cyre_slice value, bool day_only);
/* Days since 1970-01-01 of a date; month 0-11. */
int64_t cyre_days(int64_t year, int64_t month, int64_t day);
int64_t cyre_mail_date(const struct cyre_mail_parser *m,
	struct cyre_slice value, bool day_only);

/* ---- items.c, bodystructure.c, section.c, search.c (cache.md 2-8) ---- */
void cyre_put_nstring(struct cyre_buf *out, struct cyre_slice s);
void cyre_put_envelope(struct cyre_buf *out, const struct cyre_envelope *env);
void cyre_put_body(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *part, bool extended);
void cyre_put_section(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_part *msg);
/* The name by which SECTION knows a part's charset; absent: none. */
struct cyre_slice cyre_mail_charset_name(
	struct cyre_mail_parser *m, const struct cyre_part *part);
void cyre_put_search(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_addresses *list);
void cyre_put_subject(struct cyre_mail_parser *m, struct cyre_buf *out,
	struct cyre_slice subject);
/* Does the release cache a header of this name? (cache.md 6) */
bool cyre_header_is_cached(
	const struct cyre_mail_behaviour *b, struct cyre_slice name);

#endif
