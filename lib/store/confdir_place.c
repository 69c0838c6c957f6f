/*
 * confdir_place.c - what a name and its place in the configdirectory mean
 *
 * From a path to kind, copy and owner, and back: where the server looks for the
 * file of an owner. Format: docs/formats/layout.md section 2.
 */
#include "confdir_walk.h"

/* Splits what we made ourselves: no component is empty. */
void cyre_confdir_split(const char *path, struct cyre_confdir_path *ret)
{
	const char *end;

	for (ret->n = 0; *path && ret->n < CYRE_CONFDIR_DEPTH; path = end) {
		end = strchrnul(path, '/');
		ret->c[ret->n++] = cyre_slice(path, (size_t)(end - path));
		end += *end == '/';
	}
}

/* ---- from names to files ---- */

static enum cyre_server_copy take_copy(
	struct cyre_slice *name, enum cyre_server_copy copy)
{
	static const char *const ends[] = {
		[CYRE_COPY_NEW] = ".NEW", [CYRE_COPY_OLD] = ".OLD"};
	int i;

	for (i = CYRE_COPY_NEW; i <= CYRE_COPY_OLD; i++)
		if (name->n > 4 && !memcmp(name->p + name->n - 4, ends[i], 4)) {
			name->n -= 4;
			return copy == CYRE_COPY_LIVE ? (enum cyre_server_copy)i
						      : copy;
		}
	return copy;
}

/* By its name, or by the ending of it, behind the last dot. */
static bool kind_of(struct cyre_slice name, enum cyre_server_kind first,
	enum cyre_server_kind last, enum cyre_server_kind *ret)
{
	int k;

	for (k = first; k <= (int)last; k++) {
		enum cyre_server_kind kind = (enum cyre_server_kind)k;

		if (cyre_slice_eq(name,
			    cyre_slice_str(cyre_server_kind_name(kind)))) {
			*ret = kind;
			return true;
		}
	}
	return false;
}

static bool user_kind(struct cyre_slice name, enum cyre_server_kind *ret)
{
	return kind_of(name, CYRE_SERVER_SEEN, CYRE_SERVER_DAV, ret);
}

/* `ann.seen`: the part before the last dot, and the kind behind. */
static bool split_user(struct cyre_slice name, struct cyre_slice *ret_user,
	enum cyre_server_kind *ret)
{
	const uint8_t *dot = name.n ? memrchr(name.p, '.', name.n) : NULL;

	if (!dot || dot == name.p)
		return false;
	*ret_user = cyre_slice(name.p, (size_t)(dot - name.p));
	return user_kind(cyre_slice(dot + 1, name.n - ret_user->n - 1), ret);
}

static bool is_dump(struct cyre_slice name)
{
	return cyre_slice_starts(name, cyre_slice_str("mboxlist")) ||
	       cyre_slice_starts(name, cyre_slice_str("cyrus-mboxlist"));
}

/* The domain a path is of; empty: none. */
static struct cyre_slice domain_of(const struct cyre_confdir_path *p)
{
	return p->n > 3 && cyre_slice_eq(p->c[0], cyre_slice_str("domain"))
		       ? p->c[2]
		       : cyre_slice(NULL, 0);
}

/* Kind, copy and owner of a file; false: no file of the server. */
bool cyre_confdir_read_place(const struct cyre_confdir_path *p,
	const struct cyre_confdir_pattern *pat, struct cyre_server_file *f,
	struct cyre_buf *owner)
{
	struct cyre_slice name = p->c[p->n - 1], user, domain = domain_of(p);
	size_t i;

	f->copy = take_copy(&name, pat->copy);
	switch (pat->rule) {
	case CYRE_CONFDIR_DUMP:
		f->kind = CYRE_SERVER_MAILBOXES;
		return is_dump(name);
	case CYRE_CONFDIR_SERVER:
		if (cyre_slice_eq(name, cyre_slice_str("shared.counters"))) {
			f->kind = CYRE_SERVER_COUNTERS;
			if (domain.n)
				cyre_put_u8(owner, '@');
			cyre_put_slice(owner, domain);
			return true;
		}
		return !domain.n && kind_of(name, CYRE_SERVER_MAILBOXES,
					    CYRE_SERVER_BACKUPS, &f->kind);
	case CYRE_CONFDIR_USER:
		if (!split_user(name, &user, &f->kind))
			return false;
		for (i = 0; i < user.n; i++)
			cyre_put_u8(owner, user.p[i] == '^' ? '.' : user.p[i]);
		if (domain.n)
			cyre_put_u8(owner, '@');
		cyre_put_slice(owner, domain);
		return true;
	case CYRE_CONFDIR_ID:
		f->by_id = true;
		cyre_put_slice(owner, p->c[4]);
		if (name.n < 4 || memcmp(name.p + name.n - 3, ".db", 3) != 0)
			return false;
		return user_kind(cyre_slice(name.p, name.n - 3), &f->kind);
	case CYRE_CONFDIR_QUOTA:
		f->kind = CYRE_SERVER_QUOTA;
		cyre_put_slice(owner, domain);
		if (domain.n)
			cyre_put_u8(owner, '!');
		/* domain/H/dom/quota/root: that of the whole domain. */
		if (p->n != 5)
			cyre_put_slice(owner, name);
		return true;
	}
	return false;
}

/* ---- where the server looks ---- */

/* Where a file of this owner is, hashed so. */
static bool put_wanted(const struct cyre_layout *l,
	const struct cyre_server_file *f, struct cyre_buf *ret)
{
	enum cyre_server_kind kind;
	struct cyre_slice user;
	struct cyre_confdir_path p;

	if (f->kind == CYRE_SERVER_QUOTA)
		return cyre_layout_quota_file(l, cyre_slice_str(f->owner), ret);
	if (f->by_id)
		return cyre_layout_user_id_file(cyre_slice_str(f->owner),
			cyre_server_kind_name(f->kind), ret);
	cyre_confdir_split(f->path, &p);
	return p.n && split_user(p.c[p.n - 1], &user, &kind) &&
	       cyre_layout_user_file(l, user, domain_of(&p),
		       cyre_server_kind_name(f->kind), ret);
}

/*
 * A 2.1 hashes as it was built, whatever imapd.conf says: as catalog.c does,
 * the tree is believed when nothing in it is where the options have it.
 */
cyre_status cyre_confdir_mark_misplaced(
	struct cyre_confdir *c, struct cyre_layout l)
{
	size_t i, turn, n_fit = 0;
	struct cyre_buf b = {0};
	cyre_status st;

	for (turn = 0; turn < 2 && !n_fit; turn++) {
		for (i = 0; i < c->n; i++) {
			struct cyre_server_file *f = &c->files[i];

			if (f->copy != CYRE_COPY_LIVE || !f->owner ||
				f->owner[0] == '@')
				continue;
			cyre_buf_reset(&b);
			f->misplaced = !put_wanted(&l, f, &b) ||
				       !cyre_slice_eq(cyre_buf_slice(&b),
					       cyre_slice_str(f->path));
			n_fit += !f->misplaced && !f->by_id;
		}
		l.user_hash = l.user_hash == CYRE_HASH_FULL ? CYRE_HASH_LETTER
							    : CYRE_HASH_FULL;
	}
	st = b.bad ? CYRE_ENOMEM : CYRE_OK;
	cyre_buf_free(&b);
	return st;
}
