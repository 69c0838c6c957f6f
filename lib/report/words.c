/* words.c - see words.h. */
#include "words.h"

#include <inttypes.h>

#include "utf8.h"

static void put_value(struct cyre_buf *b, const struct cyre_finding *f,
	char letter)
{
	switch (letter) {
	case 'e':
		cyre_put_dec(b, f->expected);
		break;
	case 'a':
		cyre_put_dec(b, f->actual);
		break;
	case 'E':
		cyre_put_fmt(b, "%08" PRIx64, f->expected);
		break;
	case 'A':
		cyre_put_fmt(b, "%08" PRIx64, f->actual);
		break;
	case 'u':
		cyre_put_dec(b, f->uid);
		break;
	case 'o':
		cyre_put_dec(b, f->offset);
		break;
	case 'l':
		cyre_put_dec(b, f->length);
		break;
	case 't':
		if (f->text)
			cyre_put_visible(b, cyre_slice_str(f->text));
		break;
	}
}

void cyre_words(struct cyre_buf *b, const struct cyre_finding *f)
{
	const char *p = cyre_problem_row(f->problem)->detail;

	for (; *p; p++) {
		if (*p != '$' || !p[1])
			cyre_put_u8(b, (uint8_t)*p);
		else
			put_value(b, f, *++p);
	}
}
