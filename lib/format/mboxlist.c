/* mboxlist.c - see mboxlist.h. */
#include "mboxlist.h"

#include <cyrescue/db.h>

#include "dlist.h"
#include "number.h"

#define GS 0x1d /* behind the domain of a dbname */
#define RS 0x1e
#define US 0x1f /* between its levels */

bool cyre_mboxkey_is_new(struct cyre_slice key)
{
	if (key.n < 2)
		return false;
	switch (key.p[0]) {
	case 'N':
	case 'I':
		/* Old names have dots for levels, new ones 1F; ids have no
		 * dot at all. */
		return !memchr(key.p, '.', key.n) || memchr(key.p, US, key.n);
	case 'A':
		return key.n >= 3 && (key.p[1] == 'S' || key.p[1] == 'U') &&
		       key.p[2] == RS;
	case 'J':
		return memchr(key.p, RS, key.n) != NULL;
	}
	return false;
}

bool cyre_mbox_keys_are_new(const struct cyre_db *db)
{
	size_t i, n = cyre_db_count(db), new = 0;

	for (i = 0; i < n; i++)
		new += cyre_mboxkey_is_new(cyre_db_at(db, i)->key);
	return new > n / 2;
}

void cyre_mbox_put_name(
	struct cyre_buf *b, struct cyre_slice name, bool is_dbname)
{
	const uint8_t *gs =
		is_dbname && name.n ? memchr(name.p, GS, name.n) : NULL;
	size_t i, domain = gs ? (size_t)(gs - name.p) : 0;

	for (i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		/* A domain's dots are dots. */
		if (is_dbname && c == '.' && i >= domain)
			c = '^';
		else if (is_dbname && c == US)
			c = '.';
		else if (is_dbname && c == GS)
			c = '!';
		cyre_put_u8(b, c);
	}
}

static void read_key(struct cyre_slice key, bool is_new, struct cyre_mbox *m)
{
	struct cyre_slice rest = key;

	m->name = key;
	if (!is_new) {
		if (cyre_slice_starts(key, cyre_slice_str("$RACL")))
			m->kind = CYRE_MBOXKEY_ACL;
		else if (key.n && key.p[0] == '$')
			m->kind = CYRE_MBOXKEY_OTHER;
		if (m->kind != CYRE_MBOXKEY_NAME)
			m->name.n = 0;
		return;
	}
	m->is_dbname = true;
	m->name.n = 0;
	if (key.n)
		rest = cyre_slice(key.p + 1, key.n - 1);
	switch (key.n ? key.p[0] : 0) {
	case 'N':
		m->name = rest;
		break;
	case 'I':
		m->kind = CYRE_MBOXKEY_UNIQUEID;
		m->uniqueid = rest;
		break;
	case 'J':
		m->kind = CYRE_MBOXKEY_JMAP;
		break;
	case 'A':
		m->kind = CYRE_MBOXKEY_ACL;
		break;
	default:
		m->kind = CYRE_MBOXKEY_OTHER;
	}
}

/* The next word, and what follows its blank. */
static struct cyre_slice take_word(struct cyre_slice *s)
{
	const uint8_t *blank = s->n ? memchr(s->p, ' ', s->n) : NULL;
	struct cyre_slice word = *s;

	if (!blank) {
		*s = cyre_slice(NULL, 0);
		return word;
	}
	word.n = (size_t)(blank - s->p);
	*s = cyre_slice(blank + 1, s->n - word.n - 1);
	return word;
}

/* `(uniqueid U specialuse S) ` before the rest: what development releases
 * between 2.4 and 2.5 wrote. */
static void skip_pairs(struct cyre_slice *s, struct cyre_mbox *m)
{
	const uint8_t *end =
		s->n && s->p[0] == '(' ? memchr(s->p, ')', s->n) : NULL;
	struct cyre_slice pairs, key;

	if (!end)
		return;
	pairs = cyre_slice(s->p + 1, (size_t)(end - s->p) - 1);
	*s = cyre_slice(end + 1, s->n - pairs.n - 2);
	if (s->n && s->p[0] == ' ')
		*s = cyre_slice(s->p + 1, s->n - 1);
	while (pairs.n) {
		key = take_word(&pairs);
		if (cyre_slice_eq(key, cyre_slice_str("uniqueid")))
			m->uniqueid = take_word(&pairs);
		else
			take_word(&pairs);
	}
}

/* `TYPE PARTITION ACL`; the type may be absent (1.x). */
static bool read_text(struct cyre_slice value, struct cyre_mbox *m)
{
	static const uint32_t flags[] = {CYRE_MBOX_REMOTE, CYRE_MBOX_RESERVE, 0,
		CYRE_MBOX_MOVING, CYRE_MBOX_DELETED};
	struct cyre_slice rest = value, word;
	const uint8_t *bang;
	uint64_t bits;
	unsigned i;

	skip_pairs(&rest, m);
	word = take_word(&rest);
	if (cyre_number(word, &bits))
		word = take_word(&rest);
	else
		bits = 0;
	for (i = 0; i < 5; i++)
		if (bits & 1u << i)
			m->flags |= flags[i];
	if (bits & 4)
		m->type = 'n';
	m->partition = word;
	m->acl = rest;
	bang = word.n ? memchr(word.p, '!', word.n) : NULL;
	if (m->flags & (CYRE_MBOX_REMOTE | CYRE_MBOX_MOVING)) {
		m->server = word;
		m->partition = cyre_slice(NULL, 0);
		if (bang) {
			m->server.n = (size_t)(bang - word.p);
			m->partition =
				cyre_slice(bang + 1, word.n - m->server.n - 1);
		}
	}
	return word.n > 0 || m->flags;
}

void cyre_mbox_read_type(struct cyre_slice s, struct cyre_mbox *m)
{
	static const char letters[] = "rzmdil";
	size_t i;

	for (i = 0; i < s.n; i++) {
		const char *f = s.p[i] ? strchr(letters, s.p[i]) : NULL;

		if (f)
			m->flags |= 1u << (f - letters);
		else if (s.p[i] && strchr("enbcaspfj", s.p[i]))
			m->type = (char)s.p[i];
		else
			m->odd_type = true;
	}
}

/* identifier, rights, … becomes the TAB form; false: it is cut or bad. */
static bool read_acl(
	struct cyre_dlist *d, struct cyre_buf *own, struct cyre_mbox *m)
{
	size_t start = own->n, n = 0;
	enum cyre_dlist_kind k;
	struct cyre_slice s;

	while ((k = cyre_dlist_next(d, &s)) != CYRE_DLIST_END) {
		if (!cyre_dlist_is_string(k))
			return false;
		cyre_put_slice(own, s);
		cyre_put_u8(own, '\t');
		n++;
	}
	if (own->bad || n % 2)
		return false;
	m->acl = cyre_slice(own->p + start, own->n - start);
	return true;
}

/* A number, or a string that is kept. */
static void set_field(struct cyre_mbox *m, uint8_t key, struct cyre_slice s)
{
	uint64_t v = 0;

	switch (key) {
	case 'I':
		m->uniqueid = s;
		return;
	case 'N':
		m->name = s;
		return;
	case 'J':
		m->jmapid = s;
		return;
	case 'P':
		m->partition = s;
		return;
	case 'S':
		m->server = s;
		return;
	case 'T':
		cyre_mbox_read_type(s, m);
		return;
	}
	if (!cyre_number(s, &v))
		return;
	if (key == 'V')
		m->uidvalidity = v;
	else if (key == 'C')
		m->createdmodseq = v;
	else if (key == 'F')
		m->foldermodseq = v;
	else if (key == 'M')
		m->mtime = v;
}

static bool read_field(struct cyre_dlist *d, struct cyre_slice key,
	struct cyre_buf *own, struct cyre_mbox *m)
{
	enum cyre_dlist_kind k;
	struct cyre_slice s;
	const uint8_t *start;

	start = d->cur.p;
	if (start < d->cur.end && *start == ' ')
		start++;
	k = cyre_dlist_next(d, &s);
	if (k == CYRE_DLIST_KVLIST && cyre_slice_eq(key, cyre_slice_str("A")))
		return read_acl(d, own, m);
	if (k == CYRE_DLIST_LIST || k == CYRE_DLIST_KVLIST) {
		if (!cyre_dlist_skip(d))
			return false;
		if (cyre_slice_eq(key, cyre_slice_str("H")))
			m->history =
				cyre_slice(start, (size_t)(d->cur.p - start));
		return true;
	}
	if (k == CYRE_DLIST_BAD || k == CYRE_DLIST_END)
		return false;
	if (cyre_dlist_is_string(k) && key.n == 1)
		set_field(m, key.p[0], s);
	return true;
}

static bool read_dlist(
	struct cyre_slice value, struct cyre_buf *own, struct cyre_mbox *m)
{
	enum cyre_dlist_kind k;
	struct cyre_slice key;
	struct cyre_dlist d;

	/* Strings without their backslashes, then the ACL: one block that must
	 * not move while slices point into it. */
	if (!cyre_buf_room(own, 2 * value.n + 16))
		return false;
	own->n = value.n;
	cyre_dlist_begin(&d, value, own->p);
	if (cyre_dlist_next(&d, &key) != CYRE_DLIST_KVLIST)
		return false;
	while ((k = cyre_dlist_next(&d, &key)) != CYRE_DLIST_END)
		if (!cyre_dlist_is_string(k) || !read_field(&d, key, own, m))
			return false;
	return cyre_dlist_next(&d, &key) == CYRE_DLIST_END;
}

bool cyre_mbox_read(struct cyre_slice key, struct cyre_slice value, bool is_new,
	struct cyre_buf *own, struct cyre_mbox *ret)
{
	struct cyre_mbox m = {.type = 'e'};
	bool ok = true;

	cyre_buf_reset(own);
	read_key(key, is_new, &m);
	if (m.kind != CYRE_MBOXKEY_ACL && m.kind != CYRE_MBOXKEY_OTHER) {
		m.dlist = cyre_slice_starts(value, cyre_slice_str("%("));
		ok = m.dlist ? read_dlist(value, own, &m)
			     : read_text(value, &m);
	}
	*ret = m;
	return ok;
}

bool cyre_mbox_agree(const struct cyre_mbox *a, const struct cyre_mbox *b)
{
	return a->type == b->type && a->flags == b->flags &&
	       a->uidvalidity == b->uidvalidity &&
	       cyre_slice_eq(a->partition, b->partition) &&
	       cyre_slice_eq(a->server, b->server) &&
	       cyre_slice_eq(a->acl, b->acl) &&
	       cyre_slice_eq(a->jmapid, b->jmapid);
}
