/*
 * check_mail.c - message bytes -> cache record, without the large fixtures: the
 * vectors of docs/formats/cache.md section 12 and what a hostile message may
 * not do. Byte identity on real mail is tests/identity.
 */
#include "unit.h"

#include <cyrescue/mail.h>

#include "buf.h"
#include "bytes.h"
#include "cache.h"
#include "check_cache.h"
#include "later.h"
#include "parse.h"

/* Real records of 3.6.1; the sum is over the whole record. */
static const struct {
	const char *name, *message;
	unsigned header_size;
	uint32_t crc;
	size_t len;
} vectors[] = {
	{"V1", /* plain */
		"From: a@b\r\nSubject: =?utf-8?q?x=C3=A9?=\r\n"
		"\r\nhi\r\n",
		43, 0x4a89cbeb, 416},
	{"V2", /* 8-bit and quoting */
		"Subject: caf\351 =?iso-8859-1?q?=80=e9?= =?iso-8859-1"
		"?q?_x?=\r\nFrom: \"J. Q\" <J.Q@Ex.COM>, grp: a@b, c d"
		";, x@y (comment)\r\nTo: =?utf-8?q?A=C3=A9?= <U@V>\r\n"
		"X-Mailer: z\r\nX-Foo: y\r\nReply-To: f@g\r\n"
		"Subject : spaced\r\nReceived: a; b\r\n"
		"\r\n",
		222, 0x6ce90b38, 864},
	{"V3", /* bare LF empty header */
		"Subject:\nFrom: x@y\r\n\r\nx\r\n", 22, 0x6c824959, 412},
	{"V4", /* folded start */
		"Subject:\r\n folded\r\n\r\nx\r\n", 21, 0xc6bdbded, 352},
	{"V5", /* LF only */
		"A: b\nC: d\n\nbody\n", 16, 0x35dd8bb9, 352},
	{"V6", /* params */
		"Content-Type: text/plain; charset=; format=flowed\r\n"
		"\r\nx",
		53, 0xab8e2213, 352},
	{"V7", /* params end */
		"Content-Type: text/plain; charset=;\r\n"
		"\r\nx",
		39, 0x950d684d, 364},
	{"V8", /* folded token */
		"Content-Type: text/plain; charset=utf-8; name=a\r\n"
		" b\r\n\r\nx",
		55, 0x723c8b55, 424},
	{"V9", /* 2231 */
		"Content-Disposition: attachment; filename*1=b c; file"
		"name*0*=utf-8''a%20; x*0=y\r\n\r\n"
		"x",
		83, 0x7db44d82, 480},
	{"V10", /* outer boundary inside inner */
		"Content-Type: multipart/mixed; boundary=a\r\n"
		"\r\npre\r\n--a\r\nContent-Type: multipart/alternative"
		"; boundary=b\r\n\r\n--b\r\n\r\n"
		"x\r\n--a\r\n\r\nouter2\r\n--a--\r\n"
		"epi\r\n",
		45, 0xc9c45acf, 788},
	{"V11", /* close only */
		"Content-Type: multipart/mixed; boundary=a\r\n"
		"\r\n--a--\r\n",
		45, 0x2f4292bc, 372},
	{"V12", /* no boundary line */
		"Content-Type: multipart/mixed; boundary=a\r\n"
		"\r\nnothing\r\n",
		45, 0x2181205a, 432},
	{"V13", /* no boundary param */
		"Content-Type: multipart/mixed\r\n"
		"\r\nnothing\r\n",
		33, 0x2bcda049, 360},
	{"V14", /* header-only parts */
		"Content-Type: multipart/mixed; boundary=a\r\n"
		"\r\n--a\r\nContent-Type: multipart/x\r\n"
		"\r\nzz\r\n--a\r\nContent-Type: message/rfc822\r\n"
		"--a\r\nContent-Type: message/rfc822\r\n"
		"\r\nSubject: in\r\n\r\nq\r\n--a--\r\n",
		45, 0x20c0cbe1, 1392},
	{"V15", /* addresses */
		"To: <@r1,@r2:m@D>, m@d@e, undisclosed, <@r>, \"un\r\n"
		"Cc: a b@c (x), <m@ d . e .>z, g:;\r\n"
		"Bcc: n <m\r\n\r\n",
		98, 0xfb810a7c, 744},
	{"V16", /* empty names */
		"From: =?utf-8?q?a=22b?= <c@d>, =?utf-8?q?=00z?= <e@f>"
		"\r\n\r\n",
		57, 0x1b3b96d0, 552},
};
#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static cyre_mail_parser *parser(
	const char *release, const struct cyre_mail_options *options)
{
	cyre_mail_parser *m;

	ck_assert_ptr_nonnull(cyre_mail_behaviour(release));
	ck_assert_int_eq(
		cyre_mail_parser_new(cyre_mail_behaviour(release), options, &m),
		CYRE_OK);
	return m;
}

START_TEST(vector_is_what_the_server_wrote)
{
	cyre_mail_parser *m = parser("3.6.1", NULL);
	struct cyre_mail_facts f;
	struct cyre_buf rec = {0};

	ck_assert_int_eq(cyre_mail_parse(m, cyre_slice_str(vectors[_i].message),
				 &rec, &f),
		CYRE_OK);
	ck_assert_uint_eq(f.header_size, vectors[_i].header_size);
	ck_assert_uint_eq(rec.n, vectors[_i].len);
	ck_assert_uint_eq(f.record_size, rec.n);
	ck_assert_uint_eq(f.cache_crc, vectors[_i].crc);
	cyre_buf_free(&rec);
	cyre_mail_parser_free(m);
}
END_TEST

/* What one message left behind must not reach the next: parsers are reused. */
START_TEST(a_parser_forgets)
{
	cyre_mail_parser *m = parser("3.6.1", NULL);
	struct cyre_mail_facts f;
	struct cyre_buf rec = {0};
	size_t i;

	for (i = 0; i < 3 * N_VECTORS; i++) {
		cyre_buf_reset(&rec);
		ck_assert_int_eq(
			cyre_mail_parse(m,
				cyre_slice_str(
					vectors[i * 7 % N_VECTORS].message),
				&rec, &f),
			CYRE_OK);
		ck_assert_uint_eq(f.cache_crc, vectors[i * 7 % N_VECTORS].crc);
	}
	cyre_buf_free(&rec);
	cyre_mail_parser_free(m);
}
END_TEST

/*
 * GUIDs filled in later must go to their own message and part: also when one
 * between fails, and when so many are open that some are finished on the way.
 */
START_TEST(records_finished_together_are_those_made_alone)
{
	cyre_mail_parser *m = parser("3.6.1", NULL);
	struct cyre_mail_facts f, facts[300];
	struct cyre_buf rec = {0}, alone = {0};
	struct cyre_mail_later *l;
	size_t i, n = sizeof(facts) / sizeof(*facts);

	ck_assert_int_eq(cyre_mail_later_new(&l), CYRE_OK);
	for (i = 0; i < n; i++) {
		if (i % 5 == 0)
			ck_assert_int_eq(cyre_mail_parse_later(m, l,
						 cyre_slice_str(""), &rec, &f),
				CYRE_EFORMAT);
		ck_assert_int_eq(
			cyre_mail_parse_later(m, l,
				cyre_slice_str(vectors[i % N_VECTORS].message),
				&rec, &facts[i]),
			CYRE_OK);
	}
	ck_assert_int_eq(cyre_mail_later_finish(l), CYRE_OK);
	for (i = 0; i < n; i++) {
		ck_assert_int_eq(
			cyre_mail_parse(m,
				cyre_slice_str(vectors[i % N_VECTORS].message),
				&alone, &f),
			CYRE_OK);
		ck_assert_uint_eq(f.cache_crc, vectors[i % N_VECTORS].crc);
		ck_assert_uint_eq(facts[i].cache_crc, f.cache_crc);
		ck_assert_mem_eq(facts[i].guid, f.guid, sizeof(f.guid));
	}
	ck_assert_uint_eq(rec.n, alone.n);
	ck_assert_mem_eq(rec.p, alone.p, rec.n);
	cyre_buf_free(&rec);
	cyre_buf_free(&alone);
	cyre_mail_later_free(l);
	cyre_mail_parser_free(m);
}
END_TEST

/* A message that fails leaves nothing that a later one could get. */
START_TEST(a_failed_message_leaves_no_sum)
{
	static const char deep[] =
		"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
		"--a\r\n\r\ntext\r\n--a\r\n"
		"Content-Type: message/rfc822\r\n\r\n"
		"Content-Type: message/rfc822\r\n\r\nx\r\n";
	struct cyre_mail_options o = CYRE_MAIL_OPTIONS_INIT;
	struct cyre_mail_facts f, last;
	cyre_mail_parser *m;
	struct cyre_buf rec = {0};
	struct cyre_mail_later *l;

	o.depth = 3;
	m = parser("3.6.1", &o);
	ck_assert_int_eq(cyre_mail_later_new(&l), CYRE_OK);
	ck_assert_int_eq(
		cyre_mail_parse_later(m, l, cyre_slice_str(deep), &rec, &f),
		CYRE_ELIMIT);
	ck_assert_uint_eq(rec.n, 0);
	ck_assert_int_eq(
		cyre_mail_parse_later(
			m, l, cyre_slice_str(vectors[0].message), &rec, &last),
		CYRE_OK);
	ck_assert_int_eq(
		cyre_mail_parse_later(m, l, cyre_slice_str(deep), &rec, &f),
		CYRE_ELIMIT);
	ck_assert_int_eq(cyre_mail_later_finish(l), CYRE_OK);
	ck_assert_uint_eq(last.cache_crc, vectors[0].crc);
	cyre_buf_free(&rec);
	cyre_mail_later_free(l);
	cyre_mail_parser_free(m);
}
END_TEST

/* Blocks of 32 characters are decoded in another way than single ones. */
START_TEST(base64_blocks_are_what_single_characters_are)
{
	static const char line[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
		"stuvwxyz0123456789+/Zm9vYmFy+/9876543210";
	struct cyre_buf text = {0}, whole = {0}, single = {0};
	struct cyre_base64 a, b;
	size_t n = sizeof(line) - 1, at, i;
	int c;

	for (c = 0; c < 256; c++) {
		for (at = 0; at < n; at++) {
			cyre_buf_reset(&text);
			cyre_buf_reset(&whole);
			cyre_buf_reset(&single);
			cyre_put_str(&text, line);
			text.p[at] = (uint8_t)c;
			a = b = (struct cyre_base64){.ignore_pad = at % 2};
			cyre_base64_put(&a, cyre_buf_slice(&text), &whole);
			for (i = 0; i < n; i++)
				cyre_base64_put(
					&b, cyre_slice(text.p + i, 1), &single);
			ck_assert_uint_eq(whole.n, single.n);
			ck_assert_mem_eq(whole.p, single.p, whole.n);
			ck_assert_uint_eq(a.have, b.have);
		}
	}
	cyre_buf_free(&text);
	cyre_buf_free(&whole);
	cyre_buf_free(&single);
}
END_TEST

/* A parent that recurses once a level would run out of stack. */
/* So many that the stack of a small thread is full, each in the one before. */
static void nest(struct cyre_buf *b, unsigned n, bool messages)
{
	unsigned i;

	cyre_put_str(b, "Subject: deep\r\nMIME-Version: 1.0\r\n"
			"Date: Mon, 2 Jan 2023 10:00:00 +0000\r\n");
	for (i = 0; i < n; i++)
		if (messages)
			cyre_put_str(b, "Content-Type: message/rfc822\r\n\r\n");
		else
			cyre_put_fmt(b,
				"Content-Type: multipart/mixed; boundary=b%u"
				"\r\n\r\n--b%u\r\n",
				i, i);
	cyre_put_str(b, "\r\ntext\r\n");
}

/* Cyrus 3.6.1 makes a record of each; 2.2 has no limit for boundaries. */
START_TEST(deep_messages_are_parsed)
{
	cyre_mail_parser *m = parser(_i & 1 ? "3.6.1" : "2.2.13", NULL);
	struct cyre_buf message = {0}, rec = {0};
	struct cyre_mail_facts f;

	nest(&message, 3000, _i & 2);
	ck_assert_int_eq(cyre_mail_parse(m, cyre_buf_slice(&message), &rec, &f),
		CYRE_OK);
	ck_assert_uint_eq(f.record_size, rec.n);
	cyre_buf_free(&message);
	cyre_buf_free(&rec);
	cyre_mail_parser_free(m);
}
END_TEST

/* Cyrus 3.6.1's reconstruct makes such a record of a message file with a NUL in
 * a header: header_size ends there, the content begins where it does. */
START_TEST(a_gap_behind_a_nul_is_no_damage)
{
	static const char text[] =
		"X-A\0b: 1\r\nMIME-Version: 1.0\r\n"
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
		"--b\r\nX-C\0d: 2\r\n\r\nx\r\n--b--\r\n";
	cyre_mail_parser *m = parser("3.6.1", NULL);
	struct cyre_cache_scratch scratch = {0};
	struct cyre_cache_fault fault;
	struct cyre_cache_record items;
	struct cyre_cache_part top;
	struct cyre_buf rec = {0};
	struct cyre_mail_facts f;

	ck_assert_int_eq(cyre_mail_parse(m, cyre_slice(text, sizeof(text) - 1),
				 &rec, &f),
		CYRE_OK);
	ck_assert_uint_eq(f.header_size, 3);
	ck_assert_uint_eq(cyre_cache_measure(cyre_buf_slice(&rec), &items), 0);
	ck_assert(cyre_cache_top_part(&items, f.cache_version, &top));
	ck_assert_uint_gt(top.content_offset, top.header_size);
	ck_assert_int_eq(cyre_check_cache_items(
				 &items, f.cache_version, &scratch, &fault),
		CYRE_OK);
	ck_assert_ptr_null(fault.what);
	cyre_cache_scratch_free(&scratch);
	cyre_buf_free(&rec);
	cyre_mail_parser_free(m);
}
END_TEST

START_TEST(too_deep_is_told_without_its_parts)
{
	cyre_mail_parser *m = parser("3.6.1", NULL);
	struct cyre_buf message = {0}, rec = {0};
	struct cyre_mail_facts f, all;
	struct cyre_cache_record items;

	nest(&message, 20000, true);
	ck_assert_int_eq(cyre_mail_parse(m, cyre_buf_slice(&message), &rec, &f),
		CYRE_ELIMIT);
	ck_assert_uint_eq(rec.n, 0);
	ck_assert_int_eq(
		cyre_mail_parse_outline(m, cyre_buf_slice(&message), &rec, &f),
		CYRE_OK);
	ck_assert_uint_eq(cyre_cache_measure(cyre_buf_slice(&rec), &items), 0);
	ck_assert_uint_eq(f.size, message.n);
	ck_assert_uint_eq(f.gmtime, 1672653600);
	/* Of one that can be had both ways the index says the same. */
	cyre_buf_reset(&message);
	cyre_buf_reset(&rec);
	nest(&message, 3, true);
	ck_assert_int_eq(
		cyre_mail_parse(m, cyre_buf_slice(&message), &rec, &all),
		CYRE_OK);
	ck_assert_int_eq(
		cyre_mail_parse_outline(m, cyre_buf_slice(&message), &rec, &f),
		CYRE_OK);
	ck_assert_uint_eq(f.size, all.size);
	ck_assert_uint_eq(f.header_size, all.header_size);
	ck_assert_uint_eq(f.content_offset, all.content_offset);
	ck_assert_uint_eq(f.content_lines, all.content_lines);
	ck_assert_int_eq(f.sentdate, all.sentdate);
	ck_assert_mem_eq(f.guid, all.guid, sizeof(f.guid));
	cyre_buf_free(&message);
	cyre_buf_free(&rec);
	cyre_mail_parser_free(m);
}
END_TEST

START_TEST(depth_has_a_limit)
{
	static const char level[] = "Content-Type: message/rfc822\r\n\r\n";
	struct cyre_mail_options o = CYRE_MAIL_OPTIONS_INIT;
	cyre_mail_parser *m;
	struct cyre_mail_facts f = {.size = 77};
	struct cyre_buf msg = {0}, rec = {0};

	o.depth = 50;
	m = parser("3.6.1", &o);
	for (int i = 0; i < 49; i++)
		cyre_put_str(&msg, level);
	ck_assert_int_eq(
		cyre_mail_parse(m, cyre_buf_slice(&msg), &rec, &f), CYRE_OK);
	cyre_put_str(&msg, level);
	rec.n = 3;
	f.size = 77;
	ck_assert_int_eq(cyre_mail_parse(m, cyre_buf_slice(&msg), &rec, &f),
		CYRE_ELIMIT);
	ck_assert_uint_eq(rec.n, 3);
	ck_assert_uint_eq(f.size, 77);
	cyre_buf_free(&msg);
	cyre_buf_free(&rec);
	cyre_mail_parser_free(m);
}
END_TEST

/* Five bytes of message make a part of hundreds: memory needs its own limit. */
START_TEST(memory_has_a_limit)
{
	struct cyre_mail_options o = CYRE_MAIL_OPTIONS_INIT;
	cyre_mail_parser *m;
	struct cyre_mail_facts f;
	struct cyre_buf msg = {0};

	o.memory_bytes = 1 << 20;
	m = parser("3.6.1", &o);
	cyre_put_str(&msg, "Content-Type: multipart/mixed; boundary=a\r\n\r\n");
	for (int i = 0; i < 20000; i++)
		cyre_put_str(&msg, "--a\r\n");
	ck_assert_int_eq(cyre_mail_parse(m, cyre_buf_slice(&msg), NULL, &f),
		CYRE_ELIMIT);
	ck_assert_int_eq(
		cyre_mail_parse(m, cyre_slice_str("a: b\r\n\r\n"), NULL, &f),
		CYRE_OK);
	cyre_buf_free(&msg);
	cyre_mail_parser_free(m);
}
END_TEST

START_TEST(no_byte_no_record)
{
	cyre_mail_parser *m = parser("3.6.1", NULL);
	struct cyre_mail_facts f;

	ck_assert_int_eq(
		cyre_mail_parse(m, cyre_slice_str(""), NULL, &f), CYRE_EFORMAT);
	cyre_mail_parser_free(m);
}
END_TEST

static int64_t date_of(const char *release, const char *date)
{
	cyre_mail_parser *m = parser(release, NULL);
	struct cyre_mail_facts f;
	char msg[200];

	snprintf(msg, sizeof(msg), "Date: %s\r\n\r\n", date);
	ck_assert_int_eq(
		cyre_mail_parse(m, cyre_slice_str(msg), NULL, &f), CYRE_OK);
	cyre_mail_parser_free(m);
	return f.gmtime;
}

/* docs/formats/message-parsing.md section 10, the rules one would not guess. */
START_TEST(dates)
{
	ck_assert_int_eq(
		date_of("3.6.1", "Thu, 01 Jan 1970 00:00:10 +0000"), 10);
	ck_assert_int_eq(date_of("3.6.1", "1-Jan-70 0.1 Z"), 60);
	ck_assert_int_eq(date_of("3.6.1", "2 Jan 1970 00:00 +0100"), 82800);
	ck_assert_int_eq(date_of("3.6.1", "2 Jan 1970 00:00 0100"), 90000);
	ck_assert_int_eq(date_of("3.6.1", "2 Jan 1970 00:00 EST"), 104400);
	ck_assert_int_eq(date_of("3.6.1", "2 Jan 1970 00:00 CEST"), 86400);
	ck_assert_int_eq(date_of("3.6.1", "32 Jan 1970 25:61:61"),
		31 * 86400 + 25 * 3600 + 61 * 60 + 61);
	ck_assert_int_eq(date_of("3.6.1", "29 Feb 2000 00:00"), 951782400);
	ck_assert_int_eq(date_of("3.6.1", "Xyz 1 Jan 2000 00:00"), 0);
	ck_assert_int_eq(date_of("3.6.1", "1 Jan 1969 00:00"), 0);
}
END_TEST

static int64_t two_hours_east(void *payload, int64_t local)
{
	(void)payload;
	(void)local;
	return 7200;
}

/* sentdate is a midnight of the server's own clock. */
START_TEST(sentdate_follows_the_zone)
{
	struct cyre_mail_options o = CYRE_MAIL_OPTIONS_INIT;
	cyre_mail_parser *m;
	struct cyre_mail_facts f;

	o.zone = two_hours_east;
	m = parser("3.6.1", &o);
	ck_assert_int_eq(
		cyre_mail_parse(m,
			cyre_slice_str("Date: 2 Jan 1970 05:00 +0000\r\n\r\n"),
			NULL, &f),
		CYRE_OK);
	ck_assert_int_eq(f.sentdate, 86400 - 7200);
	ck_assert_int_eq(
		cyre_mail_parse(m, cyre_slice_str("a: b\r\n\r\n"), NULL, &f),
		CYRE_OK);
	cyre_mail_dates(m, 86400 - 3600, &f); /* 01:00 there */
	ck_assert_int_eq(f.sentdate, 86400 - 7200);
	ck_assert_int_eq(f.gmtime, 86400 - 3600);
	cyre_mail_parser_free(m);
}
END_TEST

START_TEST(behaviours_are_found)
{
	const struct cyre_mail_behaviour *b = cyre_mail_behaviour("3.6.1");

	ck_assert_uint_eq(cyre_mail_cache_version(b), 11);
	ck_assert_str_eq(cyre_mail_behaviour_name(b), "3.6");
	ck_assert_ptr_eq(cyre_mail_behaviour("3.8"), b);
	ck_assert_ptr_eq(cyre_mail_behaviour("3.10.3"), b);
	ck_assert_ptr_eq(
		cyre_mail_behaviour("3.99"), cyre_mail_behaviour("3.13.1"));
	ck_assert_ptr_eq(cyre_mail_behaviour_of_record(10, 16),
		cyre_mail_behaviour("3.2"));
	ck_assert_ptr_eq(cyre_mail_behaviour_of_record(10, 19),
		cyre_mail_behaviour("3.4"));
	ck_assert_ptr_eq(cyre_mail_behaviour_of_record(11, 17), b);
	ck_assert_ptr_null(cyre_mail_behaviour("1.6"));
	ck_assert_ptr_null(cyre_mail_behaviour("x"));
	ck_assert_ptr_null(cyre_mail_behaviour(""));
	ck_assert_ptr_null(cyre_mail_behaviour("3.600"));
	ck_assert_ptr_null(cyre_mail_behaviour_of_record(99, 17));
}
END_TEST

enum { BODYSTRUCTURE = 1, HEADERS = 4, FROM = 5, SUBJECT = 9 };

/*
 * One item of one message as one release writes it. Each of these pairs is a
 * difference a reader of upstream's history would call a detail; the record of
 * a release is wrong without it.
 */
static const struct {
	const char *release, *message;
	int item;
	const char *want;
} items[] = {
	/* a repeated header */
	{"2.5", "Subject: a\r\nSubject: b\r\n\r\n", SUBJECT, "\"a\""},
	{"3.0", "Subject: a\r\nSubject: b\r\n\r\n", SUBJECT, "\"b\""},
	{"2.5", "From: a@b\r\nFrom: c@d\r\n\r\n", FROM, "<a@b>,<c@d>"},
	{"3.0", "From: a@b\r\nFrom: c@d\r\n\r\n", FROM, "<c@d>"},
	/* no subject at all */
	{"2.3", "A: b\r\n\r\n", SUBJECT, "NIL"},
	{"2.4", "A: b\r\n\r\n", SUBJECT, "\"\""},
	{"2.5", "A: b\r\n\r\n", SUBJECT, "NIL"},
	/* the search form, white space dropped, merged, and no search form */
	{"2.3", "Subject: =?iso-8859-1?q?=C9T=E9__=C6?= u\r\n\r\n", SUBJECT,
		"\"eteaeu\""},
	{"2.4", "Subject: =?iso-8859-1?q?=C9T=E9__=C6?= u\r\n\r\n", SUBJECT,
		"\"ete ae u\""},
	{"2.5", "Subject: =?iso-8859-1?q?=C9T?= u\r\n\r\n", SUBJECT,
		"{5}\r\n\303\211T u"},
	/* Greek vanished from it once */
	{"2.1", "Subject: =?iso-8859-7?q?=E1?=x\r\n\r\n", SUBJECT, "\"x\""},
	{"2.2", "Subject: =?iso-8859-7?q?=E1?=x\r\n\r\n", SUBJECT,
		"{3}\r\n\316\261x"},
	/* a charset that is not built in */
	{"2.3", "Subject: =?euc-jp?q?=C6=FC?=\r\n\r\n", SUBJECT, "\"X\""},
	{"2.5", "Subject: =?euc-jp?q?=C6=FC?=\r\n\r\n", SUBJECT,
		"{3}\r\n\357\277\275"},
	{"3.0", "Subject: =?euc-jp?q?=C6=FC?=\r\n\r\n", SUBJECT,
		"{3}\r\n\346\227\245"},
	{"2.5", "Subject: =?iso-2022-jp?b?GyRCRnxLXBsoQg==?=\r\n\r\n", SUBJECT,
		"{6}\r\n\346\227\245\346\234\254"},
	{"2.5", "Subject: =?big5?q?=C6=A5=A4=A4?=\r\n\r\n", SUBJECT,
		"{6}\r\n\343\201\201\344\270\255"},
	/* latin1 is windows-1252 from 3.2 on */
	{"3.0", "Subject: =?iso-8859-1?q?=80?=\r\n\r\n", SUBJECT,
		"{2}\r\n\302\200"},
	{"3.2", "Subject: =?iso-8859-1?q?=80?=\r\n\r\n", SUBJECT,
		"{3}\r\n\342\202\254"},
	/* a character in two words */
	{"3.0", "Subject: =?utf-8?q?=C3?= =?utf-8?q?=A9?=\r\n\r\n", SUBJECT,
		"{3}\r\n\357\277\275"},
	{"3.2", "Subject: =?utf-8?q?=C3?= =?utf-8?q?=A9?=\r\n\r\n", SUBJECT,
		"{2}\r\n\303\251"},
	/* names quoted */
	{"3.4", "From: \"J. Q\" <a@b>\r\n\r\n", FROM, "J. Q <a@b>"},
	{"3.6", "From: \"J. Q\" <a@b>\r\n\r\n", FROM, "\"J. Q\" <a@b>"},
	/* domains */
	{"2.5", "From: a@b@c\r\n\r\n", FROM, "<a@b>,<c@unspecified-domain>"},
	{"3.0", "From: a@b@c\r\n\r\n", FROM, "<a@b@c>"},
	{"3.10", "From: a@b\303\251\r\n\r\n", FROM,
		"<a@b>,<\251@unspecified-domain>"},
	{"3.12", "From: a@b\303\251\r\n\r\n", FROM, "<a@b\303\251>"},
	/* what HEADERS holds */
	{"2.1", "Sender: a@b\r\nPriority: 1\r\n\r\n", HEADERS,
		"Priority: 1\r\n"},
	{"2.4", "Message-ID: <x>\r\nX-Spam-hits: 1\r\n\r\n", HEADERS,
		"Message-ID: <x>\r\nX-Spam-hits: 1\r\n"},
	{"2.5", "Message-ID: <x>\r\nX-Spam-hits: 1\r\n\r\n", HEADERS,
		"Message-ID: <x>\r\n"},
	{"3.2", "Sender: a@b\r\nMessage-ID: <x>\r\n\r\n", HEADERS,
		"Sender: a@b\r\n"},
	/* a line of LF alone */
	{"3.12", "A: b\n\nC: d\n", HEADERS, "A: b\r\nC: d\r\n"},
	{"3.13", "A: b\n\nC: d\n", HEADERS, "A: b\r\n"},
	/* extension data */
	{"2.3.7", "Content-Location: x\r\n\r\n", BODYSTRUCTURE,
		"(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL "
		"\"7BIT\" 0 0 NIL NIL NIL)"},
	{"2.3.9", "Content-Location: x\r\n\r\n", BODYSTRUCTURE,
		"(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL "
		"\"7BIT\" 0 0 NIL NIL NIL \"x\")"},
	/* parameters with blanks, a bad Content-Type */
	{"3.0", "Content-Type: a/b; n=x y; m=z\r\n\r\n", BODYSTRUCTURE,
		"(\"A\" \"B\" (\"M\" \"z\") NIL NIL \"7BIT\" 0 NIL NIL NIL "
		"NIL)"},
	{"3.2", "Content-Type: a/b; n=x y; m=z\r\n\r\n", BODYSTRUCTURE,
		"(\"A\" \"B\" (\"N\" \"x y\" \"M\" \"z\") NIL NIL \"7BIT\" 0 "
		"NIL NIL NIL NIL)"},
	{"3.12", "Content-Type: text\r\n\r\n", BODYSTRUCTURE,
		"(\"application\" \"octet-stream\" NIL NIL NIL \"7BIT\" 0 NIL "
		"NIL NIL NIL)"},
};
#define N_ITEMS (sizeof(items) / sizeof(items[0]))

START_TEST(item_is_as_the_release_writes_it)
{
	cyre_mail_parser *m = parser(items[_i].release, NULL);
	struct cyre_mail_facts f;
	struct cyre_buf rec = {0};
	struct cyre_cur c;
	const uint8_t *p = NULL;
	uint32_t n = 0;

	ck_assert_int_eq(
		cyre_mail_parse(m, cyre_slice_str(items[_i].message), &rec, &f),
		CYRE_OK);
	c = cyre_cur(cyre_buf_slice(&rec));
	for (int i = 0; i <= items[_i].item; i++) {
		n = cyre_get_be32(&c);
		p = cyre_get_bytes(&c, n);
		cyre_get_bytes(&c, (4 - n % 4) % 4);
	}
	ck_assert(!c.bad);
	ck_assert_msg(
		cyre_slice_eq(cyre_slice(p, n), cyre_slice_str(items[_i].want)),
		"%s: %.*s", items[_i].release, (int)n, (const char *)p);
	cyre_buf_free(&rec);
	cyre_mail_parser_free(m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mail");
	TCase *tc = tcase_create("mail");

	tcase_add_loop_test(
		tc, vector_is_what_the_server_wrote, 0, (int)N_VECTORS);
	tcase_add_loop_test(
		tc, item_is_as_the_release_writes_it, 0, (int)N_ITEMS);
	tcase_add_test(tc, a_parser_forgets);
	tcase_add_test(tc, base64_blocks_are_what_single_characters_are);
	tcase_add_test(tc, records_finished_together_are_those_made_alone);
	tcase_add_test(tc, a_failed_message_leaves_no_sum);
	tcase_add_test(tc, depth_has_a_limit);
	tcase_add_loop_test(tc, deep_messages_are_parsed, 0, 4);
	tcase_add_test(tc, a_gap_behind_a_nul_is_no_damage);
	tcase_add_test(tc, too_deep_is_told_without_its_parts);
	tcase_add_test(tc, memory_has_a_limit);
	tcase_add_test(tc, no_byte_no_record);
	tcase_add_test(tc, dates);
	tcase_add_test(tc, sentdate_follows_the_zone);
	tcase_add_test(tc, behaviours_are_found);
	suite_add_tcase(s, tc);
	return cyre_run_suite(s);
}
