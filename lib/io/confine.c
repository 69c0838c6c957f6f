/* confine.c - Landlock by system call, privileges by libcap-ng. */
#include <cyrescue/confine.h>

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights newer than the headers of Debian 12. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define WRITES_ABI_1                                                           \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |       \
		LANDLOCK_ACCESS_FS_REMOVE_FILE |                               \
		LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |   \
		LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |   \
		LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
		LANDLOCK_ACCESS_FS_MAKE_SYM)

static cyre_status fail(struct cyre_error *e, const char *call, cyre_status st)
{
	if (e)
		*e = (struct cyre_error){.errnum = errno, .call = call};
	return st;
}

static uint64_t writes_for(long abi)
{
	uint64_t writes = WRITES_ABI_1;

	if (abi >= 2)
		writes |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		writes |= LANDLOCK_ACCESS_FS_TRUNCATE;
	return writes;
}

cyre_status cyre_confine_readonly(struct cyre_error *reterr)
{
	struct landlock_ruleset_attr attr = {0};
	cyre_status st = CYRE_OK;
	long abi, fd;

	abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
		LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return fail(
			reterr, "landlock_create_ruleset", CYRE_EUNSUPPORTED);
	/* These rights are handled and no rule grants them: all are refused. */
	attr.handled_access_fs = writes_for(abi);
	fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return fail(reterr, "landlock_create_ruleset", CYRE_EIO);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		st = fail(reterr, "prctl", CYRE_EIO);
	else if (syscall(SYS_landlock_restrict_self, (int)fd, 0))
		st = fail(reterr, "landlock_restrict_self", CYRE_EIO);
	close((int)fd);
	return st;
}

cyre_status cyre_become_user(
	uid_t uid, gid_t gid, enum cyre_keep keep, struct cyre_error *reterr)
{
	const capng_type_t both =
		(capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
	int rc;

	if (geteuid() != 0)
		return CYRE_OK;
	capng_clear(CAPNG_SELECT_BOTH);
	if (keep >= CYRE_KEEP_READ)
		capng_update(CAPNG_ADD, both, CAP_DAC_READ_SEARCH);
	if (keep >= CYRE_KEEP_REPAIR)
		capng_updatev(CAPNG_ADD, both, CAP_DAC_OVERRIDE, CAP_CHOWN,
			CAP_FOWNER, -1);
	errno = 0;
	rc = capng_change_id((int)uid, (int)gid,
		(capng_flags_t)(CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING));
	if (rc)
		return fail(reterr, "capng_change_id", CYRE_EIO);
	return CYRE_OK;
}
