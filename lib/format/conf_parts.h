/*
 * conf_parts.h - what conf.c, conf_options.c and conf_partitions.c have of each
 * other
 */
#ifndef CYRE_CONF_PARTS_H
#define CYRE_CONF_PARTS_H

#include "conf.h"

bool cyre_conf_option_exists(const char *name);
/* A finding about an option; `value` may be NULL. */
void cyre_conf_complain(struct cyre_findings *found, enum cyre_problem problem,
	const char *name, const char *value);
/* The list made again from all options. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_conf_collect_partitions(
	struct cyre_conf *conf, struct cyre_findings *found);

#endif
