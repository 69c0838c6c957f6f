/*
 * scratch.h - a directory of one's own for tests that write, and change sets
 */
#ifndef CYRE_TEST_SCRATCH_H
#define CYRE_TEST_SCRATCH_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "change.h"
#include "dir.h"
#include "files.h"
#include "identity.h"

static inline char *scratch_new(void)
{
	char *dir = strdup("/tmp/cyrescue-apply.XXXXXX");

	if (!dir || !mkdtemp(dir))
		test_die("mkdtemp");
	return dir;
}

/* "dir/rest", in a new string. */
static inline char *scratch_path(const char *dir, const char *rest)
{
	size_t n = strlen(dir) + strlen(rest) + 2;
	char *path = malloc(n);

	if (!path)
		test_die("malloc");
	snprintf(path, n, "%s/%s", dir, rest);
	return path;
}

static inline void scratch_put(
	const char *dir, const char *rest, const char *text)
{
	char *path = scratch_path(dir, rest), *p;
	FILE *f;

	for (p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			test_die(path);
		*p = '/';
	}
	f = fopen(path, "wb");
	if (!f || fwrite(text, 1, strlen(text), f) != strlen(text) || fclose(f))
		test_die(path);
	free(path);
}

static inline bool scratch_is(
	const char *dir, const char *rest, const char *text)
{
	char *path = scratch_path(dir, rest);
	struct cyre_slice s;
	bool same;

	if (access(path, F_OK) < 0) {
		free(path);
		return !text;
	}
	s = test_read(path);
	same = text && s.n == strlen(text) && !memcmp(s.p, text, s.n);
	free((void *)s.p);
	free(path);
	return same;
}

/* What the file is now, as a plan would have it. */
static inline struct cyre_identity scratch_identity(
	const char *root, const char *dir, const char *name)
{
	struct cyre_opener o = {0};
	struct cyre_file_info info;
	struct cyre_identity id = {0};
	struct cyre_hasher *h;
	struct cyre_error e;
	char *path = scratch_path(root, dir);
	int fd = open(path, O_RDONLY | O_DIRECTORY);

	if (cyre_hasher_new(&h) != CYRE_OK ||
		cyre_identity_look(fd, name, &o, h, &info, &id, &e) != CYRE_OK)
		test_die(path);
	if (info.fd >= 0)
		close(info.fd);
	if (fd >= 0)
		close(fd);
	cyre_hasher_free(h);
	free(path);
	return id;
}

/*
 * Everything below the directory as one text: paths, modes, owners, contents
 * and, of files, times. What undo must bring back is equal in this.
 */
static inline char *scratch_state(const char *dir)
{
	char command[2048];
	char *text = NULL;
	size_t cap = 0;
	FILE *f;

	snprintf(command, sizeof(command),
		"cd '%s' && { find . -type f -printf '%%p %%m %%U %%G "
		"%%T@\\n'; "
		"find . -type d -printf '%%p/ %%m %%U %%G\\n'; "
		"find . -type f -exec sha256sum {} +; "
		"getfattr -R -d . 2>/dev/null; } | LC_ALL=C sort",
		dir);
	f = popen(command, "r");
	if (!f || getdelim(&text, &cap, '\0', f) < 0)
		test_die(command);
	pclose(f);
	return text;
}

/* How many entries of the folder have this in their names. */
static inline size_t scratch_count(const char *dir, const char *part)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;

	if (!d)
		return 0;
	while ((e = readdir(d)))
		n += strstr(e->d_name, part) != NULL;
	closedir(d);
	return n;
}

#endif
