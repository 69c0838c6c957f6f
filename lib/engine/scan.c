/*
 * scan.c - a scan as a table of phases
 *
 * confdir -> discover -> identify -> judge -> databases (docs/design.md section
 * 3): each phase is a function on the run, and ends before the next begins,
 * because names and duplicate ids must be known of all mailboxes before one is
 * reported.
 */
#include "run.h"

static const struct cyre_phase databases[] = {
	{"looking for databases", cyre_run_confdir},
	{"checking databases", cyre_run_databases},
	{NULL, NULL},
};

static const struct cyre_phase phases[] = {
	{"looking for databases", cyre_run_confdir},
	{"looking for mailboxes", cyre_run_discover},
	{"reading headers", cyre_run_identify},
	{"checking", cyre_run_judge},
	{"checking databases", cyre_run_databases},
	{NULL, NULL},
};

cyre_status cyre_scan(const struct cyre_scan_options *o,
	struct cyre_scan_result *ret, struct cyre_error *reterr)
{
	struct cyre_run r = {
		.o = o, .error = reterr, .cross = true, .absentees = true};
	cyre_status st;

	if (o->level > CYRE_LEVEL_PARSE)
		return CYRE_EUSAGE;
	r.rules = (struct cyre_gather_rules){
		.metadata = o->level >= CYRE_LEVEL_METADATA,
		/* From there on every message is opened, which tells as much.
		 */
		.sizes = o->level == CYRE_LEVEL_SUMS,
		.caches = o->level >= CYRE_LEVEL_SUMS,
	};
	st = cyre_run_phases(
		&r, o->level == CYRE_LEVEL_DATABASES ? databases : phases);
	*ret = r.result;
	return st;
}
