/*
 * catalog.c - the directories of a walk put together to mailboxes
 *
 * Reads the listings of discover.c, produces the sorted list of mailboxes with
 * what their places say. Opens nothing. docs/formats/layout.md sections 4 to 6.
 */
#include "discover.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grow.h"
#include "listing.h"
#include "names.h"
#include "roots.h"

static void free_mailbox(struct cyre_mailbox *m)
{
	size_t i;

	for (i = 0; i < m->n_sides; i++)
		cyre_listing_free(&m->sides[i].list);
	free(m->sides);
	free(m->dir);
	free(m->name);
	free(m->uniqueid);
}

void cyre_catalog_free(struct cyre_catalog *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->n_mailboxes; i++)
		free_mailbox(&c->mailboxes[i]);
	for (i = 0; i < c->n_roots; i++)
		if (c->roots[i].fd >= 0)
			close(c->roots[i].fd);
	free(c->mailboxes);
	free(c->partitions);
	free(c->roots);
	cyre_findings_free(&c->found);
	free(c);
}

static int by_place(const void *va, const void *vb)
{
	const struct cyre_walk_dir *a = va, *b = vb;
	int d;

	if (a->partition != b->partition)
		return a->partition < b->partition ? -1 : 1;
	d = strcmp(a->path, b->path);
	if (d)
		return d;
	return a->root < b->root ? -1 : a->root > b->root;
}

static cyre_status take_text(struct cyre_buf *b, char **ret)
{
	cyre_put_u8(b, 0);
	if (b->bad)
		return CYRE_ENOMEM;
	*ret = (char *)b->p;
	*b = (struct cyre_buf){0};
	return CYRE_OK;
}

/* What the path says of the mailbox. */
static cyre_status place_mailbox(
	const struct cyre_layout *l, struct cyre_mailbox *m)
{
	struct cyre_buf b = {0};
	struct cyre_place p = cyre_layout_place(l, cyre_slice_str(m->dir), &b);
	cyre_status st = CYRE_OK;

	free(m->name);
	free(m->uniqueid);
	m->name = m->uniqueid = NULL;
	m->hash = p.hash;
	m->misplaced = p.misplaced;
	if (p.kind == CYRE_PLACE_NAME)
		st = take_text(&b, &m->name);
	else if (p.kind == CYRE_PLACE_ID)
		st = take_text(&b, &m->uniqueid);
	cyre_buf_free(&b);
	return st;
}

/*
 * A directory that cannot be listed is a mailbox when its place is that of a
 * user's mailbox; else nobody can say.
 */
static bool could_be_mailbox(const struct cyre_catalog *c, const char *path)
{
	struct cyre_buf name = {0}, user = {0};
	struct cyre_place p =
		cyre_layout_place(&c->layout, cyre_slice_str(path), &name);
	bool yes = p.kind == CYRE_PLACE_ID ||
		   (p.kind == CYRE_PLACE_NAME &&
			   cyre_name_userid(
				   c->conf, cyre_buf_slice(&name), &user));

	cyre_buf_free(&name);
	cyre_buf_free(&user);
	return yes;
}

/* What is wrong with a directory that only leads to mailboxes. */
static void complain_of_dir(
	struct cyre_catalog *c, const struct cyre_walk_dir *d)
{
	struct cyre_buf b = {0};
	size_t i;

	if (d->list.errnum)
		cyre_catalog_complain(c, CYRE_P_DIRECTORY_UNREADABLE, d->root,
			d->path, strerror(d->list.errnum));
	for (i = 0; i < d->list.n_odd; i++) {
		const struct cyre_odd *o = &d->list.odd[i];

		if (o->class != CYRE_ODD_KIND)
			continue;
		cyre_buf_reset(&b);
		cyre_put_fmt(&b, "%s (%s/%s%s%s)", cyre_kind_name(o->kind),
			c->roots[d->root].path, d->path, *d->path ? "/" : "",
			o->name);
		cyre_put_u8(&b, 0);
		CYRE_FIND(&c->found, .problem = CYRE_P_NOT_REGULAR,
			.file = CYRE_FILE_OTHER,
			.text = b.bad ? o->name : (const char *)b.p);
	}
	cyre_buf_free(&b);
}

static bool is_candidate(
	const struct cyre_catalog *c, const struct cyre_walk_dir *d)
{
	return cyre_listing_is_mailbox(&d->list) ||
	       (d->list.errnum && could_be_mailbox(c, d->path));
}

/* dirs[0] to dirs[n - 1] have one partition and path. */
static cyre_status add_mailbox(
	struct cyre_catalog *c, struct cyre_walk_dir *dirs, size_t n)
{
	struct cyre_mailbox *m = &c->mailboxes[c->n_mailboxes];
	size_t i;

	*m = (struct cyre_mailbox){.partition = dirs[0].partition};
	m->sides = calloc(n, sizeof(*m->sides));
	if (!m->sides)
		return CYRE_ENOMEM;
	c->n_mailboxes++;
	m->dir = dirs[0].path;
	dirs[0].path = NULL;
	m->n_sides = n;
	for (i = 0; i < n; i++) {
		m->sides[i].root = dirs[i].root;
		m->sides[i].list = dirs[i].list;
		dirs[i].list = (struct cyre_listing){0};
	}
	return place_mailbox(&c->layout, m);
}

static cyre_status collect(struct cyre_catalog *c, struct cyre_walk *w)
{
	size_t i, k, n, cap = 0;
	struct cyre_mailbox *p;
	cyre_status st = CYRE_OK;
	bool mailbox;

	for (i = 0; i < w->n && st == CYRE_OK; i += n) {
		mailbox = false;
		for (n = 0; i + n < w->n; n++) {
			if (w->dirs[i + n].partition != w->dirs[i].partition ||
				strcmp(w->dirs[i + n].path, w->dirs[i].path) !=
					0)
				break;
			mailbox = mailbox || is_candidate(c, &w->dirs[i + n]);
		}
		if (!mailbox) {
			for (k = i; k < i + n; k++)
				complain_of_dir(c, &w->dirs[k]);
			continue;
		}
		p = cyre_grow(c->mailboxes, c->n_mailboxes, &cap,
			sizeof(*c->mailboxes));
		if (!p)
			return CYRE_ENOMEM;
		c->mailboxes = p;
		st = add_mailbox(c, &w->dirs[i], n);
	}
	return st;
}

/*
 * In 2.1 the full hash is a matter of the build, whatever imapd.conf says. When
 * not one directory is where imapd.conf has it, and some are where the other
 * hash has them, that is how this tree was made.
 */
static cyre_status settle_hash(struct cyre_catalog *c)
{
	bool full = c->layout.hash == CYRE_HASH_FULL;
	struct cyre_layout l = c->layout;
	size_t i, n_other = 0;
	cyre_status st = CYRE_OK;

	if (l.hash == CYRE_HASH_NONE || l.guess)
		return CYRE_OK;
	l.hash = l.user_hash = full ? CYRE_HASH_LETTER : CYRE_HASH_FULL;
	for (i = 0; i < c->n_mailboxes; i++) {
		const struct cyre_mailbox *m = &c->mailboxes[i];

		if (m->name && !m->misplaced)
			return CYRE_OK;
		n_other += m->name && m->hash == l.hash;
	}
	if (n_other == 0)
		return CYRE_OK;
	c->layout = l;
	for (i = 0; i < c->n_mailboxes && st == CYRE_OK; i++)
		st = place_mailbox(&l, &c->mailboxes[i]);
	CYRE_FIND(&c->found, .problem = CYRE_P_CONF_HASH_UNUSED,
		.actual = n_other,
		.text = full ? "by letter" : "by fulldirhash");
	return st;
}

static const char *identity(const struct cyre_mailbox *m)
{
	return m->name ? m->name : m->uniqueid ? m->uniqueid : "";
}

static int by_identity(const void *va, const void *vb)
{
	struct cyre_mailbox *const *a = va, *const *b = vb;

	return strcmp(identity(*a), identity(*b));
}

static cyre_status mark_twins(struct cyre_catalog *c)
{
	struct cyre_mailbox **all;
	size_t i;

	if (c->n_mailboxes < 2)
		return CYRE_OK;
	all = reallocarray(NULL, c->n_mailboxes, sizeof(*all));
	if (!all)
		return CYRE_ENOMEM;
	for (i = 0; i < c->n_mailboxes; i++)
		all[i] = &c->mailboxes[i];
	qsort(all, c->n_mailboxes, sizeof(*all), by_identity);
	for (i = 1; i < c->n_mailboxes; i++)
		if (*identity(all[i]) && by_identity(&all[i - 1], &all[i]) == 0)
			all[i - 1]->twice = all[i]->twice = true;
	free(all);
	return CYRE_OK;
}

cyre_status cyre_walk_finish(struct cyre_walk *w, struct cyre_catalog **ret)
{
	struct cyre_catalog *c = w->catalog;
	cyre_status st;

	if (w->n > 1)
		qsort(w->dirs, w->n, sizeof(*w->dirs), by_place);
	st = collect(c, w);
	if (st == CYRE_OK)
		st = settle_hash(c);
	if (st == CYRE_OK)
		st = mark_twins(c);
	if (st == CYRE_OK)
		st = c->found.status;
	if (st == CYRE_OK) {
		cyre_findings_sort(&c->found);
		w->catalog = NULL;
		*ret = c;
	}
	cyre_walk_free(w);
	return st;
}
