/*
 * dbrebuild_quota_files.c - the files of a quota database that was counted again
 */
#include "dbrebuild_quota.h"

#include <stdlib.h>

#include "conf_load.h"
#include "grow.h"
#include "layout.h"

static const struct cyre_server_file *live(const struct cyre_dbrebuild *d,
	enum cyre_server_kind k, const char *who)
{
	const struct cyre_server_file *f;
	size_t n;

	f = cyre_confdir_find(d->run.confdir, k, who, &n);
	return f && f->copy == CYRE_COPY_LIVE ? f : NULL;
}

static struct cyre_db_target *add_target(struct cyre_quota_run *q)
{
	struct cyre_db_target *grown =
		cyre_grow(q->targets, q->n, &q->cap, sizeof(*q->targets));

	if (!grown)
		return NULL;
	q->targets = grown;
	q->targets[q->n] = (struct cyre_db_target){.dir = NULL};
	return &q->targets[q->n++];
}

/* Where a root's own file is to be: below the configdirectory, or the folder
 * that the option leads to. */
static cyre_status place_new(
	struct cyre_quota_run *q, const char *root, struct cyre_db_target *t)
{
	struct cyre_run *r = &q->d->run;
	const char *option = r->conf->quota_db_path;
	struct cyre_buf path = {0}, below = {0};
	cyre_status st = CYRE_OK;

	if (option)
		cyre_put_str(&path, option);
	else
		cyre_put_fmt(&path, "%s/quota", r->conf->configdirectory);
	cyre_put_u8(&path, '\0');
	if (!cyre_layout_quota_file(
		    &r->catalog->layout, cyre_slice_str(root), &below))
		st = CYRE_EUSAGE;
	cyre_put_u8(&below, '\0');
	if (path.bad || below.bad)
		st = CYRE_ENOMEM;
	/* Its folder, as if `quota` were a file in it. */
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
	struct cyre_quota_run *q, const struct cyre_quota_root *r)
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
			r->readable ? cyre_quota_is_list(r->value) : q->list);
	free(root);
	return st;
}

/* What the one file is to have of a root; false: nothing. */
static bool put_record(const struct cyre_quota_run *q,
	const struct cyre_quota_root *r, struct cyre_buf *own,
	struct cyre_db_entry *ret)
{
	ret->key = r->root;
	ret->value = r->value;
	if (!cyre_quota_is_written(r))
		return r->value.n && (!r->doubtful || q->damaged);
	cyre_quota_put(own, &r->after,
		r->readable ? cyre_quota_is_list(r->value) : q->list);
	ret->value = cyre_buf_slice(own);
	return true;
}

/* Where quotas.db is to be. */
static cyre_status open_missing(
	struct cyre_quota_run *q, struct cyre_db_target *t)
{
	const struct cyre_conf *conf = q->d->run.conf;
	struct cyre_buf path = {0};
	cyre_status st = CYRE_ENOMEM;

	if (conf->quota_db_path)
		cyre_put_str(&path, conf->quota_db_path);
	else
		cyre_put_fmt(&path, "%s/quotas.db", conf->configdirectory);
	cyre_put_u8(&path, '\0');
	if (!path.bad)
		st = cyre_db_target_open(q->d, NULL, (const char *)path.p, t);
	cyre_buf_free(&path);
	return st;
}

static cyre_status write_one_file(struct cyre_quota_run *q,
	struct cyre_quota_root *const *roots, size_t n)
{
	struct cyre_db_entry *v = calloc(n + 1, sizeof(*v));
	struct cyre_buf *values = calloc(n + 1, sizeof(*values));
	const struct cyre_server_file *f = live(q->d, CYRE_SERVER_QUOTAS, NULL);
	struct cyre_db_target *t = add_target(q);
	cyre_status st = v && values && t ? CYRE_OK : CYRE_ENOMEM;
	size_t i, kept = 0;

	q->as.time = (uint32_t)q->d->run.o->now;
	/* Not written by us; who has it reads twoskip as well. */
	if (q->as.format == CYRE_DB_TWOM)
		q->as.format = CYRE_DB_TWOSKIP;
	if (st == CYRE_OK)
		st = f ? cyre_db_target_open(q->d, f, f->path, t)
		       : open_missing(q, t);
	for (i = 0; i < n && st == CYRE_OK; i++) {
		kept += put_record(q, roots[i], &values[i], &v[kept]);
		st = values[i].bad ? CYRE_ENOMEM : CYRE_OK;
	}
	if (st == CYRE_OK)
		st = cyre_db_target_make(q->d, t, &q->as, v, kept);
	for (i = 0; values && i < n; i++)
		cyre_buf_free(&values[i]);
	free(values);
	free(v);
	return st;
}

/* What a killed run left beside a file that is right now. */
static cyre_status sweep_root(
	struct cyre_quota_run *q, const struct cyre_quota_root *r)
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

cyre_status cyre_quota_sweep(struct cyre_quota_run *q,
	struct cyre_quota_root *const *roots, size_t n)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < n && st == CYRE_OK; i++) {
		if (cyre_quota_is_written(roots[i]))
			continue;
		st = sweep_root(q, roots[i]);
		if (q->one_file)
			break;
	}
	return st;
}

cyre_status cyre_quota_write(struct cyre_quota_run *q,
	struct cyre_quota_root *const *roots, size_t n)
{
	cyre_status st = CYRE_OK;
	size_t i;

	if (q->one_file)
		st = write_one_file(q, roots, n);
	for (i = 0; !q->one_file && i < n && st == CYRE_OK; i++)
		if (cyre_quota_is_written(roots[i]))
			st = write_root(q, roots[i]);
	return st == CYRE_OK ? cyre_dbrebuild_apply(q->d, q->targets, q->n)
			     : st;
}
