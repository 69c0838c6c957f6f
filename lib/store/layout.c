/* layout.c - see layout.h. Format: docs/formats/layout.md sections 2 to 5. */
#include "layout.h"

#include <ctype.h>

#include "header_salvage.h"
#include "names.h"

/* A mailbox name has at most 490 bytes, thus 245 components. */
#define MAX_COMPONENTS 256

struct path {
	struct cyre_slice c[MAX_COMPONENTS];
	size_t n;
};

struct cyre_layout cyre_layout_of(const struct cyre_conf *conf)
{
	enum cyre_hash hash =
		conf->fulldirhash ? CYRE_HASH_FULL : CYRE_HASH_LETTER;

	return (struct cyre_layout){
		.hash = conf->hashimapspool ? hash : CYRE_HASH_NONE,
		.user_hash = hash,
		.caret = conf->release == 0 ? CYRE_CARET_UNKNOWN
			 : conf->release < CYRE_RELEASE(3, 0)
				 ? CYRE_CARET_PLAIN
				 : CYRE_CARET_IS_DOT,
		.domains = conf->virtdomains != CYRE_VIRT_OFF,
	};
}

char cyre_hash_char(
	enum cyre_hash hash, enum cyre_caret caret, struct cyre_slice component)
{
	uint32_t n = 0;
	size_t i;
	int c;

	if (hash == CYRE_HASH_NONE)
		return 0;
	if (hash == CYRE_HASH_LETTER) {
		c = component.n ? tolower(component.p[0]) : 0;
		return c >= 'a' && c <= 'z' ? (char)c : 'q';
	}
	for (i = 0; i < component.n && component.p[i] != '.'; i++) {
		if (component.p[i] == '^' && caret != CYRE_CARET_PLAIN)
			break;
		n = ((n << 3) ^ (n >> 5)) ^ component.p[i];
	}
	return (char)('A' + n % 23);
}

/* One directory name, as it may stand in a path. */
static bool is_plain(struct cyre_slice s)
{
	return s.n > 0 && !memchr(s.p, '/', s.n) && !memchr(s.p, 0, s.n) &&
	       !cyre_slice_eq(s, cyre_slice_str(".")) &&
	       !cyre_slice_eq(s, cyre_slice_str(".."));
}

/* A name all of whose components can be directories. */
static bool is_pathlike(struct cyre_name name)
{
	struct cyre_slice rest = name.local, c;
	size_t n = 0;

	if (name.domain.n && !is_plain(name.domain))
		return false;
	while (cyre_name_component(&rest, '.', &c))
		if (!is_plain(c) || ++n > MAX_COMPONENTS)
			return false;
	return n > 0;
}

/* The letter comes from the second component, if there is one. */
static struct cyre_slice hashed_component(struct cyre_slice local)
{
	struct cyre_slice c = {0};

	if (cyre_name_component(&local, '.', &c))
		cyre_name_component(&local, '.', &c);
	return c;
}

static void put_letter(struct cyre_buf *b, char letter)
{
	if (letter) {
		cyre_put_u8(b, (uint8_t)letter);
		cyre_put_u8(b, '/');
	}
}

static void put_domain(struct cyre_buf *b, enum cyre_hash hash,
	enum cyre_caret caret, struct cyre_slice domain)
{
	if (domain.n == 0)
		return;
	cyre_put_str(b, "domain/");
	put_letter(b, cyre_hash_char(hash, caret, domain));
	cyre_put_slice(b, domain);
	cyre_put_u8(b, '/');
}

bool cyre_layout_dir(const struct cyre_layout *l, struct cyre_slice name,
	struct cyre_buf *ret)
{
	struct cyre_name n = cyre_name_split(name);
	size_t i;

	if (!is_pathlike(n))
		return false;
	put_domain(ret, l->hash, l->caret, n.domain);
	put_letter(ret,
		cyre_hash_char(l->hash, l->caret, hashed_component(n.local)));
	for (i = 0; i < n.local.n; i++)
		cyre_put_u8(ret, n.local.p[i] == '.' ? '/' : n.local.p[i]);
	return true;
}

static bool put_id(struct cyre_buf *ret, const char *top, struct cyre_slice id)
{
	if (!is_plain(id) || id.n < 2 || memchr(id.p, '.', id.n))
		return false;
	cyre_put_fmt(ret, "%s/%c/%c/", top, id.p[0], id.p[1]);
	cyre_put_slice(ret, id);
	return true;
}

bool cyre_layout_id_dir(struct cyre_slice uniqueid, struct cyre_buf *ret)
{
	return put_id(ret, "uuid", uniqueid);
}

bool cyre_layout_user_file(const struct cyre_layout *l, struct cyre_slice user,
	struct cyre_slice domain, const char *suffix, struct cyre_buf *ret)
{
	if (!is_plain(user) || (domain.n && !is_plain(domain)))
		return false;
	put_domain(ret, l->user_hash, l->caret, domain);
	cyre_put_str(ret, "user/");
	/* The text as it stands in the file name: `al^ice` in 2.x, `al.ice`
	 * in 3.x. */
	put_letter(ret, cyre_hash_char(l->user_hash, CYRE_CARET_PLAIN, user));
	cyre_put_slice(ret, user);
	cyre_put_fmt(ret, ".%s", suffix);
	return true;
}

bool cyre_layout_user_id_file(
	struct cyre_slice inbox_id, const char *suffix, struct cyre_buf *ret)
{
	if (!put_id(ret, "user/uuid", inbox_id))
		return false;
	cyre_put_fmt(ret, "/%s.db", suffix);
	return true;
}

bool cyre_layout_quota_file(const struct cyre_layout *l,
	struct cyre_slice quotaroot, struct cyre_buf *ret)
{
	struct cyre_name n = cyre_name_split(quotaroot);

	if (n.domain.n && n.local.n == 0) {
		if (!is_plain(n.domain))
			return false;
		put_domain(ret, l->user_hash, CYRE_CARET_PLAIN, n.domain);
		cyre_put_str(ret, "quota/root");
		return true;
	}
	if (!is_pathlike(n))
		return false;
	put_domain(ret, l->user_hash, CYRE_CARET_PLAIN, n.domain);
	cyre_put_str(ret, "quota/");
	/* Always the internal text. */
	put_letter(ret, cyre_hash_char(l->user_hash, CYRE_CARET_PLAIN,
				hashed_component(n.local)));
	cyre_put_slice(ret, n.local);
	return true;
}

/* ---- and back ---- */

static bool split_path(struct cyre_slice dir, struct path *ret)
{
	struct cyre_slice c;

	ret->n = 0;
	while (cyre_name_component(&dir, '/', &c)) {
		if (ret->n == MAX_COMPONENTS || !is_plain(c))
			return false;
		ret->c[ret->n++] = c;
	}
	return ret->n > 0;
}

static bool is_word(struct cyre_slice s, const char *word)
{
	return cyre_slice_eq(s, cyre_slice_str(word));
}

/*
 * The name, if the path is one of this kind of hash; the letters are not looked
 * at. A component with a dot can only be a domain, and a `!` is only behind one:
 * the first divides it from the rest.
 */
static bool read_name(const struct path *p, enum cyre_hash hash, bool domain,
	struct cyre_buf *ret)
{
	size_t i = 0, start = ret->n;

	if (domain) {
		i = hash == CYRE_HASH_NONE ? 1 : 2;
		if (p->n <= i + 1 || (i == 2 && p->c[1].n != 1))
			return false;
		cyre_put_slice(ret, p->c[i++]);
		cyre_put_u8(ret, '!');
	}
	if (hash != CYRE_HASH_NONE && (p->n <= i + 1 || p->c[i++].n != 1))
		goto no;
	for (; i < p->n; i++) {
		if (memchr(p->c[i].p, '.', p->c[i].n) ||
			(!domain && memchr(p->c[i].p, '!', p->c[i].n)))
			goto no;
		cyre_put_slice(ret, p->c[i]);
		if (i + 1 < p->n)
			cyre_put_u8(ret, '.');
	}
	return true;
no:
	ret->n = start;
	return false;
}

/* Whether the server, hashing so, has this name in this directory. */
static bool leads_back(struct cyre_slice name, struct cyre_slice dir,
	enum cyre_hash hash, enum cyre_caret caret)
{
	struct cyre_layout l = {.hash = hash, .caret = caret};
	struct cyre_buf b = {0};
	bool same;

	same = cyre_layout_dir(&l, name, &b) && !b.bad &&
	       cyre_slice_eq(cyre_buf_slice(&b), dir);
	cyre_buf_free(&b);
	return same;
}

static bool is_domain_path(
	const struct cyre_layout *l, const struct path *p, enum cyre_hash hash)
{
	if (p->n < 3 || !is_word(p->c[0], "domain"))
		return false;
	return l->domains || hash != CYRE_HASH_NONE ||
	       memchr(p->c[1].p, '.', p->c[1].n);
}

static bool read_exactly(const struct cyre_layout *l, const struct path *p,
	struct cyre_slice dir, enum cyre_hash hash, struct cyre_buf *ret)
{
	size_t start = ret->n;
	struct cyre_slice name;

	if (!read_name(p, hash, is_domain_path(l, p, hash), ret))
		return false;
	name = cyre_slice(ret->p + start, ret->n - start);
	if (l->caret != CYRE_CARET_IS_DOT &&
		leads_back(name, dir, hash, CYRE_CARET_PLAIN))
		return true;
	if (l->caret != CYRE_CARET_PLAIN &&
		leads_back(name, dir, hash, CYRE_CARET_IS_DOT))
		return true;
	ret->n = start;
	return false;
}

/*
 * In an unhashed tree `b/user/ann` can be the shared mailbox b.user.ann, but
 * far more likely the hash was switched off and the tree not moved.
 */
static bool looks_hashed(const struct path *p)
{
	size_t i = 0;

	if (p->n > 3 && is_word(p->c[0], "domain") && p->c[1].n == 1)
		i = 3;
	return p->n > i + 2 && p->c[i].n == 1 &&
	       (is_word(p->c[i + 1], "user") ||
		       (p->n > i + 3 && is_word(p->c[i + 2], "user")));
}

static struct cyre_place place_by_name(const struct cyre_layout *l,
	const struct path *p, struct cyre_slice dir, struct cyre_buf *ret)
{
	static const enum cyre_hash hashed[] = {
		CYRE_HASH_FULL, CYRE_HASH_LETTER};
	struct cyre_place place = {.kind = CYRE_PLACE_NAME, .hash = l->hash};
	bool unhashed = l->hash == CYRE_HASH_NONE || l->guess;
	size_t i;

	if (!l->guess && !(unhashed && looks_hashed(p)) &&
		read_exactly(l, p, dir, l->hash, ret))
		return place;
	place.misplaced = !l->guess;
	for (i = 0; i < 2 && (!unhashed || l->guess || looks_hashed(p)); i++) {
		place.hash = hashed[i];
		if (read_exactly(l, p, dir, place.hash, ret))
			return place;
	}
	/* Below the wrong letter. */
	place.hash = l->hash;
	if (!unhashed &&
		read_name(p, l->hash, is_domain_path(l, p, l->hash), ret))
		return place;
	place.hash = CYRE_HASH_NONE;
	place.misplaced = !unhashed;
	if (read_exactly(l, p, dir, CYRE_HASH_NONE, ret))
		return place;
	place.kind = CYRE_PLACE_NONE;
	place.misplaced = false;
	return place;
}

struct cyre_place cyre_layout_place(const struct cyre_layout *l,
	struct cyre_slice dir, struct cyre_buf *ret)
{
	struct cyre_place none = {.kind = CYRE_PLACE_NONE};
	struct cyre_place by_id = {.kind = CYRE_PLACE_ID};
	struct cyre_slice id;
	struct path p;

	if (!split_path(dir, &p))
		return none;
	if (p.n != 4 || !is_word(p.c[0], "uuid") || p.c[1].n != 1 ||
		p.c[2].n != 1)
		return place_by_name(l, &p, dir, ret);
	id = p.c[3];
	by_id.misplaced =
		id.n < 2 || id.p[0] != p.c[1].p[0] || id.p[1] != p.c[2].p[0];
	/* Nobody names mailboxes so, but an unhashed tree could. */
	if (by_id.misplaced && l->hash == CYRE_HASH_NONE && !l->guess &&
		!cyre_uniqueid_ok(id))
		return place_by_name(l, &p, dir, ret);
	cyre_put_slice(ret, id);
	return by_id;
}
