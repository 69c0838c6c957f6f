/*
 * dbrebuild_seen_evidence.c - whose read marks are whose: what headers and
 * indexes say, what mailboxes.db says, and what its copies say of former ids
 */
#include "dbrebuild_seen.h"

#include "read_file.h"

static cyre_status take_mailbox(
	struct cyre_dbrebuild *d, size_t job, const struct cyre_dir_facts *f)
{
	const struct cyre_candidate *c = &d->run.candidates[job];
	const struct cyre_mboxdb_entry *e = NULL;
	struct cyre_seen_mailbox m = {
		.name = f->dir.name,
		.uniqueid = f->dir.uniqueid,
		.index_known = f->index_version > 0,
		.uidvalidity = f->dir.uidvalidity,
		.last_uid = f->last_uid,
	};

	if (c->name)
		e = cyre_mboxdb_by_name(d->run.mboxdb, c->name);
	if (e && e->uniqueid)
		m.listed = cyre_slice_str(e->uniqueid);
	return cyre_seen_match_mailbox(d->seen, &m);
}

/* Those on other servers, and those whose directory is gone. */
static cyre_status take_list(struct cyre_dbrebuild *d)
{
	const struct cyre_mboxdb *list = d->run.mboxdb;
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; list && i < list->n_ids && st == CYRE_OK; i++)
		st = cyre_seen_match_known(
			d->seen, cyre_slice_str(list->by_id[i]->uniqueid));
	return st;
}

static cyre_status take_copy(struct cyre_dbrebuild *d, struct cyre_slice bytes)
{
	struct cyre_mboxdb *copy;
	cyre_status st = cyre_mboxdb_read(bytes, NULL, &copy);
	size_t i;

	if (st != CYRE_OK)
		return st == CYRE_ENOMEM ? st : CYRE_OK;
	for (i = 0; i < copy->n_ids && st == CYRE_OK; i++)
		st = cyre_seen_match_former(d->seen,
			cyre_slice_str(copy->by_id[i]->name),
			cyre_slice_str(copy->by_id[i]->uniqueid),
			copy->by_id[i]->uidvalidity);
	cyre_mboxdb_free(copy);
	return st;
}

/* A donor that cannot be read ends the run: it was asked for. */
static cyre_status take_copies(struct cyre_dbrebuild *d)
{
	struct cyre_buf bytes = {.limit = d->run.rules.limit};
	const struct cyre_server_file *f;
	cyre_status st = CYRE_OK, read;
	enum cyre_kind kind;
	size_t i, n;

	for (i = 0; i < d->o->n_donors && st == CYRE_OK; i++) {
		st = cyre_read_path(d->o->donors[i], &bytes, d->run.error);
		if (st == CYRE_OK)
			st = take_copy(d, cyre_buf_slice(&bytes));
	}
	f = cyre_confdir_find(d->run.confdir, CYRE_SERVER_MAILBOXES, NULL, &n);
	for (i = 0; i < n && st == CYRE_OK; i++) {
		if (f[i].copy == CYRE_COPY_LIVE && i == 0)
			continue;
		read = cyre_confdir_read(
			&f[i], &d->opener, &bytes, &kind, NULL);
		if (read == CYRE_OK)
			st = take_copy(d, cyre_buf_slice(&bytes));
		else if (read == CYRE_ENOMEM)
			st = read;
	}
	cyre_buf_free(&bytes);
	return st;
}

cyre_status cyre_seen_evidence(struct cyre_dbrebuild *d)
{
	cyre_status st = cyre_seen_match_new(&d->seen);

	if (st == CYRE_OK)
		st = cyre_dbrebuild_facts(d, take_mailbox);
	if (st == CYRE_OK)
		st = take_list(d);
	if (st == CYRE_OK)
		st = take_copies(d);
	return st == CYRE_OK ? cyre_seen_match_ready(d->seen) : st;
}
