/*
 * discover.h - find every mailbox by walking the partitions
 *
 * A walk is a growing list of directories. Those behind `next` are still to be
 * listed, in any order and by any threads; then cyre_walk_expand() adds their
 * children:
 *
 *	cyre_walk_open(conf, root, guess, &w)
 *	while (w->next < w->n)
 *		cyre_walk_list(w, opener, i) for each i from next to n - 1
 *		cyre_walk_expand(w)
 *	cyre_walk_finish(w, &catalog)
 *
 * cyre_discover() does that in one thread. What cannot be read is a finding of
 * the catalog, never an error.
 */
#ifndef CYRE_DISCOVER_H
#define CYRE_DISCOVER_H

#include "mailbox.h"

/* One directory of a walk. */
struct cyre_walk_dir {
	uint32_t root, partition;
	unsigned depth;
	char *path; /* relative to the root, "" for itself */
	struct cyre_listing list;
	char **children;
	size_t n_children, cap_children;
};

/* A root that lies inside another one: not to be walked twice. */
struct cyre_walk_nested {
	uint32_t root;
	char *path; /* relative to that root */
};

struct cyre_walk {
	struct cyre_catalog *catalog; /* its roots are open already */
	bool guess;
	struct cyre_walk_dir *dirs;
	size_t n, cap;
	size_t next; /* the first one not listed yet */
	struct cyre_walk_nested *nested;
	size_t n_nested;
};

/*
 * Opens the roots of all partitions; `root` (may be NULL) is what every
 * absolute path is below. `guess`: there was no imapd.conf, so how directories
 * are hashed is not known. The conf must outlive the catalog. CYRE_OK with
 * what could not be opened as findings, or CYRE_ENOMEM.
 */
cyre_status cyre_walk_open(const struct cyre_conf *conf, const char *root,
	bool guess, struct cyre_walk **ret);
/* Lists dirs[i]; may run at the same time for different i. CYRE_OK, ENOMEM. */
cyre_status cyre_walk_list(
	struct cyre_walk *w, struct cyre_opener *o, size_t i);
cyre_status cyre_walk_expand(struct cyre_walk *w);
/* The walk is over: it becomes the catalog, and is freed in any case. */
cyre_status cyre_walk_finish(struct cyre_walk *w, struct cyre_catalog **ret);
void cyre_walk_free(struct cyre_walk *w); /* NULL is fine */

cyre_status cyre_discover(const struct cyre_conf *conf, const char *root,
	bool guess, struct cyre_catalog **ret);

#endif
