/*
 * confdir_walk.h - what the parts of the walk of confdir.h hand to each other
 */
#ifndef CYRE_CONFDIR_WALK_H
#define CYRE_CONFDIR_WALK_H

#include "confdir.h"
#include "layout.h"

#define CYRE_CONFDIR_DEPTH 6 /* components of a path */

/* How the name of a file and its place make a kind and an owner. */
enum cyre_confdir_rule {
	CYRE_CONFDIR_SERVER,
	CYRE_CONFDIR_DUMP,
	CYRE_CONFDIR_USER,
	CYRE_CONFDIR_ID,
	CYRE_CONFDIR_QUOTA
};

/* `?` is one character, `*` anything. */
struct cyre_confdir_pattern {
	const char *c[CYRE_CONFDIR_DEPTH];
	enum cyre_confdir_rule rule;
	enum cyre_server_copy copy;
};

struct cyre_confdir_path {
	struct cyre_slice c[CYRE_CONFDIR_DEPTH];
	size_t n;
};

struct cyre_confdir_walk {
	struct cyre_confdir *c;
	struct cyre_opener opener;
	int dirfd; /* that paths are relative to */
	bool quotas_only;
};

struct cyre_confdir_entries {
	struct cyre_confdir_entry {
		char *name;
		enum cyre_kind kind;
	} * items;
	size_t n, cap;
};

/* ---- confdir.c ---- */

void cyre_confdir_complain(struct cyre_confdir *c, enum cyre_problem problem,
	const char *path, const char *what);
/* CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_confdir_append(
	struct cyre_confdir *c, struct cyre_server_file f);
/* Adds a file whose name and place mean something. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_confdir_add(struct cyre_confdir_walk *w,
	const struct cyre_confdir_pattern *pat, const char *path,
	enum cyre_kind kind);
/* What stands in a directory; one that cannot be read is a finding. CYRE_OK,
 * CYRE_ENOMEM; the entries are to be freed in any case. */
cyre_status cyre_confdir_list(struct cyre_confdir_walk *w, const char *path,
	struct cyre_confdir_entries *ret);

/* The files of quota roots below w->dirfd. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_confdir_walk_quotas(struct cyre_confdir_walk *w);

/* ---- confdir_place.c ---- */

/* Splits what we made ourselves: no component is empty. */
void cyre_confdir_split(const char *path, struct cyre_confdir_path *ret);
/* Kind, copy and owner of a file; false: no file of the server. */
bool cyre_confdir_read_place(const struct cyre_confdir_path *p,
	const struct cyre_confdir_pattern *pat, struct cyre_server_file *f,
	struct cyre_buf *owner);
/* Marks files that are not where the server looks. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_confdir_mark_misplaced(
	struct cyre_confdir *c, struct cyre_layout l);

/* ---- confdir_outside.c: options and Debian's job, behind the walk ---- */

cyre_status cyre_confdir_add_configured(struct cyre_confdir_walk *w,
	const struct cyre_conf *conf, const char *root);
cyre_status cyre_confdir_add_dumps(
	struct cyre_confdir_walk *w, const char *root);

/* ---- confdir_find.c ---- */

/* In the order of confdir.h, which the lookups need. */
void cyre_confdir_sort(struct cyre_confdir *c);

#endif
