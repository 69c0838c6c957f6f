/*
 * rebuild_look.c - a scan inside a rebuild: what databases say of mailboxes, and
 * mailboxes of databases
 *
 * Reads all that cyrscan reads at level 2; again, only what can be another than
 * it was (looked.h). What is wrong with a mailbox's own
 * files was told when it was rebuilt; here counts what concerns a database,
 * sorted by which of them a rebuild would have to write.
 */
#include "rebuild.h"

#include "databases.h"

struct look {
	struct cyre_taker taker; /* first */
	struct cyre_rebuild *rb;
	struct cyre_database_look *ret;
	bool tell;
};

static enum cyre_target target_of_file(enum cyre_server_kind kind)
{
	switch (kind) {
	case CYRE_SERVER_MAILBOXES:
		return CYRE_TARGET_MAILBOXES;
	case CYRE_SERVER_QUOTAS:
	case CYRE_SERVER_QUOTA:
		return CYRE_TARGET_QUOTA;
	case CYRE_SERVER_SEEN:
		return CYRE_TARGET_SEEN;
	default:
		return CYRE_TARGET_OTHER;
	}
}

/* Of a mailbox; OTHER: nothing between it and a database. */
static enum cyre_target target_of_problem(enum cyre_problem p)
{
	switch (p) {
	case CYRE_P_DIR_NO_ENTRY:
	case CYRE_P_ENTRY_PARTITION:
	case CYRE_P_ENTRY_UNIQUEID_DISAGREES:
	case CYRE_P_ENTRY_NAME_DISAGREES:
	case CYRE_P_ENTRY_TYPE_DISAGREES:
	case CYRE_P_ENTRY_ACL_DISAGREES:
	case CYRE_P_ENTRY_UIDVALIDITY_DISAGREES:
		return CYRE_TARGET_MAILBOXES;
	case CYRE_P_QUOTAROOT_MISSING:
		return CYRE_TARGET_QUOTA;
	default:
		return CYRE_TARGET_OTHER;
	}
}

static void add(
	struct look *l, enum cyre_target t, const struct cyre_findings *found)
{
	int i;

	for (i = 0; i < CYRE_PROBLEM_COUNT; i++)
		l->ret->n[t][i] += found->count[i];
}

static cyre_status take_mailbox(
	struct look *l, const char *path, const struct cyre_findings *found)
{
	const struct cyre_scan_options *o = &l->rb->o->scan;
	struct cyre_findings own = {.keep = 1};
	cyre_status st;
	size_t i;

	for (i = 0; i < found->n; i++) {
		enum cyre_problem p = found->items[i].problem;
		enum cyre_target t = target_of_problem(p);

		/* Of the mailbox's own files, if they were held against it. */
		if (p == CYRE_P_QUOTAROOT_OTHER && !l->rb->run.charges)
			t = CYRE_TARGET_QUOTA;
		if (t == CYRE_TARGET_OTHER)
			continue;
		l->ret->n[t][p]++;
		cyre_find(&own, &found->items[i]);
	}
	for (i = 0; own.n && l->tell && i < o->n_reports; i++)
		cyre_report_server(o->reports[i], path, &own);
	st = own.status;
	cyre_findings_free(&own);
	return st;
}

static cyre_status take(struct cyre_taker *t, const struct cyre_run *r,
	const struct cyre_server_file *f, const char *userid, const char *path,
	const struct cyre_findings *found)
{
	struct look *l = (struct look *)t;
	const struct cyre_scan_options *o = &l->rb->o->scan;
	size_t i;

	l->ret->has_quota |= r->quotas.n > 0;
	if (!f && path)
		return take_mailbox(l, path, found);
	if (f)
		add(l, target_of_file(f->kind), found);
	else if (found->count[CYRE_P_MBOXLIST_MISSING] ||
		 found->count[CYRE_P_MBOXLIST_EMPTY])
		add(l, CYRE_TARGET_MAILBOXES, found);
	else
		add(l, CYRE_TARGET_OTHER, found);
	for (i = 0; l->tell && i < o->n_reports; i++) {
		if (f)
			cyre_report_database(
				o->reports[i], userid, path, found);
		else
			cyre_report_server(o->reports[i], NULL, found);
	}
	return CYRE_OK;
}

static const struct cyre_phase phases[] = {
	{"looking for databases", cyre_run_confdir},
	{"looking for mailboxes", cyre_looked_discover},
	{"reading headers", cyre_run_identify},
	{"checking", cyre_run_judge},
	{"checking databases", cyre_run_databases},
	{"keeping what was read", cyre_looked_keep},
	{NULL, NULL},
};

cyre_status cyre_rebuild_look(
	struct cyre_rebuild *rb, bool tell, struct cyre_database_look *ret)
{
	struct look l = {.taker = {take}, .rb = rb, .ret = ret, .tell = tell};
	struct cyre_scan_options o = rb->o->scan;
	struct cyre_run r = {
		.o = &o,
		.error = rb->run.error,
		.cross = true,
		.absentees = true,
		.taker = &l.taker,
		.looked = &rb->looked,
		.rules = {.metadata = true},
	};
	cyre_status st;

	*ret = (struct cyre_database_look){.skipped = false};
	o.level = CYRE_LEVEL_METADATA;
	st = cyre_run_phases(&r, phases);
	ret->skipped = r.result.skipped;
	ret->interrupted = r.result.interrupted;
	return st;
}
