/* berkeley_files.c - see berkeley_files.h. */
#include "berkeley_files.h"

#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "grow.h"

/* What recovery makes anew and what is wanted; each costs a descriptor. */
#define MAX_FILES 900

/* Set once, in a process that has no other thread and no other job. */
static struct cyre_bfiles *files;

bool cyre_bfiles_is_log(const char *name)
{
	return !strncmp(name, "log.", 4) && strlen(name) == 14 &&
	       strspn(name + 4, "0123456789") == 10;
}

static bool is_wanted(const struct cyre_bfiles *list, const char *name)
{
	size_t n = strlen(name), w = list->wanted ? strlen(list->wanted) : 0;

	return w && n > w && name[n - w - 1] == '/' &&
	       !strcmp(name + n - w, list->wanted);
}

static struct cyre_bfile *lookup(
	const struct cyre_bfiles *list, const char *name)
{
	size_t i;

	if (is_wanted(list, name))
		name = CYRE_BFILES_WANTED;
	for (i = 0; i < list->n; i++)
		if (!strcmp(list->f[i].name, name))
			return &list->f[i];
	return NULL;
}

int cyre_bfiles_find(const struct cyre_bfiles *list, const char *name)
{
	const struct cyre_bfile *f = lookup(list, name);

	return f ? f->fd : -1;
}

int cyre_bfiles_create(struct cyre_bfiles *list, const char *name)
{
	struct cyre_bfile *grown;

	if (list->n == MAX_FILES) {
		errno = EMFILE;
		return -1;
	}
	grown = cyre_grow(list->f, list->n, &list->cap, sizeof(*list->f));
	if (!grown)
		return -1;
	list->f = grown;
	grown = &list->f[list->n];
	grown->fd = memfd_create("cyrescue", MFD_CLOEXEC);
	if (grown->fd < 0)
		return -1;
	grown->name = strdup(is_wanted(list, name) ? CYRE_BFILES_WANTED : name);
	if (!grown->name) {
		close(grown->fd);
		return -1;
	}
	list->n++;
	return grown->fd;
}

static void drop(struct cyre_bfiles *list, struct cyre_bfile *f)
{
	close(f->fd);
	free(f->name);
	*f = list->f[--list->n];
}

void cyre_bfiles_free(struct cyre_bfiles *list)
{
	while (list->n)
		drop(list, list->f);
	free(list->f);
	*list = (struct cyre_bfiles){0};
}

/* ---- what the library calls ---- */

static int hook_open(const char *name, int flags, ...)
{
	struct cyre_bfile *f = lookup(files, name);
	int fd;

	if (f && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
		errno = EEXIST;
		return -1;
	}
	if (!f && !(flags & O_CREAT)) {
		errno = ENOENT;
		return -1;
	}
	fd = dup(f ? f->fd : cyre_bfiles_create(files, name));
	/* Duplicates share their place; the library seeks before each use,
	 * but for the first. */
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	if (fd >= 0 && flags & O_TRUNC && ftruncate(fd, 0) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int hook_exists(const char *name, int *is_dir)
{
	bool home = !strcmp(name, CYRE_BFILES_HOME);

	if (is_dir)
		*is_dir = home;
	return home || lookup(files, name) ? 0 : ENOENT;
}

static int hook_rename(const char *from, const char *to)
{
	struct cyre_bfile *f;
	char *name;

	if (!lookup(files, from)) {
		errno = ENOENT;
		return -1;
	}
	name = strdup(is_wanted(files, to) ? CYRE_BFILES_WANTED : to);
	if (!name)
		return -1;
	f = lookup(files, to);
	if (f && f != lookup(files, from))
		drop(files, f);
	f = lookup(files, from);
	free(f->name);
	f->name = name;
	return 0;
}

static int hook_unlink(const char *name)
{
	struct cyre_bfile *f = lookup(files, name);

	if (!f) {
		errno = ENOENT;
		return -1;
	}
	drop(files, f);
	return 0;
}

static void hook_dirfree(char **names, int n)
{
	while (n > 0)
		free(names[--n]);
	free(names);
}

/* The environment's directory holds the log files; no other is asked for. */
static int hook_dirlist(const char *dir, char ***ret, int *ret_n)
{
	static const char log[] = CYRE_BFILES_HOME "/log.";
	char **names = calloc(files->n + 1, sizeof(*names));
	size_t i;
	int n = 0;

	(void)dir;
	for (i = 0; names && i < files->n; i++) {
		if (strncmp(files->f[i].name, log, sizeof(log) - 1) != 0)
			continue;
		names[n] = strdup(strrchr(files->f[i].name, '/') + 1);
		if (!names[n++]) {
			hook_dirfree(names, n);
			names = NULL;
		}
	}
	if (!names)
		return ENOMEM;
	*ret = names;
	*ret_n = n;
	return 0;
}

/* A page number of a hostile log can be anything. */
static bool may_write(size_t n)
{
	if (n > files->left) {
		errno = ENOSPC;
		return false;
	}
	files->left -= n;
	return true;
}

static ssize_t hook_write(int fd, const void *p, size_t n)
{
	return may_write(n) ? write(fd, p, n) : -1;
}

static ssize_t hook_pwrite(int fd, const void *p, size_t n, off_t at)
{
	return may_write(n) ? pwrite(fd, p, n, at) : -1;
}

bool cyre_bfiles_install(struct cyre_bfiles *list)
{
	files = list;
	return !db_env_set_func_open(hook_open) &&
	       !db_env_set_func_exists(hook_exists) &&
	       !db_env_set_func_rename(hook_rename) &&
	       !db_env_set_func_unlink(hook_unlink) &&
	       !db_env_set_func_dirlist(hook_dirlist) &&
	       !db_env_set_func_dirfree(hook_dirfree) &&
	       !db_env_set_func_write(hook_write) &&
	       !db_env_set_func_pwrite(hook_pwrite);
}
