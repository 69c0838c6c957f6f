/*
 * dbrebuild_mailboxes.c - mailboxes.db made again: sources, merge, plan, file
 *
 * lib/repair/mbox_merge.c decides, this brings it what there is and carries out
 * what it decided. The new file is of the form that the server reads: that of
 * the old records, of the copies, of the headers and indexes, whichever is the
 * newest; in the container of the old file, else as imapd.conf says, else of
 * a copy, else as that release would make it.
 */
#include "dbrebuild.h"

#include <stdlib.h>

#include "conf_load.h"
#include "db.h"
#include "names.h"
#include "select.h"

static bool is_selected(void *payload, const struct cyre_mbox *m)
{
	struct cyre_dbrebuild *d = payload;
	struct cyre_run *r = &d->run;
	struct cyre_buf user = {0}, scratch = {0}, partition = {0};
	bool yes = false;

	cyre_name_userid(r->conf, m->name, &user);
	cyre_put_slice(&partition, m->partition);
	cyre_put_u8(&partition, '\0');
	if (user.bad || partition.bad ||
		cyre_select_match(&r->o->select, r->conf, m->name,
			cyre_buf_slice(&user), (const char *)partition.p,
			&scratch, &yes) != CYRE_OK)
		r->status = CYRE_ENOMEM;
	cyre_buf_free(&user);
	cyre_buf_free(&scratch);
	cyre_buf_free(&partition);
	return yes;
}

static void find_owner(
	void *payload, struct cyre_slice name, struct cyre_buf *ret)
{
	struct cyre_dbrebuild *d = payload;

	cyre_name_userid(d->run.conf, name, ret);
}

static cyre_status merge_all(struct cyre_dbrebuild *d)
{
	struct cyre_mbox_merge_options o = {
		.complete = d->complete,
		.damaged = d->damaged,
		.leave = d->ask.leave,
		.now = d->run.o->now,
		.owner = find_owner,
		.payload = d,
	};
	cyre_status st;

	if (cyre_select_some(&d->run.o->select))
		o.wanted = is_selected;
	if (d->db)
		o.old = cyre_mbox_form_of(d->db);
	st = cyre_mbox_merge_new(&o, &d->merge);
	if (st == CYRE_OK && d->db)
		st = cyre_mbox_merge_database(d->merge, d->db);
	if (st == CYRE_OK)
		st = cyre_dbrebuild_dirs(d);
	if (st == CYRE_OK && d->db)
		st = cyre_mbox_merge_copies(
			d->merge, d->db, CYRE_MBOX_SALVAGED, 0);
	if (st == CYRE_OK)
		st = cyre_dbrebuild_copies(d);
	if (st == CYRE_OK)
		st = cyre_dbrebuild_unnamed(d);
	d->form = d->seen_form;
	if (d->db && cyre_db_count(d->db) && o.old > d->form)
		d->form = o.old;
	return st == CYRE_OK ? d->run.status : st;
}

/* All rights, as the release spells them (mailboxes-db.md section 3). */
static const char *all_rights(const struct cyre_dbrebuild *d)
{
	if (d->form != CYRE_MBOX_TEXT)
		return "lrswipkxtecdan";
	return d->index_version >= 7 ? "lrswipkxtecda" : "lrswipcda";
}

/* ---- the plan, told ---- */

static const char *why_left(unsigned left)
{
	if (left & CYRE_MBOX_LEAVE_RESERVED)
		return "creating or moving it was interrupted; for a person to "
		       "decide";
	if (left & CYRE_MBOX_LEAVE_UNIQUEID)
		return "its header has another uniqueid; for a person to "
		       "decide";
	if (left & CYRE_MBOX_LEAVE_TWIN)
		return "another mailbox has its uniqueid, one of them is a "
		       "copy; for a person to decide";
	return "not asked for";
}

static const char *why(const struct cyre_mbox_entry *e)
{
	if (e->left)
		return why_left(e->left);
	switch (e->action) {
	case CYRE_MBOX_NO_DIRECTORY:
		return "only a copy tells of it, and there is no directory: "
		       "deleted since, or lost";
	case CYRE_MBOX_NO_UNIQUEID:
		return "its header has no uniqueid; run cyrrebuild first";
	case CYRE_MBOX_BAD_NAME:
		return "no mailbox can have this name";
	default:
		return NULL;
	}
}

struct telling {
	struct cyre_dbrebuild *d;
	bool is_new;               /* the records are of 3.6 or later */
	struct cyre_buf own, text; /* what the strings stand in */
	size_t ends[2 * CYRE_MBOX_FIELD_COUNT];
};

/* The fields that differ from the record as it is. */
static cyre_status tell_entry(
	struct telling *t, const struct cyre_mbox_entry *e)
{
	struct cyre_dbreport_field fields[CYRE_MBOX_FIELD_COUNT];
	struct cyre_dbreport_change c = {
		.database = "mailboxes.db",
		.action = cyre_mbox_action_name(e->action),
		.name = e->m.name,
		.why = why(e),
		.fields = fields,
		.trivial = e->action == CYRE_MBOX_KEPT && !e->left,
	};
	struct cyre_mbox before = {.name = e->m.name};
	enum cyre_mbox_field f;
	size_t at = 0;

	if (e->left && e->action == CYRE_MBOX_KEPT)
		c.action = cyre_mbox_action_name(CYRE_MBOX_NOT_ASKED);
	if (c.trivial && !(t->d->o->out.verbose ||
				 t->d->o->out.format == CYRE_REPORT_JSON))
		return CYRE_OK;
	if (e->key.n &&
		!cyre_mbox_read(e->key, e->value, t->is_new, &t->own, &before))
		return CYRE_ENOMEM;
	if (e->key.n)
		before.history = e->m.history; /* of the other record */
	cyre_buf_reset(&t->text);
	for (f = 0; f < CYRE_MBOX_FIELD_COUNT; f++) {
		if (e->key.n)
			cyre_mbox_put_field(&t->text, &before, t->d->form, f);
		t->ends[2 * f] = t->text.n;
		cyre_mbox_put_field(&t->text, &e->m, t->d->form, f);
		t->ends[2 * f + 1] = t->text.n;
	}
	if (t->text.bad)
		return CYRE_ENOMEM;
	for (f = 0; f < CYRE_MBOX_FIELD_COUNT; f++) {
		struct cyre_slice was, is;

		was = cyre_slice(t->text.p + at, t->ends[2 * f] - at);
		is = cyre_slice(t->text.p + t->ends[2 * f],
			t->ends[2 * f + 1] - t->ends[2 * f]);
		at = t->ends[2 * f + 1];
		if (e->action > CYRE_MBOX_CHANGED || cyre_slice_eq(was, is))
			continue;
		fields[c.n_fields++] = (struct cyre_dbreport_field){
			.name = cyre_mbox_field_name(f),
			.origin = cyre_mbox_source_name(
				(enum cyre_mbox_source)e->origin[f]),
			.before = was,
			.after = is,
		};
	}
	return cyre_dbreport_change(&t->d->o->out, &c);
}

static cyre_status tell_unnamed(struct cyre_dbrebuild *d)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < d->n_unnamed && st == CYRE_OK; i++) {
		const struct cyre_candidate *c =
			&d->run.candidates[d->unnamed[i]];

		st = cyre_dbreport_change(&d->o->out,
			&(struct cyre_dbreport_change){
				.database = "mailboxes.db",
				.action = "no-name",
				.name = cyre_slice_str(c->mailbox->dir),
				.why = "nothing tells the name of the mailbox "
				       "in this directory"});
	}
	return st;
}

static cyre_status tell_plan(
	struct cyre_dbrebuild *d, const struct cyre_mbox_merge_result *m)
{
	struct telling t = {.d = d};
	cyre_status st = CYRE_OK;
	size_t i;

	t.is_new = d->db && cyre_mbox_form_of(d->db) == CYRE_MBOX_IDS;
	for (i = 0; i < m->n && st == CYRE_OK; i++)
		st = tell_entry(&t, m->entries[i]);
	cyre_buf_free(&t.own);
	cyre_buf_free(&t.text);
	return st == CYRE_OK ? tell_unnamed(d) : st;
}

/* ---- the file ---- */

/* 2.0, and 2.1 built as Debian did: Berkeley DB, and seen state in flat files.
 * Nothing on the disk says how it was built, but these go together. */
static bool has_flat_seen(struct cyre_dbrebuild *d)
{
	struct cyre_buf bytes = {.limit = 1 << 20};
	const struct cyre_server_file *f;
	enum cyre_kind kind;
	bool flat;
	size_t n;

	f = cyre_confdir_all(d->run.confdir, CYRE_SERVER_SEEN, &n);
	flat = f &&
	       cyre_confdir_read(f, &d->opener, &bytes, &kind, NULL) ==
		       CYRE_OK &&
	       cyre_db_detect(cyre_buf_slice(&bytes)) == CYRE_DB_FLAT;
	cyre_buf_free(&bytes);
	return flat;
}

/* A file without a byte may be of any format. */
static enum cyre_db_format choose_format(struct cyre_dbrebuild *d)
{
	enum cyre_db_format f = d->db && d->target.bytes.n
					? cyre_db_info(d->db)->format
					: CYRE_DB_NONE;

	if (f == CYRE_DB_NONE)
		f = cyre_db_format_of_option(
			cyre_conf_get(d->run.conf, "mboxlist_db"));
	if (f == CYRE_DB_NONE)
		f = d->seen_format;
	/* Not written by us; the server that has it reads twoskip as well. */
	if (f == CYRE_DB_TWOM)
		f = CYRE_DB_TWOSKIP;
	if (f != CYRE_DB_NONE)
		return f;
	if (d->form != CYRE_MBOX_TEXT)
		return CYRE_DB_TWOSKIP;
	return d->index_version && d->index_version <= 4 && has_flat_seen(d)
		       ? CYRE_DB_BERKELEY
		       : CYRE_DB_SKIPLIST;
}

/* The file does not always show its order: a Berkeley one is opened with that
 * of the option, right or wrong. */
static enum cyre_db_order choose_order(
	const struct cyre_dbrebuild *d, enum cyre_db_format format)
{
	bool sorted =
		d->run.conf->improved_mboxlist_sort && d->form != CYRE_MBOX_IDS;
	const struct cyre_db_info *info = d->db ? cyre_db_info(d->db) : NULL;

	if (info && info->format == format && format != CYRE_DB_BERKELEY)
		return info->order;
	return sorted ? CYRE_DB_MAILBOX : cyre_db_usual_order(format);
}

static cyre_status write_file(
	struct cyre_dbrebuild *d, enum cyre_db_format format)
{
	struct cyre_db_write_options o = {.format = format,
		.order = choose_order(d, format),
		.time = (uint32_t)d->run.o->now};
	struct cyre_db_entry *records = NULL;
	cyre_status st;
	size_t n = 0;

	if (d->db) {
		o.generation = cyre_db_info(d->db)->generation + 1;
		o.padded = cyre_db_info(d->db)->padded;
	}
	st = cyre_mbox_merge_records(d->merge, &records, &n);
	if (st == CYRE_OK)
		st = cyre_db_target_make(d, &d->target, &o, records, n);
	free(records);
	if (st == CYRE_OK)
		st = cyre_dbrebuild_apply(d, &d->target, 1);
	return st;
}

/* What a plan is held against. */
static void put_identity(const struct cyre_identity *is,
	struct cyre_dbreport_sum *s, char hex[2 * CYRE_SHA256_LEN + 1])
{
	s->absent = !is->exists;
	if (!is->exists)
		return;
	cyre_to_hex(is->sha256, CYRE_SHA256_LEN, hex);
	s->sha256 = hex;
	s->size = is->size;
}

static cyre_status tell_sum(struct cyre_dbrebuild *d,
	const struct cyre_mbox_merge_result *m, enum cyre_db_format format,
	const char *state)
{
	struct cyre_dbreport_sum s = {
		.database = "mailboxes.db",
		.path = (const char *)d->target.path.p,
		.state = state,
	};
	char hex[2 * CYRE_SHA256_LEN + 1];
	int a, n = 0;

	put_identity(&d->target.before, &s, hex);
	if (m->changed) {
		s.format = cyre_db_format_name(format);
		s.form = cyre_mbox_form_name(d->form);
		s.dropped = m->derived;
	}
	for (a = 0; a < CYRE_MBOX_ACTIONS; a++) {
		s.actions[n] = cyre_mbox_action_name((enum cyre_mbox_action)a);
		s.counts[n++] = m->count[a];
	}
	s.actions[n] = "no-name";
	s.counts[n++] = d->n_unnamed;
	s.actions[n] = "second-directory";
	s.counts[n] = m->doubles;
	return cyre_dbreport_sum(&d->o->out, &s);
}

static cyre_status refuse_selection(struct cyre_dbrebuild *d)
{
	if (d->run.error) {
		*d->run.error = (struct cyre_error){.call = "rebuild"};
		snprintf(d->run.error->path, sizeof(d->run.error->path),
			"there is no readable mailboxes.db to put a selection "
			"of mailboxes into; rebuild all of them");
	}
	return CYRE_EUSAGE;
}

/* It is what a plan was made on. */
static cyre_status check_expected(struct cyre_dbrebuild *d)
{
	const struct cyre_identity *want = d->ask.expected;
	const struct cyre_identity *is = &d->target.before;

	if (!want ||
		(want->exists == is->exists && want->size == is->size &&
			!memcmp(want->sha256, is->sha256, CYRE_SHA256_LEN)))
		return CYRE_OK;
	if (d->run.error) {
		*d->run.error = (struct cyre_error){.call = "plan"};
		snprintf(d->run.error->path, sizeof(d->run.error->path),
			"it was changed since the plan was made");
	}
	return CYRE_EBUSY;
}

cyre_status cyre_dbrebuild_mailboxes(struct cyre_run *r)
{
	struct cyre_dbrebuild *d = (struct cyre_dbrebuild *)r;
	struct cyre_mbox_merge_result m;
	const char *state = "unchanged";
	enum cyre_db_format format;
	cyre_status st;

	st = cyre_dbrebuild_open(d);
	if (st == CYRE_OK)
		st = check_expected(d);
	if (st == CYRE_OK && !d->db && cyre_select_some(&r->o->select))
		return refuse_selection(d);
	if (st == CYRE_OK)
		st = merge_all(d);
	if (st == CYRE_OK)
		st = cyre_mbox_merge_finish(
			d->merge, d->form, all_rights(d), &m);
	if (st == CYRE_OK)
		st = tell_plan(d, &m);
	if (st != CYRE_OK)
		return st;
	format = choose_format(d);
	m.changed &= d->db || m.n > 0;
	if (m.changed && d->o->apply) {
		st = write_file(d, format);
		state = "written";
	} else if (m.changed) {
		d->result.planned = true;
		state = "planned";
	} else if (d->o->apply) {
		st = cyre_db_target_sweep(d, &d->target);
	}
	d->result.left = m.count[CYRE_MBOX_NO_UNIQUEID] ||
			 m.count[CYRE_MBOX_BAD_NAME] || m.left || d->n_unnamed;
	return st == CYRE_OK ? tell_sum(d, &m, format, state) : st;
}
