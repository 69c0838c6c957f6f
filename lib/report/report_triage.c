/*
 * report_triage.c - see report_triage.h
 *
 * How many mailboxes and customers are hurt, whether mail is at risk, what a
 * rebuild did, the worst mailboxes. Of each customer one small thing is kept;
 * the rest grows with the damage, not with the server.
 */
#include "report_triage.h"

#include <inttypes.h>
#include <stdlib.h>
/* No memory is a status, not the end of the process. */
#define HASH_NONFATAL_OOM      1
#define uthash_nonfatal_oom(c) ((void)(c))
#include <uthash.h>

#include "grow.h"
#include "utf8.h"

#define WORST_SHOWN 15 /* lines of the triage */

static const char *const bucket_names[CYRE_BUCKETS] = {
	[CYRE_LOSING] = "losing data",
	[CYRE_CLOSED] = "cannot be opened",
	[CYRE_DAMAGED] = "damaged",
	[CYRE_STALE] = "stale",
	[CYRE_FINE] = "fine",
};

struct cyre_triage_row {
	enum cyre_bucket bucket;
	size_t text, len; /* of its line in `rows_text` */
};

/* A customer, by his worst mailbox; they do not come one after the other. */
struct cyre_triage_customer {
	UT_hash_handle hh;
	enum cyre_bucket worst;
	char userid[];
};

enum cyre_bucket cyre_bucket_of(const struct cyre_findings *f, bool closed)
{
	enum cyre_severity s = CYRE_SEV_NOTE;

	cyre_findings_worst(f, &s);
	if (s == CYRE_SEV_LOSS)
		return CYRE_LOSING;
	if (closed)
		return CYRE_CLOSED;
	return s == CYRE_SEV_DAMAGE  ? CYRE_DAMAGED
	       : s == CYRE_SEV_STALE ? CYRE_STALE
				     : CYRE_FINE;
}

const char *cyre_bucket_name(enum cyre_bucket bucket)
{
	return bucket_names[bucket];
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

void cyre_triage_customer(cyre_report *r, struct cyre_triage *t,
	const char *userid, enum cyre_bucket bucket)
{
	struct cyre_triage_customer *c;
	size_t n = userid ? strlen(userid) : 0;

	if (!n)
		return;
	HASH_FIND(hh, t->customers, userid, n, c);
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
	HASH_ADD_KEYPTR(hh, t->customers, c->userid, n, c);
	if (!c->hh.tbl) {
		free(c);
		r->status = CYRE_ENOMEM;
	}
}

/* Returns how many there are. */
static uint64_t sum_customers(
	const struct cyre_triage *t, uint64_t ret_sums[CYRE_BUCKETS])
{
	const struct cyre_triage_customer *c;
	uint64_t n = 0;

	memset(ret_sums, 0, CYRE_BUCKETS * sizeof(*ret_sums));
	for (c = t->customers; c; c = c->hh.next) {
		ret_sums[c->worst]++;
		n++;
	}
	return n;
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

void cyre_triage_row(cyre_report *r, struct cyre_triage *t,
	enum cyre_bucket bucket, const char *name,
	const struct cyre_findings *f)
{
	struct cyre_triage_row *rows;
	struct cyre_buf *b = &t->rows_text;
	size_t start = b->n;

	rows = cyre_grow(t->rows, t->n, &t->cap, sizeof(*t->rows));
	if (!rows) {
		r->status = CYRE_ENOMEM;
		return;
	}
	t->rows = rows;
	cyre_put_fmt(b, "  %-17s ", bucket_names[bucket]);
	cyre_put_visible(b, cyre_slice_str(name));
	cyre_put_str(b, "  ");
	put_codes(b, f);
	cyre_put_u8(b, '\n');
	t->rows[t->n++] = (struct cyre_triage_row){
		.bucket = bucket, .text = start, .len = b->n - start};
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

static void put_buckets(cyre_report *r, const struct cyre_triage *t,
	const uint64_t customers[CYRE_BUCKETS])
{
	const uint64_t *n = r->level ? t->mailboxes : t->databases;
	struct cyre_buf *b = &r->out;
	int i;

	for (i = CYRE_LOSING; i >= CYRE_FINE; i--) {
		if (r->level == 0 && i == CYRE_CLOSED)
			continue;
		cyre_put_fmt(b, "  %-17s %7" PRIu64 " %-10s", bucket_names[i],
			n[i], thing(r, n[i]));
		if (customers[i])
			cyre_put_fmt(b, " %7" PRIu64 " %s", customers[i],
				customers[i] == 1 ? "customer" : "customers");
		while (b->n && b->p[b->n - 1] == ' ')
			b->n--;
		cyre_put_u8(b, '\n');
	}
}

/* Beside mailboxes, databases are told of when one is hurt. */
static void put_databases(cyre_report *r, const struct cyre_triage *t)
{
	uint64_t hurt = r->totals.databases - t->databases[CYRE_FINE];

	if (!hurt || r->level == 0)
		return;
	put_count(&r->out, hurt, "database", "databases");
	cyre_put_fmt(&r->out, " of %" PRIu64 " %s stale or damaged.\n",
		r->totals.databases, hurt == 1 ? "is" : "are");
}

static void put_sums(cyre_report *r, const struct cyre_triage *t, bool complete)
{
	uint64_t customers[CYRE_BUCKETS];
	uint64_t n_customers = sum_customers(t, customers);
	uint64_t n = r->level ? r->totals.mailboxes : r->totals.databases;
	struct cyre_buf *b = &r->out;

	cyre_put_fmt(b, "%" PRIu64 " %s of ", n, thing(r, n));
	put_count(b, n_customers, "customer", "customers");
	cyre_put_str(b, ", ");
	if (r->level) {
		put_count(b, r->totals.messages, "message", "messages");
		cyre_put_str(b, ", ");
		put_size(b, r->totals.bytes);
		cyre_put_str(b, ", ");
	}
	cyre_put_fmt(b, "level %u%s\n\n", r->level,
		complete ? "" : "; NOT FINISHED, the rest is unknown");
	put_buckets(r, t, customers);
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

static void put_worst(cyre_report *r, const struct cyre_triage *t)
{
	size_t i, shown = 0;
	int bucket;

	if (!t->n)
		return;
	cyre_put_str(&r->out, "\nWorst first:\n");
	for (bucket = CYRE_LOSING; bucket > CYRE_FINE; bucket--)
		for (i = 0; i < t->n && shown < WORST_SHOWN; i++)
			if ((int)t->rows[i].bucket == bucket) {
				cyre_put(&r->out,
					t->rows_text.p + t->rows[i].text,
					t->rows[i].len);
				shown++;
			}
	if (t->n > shown)
		cyre_put_fmt(&r->out, "  and %zu more\n", t->n - shown);
}

void cyre_triage_put(cyre_report *r, const struct cyre_triage *t, bool complete)
{
	put_sums(r, t, complete);
	put_done(r);
	put_worst(r, t);
	if (t->rows_text.bad)
		r->status = CYRE_ENOMEM;
}

void cyre_triage_free(struct cyre_triage *t)
{
	struct cyre_triage_customer *c, *next;

	HASH_ITER(hh, t->customers, c, next)
	{
		HASH_DEL(t->customers, c); /* NOLINT: `next` was taken before */
		free(c);
	}
	cyre_buf_free(&t->rows_text);
	free(t->rows);
	*t = (struct cyre_triage){0};
}
