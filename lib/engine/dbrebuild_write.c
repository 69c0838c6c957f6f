/*
 * dbrebuild_write.c - a database's file: found, read, made anew, replaced,
 * read back
 *
 * Replaced as every file of a rebuild is (apply.c): the original in a synced
 * archive first, then the new file under its name in one step.
 */
#include "dbrebuild.h"

#include <cyrescue/dbload.h>

#include <libgen.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "changes.h"
#include "conf_load.h"
#include "fail.h"
#include "undo_archive.h"
#include "undo_dir.h"

#define PATH_SIZE 4096

static cyre_status real_dir(struct cyre_run *r, int fd, char **ret)
{
	char link[64], path[PATH_SIZE];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return cyre_sys_fail(r->error, "readlink", link);
	path[n] = '\0';
	*ret = strdup(path);
	return *ret ? CYRE_OK : CYRE_ENOMEM;
}

/* The folder of a file that is not there yet. */
static cyre_status open_parent(
	struct cyre_run *r, const char *path, int *ret, char **ret_name)
{
	char *dir = strdup(path), *name = strdup(path);
	cyre_status st = CYRE_ENOMEM;

	if (dir && name) {
		st = cyre_root_open(
			r->o->place.root, dirname(dir), ret, r->error);
		*ret_name = st == CYRE_OK ? strdup(basename(name)) : NULL;
	}
	free(dir);
	free(name);
	return st;
}

/* A new file is its folder's owner's, and nobody else's business. */
static cyre_status owner_of(struct cyre_dbrebuild *d, int dir,
	const struct cyre_file_info *info, struct cyre_owner *ret)
{
	struct stat sb;

	if (info) {
		*ret = (struct cyre_owner){info->uid, info->gid, info->mode};
		return CYRE_OK;
	}
	if (fstat(dir, &sb) < 0)
		return cyre_sys_fail(d->run.error, "fstat", "");
	*ret = (struct cyre_owner){sb.st_uid, sb.st_gid, S_IRUSR | S_IWUSR};
	return CYRE_OK;
}

static cyre_status read_bytes(struct cyre_dbrebuild *d,
	const struct cyre_server_file *f, struct cyre_db_target *t)
{
	struct cyre_file_info info;
	enum cyre_kind kind;
	cyre_status st;

	t->bytes.limit = d->run.rules.limit;
	st = cyre_confdir_read(f, &d->opener, &t->bytes, &kind, d->run.error);
	if (st == CYRE_EUNSUPPORTED)
		return CYRE_EBUSY;
	if (st == CYRE_OK)
		st = cyre_file_stat(
			&d->opener, f->dirfd, f->name, &info, d->run.error);
	if (st != CYRE_OK)
		return st;
	t->before.exists = true;
	t->before.size = t->bytes.n;
	st = cyre_sha256(d->run.workers[0].hasher, cyre_buf_slice(&t->bytes),
		t->before.sha256);
	return st == CYRE_OK ? owner_of(d, f->dirfd, &info, &t->owner) : st;
}

cyre_status cyre_db_target_name(struct cyre_db_target *t, const char *below)
{
	const char *slash = strrchr(below, '/');

	free(t->name);
	free(t->dir);
	t->name = strdup(slash ? slash + 1 : below);
	t->dir = slash ? strndup(below, (size_t)(slash - below)) : NULL;
	return t->name && (t->dir || !slash) ? CYRE_OK : CYRE_ENOMEM;
}

cyre_status cyre_db_target_open(struct cyre_dbrebuild *d,
	const struct cyre_server_file *f, const char *path,
	struct cyre_db_target *ret)
{
	struct cyre_run *r = &d->run;
	cyre_status st;
	int dir = -1;

	*ret = (struct cyre_db_target){.before.exists = false};
	cyre_place_path(&r->o->place, path, &ret->path);
	cyre_put_u8(&ret->path, '\0');
	if (ret->path.bad)
		return CYRE_ENOMEM;
	if (f) {
		st = real_dir(r, f->dirfd, &ret->root);
		if (st == CYRE_OK)
			st = cyre_db_target_name(ret, f->name);
		return st == CYRE_OK ? read_bytes(d, f, ret) : st;
	}
	st = open_parent(r, path, &dir, &ret->name);
	if (st == CYRE_OK)
		st = real_dir(r, dir, &ret->root);
	if (st == CYRE_OK)
		st = ret->name ? owner_of(d, dir, NULL, &ret->owner)
			       : CYRE_ENOMEM;
	if (dir >= 0)
		close(dir);
	return st;
}

void cyre_db_target_free(struct cyre_db_target *t)
{
	free(t->root);
	free(t->name);
	free(t->dir);
	free((void *)(uintptr_t)t->after.p);
	cyre_buf_free(&t->path);
	cyre_buf_free(&t->bytes);
}

/* Berkeley DB files are made by their own library, in a folder of ours. */
cyre_status cyre_db_target_make(struct cyre_dbrebuild *d,
	struct cyre_db_target *t, const struct cyre_db_write_options *o,
	const struct cyre_db_entry *records, size_t n)
{
	struct cyre_buf dir = {0};
	cyre_status st = CYRE_OK;

	if (o->format == CYRE_DB_BERKELEY)
		st = cyre_undo_dir_make(&d->run, d->o->undo_dir, &dir);
	if (st == CYRE_OK)
		st = cyre_dbload_make(o, records, n, (const char *)dir.p,
			&t->after, d->run.error);
	cyre_buf_free(&dir);
	return st;
}

/* ---- apply ---- */

static cyre_status failed_set(
	struct cyre_run *r, const struct cyre_change_set *set)
{
	if (r->error)
		*r->error = set->error;
	return set->status;
}

static cyre_status open_journal(struct cyre_dbrebuild *d, const char *undo_dir,
	struct cyre_journal **ret)
{
	struct cyre_buf path = {0};
	cyre_status st;

	*ret = d->ask.journal;
	if (*ret)
		return CYRE_OK;
	cyre_undo_dir_journal(undo_dir, d->o->journal, d->o->run, &path);
	st = path.bad ? CYRE_ENOMEM
		      : cyre_journal_open(
				(const char *)path.p, d->run.error, ret);
	cyre_buf_free(&path);
	return st;
}

static cyre_status apply_set(
	struct cyre_dbrebuild *d, struct cyre_change_set *set)
{
	struct cyre_run *r = &d->run;
	struct cyre_buf dir = {0};
	struct cyre_apply_options o = {.run = d->o->run};
	char *real_root = NULL;
	cyre_status st;

	st = cyre_undo_dir_make(r, d->o->undo_dir, &dir);
	if (st == CYRE_OK && r->o->place.root) {
		real_root = realpath(r->o->place.root, NULL);
		o.root = real_root;
		if (!real_root)
			st = cyre_sys_fail(
				r->error, "realpath", r->o->place.root);
	}
	if (st == CYRE_OK)
		st = cyre_archive_sweep((const char *)dir.p, r->error);
	if (st == CYRE_OK) {
		o.undo_dir = (const char *)dir.p;
		st = open_journal(d, o.undo_dir, &o.journal);
	}
	if (st == CYRE_OK) {
		st = cyre_apply(&o, set, 1, r->error);
		if (!d->ask.journal)
			cyre_journal_close(o.journal);
	}
	if (st == CYRE_OK && set->status != CYRE_OK)
		st = failed_set(r, set);
	d->result.changed |= set->changed;
	free(real_root);
	cyre_buf_free(&dir);
	return st;
}

cyre_status cyre_db_target_sweep(
	struct cyre_dbrebuild *d, const struct cyre_db_target *t)
{
	struct cyre_run *r = &d->run;
	struct cyre_buf path = {0};
	cyre_status st;
	int dir;

	cyre_put_place(&path, t->root, t->dir ? t->dir : "", "");
	cyre_put_u8(&path, '\0');
	st = path.bad ? CYRE_ENOMEM
		      : cyre_root_open(
				NULL, (const char *)path.p, &dir, r->error);
	cyre_buf_free(&path);
	if (st != CYRE_OK)
		return st;
	st = cyre_dir_claim(dir, r->error);
	if (st == CYRE_OK)
		st = cyre_tmp_remove(dir, t->name, r->error);
	close(dir);
	return st;
}

/* What is on the disk now is what was to be written. */
static cyre_status read_back(struct cyre_run *r, const struct cyre_db_target *t)
{
	struct cyre_slice now = {NULL, 0};
	struct cyre_buf path = {0};
	cyre_status st;
	bool same;

	cyre_put_place(&path, t->root, t->dir ? t->dir : "", t->name);
	cyre_put_u8(&path, '\0');
	st = path.bad ? CYRE_ENOMEM
		      : cyre_dbfile_read(
				(const char *)path.p, 0, &now, NULL, r->error);
	cyre_buf_free(&path);
	if (st != CYRE_OK)
		return st;
	same = cyre_slice_eq(now, t->after);
	free((void *)(uintptr_t)now.p);
	if (same)
		return CYRE_OK;
	if (r->error) {
		*r->error = (struct cyre_error){.call = "verify"};
		snprintf(r->error->path, sizeof(r->error->path),
			"%.400s reads otherwise than it was written",
			(const char *)t->path.p);
	}
	return CYRE_EIO;
}

cyre_status cyre_dbrebuild_apply(
	struct cyre_dbrebuild *d, struct cyre_db_target *targets, size_t n)
{
	struct cyre_change *changes = calloc(n + 1, sizeof(*changes));
	struct cyre_change_set set = {.changes = changes, .apart = true};
	struct cyre_buf key = {0};
	cyre_status st;
	size_t i;

	cyre_dbrebuild_key(&d->run.o->place, d->run.conf->configdirectory,
		d->o->what, &key);
	set.mboxname = (const char *)key.p;
	if (!changes || key.bad) {
		free(changes);
		cyre_buf_free(&key);
		return CYRE_ENOMEM;
	}
	for (i = 0; i < n; i++) {
		struct cyre_db_target *t = &targets[i];

		if (!t->after.p)
			continue;
		changes[set.n++] = (struct cyre_change){
			.kind = CYRE_CHANGE_WRITE,
			.root = t->root,
			.dir = t->dir ? t->dir : "",
			.name = t->name,
			.before = t->before,
			.pieces = &t->after,
			.n_pieces = 1,
			.owner = t->owner,
		};
	}
	st = set.n ? apply_set(d, &set) : CYRE_OK;
	for (i = 0; i < n && st == CYRE_OK; i++)
		if (targets[i].after.p)
			st = read_back(&d->run, &targets[i]);
	cyre_buf_free(&key);
	free(changes);
	return st;
}
