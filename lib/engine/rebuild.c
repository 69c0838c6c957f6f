/*
 * rebuild.c - a rebuild as a table of phases, and what it needs around them
 *
 * discover -> identify -> survey -> rebuild, then the databases in runs of
 * their own: they are read as the mailboxes are then. Before anything is
 * planned: is the server stopped, is there a folder for the originals, what does
 * the journal say is done, what does the reviewed plan want.
 */
#include "rebuild.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "grow.h"
#include "read_file.h"
#include "undo_archive.h"
#include "undo_dir.h"

#define PLAN_LIMIT    ((size_t)1 << 30) /* bytes */
#define JOURNAL_LIMIT ((size_t)1 << 32)
#define PATH_SIZE     4096

static cyre_status sys_fail(
	struct cyre_error *e, const char *call, const char *path)
{
	if (e) {
		*e = (struct cyre_error){.errnum = errno, .call = call};
		snprintf(e->path, sizeof(e->path), "%s", path);
	}
	return CYRE_EIO;
}

static cyre_status explain(
	struct cyre_error *e, cyre_status st, const char *text)
{
	if (e) {
		*e = (struct cyre_error){.call = "rebuild"};
		snprintf(e->path, sizeof(e->path), "%s", text);
	}
	return st;
}

/* The roots by their real paths: what is applied must be what was read, also
 * where a link below --root would lead elsewhere from here. */
static cyre_status find_root_paths(struct cyre_rebuild *rb)
{
	const struct cyre_catalog *c = rb->run.catalog;
	char link[64], path[PATH_SIZE];
	ssize_t n;
	size_t i;

	rb->root_paths = calloc(c->n_roots + 1, sizeof(*rb->root_paths));
	if (!rb->root_paths)
		return CYRE_ENOMEM;
	for (i = 0; i < c->n_roots; i++) {
		path[0] = '\0';
		if (c->roots[i].fd >= 0) {
			snprintf(link, sizeof(link), "/proc/self/fd/%d",
				c->roots[i].fd);
			n = readlink(link, path, sizeof(path) - 1);
			if (n < 0)
				return sys_fail(
					rb->run.error, "readlink", link);
			path[n] = '\0';
		}
		rb->root_paths[i] = strdup(path);
		if (!rb->root_paths[i])
			return CYRE_ENOMEM;
	}
	return CYRE_OK;
}

/* What interrupted runs left; and where an undo below another root begins. */
static cyre_status look_back(struct cyre_rebuild *rb)
{
	const char *folder = (const char *)rb->undo_dir.p;
	const char *root = rb->run.o->place.root;
	cyre_status st = cyre_archive_sweep(folder, rb->run.error);

	if (st == CYRE_OK)
		st = cyre_half_done_read(folder, &rb->half_done, rb->run.error);
	if (st != CYRE_OK || !root)
		return st;
	rb->real_root = realpath(root, NULL);
	return rb->real_root ? CYRE_OK
			     : sys_fail(rb->run.error, "realpath", root);
}

static cyre_status note_done(
	void *payload, const struct cyre_journal_line *line)
{
	struct cyre_rebuild *rb = payload;
	char **p;

	if (line->state != CYRE_JOURNAL_DONE || !line->mboxname)
		return CYRE_OK;
	p = cyre_grow(rb->done, rb->n_done, &rb->cap_done, sizeof(*rb->done));
	if (!p)
		return CYRE_ENOMEM;
	rb->done = p;
	rb->done[rb->n_done] = strdup(line->mboxname);
	if (!rb->done[rb->n_done])
		return CYRE_ENOMEM;
	rb->n_done++;
	return CYRE_OK;
}

static int by_text(const void *va, const void *vb)
{
	return strcmp(*(const char *const *)va, *(const char *const *)vb);
}

static cyre_status read_journal(struct cyre_rebuild *rb, const char *path)
{
	struct cyre_buf bytes = {.limit = JOURNAL_LIMIT};
	cyre_status st = cyre_read_path(path, &bytes, rb->run.error);

	if (st == CYRE_OK)
		st = cyre_journal_read(cyre_buf_slice(&bytes), note_done, rb);
	cyre_buf_free(&bytes);
	if (st == CYRE_OK && rb->n_done)
		qsort(rb->done, rb->n_done, sizeof(*rb->done), by_text);
	return st;
}

static cyre_status open_journal(struct cyre_rebuild *rb)
{
	struct cyre_buf b = {0};
	const char *path;
	cyre_status st = CYRE_OK;

	cyre_undo_dir_journal(
		(const char *)rb->undo_dir.p, rb->o->journal, rb->o->run, &b);
	path = (const char *)b.p;
	if (b.bad)
		st = CYRE_ENOMEM;
	else if (rb->o->resume)
		st = read_journal(rb, path);
	if (st == CYRE_OK)
		st = cyre_journal_open(path, rb->run.error, &rb->journal);
	cyre_buf_free(&b);
	return st;
}

static cyre_status read_plan(struct cyre_rebuild *rb)
{
	struct cyre_buf bytes = {.limit = PLAN_LIMIT};
	cyre_status st = cyre_read_path(rb->o->plan, &bytes, rb->run.error);

	if (st == CYRE_OK) {
		st = cyre_plan_list_read(
			cyre_buf_slice(&bytes), &rb->now, &rb->plan);
		if (st != CYRE_OK)
			explain(rb->run.error, st, rb->o->plan);
	}
	cyre_buf_free(&bytes);
	return st;
}

static cyre_status write_plan_header(struct cyre_rebuild *rb)
{
	struct cyre_buf line = {0};
	cyre_status st = CYRE_OK;

	cyre_plan_put_header(&line, rb);
	if (line.bad)
		st = CYRE_ENOMEM;
	else if (rb->o->plan_write(line.p, line.n, rb->o->plan_payload) < 0)
		st = CYRE_EIO;
	cyre_buf_free(&line);
	return st;
}

/* Nothing is read for a plan before all of this stands. */
static cyre_status get_ready(struct cyre_run *r)
{
	struct cyre_rebuild *rb = (struct cyre_rebuild *)r;
	const struct cyre_rebuild_options *o = rb->o;
	cyre_status st = CYRE_OK;

	cyre_run_ready(r);
	if (o->apply && !o->online && !o->offline &&
		cyre_rebuild_server_runs(r, r->error))
		return CYRE_EBUSY;
	if (o->plan)
		st = read_plan(rb);
	if (st == CYRE_OK)
		st = find_root_paths(rb);
	if (st == CYRE_OK && o->apply)
		st = cyre_undo_dir_make(r, o->undo_dir, &rb->undo_dir);
	if (st == CYRE_OK && o->apply)
		st = look_back(rb);
	if (st == CYRE_OK && o->apply)
		st = open_journal(rb);
	if (st == CYRE_OK && o->plan_write)
		st = write_plan_header(rb);
	return st;
}

/*
 * Not one index is left: the databases tell how old the server can be at most.
 * What the oldest of the releases wrote all the others read; a version newer
 * than its own a server refuses.
 */
static void guess_versions(struct cyre_rebuild *rb)
{
	cyre_release since = rb->outside.server.since;
	const struct cyre_mboxdb *list = rb->run.mboxdb;
	char release[16];
	size_t i;

	if (list && list->since > since)
		since = list->since;
	if (!since)
		return;
	snprintf(release, sizeof(release), "%u.%u", since >> 8, since & 0xff);
	for (i = 0; i < rb->run.conf->n_partitions; i++)
		if (!rb->neighbours[i].index_version)
			rb->neighbours[i].index_version =
				cyre_plan_version_of(release);
}

static cyre_status read_databases(struct cyre_run *r)
{
	struct cyre_rebuild *rb = (struct cyre_rebuild *)r;
	enum cyre_severity worst = CYRE_SEV_NOTE;
	cyre_status st = cyre_outside_open(r, &rb->outside);

	if (st == CYRE_OK)
		guess_versions(rb);
	/* A damaged list may call a mailbox as it was called once. */
	cyre_findings_worst(&r->list_found, &worst);
	r->charges = worst <= CYRE_SEV_STALE;
	rb->recharges = r->quotas.whole && !rb->o->no_databases &&
			r->o->select.shards <= 1 &&
			!(rb->o->apply && rb->o->online &&
				cyre_rebuild_server_runs(r, NULL));
	/* No mailbox was judged yet: what was found is the server's, and no
	 * database's. Nothing of it is repaired. */
	rb->result.server_left =
		r->result.has_findings && r->result.worst > CYRE_SEV_NOTE;
	return st;
}

/* What the last step needs to know of the server. */
static cyre_status look_at_server(struct cyre_run *r)
{
	struct cyre_rebuild *rb = (struct cyre_rebuild *)r;

	if (!r->confdir->path)
		return CYRE_OK;
	rb->confdir = strdup(r->confdir->path);
	rb->server_runs = rb->o->apply && rb->o->online &&
			  cyre_rebuild_server_runs(r, NULL);
	if (!rb->confdir)
		return CYRE_ENOMEM;
	/* Nobody has written to a directory since it was listed. */
	if (!rb->result.changed && !rb->result.put_back && !rb->o->online)
		return cyre_looked_keep(r);
	return CYRE_OK;
}

static const struct cyre_phase phases[] = {
	{"looking for databases", cyre_run_confdir},
	{"looking for mailboxes", cyre_looked_discover},
	{"reading headers", cyre_run_identify},
	{"getting ready", get_ready},
	{"reading indexes", cyre_rebuild_survey},
	{"reading databases", read_databases},
	{"rebuilding", cyre_rebuild_work},
	{"looking for the server", look_at_server},
	{NULL, NULL},
};

static void free_rebuild(struct cyre_rebuild *rb)
{
	size_t i;

	for (i = 0; rb->root_paths && rb->root_paths[i]; i++)
		free(rb->root_paths[i]);
	free(rb->root_paths);
	for (i = 0; i < rb->n_done; i++)
		free(rb->done[i]);
	free(rb->done);
	free(rb->neighbours);
	cyre_outside_close(&rb->run, &rb->outside);
	cyre_looked_free(&rb->looked);
	cyre_plan_list_free(rb->plan);
	if (rb->journal)
		cyre_journal_close(rb->journal);
	cyre_half_done_free(rb->half_done);
	free(rb->real_root);
	free(rb->confdir);
	cyre_buf_free(&rb->undo_dir);
}

cyre_status cyre_rebuild(const struct cyre_rebuild_options *o,
	struct cyre_rebuild_result *ret, struct cyre_error *reterr)
{
	struct cyre_rebuild rb = {
		.run = {.o = &o->scan,
			.error = reterr,
			.absentees = true,
			.charges = true},
		.o = o,
		.now = o->scan.now,
	};
	cyre_status st;

	if ((o->online && o->offline) ||
		(o->release && !cyre_mail_behaviour(o->release)))
		return CYRE_EUSAGE;
	rb.run.looked = &rb.looked;
	rb.run.rules = (struct cyre_gather_rules){
		.metadata = true,
		.sizes = true,
		.caches = true,
		.leftovers = true,
	};
	st = cyre_run_phases(&rb.run, phases);
	rb.result.scan = rb.run.result;
	if (st == CYRE_OK && rb.run.result.complete && rb.confdir)
		st = cyre_rebuild_databases(&rb);
	free_rebuild(&rb);
	*ret = rb.result;
	return st;
}
