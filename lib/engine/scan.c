/*
 * scan.c - a scan as a table of phases
 *
 * discover -> identify -> judge (docs/design.md section 3): each phase is a
 * function on the run, and ends before the next begins, because names and
 * duplicate ids must be known of all mailboxes before one is reported.
 */
#include "run.h"

static const struct cyre_phase phases[] = {
	{"looking for mailboxes", cyre_run_discover},
	{"reading headers", cyre_run_identify},
	{"checking", cyre_run_judge},
	{NULL, NULL},
};

cyre_status cyre_scan(const struct cyre_scan_options *o,
	struct cyre_scan_result *ret, struct cyre_error *reterr)
{
	struct cyre_run r = {.o = o, .error = reterr};
	cyre_status st;

	if (o->level < CYRE_LEVEL_DIRECTORIES || o->level > CYRE_LEVEL_PARSE)
		return CYRE_EUSAGE;
	r.rules = (struct cyre_gather_rules){
		.metadata = o->level >= CYRE_LEVEL_METADATA,
		.sizes = o->level >= CYRE_LEVEL_SUMS,
		.caches = o->level >= CYRE_LEVEL_SUMS,
	};
	st = cyre_run_phases(&r, phases);
	*ret = r.result;
	return st;
}
