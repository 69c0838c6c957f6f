/*
 * cyrescue/confine.h - give up every right a scan does not need
 *
 * Called once, by a tool, before it opens anything of the customers. All of it
 * is for the whole process and cannot be taken back.
 */
#ifndef CYRESCUE_CONFINE_H
#define CYRESCUE_CONFINE_H

#include <sys/types.h>

#include <cyrescue/status.h>

/*
 * No file or directory can be written, made, renamed or removed any more, by
 * this process or its children, whatever its user (Landlock). File descriptors
 * that are open already go on working.
 *
 * CYRE_OK; CYRE_EUNSUPPORTED when the kernel has no Landlock; CYRE_EIO.
 */
CYRE_API cyre_status cyre_confine_readonly(struct cyre_error *reterr);

enum cyre_keep {
	CYRE_KEEP_NOTHING,
	/* CAP_DAC_READ_SEARCH: fsck leaves files to root, and they must be
	 * readable. */
	CYRE_KEEP_READ,
	/* And CAP_DAC_OVERRIDE, CAP_CHOWN, CAP_FOWNER: it leaves directories to
	 * root too, in which files are made, replaced and given back. */
	CYRE_KEEP_REPAIR
};

/*
 * From root to this user and group, all supplementary groups dropped, with no
 * capabilities but those to keep. Does nothing when not root.
 *
 * CYRE_OK, or CYRE_EIO: the process must not go on.
 */
CYRE_API cyre_status cyre_become_user(
	uid_t uid, gid_t gid, enum cyre_keep keep, struct cyre_error *reterr);

#endif
