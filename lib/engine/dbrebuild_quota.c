/*
 * dbrebuild_quota.c - the quota database counted again
 *
 * Reads every root as it is stored (a file each, or quotas.db), counts with
 * lib/repair/quota_count.c, and writes those that differ: a file each where the
 * server has it so, else quotas.db as a whole.
 */
#include "dbrebuild.h"

#include <stdlib.h>

#include "layout.h"
#include "names.h"
#include "select.h"

struct quota_run {
	struct cyre_dbrebuild *d;
	struct cyre_db_target *targets; /* of files that are new */
	size_t n, cap;
	bool one_file; /* quotas.db */
	bool list;     /* new roots as 2.5 and later write them */
	uint64_t counts[CYRE_QUOTA_ACTIONS];
};

static cyre_status count_mailbox(
	struct cyre_dbrebuild *d, size_t job, const struct cyre_dir_facts *f)
{
	const struct cyre_candidate *c = &d->run.candidates[job];
	struct cyre_quota_use u = {
		.name = cyre_slice_str(c->name ? c->name : ""),
		.root = f->quotaroot,
		.root_known = f->quotaroot_known,
		.used_known = f->index_version > 0,
		.used = {[CYRE_QUOTA_STORAGE] = f->quota_used,
			[CYRE_QUOTA_MESSAGES] = f->exists,
			[CYRE_QUOTA_ANNOTATION] = f->annot_used,
			[CYRE_QUOTA_FOLDERS] = 1},
	};

	return cyre_quota_count_mailbox(d->quota, &u);
}

/* ---- what is stored ---- */

static cyre_status take_entries(
	struct quota_run *q, const struct cyre_db *db, const char *root)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < cyre_db_count(db) && st == CYRE_OK; i++) {
		const struct cyre_db_entry *e = cyre_db_at(db, i);

		if (e->trust > CYRE_DB_REPLAYED)
			continue;
		q->list |= cyre_slice_starts(e->value, cyre_slice_str("%("));
		st = cyre_quota_count_stored(q->d->quota,
			root ? cyre_slice_str(root) : e->key, e->value);
	}
	return st;
}

/* A file that cannot be read still says that there is such a root. */
static cyre_status take_file(
	struct quota_run *q, const struct cyre_server_file *f)
{
	struct cyre_dbrebuild *d = q->d;
	struct cyre_buf bytes = {.limit = d->run.rules.limit};
	struct cyre_db *db;
	enum cyre_kind kind;
	cyre_status st;

	st = cyre_confdir_read(f, &d->opener, &bytes, &kind, NULL);
	if (st == CYRE_OK)
		st = cyre_db_open(cyre_buf_slice(&bytes), NULL, &db);
	if (st == CYRE_OK) {
		st = take_entries(q, db, f->owner);
		cyre_db_free(db);
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

static cyre_status take_stored(struct quota_run *q)
{
	static const enum cyre_server_kind kinds[] = {
		CYRE_SERVER_QUOTAS, CYRE_SERVER_QUOTA};
	const struct cyre_server_file *f;
	cyre_status st = CYRE_OK;
	size_t i, k, n;

	for (k = 0; k < 2; k++) {
		f = cyre_confdir_all(q->d->run.confdir, kinds[k], &n);
		for (i = 0; i < n && st == CYRE_OK; i++) {
			if (f[i].copy != CYRE_COPY_LIVE)
				continue;
			q->one_file |= k == 0;
			st = take_file(q, &f[i]);
		}
	}
	return st;
}

/* ---- the files ---- */

static const struct cyre_server_file *live(const struct cyre_dbrebuild *d,
	enum cyre_server_kind k, const char *who)
{
	const struct cyre_server_file *f;
	size_t n;

	f = cyre_confdir_find(d->run.confdir, k, who, &n);
	return f && f->copy == CYRE_COPY_LIVE ? f : NULL;
}

static struct cyre_db_target *add_target(struct quota_run *q)
{
	size_t cap = q->cap ? q->cap * 2 : 16;
	struct cyre_db_target *grown;

	if (q->n == q->cap) {
		grown = reallocarray(q->targets, cap, sizeof(*grown));
		if (!grown)
			return NULL;
		q->targets = grown;
		q->cap = cap;
	}
	q->targets[q->n] = (struct cyre_db_target){.dir = NULL};
	return &q->targets[q->n++];
}

/* Where a root's own file is to be: below the configdirectory. */
static cyre_status place_new(
	struct quota_run *q, const char *root, struct cyre_db_target *t)
{
	struct cyre_run *r = &q->d->run;
	struct cyre_buf path = {0}, below = {0};
	cyre_status st = CYRE_OK;

	cyre_put_fmt(&path, "%s/quota", r->conf->configdirectory);
	cyre_put_u8(&path, '\0');
	if (!cyre_layout_quota_file(
		    &r->catalog->layout, cyre_slice_str(root), &below))
		st = CYRE_EUSAGE;
	cyre_put_u8(&below, '\0');
	if (path.bad || below.bad)
		st = CYRE_ENOMEM;
	/* The configdirectory, as if `quota` were a file in it. */
	if (st == CYRE_OK)
		st = cyre_db_target_open(q->d, NULL, (const char *)path.p, t);
	if (st == CYRE_OK)
		st = cyre_db_target_name(t, (const char *)below.p);
	cyre_buf_free(&path);
	cyre_buf_free(&below);
	return st;
}

/* `USED LF LIMIT LF`, or the list and LF. */
static cyre_status fill(
	struct cyre_db_target *t, const struct cyre_quota *now, bool list)
{
	struct cyre_buf b = {0};
	uint8_t *blank;

	cyre_quota_put(&b, now, list);
	if (!b.bad && !list) {
		blank = memchr(b.p, ' ', b.n);
		*blank = '\n';
	}
	cyre_put_u8(&b, '\n');
	if (b.bad) {
		cyre_buf_free(&b);
		return CYRE_ENOMEM;
	}
	t->after = cyre_buf_slice(&b);
	return CYRE_OK;
}

static cyre_status write_root(
	struct quota_run *q, const struct cyre_quota_root *r)
{
	struct cyre_db_target *t = add_target(q);
	const struct cyre_server_file *f;
	cyre_status st;
	char *root;

	root = strndup((const char *)r->root.p, r->root.n);
	if (!t || !root) {
		free(root);
		return CYRE_ENOMEM;
	}
	f = live(q->d, CYRE_SERVER_QUOTA, root);
	st = f ? cyre_db_target_open(q->d, f, f->path, t)
	       : place_new(q, root, t);
	if (st == CYRE_OK)
		st = fill(t, &r->after,
			r->readable ? cyre_slice_starts(
					      r->value, cyre_slice_str("%("))
				    : q->list);
	free(root);
	return st;
}

static bool is_written(const struct cyre_quota_root *r)
{
	return r->action == CYRE_QUOTA_CHANGED || r->action == CYRE_QUOTA_ADDED;
}

static cyre_status write_one_file(
	struct quota_run *q, struct cyre_quota_root *const *roots, size_t n)
{
	struct cyre_db_entry *v = calloc(n + 1, sizeof(*v));
	struct cyre_buf *values = calloc(n + 1, sizeof(*values));
	const struct cyre_server_file *f = live(q->d, CYRE_SERVER_QUOTAS, NULL);
	struct cyre_db_target *t = add_target(q);
	struct cyre_db_write_options o = {.time = (uint32_t)q->d->run.o->now};
	struct cyre_db *db = NULL;
	cyre_status st = v && values && t ? CYRE_OK : CYRE_ENOMEM;
	size_t i;

	if (st == CYRE_OK)
		st = cyre_db_target_open(q->d, f, f->path, t);
	if (st == CYRE_OK)
		st = cyre_db_open(cyre_buf_slice(&t->bytes), NULL, &db);
	for (i = 0; i < n && st == CYRE_OK; i++) {
		bool list = roots[i]->readable
				    ? cyre_slice_starts(roots[i]->value,
					      cyre_slice_str("%("))
				    : q->list;

		v[i] = (struct cyre_db_entry){
			.key = roots[i]->root, .value = roots[i]->value};
		if (!is_written(roots[i]))
			continue;
		cyre_quota_put(&values[i], &roots[i]->after, list);
		st = values[i].bad ? CYRE_ENOMEM : CYRE_OK;
		v[i].value = cyre_buf_slice(&values[i]);
	}
	if (st == CYRE_OK) {
		o.format = cyre_db_info(db)->format;
		o.order = cyre_db_info(db)->order;
		o.generation = cyre_db_info(db)->generation + 1;
		st = cyre_db_target_make(q->d, t, &o, v, n);
	}
	for (i = 0; values && i < n; i++)
		cyre_buf_free(&values[i]);
	cyre_db_free(db);
	free(values);
	free(v);
	return st;
}

/* What a killed run left beside a file that is right now. */
static cyre_status sweep_root(
	struct quota_run *q, const struct cyre_quota_root *r)
{
	const struct cyre_server_file *f;
	struct cyre_db_target t;
	cyre_status st;
	char *root;

	root = strndup((const char *)r->root.p, r->root.n);
	if (!root)
		return CYRE_ENOMEM;
	f = live(q->d, q->one_file ? CYRE_SERVER_QUOTAS : CYRE_SERVER_QUOTA,
		q->one_file ? NULL : root);
	free(root);
	if (!f)
		return CYRE_OK;
	st = cyre_db_target_open(q->d, f, f->path, &t);
	if (st == CYRE_OK)
		st = cyre_db_target_sweep(q->d, &t);
	else if (st != CYRE_ENOMEM)
		st = CYRE_OK; /* no file stands there: nor did ours */
	cyre_db_target_free(&t);
	return st;
}

static cyre_status sweep_all(
	struct quota_run *q, struct cyre_quota_root *const *roots, size_t n)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < n && st == CYRE_OK; i++) {
		if (is_written(roots[i]))
			continue;
		st = sweep_root(q, roots[i]);
		if (q->one_file)
			break;
	}
	return st;
}

static cyre_status write_all(
	struct quota_run *q, struct cyre_quota_root *const *roots, size_t n)
{
	cyre_status st = CYRE_OK;
	size_t i;

	if (q->one_file)
		st = write_one_file(q, roots, n);
	for (i = 0; !q->one_file && i < n && st == CYRE_OK; i++)
		if (is_written(roots[i]))
			st = write_root(q, roots[i]);
	return st == CYRE_OK
		       ? cyre_dbrebuild_apply(q->d, "quota", q->targets, q->n)
		       : st;
}

/* ---- the plan ---- */

static const char *why(const struct cyre_quota_root *r)
{
	if (r->action == CYRE_QUOTA_PARTIAL)
		return "the header or index of one of its mailboxes cannot be "
		       "believed; run cyrrebuild first";
	if (r->action == CYRE_QUOTA_ADDED && r->value.n)
		return "what was stored cannot be read: its limit is lost";
	if (r->action == CYRE_QUOTA_ADDED)
		return "headers name it and the database does not: without a "
		       "limit";
	return NULL;
}

static cyre_status tell_root(
	const struct quota_run *q, const struct cyre_quota_root *r)
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
		.n_fields = is_written(r),
		.trivial = r->action == CYRE_QUOTA_KEPT,
	};
	cyre_status st;

	cyre_quota_put(&after, &r->after,
		r->readable ? cyre_slice_starts(r->value, cyre_slice_str("%("))
			    : q->list);
	field.after = cyre_buf_slice(&after);
	st = after.bad ? CYRE_ENOMEM : cyre_dbreport_change(&q->d->o->out, &c);
	cyre_buf_free(&after);
	return st;
}

/* One that is not asked for stays as it is. */
static cyre_status choose(struct quota_run *q, struct cyre_quota_root *r)
{
	struct cyre_run *run = &q->d->run;
	struct cyre_buf user = {0}, scratch = {0};
	cyre_status st;
	bool yes;

	cyre_name_userid(run->conf, r->root, &user);
	st = cyre_select_match(&q->d->o->scan.select, run->conf, r->root,
		cyre_buf_slice(&user), "", &scratch, &yes);
	if (st == CYRE_OK && !yes)
		r->action = CYRE_QUOTA_KEPT;
	q->counts[r->action]++;
	cyre_buf_free(&user);
	cyre_buf_free(&scratch);
	return st;
}

static cyre_status tell_sum(const struct quota_run *q, const char *state)
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

static cyre_status run_quota(struct quota_run *q)
{
	struct cyre_dbrebuild *d = q->d;
	struct cyre_quota_root *const *roots;
	const char *state = "unchanged";
	cyre_status st;
	size_t i, n;

	st = cyre_quota_count_new(&d->quota);
	if (st == CYRE_OK)
		st = take_stored(q);
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
	d->result.left =
		q->counts[CYRE_QUOTA_PARTIAL] || q->counts[CYRE_QUOTA_ADDED];
	if (q->counts[CYRE_QUOTA_CHANGED] + q->counts[CYRE_QUOTA_ADDED]) {
		state = d->o->apply ? "written" : "planned";
		d->result.planned = !d->o->apply;
		if (d->o->apply)
			st = write_all(q, roots, n);
	}
	if (st == CYRE_OK && d->o->apply)
		st = sweep_all(q, roots, n);
	return st == CYRE_OK ? tell_sum(q, state) : st;
}

cyre_status cyre_dbrebuild_quota(struct cyre_run *r)
{
	struct quota_run q = {.d = (struct cyre_dbrebuild *)r};
	cyre_status st = run_quota(&q);
	size_t i;

	for (i = 0; i < q.n; i++)
		cyre_db_target_free(&q.targets[i]);
	free(q.targets);
	return st;
}
