/*
 * confdir.c - the walk of confdir.h. Format: docs/formats/layout.md section 2.
 *
 * Lists the directories that can hold a file we have a word for, and sorts the
 * names out; proc, socket, log, lock … are not walked into. Opens no file.
 */
#include "confdir.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confdir_order.h"
#include "layout.h"

/* The dump of Debian's daily job does not lie in its configdirectory. */
#define OWN_PREFIX     ".cyrescue-" /* of temporary files: lib/io/replace.h */
#define DEBIAN_CONFDIR "/var/lib/cyrus"
#define DEBIAN_DUMPS   "/var/backups"

#define MAX_COMPONENTS 6

/* How the name of a file and its place make a kind and an owner. */
enum rule { RULE_SERVER, RULE_DUMP, RULE_USER, RULE_ID, RULE_QUOTA };

/* `?` is one character, `*` anything. */
static const struct pattern {
	const char *c[MAX_COMPONENTS];
	enum rule rule;
	enum cyre_server_copy copy;
} patterns[] = {
	{{"user", "?", "*"}, RULE_USER, CYRE_COPY_LIVE},
	{{"user", "uuid", "?", "?", "*", "*"}, RULE_ID, CYRE_COPY_LIVE},
	{{"quota", "?", "*"}, RULE_QUOTA, CYRE_COPY_LIVE},
	{{"domain", "?", "*", "user", "?", "*"}, RULE_USER, CYRE_COPY_LIVE},
	{{"domain", "?", "*", "quota", "?", "*"}, RULE_QUOTA, CYRE_COPY_LIVE},
	{{"domain", "?", "*", "quota", "root"}, RULE_QUOTA, CYRE_COPY_LIVE},
	{{"domain", "?", "*", "*"}, RULE_SERVER, CYRE_COPY_LIVE},
	{{"db.backup1", "*"}, RULE_SERVER, CYRE_COPY_BACKUP1},
	{{"db.backup2", "*"}, RULE_SERVER, CYRE_COPY_BACKUP2},
	{{"backup", "*"}, RULE_DUMP, CYRE_COPY_DUMP},
	{{"*"}, RULE_SERVER, CYRE_COPY_LIVE},
};
static const struct pattern outside = {{"*"}, RULE_DUMP, CYRE_COPY_DUMP};

struct path {
	struct cyre_slice c[MAX_COMPONENTS];
	size_t n;
};

struct walk {
	struct cyre_confdir *c;
	struct cyre_opener opener;
	int dirfd; /* that paths are relative to */
};

struct entries {
	struct entry {
		char *name;
		enum cyre_kind kind;
	} * items;
	size_t n, cap;
};

/* Splits what we made ourselves: no component is empty. */
static void split(const char *path, struct path *ret)
{
	const char *end;

	for (ret->n = 0; *path && ret->n < MAX_COMPONENTS; path = end) {
		end = strchrnul(path, '/');
		ret->c[ret->n++] = cyre_slice(path, (size_t)(end - path));
		end += *end == '/';
	}
}

static void complain(struct cyre_confdir *c, enum cyre_problem problem,
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

/* ---- from names to files ---- */

static enum cyre_server_copy take_copy(
	struct cyre_slice *name, enum cyre_server_copy copy)
{
	static const char *const ends[] = {
		[CYRE_COPY_NEW] = ".NEW", [CYRE_COPY_OLD] = ".OLD"};
	int i;

	for (i = CYRE_COPY_NEW; i <= CYRE_COPY_OLD; i++)
		if (name->n > 4 && !memcmp(name->p + name->n - 4, ends[i], 4)) {
			name->n -= 4;
			return copy == CYRE_COPY_LIVE ? (enum cyre_server_copy)i
						      : copy;
		}
	return copy;
}

/* By its name, or by the ending of it, behind the last dot. */
static bool kind_of(struct cyre_slice name, enum cyre_server_kind first,
	enum cyre_server_kind last, enum cyre_server_kind *ret)
{
	int k;

	for (k = first; k <= (int)last; k++) {
		enum cyre_server_kind kind = (enum cyre_server_kind)k;

		if (cyre_slice_eq(name,
			    cyre_slice_str(cyre_server_kind_name(kind)))) {
			*ret = kind;
			return true;
		}
	}
	return false;
}

static bool user_kind(struct cyre_slice name, enum cyre_server_kind *ret)
{
	return kind_of(name, CYRE_SERVER_SEEN, CYRE_SERVER_DAV, ret);
}

/* `ann.seen`: the part before the last dot, and the kind behind. */
static bool split_user(struct cyre_slice name, struct cyre_slice *ret_user,
	enum cyre_server_kind *ret)
{
	const uint8_t *dot = name.n ? memrchr(name.p, '.', name.n) : NULL;

	if (!dot || dot == name.p)
		return false;
	*ret_user = cyre_slice(name.p, (size_t)(dot - name.p));
	return user_kind(cyre_slice(dot + 1, name.n - ret_user->n - 1), ret);
}

static bool is_dump(struct cyre_slice name)
{
	return cyre_slice_starts(name, cyre_slice_str("mboxlist")) ||
	       cyre_slice_starts(name, cyre_slice_str("cyrus-mboxlist"));
}

/* The domain a path is of; empty: none. */
static struct cyre_slice domain_of(const struct path *p)
{
	return p->n > 3 && cyre_slice_eq(p->c[0], cyre_slice_str("domain"))
		       ? p->c[2]
		       : cyre_slice(NULL, 0);
}

/* Kind, copy and owner of a file; false: no file of the server. */
static bool read_place(const struct path *p, const struct pattern *pat,
	struct cyre_server_file *f, struct cyre_buf *owner)
{
	struct cyre_slice name = p->c[p->n - 1], user, domain = domain_of(p);
	size_t i;

	f->copy = take_copy(&name, pat->copy);
	switch (pat->rule) {
	case RULE_DUMP:
		f->kind = CYRE_SERVER_MAILBOXES;
		return is_dump(name);
	case RULE_SERVER:
		if (cyre_slice_eq(name, cyre_slice_str("shared.counters"))) {
			f->kind = CYRE_SERVER_COUNTERS;
			if (domain.n)
				cyre_put_u8(owner, '@');
			cyre_put_slice(owner, domain);
			return true;
		}
		return !domain.n && kind_of(name, CYRE_SERVER_MAILBOXES,
					    CYRE_SERVER_BACKUPS, &f->kind);
	case RULE_USER:
		if (!split_user(name, &user, &f->kind))
			return false;
		for (i = 0; i < user.n; i++)
			cyre_put_u8(owner, user.p[i] == '^' ? '.' : user.p[i]);
		if (domain.n)
			cyre_put_u8(owner, '@');
		cyre_put_slice(owner, domain);
		return true;
	case RULE_ID:
		f->by_id = true;
		cyre_put_slice(owner, p->c[4]);
		if (name.n < 4 || memcmp(name.p + name.n - 3, ".db", 3))
			return false;
		return user_kind(cyre_slice(name.p, name.n - 3), &f->kind);
	case RULE_QUOTA:
		f->kind = CYRE_SERVER_QUOTA;
		cyre_put_slice(owner, domain);
		if (domain.n)
			cyre_put_u8(owner, '!');
		/* domain/H/dom/quota/root: that of the whole domain. */
		if (p->n != 5)
			cyre_put_slice(owner, name);
		return true;
	}
	return false;
}

static cyre_status append(struct cyre_confdir *c, struct cyre_server_file f)
{
	struct cyre_server_file *files;
	size_t cap;

	if (c->n == c->cap) {
		cap = c->cap ? c->cap * 2 : 64;
		files = reallocarray(c->files, cap, sizeof(*files));
		if (!files)
			return CYRE_ENOMEM;
		c->files = files;
		c->cap = cap;
	}
	c->files[c->n++] = f;
	return CYRE_OK;
}

static cyre_status add_file(struct walk *w, const struct pattern *pat,
	const char *path, enum cyre_kind kind)
{
	struct cyre_server_file f = {.is = kind, .dirfd = w->dirfd};
	struct cyre_buf owner = {0};
	cyre_status st = CYRE_OK;
	struct path p;

	split(path, &p);
	if (!read_place(&p, pat, &f, &owner)) {
		cyre_buf_free(&owner);
		return CYRE_OK;
	}
	if (owner.n) {
		cyre_put_u8(&owner, 0);
		f.owner = (char *)owner.p;
	}
	f.path = strdup(path);
	f.name = f.path;
	st = owner.bad || !f.path ? CYRE_ENOMEM : append(w->c, f);
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
	struct entries *e = payload;
	struct entry *items;
	size_t cap;

	/* What a killed run left beside its target is no quota root and no
	 * user's. */
	if (!strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX)))
		return CYRE_OK;
	if (e->n == e->cap) {
		cap = e->cap ? e->cap * 2 : 64;
		items = reallocarray(e->items, cap, sizeof(*items));
		if (!items)
			return CYRE_ENOMEM;
		e->items = items;
		e->cap = cap;
	}
	e->items[e->n].name = strdup(name);
	e->items[e->n].kind = kind;
	if (!e->items[e->n].name)
		return CYRE_ENOMEM;
	e->n++;
	return CYRE_OK;
}

static bool matches(const struct pattern *pat, const struct path *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		const char *c = i < MAX_COMPONENTS ? pat->c[i] : NULL;

		if (!c || (!strcmp(c, "?") && p->c[i].n != 1) ||
			(strcmp(c, "?") && strcmp(c, "*") &&
				!cyre_slice_eq(p->c[i], cyre_slice_str(c))))
			return false;
	}
	return true;
}

static bool ends_at(const struct pattern *pat, size_t n)
{
	return n == MAX_COMPONENTS || !pat->c[n];
}

static cyre_status walk_dir(struct walk *w, const char *path);

static cyre_status look_at(
	struct walk *w, const char *path, enum cyre_kind kind)
{
	cyre_status st = CYRE_OK;
	bool leads = false;
	struct path p;
	size_t i;

	split(path, &p);
	for (i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		const struct pattern *pat = &patterns[i];

		if (st != CYRE_OK || !matches(pat, &p))
			continue;
		if (!ends_at(pat, p.n))
			leads = true;
		else if (!leads)
			st = add_file(w, pat, path, kind);
	}
	if (st != CYRE_OK || !leads)
		return st;
	if (kind == CYRE_KIND_DIRECTORY)
		return walk_dir(w, path);
	if (kind != CYRE_KIND_FILE)
		complain(w->c, CYRE_P_NOT_REGULAR, path, cyre_kind_name(kind));
	return CYRE_OK;
}

static cyre_status list(struct walk *w, const char *path, struct entries *ret)
{
	struct cyre_error err = {0};
	cyre_status st;
	int fd;

	st = cyre_dir_open(&w->opener, w->dirfd, path, &fd, &err);
	if (st == CYRE_OK)
		st = cyre_dir_list(fd, add_entry, ret, &err);
	if (st != CYRE_EIO)
		return st;
	complain(w->c, CYRE_P_DIRECTORY_UNREADABLE, path, strerror(err.errnum));
	return CYRE_OK;
}

static cyre_status walk_dir(struct walk *w, const char *dir)
{
	struct entries all = {0};
	cyre_status st = list(w, dir, &all);
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

/* ---- what lies outside ---- */

/* Opens a directory imapd.conf leads to; w->dirfd is -1 when it is not there. */
static cyre_status open_outside(
	struct walk *w, const char *root, const char *path)
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
		complain(c, CYRE_P_DIRECTORY_UNREADABLE, path,
			strerror(err.errnum));
	return CYRE_OK;
}

/* Gives the last file a path that says where it is: `dir`/its name. */
static cyre_status place_outside(struct cyre_confdir *c, const char *dir)
{
	struct cyre_server_file *f = &c->files[c->n - 1];
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
static bool has_file(
	const struct walk *w, enum cyre_server_kind kind, const char *name)
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

static cyre_status add_configured(struct walk *w, const char *root,
	enum cyre_server_kind kind, const char *path)
{
	struct cyre_server_file f = {.kind = kind};
	const char *slash = path ? strrchr(path, '/') : NULL;
	struct cyre_file_info info;
	struct cyre_error err;
	char *dir;
	cyre_status st;
	size_t i;

	if (!slash || slash == path || !slash[1])
		return CYRE_OK;
	dir = strndup(path, (size_t)(slash - path));
	if (!dir)
		return CYRE_ENOMEM;
	st = open_outside(w, root, dir);
	if (st == CYRE_OK && has_file(w, kind, slash + 1))
		goto out;
	/* The server does not look at one in the usual place. */
	for (i = 0; i < w->c->n; i++)
		if (w->c->files[i].kind == kind &&
			w->c->files[i].copy == CYRE_COPY_LIVE)
			w->c->files[i].copy = CYRE_COPY_OLD;
	if (st != CYRE_OK || w->dirfd < 0 ||
		cyre_file_stat(&w->opener, w->dirfd, slash + 1, &info, &err) !=
			CYRE_OK)
		goto out;
	f.is = info.kind;
	f.dirfd = w->dirfd;
	f.path = strdup(slash + 1);
	st = f.path ? append(w->c, f) : CYRE_ENOMEM;
	if (st == CYRE_OK)
		st = place_outside(w->c, dir);
	else
		free(f.path);
out:
	free(dir);
	return st;
}

static cyre_status add_all_configured(
	struct walk *w, const struct cyre_conf *conf, const char *root)
{
	const struct {
		enum cyre_server_kind kind;
		const char *path;
	} paths[] = {
		{CYRE_SERVER_MAILBOXES, conf->mboxlist_db_path},
		{CYRE_SERVER_ANNOTATIONS, conf->annotation_db_path},
		{CYRE_SERVER_QUOTAS, conf->quota_db_path},
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
	return st;
}

static cyre_status add_debian_dumps(struct walk *w, const char *root)
{
	struct entries all = {0};
	cyre_status st;
	size_t i, n;

	if (!w->c->path || strcmp(w->c->path, DEBIAN_CONFDIR) != 0)
		return CYRE_OK;
	st = open_outside(w, root, DEBIAN_DUMPS);
	if (st == CYRE_OK && w->dirfd >= 0)
		st = list(w, "", &all);
	for (i = 0; i < all.n; i++) {
		n = w->c->n;
		if (st == CYRE_OK)
			st = add_file(w, &outside, all.items[i].name,
				all.items[i].kind);
		if (st == CYRE_OK && w->c->n > n)
			st = place_outside(w->c, DEBIAN_DUMPS);
		free(all.items[i].name);
	}
	free(all.items);
	return st;
}

/* ---- where the server looks ---- */

/* Where a file of this owner is, hashed so. */
static bool put_wanted(const struct cyre_layout *l,
	const struct cyre_server_file *f, struct cyre_buf *ret)
{
	enum cyre_server_kind kind;
	struct cyre_slice user;
	struct path p;

	if (f->kind == CYRE_SERVER_QUOTA)
		return cyre_layout_quota_file(l, cyre_slice_str(f->owner), ret);
	if (f->by_id)
		return cyre_layout_user_id_file(cyre_slice_str(f->owner),
			cyre_server_kind_name(f->kind), ret);
	split(f->path, &p);
	return split_user(p.c[p.n - 1], &user, &kind) &&
	       cyre_layout_user_file(l, user, domain_of(&p),
		       cyre_server_kind_name(f->kind), ret);
}

/*
 * A 2.1 hashes as it was built, whatever imapd.conf says: as catalog.c does,
 * the tree is believed when nothing in it is where the options have it.
 */
static cyre_status mark_misplaced(struct cyre_confdir *c, struct cyre_layout l)
{
	size_t i, turn, n_fit = 0;
	struct cyre_buf b = {0};
	cyre_status st;

	for (turn = 0; turn < 2 && !n_fit; turn++) {
		for (i = 0; i < c->n; i++) {
			struct cyre_server_file *f = &c->files[i];

			if (f->copy != CYRE_COPY_LIVE || !f->owner ||
				f->owner[0] == '@')
				continue;
			cyre_buf_reset(&b);
			f->misplaced = !put_wanted(&l, f, &b) ||
				       !cyre_slice_eq(cyre_buf_slice(&b),
					       cyre_slice_str(f->path));
			n_fit += !f->misplaced && !f->by_id;
		}
		l.user_hash = l.user_hash == CYRE_HASH_FULL ? CYRE_HASH_LETTER
							    : CYRE_HASH_FULL;
	}
	st = b.bad ? CYRE_ENOMEM : CYRE_OK;
	cyre_buf_free(&b);
	return st;
}

static cyre_status walk_all(
	struct walk *w, const struct cyre_conf *conf, const char *root)
{
	struct cyre_confdir *c = w->c;
	struct cyre_error err = {0};
	cyre_status st = CYRE_OK;

	c->path = conf->configdirectory;
	if (c->path && cyre_root_open(root, c->path, &c->fd, &err) != CYRE_OK) {
		c->errnum = err.errnum;
		complain(c, CYRE_P_DIRECTORY_UNREADABLE, "",
			strerror(err.errnum));
	}
	w->dirfd = c->fd;
	if (c->fd >= 0)
		st = walk_dir(w, "");
	if (st == CYRE_OK)
		st = mark_misplaced(c, cyre_layout_of(conf));
	if (st == CYRE_OK)
		st = add_all_configured(w, conf, root);
	if (st == CYRE_OK && c->fd >= 0)
		st = add_debian_dumps(w, root);
	if (st != CYRE_OK)
		return st;
	cyre_confdir_sort(c);
	cyre_findings_sort(&c->found);
	return c->found.status;
}

cyre_status cyre_confdir_walk(const struct cyre_conf *conf, const char *root,
	struct cyre_confdir **ret)
{
	struct walk w = {.c = calloc(1, sizeof(*w.c))};
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
