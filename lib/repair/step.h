/*
 * step.h - one mailbox inside a batch: its directories and its changes
 *
 * Private to apply.c, step.c and step_make.c. A job is opened, checked, prepared
 * (its new files written beside the old ones), performed by ranks, and finished
 * or taken back. Each function returns a status and puts the error, with the
 * full path, into job->set.
 */
#ifndef CYRE_STEP_H
#define CYRE_STEP_H

#include "buf.h"
#include "change.h"
#include "dir.h"

/* The order in which changes are made; see apply.c. */
enum cyre_rank {
	CYRE_RANK_ASIDE,
	CYRE_RANK_OTHER,
	CYRE_RANK_CACHE,
	CYRE_RANK_EXPUNGE,
	CYRE_RANK_HEADER,
	CYRE_RANK_INDEX,
	CYRE_RANK_REMOVE,
	CYRE_RANK_MOVE,
	CYRE_RANK_KEEP
};

struct cyre_job_dir {
	const char *root, *dir;
	int fd; /* -1: there is no such directory */
	uint64_t dev;
	bool source; /* not only the target of a move: ours alone */
};

struct cyre_step {
	const struct cyre_change *c;
	enum cyre_rank rank;
	struct cyre_job_dir *at, *to; /* to: of a move */
	struct cyre_file_info was;    /* fd: of the original, for the archive */
	struct cyre_identity now, after; /* at the check; when done */
	int tmp; /* descriptor of the temporary, until it is synced */
	bool existed, todo, has_tmp, performed;
	bool makes_room; /* a write where something is moved aside before */
};

/* A directory this job made. */
struct cyre_made {
	const char *root;
	char *dir, *name; /* name: last component of dir */
	int parent;
};

struct cyre_job {
	struct cyre_change_set *set;
	struct cyre_opener *o; /* borrowed */
	struct cyre_job_dir *dirs;
	size_t n_dirs;
	struct cyre_step *steps; /* in the order of their ranks */
	size_t n_steps, n_todo, n_writes;
	struct cyre_made *made;
	size_t n_made;
	bool alive; /* nothing failed so far */
};

cyre_status cyre_job_open(struct cyre_job *job, struct cyre_change_set *set,
	struct cyre_opener *o);
/* Compares every file with its identity: what is to do, what is done already. */
cyre_status cyre_job_check(struct cyre_job *job, struct cyre_hasher *hasher);
/* Makes missing directories and writes the new files; with `close_early` their
 * descriptors are not kept. */
cyre_status cyre_job_prepare(struct cyre_job *job, bool close_early);
/* fsync of the new files one by one. */
cyre_status cyre_job_sync_files(struct cyre_job *job);
cyre_status cyre_job_perform(
	struct cyre_job *job, enum cyre_rank from, enum cyre_rank to);
/* fsync of the directories one by one. */
cyre_status cyre_job_sync_dirs(struct cyre_job *job);
/* The old files, now under temporary names, go. */
cyre_status cyre_job_finish(struct cyre_job *job);
/* Everything back to what it was; what cannot be is told by set->changed. */
void cyre_job_take_back(struct cyre_job *job);
void cyre_job_close(struct cyre_job *job);

/* Between the two. The directory, if it is there: CYRE_OK, CYRE_EIO, CYRE_ENOMEM. */
cyre_status cyre_job_open_dir(
	struct cyre_job_dir *d, struct cyre_opener *o, struct cyre_error *e);

/* Its files lie on several file systems, whose renames have no common order. */
bool cyre_job_is_split(const struct cyre_job *job);
/* Puts status and error of one of its files into the set. Returns `st`. */
cyre_status cyre_job_fail(struct cyre_job *job, const struct cyre_step *s,
	cyre_status st, const struct cyre_error *e);

#endif
