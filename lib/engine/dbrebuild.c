/*
 * dbrebuild.c - a rebuild of a database as a table of phases
 *
 * discover -> identify as every run; then the configdirectory is walked, and
 * what is rebuilt has a phase of its own.
 */
#include "dbrebuild.h"

#include <stdlib.h>

#include "conf_load.h"
#include "rebuild.h"

static cyre_status get_ready(struct cyre_run *r)
{
	struct cyre_dbrebuild *d = (struct cyre_dbrebuild *)r;

	cyre_run_ready(r);
	if (d->o->apply && !d->o->offline &&
		cyre_rebuild_server_runs(r, r->error))
		return CYRE_EBUSY;
	if (!r->conf->configdirectory) {
		if (r->error) {
			*r->error = (struct cyre_error){.call = "rebuild"};
			snprintf(r->error->path, sizeof(r->error->path),
				"nothing says where the databases are; name "
				"their folder with --confdir");
		}
		return CYRE_EUSAGE;
	}
	if (r->confdir)
		return CYRE_OK;
	return cyre_confdir_walk(r->conf, r->o->place.root, &r->confdir);
}

static const struct cyre_phase mailboxes[] = {
	{"looking for mailboxes", cyre_run_discover},
	{"reading headers", cyre_run_identify},
	{"getting ready", get_ready},
	{"rebuilding mailboxes.db", cyre_dbrebuild_mailboxes},
	{NULL, NULL},
};

/* A mailbox that mailboxes.db does not know is charged to nobody. */
static const struct cyre_phase quota[] = {
	{"reading mailboxes.db", cyre_run_confdir},
	{"looking for mailboxes", cyre_run_discover},
	{"reading headers", cyre_run_identify},
	{"getting ready", get_ready},
	{"counting quota", cyre_dbrebuild_quota},
	{NULL, NULL},
};

static const struct cyre_phase seen[] = {
	{"reading mailboxes.db", cyre_run_confdir},
	{"looking for mailboxes", cyre_run_discover},
	{"reading headers", cyre_run_identify},
	{"getting ready", get_ready},
	{"rebuilding seen state", cyre_dbrebuild_seen},
	{NULL, NULL},
};

const char *cyre_dbrebuild_name(enum cyre_dbrebuild_what what)
{
	static const char *const names[] = {
		[CYRE_DBREBUILD_MAILBOXES] = "mailboxes.db",
		[CYRE_DBREBUILD_QUOTA] = "quota",
		[CYRE_DBREBUILD_SEEN] = "seen",
	};

	return names[what];
}

void cyre_dbrebuild_key(const struct cyre_source_place *place,
	const char *confdir, enum cyre_dbrebuild_what what,
	struct cyre_buf *ret)
{
	cyre_place_path(place, confdir, ret);
	cyre_put_fmt(ret, "//%s/", cyre_dbrebuild_name(what));
	cyre_put_u8(ret, '\0');
}

cyre_status cyre_dbrebuild(const struct cyre_dbrebuild_options *o,
	struct cyre_dbrebuild_result *ret, struct cyre_error *reterr)
{
	struct cyre_dbrebuild_ask all = {.journal = NULL};

	return cyre_dbrebuild_part(o, &all, ret, reterr);
}

cyre_status cyre_dbrebuild_part(const struct cyre_dbrebuild_options *o,
	const struct cyre_dbrebuild_ask *ask, struct cyre_dbrebuild_result *ret,
	struct cyre_error *reterr)
{
	static const struct cyre_phase *const tables[] = {
		[CYRE_DBREBUILD_MAILBOXES] = mailboxes,
		[CYRE_DBREBUILD_QUOTA] = quota,
		[CYRE_DBREBUILD_SEEN] = seen,
	};
	struct cyre_dbrebuild d = {
		.run = {.o = &o->scan, .error = reterr},
		.o = o,
		.ask = *ask,
	};
	cyre_status st;

	/* A root is counted over all of its mailboxes, and a uniqueid can be of
	 * any. */
	d.all = o->scan;
	d.all.select = (struct cyre_select){.shards = 0};
	if (o->what != CYRE_DBREBUILD_MAILBOXES)
		d.run.o = &d.all;
	d.run.absentees = o->what == CYRE_DBREBUILD_QUOTA;
	d.run.rules = (struct cyre_gather_rules){.metadata = true};
	st = cyre_run_phases(&d.run, tables[o->what]);
	d.result.skipped |= d.run.result.skipped;
	d.result.interrupted = d.run.result.interrupted;
	cyre_mbox_merge_free(d.merge);
	cyre_quota_count_free(d.quota);
	cyre_buf_free(&d.scratch);
	cyre_seen_match_free(d.seen);
	cyre_db_free(d.db);
	cyre_db_target_free(&d.target);
	free(d.unnamed);
	*ret = d.result;
	return st;
}
