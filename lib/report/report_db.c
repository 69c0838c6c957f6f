/* report_db.c - see cyrescue/dbreport.h. */
#include <cyrescue/dbreport.h>

#include "dbreport_out.h"
#include "json.h"
#include "utf8.h"
#include "words.h"

cyre_status cyre_dbreport_flush(
	const struct cyre_dbreport_options *o, struct cyre_buf *b)
{
	cyre_status st = b->bad ? CYRE_ENOMEM : CYRE_OK;

	if (st == CYRE_OK && b->n && o->write(b->p, b->n, o->payload) != 0)
		st = CYRE_EIO;
	cyre_buf_free(b);
	return st;
}

static bool is_told(
	const struct cyre_dbreport_options *o, const struct cyre_finding *f)
{
	return o->verbose ||
	       cyre_problem_row(f->problem)->severity > CYRE_SEV_NOTE;
}

static size_t count_told(
	const struct cyre_dbreport_options *o, const struct cyre_dbreport *d)
{
	size_t i, n = 0;

	for (i = 0; i < d->found->n; i++)
		n += is_told(o, &d->found->items[i]);
	return n;
}

static void put_summary(struct cyre_buf *b, const struct cyre_dbreport *d)
{
	const char *separator = " (";
	int i;

	cyre_put_visible(b, cyre_slice_str(d->path));
	if (!d->format) {
		cyre_put_str(b, ": not recognised\n");
		return;
	}
	cyre_put_fmt(b, ": %s, ", d->format);
	cyre_put_dec(b, d->keys);
	cyre_put_str(b, " keys");
	for (i = 0; i < 4 && d->by_trust[0] != d->keys; i++) {
		if (!d->by_trust[i])
			continue;
		cyre_put_str(b, separator);
		cyre_put_dec(b, d->by_trust[i]);
		cyre_put_fmt(b, " %s", d->trusts[i]);
		separator = ", ";
	}
	if (*separator == ',')
		cyre_put_u8(b, ')');
	if (d->missing) {
		cyre_put_str(b, ", at least ");
		cyre_put_dec(b, d->missing);
		cyre_put_str(b, " missing");
	}
}

static void put_text(struct cyre_buf *b, const struct cyre_dbreport_options *o,
	const struct cyre_dbreport *d)
{
	bool empty = d->found->count[CYRE_P_DB_EMPTY];
	size_t i, told = count_told(o, d);
	const struct cyre_finding *f;

	if (!told && !empty && o->quiet)
		return;
	put_summary(b, d);
	/* Of an empty file alone nobody can tell. */
	if (d->format)
		cyre_put_str(b, told    ? "\n"
				: empty ? ", no bytes: new, or all is lost\n"
					: ", clean\n");
	for (i = 0; i < d->found->n; i++) {
		f = &d->found->items[i];
		if (!is_told(o, f))
			continue;
		cyre_put_fmt(b, "  %-6s %s %s: ",
			cyre_severity_name(
				cyre_problem_row(f->problem)->severity),
			cyre_problem_row(f->problem)->id,
			cyre_problem_row(f->problem)->slug);
		cyre_words(b, f);
		cyre_put_u8(b, '\n');
	}
}

static void put_json_file(struct cyre_buf *b, const struct cyre_dbreport *d)
{
	struct cyre_json j = {.b = b};
	int i;

	cyre_json_begin(&j, '{');
	cyre_json_member(&j, "type", "database");
	cyre_json_member(&j, "path", d->path);
	cyre_json_member(&j, "format", d->format);
	if (d->format) {
		cyre_json_member(&j, "order", d->order);
		cyre_json_member_number(&j, "generation", d->generation);
		cyre_json_member_number(&j, "keys", d->keys);
		if (d->counted)
			cyre_json_member_number(&j, "expected", d->expected);
		cyre_json_member_number(&j, "missing", d->missing);
		for (i = 0; i < 4; i++)
			cyre_json_member_number(
				&j, d->trusts[i], d->by_trust[i]);
	}
	cyre_json_end(&j, '}');
	cyre_put_u8(b, '\n');
}

static void put_json_finding(
	struct cyre_buf *b, const char *path, const struct cyre_finding *f)
{
	const struct cyre_problem_row *row = cyre_problem_row(f->problem);
	struct cyre_json j = {.b = b};
	struct cyre_buf words = {0};

	cyre_words(&words, f);
	cyre_json_begin(&j, '{');
	cyre_json_member(&j, "type", "finding");
	cyre_json_member(&j, "code", row->slug);
	cyre_json_member(&j, "id", row->id);
	cyre_json_member(&j, "severity", cyre_severity_name(row->severity));
	cyre_json_member(&j, "fix", cyre_fix_name(row->fix));
	cyre_json_member(&j, "path", path);
	cyre_json_member_number(&j, "offset", f->offset);
	cyre_json_member_number(&j, "length", f->length);
	cyre_json_member_number(&j, "expected", f->expected);
	cyre_json_member_number(&j, "actual", f->actual);
	cyre_json_key(&j, "detail");
	cyre_json_slice(&j, cyre_buf_slice(&words));
	cyre_json_end(&j, '}');
	cyre_put_u8(b, '\n');
	b->bad = b->bad || words.bad;
	cyre_buf_free(&words);
}

cyre_status cyre_dbreport_file(
	const struct cyre_dbreport_options *o, const struct cyre_dbreport *d)
{
	struct cyre_buf b = {0};
	size_t i;

	if (o->format == CYRE_REPORT_TEXT) {
		put_text(&b, o, d);
		return cyre_dbreport_flush(o, &b);
	}
	put_json_file(&b, d);
	for (i = 0; i < d->found->n; i++)
		put_json_finding(&b, d->path, &d->found->items[i]);
	return cyre_dbreport_flush(o, &b);
}

static void put_text_key(struct cyre_buf *b, const struct cyre_dbreport_key *k)
{
	cyre_put_visible(b, k->key);
	cyre_put_u8(b, '\t');
	cyre_put_visible(b, k->value);
	if (k->trust)
		cyre_put_fmt(b, "\t[%s]", k->trust);
	if (k->meaning) {
		cyre_put_str(b, "\n    ");
		cyre_put_str(b, k->meaning);
	}
	cyre_put_u8(b, '\n');
}

static void put_json_key(struct cyre_buf *b, const struct cyre_dbreport_key *k)
{
	struct cyre_json j = {.b = b};

	cyre_json_begin(&j, '{');
	cyre_json_member(&j, "type", "key");
	cyre_json_key(&j, "key");
	cyre_json_slice(&j, k->key);
	cyre_json_key(&j, "value");
	cyre_json_slice(&j, k->value);
	cyre_json_member_number(&j, "offset", k->offset);
	cyre_json_member(&j, "trust", k->trust);
	cyre_json_member(&j, "meaning", k->meaning);
	cyre_json_end(&j, '}');
	cyre_put_u8(b, '\n');
}

void cyre_dbreport_put_key(struct cyre_buf *b, enum cyre_report_format format,
	const struct cyre_dbreport_key *k)
{
	if (format == CYRE_REPORT_TEXT)
		put_text_key(b, k);
	else
		put_json_key(b, k);
}
