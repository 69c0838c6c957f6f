/*
 * quotas.c - see quotas.h. Format: docs/formats/user-databases.md section 7.
 *
 * The usage of a root is the sum over the index headers of the mailboxes whose
 * cyrus.header names it. It is wrong only when all of them were looked at.
 */
#include "quotas.h"

#include <stdio.h>
#include <stdlib.h>

#include "db.h"
#include "names.h"

void cyre_quotas_free(struct cyre_quotas *q)
{
	size_t i;

	for (i = 0; i < q->n; i++)
		free(q->roots[i].root);
	free(q->roots);
	cyre_findings_free(&q->found);
}

static int by_root(const void *va, const void *vb)
{
	const struct cyre_quota_sum *a = va, *b = vb;

	return strcmp(a->root, b->root);
}

static cyre_status add(struct cyre_quotas *q, struct cyre_quota_sum root)
{
	struct cyre_quota_sum *grown = q->roots;

	if (!root.root)
		return CYRE_ENOMEM;
	if (!(q->n & (q->n + 1))) /* 0, 1, 3, 7 …: full */
		grown = reallocarray(q->roots, 2 * q->n + 1, sizeof(*q->roots));
	if (!grown) {
		free(root.root);
		return CYRE_ENOMEM;
	}
	q->roots = grown;
	q->roots[q->n++] = root;
	return CYRE_OK;
}

static cyre_status load_files(struct cyre_run *r)
{
	const struct cyre_server_file *f;
	cyre_status st = CYRE_OK;
	size_t i, n;

	f = cyre_confdir_all(r->confdir, CYRE_SERVER_QUOTA, &n);
	for (i = 0; i < n && st == CYRE_OK; i++)
		if (f[i].copy == CYRE_COPY_LIVE && !f[i].misplaced)
			st = add(&r->quotas, (struct cyre_quota_sum){
						     .root = strdup(f[i].owner),
						     .file = &f[i]});
	return st;
}

static cyre_status load_database(
	struct cyre_run *r, const struct cyre_server_file *f)
{
	struct cyre_quotas *q = &r->quotas;
	const struct cyre_db_entry *e, *before = NULL;
	enum cyre_severity worst = CYRE_SEV_NOTE;
	struct cyre_quota_sum root;
	struct cyre_db *db;
	cyre_status st;
	size_t i;

	q->file = f;
	st = cyre_run_read_database(r, &r->workers[0], f, &q->found, &db);
	cyre_findings_worst(&q->found, &worst);
	q->whole = db && worst <= CYRE_SEV_STALE;
	if (st != CYRE_OK || !db)
		return st;
	st = cyre_db_check_values(db, CYRE_DB_KIND_QUOTA, &q->found);
	for (i = 0; i < cyre_db_count(db) && st == CYRE_OK; i++) {
		e = cyre_db_at(db, i);
		/* Of one key twice the surer stands first. */
		if (e->trust == CYRE_DB_UNCOMMITTED ||
			(before && cyre_slice_eq(before->key, e->key)))
			continue;
		before = e;
		root = (struct cyre_quota_sum){.file = f};
		root.read = cyre_quota_read(e->value, &root.says);
		root.root = strndup((const char *)e->key.p, e->key.n);
		st = add(q, root);
	}
	cyre_db_free(db);
	return st;
}

/* An old quota/ may lie beside a quotas.db, and the other way round: the option
 * says which is used, where both are there. */
const struct cyre_server_file *cyre_quotas_file(const struct cyre_run *r)
{
	const char *option = r->conf->quota_db;
	const struct cyre_server_file *f;
	size_t n, n_files;

	f = cyre_confdir_find(r->confdir, CYRE_SERVER_QUOTAS, NULL, &n);
	cyre_confdir_all(r->confdir, CYRE_SERVER_QUOTA, &n_files);
	return f && f->copy == CYRE_COPY_LIVE &&
			       (!n_files ||
				       (option && strcmp(option,
							  "quotalegacy") != 0))
		       ? f
		       : NULL;
}

/* A quotas.db that is gone is still the one the server looks for. */
enum cyre_db_format cyre_quotas_format(const struct cyre_run *r)
{
	enum cyre_db_format option =
		cyre_db_format_of_option(r->conf->quota_db);

	if (option != CYRE_DB_NONE && option != CYRE_DB_SQLITE &&
		option != CYRE_DB_QUOTALEGACY)
		return option;
	return cyre_quotas_file(r) ? CYRE_DB_NONE : CYRE_DB_QUOTALEGACY;
}

cyre_status cyre_quotas_load(struct cyre_run *r)
{
	const struct cyre_server_file *f;
	cyre_status st = CYRE_OK;

	if (!r->cross && !r->charges)
		return CYRE_OK;
	r->quotas.whole = true;
	f = cyre_quotas_file(r);
	if (f)
		st = load_database(r, f);
	else if (cyre_quotas_format(r) == CYRE_DB_QUOTALEGACY)
		st = load_files(r);
	if (st == CYRE_OK && r->quotas.n)
		qsort(r->quotas.roots, r->quotas.n, sizeof(*r->quotas.roots),
			by_root);
	return st;
}

static int root_and_slice(const void *va, const void *vb)
{
	const struct cyre_quota_sum *q = va;
	const struct cyre_slice *root = vb;

	return cyre_slice_compare(cyre_slice_str(q->root), *root);
}

struct cyre_quota_sum *cyre_quotas_find(
	const struct cyre_quotas *q, struct cyre_slice root)
{
	size_t i = cyre_seek(
		&root, q->roots, q->n, sizeof(*q->roots), root_and_slice);

	return i < q->n && !root_and_slice(&q->roots[i], &root) ? &q->roots[i]
								: NULL;
}

struct cyre_quota_sum *cyre_quotas_above(
	const struct cyre_quotas *q, struct cyre_slice mboxname)
{
	struct cyre_quota_sum *found;
	struct cyre_slice s = mboxname;

	/* user.ann.x, user.ann, user; behind a domain that of all of it. */
	for (; s.n; s.n--) {
		if (s.n < mboxname.n && s.p[s.n] != '.' && s.p[s.n - 1] != '!')
			continue;
		found = cyre_quotas_find(q, s);
		if (found)
			return found;
	}
	return NULL;
}

/* The server does not know it, though it knows others. */
static bool is_unknown(const struct cyre_run *r, const struct cyre_candidate *c)
{
	return r->mboxdb && !r->listless && !c->listed;
}

void cyre_quotas_check_root(const struct cyre_run *r,
	const struct cyre_candidate *c, const struct cyre_judgement *j,
	struct cyre_findings *found)
{
	const struct cyre_quotas *q = &r->quotas;
	struct cyre_slice named = j->header.quotaroot;
	const struct cyre_quota_sum *root, *above;
	char *text;

	if (!c->name || !j->header_read || !j->header.magic_ok ||
		r->confdir->fd < 0 || (r->cross && is_unknown(r, c)))
		return;
	root = named.n ? cyre_quotas_find(q, named) : NULL;
	if (named.n && !root) {
		if (!r->cross)
			return;
		text = strndup((const char *)named.p, named.n);
		CYRE_FIND(found, .problem = CYRE_P_QUOTAROOT_MISSING,
			.file = CYRE_FILE_HEADER, .text = text ? text : "");
		free(text);
		return;
	}
	above = cyre_quotas_above(q, cyre_slice_str(c->name));
	/* A deleted one is charged to nobody, or to whom it was. */
	if (above && above != root &&
		!cyre_name_is_deleted(
			r->conf, cyre_slice_str(c->name), NULL, NULL))
		CYRE_FIND(found, .problem = CYRE_P_QUOTAROOT_OTHER,
			.file = CYRE_FILE_HEADER, .text = above->root);
}

void cyre_quotas_note(const struct cyre_run *r, struct cyre_candidate *c,
	const struct cyre_judgement *j, const struct cyre_findings *found)
{
	enum cyre_severity worst = CYRE_SEV_NOTE;
	const struct cyre_quota_sum *root;

	c->counts = (struct cyre_counts){.root = -1};
	if (!r->cross || !j->header_read || !j->header.magic_ok ||
		!j->index_read)
		return;
	c->counts.known = true;
	c->counts.uidvalidity = j->index.h.uidvalidity;
	c->counts.version = j->index.layout->version;
	cyre_findings_worst(found, &worst);
	c->counts.sure = worst < CYRE_SEV_DAMAGE && !j->totals.broken &&
			 !j->index.uncommitted;
	/* One the server does not know is charged to nobody. */
	root = is_unknown(r, c)
		       ? NULL
		       : cyre_quotas_find(&r->quotas, j->header.quotaroot);
	if (!root)
		return;
	c->counts.root = root - r->quotas.roots;
	/* Counted, not taken from the header of the index: where that is
	 * wrong, it is told of there. */
	c->counts.of[CYRE_QUOTA_STORAGE] = j->totals.quota_used;
	c->counts.of[CYRE_QUOTA_MESSAGES] = j->totals.exists;
	c->counts.of[CYRE_QUOTA_ANNOTATION] = j->index.h.quota_annot_used;
	c->counts.of[CYRE_QUOTA_FOLDERS] = 1;
}

/* It may have been charged to any root above it. */
static void make_unsure(struct cyre_quotas *q, struct cyre_slice name)
{
	struct cyre_quota_sum *root;

	while ((root = cyre_quotas_above(q, name))) {
		root->unsure = true;
		name.n = strlen(root->root) - 1;
	}
}

void cyre_quotas_count(struct cyre_run *r)
{
	const struct cyre_select *s = &r->o->select;
	struct cyre_quotas *q = &r->quotas;
	struct cyre_quota_sum *root;
	size_t i;
	int k;

	q->counted = r->rules.metadata && !s->n_partitions && !s->n_users &&
		     !s->n_mailboxes && !s->n_patterns && s->shards <= 1 &&
		     !r->not_all &&
		     !r->catalog->found.count[CYRE_P_DIRECTORY_UNREADABLE];
	for (i = 0; i < r->n && q->counted; i++) {
		const struct cyre_candidate *c = &r->candidates[i];

		if (c->counts.sure && c->counts.root >= 0) {
			root = &q->roots[c->counts.root];
			for (k = 0; k < CYRE_QUOTA_RESOURCES; k++)
				root->counted[k] += c->counts.of[k];
			if (c->counts.version < root->version || !root->version)
				root->version = c->counts.version;
		} else if (!c->counts.sure && c->name) {
			make_unsure(q, cyre_slice_str(c->name));
		} else if (!c->name) {
			q->counted = false; /* whose it is, nobody knows */
		}
	}
}

/*
 * 2.5 and later count messages and folders too: those of an older server from
 * the upgrade on only, and 2.5 itself miscounts folders (errata.md).
 */
static bool is_miscounted(const struct cyre_quota_sum *root, int resource)
{
	return resource != CYRE_QUOTA_STORAGE &&
	       (root->version < 13 ||
		       (resource == CYRE_QUOTA_FOLDERS && root->version == 13));
}

void cyre_quotas_check(const struct cyre_quotas *q,
	const struct cyre_quota_sum *root, struct cyre_findings *found)
{
	static const char *const names[CYRE_QUOTA_RESOURCES] = {
		[CYRE_QUOTA_STORAGE] = "storage",
		[CYRE_QUOTA_MESSAGES] = "messages",
		[CYRE_QUOTA_ANNOTATION] = "annotation storage",
		[CYRE_QUOTA_FOLDERS] = "folders"};
	char text[600];
	int k;

	if (!q->counted || root->unsure || !root->read || root->says.scan)
		return;
	if (!root->counted[CYRE_QUOTA_FOLDERS]) {
		CYRE_FIND(found, .problem = CYRE_P_QUOTA_NO_MAILBOX,
			.file = CYRE_FILE_OTHER, .text = root->root);
		return;
	}
	for (k = 0; k < CYRE_QUOTA_RESOURCES; k++) {
		if (!root->says.has[k] ||
			root->says.used[k] == root->counted[k])
			continue;
		snprintf(
			text, sizeof(text), "%.500s, %s", root->root, names[k]);
		CYRE_FIND(found,
			.problem = is_miscounted(root, k)
					   ? CYRE_P_QUOTA_MISCOUNTED
					   : CYRE_P_QUOTA_USED,
			.file = CYRE_FILE_OTHER, .text = text,
			.expected = root->counted[k],
			.actual = root->says.used[k]);
	}
}
