/*
 * conf.h - making a cyre_conf: new, read (any number of files), set (the
 * command line), finish; then it is read-only
 *
 * What is wrong with the text is a finding (CF-xxx), never an error: the host
 * we look at is broken, and half a configuration is better than none.
 */
#ifndef CYRE_CONF_INSIDE_H
#define CYRE_CONF_INSIDE_H

#include <cyrescue/conf.h>

#include "buf.h"

/* How @include gets a file; `ret` comes empty and takes the bytes. */
struct cyre_conf_reader {
	cyre_status (*include)(
		void *payload, const char *path, struct cyre_buf *ret);
	void *payload;
};

/* CYRE_OK or CYRE_ENOMEM. */
cyre_status cyre_conf_new(struct cyre_conf **ret);
/*
 * Takes in the options of one file. `path` is for findings. A `reader` of NULL
 * makes each @include a finding. CYRE_OK or CYRE_ENOMEM.
 */
cyre_status cyre_conf_read(struct cyre_conf *conf, struct cyre_slice text,
	const char *path, const struct cyre_conf_reader *reader,
	struct cyre_findings *found);
/* As if the file had it, and nothing else of this name. */
cyre_status cyre_conf_set(
	struct cyre_conf *conf, const char *name, const char *value);
/*
 * Options become fields, with the defaults of `release` (0: of the newest).
 * May be called again for another release. CYRE_OK or CYRE_ENOMEM.
 */
cyre_status cyre_conf_finish(struct cyre_conf *conf, cyre_release release,
	struct cyre_findings *found);

/* Between conf.c and conf_options.c. */
bool cyre_conf_option_exists(const char *name);

#endif
