/* show_out.c - see show_out.h. */
#include "show_out.h"

#include <inttypes.h>

#include "utf8.h"
#include "words.h"

#define NSEC        1000000000u
#define KEY_COLUMNS 22
#define ENOUGH      65536u /* bytes, handed over at once */

void cyre_out_begin(struct cyre_out *o, const char *type)
{
	o->j = (struct cyre_json){.b = &o->b};
	if (!cyre_out_is_json(o))
		return;
	cyre_json_begin(&o->j, '{');
	cyre_json_member(&o->j, "type", type);
}

void cyre_out_end(struct cyre_out *o)
{
	if (cyre_out_is_json(o)) {
		cyre_json_end(&o->j, '}');
		cyre_put_u8(&o->b, '\n');
	}
	if (o->b.n >= ENOUGH)
		cyre_out_flush(o);
}

cyre_status cyre_out_flush(struct cyre_out *o)
{
	if (o->status == CYRE_OK && o->b.bad)
		o->status = CYRE_ENOMEM;
	if (o->status == CYRE_OK && o->b.n &&
		o->write(o->b.p, o->b.n, o->payload) != 0)
		o->status = CYRE_EIO;
	cyre_buf_reset(&o->b);
	return o->status;
}

void cyre_out_free(struct cyre_out *o)
{
	cyre_buf_free(&o->b);
}

/* Up to where the value begins. */
static void key(struct cyre_out *o, const char *name)
{
	if (cyre_out_is_json(o))
		cyre_json_key(&o->j, name);
	else
		cyre_put_fmt(&o->b, "%*s%-*s ", (int)o->indent, "", KEY_COLUMNS,
			name);
	o->value = o->b.n;
}

static void end_value(struct cyre_out *o)
{
	if (cyre_out_is_json(o))
		return;
	if (o->b.n == o->value)
		cyre_put_u8(&o->b, '-');
	cyre_put_u8(&o->b, '\n');
}

void cyre_out_number(struct cyre_out *o, const char *name, uint64_t v)
{
	key(o, name);
	if (cyre_out_is_json(o))
		cyre_json_number(&o->j, v);
	else
		cyre_put_dec(&o->b, v);
	end_value(o);
}

void cyre_out_text(struct cyre_out *o, const char *name, struct cyre_slice s)
{
	key(o, name);
	if (cyre_out_is_json(o))
		cyre_json_slice(&o->j, s);
	else
		cyre_put_visible(&o->b, s);
	end_value(o);
}

void cyre_out_hex(struct cyre_out *o, const char *name, struct cyre_slice s)
{
	key(o, name);
	if (cyre_out_is_json(o))
		cyre_put_u8(&o->b, '"');
	cyre_put_hex(&o->b, s);
	if (cyre_out_is_json(o)) {
		cyre_put_u8(&o->b, '"');
		o->j.comma = true;
	}
	end_value(o);
}

void cyre_put_time(struct cyre_buf *b, uint64_t ns)
{
	time_t t = (time_t)(ns / NSEC);
	struct tm tm;
	char text[32];

	if (!gmtime_r(&t, &tm) ||
		!strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	cyre_put_str(b, text);
	if (ns % NSEC)
		cyre_put_fmt(b, ".%09" PRIu64, ns % NSEC);
	cyre_put_u8(b, 'Z');
}

void cyre_out_time(struct cyre_out *o, const char *name, uint64_t ns)
{
	bool json = cyre_out_is_json(o);

	key(o, name);
	if (json)
		cyre_put_u8(&o->b, '"');
	if (json || ns)
		cyre_put_time(&o->b, ns);
	else
		cyre_put_u8(&o->b, '0');
	if (json) {
		cyre_put_u8(&o->b, '"');
		o->j.comma = true;
	}
	end_value(o);
}

void cyre_out_names(struct cyre_out *o, const char *name)
{
	key(o, name);
	if (cyre_out_is_json(o))
		cyre_json_begin(&o->j, '[');
	else
		o->j.comma = false;
}

static void next_name(struct cyre_out *o)
{
	if (o->j.comma)
		cyre_put_u8(&o->b, ' ');
	o->j.comma = true;
}

void cyre_out_name(struct cyre_out *o, struct cyre_slice s)
{
	if (cyre_out_is_json(o)) {
		cyre_json_slice(&o->j, s);
		return;
	}
	next_name(o);
	if (s.n)
		cyre_put_visible(&o->b, s);
	else
		cyre_put_u8(&o->b, '-');
}

void cyre_out_word(struct cyre_out *o, const char *s)
{
	if (cyre_out_is_json(o)) {
		cyre_json_slice(&o->j, cyre_slice_str(s));
		return;
	}
	next_name(o);
	cyre_put_str(&o->b, s);
}

void cyre_out_names_end(struct cyre_out *o)
{
	if (cyre_out_is_json(o))
		cyre_json_end(&o->j, ']');
	end_value(o);
}

static void text_finding(struct cyre_out *o, const struct cyre_finding *f)
{
	const struct cyre_problem_row *row = cyre_problem_row(f->problem);

	if (row->severity == CYRE_SEV_NOTE && !o->verbose)
		return;
	cyre_put_fmt(&o->b, "%*s! %s %s", (int)o->indent, "",
		cyre_severity_name(row->severity), row->id);
	if (f->uid)
		cyre_put_fmt(&o->b, ", uid %" PRIu32, f->uid);
	cyre_put_str(&o->b, ": ");
	cyre_words(&o->b, f);
	cyre_put_u8(&o->b, '\n');
}

static void json_finding(struct cyre_out *o, const struct cyre_finding *f)
{
	const char *name = cyre_file_name(f->file);

	cyre_out_begin(o, "finding");
	cyre_finding_problem_json(&o->j, f);
	cyre_json_member(&o->j, "path", o->path);
	cyre_json_member(&o->j, "file", *name ? name : NULL);
	cyre_finding_values_json(&o->j, f);
	cyre_out_end(o);
}

void cyre_out_finding(struct cyre_out *o, const struct cyre_finding *f)
{
	enum cyre_severity s = cyre_problem_row(f->problem)->severity;

	if (!o->any || s > o->worst)
		o->worst = s;
	o->any = true;
	if (cyre_out_is_json(o))
		json_finding(o, f);
	else
		text_finding(o, f);
}
