/* confdir_find.c - lookups in what a walk found, and reading; see confdir.h. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "confdir_walk.h"
#include "read_file.h"

static const struct {
	const char *name; /* of a user's file: the ending */
	enum cyre_db_kind db;
} kinds[CYRE_SERVER_KINDS] = {
	[CYRE_SERVER_MAILBOXES] = {"mailboxes.db", CYRE_DB_KIND_MAILBOXES},
	[CYRE_SERVER_ANNOTATIONS] = {"annotations.db",
		CYRE_DB_KIND_ANNOTATIONS},
	[CYRE_SERVER_QUOTAS] = {"quotas.db", CYRE_DB_KIND_QUOTA},
	[CYRE_SERVER_STATUSCACHE] = {"statuscache.db",
		CYRE_DB_KIND_STATUSCACHE},
	[CYRE_SERVER_DELIVER] = {"deliver.db", CYRE_DB_KIND_DELIVER},
	[CYRE_SERVER_TLS] = {"tls_sessions.db", CYRE_DB_KIND_UNKNOWN},
	[CYRE_SERVER_USER_DENY] = {"user_deny.db", CYRE_DB_KIND_UNKNOWN},
	[CYRE_SERVER_BACKUPS] = {"backups.db", CYRE_DB_KIND_UNKNOWN},
	[CYRE_SERVER_QUOTA] = {"quota", CYRE_DB_KIND_QUOTA},
	[CYRE_SERVER_SEEN] = {"seen", CYRE_DB_KIND_SEEN},
	[CYRE_SERVER_SUB] = {"sub", CYRE_DB_KIND_SUBSCRIPTIONS},
	[CYRE_SERVER_CONVERSATIONS] = {"conversations",
		CYRE_DB_KIND_CONVERSATIONS},
	[CYRE_SERVER_COUNTERS] = {"counters", CYRE_DB_KIND_UNKNOWN},
	[CYRE_SERVER_MBOXKEY] = {"mboxkey", CYRE_DB_KIND_UNKNOWN},
	[CYRE_SERVER_XAPIANACTIVE] = {"xapianactive", CYRE_DB_KIND_UNKNOWN},
	[CYRE_SERVER_DAV] = {"dav", CYRE_DB_KIND_UNKNOWN},
};

const char *cyre_server_kind_name(enum cyre_server_kind kind)
{
	return kinds[kind].name;
}

enum cyre_db_kind cyre_server_db_kind(enum cyre_server_kind kind)
{
	return kinds[kind].db;
}

static int compare_owner(const char *a, const char *b)
{
	if (!a || !b)
		return !!a - !!b; /* the server's first */
	return strcmp(a, b);
}

static int by_key(const void *va, const void *vb)
{
	const struct cyre_server_file *a = va, *b = vb;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->by_id != b->by_id)
		return a->by_id ? 1 : -1;
	return compare_owner(a->owner, b->owner);
}

static int by_place(const void *va, const void *vb)
{
	const struct cyre_server_file *a = va, *b = vb;
	int d = by_key(a, b);

	if (!d && a->copy != b->copy)
		d = a->copy < b->copy ? -1 : 1;
	if (!d && a->misplaced != b->misplaced)
		d = a->misplaced ? 1 : -1;
	return d ? d : strcmp(a->path, b->path);
}

void cyre_confdir_sort(struct cyre_confdir *c)
{
	if (c->n)
		qsort(c->files, c->n, sizeof(*c->files), by_place);
}

/* The first file that does not sort before the key. */
static size_t seek(
	const struct cyre_confdir *c, const struct cyre_server_file *key)
{
	return cyre_seek(key, c->files, c->n, sizeof(*c->files), by_key);
}

static const struct cyre_server_file *find(const struct cyre_confdir *c,
	enum cyre_server_kind kind, const char *owner, bool by_id,
	size_t *ret_n)
{
	struct cyre_server_file key = {.kind = kind,
		.by_id = by_id,
		.owner = (char *)(uintptr_t)owner};
	size_t first = seek(c, &key), i = first;

	while (i < c->n && !by_key(&c->files[i], &key))
		i++;
	*ret_n = i - first;
	return i > first ? &c->files[first] : NULL;
}

const struct cyre_server_file *cyre_confdir_find(const struct cyre_confdir *c,
	enum cyre_server_kind kind, const char *owner, size_t *ret_n)
{
	return find(c, kind, owner, false, ret_n);
}

const struct cyre_server_file *cyre_confdir_find_by_id(
	const struct cyre_confdir *c, enum cyre_server_kind kind,
	const char *inbox_id, size_t *ret_n)
{
	return find(c, kind, inbox_id, true, ret_n);
}

const struct cyre_server_file *cyre_confdir_all(
	const struct cyre_confdir *c, enum cyre_server_kind kind, size_t *ret_n)
{
	struct cyre_server_file key = {.kind = kind};
	size_t first = seek(c, &key), i = first;

	while (i < c->n && c->files[i].kind == kind)
		i++;
	*ret_n = i - first;
	return i > first ? &c->files[first] : NULL;
}

const struct cyre_server_file *cyre_confdir_of_user(
	const struct cyre_confdir *c, enum cyre_server_kind kind,
	const char *userid, const char *inbox_id)
{
	const struct cyre_server_file *f = NULL;
	size_t n;

	if (inbox_id)
		f = cyre_confdir_find_by_id(c, kind, inbox_id, &n);
	if (!f || f->copy != CYRE_COPY_LIVE)
		f = cyre_confdir_find(c, kind, userid, &n);
	return f && f->copy == CYRE_COPY_LIVE ? f : NULL;
}

cyre_status cyre_confdir_read(const struct cyre_server_file *f,
	struct cyre_opener *o, struct cyre_buf *ret, enum cyre_kind *ret_kind,
	struct cyre_error *reterr)
{
	struct cyre_file_info info = {.fd = -1};
	cyre_status st =
		cyre_file_open(o, f->dirfd, f->name, f->is, &info, reterr);

	*ret_kind = info.kind;
	if (st != CYRE_OK)
		return st;
	if (info.fd < 0)
		return CYRE_EUNSUPPORTED;
	st = cyre_read_fd(info.fd, info.size, ret);
	if (st == CYRE_EIO && reterr) {
		*reterr = (struct cyre_error){.errnum = errno, .call = "read"};
		snprintf(reterr->path, sizeof(reterr->path), "%s", f->path);
	}
	close(info.fd);
	return st;
}
