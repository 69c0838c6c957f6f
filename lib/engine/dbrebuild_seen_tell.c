/*
 * dbrebuild_seen_tell.c - what is to become of each user's seen state, told
 */
#include "dbrebuild_seen.h"

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
	const struct cyre_seen_run *q, const struct cyre_seen_file *s, size_t i)
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

cyre_status cyre_seen_tell_source(const struct cyre_seen_run *q,
	const struct cyre_seen_file *s, struct cyre_dbreport_source *source)
{
	const struct cyre_dbreport_options *out = &q->d->o->out;

	if (!source->problem && !out->verbose &&
		out->format != CYRE_REPORT_JSON)
		return CYRE_OK;
	source->path = (const char *)s->target.path.p;
	return cyre_dbreport_source(out, source);
}

cyre_status cyre_seen_tell_file(
	struct cyre_seen_run *q, const struct cyre_seen_file *s)
{
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < s->n && st == CYRE_OK; i++) {
		q->counts[s->choices[i].action]++;
		st = tell_record(q, s, i);
	}
	return st;
}

cyre_status cyre_seen_tell_sum(const struct cyre_seen_run *q)
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
