/*
 * dbrebuild_seen.c - every user's seen state: mended, and put where it belongs
 *
 * A damaged database is salvaged and written anew in its own format and order.
 * lib/repair/seen_match.c decides which records get the uniqueid that their
 * mailbox has now, by what dbrebuild_seen_evidence.c brings it. A file that needs
 * neither is not touched.
 */
#include "dbrebuild_seen.h"

#include <cyrescue/dbload.h>

#include <stdlib.h>

#include "databases.h"
#include "userdb.h"

/* ---- one file ---- */

static size_t count_readable(const struct cyre_db *db)
{
	size_t i, n = 0;
	struct cyre_seen s;

	for (i = 0; i < cyre_db_count(db); i++)
		n += cyre_seen_read(cyre_db_at(db, i)->value, &s);
	return n;
}

static cyre_status read_file(struct cyre_seen_run *q, struct cyre_seen_file *s,
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
static cyre_status take_records(
	struct cyre_seen_run *q, struct cyre_seen_file *s)
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
static bool key_of(
	const struct cyre_seen_file *s, size_t i, struct cyre_slice *ret)
{
	const struct cyre_seen_choice *c = &s->choices[i];

	*ret = s->records[i]->key;
	if (c->action == CYRE_SEEN_ATTACHED)
		*ret = c->mailbox->uniqueid;
	return c->action != CYRE_SEEN_REPLACED &&
	       c->action != CYRE_SEEN_UNREADABLE;
}

/* What is not asked for stays. */
static void leave(const struct cyre_seen_run *q, struct cyre_seen_file *s)
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

static cyre_status make_file(struct cyre_seen_run *q, struct cyre_seen_file *s)
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

static bool is_changed(const struct cyre_seen_file *s)
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

/* ---- the files ---- */

static cyre_status write_batch(struct cyre_seen_run *q)
{
	cyre_status st = cyre_dbrebuild_apply(q->d, q->targets, q->n);
	size_t i;

	for (i = 0; i < q->n; i++)
		cyre_db_target_free(&q->targets[i]);
	q->n = 0;
	return st;
}

/* The new file, until its batch is written. */
static cyre_status queue(struct cyre_seen_run *q, struct cyre_seen_file *s)
{
	cyre_buf_free(&s->target.bytes);
	q->targets[q->n++] = s->target;
	s->target = (struct cyre_db_target){.dir = NULL};
	return q->n == CYRE_SEEN_BATCH ? write_batch(q) : CYRE_OK;
}

/* One file that cannot be done is told, and does not end the run. */
static cyre_status fail_file(
	struct cyre_seen_run *q, const struct cyre_seen_file *s, cyre_status st)
{
	struct cyre_dbreport_source source = {.database = "seen",
		.role = "seen",
		.problem = cyre_status_text(st)};

	if (st == CYRE_ENOMEM)
		return st;
	q->d->result.skipped = true;
	return cyre_seen_tell_source(q, s, &source);
}

static cyre_status look(struct cyre_seen_run *q, struct cyre_seen_file *s)
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
	st = cyre_seen_tell_source(q, s, &source);
	if (st == CYRE_OK && s->db)
		st = take_records(q, s);
	if (st == CYRE_OK && s->db)
		st = cyre_seen_match_file(
			d->seen, s->records, s->n, s->choices);
	leave(q, s);
	return st == CYRE_OK ? cyre_seen_tell_file(q, s) : st;
}

static cyre_status mend(struct cyre_seen_run *q, struct cyre_seen_file *s)
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
	struct cyre_seen_run *q, const struct cyre_server_file *f)
{
	struct cyre_dbrebuild *d = q->d;
	struct cyre_seen_file s = {.f = f};
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

static cyre_status run_seen(struct cyre_seen_run *q)
{
	struct cyre_dbrebuild *d = q->d;
	const struct cyre_server_file *f;
	cyre_status st;
	size_t i, n;

	st = cyre_seen_evidence(d);
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
	return cyre_seen_tell_sum(q);
}

cyre_status cyre_dbrebuild_seen(struct cyre_run *r)
{
	struct cyre_seen_run *q = calloc(1, sizeof(*q));
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
