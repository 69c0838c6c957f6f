/*
 * roots.h - between discover.c and roots.c: the roots of all partitions
 */
#ifndef CYRE_ROOTS_H
#define CYRE_ROOTS_H

#include "discover.h"

/* Fills catalog->roots and ->partitions and opens each; CYRE_OK, ENOMEM. */
cyre_status cyre_roots_open(struct cyre_catalog *c, const char *root);
/* Which of them lie inside which; CYRE_OK, ENOMEM. */
cyre_status cyre_roots_nested(struct cyre_walk *w);

/* A finding of the catalog about a path below a root. */
void cyre_catalog_complain(struct cyre_catalog *c, enum cyre_problem problem,
	uint32_t root, const char *path, const char *what);

#endif
