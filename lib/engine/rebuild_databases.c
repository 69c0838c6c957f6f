/*
 * rebuild_databases.c - the last step of a rebuild: mailboxes.db, then quota,
 * then seen state
 *
 * The mailboxes are done by now. A scan says which database disagrees with them
 * or is damaged; of those, what the policy allows is done by the parts of cyrdb
 * rebuild, in the order in which one needs the other: who is charged, and whose
 * read marks these are, mailboxes.db says. A second scan says what is left. A
 * database of which nothing is found is not written.
 *
 * Nothing is written while the server runs: the usage of a quota root cannot be
 * counted while mail comes in.
 */
#include "rebuild.h"

#include "dbrebuild.h"
#include "select.h"

struct phase {
	struct cyre_rebuild *rb;
	struct cyre_database_look found;
};

static const struct cyre_problem_row *row(int p)
{
	return cyre_problem_row((enum cyre_problem)p);
}

/* Does the administrator let us repair this? */
static bool is_allowed(const struct cyre_rebuild *rb, enum cyre_problem p)
{
	const struct cyre_rebuild_options *o = rb->o;

	if (o->only && !o->only[p])
		return false;
	switch (row((int)p)->fix) {
	case CYRE_FIX_EXACT:
		return true;
	case CYRE_FIX_RULE:
		return o->accept >= CYRE_ACCEPT_RULE;
	case CYRE_FIX_ASK:
		return o->accept >= CYRE_ACCEPT_ALL;
	default:
		return false;
	}
}

/* What a rebuild of that database knows how to mend. */
static bool is_mendable(enum cyre_target t, int p)
{
	bool container = p >= CYRE_P_DB_UNKNOWN && p <= CYRE_P_DB_VALUE &&
			 p != CYRE_P_DB_EMPTY && p != CYRE_P_DB_WASTE;

	switch (t) {
	case CYRE_TARGET_MAILBOXES:
		return container || p == CYRE_P_DB_LOG_ONLY ||
		       p == CYRE_P_DIR_NO_ENTRY ||
		       p == CYRE_P_ENTRY_PARTITION ||
		       p == CYRE_P_ENTRY_UNIQUEID_DISAGREES ||
		       p == CYRE_P_ENTRY_UIDVALIDITY_DISAGREES ||
		       (p >= CYRE_P_MBOXLIST_MISSING &&
			       p <= CYRE_P_MBOXLIST_RESERVED);
	case CYRE_TARGET_QUOTA:
		return container || p == CYRE_P_QUOTA_USED ||
		       p == CYRE_P_QUOTAROOT_MISSING;
	case CYRE_TARGET_SEEN:
		return container || p == CYRE_P_SEEN_DETACHED;
	default:
		return false;
	}
}

/* Damage of the file itself, each kind of which may be mended, or is not there. */
static bool may_mend_file(const struct phase *ph, enum cyre_target t)
{
	int p;

	for (p = CYRE_P_DB_UNKNOWN; p <= CYRE_P_DB_VALUE; p++)
		if (ph->found.n[t][p] && row(p)->severity > CYRE_SEV_STALE &&
			row(p)->fix != CYRE_FIX_ASK &&
			!is_allowed(ph->rb, (enum cyre_problem)p))
			return false;
	return true;
}

/* Is any of these problems found, and can and may be mended? */
static bool finds_any(
	const struct phase *ph, enum cyre_target t, int first, int last)
{
	int p;

	for (p = first; p <= last; p++)
		if (ph->found.n[t][p] && row(p)->severity > CYRE_SEV_NOTE &&
			is_mendable(t, p) &&
			is_allowed(ph->rb, (enum cyre_problem)p))
			return true;
	return false;
}

/* A damaged mailboxes.db can only be written as a whole. */
static bool is_wanted(const struct phase *ph, enum cyre_target t)
{
	return (t != CYRE_TARGET_MAILBOXES || may_mend_file(ph, t)) &&
	       finds_any(ph, t, 0, CYRE_PROBLEM_COUNT - 1);
}

static bool allows_any(
	const struct cyre_rebuild *rb, const enum cyre_problem *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (is_allowed(rb, p[i]))
			return true;
	return false;
}

static unsigned what_to_leave(const struct cyre_rebuild *rb)
{
	static const enum cyre_problem lost[] = {CYRE_P_DIR_NO_ENTRY,
		CYRE_P_MBOXLIST_MISSING, CYRE_P_MBOXLIST_EMPTY,
		CYRE_P_DB_KEYS_LOST};
	static const enum cyre_problem moved[] = {
		CYRE_P_ENTRY_PARTITION, CYRE_P_DIR_NO_ENTRY};
	unsigned leave = 0;

	if (!allows_any(rb, lost, 4))
		leave |= CYRE_MBOX_LEAVE_NEW;
	if (!allows_any(rb, moved, 2))
		leave |= CYRE_MBOX_LEAVE_PARTITION;
	if (!is_allowed(rb, CYRE_P_ENTRY_UIDVALIDITY_DISAGREES))
		leave |= CYRE_MBOX_LEAVE_UIDVALIDITY;
	if (!is_allowed(rb, CYRE_P_ENTRY_UNIQUEID_DISAGREES))
		leave |= CYRE_MBOX_LEAVE_UNIQUEID;
	if (!is_allowed(rb, CYRE_P_MBOXLIST_ID_TWICE))
		leave |= CYRE_MBOX_LEAVE_TWICE;
	if (!is_allowed(rb, CYRE_P_UNIQUEID_DUPLICATE))
		leave |= CYRE_MBOX_LEAVE_TWIN;
	if (!is_allowed(rb, CYRE_P_MBOXLIST_RESERVED))
		leave |= CYRE_MBOX_LEAVE_RESERVED;
	if (!is_allowed(rb, CYRE_P_MBOXLIST_I_DISAGREES))
		leave |= CYRE_MBOX_LEAVE_SISTER;
	return leave;
}

/* The records that only a rewrite of the whole file makes right. */
static bool is_to_rewrite(const struct phase *ph)
{
	static const enum cyre_problem others[] = {CYRE_P_MBOXLIST_NO_J,
		CYRE_P_MBOXLIST_BOGUS_J, CYRE_P_MBOXLIST_RACL};
	const uint64_t *n = ph->found.n[CYRE_TARGET_MAILBOXES];
	size_t i;

	if (finds_any(ph, CYRE_TARGET_MAILBOXES, CYRE_P_DB_UNKNOWN,
		    CYRE_P_DB_VALUE))
		return true;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (n[others[i]] && is_allowed(ph->rb, others[i]))
			return true;
	return false;
}

/* Usage; who lets mailboxes be charged to another root lets us count both. */
static bool may_count(const struct cyre_rebuild *rb)
{
	return is_allowed(rb, CYRE_P_QUOTA_USED) ||
	       (is_allowed(rb, CYRE_P_QUOTAROOT_OTHER) && rb->result.changed);
}

static struct cyre_dbrebuild_ask ask_for(
	const struct phase *ph, enum cyre_dbrebuild_what what)
{
	const struct cyre_rebuild *rb = ph->rb;
	struct cyre_dbrebuild_ask ask = {.journal = rb->journal, .stale = true};

	if (rb->plan)
		ask.expected = cyre_plan_list_mailboxes(rb->plan);
	ask.leave = what_to_leave(rb);
	ask.rewrite = is_to_rewrite(ph);
	ask.leave_usage = !may_count(rb);
	ask.leave_roots = !is_allowed(rb, CYRE_P_QUOTAROOT_MISSING);
	ask.leave_unreadable = !is_allowed(rb, CYRE_P_DB_UNKNOWN);
	ask.leave_detached = !is_allowed(rb, CYRE_P_SEEN_DETACHED);
	ask.leave_damaged = !may_mend_file(ph, (enum cyre_target)what);
	return ask;
}

/* ---- one of them ---- */

/* It could not be done: told, and not the end of the run. */
static cyre_status tell_failed(struct cyre_rebuild *rb,
	const struct cyre_dbrebuild_options *o, cyre_status st,
	const struct cyre_error *err)
{
	struct cyre_dbreport_sum s = {
		.database = cyre_dbrebuild_name(o->what),
		.path = rb->confdir,
		.state = "failed",
	};
	char text[800], reason[128];

	rb->result.databases[o->what].failed = true;
	snprintf(text, sizeof(text), "%s%s%s", err->path,
		*err->path ? ": " : "",
		err->errnum ? strerror_r(err->errnum, reason, sizeof(reason))
			    : cyre_status_text(st));
	s.error = text;
	return cyre_dbreport_sum(&o->out, &s);
}

static cyre_status rebuild_one(struct phase *ph, enum cyre_dbrebuild_what what)
{
	struct cyre_rebuild *rb = ph->rb;
	struct cyre_rebuild_database *done = &rb->result.databases[what];
	struct cyre_dbrebuild_ask ask = ask_for(ph, what);
	struct cyre_dbrebuild_result result = {.changed = false};
	struct cyre_error err = {0};
	struct cyre_dbrebuild_options o = {
		.scan = rb->o->scan,
		.what = what,
		.out = {.reports = rb->o->scan.reports,
			.n_reports = rb->o->scan.n_reports,
			.format = CYRE_REPORT_JSON,
			.write = rb->o->plan_write,
			.payload = rb->o->plan_payload},
		.apply = rb->o->apply,
		.offline = true, /* it was looked for */
		.run = rb->o->run,
		.undo_dir = rb->o->undo_dir,
	};
	cyre_status st;

	o.scan.now = rb->now;
	st = cyre_dbrebuild_part(&o, &ask, &result, &err);
	done->changed |= result.changed;
	done->planned |= result.planned;
	rb->result.scan.skipped |= result.skipped;
	rb->result.scan.interrupted |= result.interrupted;
	if (st == CYRE_OK || st == CYRE_ENOMEM)
		return st;
	if (what == CYRE_DBREBUILD_MAILBOXES && st == CYRE_EUSAGE &&
		cyre_select_some(&rb->o->scan.select)) {
		done->waits = CYRE_WAITS_SELECTION;
		return CYRE_OK;
	}
	return tell_failed(rb, &o, st, &err);
}

/* A kill may have left some of its files new and some old. */
static cyre_status put_back(
	struct cyre_rebuild *rb, enum cyre_dbrebuild_what what)
{
	struct cyre_buf key = {0};
	struct cyre_error err = {0};
	cyre_status st;
	bool any = false;

	if (!rb->half_done)
		return CYRE_OK;
	cyre_dbrebuild_key(&rb->o->scan.place, rb->confdir, what, &key);
	st = key.bad ? CYRE_ENOMEM
		     : cyre_half_done_restore_named(
			       rb->half_done, (const char *)key.p, &any, &err);
	cyre_buf_free(&key);
	if (st != CYRE_OK && rb->run.error)
		*rb->run.error = err;
	return st;
}

/* ---- all of them ---- */

/* Nobody may write them; NOT: we do. */
static enum cyre_rebuild_waits why_not(
	const struct cyre_rebuild *rb, enum cyre_dbrebuild_what what)
{
	if (rb->o->no_databases)
		return CYRE_WAITS_UNWANTED;
	if (rb->server_runs)
		return CYRE_WAITS_SERVER;
	if (rb->o->scan.select.shards > 1)
		return CYRE_WAITS_SHARD;
	if (rb->plan && !cyre_plan_list_has(rb->plan, what))
		return CYRE_WAITS_PLAN;
	return CYRE_WAITS_NOT;
}

/* Mailboxes that changed are to be counted again, also where the scan cannot be
 * sure of the sum. */
static bool is_due(const struct phase *ph, enum cyre_dbrebuild_what what)
{
	const struct cyre_rebuild *rb = ph->rb;

	if (is_wanted(ph, (enum cyre_target)what))
		return true;
	return what == CYRE_DBREBUILD_QUOTA && rb->o->apply &&
	       ph->found.has_quota && rb->result.changed && may_count(rb);
}

/* Whom a mailbox is charged to, and whose read marks these are, a list says that
 * is whole. */
static bool is_list_bad(const struct phase *ph, enum cyre_dbrebuild_what what)
{
	const uint64_t *n = ph->found.n[CYRE_TARGET_MAILBOXES];
	int p;

	if (what == CYRE_DBREBUILD_MAILBOXES)
		return false;
	if (ph->rb->result.databases[CYRE_DBREBUILD_MAILBOXES].failed)
		return true;
	if (!ph->rb->o->apply)
		return false;
	for (p = CYRE_P_DB_UNKNOWN; p <= CYRE_P_DB_LOG_ONLY; p++)
		if (n[p] && row(p)->severity > CYRE_SEV_STALE)
			return true;
	return n[CYRE_P_MBOXLIST_MISSING] > 0;
}

static cyre_status work(struct phase *ph)
{
	struct cyre_rebuild *rb = ph->rb;
	cyre_status st = CYRE_OK;
	int what;

	for (what = 0; what < CYRE_REBUILD_DATABASES && st == CYRE_OK; what++) {
		enum cyre_dbrebuild_what w = (enum cyre_dbrebuild_what)what;
		enum cyre_rebuild_waits waits;

		if (!is_due(ph, w) || rb->result.scan.interrupted)
			continue;
		waits = why_not(rb, w);
		if (waits == CYRE_WAITS_NOT && is_list_bad(ph, w))
			waits = CYRE_WAITS_LIST;
		if (waits == CYRE_WAITS_NOT)
			st = rebuild_one(ph, w);
		else
			rb->result.databases[what].waits = waits;
		/* Whose quota and whose read marks is known only now. */
		if (st == CYRE_OK && w == CYRE_DBREBUILD_MAILBOXES &&
			rb->result.databases[what].changed)
			st = cyre_rebuild_look(rb, false, &ph->found);
	}
	return st;
}

static bool changed_any(const struct cyre_rebuild *rb)
{
	int i;

	for (i = 0; i < CYRE_REBUILD_DATABASES; i++)
		if (rb->result.databases[i].changed)
			return true;
	return false;
}

/* Something of a database is left that its rebuild could do: what is it that
 * this waits for? */
static void note_waiting(
	struct cyre_rebuild *rb, enum cyre_target t, enum cyre_problem p)
{
	struct cyre_rebuild_database *d = &rb->result.databases[t];

	if (!d->waits && !d->failed && !d->planned &&
		(row((int)p)->fix == CYRE_FIX_ASK || is_allowed(rb, p)))
		d->waits = CYRE_WAITS_PERSON;
}

/* What a scan says now: in the exit status, and the report. */
static void note_left(
	struct cyre_rebuild *rb, const struct cyre_database_look *now)
{
	const struct cyre_scan_options *o = &rb->o->scan;
	struct cyre_findings left = {.keep = 1};
	bool any = false, told = false;
	size_t i;
	int t, p;

	for (t = 0; t < CYRE_TARGETS; t++)
		for (p = 0; p < CYRE_PROBLEM_COUNT; p++) {
			enum cyre_target target = (enum cyre_target)t;
			bool ours = is_mendable(target, p);

			if (!now->n[t][p] || row(p)->severity <= CYRE_SEV_NOTE)
				continue;
			any = true;
			if (ours)
				note_waiting(rb, target, (enum cyre_problem)p);
			if (ours && rb->result.databases[t].planned &&
				is_allowed(rb, (enum cyre_problem)p))
				continue;
			left.count[p] += now->n[t][p];
			told = true;
		}
	rb->result.server_left |= any;
	for (i = 0; told && i < o->n_reports; i++)
		cyre_report_databases_left(o->reports[i], &left);
}

cyre_status cyre_rebuild_databases(struct cyre_rebuild *rb)
{
	struct phase ph = {.rb = rb};
	struct cyre_database_look now;
	cyre_status st = CYRE_OK;
	int what;

	for (what = 0; what < CYRE_REBUILD_DATABASES && st == CYRE_OK; what++)
		if (why_not(rb, (enum cyre_dbrebuild_what)what) ==
			CYRE_WAITS_NOT)
			st = put_back(rb, (enum cyre_dbrebuild_what)what);
	if (st == CYRE_OK)
		st = cyre_rebuild_look(rb, true, &ph.found);
	if (st == CYRE_OK && !ph.found.interrupted)
		st = work(&ph);
	now = ph.found;
	if (st == CYRE_OK && changed_any(rb) && !rb->result.scan.interrupted)
		st = cyre_rebuild_look(rb, false, &now);
	if (st != CYRE_OK)
		return st;
	rb->result.scan.skipped |= now.skipped;
	rb->result.scan.interrupted |= now.interrupted;
	if (!rb->result.scan.interrupted)
		note_left(rb, &now);
	rb->result.scan.complete &= !rb->result.scan.interrupted;
	return CYRE_OK;
}
