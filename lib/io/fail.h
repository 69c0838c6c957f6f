/*
 * fail.h - a failed system call becomes a status
 */
#ifndef CYRE_FAIL_H
#define CYRE_FAIL_H

#include <errno.h>
#include <stdio.h>

#include <cyrescue/status.h>

/* CYRE_EIO (CYRE_ENOMEM for ENOMEM); errno, `call` (static storage) and `path`
 * go to `reterr`, which may be NULL. */
static inline cyre_status cyre_sys_fail(
	struct cyre_error *reterr, const char *call, const char *path)
{
	int errnum = errno;

	if (reterr) {
		*reterr = (struct cyre_error){.errnum = errnum, .call = call};
		snprintf(reterr->path, sizeof(reterr->path), "%s", path);
	}
	return errnum == ENOMEM ? CYRE_ENOMEM : CYRE_EIO;
}

#endif
