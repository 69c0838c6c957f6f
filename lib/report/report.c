/*
 * report.c - counts what passes, lets the form put it, writes it out
 *
 * The forms are report_json.c and report_text.c.
 */
#include "report.h"

#include <stdlib.h>

#include "utf8.h"

char *cyre_visible(const char *s)
{
	struct cyre_buf b = {0};

	cyre_put_visible(&b, cyre_slice_str(s));
	cyre_put_u8(&b, 0);
	if (b.bad)
		cyre_buf_free(&b);
	return (char *)b.p;
}

bool cyre_findings_worst(const struct cyre_findings *f, enum cyre_severity *ret)
{
	enum cyre_severity s, worst = CYRE_SEV_NOTE;
	bool any = false;
	int i;

	for (i = 0; i < CYRE_PROBLEM_COUNT; i++) {
		if (!f->count[i])
			continue;
		any = true;
		s = cyre_problem_row((enum cyre_problem)i)->severity;
		if (s > worst)
			worst = s;
	}
	if (any)
		*ret = worst;
	return any;
}

const char *cyre__mailbox_status(const struct cyre_findings *f)
{
	enum cyre_severity s;

	return cyre_findings_worst(f, &s) ? cyre_severity_name(s) : "clean";
}

const char *cyre__access_name(enum cyre_access a)
{
	static const char *const names[] = {"ok", "degraded", "unavailable"};

	return names[a];
}

const char *cyre__outcome_name(enum cyre_outcome o)
{
	static const char *const names[CYRE_OUTCOMES] = {
		"none", "clean", "planned", "repaired", "left", "failed"};

	return names[o];
}

cyre_status cyre_report_new(
	const struct cyre_report_options *o, cyre_report **ret)
{
	cyre_report *r = calloc(1, sizeof(*r));

	if (!r)
		return CYRE_ENOMEM;
	r->options = *o;
	r->form = o->format == CYRE_REPORT_JSON ? &cyre__report_json
						: &cyre__report_text;
	*ret = r;
	return CYRE_OK;
}

void cyre_report_free(cyre_report *r)
{
	if (!r)
		return;
	if (r->form->free)
		r->form->free(r);
	cyre_buf_free(&r->out);
	cyre_buf_free(&r->body);
	free(r);
}

void cyre__report_flush(cyre_report *r)
{
	if (r->out.bad || r->body.bad)
		r->status = CYRE_ENOMEM;
	if (r->status == CYRE_OK && r->out.n &&
		r->options.write(r->out.p, r->out.n, r->options.payload) < 0)
		r->status = CYRE_EIO;
	cyre_buf_reset(&r->out);
}

void cyre_report_begin(cyre_report *r, const struct cyre_report_run *run)
{
	r->level = run->level;
	r->form->begin(r, run);
	cyre__report_flush(r);
}

static void count_findings(
	struct cyre_report_totals *t, const struct cyre_findings *f)
{
	int i;

	for (i = 0; i < CYRE_PROBLEM_COUNT; i++)
		t->findings[i] += f->count[i];
}

void cyre_report_mailbox(cyre_report *r, const struct cyre_report_mailbox *m)
{
	struct cyre_report_totals *t = &r->totals;
	enum cyre_severity worst;

	t->mailboxes++;
	t->messages += m->messages;
	t->bytes += m->bytes;
	if (cyre_findings_worst(m->findings, &worst))
		t->by_severity[worst]++;
	else
		t->clean++;
	t->unavailable += m->access == CYRE_ACCESS_UNAVAILABLE;
	t->degraded += m->access == CYRE_ACCESS_DEGRADED;
	t->blocked += m->delivery_blocked;
	t->outcomes[m->outcome]++;
	t->changed += m->changed;
	count_findings(t, m->findings);
	r->form->mailbox(r, m);
	cyre__report_flush(r);
}

void cyre_report_repair(cyre_report *r, const struct cyre_report_mailbox *m,
	const struct cyre_report_repair *repair)
{
	r->totals.repairs++;
	r->totals.losses += repair->loss != NULL;
	r->form->repair(r, m, repair);
	cyre__report_flush(r);
}

void cyre_report_server(
	cyre_report *r, const char *path, const struct cyre_findings *f)
{
	count_findings(&r->totals, f);
	r->form->server(r, path, f);
	cyre__report_flush(r);
}

void cyre_report_database(cyre_report *r, const char *userid, const char *path,
	const struct cyre_findings *f)
{
	enum cyre_severity worst;

	r->totals.databases++;
	if (cyre_findings_worst(f, &worst))
		r->totals.databases_by[worst]++;
	count_findings(&r->totals, f);
	r->form->database(r, userid, path, f);
	cyre__report_flush(r);
}

void cyre_report_databases_left(cyre_report *r, const struct cyre_findings *f)
{
	int i;

	for (i = 0; i < CYRE_PROBLEM_COUNT; i++)
		r->totals.databases_left[i] = f->count[i];
	if (r->form->databases_left)
		r->form->databases_left(r, f);
	cyre__report_flush(r);
}

cyre_status cyre_report_end(cyre_report *r, bool complete, int exit_status)
{
	r->form->end(r, complete, exit_status);
	cyre__report_flush(r);
	return r->status;
}

const struct cyre_report_totals *cyre_report_totals(const cyre_report *r)
{
	return &r->totals;
}
