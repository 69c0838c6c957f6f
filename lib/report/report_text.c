/*
 * report_text.c - a report for the person at the terminal
 *
 * One screen of triage first: how many mailboxes and customers are hurt, how
 * badly, whether mail is at risk, the worst mailboxes. Then the findings by
 * mailbox, which were kept in `body` until the triage was known: memory grows
 * with the damage, not with the server.
 */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
/* No memory is a status, not the end of the process. */
#define HASH_NONFATAL_OOM      1
#define uthash_nonfatal_oom(c) ((void)(c))
#include <uthash.h>

#include "utf8.h"
#include "words.h"

#define WORST_SHOWN 15 /* lines of the triage */
#define EXAMPLES    3  /* of findings or losses of one kind, without -v */

enum bucket { FINE, STALE, DAMAGED, CLOSED, LOSING, BUCKETS };

static const char *const bucket_names[BUCKETS] = {
	[LOSING] = "losing data",
	[CLOSED] = "cannot be opened",
	[DAMAGED] = "damaged",
	[STALE] = "stale",
	[FINE] = "fine",
};

struct cyre_text_row {
	enum bucket bucket;
	size_t text, len; /* of its line in `rows_text` */
};

/* A customer, by his worst mailbox; they do not come one after the other. */
struct cyre_text_customer {
	UT_hash_handle hh;
	enum bucket worst;
	char userid[];
};

struct cyre_text {
	uint64_t mailboxes[BUCKETS], databases[BUCKETS], customers[BUCKETS];
	uint64_t total_customers;
	struct cyre_text_customer *seen;
	struct cyre_text_row *rows;
	size_t nrows, cap;
	struct cyre_buf rows_text;
	char alike[96]; /* what the last repairs have in common */
	uint64_t n_alike;
};

static enum bucket bucket_of(const struct cyre_findings *f, bool closed)
{
	enum cyre_severity s = CYRE_SEV_NOTE;

	cyre_findings_worst(f, &s);
	if (s == CYRE_SEV_LOSS)
		return LOSING;
	if (closed)
		return CLOSED;
	return s == CYRE_SEV_DAMAGE  ? DAMAGED
	       : s == CYRE_SEV_STALE ? STALE
				     : FINE;
}

static void put_count(
	struct cyre_buf *b, uint64_t n, const char *one, const char *many)
{
	cyre_put_fmt(b, "%" PRIu64 " %s", n, n == 1 ? one : many);
}

static void put_size(struct cyre_buf *b, uint64_t bytes)
{
	static const char *const units[] = {
		"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double v = (double)bytes;
	size_t i = 0;

	for (; v >= 1024 && i + 1 < sizeof(units) / sizeof(*units); i++)
		v /= 1024;
	cyre_put_fmt(b, i ? "%.1f %s" : "%.0f %s", v, units[i]);
}

static void count_customer(cyre_report *r, struct cyre_text *t,
	const char *userid, enum bucket bucket)
{
	struct cyre_text_customer *c;
	size_t n = userid ? strlen(userid) : 0;

	if (!n)
		return;
	HASH_FIND(hh, t->seen, userid, n, c);
	if (c) {
		if (bucket > c->worst)
			c->worst = bucket;
		return;
	}
	c = calloc(1, sizeof(*c) + n + 1);
	if (!c) {
		r->status = CYRE_ENOMEM;
		return;
	}
	memcpy(c->userid, userid, n);
	c->worst = bucket;
	HASH_ADD_KEYPTR(hh, t->seen, c->userid, n, c);
	if (!c->hh.tbl) {
		free(c);
		r->status = CYRE_ENOMEM;
	}
}

static void sum_customers(struct cyre_text *t)
{
	const struct cyre_text_customer *c;

	for (c = t->seen; c; c = c->hh.next) {
		t->customers[c->worst]++;
		t->total_customers++;
	}
}

static void free_customers(struct cyre_text *t)
{
	struct cyre_text_customer *c, *next;

	HASH_ITER(hh, t->seen, c, next)
	{
		HASH_DEL(t->seen, c); /* NOLINT: `next` was taken before */
		free(c);
	}
}

static const char *name_of(const struct cyre_report_mailbox *m)
{
	return m->mboxname ? m->mboxname : m->path ? m->path : "?";
}

/* "index-truncated, cache-missing (12)"; false: nothing above a note. */
static bool put_codes(struct cyre_buf *b, const struct cyre_findings *f)
{
	const struct cyre_problem_row *row;
	const char *comma = "";
	int i;

	for (i = 0; i < CYRE_PROBLEM_COUNT; i++) {
		row = cyre_problem_row((enum cyre_problem)i);
		if (!f->count[i] || row->severity == CYRE_SEV_NOTE)
			continue;
		cyre_put_fmt(b, "%s%s", comma, row->slug);
		if (f->count[i] > 1)
			cyre_put_fmt(b, " (%" PRIu64 ")", f->count[i]);
		comma = ", ";
	}
	return *comma != '\0';
}

/* `name`: of the mailbox, or the path of a file, or "server". */
static void add_row(cyre_report *r, struct cyre_text *t, enum bucket bucket,
	const char *name, const struct cyre_findings *f)
{
	struct cyre_text_row *rows;
	struct cyre_buf *b = &t->rows_text;
	size_t start = b->n;

	if (t->nrows == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		rows = reallocarray(t->rows, t->cap, sizeof(*rows));
		if (!rows) {
			r->status = CYRE_ENOMEM;
			t->cap = t->nrows;
			return;
		}
		t->rows = rows;
	}
	cyre_put_fmt(b, "  %-17s ", bucket_names[bucket]);
	cyre_put_visible(b, cyre_slice_str(name));
	cyre_put_str(b, "  ");
	put_codes(b, f);
	cyre_put_u8(b, '\n');
	t->rows[t->nrows++] = (struct cyre_text_row){
		.bucket = bucket, .text = start, .len = b->n - start};
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
	enum bucket bucket =
		bucket_of(m->findings, m->access == CYRE_ACCESS_UNAVAILABLE);

	if (!t)
		return;
	end_alike(r);
	t->mailboxes[bucket]++;
	count_customer(r, t, m->userid, bucket);
	/* Without a finding of its own: for all, mailboxes.db is gone. */
	if (bucket != FINE && m->findings->n)
		add_row(r, t, bucket, name_of(m), m->findings);
	if (!anything_shown(r, m->findings) && !m->error)
		return;
	cyre_put_u8(&r->body, '\n');
	cyre_put_visible(&r->body, cyre_slice_str(name_of(m)));
	cyre_put_fmt(&r->body, "   %s", bucket_names[bucket]);
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
	enum bucket bucket = bucket_of(f, false);

	if (r->text && bucket != FINE)
		add_row(r, r->text, bucket, path ? path : "server", f);
	put_section(r, NULL, path, f);
}

/* A user who has nothing but a file is a customer when the file is hurt, or
 * when files are all that was looked at. */
static void text_database(cyre_report *r, const char *userid, const char *path,
	const struct cyre_findings *f)
{
	struct cyre_text *t = r->text;
	enum bucket bucket = bucket_of(f, false);

	if (!t)
		return;
	t->databases[bucket]++;
	if (bucket != FINE || r->level == 0)
		count_customer(r, t, userid, bucket);
	if (bucket != FINE)
		add_row(r, t, bucket, path, f);
	put_section(r, userid, path, f);
}

/* One sentence: is any mail at risk? */
static void put_risk(cyre_report *r)
{
	const uint64_t *n = r->totals.findings;
	uint64_t gone = n[CYRE_P_MESSAGE_FILE_MISSING] +
			n[CYRE_P_MESSAGE_EMPTY] + n[CYRE_P_MESSAGE_ZEROED];
	uint64_t odd = n[CYRE_P_MESSAGE_SIZE] + n[CYRE_P_MESSAGE_GUID];

	if (!gone && !odd) {
		cyre_put_str(&r->out,
			r->level >= 4 ? "No message is missing or changed: the "
					"mail is all there.\n"
			: r->level >= 3 ? "No message file is missing or of "
					  "another size than the indexes say.\n"
			: r->level == 0 ? "Mailboxes were not looked at: use "
					  "--level 1 or more.\n"
					: "Message files were not looked at: "
					  "use --level 3 or more.\n");
		return;
	}
	put_count(&r->out, gone, "message is", "messages are");
	cyre_put_str(&r->out, " listed but gone from the disk, ");
	cyre_put_fmt(&r->out, "%" PRIu64 " changed.\n", odd);
}

static void put_databases_done(cyre_report *r, const char *word, uint64_t n)
{
	if (n)
		cyre_put_fmt(&r->out, "  %-17s %7" PRIu64 " %s\n", word, n,
			n == 1 ? "database" : "databases");
}

/* What a scan would still find there. */
static void put_databases_left(cyre_report *r)
{
	struct cyre_findings f = {0};
	size_t before;

	memcpy(f.count, r->totals.databases_left, sizeof(f.count));
	before = r->out.n;
	cyre_put_str(&r->out, "\nLeft in databases: ");
	if (put_codes(&r->out, &f))
		cyre_put_str(&r->out, ".\n");
	else
		r->out.n = before;
}

/* The outcomes of a rebuild. */
static void put_done(cyre_report *r)
{
	static const char *const words[CYRE_OUTCOMES] = {
		[CYRE_OUTCOME_CLEAN] = "nothing to repair",
		[CYRE_OUTCOME_PLANNED] = "can be repaired",
		[CYRE_OUTCOME_REPAIRED] = "repaired",
		[CYRE_OUTCOME_LEFT] = "problems left",
		[CYRE_OUTCOME_FAILED] = "not done"};
	const struct cyre_report_totals *t = &r->totals;
	int i;

	if (t->outcomes[CYRE_OUTCOME_NONE] == t->mailboxes &&
		!t->databases_written && !t->databases_planned &&
		!t->databases_failed)
		return;
	cyre_put_u8(&r->out, '\n');
	for (i = 0; i < CYRE_OUTCOMES; i++)
		if (words[i] && t->outcomes[i])
			cyre_put_fmt(&r->out, "  %-17s %7" PRIu64 " %s\n",
				words[i], t->outcomes[i],
				t->outcomes[i] == 1 ? "mailbox" : "mailboxes");
	put_databases_done(
		r, words[CYRE_OUTCOME_PLANNED], t->databases_planned);
	put_databases_done(
		r, words[CYRE_OUTCOME_REPAIRED], t->databases_written);
	put_databases_done(r, words[CYRE_OUTCOME_FAILED], t->databases_failed);
	put_databases_left(r);
	cyre_put_u8(&r->out, '\n');
	put_count(&r->out, t->repairs, "value", "values");
	cyre_put_str(&r->out, t->changed ? " changed, " : " to be changed, ");
	cyre_put_fmt(&r->out, "%" PRIu64 " lost for good.\n", t->losses);
}

/* What the triage counts: at level 0 only databases were looked at. */
static const char *thing(const cyre_report *r, uint64_t n)
{
	if (r->level == 0)
		return n == 1 ? "database" : "databases";
	return n == 1 ? "mailbox" : "mailboxes";
}

static void put_buckets(cyre_report *r, const struct cyre_text *t)
{
	const uint64_t *n = r->level ? t->mailboxes : t->databases;
	struct cyre_buf *b = &r->out;
	int i;

	for (i = LOSING; i >= FINE; i--) {
		if (r->level == 0 && i == CLOSED)
			continue;
		cyre_put_fmt(b, "  %-17s %7" PRIu64 " %-10s", bucket_names[i],
			n[i], thing(r, n[i]));
		if (t->customers[i])
			cyre_put_fmt(b, " %7" PRIu64 " %s", t->customers[i],
				t->customers[i] == 1 ? "customer"
						     : "customers");
		while (b->n && b->p[b->n - 1] == ' ')
			b->n--;
		cyre_put_u8(b, '\n');
	}
}

/* Beside mailboxes, databases are told of when one is hurt. */
static void put_databases(cyre_report *r, const struct cyre_text *t)
{
	uint64_t hurt = r->totals.databases - t->databases[FINE];

	if (!hurt || r->level == 0)
		return;
	put_count(&r->out, hurt, "database", "databases");
	cyre_put_fmt(&r->out, " of %" PRIu64 " %s stale or damaged.\n",
		r->totals.databases, hurt == 1 ? "is" : "are");
}

static void put_triage(cyre_report *r, struct cyre_text *t, bool complete)
{
	uint64_t n = r->level ? r->totals.mailboxes : r->totals.databases;
	struct cyre_buf *b = &r->out;

	cyre_put_fmt(b, "%" PRIu64 " %s of ", n, thing(r, n));
	put_count(b, t->total_customers, "customer", "customers");
	cyre_put_str(b, ", ");
	if (r->level) {
		put_count(b, r->totals.messages, "message", "messages");
		cyre_put_str(b, ", ");
		put_size(b, r->totals.bytes);
		cyre_put_str(b, ", ");
	}
	cyre_put_fmt(b, "level %u%s\n\n", r->level,
		complete ? "" : "; INTERRUPTED, the rest is unknown");
	put_buckets(r, t);
	cyre_put_u8(b, '\n');
	if (complete || r->totals.mailboxes)
		put_risk(r);
	put_databases(r, t);
	if (r->totals.blocked) {
		cyre_put_str(b, "New mail is refused or waits for ");
		put_count(b, r->totals.blocked, "mailbox", "mailboxes");
		cyre_put_str(b, ".\n");
	}
}

static void put_worst(cyre_report *r, const struct cyre_text *t)
{
	size_t i, shown = 0;
	int bucket;

	if (!t->nrows)
		return;
	cyre_put_str(&r->out, "\nWorst first:\n");
	for (bucket = LOSING; bucket > FINE; bucket--)
		for (i = 0; i < t->nrows && shown < WORST_SHOWN; i++)
			if ((int)t->rows[i].bucket == bucket) {
				cyre_put(&r->out,
					t->rows_text.p + t->rows[i].text,
					t->rows[i].len);
				shown++;
			}
	if (t->nrows > shown)
		cyre_put_fmt(&r->out, "  and %zu more\n", t->nrows - shown);
}

static void text_end(cyre_report *r, bool complete, int exit_status)
{
	struct cyre_text *t = r->text;

	if (!t || (exit_status == 0 && r->options.silent_when_clean))
		return;
	end_alike(r);
	sum_customers(t);
	put_triage(r, t, complete);
	put_done(r);
	put_worst(r, t);
	cyre_put_slice(&r->out, cyre_buf_slice(&r->body));
	if (t->rows_text.bad)
		r->status = CYRE_ENOMEM;
}

static void text_free(cyre_report *r)
{
	struct cyre_text *t = r->text;

	if (!t)
		return;
	free_customers(t);
	cyre_buf_free(&t->rows_text);
	free(t->rows);
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
