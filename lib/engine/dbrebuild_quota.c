/*
 * dbrebuild_quota.c - the quota database counted again
 *
 * Reads every root as it is stored (a file each, or quotas.db), counts with
 * lib/repair/quota_count.c, tells what differs and has it written
 * (dbrebuild_quota_files.c).
 */
#include "dbrebuild_quota.h"

#include <stdlib.h>

#include "names.h"
#include "quotas.h"
#include "select.h"

static cyre_status count_mailbox(
	struct cyre_dbrebuild *d, size_t job, const struct cyre_dir_facts *f)
{
	const struct cyre_run *r = &d->run;
	const struct cyre_candidate *c = &r->candidates[job];
	struct cyre_quota_use u = {
		.name = cyre_slice_str(c->name ? c->name : ""),
		.root = f->quotaroot,
		.root_known = f->quotaroot_known && !c->absent,
		.used_known = f->index_version > 0,
		.used = {[CYRE_QUOTA_STORAGE] = f->quota_used,
			[CYRE_QUOTA_MESSAGES] = f->exists,
			[CYRE_QUOTA_ANNOTATION] = f->annot_used,
			[CYRE_QUOTA_FOLDERS] = 1},
	};

	cyre_status st;

	/* The server does not know it, though it knows others. */
	if (cyre_run_list_is_whole(r) && !c->listed)
		return CYRE_OK;
	st = cyre_select_match(&d->o->scan.select, r->conf, u.name,
		cyre_slice_str(c->userid ? c->userid : ""),
		r->conf->partitions[c->mailbox->partition].name, &d->scratch,
		&u.wanted);
	return st == CYRE_OK ? cyre_quota_count_mailbox(d->quota, &u) : st;
}

/* ---- what is stored ---- */

static size_t count_readable(const struct cyre_db *db)
{
	size_t i, n = 0;
	struct cyre_quota q;

	for (i = 0; i < cyre_db_count(db); i++)
		n += cyre_quota_read(cyre_db_at(db, i)->value, &q);
	return n;
}

/* Of several records of a root the database itself tells the best. */
enum pass { SURE, BEST, REST };

static bool is_in(const struct cyre_quota_run *q, const struct cyre_db *db,
	const struct cyre_db_entry *e, enum pass pass)
{
	if (pass == SURE)
		return e->trust == CYRE_DB_INTACT ||
		       (e->trust == CYRE_DB_REPLAYED && !q->gaps);
	return (cyre_db_find(db, e->key) == e) == (pass == BEST);
}

static cyre_status take_entries(struct cyre_quota_run *q,
	const struct cyre_db *db, const char *root, enum pass pass)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < cyre_db_count(db) && st == CYRE_OK; i++) {
		const struct cyre_db_entry *e = cyre_db_at(db, i);
		struct cyre_slice key = root ? cyre_slice_str(root) : e->key;

		q->list |= cyre_quota_is_list(e->value);
		if (!is_in(q, db, e, pass))
			continue;
		st = pass == SURE ? cyre_quota_count_stored(
					    q->d->quota, key, e->value)
				  : cyre_quota_count_copy(
					    q->d->quota, key, e->value);
	}
	return st;
}

/* The one file of all roots, which may be damaged as a whole. */
static cyre_status load(struct cyre_quota_run *q, struct cyre_slice bytes,
	const struct cyre_server_file *f, struct cyre_db **ret)
{
	struct cyre_dbrebuild *d = q->d;
	struct cyre_findings found = {.keep = 1};
	enum cyre_severity worst;
	cyre_status st = cyre_run_load(
		&d->run, f, bytes, d->run.rules.limit, &found, ret);

	if (f->copy == CYRE_COPY_LIVE && cyre_findings_worst(&found, &worst))
		q->damaged |= worst > CYRE_SEV_STALE ||
			      (d->ask.stale && worst == CYRE_SEV_STALE);
	if (st == CYRE_EFORMAT) {
		q->damaged |= f->copy == CYRE_COPY_LIVE;
		st = cyre_dbrebuild_guess(bytes, count_readable, ret);
		if (st == CYRE_OK && !*ret)
			st = CYRE_EFORMAT;
	}
	q->damaged &= !d->ask.leave_damaged;
	if (f->copy == CYRE_COPY_LIVE)
		q->gaps = st != CYRE_OK || !cyre_dbrebuild_is_complete(&found);
	/* A file without a byte may be of any format. */
	if (st == CYRE_OK && f->copy == CYRE_COPY_LIVE &&
		(bytes.n || q->as.format == CYRE_DB_NONE)) {
		const struct cyre_db_info *info = cyre_db_info(*ret);

		q->as.format = info->format;
		q->as.order = info->order;
		q->as.generation = info->generation + 1;
		q->as.padded = info->padded;
	}
	cyre_findings_free(&found);
	return st;
}

/* A file that cannot be read still says that there is such a root. */
static cyre_status take_file(
	struct cyre_quota_run *q, const struct cyre_server_file *f, bool copy)
{
	struct cyre_dbrebuild *d = q->d;
	struct cyre_buf bytes = {.limit = d->run.rules.limit};
	struct cyre_db *db = NULL;
	enum cyre_kind kind;
	cyre_status st;

	st = cyre_confdir_read(f, &d->opener, &bytes, &kind, NULL);
	if (st == CYRE_OK && f->owner)
		st = cyre_db_open(cyre_buf_slice(&bytes), NULL, &db);
	else if (st == CYRE_OK)
		st = load(q, cyre_buf_slice(&bytes), f, &db);
	if (st == CYRE_OK && db) {
		if (!copy)
			st = take_entries(q, db, f->owner, SURE);
		if (st == CYRE_OK)
			st = take_entries(q, db, f->owner, BEST);
		if (st == CYRE_OK)
			st = take_entries(q, db, f->owner, REST);
		cyre_db_free(db);
	} else if (st != CYRE_ENOMEM && copy) {
		st = CYRE_OK;
	} else if (st != CYRE_ENOMEM && f->owner) {
		st = cyre_quota_count_stored(d->quota, cyre_slice_str(f->owner),
			cyre_slice(NULL, 0));
	} else if (st != CYRE_ENOMEM) {
		d->result.skipped = true;
		st = CYRE_OK;
	}
	cyre_buf_free(&bytes);
	return st;
}

/* One of two passes: what is in use, then everything else. */
static cyre_status take_all(struct cyre_quota_run *q, bool copies)
{
	static const enum cyre_server_kind kinds[] = {
		CYRE_SERVER_QUOTAS, CYRE_SERVER_QUOTA};
	const struct cyre_server_file *f;
	cyre_status st = CYRE_OK;
	size_t i, k, n;

	for (k = 0; k < 2; k++) {
		f = cyre_confdir_all(q->d->run.confdir, kinds[k], &n);
		for (i = 0; i < n && st == CYRE_OK; i++) {
			bool used = f[i].copy == CYRE_COPY_LIVE &&
				    !f[i].misplaced && q->one_file == (k == 0);

			if (used != copies)
				st = take_file(q, &f[i], copies);
		}
	}
	return st;
}

static cyre_status take_stored(struct cyre_quota_run *q)
{
	cyre_status st;

	q->as.format = cyre_quotas_format(&q->d->run);
	q->as.order = cyre_db_usual_order(q->as.format);
	q->one_file = q->as.format != CYRE_DB_QUOTALEGACY;
	st = take_all(q, false);
	return st == CYRE_OK ? take_all(q, true) : st;
}

/* ---- the plan ---- */

static const char *why(const struct cyre_quota_root *r)
{
	if (r->action == CYRE_QUOTA_PARTIAL)
		return "the header or index of one of its mailboxes cannot be "
		       "believed; run cyrrebuild first";
	if (r->action == CYRE_QUOTA_DOUBTFUL)
		return "its record is lost or damaged: the limit is that of a "
		       "doubtful one, or of a copy; look at it";
	if (r->action == CYRE_QUOTA_ADDED && r->stored)
		return "what was stored cannot be read: its limit is lost";
	if (r->action == CYRE_QUOTA_ADDED)
		return "headers name it and the database does not: without a "
		       "limit";
	return NULL;
}

static cyre_status tell_root(
	const struct cyre_quota_run *q, const struct cyre_quota_root *r)
{
	struct cyre_buf after = {0};
	struct cyre_dbreport_field field = {
		.name = "usage", .origin = "cyrus.index", .before = r->value};
	struct cyre_dbreport_change c = {
		.database = "quota",
		.action = cyre_quota_action_name(r->action),
		.name = r->root,
		.why = why(r),
		.fields = &field,
		.n_fields = cyre_quota_is_written(r),
		.trivial = r->action == CYRE_QUOTA_KEPT,
	};
	cyre_status st;

	cyre_quota_put(&after, &r->after,
		r->readable ? cyre_quota_is_list(r->value) : q->list);
	field.after = cyre_buf_slice(&after);
	st = after.bad ? CYRE_ENOMEM : cyre_dbreport_change(&q->d->o->out, &c);
	cyre_buf_free(&after);
	return st;
}

static bool is_asked(
	const struct cyre_dbrebuild *d, const struct cyre_quota_root *r)
{
	if (r->action == CYRE_QUOTA_CHANGED)
		return !d->ask.leave_usage;
	if (r->action == CYRE_QUOTA_ADDED && r->stored)
		return !d->ask.leave_unreadable;
	return r->action == CYRE_QUOTA_KEPT || !d->ask.leave_roots;
}

/* One that is not asked for stays as it is: neither it nor a mailbox of it is
 * selected. */
static cyre_status choose(struct cyre_quota_run *q, struct cyre_quota_root *r)
{
	struct cyre_run *run = &q->d->run;
	struct cyre_buf user = {0}, scratch = {0};
	cyre_status st;
	bool yes;

	cyre_name_userid(run->conf, r->root, &user);
	st = cyre_select_match(&q->d->o->scan.select, run->conf, r->root,
		cyre_buf_slice(&user), "", &scratch, &yes);
	if (st == CYRE_OK && (!(yes || r->wanted) || !is_asked(q->d, r)))
		r->action = CYRE_QUOTA_KEPT;
	q->counts[r->action]++;
	cyre_buf_free(&user);
	cyre_buf_free(&scratch);
	return st;
}

static cyre_status tell_sum(const struct cyre_quota_run *q, const char *state)
{
	struct cyre_dbreport_sum s = {
		.database = "quota",
		.path = q->d->run.conf->configdirectory,
		.state = state,
	};
	int i;

	for (i = 0; i < CYRE_QUOTA_ACTIONS; i++) {
		s.actions[i] =
			cyre_quota_action_name((enum cyre_quota_action)i);
		s.counts[i] = q->counts[i];
	}
	return cyre_dbreport_sum(&q->d->o->out, &s);
}

static cyre_status run_quota(struct cyre_quota_run *q)
{
	struct cyre_dbrebuild *d = q->d;
	struct cyre_quota_root *const *roots;
	const char *state = "unchanged";
	cyre_status st;
	size_t i, n;

	st = cyre_quota_count_new(&d->quota);
	if (st == CYRE_OK)
		st = take_stored(q);
	if (st == CYRE_OK &&
		(d->run.not_all || d->run.catalog->found
					   .count[CYRE_P_DIRECTORY_UNREADABLE]))
		cyre_quota_count_not_all(d->quota);
	if (st == CYRE_OK)
		st = cyre_dbrebuild_facts(d, count_mailbox);
	q->list |= d->seen_form != CYRE_MBOX_TEXT;
	if (st == CYRE_OK)
		st = cyre_quota_count_finish(d->quota, q->list, &roots, &n);
	for (i = 0; st == CYRE_OK && i < n; i++) {
		st = choose(q, roots[i]);
		if (st == CYRE_OK)
			st = tell_root(q, roots[i]);
	}
	if (st != CYRE_OK)
		return st;
	d->result.left = q->counts[CYRE_QUOTA_PARTIAL] ||
			 q->counts[CYRE_QUOTA_ADDED] ||
			 q->counts[CYRE_QUOTA_DOUBTFUL];
	if (q->counts[CYRE_QUOTA_CHANGED] + q->counts[CYRE_QUOTA_ADDED] +
			q->counts[CYRE_QUOTA_DOUBTFUL] ||
		q->damaged) {
		state = d->o->apply ? "written" : "planned";
		d->result.planned = !d->o->apply;
		if (d->o->apply)
			st = cyre_quota_write(q, roots, n);
	}
	if (st == CYRE_OK && d->o->apply)
		st = cyre_quota_sweep(q, roots, n);
	return st == CYRE_OK ? tell_sum(q, state) : st;
}

cyre_status cyre_dbrebuild_quota(struct cyre_run *r)
{
	struct cyre_quota_run q = {.d = (struct cyre_dbrebuild *)r};
	cyre_status st = run_quota(&q);
	size_t i;

	for (i = 0; i < q.n; i++)
		cyre_db_target_free(&q.targets[i]);
	free(q.targets);
	return st;
}
