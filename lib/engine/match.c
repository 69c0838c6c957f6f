/*
 * match.c - see match.h
 *
 * An entry finds its directory by name, or from 3.6 on by uniqueid unless it is
 * marked (docs/formats/layout.md section 5). A directory is the other's when
 * its path says so: what stands in cyrus.header does not count, the server
 * looks at the path.
 */
#include "match.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "mboxlist.h"
#include "names.h"

#define KEEP_PARTITIONS 1000 /* that imapd.conf has not */

/* One that has a directory here. Netnews of 2.x kept it elsewhere. */
static bool is_local(const struct cyre_mboxdb_entry *e)
{
	return !(e->flags & CYRE_MBOX_REMOTE) && e->type != 'n';
}

const struct cyre_mboxdb_entry *cyre_match_entry_of(
	const struct cyre_run *r, const struct cyre_mailbox *m)
{
	const struct cyre_mboxdb_entry *e = NULL;

	if (m->name)
		e = cyre_mboxdb_by_name(r->mboxdb, m->name);
	else if (m->uniqueid)
		e = cyre_mboxdb_by_id(r->mboxdb, m->uniqueid);
	return e && is_local(e) &&
			       cyre_mboxdb_leads_by_id(r->mboxdb, e) == !m->name
		       ? e
		       : NULL;
}

static bool on_partition(const struct cyre_run *r, const struct cyre_mailbox *m,
	const struct cyre_mboxdb_entry *e)
{
	return !e->partition ||
	       !strcmp(e->partition, r->conf->partitions[m->partition].name);
}

/* The right partition first: the same name on two is an interrupted move. */
static void match_directories(struct cyre_run *r, bool *has_dir)
{
	const struct cyre_mboxdb_entry *e;
	struct cyre_candidate *c;
	size_t i, k;
	int turn;

	for (turn = 0; turn < 2; turn++)
		for (i = 0; i < r->n; i++) {
			c = &r->candidates[i];
			e = cyre_match_entry_of(r, c->mailbox);
			if (!e || on_partition(r, c->mailbox, e) != !turn)
				continue;
			k = (size_t)(e - r->mboxdb->entries);
			c->listed = e;
			c->elsewhere = turn && !has_dir[k];
			has_dir[k] = true;
		}
}

/* ---- entries without a directory ---- */

static bool find_partition(
	const struct cyre_run *r, const char *name, uint32_t *ret)
{
	uint32_t i;

	for (i = 0; i < r->conf->n_partitions; i++)
		if (!strcmp(r->conf->partitions[i].name, name)) {
			*ret = i;
			return true;
		}
	return false;
}

/* Is there really none? Only what the system says counts: a part of the tree
 * that could not be listed was told of already. */
static enum cyre_absent look(
	struct cyre_run *r, uint32_t partition, const char *dir)
{
	const struct cyre_catalog *c = r->catalog;
	enum cyre_absent ret = CYRE_ABSENT_DIR;
	struct cyre_error err = {0};
	size_t i;
	int fd;

	for (i = 0; i < c->n_roots; i++) {
		if (c->roots[i].partition != partition)
			continue;
		if (c->roots[i].fd < 0)
			return CYRE_ABSENT_NOT;
		if (cyre_dir_open(&r->workers[0].gatherer.opener,
			    c->roots[i].fd, dir, &fd, &err) == CYRE_OK) {
			close(fd);
			ret = CYRE_ABSENT_FILES;
		} else if (err.errnum != ENOENT) {
			return CYRE_ABSENT_NOT;
		}
	}
	return c->partitions[partition].data < 0 ? CYRE_ABSENT_NOT : ret;
}

/* Where it should be, with its NUL; CYRE_ABSENT_NOT: nowhere that is known. */
static enum cyre_absent find_dir(struct cyre_run *r,
	const struct cyre_mboxdb_entry *e, const struct cyre_layout *l,
	uint32_t partition, struct cyre_buf *dir)
{
	cyre_buf_reset(dir);
	if (cyre_mboxdb_leads_by_id(r->mboxdb, e)
			? !e->uniqueid ||
				  !cyre_layout_id_dir(
					  cyre_slice_str(e->uniqueid), dir)
			: !cyre_layout_dir(l, cyre_slice_str(e->name), dir))
		return CYRE_ABSENT_NOT; /* no name of a directory: a bad value */
	cyre_put_u8(dir, 0);
	return dir->bad ? CYRE_ABSENT_NOT
			: look(r, partition, (const char *)dir->p);
}

static cyre_status add_absent(struct cyre_run *r,
	const struct cyre_mboxdb_entry *e, uint32_t partition)
{
	struct cyre_candidate *c = &r->candidates[r->n];
	struct cyre_mailbox *m = &r->absent[r->n_absent];
	struct cyre_layout l = r->catalog->layout;
	struct cyre_buf dir = {0};
	enum cyre_absent how = find_dir(r, e, &l, partition, &dir);

	/* Nothing told how this server hashes a `^`: 3.x does one way, 2.x the
	 * other. */
	if (how == CYRE_ABSENT_DIR && l.caret == CYRE_CARET_UNKNOWN) {
		l.caret = CYRE_CARET_PLAIN;
		how = find_dir(r, e, &l, partition, &dir);
	}
	if (how == CYRE_ABSENT_NOT) {
		cyre_status st = dir.bad ? CYRE_ENOMEM : CYRE_OK;

		cyre_buf_free(&dir);
		return st;
	}
	*m = (struct cyre_mailbox){
		.partition = partition, .dir = (char *)dir.p};
	if (cyre_mboxdb_leads_by_id(r->mboxdb, e))
		m->uniqueid = e->uniqueid;
	else
		m->name = e->name;
	r->n_absent++;
	*c = (struct cyre_candidate){
		.mailbox = m, .entry = e, .listed = e, .absent = how};
	r->n++;
	c->name = strdup(e->name);
	c->uniqueid = e->uniqueid ? strdup(e->uniqueid) : NULL;
	if (!c->name || (e->uniqueid && !c->uniqueid))
		return CYRE_ENOMEM;
	return cyre_identify_owner(r, &r->workers[0], c);
}

/* `n` mailboxes of a partition imapd.conf has not. */
static void complain_of_partition(struct cyre_findings *found, const char *name)
{
	struct cyre_finding *f;
	size_t i;

	for (i = 0; i < found->n; i++) {
		f = &found->items[i];
		if (f->problem == CYRE_P_LIST_PARTITION &&
			!strcmp(f->text, name)) {
			f->actual++;
			return;
		}
	}
	CYRE_FIND(found, .problem = CYRE_P_LIST_PARTITION, .actual = 1,
		.file = CYRE_FILE_OTHER, .text = name);
}

static cyre_status add_all_absent(struct cyre_run *r, const bool *has_dir)
{
	struct cyre_findings found = {.keep = KEEP_PARTITIONS};
	cyre_status st = CYRE_OK;
	uint32_t partition;
	size_t i;

	for (i = 0; i < r->mboxdb->n && st == CYRE_OK; i++) {
		const struct cyre_mboxdb_entry *e = &r->mboxdb->entries[i];

		if (has_dir[i] || !is_local(e) || !e->partition ||
			e->flags & CYRE_MBOX_RESERVE)
			continue;
		if (find_partition(r, e->partition, &partition))
			st = add_absent(r, e, partition);
		else
			complain_of_partition(&found, e->partition);
		r->not_all |= found.n > 0;
	}
	if (st == CYRE_OK)
		st = found.status;
	if (r->cross)
		cyre_run_report(r, NULL, &found);
	cyre_findings_free(&found);
	return st;
}

cyre_status cyre_match_entries(struct cyre_run *r)
{
	struct cyre_candidate *grown;
	bool *has_dir;
	cyre_status st = CYRE_ENOMEM;

	if (!r->absentees || !r->mboxdb || r->listless)
		return CYRE_OK;
	has_dir = calloc(r->mboxdb->n + 1, sizeof(*has_dir));
	r->absent = calloc(r->mboxdb->n + 1, sizeof(*r->absent));
	grown = reallocarray(
		r->candidates, r->n + r->mboxdb->n + 1, sizeof(*r->candidates));
	if (grown)
		r->candidates = grown;
	if (has_dir && r->absent && grown) {
		match_directories(r, has_dir);
		st = add_all_absent(r, has_dir);
	}
	free(has_dir);
	return st;
}

void cyre_match_complain(const struct cyre_run *r,
	const struct cyre_candidate *c, struct cyre_findings *found)
{
	if (c->absent == CYRE_ABSENT_DIR)
		CYRE_FIND(found, .problem = CYRE_P_ENTRY_NO_DIR,
			.file = CYRE_FILE_DIRECTORY);
	else if (c->absent == CYRE_ABSENT_FILES)
		CYRE_FIND(found, .problem = CYRE_P_ENTRY_EMPTY_DIR,
			.file = CYRE_FILE_DIRECTORY);
	else if (!r->cross || !r->mboxdb || r->listless)
		return;
	else if (!c->listed && (c->mailbox->name || c->mailbox->uniqueid))
		CYRE_FIND(found, .problem = CYRE_P_DIR_NO_ENTRY,
			.file = CYRE_FILE_DIRECTORY);
	else if (c->elsewhere && c->listed)
		CYRE_FIND(found, .problem = CYRE_P_ENTRY_PARTITION,
			.file = CYRE_FILE_DIRECTORY,
			.text = c->listed->partition);
}
