/*
 * cyrescue/place.h - the server a run looks at, before it is looked at
 *
 * Threads: no state.
 */
#ifndef CYRESCUE_PLACE_H
#define CYRESCUE_PLACE_H

#include <sys/types.h>

#include <cyrescue/scan.h>

struct cyre_place_owner {
	uid_t uid;
	gid_t gid;
};

/*
 * Whose files they are: cyrus_user and cyrus_group of imapd.conf, else the
 * owner of the configdirectory, else of the first partition.
 *
 * CYRE_OK; CYRE_EIO when none of them can be found (`reterr` says what was
 * tried); CYRE_ENOMEM.
 */
CYRE_API cyre_status cyre_place_owner(const struct cyre_source_place *place,
	struct cyre_place_owner *ret, struct cyre_error *reterr);

/* SHA-256 of imapd.conf in hexadecimal, with its NUL. CYRE_OK; CYRE_EIO when
 * there is none; CYRE_ENOMEM. */
CYRE_API cyre_status cyre_place_config_sum(
	const struct cyre_source_place *place, char ret[65]);

#endif
