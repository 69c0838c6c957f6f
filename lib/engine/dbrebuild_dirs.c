/*
 * dbrebuild_dirs.c - what the directory of each mailbox says of it: where it
 * lies, cyrus.header, the first page of cyrus.index
 *
 * Headers are salvaged, not only read: a field that passes its own test counts.
 * An index header counts when nothing is wrong with it.
 */
#include "dbrebuild.h"

#include <stdlib.h>

#include "grow.h"
#include "index.h"

struct dirs {
	cyre_take_facts *take;
	struct cyre_dir_facts *ring; /* as many as slots of the run */
};

static void read_index(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_mailbox *m, struct cyre_dir_facts *f,
	uint32_t *ret_sum)
{
	struct cyre_index ix;
	uint8_t page[CYRE_PAGE];

	if (!cyre_run_peek_index(r, w, m, page, &ix, NULL))
		return;
	f->index_version = ix.layout->version;
	f->dir.uidvalidity = ix.h.uidvalidity;
	f->dir.createdmodseq = ix.h.createdmodseq;
	f->dir.highestmodseq = ix.h.highestmodseq;
	f->dir.last_appenddate = ix.h.last_appenddate;
	f->quota_used = ix.h.quota_mailbox_used;
	f->annot_used = ix.h.quota_annot_used;
	f->exists = ix.h.exists;
	f->last_uid = ix.h.last_uid;
	*ret_sum = (uint32_t)ix.h.header_file_crc;
}

static struct cyre_slice believed(struct cyre_slice s, enum cyre_trust trust)
{
	return trust >= CYRE_TRUST_PLAUSIBLE ? s : cyre_slice(NULL, 0);
}

static void read_header(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_mailbox *m, struct cyre_dir_facts *f, uint32_t sum)
{
	struct cyre_header_salvage *s = &f->s;
	struct cyre_mbox_dir *dir = &f->dir;
	struct cyre_file_info info;
	cyre_status st;

	st = cyre_run_read_meta(r, w, m, CYRE_FILE_HEADER, &info);
	if (info.fd < 0)
		return;
	dir->header_ns = info.mtime_ns;
	if (st == CYRE_OK)
		st = cyre_header_salvage(
			cyre_buf_slice(&w->scratch), sum ? &sum : NULL, s);
	if (st != CYRE_OK) {
		f->status = st == CYRE_ENOMEM ? st : CYRE_OK;
		return;
	}
	f->dlist = s->h.form == CYRE_HEADER_DLIST && s->h.magic_ok;
	f->quotaroot = s->h.quotaroot;
	f->quotaroot_known = s->quotaroot == CYRE_TRUST_SURE;
	dir->acl = believed(s->h.acl, s->acl);
	dir->has_acl = s->acl >= CYRE_TRUST_PLAUSIBLE;
	dir->type = believed(s->h.type, s->type);
	dir->jmapid = believed(s->h.jmapid, s->jmapid);
	dir->uniqueid = believed(s->h.uniqueid, s->uniqueid);
}

static void gather(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_candidate *c, struct cyre_dir_facts *f)
{
	const struct cyre_mailbox *m = c->mailbox;
	uint32_t sum = 0;

	*f = (struct cyre_dir_facts){.status = CYRE_OK};
	read_index(r, w, m, f, &sum);
	read_header(r, w, m, f, sum);
	f->dir.by_path = m->name != NULL;
	f->dir.partition =
		cyre_slice_str(r->conf->partitions[m->partition].name);
	if (c->name)
		f->dir.name = cyre_slice_str(c->name);
	if (m->uniqueid)
		f->dir.uniqueid = cyre_slice_str(m->uniqueid);
}

static void gather_one(void *payload, unsigned worker, size_t job)
{
	struct cyre_run *r = payload;
	struct dirs *dirs = ((struct cyre_dbrebuild *)r)->dirs;

	gather(r, &r->workers[worker], &r->candidates[job],
		&dirs->ring[job % r->window]);
}

/* Which releases have been here. */
static void note_release(
	struct cyre_dbrebuild *d, const struct cyre_dir_facts *f)
{
	enum cyre_mbox_form form = CYRE_MBOX_TEXT;

	if (f->dlist || !f->dir.by_path)
		form = CYRE_MBOX_IDS;
	else if (f->index_version >= 13)
		form = CYRE_MBOX_NAMES;
	if (form > d->seen_form)
		d->seen_form = form;
	if (f->index_version > d->index_version)
		d->index_version = f->index_version;
}

static void gathered(void *payload, size_t job)
{
	struct cyre_run *r = payload;
	struct cyre_dbrebuild *d = payload;
	struct cyre_dir_facts *f = &d->dirs->ring[job % r->window];
	cyre_status st = f->status;

	if (st == CYRE_OK) {
		note_release(d, f);
		st = d->dirs->take(d, job, f);
	}
	cyre_header_salvage_free(&f->s);
	*f = (struct cyre_dir_facts){.status = CYRE_OK};
	if (st != CYRE_OK)
		r->status = st;
	if (job % 256 == 0)
		cyre_run_progress(r, job);
}

cyre_status cyre_dbrebuild_facts(
	struct cyre_dbrebuild *d, cyre_take_facts *take)
{
	struct cyre_run *r = &d->run;
	struct dirs dirs = {.take = take};
	cyre_status st;
	size_t i;

	dirs.ring = calloc(r->window, sizeof(*dirs.ring));
	if (!dirs.ring)
		return CYRE_ENOMEM;
	d->dirs = &dirs;
	st = cyre_run_jobs(r, r->n, gather_one, gathered);
	d->dirs = NULL;
	for (i = 0; i < r->window; i++)
		cyre_header_salvage_free(&dirs.ring[i].s);
	free(dirs.ring);
	return st;
}

static cyre_status note_unnamed(struct cyre_dbrebuild *d, size_t job)
{
	size_t *grown = cyre_grow(
		d->unnamed, d->n_unnamed, &d->cap_unnamed, sizeof(*grown));

	if (!grown)
		return CYRE_ENOMEM;
	d->unnamed = grown;
	d->unnamed[d->n_unnamed++] = job;
	return CYRE_OK;
}

static cyre_status take_for_list(
	struct cyre_dbrebuild *d, size_t job, const struct cyre_dir_facts *f)
{
	cyre_status st = cyre_mbox_merge_dir(d->merge, &f->dir);

	return st == CYRE_EUSAGE ? note_unnamed(d, job) : st;
}

cyre_status cyre_dbrebuild_dirs(struct cyre_dbrebuild *d)
{
	return cyre_dbrebuild_facts(d, take_for_list);
}

/* When the copies are known, they may know whose these are. */
cyre_status cyre_dbrebuild_unnamed(struct cyre_dbrebuild *d)
{
	struct cyre_run *r = &d->run;
	cyre_status st = CYRE_OK;
	size_t i, left = 0;

	for (i = 0; i < d->n_unnamed && st == CYRE_OK; i++) {
		struct cyre_dir_facts f;

		gather(r, &r->workers[0], &r->candidates[d->unnamed[i]], &f);
		st = f.status;
		if (st == CYRE_OK)
			st = cyre_mbox_merge_dir(d->merge, &f.dir);
		if (st == CYRE_EUSAGE) {
			d->unnamed[left++] = d->unnamed[i];
			st = CYRE_OK;
		}
		cyre_header_salvage_free(&f.s);
	}
	d->n_unnamed = left;
	return st;
}
