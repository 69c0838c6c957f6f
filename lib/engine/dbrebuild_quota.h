/*
 * dbrebuild_quota.h - what the counting of quotas and the writing share
 */
#ifndef CYRE_DBREBUILD_QUOTA_H
#define CYRE_DBREBUILD_QUOTA_H

#include "dbrebuild.h"

struct cyre_quota_run {
	struct cyre_dbrebuild *d;
	struct cyre_db_target *targets; /* of files that are new */
	size_t n, cap;
	bool one_file; /* quotas.db */
	bool damaged;  /* … which is to be written again in any case */
	bool gaps;     /* … a later change may have been in what is gone */
	struct cyre_db_write_options as; /* … as it is */
	bool list; /* new roots as 2.5 and later write them */
	uint64_t counts[CYRE_QUOTA_ACTIONS];
};

/* As 2.5 and later write a value: `%(S (…) …)`. */
static inline bool cyre_quota_is_list(struct cyre_slice value)
{
	return cyre_slice_starts(value, cyre_slice_str("%("));
}

/* It is to be other than it is. */
static inline bool cyre_quota_is_written(const struct cyre_quota_root *r)
{
	return r->action == CYRE_QUOTA_CHANGED ||
	       r->action == CYRE_QUOTA_ADDED ||
	       r->action == CYRE_QUOTA_DOUBTFUL;
}

/*
 * dbrebuild_quota_files.c: a file for each root that is written, where the
 * server has it so, else quotas.db as a whole; applied. CYRE_OK, what
 * cyre_dbrebuild_apply() says, CYRE_ENOMEM.
 */
cyre_status cyre_quota_write(struct cyre_quota_run *q,
	struct cyre_quota_root *const *roots, size_t n);
/* Takes away what a killed run left beside files that stay as they are.
 * CYRE_OK, CYRE_EIO, CYRE_ENOMEM. */
cyre_status cyre_quota_sweep(struct cyre_quota_run *q,
	struct cyre_quota_root *const *roots, size_t n);

#endif
