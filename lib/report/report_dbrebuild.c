/*
 * report_dbrebuild.c - what a rebuild of a database reads, finds and does, as
 * text or JSON Lines (docs/dbrebuild.schema.json)
 */
#include <cyrescue/dbreport.h>

#include "dbreport_out.h"
#include "json.h"
#include "report.h"
#include "utf8.h"

static void end_line(struct cyre_json *j)
{
	cyre_json_end(j, '}');
	cyre_put_u8(j->b, '\n');
}

/* Where the report of a rebuild has it: JSON goes out, text stands in the body
 * until the triage is known. NULL: this report does not tell it. */
static struct cyre_buf *place_in(cyre_report *r, const char *database)
{
	if (r->options.format == CYRE_REPORT_JSON)
		return &r->out;
	if (r->options.quiet)
		return NULL;
	if (!r->database || strcmp(r->database, database) != 0)
		cyre_put_u8(&r->body, '\n');
	r->database = database;
	return &r->body;
}

/* ---- a source ---- */

static void put_source_json(
	struct cyre_buf *b, const struct cyre_dbreport_source *s)
{
	struct cyre_json j = {.b = b};

	cyre_json_begin(&j, '{');
	cyre_json_member(&j, "type", "source");
	cyre_json_member(&j, "database", s->database);
	cyre_json_member(&j, "path", s->path);
	cyre_json_member(&j, "role", s->role);
	cyre_json_member(&j, "format", s->format);
	cyre_json_member_number(&j, "entries", s->entries);
	cyre_json_member_number(&j, "doubtful", s->doubtful);
	cyre_json_member_number(&j, "missing", s->missing);
	cyre_json_member(&j, "problem", s->problem);
	end_line(&j);
}

static void put_source_text(
	struct cyre_buf *b, const struct cyre_dbreport_source *s)
{
	cyre_put_visible(b, cyre_slice_str(s->path));
	cyre_put_fmt(b, " (%s): ", s->role);
	if (s->problem)
		cyre_put_str(b, s->problem);
	if (s->problem && s->format)
		cyre_put_str(b, "; ");
	if (s->format) {
		cyre_put_fmt(b, "%s, ", s->format);
		cyre_put_dec(b, s->entries);
		cyre_put_str(b, " entries");
	}
	if (s->doubtful) {
		cyre_put_str(b, ", ");
		cyre_put_dec(b, s->doubtful);
		cyre_put_str(b, " doubtful ones");
	}
	if (s->missing) {
		cyre_put_str(b, ", at least ");
		cyre_put_dec(b, s->missing);
		cyre_put_str(b, " lost");
	}
	cyre_put_u8(b, '\n');
}

/* Of a rebuild: only what is wrong with it. */
static void source_into(cyre_report *r, const struct cyre_dbreport_source *s)
{
	struct cyre_buf *b;

	if (r->options.format == CYRE_REPORT_TEXT && !s->problem)
		return;
	b = place_in(r, s->database);
	if (b == &r->out)
		put_source_json(b, s);
	else if (b)
		put_source_text(b, s);
	cyre__report_flush(r);
}

cyre_status cyre_dbreport_source(const struct cyre_dbreport_options *o,
	const struct cyre_dbreport_source *s)
{
	struct cyre_buf b = {0};
	size_t i;

	for (i = 0; i < o->n_reports; i++)
		source_into(o->reports[i], s);
	if (!o->write)
		return CYRE_OK;
	if (o->format == CYRE_REPORT_JSON)
		put_source_json(&b, s);
	else if (!o->quiet)
		put_source_text(&b, s);
	return cyre_dbreport_flush(o, &b);
}

/* ---- an entry ---- */

static void put_change_json(
	struct cyre_buf *b, const struct cyre_dbreport_change *c)
{
	struct cyre_json j = {.b = b};
	size_t i;

	cyre_json_begin(&j, '{');
	cyre_json_member(&j, "type", "entry");
	cyre_json_member(&j, "database", c->database);
	cyre_json_member(&j, "action", c->action);
	cyre_json_key(&j, "name");
	cyre_json_slice(&j, c->name);
	cyre_json_member(&j, "user", c->user);
	cyre_json_member(&j, "why", c->why);
	if (c->n_may_be) {
		cyre_json_key(&j, "may_be");
		cyre_json_begin(&j, '[');
		for (i = 0; i < c->n_may_be; i++)
			cyre_json_slice(&j, c->may_be[i]);
		cyre_json_end(&j, ']');
	}
	cyre_json_key(&j, "fields");
	cyre_json_begin(&j, '[');
	for (i = 0; i < c->n_fields; i++) {
		const struct cyre_dbreport_field *f = &c->fields[i];

		cyre_json_begin(&j, '{');
		cyre_json_member(&j, "field", f->name);
		if (f->before.n) {
			cyre_json_key(&j, "before");
			cyre_json_slice(&j, f->before);
		}
		cyre_json_key(&j, "after");
		cyre_json_slice(&j, f->after);
		cyre_json_member(&j, "origin", f->origin);
		cyre_json_end(&j, '}');
	}
	cyre_json_end(&j, ']');
	end_line(&j);
}

/* TABs of an ACL as blanks: for people. */
static void put_value(struct cyre_buf *b, struct cyre_slice s)
{
	size_t i, start = 0;

	while (s.n && s.p[s.n - 1] == '\t')
		s.n--;
	for (i = 0; i <= s.n; i++) {
		if (i < s.n && s.p[i] != '\t')
			continue;
		cyre_put_visible(b, cyre_slice(s.p + start, i - start));
		if (i < s.n)
			cyre_put_u8(b, ' ');
		start = i + 1;
	}
}

static void put_change_text(
	struct cyre_buf *b, bool verbose, const struct cyre_dbreport_change *c)
{
	size_t i;

	cyre_put_fmt(b, "%-12s ", c->action);
	cyre_put_visible(b, c->name);
	if (c->user) {
		cyre_put_str(b, ", user ");
		cyre_put_visible(b, cyre_slice_str(c->user));
	}
	if (c->why)
		cyre_put_fmt(b, ": %s", c->why);
	cyre_put_u8(b, '\n');
	for (i = 0; i < c->n_may_be; i++) {
		cyre_put_fmt(b, "    %-14s ", "may be of");
		cyre_put_visible(b, c->may_be[i]);
		cyre_put_u8(b, '\n');
	}
	for (i = 0; i < c->n_fields; i++) {
		const struct cyre_dbreport_field *f = &c->fields[i];

		if (!verbose && !f->before.n)
			continue;
		cyre_put_fmt(b, "    %-14s ", f->name);
		if (f->before.n) {
			put_value(b, f->before);
			cyre_put_str(b, " -> ");
		}
		put_value(b, f->after);
		cyre_put_fmt(b, "  (%s)\n", f->origin);
	}
}

static void change_into(cyre_report *r, const struct cyre_dbreport_change *c)
{
	struct cyre_buf *b = place_in(r, c->database);

	if (b == &r->out)
		put_change_json(b, c);
	else if (b)
		put_change_text(b, r->options.verbose, c);
	cyre__report_flush(r);
}

cyre_status cyre_dbreport_change(const struct cyre_dbreport_options *o,
	const struct cyre_dbreport_change *c)
{
	struct cyre_buf b = {0};
	size_t i;

	if (o->n_reports && c->trivial)
		return CYRE_OK;
	for (i = 0; i < o->n_reports; i++)
		change_into(o->reports[i], c);
	if (!o->write)
		return CYRE_OK;
	if (o->format == CYRE_REPORT_JSON)
		put_change_json(&b, c);
	else if (!o->quiet && !(c->trivial && !o->verbose))
		put_change_text(&b, o->verbose, c);
	return cyre_dbreport_flush(o, &b);
}

/* ---- the sum ---- */

static void put_sum_json(struct cyre_buf *b, const struct cyre_dbreport_sum *s)
{
	struct cyre_json j = {.b = b};
	size_t i;

	cyre_json_begin(&j, '{');
	cyre_json_member(&j, "type", "sum");
	cyre_json_member(&j, "database", s->database);
	cyre_json_member(&j, "path", s->path);
	cyre_json_member(&j, "state", s->state);
	if (s->sha256)
		cyre_json_member_number(&j, "size", s->size);
	cyre_json_member(&j, "sha256", s->sha256);
	if (s->absent) {
		cyre_json_key(&j, "absent");
		cyre_json_bool(&j, true);
	}
	cyre_json_member(&j, "format", s->format);
	cyre_json_member(&j, "form", s->form);
	cyre_json_key(&j, "counts");
	cyre_json_begin(&j, '{');
	for (i = 0; s->actions[i]; i++)
		cyre_json_member_number(&j, s->actions[i], s->counts[i]);
	cyre_json_end(&j, '}');
	cyre_json_member_number(&j, "dropped", s->dropped);
	cyre_json_member(&j, "error", s->error);
	end_line(&j);
}

static void put_sum_text(struct cyre_buf *b, const struct cyre_dbreport_sum *s)
{
	const char *separator = ": ";
	size_t i;

	cyre_put_visible(b, cyre_slice_str(s->path));
	for (i = 0; s->actions[i]; i++) {
		if (!s->counts[i])
			continue;
		cyre_put_str(b, separator);
		cyre_put_dec(b, s->counts[i]);
		cyre_put_fmt(b, " %s", s->actions[i]);
		separator = ", ";
	}
	if (*separator == ':' && strcmp(s->state, "failed") != 0)
		cyre_put_str(b, ": no entries");
	cyre_put_fmt(b, "; %s", s->state);
	if (s->format)
		cyre_put_fmt(b, ", as %s", s->format);
	if (s->form)
		cyre_put_fmt(b, ", %s", s->form);
	if (s->error)
		cyre_put_str(b, ": ");
	if (s->error)
		cyre_put_visible(b, cyre_slice_str(s->error));
	cyre_put_u8(b, '\n');
	if (s->dropped) {
		cyre_put_dec(b, s->dropped);
		cyre_put_str(b, " records that the server makes again when it "
				"starts are left out\n");
	}
}

/* Of a rebuild: one that stays as it is goes without saying. */
static void sum_into(cyre_report *r, const struct cyre_dbreport_sum *s)
{
	bool same = strcmp(s->state, "unchanged") == 0 && !s->error;
	struct cyre_report_totals *t = &r->totals;
	struct cyre_buf *b = NULL;

	t->databases_planned += strcmp(s->state, "planned") == 0;
	t->databases_written += strcmp(s->state, "written") == 0;
	t->databases_failed += strcmp(s->state, "failed") == 0;
	if (!same || r->options.format == CYRE_REPORT_JSON)
		b = place_in(r, s->database);
	if (b == &r->out)
		put_sum_json(b, s);
	else if (b)
		put_sum_text(b, s);
	cyre__report_flush(r);
}

cyre_status cyre_dbreport_sum(const struct cyre_dbreport_options *o,
	const struct cyre_dbreport_sum *s)
{
	struct cyre_buf b = {0};
	size_t i;

	for (i = 0; i < o->n_reports; i++)
		sum_into(o->reports[i], s);
	if (!o->write)
		return CYRE_OK;
	if (o->format == CYRE_REPORT_JSON)
		put_sum_json(&b, s);
	else if (!o->quiet)
		put_sum_text(&b, s);
	return cyre_dbreport_flush(o, &b);
}
