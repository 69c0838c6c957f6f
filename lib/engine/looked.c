/* looked.c - see looked.h. */
#include "looked.h"

#include <stdlib.h>

#include "mboxlist.h"
#include "quotas.h"

static void forget(struct cyre_looked *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		free(l->mailboxes[i].name);
		free(l->mailboxes[i].uniqueid);
	}
	free(l->mailboxes);
	l->mailboxes = NULL;
	l->n = 0;
}

void cyre_looked_free(struct cyre_looked *l)
{
	forget(l);
	cyre_catalog_free(l->catalog);
	cyre_conf_free(l->conf);
	l->catalog = NULL;
	l->conf = NULL;
}

/* ---- phases ---- */

cyre_status cyre_looked_discover(struct cyre_run *r)
{
	struct cyre_looked *l = r->looked;
	cyre_status st;

	if (l->catalog) {
		r->catalog = l->catalog;
		l->catalog = NULL;
		cyre_run_miss_list(r);
		return CYRE_OK;
	}
	cyre_looked_free(l);
	st = cyre_run_discover(r);
	if (st != CYRE_OK)
		return st;
	l->mailboxes =
		calloc(r->catalog->n_mailboxes + 1, sizeof(*l->mailboxes));
	if (!l->mailboxes)
		return CYRE_ENOMEM;
	l->n = r->catalog->n_mailboxes;
	return CYRE_OK;
}

/* Of a run that did not come so far the catalog is freed with it. */
cyre_status cyre_looked_keep(struct cyre_run *r)
{
	struct cyre_looked *l = r->looked;

	l->catalog = r->catalog;
	r->catalog = NULL;
	/* One that was kept before has the conf it was made with. */
	if (!l->conf) {
		l->conf = r->conf;
		r->conf = NULL;
	}
	return CYRE_OK;
}

/* ---- name and id ---- */

static bool copy(const char *s, char **ret)
{
	free(*ret);
	*ret = s ? strdup(s) : NULL;
	return *ret || !s;
}

cyre_status cyre_looked_identify(
	const struct cyre_run *r, size_t i, struct cyre_candidate *c, bool *ret)
{
	const struct cyre_looked_mailbox *m;

	*ret = r->looked && r->looked->mailboxes[i].identified;
	if (!*ret)
		return CYRE_OK;
	m = &r->looked->mailboxes[i];
	return copy(m->name, &c->name) && copy(m->uniqueid, &c->uniqueid)
		       ? CYRE_OK
		       : CYRE_ENOMEM;
}

cyre_status cyre_looked_note_identity(
	struct cyre_run *r, size_t i, const struct cyre_candidate *c)
{
	struct cyre_looked_mailbox *m;

	if (!r->looked)
		return CYRE_OK;
	m = &r->looked->mailboxes[i];
	if (!copy(c->name, &m->name) || !copy(c->uniqueid, &m->uniqueid))
		return CYRE_ENOMEM;
	m->identified = true;
	return CYRE_OK;
}

/* ---- the rest ---- */

static void put_text(struct cyre_buf *b, const char *s)
{
	cyre_put_u8(b, s != NULL);
	cyre_put_str(b, s ? s : "");
	cyre_put_u8(b, 0);
}

/* Everything that a mailbox's files are held against. Of the quota roots their
 * number: a rebuild adds some, and takes none away. */
static bool sum_up(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_candidate *c, uint8_t ret[CYRE_SHA1_LEN])
{
	const struct cyre_mboxdb_entry *e = c->listed;
	struct cyre_buf *b = &w->scratch;

	cyre_buf_reset(b);
	cyre_put_fmt(b, "%d %d %d %d %zu ", r->listless, r->mboxdb != NULL,
		c->elsewhere, c->duplicate, r->quotas.n);
	put_text(b, c->name);
	put_text(b, c->uniqueid);
	if (e) {
		put_text(b, e->name);
		put_text(b, e->uniqueid);
		put_text(b, e->acl);
		put_text(b, e->partition);
		cyre_put_fmt(b, "%c %u %llu %d", e->type, (unsigned)e->flags,
			(unsigned long long)e->uidvalidity,
			cyre_mboxdb_leads_by_id(r->mboxdb, e));
	}
	return !b->bad &&
	       cyre_sha1(w->hasher, cyre_buf_slice(b), ret) == CYRE_OK;
}

static struct cyre_looked_mailbox *of(
	const struct cyre_run *r, const struct cyre_candidate *c)
{
	return r->looked && !c->absent
		       ? &r->looked->mailboxes[c->mailbox -
					       r->catalog->mailboxes]
		       : NULL;
}

bool cyre_looked_agrees(const struct cyre_run *r, struct cyre_worker *w,
	struct cyre_candidate *c)
{
	const struct cyre_looked_mailbox *m = of(r, c);
	uint8_t said[CYRE_SHA1_LEN];

	if (!m || !m->agreed || !sum_up(r, w, c, said) ||
		memcmp(said, m->said, sizeof(said)) != 0)
		return false;
	c->counts = m->counts;
	return true;
}

void cyre_looked_note(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_candidate *c, const struct cyre_findings *found)
{
	struct cyre_looked_mailbox *m = of(r, c);
	enum cyre_severity worst = CYRE_SEV_NOTE;

	if (!m)
		return;
	cyre_findings_worst(found, &worst);
	m->agreed = worst <= CYRE_SEV_NOTE && sum_up(r, w, c, m->said);
	m->counts = c->counts;
}
