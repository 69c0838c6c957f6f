/*
 * confdir_outside.c - files that imapd.conf has elsewhere than in the
 * configdirectory, and the dumps of Debian's daily job
 *
 * Behind the walk of confdir.c: a file in the usual place that no option leads
 * to is not the one in use.
 */
#include "confdir_walk.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "db.h"

/* The dump of Debian's daily job does not lie in its configdirectory. */
#define DEBIAN_CONFDIR "/var/lib/cyrus"
#define DEBIAN_DUMPS   "/var/backups"

static const struct cyre_confdir_pattern outside = {
	{"*"}, CYRE_CONFDIR_DUMP, CYRE_COPY_DUMP};

/* Opens a directory imapd.conf leads to; w->dirfd is -1 when it is not there. */
static cyre_status open_outside(
	struct cyre_confdir_walk *w, const char *root, const char *path)
{
	struct cyre_confdir *c = w->c;
	struct cyre_error err = {0};
	int *fds;

	w->dirfd = -1;
	fds = reallocarray(c->fds, c->n_fds + 1, sizeof(*fds));
	if (!fds)
		return CYRE_ENOMEM;
	c->fds = fds;
	if (cyre_root_open(root, path, &w->dirfd, &err) == CYRE_OK) {
		c->fds[c->n_fds++] = w->dirfd;
		return CYRE_OK;
	}
	w->dirfd = -1;
	if (err.errnum != ENOENT)
		cyre_confdir_complain(c, CYRE_P_DIRECTORY_UNREADABLE, path,
			strerror(err.errnum));
	return CYRE_OK;
}

/* Gives a file a path that says where it is: `dir`/its name. */
static cyre_status place_outside(struct cyre_server_file *f, const char *dir)
{
	char *path = cyre_path_join(dir, f->path);

	if (!path)
		return CYRE_ENOMEM;
	free(f->path);
	f->path = path;
	f->name = path + strlen(dir) + 1;
	return CYRE_OK;
}

static bool same_dir(int a, int b)
{
	struct stat sa, sb;

	return a >= 0 && b >= 0 && fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* The option names a file in the usual place: the walk has it. */
static bool has_file(const struct cyre_confdir_walk *w,
	enum cyre_server_kind kind, const char *name)
{
	const struct cyre_server_file *f = w->c->files;
	size_t i;

	if (!same_dir(w->dirfd, w->c->fd))
		return false;
	for (i = 0; i < w->c->n; i++)
		if (f[i].kind == kind && f[i].copy == CYRE_COPY_LIVE &&
			!strcmp(f[i].path, name))
			return true;
	return false;
}

/* The server does not look at a file in the usual place. */
static void leave_usual_place(
	struct cyre_confdir *c, enum cyre_server_kind kind)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->files[i].kind == kind &&
			c->files[i].copy == CYRE_COPY_LIVE)
			c->files[i].copy = CYRE_COPY_OLD;
}

/*
 * A file for each quota root: of quota_db_path the server takes the folder, and
 * has quota/ and domain/ there instead of in the configdirectory.
 */
static cyre_status add_quota_files(
	struct cyre_confdir_walk *w, const char *root, const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	struct cyre_confdir *c = w->c;
	size_t i = c->n;
	cyre_status st;
	char *dir;

	if (!slash || slash == path)
		return CYRE_OK;
	dir = strndup(path, (size_t)(slash - path));
	if (!dir)
		return CYRE_ENOMEM;
	st = open_outside(w, root, dir);
	if (st == CYRE_OK && !same_dir(w->dirfd, c->fd)) {
		leave_usual_place(c, CYRE_SERVER_QUOTA);
		if (w->dirfd >= 0)
			st = cyre_confdir_walk_quotas(w);
		for (; i < c->n && st == CYRE_OK; i++)
			st = place_outside(&c->files[i], dir);
	}
	free(dir);
	return st;
}

static cyre_status add_configured(struct cyre_confdir_walk *w, const char *root,
	enum cyre_server_kind kind, const char *path)
{
	struct cyre_server_file f = {.kind = kind};
	const char *slash = path ? strrchr(path, '/') : NULL;
	struct cyre_file_info info;
	struct cyre_error err;
	char *dir;
	cyre_status st;

	if (!slash || slash == path || !slash[1])
		return CYRE_OK;
	dir = strndup(path, (size_t)(slash - path));
	if (!dir)
		return CYRE_ENOMEM;
	st = open_outside(w, root, dir);
	if (st == CYRE_OK && has_file(w, kind, slash + 1))
		goto out;
	leave_usual_place(w->c, kind);
	if (st != CYRE_OK || w->dirfd < 0 ||
		cyre_file_stat(&w->opener, w->dirfd, slash + 1, &info, &err) !=
			CYRE_OK)
		goto out;
	f.is = info.kind;
	f.dirfd = w->dirfd;
	f.path = strdup(slash + 1);
	st = f.path ? cyre_confdir_append(w->c, f) : CYRE_ENOMEM;
	if (st == CYRE_OK)
		st = place_outside(&w->c->files[w->c->n - 1], dir);
	else
		free(f.path);
out:
	free(dir);
	return st;
}

cyre_status cyre_confdir_add_configured(struct cyre_confdir_walk *w,
	const struct cyre_conf *conf, const char *root)
{
	const bool quotas =
		cyre_db_format_of_option(conf->quota_db) != CYRE_DB_QUOTALEGACY;
	const struct {
		enum cyre_server_kind kind;
		const char *path;
	} paths[] = {
		{CYRE_SERVER_MAILBOXES, conf->mboxlist_db_path},
		{CYRE_SERVER_ANNOTATIONS, conf->annotation_db_path},
		{CYRE_SERVER_QUOTAS, quotas ? conf->quota_db_path : NULL},
		{CYRE_SERVER_DELIVER, conf->duplicate_db_path},
		{CYRE_SERVER_STATUSCACHE, conf->statuscache_db_path},
		{CYRE_SERVER_TLS, cyre_conf_get(conf, "tls_sessions_db_path")},
		{CYRE_SERVER_USER_DENY,
			cyre_conf_get(conf, "userdeny_db_path")},
	};
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(*paths) && st == CYRE_OK; i++)
		st = add_configured(w, root, paths[i].kind, paths[i].path);
	if (st == CYRE_OK && !quotas)
		st = add_quota_files(w, root, conf->quota_db_path);
	return st;
}

cyre_status cyre_confdir_add_dumps(
	struct cyre_confdir_walk *w, const char *root)
{
	struct cyre_confdir_entries all = {0};
	cyre_status st;
	size_t i, n;

	if (!w->c->path || strcmp(w->c->path, DEBIAN_CONFDIR) != 0)
		return CYRE_OK;
	st = open_outside(w, root, DEBIAN_DUMPS);
	if (st == CYRE_OK && w->dirfd >= 0)
		st = cyre_confdir_list(w, "", &all);
	for (i = 0; i < all.n; i++) {
		n = w->c->n;
		if (st == CYRE_OK)
			st = cyre_confdir_add(w, &outside, all.items[i].name,
				all.items[i].kind);
		if (st == CYRE_OK && w->c->n > n)
			st = place_outside(&w->c->files[n], DEBIAN_DUMPS);
		free(all.items[i].name);
	}
	free(all.items);
	return st;
}
