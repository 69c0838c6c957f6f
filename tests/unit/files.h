/*
 * files.h - real files for unit tests: read one, find them below a folder,
 * unpack the larger sets
 *
 * Everything here fails the test program when the system does; a test is no
 * place for half a result.
 */
#ifndef CYRE_TEST_FILES_H
#define CYRE_TEST_FILES_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"

static inline void test_die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* The file's bytes in memory of exactly its size, so that a sanitizer sees a
 * read past its end. free((void *)s.p). */
static inline struct cyre_slice test_read(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *p;

	if (!f || fstat(fileno(f), &st) < 0)
		test_die(path);
	p = malloc(st.st_size ? (size_t)st.st_size : 1);
	if (!p || fread(p, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
		test_die(path);
	fclose(f);
	return cyre_slice(p, (size_t)st.st_size);
}

/* Calls visit() with the path of each file that has this name ending. */
static inline void test_walk(const char *dir, const char *ending,
	void (*visit)(const char *path, void *payload), void *payload)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;
	char *path;
	size_t n;

	if (!d)
		test_die(dir);
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (asprintf(&path, "%s/%s", dir, e->d_name) < 0 ||
			lstat(path, &st) < 0)
			test_die(dir);
		n = strlen(e->d_name);
		if (S_ISDIR(st.st_mode))
			test_walk(path, ending, visit, payload);
		else if (n >= strlen(ending) &&
			 !strcmp(e->d_name + n - strlen(ending), ending))
			visit(path, payload);
		free(path);
	}
	closedir(d);
}

static inline void test_run(const char *command)
{
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		exit(EXIT_FAILURE);
	}
}

/*
 * Unpacks from every archive *.tar.zst of the folder the members that match
 * `members` (patterns of tar, may be empty) into a new folder. NULL when the
 * folder is not there. test_remove() removes it.
 */
static inline char *test_unpack(const char *folder, const char *members)
{
	static const char *const template = "/tmp/cyrescue-unit.XXXXXX";
	char command[2048], *dir;

	if (access(folder, R_OK) < 0)
		return NULL;
	dir = strdup(template);
	if (!dir || !mkdtemp(dir))
		test_die("mkdtemp");
	/* tar grumbles about a pattern that one of the archives lacks. */
	snprintf(command, sizeof(command),
		"for f in '%s'/*.tar.zst; do zstd -qdc --long=27 \"$f\" | "
		"tar --warning=no-timestamp -C %s --wildcards -x %s "
		"2>/dev/null; done; true",
		folder, dir, members);
	test_run(command);
	return dir;
}

static inline void test_remove(char *dir)
{
	char command[2048];

	if (!dir)
		return;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	test_run(command);
	free(dir);
}

#endif
