/* words.c - see words.h. */
#include "words.h"

#include <inttypes.h>

#include "utf8.h"

static void put_value(
	struct cyre_buf *b, const struct cyre_finding *f, char letter)
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

void cyre_finding_problem_json(
	struct cyre_json *j, const struct cyre_finding *f)
{
	const struct cyre_problem_row *row = cyre_problem_row(f->problem);

	cyre_json_member(j, "code", row->slug);
	cyre_json_member(j, "id", row->id);
	cyre_json_member(j, "severity", cyre_severity_name(row->severity));
	cyre_json_member(j, "fix", cyre_fix_name(row->fix));
}

void cyre_finding_values_json(struct cyre_json *j, const struct cyre_finding *f)
{
	struct cyre_buf words = {0};

	if (f->uid)
		cyre_json_member_number(j, "uid", f->uid);
	if (f->offset)
		cyre_json_member_number(j, "offset", f->offset);
	if (f->length)
		cyre_json_member_number(j, "length", f->length);
	if (f->expected || f->actual) {
		cyre_json_member_number(j, "expected", f->expected);
		cyre_json_member_number(j, "actual", f->actual);
	}
	cyre_words(&words, f);
	cyre_json_key(j, "detail");
	cyre_json_slice(j, cyre_buf_slice(&words));
	j->b->bad = j->b->bad || words.bad;
	cyre_buf_free(&words);
}
