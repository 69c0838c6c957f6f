/*
 * show.h - what the parts of cyre_show() share
 *
 * One file after the other: its findings are gathered first, then its contents
 * are put out in the order of the file, each finding behind what it is about.
 */
#ifndef CYRE_SHOW_INSIDE_H
#define CYRE_SHOW_INSIDE_H

#include <cyrescue/show.h>

#include "buf.h"
#include "dir.h"
#include "header.h"
#include "index.h"
#include "show_out.h"

struct cyre_shower {
	const struct cyre_show_options *o;
	struct cyre_out out;
	/* About the file now shown. */
	struct cyre_findings found;
	bool *told;
	size_t next; /* of those told by their offset */
	bool skipped;
	bool index_whole; /* the last one shown lost nothing */
	struct cyre_opener opener;
	struct cyre_error *error;
};

/* The files in the same directory that explain another one. */
struct cyre_beside {
	bool has_header, has_index, has_expunge;
	struct cyre_header header;
	struct cyre_index index, expunge;
};

/*
 * Header, index and expunge file of a directory, in memory that is freed with
 * them. What is wrong with them goes nowhere: it is told when they are shown.
 */
struct cyre_beside_files {
	struct cyre_buf bytes[3];
	struct cyre_beside b;
};
cyre_status cyre_show_beside(
	struct cyre_shower *s, int dirfd, struct cyre_beside_files *ret);
void cyre_show_beside_free(struct cyre_beside_files *f);

/*
 * A whole file of a directory. CYRE_OK; CYRE_EIO (EINVAL: not a regular file)
 * or CYRE_ELIMIT with s->error; CYRE_ENOMEM.
 */
cyre_status cyre_show_read(struct cyre_shower *s, int dirfd, const char *name,
	struct cyre_buf *ret);

/* What a file is by its contents. */
enum cyre_show_kind {
	CYRE_SHOW_UNKNOWN,
	CYRE_SHOW_HEADER,
	CYRE_SHOW_INDEX,
	CYRE_SHOW_CACHE,
	CYRE_SHOW_DATABASE
};

enum cyre_show_kind cyre_show_recognise(struct cyre_slice bytes);

/* The heading of a file; its own path, for findings too. */
void cyre_show_file(struct cyre_shower *s, const char *path, const char *kind,
	uint64_t size);

/* Findings: sort once all are gathered, tell, end with the rest. */
cyre_status cyre_show_sort(struct cyre_shower *s);
void cyre_show_tell(struct cyre_shower *s,
	bool (*match)(const struct cyre_finding *f, const char *what),
	const char *what);
/* Those with from <= offset < to; `from` ascends from call to call. */
void cyre_show_tell_range(struct cyre_shower *s, uint64_t from, uint64_t to);
void cyre_show_tell_rest(struct cyre_shower *s);

/* Each shows one file: CYRE_OK, CYRE_EFORMAT, CYRE_ENOMEM or CYRE_EIO. */
cyre_status cyre_show_index(struct cyre_shower *s, struct cyre_slice bytes,
	enum cyre_file which, const struct cyre_beside *b);
cyre_status cyre_show_header(
	struct cyre_shower *s, struct cyre_slice bytes, enum cyre_file which);
/* Without `records`: only what is wrong with them. */
cyre_status cyre_show_cache(struct cyre_shower *s, struct cyre_slice bytes,
	enum cyre_file which, const struct cyre_beside *b, bool records);

/* Are messages in an archive partition? Only with one is the flag set. */
bool cyre_show_has_archived(const struct cyre_index *ix);

/* A mailbox's directory; the descriptor is closed. */
cyre_status cyre_show_directory(
	struct cyre_shower *s, int dirfd, const char *path);

#endif
