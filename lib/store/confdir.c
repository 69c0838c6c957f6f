/*
 * confdir.c - the walk of confdir.h. Format: docs/formats/layout.md section 2.
 *
 * Lists the directories that can hold a file we have a word for, and sorts the
 * names out; proc, socket, log, lock … are not walked into. Opens no file.
 */
#include "confdir_walk.h"

#include <stdlib.h>
#include <unistd.h>

#include "grow.h"

#define OWN_PREFIX ".cyrescue-" /* of temporary files: lib/io/replace.h */

static const struct cyre_confdir_pattern patterns[] = {
	{{"user", "?", "*"}, CYRE_CONFDIR_USER, CYRE_COPY_LIVE},
	{{"user", "uuid", "?", "?", "*", "*"}, CYRE_CONFDIR_ID, CYRE_COPY_LIVE},
	{{"quota", "?", "*"}, CYRE_CONFDIR_QUOTA, CYRE_COPY_LIVE},
	{{"domain", "?", "*", "user", "?", "*"}, CYRE_CONFDIR_USER,
		CYRE_COPY_LIVE},
	{{"domain", "?", "*", "quota", "?", "*"}, CYRE_CONFDIR_QUOTA,
		CYRE_COPY_LIVE},
	{{"domain", "?", "*", "quota", "root"}, CYRE_CONFDIR_QUOTA,
		CYRE_COPY_LIVE},
	{{"domain", "?", "*", "*"}, CYRE_CONFDIR_SERVER, CYRE_COPY_LIVE},
	{{"db.backup1", "*"}, CYRE_CONFDIR_SERVER, CYRE_COPY_BACKUP1},
	{{"db.backup2", "*"}, CYRE_CONFDIR_SERVER, CYRE_COPY_BACKUP2},
	{{"backup", "*"}, CYRE_CONFDIR_DUMP, CYRE_COPY_DUMP},
	{{"*"}, CYRE_CONFDIR_SERVER, CYRE_COPY_LIVE},
};

void cyre_confdir_complain(struct cyre_confdir *c, enum cyre_problem problem,
	const char *path, const char *what)
{
	struct cyre_buf b = {0};

	if (*path != '/')
		cyre_put_fmt(&b, "%s%s", c->path, *path ? "/" : "");
	cyre_put_fmt(&b, "%s: %s", path, what);
	cyre_put_u8(&b, 0);
	CYRE_FIND(&c->found, .problem = problem, .file = CYRE_FILE_DIRECTORY,
		.text = b.bad ? path : (const char *)b.p);
	cyre_buf_free(&b);
}

cyre_status cyre_confdir_append(
	struct cyre_confdir *c, struct cyre_server_file f)
{
	struct cyre_server_file *files;

	files = cyre_grow(c->files, c->n, &c->cap, sizeof(*c->files));
	if (!files)
		return CYRE_ENOMEM;
	c->files = files;
	c->files[c->n++] = f;
	return CYRE_OK;
}

cyre_status cyre_confdir_add(struct cyre_confdir_walk *w,
	const struct cyre_confdir_pattern *pat, const char *path,
	enum cyre_kind kind)
{
	struct cyre_server_file f = {.is = kind, .dirfd = w->dirfd};
	struct cyre_buf owner = {0};
	cyre_status st = CYRE_OK;
	struct cyre_confdir_path p;

	cyre_confdir_split(path, &p);
	if (!cyre_confdir_read_place(&p, pat, &f, &owner)) {
		cyre_buf_free(&owner);
		return CYRE_OK;
	}
	if (owner.n) {
		cyre_put_u8(&owner, 0);
		f.owner = (char *)owner.p;
	}
	f.path = strdup(path);
	f.name = f.path;
	st = owner.bad || !f.path ? CYRE_ENOMEM : cyre_confdir_append(w->c, f);
	if (st != CYRE_OK) {
		cyre_buf_free(&owner);
		free(f.path);
	}
	return st;
}

/* ---- the walk ---- */

static cyre_status add_entry(
	void *payload, const char *name, enum cyre_kind kind)
{
	struct cyre_confdir_entries *e = payload;
	struct cyre_confdir_entry *items;

	/* What a killed run left beside its target is no quota root and no
	 * user's. */
	if (!strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX)))
		return CYRE_OK;
	items = cyre_grow(e->items, e->n, &e->cap, sizeof(*e->items));
	if (!items)
		return CYRE_ENOMEM;
	e->items = items;
	e->items[e->n].name = strdup(name);
	e->items[e->n].kind = kind;
	if (!e->items[e->n].name)
		return CYRE_ENOMEM;
	e->n++;
	return CYRE_OK;
}

static bool matches(const struct cyre_confdir_pattern *pat,
	const struct cyre_confdir_path *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		const char *c = i < CYRE_CONFDIR_DEPTH ? pat->c[i] : NULL;

		if (!c || (strcmp(c, "?") == 0 && p->c[i].n != 1) ||
			(strcmp(c, "?") != 0 && strcmp(c, "*") != 0 &&
				!cyre_slice_eq(p->c[i], cyre_slice_str(c))))
			return false;
	}
	return true;
}

static bool ends_at(const struct cyre_confdir_pattern *pat, size_t n)
{
	return n == CYRE_CONFDIR_DEPTH || !pat->c[n];
}

static cyre_status walk_dir(struct cyre_confdir_walk *w, const char *dir);

static cyre_status look_at(
	struct cyre_confdir_walk *w, const char *path, enum cyre_kind kind)
{
	cyre_status st = CYRE_OK;
	bool leads = false;
	struct cyre_confdir_path p;
	size_t i;

	cyre_confdir_split(path, &p);
	for (i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		const struct cyre_confdir_pattern *pat = &patterns[i];

		if (st != CYRE_OK || !matches(pat, &p) ||
			(w->quotas_only && pat->rule != CYRE_CONFDIR_QUOTA))
			continue;
		if (!ends_at(pat, p.n))
			leads = true;
		else if (!leads)
			st = cyre_confdir_add(w, pat, path, kind);
	}
	if (st != CYRE_OK || !leads)
		return st;
	if (kind == CYRE_KIND_DIRECTORY)
		return walk_dir(w, path);
	if (kind != CYRE_KIND_FILE)
		cyre_confdir_complain(
			w->c, CYRE_P_NOT_REGULAR, path, cyre_kind_name(kind));
	return CYRE_OK;
}

cyre_status cyre_confdir_list(struct cyre_confdir_walk *w, const char *path,
	struct cyre_confdir_entries *ret)
{
	struct cyre_error err = {0};
	cyre_status st;
	int fd;

	st = cyre_dir_open(&w->opener, w->dirfd, path, &fd, &err);
	if (st == CYRE_OK)
		st = cyre_dir_list(fd, add_entry, ret, &err);
	if (st != CYRE_EIO)
		return st;
	cyre_confdir_complain(
		w->c, CYRE_P_DIRECTORY_UNREADABLE, path, strerror(err.errnum));
	return CYRE_OK;
}

static cyre_status walk_dir(struct cyre_confdir_walk *w, const char *dir)
{
	struct cyre_confdir_entries all = {0};
	cyre_status st = cyre_confdir_list(w, dir, &all);
	char *path;
	size_t i;

	for (i = 0; i < all.n; i++) {
		path = st == CYRE_OK ? cyre_path_join(dir, all.items[i].name)
				     : NULL;
		if (path)
			st = look_at(w, path, all.items[i].kind);
		else if (st == CYRE_OK)
			st = CYRE_ENOMEM;
		free(path);
		free(all.items[i].name);
	}
	free(all.items);
	return st;
}

cyre_status cyre_confdir_walk_quotas(struct cyre_confdir_walk *w)
{
	cyre_status st;

	w->quotas_only = true;
	st = walk_dir(w, "");
	w->quotas_only = false;
	return st;
}

static cyre_status walk_all(struct cyre_confdir_walk *w,
	const struct cyre_conf *conf, const char *root)
{
	struct cyre_confdir *c = w->c;
	struct cyre_error err = {0};
	cyre_status st = CYRE_OK;

	c->path = conf->configdirectory;
	if (c->path && cyre_root_open(root, c->path, &c->fd, &err) != CYRE_OK) {
		c->errnum = err.errnum;
		cyre_confdir_complain(c, CYRE_P_DIRECTORY_UNREADABLE, "",
			strerror(err.errnum));
	}
	w->dirfd = c->fd;
	if (c->fd >= 0)
		st = walk_dir(w, "");
	if (st == CYRE_OK)
		st = cyre_confdir_mark_misplaced(c, cyre_layout_of(conf));
	if (st == CYRE_OK)
		st = cyre_confdir_add_configured(w, conf, root);
	if (st == CYRE_OK && c->fd >= 0)
		st = cyre_confdir_add_dumps(w, root);
	if (st != CYRE_OK)
		return st;
	cyre_confdir_sort(c);
	cyre_findings_sort(&c->found);
	return c->found.status;
}

cyre_status cyre_confdir_walk(const struct cyre_conf *conf, const char *root,
	struct cyre_confdir **ret)
{
	struct cyre_confdir_walk w = {.c = calloc(1, sizeof(*w.c))};
	cyre_status st;

	if (!w.c)
		return CYRE_ENOMEM;
	w.c->fd = -1;
	st = walk_all(&w, conf, root);
	if (st == CYRE_OK)
		*ret = w.c;
	else
		cyre_confdir_free(w.c);
	return st;
}

void cyre_confdir_free(struct cyre_confdir *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->n; i++) {
		free(c->files[i].owner);
		free(c->files[i].path);
	}
	for (i = 0; i < c->n_fds; i++)
		close(c->fds[i]);
	if (c->fd >= 0)
		close(c->fd);
	free(c->files);
	free(c->fds);
	cyre_findings_free(&c->found);
	free(c);
}
