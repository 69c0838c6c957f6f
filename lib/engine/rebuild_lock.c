/*
 * rebuild_lock.c - is the server running, and its locks when it is
 *
 * docs/formats/per-mailbox-other.md 1 and layout.md 2; lib/io/lock.h says which
 * lock belongs to which release.
 */
#include "rebuild.h"

#include <stdlib.h>
#include <unistd.h>

#include "conf_load.h"

#define WAIT_MS   5000 /* for a mailbox that somebody has open */
#define PID_FILES 16

/* The path below --root, owned by the buffer; NULL stays NULL. */
static const char *rooted(const struct cyre_source_place *place,
	const char *path, struct cyre_buf *b)
{
	if (!path)
		return NULL;
	cyre_place_path(place, path, b);
	cyre_put_u8(b, '\0');
	return b->bad ? NULL : (const char *)b->p;
}

static bool server_runs(const struct cyre_source_place *place,
	const struct cyre_conf *conf, struct cyre_error *reterr)
{
	struct cyre_buf b[PID_FILES + 3] = {{0}};
	const char *pids[PID_FILES + 1], *own;
	struct cyre_server_signs signs = {.pid_files = pids};
	struct cyre_server_sign sign;
	bool runs;
	size_t i;

	own = cyre_conf_get(conf, "master_pid_file");
	signs.confdir = rooted(place, conf->configdirectory, &b[PID_FILES]);
	signs.proc_path = rooted(place, conf->proc_path, &b[PID_FILES + 1]);
	pids[0] = rooted(place, own, &b[PID_FILES + 2]);
	signs.n_pid_files = pids[0] != NULL;
	for (i = 0; i < cyre_n_pid_files && i < PID_FILES; i++) {
		pids[signs.n_pid_files] =
			rooted(place, cyre_pid_files[i], &b[i]);
		signs.n_pid_files += pids[signs.n_pid_files] != NULL;
	}
	runs = cyre_server_is_running(&signs, &sign);
	if (runs && reterr) {
		*reterr = (struct cyre_error){.call = "server"};
		snprintf(reterr->path, sizeof(reterr->path),
			"the server runs (%.480s)", sign.what);
	}
	for (i = 0; i < PID_FILES + 3; i++)
		cyre_buf_free(&b[i]);
	return runs;
}

bool cyre_rebuild_server_runs(
	const struct cyre_run *r, struct cyre_error *reterr)
{
	return server_runs(&r->o->place, r->conf, reterr);
}

cyre_status cyre_server_look(
	const struct cyre_source_place *place, struct cyre_error *reterr)
{
	struct cyre_findings found = {0};
	struct cyre_conf *conf;
	cyre_status st = cyre_conf_load(place, &found, &conf, reterr);

	cyre_findings_free(&found);
	if (st != CYRE_OK)
		return st;
	if (server_runs(place, conf, reterr))
		st = CYRE_EBUSY;
	cyre_conf_free(conf);
	return st;
}

/* The directory of the mailbox that has the file; -1: none. */
static int open_side(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_mailbox *m, enum cyre_file file)
{
	const struct cyre_side *side =
		cyre_mailbox_where(r->catalog, m, file, NULL);
	struct cyre_error err;
	int dir;

	if (!side || cyre_dir_open(&w->gatherer.opener,
			     r->catalog->roots[side->root].fd, m->dir, &dir,
			     &err) != CYRE_OK)
		return -1;
	return dir;
}

static cyre_status lock_files(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_mailbox *m, struct cyre_locks *ret,
	struct cyre_error *reterr)
{
	static const enum cyre_file order[] = {
		CYRE_FILE_HEADER, CYRE_FILE_INDEX, CYRE_FILE_CACHE};
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < 3 && st == CYRE_OK; i++) {
		int dir = open_side(&rb->run, w, m, order[i]);

		if (dir < 0)
			continue;
		st = cyre_lock_file(
			ret, dir, cyre_file_name(order[i]), WAIT_MS, reterr);
		close(dir);
	}
	return st;
}

/* The id is hashed as a name of one component would be. */
static void put_id(
	const struct cyre_conf *conf, const char *id, struct cyre_buf *path)
{
	struct cyre_layout l = cyre_layout_of(conf);
	char c = cyre_hash_char(l.hash, l.caret, cyre_slice_str(id));

	if (c)
		cyre_put_fmt(path, "/%c", c);
	cyre_put_fmt(path, "/%s.lock", id);
}

/* Where 2.4 and later keep the lock: the mailbox's directory below lock/, or
 * since 3.6, for one that lies in uuid/, its id. */
static cyre_status lock_name(struct cyre_rebuild *rb,
	const struct cyre_mailbox *m, struct cyre_locks *ret,
	struct cyre_error *reterr)
{
	const struct cyre_conf *conf = rb->run.conf;
	struct cyre_buf path = {0};
	cyre_status st = CYRE_EUSAGE;

	if (conf->mboxname_lockpath)
		cyre_place_path(
			&rb->run.o->place, conf->mboxname_lockpath, &path);
	else if (conf->configdirectory)
		cyre_place_path(
			&rb->run.o->place, conf->configdirectory, &path);
	if (path.n && !conf->mboxname_lockpath)
		cyre_put_str(&path, "/lock");
	if (path.n) {
		if (m->uniqueid)
			put_id(conf, m->uniqueid, &path);
		else
			cyre_put_fmt(&path, "/%s.lock", m->dir);
		cyre_put_u8(&path, '\0');
		st = path.bad ? CYRE_ENOMEM
			      : cyre_lock_name(ret, (const char *)path.p,
					WAIT_MS, reterr);
	}
	cyre_buf_free(&path);
	return st;
}

cyre_status cyre_rebuild_lock(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_mailbox *m, struct cyre_locks *ret,
	struct cyre_error *reterr)
{
	unsigned version = rb->neighbours[m->partition].index_version;
	cyre_status st;

	/* The versions around it tell which server this is. */
	if (version && version < 12)
		st = lock_files(rb, w, m, ret, reterr);
	else
		st = lock_name(rb, m, ret, reterr);
	if (st != CYRE_OK)
		cyre_locks_release(ret);
	return st;
}
