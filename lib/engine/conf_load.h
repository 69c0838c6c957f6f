/*
 * conf_load.h - from the options of a run to a configuration
 */
#ifndef CYRE_CONF_LOAD_H
#define CYRE_CONF_LOAD_H

#include <cyrescue/scan.h>

#include "conf.h"
#include "buf.h"

/* `path` as it is reached from here: below the root, if there is one. */
void cyre_place_path(const struct cyre_source_place *place, const char *path,
	struct cyre_buf *ret);

/*
 * Reads imapd.conf and what it includes, or makes a configuration of the bare
 * roots. What is wrong with the text becomes findings. The caller owns *ret.
 *
 * CYRE_OK; CYRE_EIO when the file cannot be read (`reterr`); CYRE_ENOMEM.
 */
cyre_status cyre_conf_load(const struct cyre_source_place *place,
	struct cyre_findings *found, struct cyre_conf **ret,
	struct cyre_error *reterr);

#endif
