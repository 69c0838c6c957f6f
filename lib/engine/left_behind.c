/*
 * left_behind.c - archived messages of a mailbox that is not there any more
 *
 * Where directories are named as mailboxes are, releases up to 3.6 at least do
 * not clear the archive partition when a mailbox is deleted, renamed or moved to
 * another partition (docs/formats/errata.md). Such a directory is no mailbox:
 * it is told, and nothing is made of it, so that deleted mail does not come
 * back. Only a mailboxes.db that has lost nothing can say so.
 */
#include "match.h"

#include <stdlib.h>

#include "conf_load.h"

/* It has messages in the archive, and elsewhere nothing that makes a mailbox. */
static bool is_archive_alone(
	const struct cyre_run *r, const struct cyre_mailbox *m)
{
	int32_t archive = r->catalog->partitions[m->partition].archive;
	bool archived = false;
	size_t i;

	for (i = 0; i < m->n_sides; i++) {
		const struct cyre_listing *l = &m->sides[i].list;

		if (archive >= 0 && m->sides[i].root == (uint32_t)archive)
			archived = l->n_uids > 0;
		else if (l->n_uids || l->errnum ||
			 (l->files | l->not_files) & ~(1u << CYRE_FILE_CACHE))
			return false;
	}
	return archived;
}

static bool is_home(const struct cyre_run *r, const struct cyre_mailbox *m,
	const struct cyre_mboxdb_entry *e)
{
	return !e->partition ||
	       !strcmp(e->partition, r->conf->partitions[m->partition].name);
}

static const char *identity(const struct cyre_mailbox *m)
{
	return m->name ? m->name : m->uniqueid;
}

/* The other directories of this name. */
static size_t find_others(const struct cyre_run *r,
	const struct cyre_mailbox *m, struct cyre_mailbox **ret)
{
	struct cyre_catalog *c = r->catalog;
	size_t i, n = 0;

	for (i = 0; m->twice && i < c->n_mailboxes; i++)
		if (&c->mailboxes[i] != m && identity(&c->mailboxes[i]) &&
			!strcmp(identity(&c->mailboxes[i]), identity(m))) {
			*ret = &c->mailboxes[i];
			n++;
		}
	return n;
}

static bool is_left_behind(struct cyre_run *r, const struct cyre_mailbox *m)
{
	const struct cyre_mboxdb_entry *e;
	struct cyre_mailbox *other = NULL;

	if (!identity(m) || m->misplaced || !is_archive_alone(r, m))
		return false;
	e = cyre_match_entry_of(r, m);
	if (!e)
		return true;
	/* Moved: its entry leads to the other one. */
	if (is_home(r, m, e) || find_others(r, m, &other) != 1 ||
		!is_home(r, other, e) || is_archive_alone(r, other))
		return false;
	other->twice = false;
	return true;
}

static void tell(const struct cyre_run *r, const struct cyre_mailbox *m,
	struct cyre_findings *found)
{
	int32_t archive = r->catalog->partitions[m->partition].archive;
	struct cyre_buf path = {0};

	cyre_place_path(&r->o->place, r->catalog->roots[archive].path, &path);
	cyre_put_fmt(&path, "/%s", m->dir);
	cyre_put_u8(&path, '\0');
	CYRE_FIND(found, .problem = CYRE_P_ARCHIVE_LEFT,
		.file = CYRE_FILE_DIRECTORY,
		.text = path.bad ? m->dir : (const char *)path.p);
	cyre_buf_free(&path);
}

cyre_status cyre_drop_left_behind(struct cyre_run *r)
{
	struct cyre_findings found = {.keep = 1000};
	cyre_status st;
	size_t i, n = 0;

	if (!cyre_run_list_is_whole(r))
		return CYRE_OK;
	for (i = 0; i < r->n; i++) {
		struct cyre_candidate c = r->candidates[i];

		if (!is_left_behind(r, c.mailbox)) {
			r->candidates[n++] = c;
			continue;
		}
		tell(r, c.mailbox, &found);
		cyre_candidate_free(&c);
	}
	r->n = n;
	st = found.status;
	if (r->cross)
		cyre_run_report(r, NULL, &found);
	cyre_findings_free(&found);
	return st;
}
