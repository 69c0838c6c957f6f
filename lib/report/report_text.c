/*
 * report_text.c - a report for the person at the terminal
 *
 * One screen of triage first (report_triage.c). Then the findings by mailbox,
 * which were kept in `body` until the triage was known: memory grows with the
 * damage, not with the server.
 */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "report_triage.h"
#include "utf8.h"
#include "words.h"

#define EXAMPLES 3 /* of findings or losses of one kind, without -v */

struct cyre_text {
	struct cyre_triage triage;
	char alike[96]; /* what the last repairs have in common */
	uint64_t n_alike;
};

static const char *name_of(const struct cyre_report_mailbox *m)
{
	return m->mboxname ? m->mboxname : m->path ? m->path : "?";
}

static void text_begin(cyre_report *r, const struct cyre_report_run *run)
{
	(void)run;
	r->text = calloc(1, sizeof(*r->text));
	if (!r->text)
		r->status = CYRE_ENOMEM;
}

static bool is_shown(const cyre_report *r, const struct cyre_finding *f)
{
	return r->options.verbose ||
	       cyre_problem_row(f->problem)->severity != CYRE_SEV_NOTE;
}

static void put_where(struct cyre_buf *b, const struct cyre_finding *f)
{
	const char *name = cyre_file_name(f->file);

	if (f->file == CYRE_FILE_ARCHIVE_CACHE)
		cyre_put_str(b, "archive ");
	if (*name)
		cyre_put_str(b, name);
	if (*name && f->uid)
		cyre_put_str(b, ", ");
	if (f->uid)
		cyre_put_fmt(b, "uid %" PRIu32, f->uid);
	if (*name || f->uid)
		cyre_put_str(b, ": ");
}

/* All findings of one problem: examples, then what it means, once. */
static void put_problem(
	cyre_report *r, const struct cyre_findings *fs, enum cyre_problem p)
{
	const struct cyre_problem_row *row = cyre_problem_row(p);
	struct cyre_buf *b = &r->body;
	uint64_t shown = 0;
	size_t i;

	for (i = 0; i < fs->n; i++) {
		const struct cyre_finding *f = &fs->items[i];

		if (f->problem != p || !is_shown(r, f))
			continue;
		if (shown == EXAMPLES && !r->options.verbose)
			break;
		cyre_put_fmt(b, "  %-6s %s ",
			shown ? "" : cyre_severity_name(row->severity),
			row->id);
		put_where(b, f);
		cyre_words(b, f);
		cyre_put_u8(b, '\n');
		shown++;
	}
	if (!shown)
		return;
	if (fs->count[p] > shown)
		cyre_put_fmt(b, "                and %" PRIu64 " more\n",
			fs->count[p] - shown);
	cyre_put_fmt(b, "                %s\n                Repair: %s\n",
		row->customer, row->repair);
}

static void put_findings(cyre_report *r, const struct cyre_findings *fs)
{
	int severity, p;

	for (severity = CYRE_SEV_LOSS; severity >= CYRE_SEV_NOTE; severity--)
		for (p = 0; p < CYRE_PROBLEM_COUNT; p++)
			if (fs->count[p] &&
				(int)cyre_problem_row((enum cyre_problem)p)
						->severity == severity)
				put_problem(r, fs, (enum cyre_problem)p);
}

static bool anything_shown(const cyre_report *r, const struct cyre_findings *f)
{
	enum cyre_severity s;

	return !r->options.quiet && cyre_findings_worst(f, &s) &&
	       (s > CYRE_SEV_NOTE || r->options.verbose);
}

static void put_value(struct cyre_buf *b, const char *before, const char *s)
{
	if (!s)
		return;
	cyre_put_str(b, before);
	cyre_put_visible(b, cyre_slice_str(s));
}

/* What became of it, in a line. */
static void put_outcome(cyre_report *r, const struct cyre_report_mailbox *m)
{
	static const char *const words[CYRE_OUTCOMES] = {
		[CYRE_OUTCOME_PLANNED] = "can be repaired; nothing was done",
		[CYRE_OUTCOME_REPAIRED] = "REPAIRED",
		[CYRE_OUTCOME_LEFT] = "LEFT with problems",
		[CYRE_OUTCOME_FAILED] = "NOT DONE"};

	if (!words[m->outcome])
		return;
	cyre_put_fmt(&r->body, "  => %s", words[m->outcome]);
	put_value(&r->body, ": ", m->error);
	cyre_put_u8(&r->body, '\n');
}

/* Behind the last loss of its kind: how many were not shown. */
static void end_alike(cyre_report *r)
{
	struct cyre_text *t = r->text;

	if (t->n_alike > EXAMPLES && !r->options.verbose)
		cyre_put_fmt(&r->body, "    and %" PRIu64 " more\n",
			t->n_alike - EXAMPLES);
	t->n_alike = 0;
	*t->alike = '\0';
}

/* A lost index costs the flags of each message: three lines of it, not 100,000. */
static bool is_one_too_many(cyre_report *r, const struct cyre_report_repair *p)
{
	struct cyre_text *t = r->text;
	char kind[sizeof(t->alike)];

	snprintf(kind, sizeof(kind), "%d %d %s %s", (int)p->file, p->uid > 0,
		p->field, p->loss ? p->loss : "");
	if (strcmp(kind, t->alike) != 0) {
		end_alike(r);
		memcpy(t->alike, kind, sizeof(kind));
	}
	return ++t->n_alike > EXAMPLES && !r->options.verbose;
}

static void text_mailbox(cyre_report *r, const struct cyre_report_mailbox *m)
{
	struct cyre_text *t = r->text;
	enum cyre_bucket bucket = cyre_bucket_of(
		m->findings, m->access == CYRE_ACCESS_UNAVAILABLE);

	if (!t)
		return;
	end_alike(r);
	t->triage.mailboxes[bucket]++;
	cyre_triage_customer(r, &t->triage, m->userid, bucket);
	/* Without a finding of its own: for all, mailboxes.db is gone. */
	if (bucket != CYRE_FINE && m->findings->n)
		cyre_triage_row(r, &t->triage, bucket, name_of(m), m->findings);
	if (!anything_shown(r, m->findings) && !m->error)
		return;
	cyre_put_u8(&r->body, '\n');
	cyre_put_visible(&r->body, cyre_slice_str(name_of(m)));
	cyre_put_fmt(&r->body, "   %s", cyre_bucket_name(bucket));
	if (m->partition)
		cyre_put_fmt(&r->body, ", partition %s", m->partition);
	if (m->path) {
		cyre_put_str(&r->body, "\n  in ");
		cyre_put_visible(&r->body, cyre_slice_str(m->path));
	}
	cyre_put_u8(&r->body, '\n');
	put_findings(r, m->findings);
	put_outcome(r, m);
}

/* What is gone for good always; the rest of the values under -v. */
static void text_repair(cyre_report *r, const struct cyre_report_mailbox *m,
	const struct cyre_report_repair *p)
{
	struct cyre_buf *b = &r->body;

	if (!r->text || !anything_shown(r, m->findings) ||
		(!p->loss && !r->options.verbose) || is_one_too_many(r, p))
		return;
	cyre_put_fmt(b, "    %s",
		*cyre_file_name(p->file) ? cyre_file_name(p->file) : "mailbox");
	if (p->uid)
		cyre_put_fmt(b, " uid %" PRIu32, p->uid);
	cyre_put_fmt(b, " %s", p->field);
	put_value(b, ": ", p->before);
	put_value(b, " -> ", p->after);
	put_value(b, ", from ", p->origin);
	put_value(b, "; LOST: ", p->loss);
	cyre_put_u8(b, '\n');
}

/* Findings of no mailbox; `userid` may be NULL. */
static void put_section(cyre_report *r, const char *userid, const char *path,
	const struct cyre_findings *f)
{
	if (!r->text || !anything_shown(r, f))
		return;
	end_alike(r);
	cyre_put_str(&r->body, userid ? "\nuser " : "\nserver");
	cyre_put_visible(&r->body, cyre_slice_str(userid ? userid : ""));
	if (path) {
		cyre_put_str(&r->body, "\n  in ");
		cyre_put_visible(&r->body, cyre_slice_str(path));
	}
	cyre_put_u8(&r->body, '\n');
	put_findings(r, f);
}

static void text_server(
	cyre_report *r, const char *path, const struct cyre_findings *f)
{
	enum cyre_bucket bucket = cyre_bucket_of(f, false);

	if (r->text && bucket != CYRE_FINE)
		cyre_triage_row(
			r, &r->text->triage, bucket, path ? path : "server", f);
	put_section(r, NULL, path, f);
}

/* A user who has nothing but a file is a customer when the file is hurt, or
 * when files are all that was looked at. */
static void text_database(cyre_report *r, const char *userid, const char *path,
	const struct cyre_findings *f)
{
	struct cyre_text *t = r->text;
	enum cyre_bucket bucket = cyre_bucket_of(f, false);

	if (!t)
		return;
	t->triage.databases[bucket]++;
	if (bucket != CYRE_FINE || r->level == 0)
		cyre_triage_customer(r, &t->triage, userid, bucket);
	if (bucket != CYRE_FINE)
		cyre_triage_row(r, &t->triage, bucket, path, f);
	put_section(r, userid, path, f);
}
static void text_end(cyre_report *r, bool complete, int exit_status)
{
	struct cyre_text *t = r->text;

	if (!t || (exit_status == 0 && r->options.silent_when_clean))
		return;
	end_alike(r);
	cyre_triage_put(r, &t->triage, complete);
	cyre_put_slice(&r->out, cyre_buf_slice(&r->body));
}

static void text_free(cyre_report *r)
{
	struct cyre_text *t = r->text;

	if (!t)
		return;
	cyre_triage_free(&t->triage);
	free(t);
	r->text = NULL;
}

const struct cyre_report_form cyre__report_text = {
	.begin = text_begin,
	.mailbox = text_mailbox,
	.repair = text_repair,
	.server = text_server,
	.database = text_database,
	.end = text_end,
	.free = text_free,
};
