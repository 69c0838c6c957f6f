/*
 * dbrebuild_seen.c - every user's seen state: mended, and put where it belongs
 *
 * A damaged database is salvaged and written anew in its own format and order.
 * lib/repair/seen_match.c decides which records get the uniqueid that their
 * mailbox has now; it is brought what headers and indexes say, what mailboxes.db
 * says, and what its copies say of former ids. A file that needs neither is not
 * touched.
 */
#include "dbrebuild.h"

#include <cyrescue/dbload.h>

#include <stdlib.h>

#include "databases.h"
#include "read_file.h"
#include "userdb.h"

/* So many new files are one change: all of them, or none. */
#define BATCH 256

struct seen_run {
	struct cyre_dbrebuild *d;
	struct cyre_buf scratch;
	struct cyre_db_target targets[BATCH];
	size_t n;
	uint64_t counts[CYRE_SEEN_ACTIONS], files;
};

/* A user's database. */
struct seen_file {
	const struct cyre_server_file *f;
	const char *user; /* NULL: nobody tells */
	struct cyre_db_target target;
	struct cyre_db *db; /* NULL: it cannot be read */
	bool damaged;
	const struct cyre_db_entry **records; /* one a key */
	struct cyre_seen_choice *choices;
	size_t n;
};

/* ---- what there is ---- */

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

/* ---- one file ---- */

static size_t count_readable(const struct cyre_db *db)
{
	size_t i, n = 0;
	struct cyre_seen s;

	for (i = 0; i < cyre_db_count(db); i++)
		n += cyre_seen_read(cyre_db_at(db, i)->value, &s);
	return n;
}

static cyre_status read_file(struct seen_run *q, struct seen_file *s,
	struct cyre_dbreport_source *source)
{
	struct cyre_dbload_options o = {.memory = q->d->run.rules.limit};
	struct cyre_slice bytes = cyre_buf_slice(&s->target.bytes);
	struct cyre_findings found = {.keep = 1};
	enum cyre_severity worst;
	cyre_status st;

	if (!bytes.n) {
		source->problem = "it is empty";
		return CYRE_OK;
	}
	st = cyre_dbload_bytes(
		(const char *)s->target.path.p, bytes, &o, &found, &s->db);
	if (st == CYRE_EFORMAT || st == CYRE_EUNSUPPORTED) {
		source->problem = "its first bytes are not those of a database";
		s->damaged = true;
		st = cyre_dbrebuild_guess(bytes, count_readable, &s->db);
		if (st == CYRE_OK && !s->db)
			q->d->result.left = true;
	} else if (st == CYRE_OK && cyre_findings_worst(&found, &worst) &&
		   (worst > CYRE_SEV_STALE ||
			   (q->d->ask.stale && worst == CYRE_SEV_STALE))) {
		source->problem = "it is damaged";
		s->damaged = true;
	}
	if (st == CYRE_OK && s->db) {
		cyre_dbrebuild_describe(
			s->db, cyre_dbrebuild_is_complete(&found), source);
		q->d->result.left |= source->missing > 0;
	}
	s->damaged &= !q->d->ask.leave_damaged;
	cyre_findings_free(&found);
	return st;
}

/* The surest record of each key. What is from before a gap is better than
 * nothing here: at worst, messages are unread that were read. */
static cyre_status take_records(struct seen_run *q, struct seen_file *s)
{
	size_t i, count = cyre_db_count(s->db);

	s->records = calloc(count + 1, sizeof(const struct cyre_db_entry *));
	s->choices = calloc(count + 1, sizeof(*s->choices));
	if (!s->records || !s->choices)
		return CYRE_ENOMEM;
	for (i = 0; i < count; i++) {
		const struct cyre_db_entry *e = cyre_db_at(s->db, i);

		if (e->trust > CYRE_DB_RESURRECTED || !e->key.n ||
			cyre_db_find(s->db, e->key) != e)
			continue;
		s->records[s->n++] = e;
		q->d->result.left |= e->trust == CYRE_DB_RESURRECTED;
	}
	return CYRE_OK;
}

/* The key a record is to have; false: it goes. */
static bool key_of(const struct seen_file *s, size_t i, struct cyre_slice *ret)
{
	const struct cyre_seen_choice *c = &s->choices[i];

	*ret = s->records[i]->key;
	if (c->action == CYRE_SEEN_ATTACHED)
		*ret = c->mailbox->uniqueid;
	return c->action != CYRE_SEEN_REPLACED &&
	       c->action != CYRE_SEEN_UNREADABLE;
}

/* What is not asked for stays. */
static void leave(const struct seen_run *q, struct seen_file *s)
{
	const struct cyre_dbrebuild_ask *ask = &q->d->ask;
	size_t i;

	for (i = 0; i < s->n; i++) {
		enum cyre_seen_action a = s->choices[i].action;

		if ((ask->leave_detached && (a == CYRE_SEEN_ATTACHED ||
						    a == CYRE_SEEN_REPLACED)) ||
			(ask->leave_damaged && a == CYRE_SEEN_UNREADABLE))
			s->choices[i].action = CYRE_SEEN_KEPT;
	}
}

static cyre_status make_file(struct seen_run *q, struct seen_file *s)
{
	const struct cyre_db_info *info = cyre_db_info(s->db);
	struct cyre_db_entry *records = calloc(s->n + 1, sizeof(*records));
	struct cyre_db_write_options o = {
		.format = info->format,
		.order = info->order,
		.generation = info->generation + 1,
		.padded = info->padded,
		.time = (uint32_t)q->d->run.o->now,
	};
	cyre_status st;
	size_t i, n = 0;

	if (!records)
		return CYRE_ENOMEM;
	/* Not written by us; the server that has it reads twoskip as well. */
	if (o.format == CYRE_DB_TWOM)
		o.format = CYRE_DB_TWOSKIP;
	for (i = 0; i < s->n; i++)
		if (key_of(s, i, &records[n].key))
			records[n++].value = s->records[i]->value;
	st = cyre_db_target_make(q->d, &s->target, &o, records, n);
	free(records);
	return st;
}

static bool is_changed(const struct seen_file *s)
{
	struct cyre_slice key;
	size_t i;

	if (!s->db || s->damaged)
		return s->db != NULL;
	for (i = 0; i < s->n; i++)
		if (!key_of(s, i, &key) ||
			!cyre_slice_eq(key, s->records[i]->key))
			return true;
	return false;
}

/* ---- the plan, told ---- */

static const char *why(const struct cyre_seen_choice *c)
{
	switch (c->action) {
	case CYRE_SEEN_REPLACED:
		return "the one that is attached is newer";
	case CYRE_SEEN_OWN_NEWER:
		return "its mailbox has a newer one; this is left as it is";
	case CYRE_SEEN_UNREADABLE:
		return "the server cannot read such a value, and ends";
	case CYRE_SEEN_NO_MAILBOX:
		return "no mailbox has this uniqueid, and nothing tells which "
		       "had it: deleted, most likely";
	default:
		return cyre_seen_doubt_text(c->doubt);
	}
}

static cyre_status tell_record(
	const struct seen_run *q, const struct seen_file *s, size_t i)
{
	const struct cyre_seen_choice *c = &s->choices[i];
	struct cyre_slice may_be[CYRE_SEEN_MAY_BE];
	struct cyre_dbreport_field field = {
		.name = "uniqueid",
		.origin = c->proof == CYRE_SEEN_NAME ? "name and UIDVALIDITY"
						     : "copy of mailboxes.db",
		.before = s->records[i]->key,
	};
	struct cyre_dbreport_change change = {
		.database = "seen",
		.action = cyre_seen_action_name(c->action),
		.name = s->records[i]->key,
		.user = s->user ? s->user : s->f->owner,
		.why = why(c),
		.may_be = may_be,
		.fields = &field,
		.trivial = c->action == CYRE_SEEN_KEPT ||
			   c->action == CYRE_SEEN_NO_MAILBOX,
	};

	if (c->mailbox && c->mailbox->name.n)
		change.name = c->mailbox->name;
	if (c->action == CYRE_SEEN_ATTACHED && c->mailbox) {
		field.after = c->mailbox->uniqueid;
		change.n_fields = 1;
	}
	if (c->action == CYRE_SEEN_UNDECIDED) {
		change.name = s->records[i]->key;
		for (; change.n_may_be < c->n_may_be; change.n_may_be++)
			may_be[change.n_may_be] =
				c->may_be[change.n_may_be]->name;
	}
	return cyre_dbreport_change(&q->d->o->out, &change);
}

static cyre_status tell_source(const struct seen_run *q,
	const struct seen_file *s, struct cyre_dbreport_source *source)
{
	const struct cyre_dbreport_options *out = &q->d->o->out;

	if (!source->problem && !out->verbose &&
		out->format != CYRE_REPORT_JSON)
		return CYRE_OK;
	source->path = (const char *)s->target.path.p;
	return cyre_dbreport_source(out, source);
}

static cyre_status tell_file(struct seen_run *q, const struct seen_file *s)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < s->n && st == CYRE_OK; i++) {
		q->counts[s->choices[i].action]++;
		st = tell_record(q, s, i);
	}
	return st;
}

/* ---- the files ---- */

static cyre_status write_batch(struct seen_run *q)
{
	cyre_status st = cyre_dbrebuild_apply(q->d, q->targets, q->n);
	size_t i;

	for (i = 0; i < q->n; i++)
		cyre_db_target_free(&q->targets[i]);
	q->n = 0;
	return st;
}

/* The new file, until its batch is written. */
static cyre_status queue(struct seen_run *q, struct seen_file *s)
{
	cyre_buf_free(&s->target.bytes);
	q->targets[q->n++] = s->target;
	s->target = (struct cyre_db_target){.dir = NULL};
	return q->n == BATCH ? write_batch(q) : CYRE_OK;
}

/* One file that cannot be done is told, and does not end the run. */
static cyre_status fail_file(
	struct seen_run *q, const struct seen_file *s, cyre_status st)
{
	struct cyre_dbreport_source source = {.database = "seen",
		.role = "seen",
		.problem = cyre_status_text(st)};

	if (st == CYRE_ENOMEM)
		return st;
	q->d->result.skipped = true;
	return tell_source(q, s, &source);
}

static cyre_status look(struct seen_run *q, struct seen_file *s)
{
	struct cyre_dbrebuild *d = q->d;
	struct cyre_dbreport_source source = {
		.database = "seen", .role = "seen"};
	cyre_status st;

	st = cyre_db_target_open(d, s->f, s->f->path, &s->target);
	cyre_buf_reset(&s->target.path);
	cyre_run_put_path(&d->run, s->f, &s->target.path);
	if (s->target.path.bad)
		return CYRE_ENOMEM;
	if (st == CYRE_OK)
		st = read_file(q, s, &source);
	if (st != CYRE_OK)
		return fail_file(q, s, st);
	st = tell_source(q, s, &source);
	if (st == CYRE_OK && s->db)
		st = take_records(q, s);
	if (st == CYRE_OK && s->db)
		st = cyre_seen_match_file(
			d->seen, s->records, s->n, s->choices);
	leave(q, s);
	return st == CYRE_OK ? tell_file(q, s) : st;
}

static cyre_status mend(struct seen_run *q, struct seen_file *s)
{
	struct cyre_dbrebuild *d = q->d;
	cyre_status st = look(q, s);
	bool changed = is_changed(s);

	if (st != CYRE_OK || !s->target.root)
		return st;
	if (d->o->apply) {
		st = changed ? make_file(q, s)
			     : cyre_db_target_sweep(d, &s->target);
		if (st != CYRE_OK)
			return fail_file(q, s, st);
	}
	q->files += changed;
	return changed && d->o->apply ? queue(q, s) : CYRE_OK;
}

static cyre_status consider(
	struct seen_run *q, const struct cyre_server_file *f)
{
	struct cyre_dbrebuild *d = q->d;
	struct seen_file s = {.f = f};
	bool selected = false;
	char *user;
	cyre_status st = cyre_database_owner(&d->run, f, &user);

	if (st == CYRE_OK)
		st = cyre_database_selected(&d->run, &d->o->scan.select, user,
			&q->scratch, &selected);
	s.user = user;
	if (st == CYRE_OK && selected)
		st = mend(q, &s);
	cyre_db_target_free(&s.target);
	cyre_db_free(s.db);
	free(s.records);
	free(s.choices);
	free(user);
	return st;
}

static cyre_status tell_sum(const struct seen_run *q)
{
	const struct cyre_dbrebuild *d = q->d;
	struct cyre_dbreport_sum s = {
		.database = "seen",
		.path = d->run.conf->configdirectory,
		.state = "unchanged",
	};
	int i;

	if (q->files)
		s.state = d->o->apply ? "written" : "planned";
	for (i = 0; i < CYRE_SEEN_ACTIONS; i++) {
		s.actions[i] = cyre_seen_action_name((enum cyre_seen_action)i);
		s.counts[i] = q->counts[i];
	}
	s.actions[i] = "files to write";
	if (d->o->apply)
		s.actions[i] = "files written";
	s.counts[i] = q->files;
	return cyre_dbreport_sum(&d->o->out, &s);
}

static cyre_status run_seen(struct seen_run *q)
{
	struct cyre_dbrebuild *d = q->d;
	const struct cyre_server_file *f;
	cyre_status st;
	size_t i, n;

	st = cyre_seen_match_new(&d->seen);
	if (st == CYRE_OK)
		st = cyre_dbrebuild_facts(d, take_mailbox);
	if (st == CYRE_OK)
		st = take_list(d);
	if (st == CYRE_OK)
		st = take_copies(d);
	if (st == CYRE_OK)
		st = cyre_seen_match_ready(d->seen);
	if (st != CYRE_OK)
		return st;
	f = cyre_confdir_all(d->run.confdir, CYRE_SERVER_SEEN, &n);
	for (i = 0; i < n && st == CYRE_OK; i++) {
		if (cyre_run_stopped(&d->run))
			return CYRE_ECANCELED;
		if (f[i].copy == CYRE_COPY_LIVE)
			st = consider(q, &f[i]);
	}
	if (st == CYRE_OK && q->n)
		st = write_batch(q);
	if (st != CYRE_OK)
		return st;
	d->result.planned = q->files && !d->o->apply;
	d->result.left |= q->counts[CYRE_SEEN_UNDECIDED] > 0;
	return tell_sum(q);
}

cyre_status cyre_dbrebuild_seen(struct cyre_run *r)
{
	struct seen_run *q = calloc(1, sizeof(*q));
	cyre_status st;
	size_t i;

	if (!q)
		return CYRE_ENOMEM;
	q->d = (struct cyre_dbrebuild *)r;
	st = run_seen(q);
	for (i = 0; i < q->n; i++)
		cyre_db_target_free(&q->targets[i]);
	cyre_buf_free(&q->scratch);
	free(q);
	return st;
}
