/*
 * fuzz_message.c - any bytes as a message file, in the behaviour the first byte
 * chooses. What comes out must be ten items that tile the record.
 */
#include <cyrescue/mail.h>
#include <stdlib.h>

#include "buf.h"
#include "bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const releases[] = {"3.6", "3.13", "3.12", "3.4", "3.2",
	"3.0", "2.5", "2.4", "2.3.16", "2.2", "2.1"};

static void check(const struct cyre_buf *rec, const struct cyre_mail_facts *f)
{
	struct cyre_cur c = cyre_cur(cyre_buf_slice(rec));
	uint32_t n;

	for (int i = 0; i < 10; i++) {
		n = cyre_get_be32(&c);
		cyre_get_bytes(&c, (uint64_t)n + (4 - n % 4) % 4);
	}
	if (c.bad || cyre_cur_left(&c) || f->record_size != rec->n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static cyre_mail_parser
		*parsers[sizeof(releases) / sizeof(releases[0])];
	struct cyre_mail_options o = CYRE_MAIL_OPTIONS_INIT;
	const struct cyre_mail_behaviour *b;
	struct cyre_mail_facts f;
	struct cyre_buf rec = {0};
	unsigned i;

	if (!size)
		return 0;
	i = data[0] % (sizeof(releases) / sizeof(releases[0]));
	b = cyre_mail_behaviour(releases[i]);
	o.memory_bytes = 64 << 20;
	o.rfc2047_utf8 = data[0] & 0x80;
	if (!b || (!parsers[i] &&
			  cyre_mail_parser_new(b, &o, &parsers[i]) != CYRE_OK))
		return 0;
	if (cyre_mail_parse(parsers[i], cyre_slice(data + 1, size - 1), &rec,
		    &f) == CYRE_OK)
		check(&rec, &f);
	else if (rec.n)
		abort();
	cyre_buf_reset(&rec);
	if (cyre_mail_parse_outline(parsers[i], cyre_slice(data + 1, size - 1),
		    &rec, &f) == CYRE_OK)
		check(&rec, &f);
	cyre_buf_free(&rec);
	return 0;
}
