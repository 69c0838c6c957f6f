/*
 * berkeley_files.h - a file system in memory, for Berkeley DB alone
 *
 * The library calls open(2) and its kind through pointers that can be set.
 * Once cyre_bfiles_install() has set them, each name it asks for is one of a
 * list of memfds, and no path of the machine can be reached. The pointers have
 * no payload, so the list is a static variable: all of this belongs into a
 * process that was forked for one job and ends with it.
 */
#ifndef CYRE_BERKELEY_FILES_H
#define CYRE_BERKELEY_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the library believes its environment to be; never looked up. */
#define CYRE_BFILES_HOME "/cyrescue.memory"
/* The name of the one database that is wanted. */
#define CYRE_BFILES_WANTED CYRE_BFILES_HOME "/wanted"

struct cyre_bfile {
	char *name; /* as the library says it, or CYRE_BFILES_WANTED */
	int fd;     /* memfd */
};

struct cyre_bfiles {
	struct cyre_bfile *f;
	size_t n, cap;
	/* Any name that ends in a slash and this is CYRE_BFILES_WANTED, too:
	 * logs have the absolute names of a machine that may be gone. */
	const char *wanted;
	uint64_t left; /* bytes that may still be written */
};

/* "log." and ten digits. */
bool cyre_bfiles_is_log(const char *name);
/* A new empty file; -1 with errno. */
int cyre_bfiles_create(struct cyre_bfiles *list, const char *name);
/* -1: there is none. */
int cyre_bfiles_find(const struct cyre_bfiles *list, const char *name);
/* Closes and forgets all. */
void cyre_bfiles_free(struct cyre_bfiles *list);
/* Only in a child process. False: the library refused. */
bool cyre_bfiles_install(struct cyre_bfiles *list);

#endif
