/*
 * report_json.c - a report as JSON Lines (docs/report.schema.json)
 *
 * Absent values are left out. A mailbox's line comes before its findings, so
 * that a reader knows whose they are and how many to expect.
 */
#include "report.h"

#include "json.h"
#include "words.h"

static struct cyre_json line(cyre_report *r, const char *type)
{
	struct cyre_json j = {.b = &r->out};

	cyre_json_begin(&j, '{');
	cyre_json_member(&j, "type", type);
	return j;
}

static void end_line(struct cyre_json *j)
{
	cyre_json_end(j, '}');
	cyre_put_u8(j->b, '\n');
}

static void json_begin(cyre_report *r, const struct cyre_report_run *run)
{
	struct cyre_json j = line(r, "header");

	cyre_json_member(&j, "schema", CYRE_REPORT_SCHEMA);
	cyre_json_member(&j, "tool", run->tool);
	cyre_json_member(&j, "version", CYRE_VERSION);
	cyre_json_member(&j, "run", run->run);
	cyre_json_member(&j, "host", run->host);
	cyre_json_member(&j, "instance", run->instance);
	cyre_json_member(&j, "started", run->started);
	cyre_json_member_number(&j, "level", run->level);
	cyre_json_member(&j, "shard", run->shard);
	cyre_json_member(&j, "config_sha256", run->config_sha256);
	end_line(&j);
}

static void codes(struct cyre_json *j, const char *key, const uint64_t *count)
{
	int i;

	cyre_json_key(j, key);
	cyre_json_begin(j, '{');
	for (i = 0; i < CYRE_PROBLEM_COUNT; i++)
		if (count[i])
			cyre_json_member_number(j,
				cyre_problem_row((enum cyre_problem)i)->slug,
				count[i]);
	cyre_json_end(j, '}');
}

static void put_finding(cyre_report *r, const struct cyre_report_mailbox *m,
	const struct cyre_finding *f)
{
	struct cyre_json j = line(r, "finding");
	const char *name = cyre_file_name(f->file);

	cyre_finding_problem_json(&j, f);
	cyre_json_member(&j, "mboxname", m->mboxname);
	cyre_json_member(&j, "userid", m->userid);
	cyre_json_member(&j, "partition", m->partition);
	cyre_json_member(&j, "path", m->path);
	cyre_json_member(&j, "file", *name ? name : NULL);
	cyre_json_member(&j, "uniqueid", m->uniqueid);
	cyre_finding_values_json(&j, f);
	end_line(&j);
}

static void json_mailbox(cyre_report *r, const struct cyre_report_mailbox *m)
{
	struct cyre_json j = line(r, "mailbox");
	size_t i;

	cyre_json_member(&j, "mboxname", m->mboxname);
	cyre_json_member(&j, "userid", m->userid);
	cyre_json_member(&j, "partition", m->partition);
	cyre_json_member(&j, "path", m->path);
	cyre_json_member(&j, "uniqueid", m->uniqueid);
	cyre_json_member(&j, "status", cyre__mailbox_status(m->findings));
	cyre_json_member(&j, "access", cyre__access_name(m->access));
	cyre_json_member(
		&j, "delivery", m->delivery_blocked ? "blocked" : "ok");
	cyre_json_member_number(&j, "messages", m->messages);
	cyre_json_member_number(&j, "bytes", m->bytes);
	if (m->opened)
		cyre_json_member_number(&j, "index_version", m->index_version);
	codes(&j, "codes", m->findings->count);
	if (m->outcome != CYRE_OUTCOME_NONE)
		cyre_json_member(&j, "outcome", cyre__outcome_name(m->outcome));
	if (m->left)
		codes(&j, "left", m->left->count);
	cyre_json_member(&j, "error", m->error);
	end_line(&j);
	for (i = 0; i < m->findings->n; i++)
		put_finding(r, m, &m->findings->items[i]);
}

static void json_repair(cyre_report *r, const struct cyre_report_mailbox *m,
	const struct cyre_report_repair *p)
{
	struct cyre_json j = line(r, "repair");
	const char *name = cyre_file_name(p->file);

	cyre_json_member(&j, "mboxname", m->mboxname);
	cyre_json_member(&j, "userid", m->userid);
	cyre_json_member(&j, "partition", m->partition);
	cyre_json_member(&j, "path", m->path);
	cyre_json_member(&j, "file", *name ? name : NULL);
	if (p->uid)
		cyre_json_member_number(&j, "uid", p->uid);
	cyre_json_member(&j, "field", p->field);
	cyre_json_member(&j, "before", p->before);
	cyre_json_member(&j, "after", p->after);
	cyre_json_member(&j, "origin", p->origin);
	cyre_json_member(&j, "loss", p->loss);
	end_line(&j);
}

static void json_database(cyre_report *r, const char *userid, const char *path,
	const struct cyre_findings *f)
{
	struct cyre_report_mailbox none = {.userid = userid, .path = path};
	size_t i;

	for (i = 0; i < f->n; i++)
		put_finding(r, &none, &f->items[i]);
}

static void json_server(
	cyre_report *r, const char *path, const struct cyre_findings *f)
{
	json_database(r, NULL, path, f);
}

static void json_databases_left(cyre_report *r, const struct cyre_findings *f)
{
	struct cyre_json j = line(r, "databases");

	codes(&j, "left", f->count);
	end_line(&j);
}

static void json_end(cyre_report *r, bool complete, int exit_status)
{
	struct cyre_json j = line(r, "trailer");
	const struct cyre_report_totals *t = &r->totals;
	int i;

	cyre_json_key(&j, "complete");
	cyre_json_bool(&j, complete);
	cyre_json_key(&j, "counts");
	cyre_json_begin(&j, '{');
	cyre_json_member_number(&j, "databases", t->databases);
	cyre_json_member_number(&j, "mailboxes", t->mailboxes);
	cyre_json_member_number(&j, "messages", t->messages);
	cyre_json_member_number(&j, "bytes", t->bytes);
	cyre_json_member_number(&j, "clean", t->clean);
	cyre_json_member_number(&j, "note", t->by_severity[CYRE_SEV_NOTE]);
	cyre_json_member_number(&j, "stale", t->by_severity[CYRE_SEV_STALE]);
	cyre_json_member_number(&j, "damage", t->by_severity[CYRE_SEV_DAMAGE]);
	cyre_json_member_number(&j, "loss", t->by_severity[CYRE_SEV_LOSS]);
	cyre_json_member_number(&j, "unavailable", t->unavailable);
	cyre_json_member_number(&j, "blocked", t->blocked);
	if (t->outcomes[CYRE_OUTCOME_NONE] < t->mailboxes) {
		for (i = CYRE_OUTCOME_PLANNED; i < CYRE_OUTCOMES; i++)
			cyre_json_member_number(&j,
				cyre__outcome_name((enum cyre_outcome)i),
				t->outcomes[i]);
		cyre_json_member_number(&j, "repairs", t->repairs);
		cyre_json_member_number(&j, "losses", t->losses);
	}
	cyre_json_end(&j, '}');
	codes(&j, "codes", t->findings);
	cyre_json_member_number(&j, "exit", (uint64_t)exit_status);
	end_line(&j);
}

const struct cyre_report_form cyre__report_json = {
	.begin = json_begin,
	.mailbox = json_mailbox,
	.repair = json_repair,
	.server = json_server,
	.database = json_database,
	.databases_left = json_databases_left,
	.end = json_end,
};
