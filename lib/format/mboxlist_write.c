/* mboxlist_write.c - see mboxlist_write.h. */
#include "mboxlist_write.h"

#define LEVEL    0x1f /* between the levels of a dbname */
#define DOMAIN   0x1d /* behind its domain */
#define RECORD   0x1e /* between the parts of other keys */
#define SHORT    1024 /* bytes: what is longer is a literal */
#define MAX_NAME 490  /* bytes of a name */

const char *cyre_mbox_form_name(enum cyre_mbox_form form)
{
	static const char *const names[] = {
		[CYRE_MBOX_TEXT] = "text by name (2.0 to 2.4)",
		[CYRE_MBOX_NAMES] = "lists by name (2.5 to 3.4)",
		[CYRE_MBOX_IDS] = "lists by name and id (3.6 and later)",
	};

	return names[form];
}

void cyre_mbox_put_dbname(struct cyre_buf *b, struct cyre_slice internal)
{
	const struct cyre_slice s = internal;
	const uint8_t *bang = s.n ? memchr(s.p, '!', s.n) : NULL;
	size_t local = bang ? (size_t)(bang - s.p) : 0, i;

	for (i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (bang && i == local)
			c = DOMAIN;
		else if (c == '.' && i >= local)
			c = LEVEL;
		else if (c == '^' && i >= local)
			c = '.';
		cyre_put_u8(b, c);
	}
}

void cyre_mbox_put_key(struct cyre_buf *b, enum cyre_mbox_form form,
	const struct cyre_mbox *m, enum cyre_mboxkey kind,
	struct cyre_slice owner)
{
	if (form != CYRE_MBOX_IDS) {
		cyre_put_slice(b, m->name);
	} else if (kind == CYRE_MBOXKEY_UNIQUEID) {
		cyre_put_u8(b, 'I');
		cyre_put_slice(b, m->uniqueid);
	} else if (kind == CYRE_MBOXKEY_JMAP) {
		cyre_put_u8(b, 'J');
		cyre_put_slice(b, owner);
		cyre_put_u8(b, RECORD);
		cyre_put_slice(b, m->jmapid);
	} else {
		cyre_put_u8(b, 'N');
		cyre_mbox_put_dbname(b, m->name);
	}
}

/* ---- text ---- */

static void put_text(struct cyre_buf *b, const struct cyre_mbox *m)
{
	unsigned bits = 0;

	bits |= m->flags & CYRE_MBOX_REMOTE ? 1u : 0;
	bits |= m->flags & CYRE_MBOX_RESERVE ? 2u : 0;
	bits |= m->type == 'n' ? 4u : 0;
	bits |= m->flags & CYRE_MBOX_MOVING ? 8u : 0;
	bits |= m->flags & CYRE_MBOX_DELETED ? 16u : 0;
	cyre_put_dec(b, bits);
	cyre_put_u8(b, ' ');
	cyre_put_slice(b, m->server);
	if (m->server.n && m->partition.n)
		cyre_put_u8(b, '!');
	cyre_put_slice(b, m->partition);
	cyre_put_u8(b, ' ');
	cyre_put_slice(b, m->acl);
}

/* ---- dlist ---- */

/* How a string stands: the rules of the server's writer (section 5); a
 * control character asks for quotes, as in 3.12, which every release reads. */
static void put_string(struct cyre_buf *b, struct cyre_slice s)
{
	bool atom = s.n > 0 && !cyre_slice_eq(s, cyre_slice_str("NIL"));
	bool quoted = s.n < SHORT;
	size_t i;

	for (i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c <= 0x20 || c >= 0x7f || strchr("{()\"%*\\", c))
			atom = false;
		if (c >= 0x80 || !c || strchr("\"\\%\r\n", c))
			quoted = false;
	}
	if (!quoted) {
		cyre_put_fmt(b, "{%zu+}\r\n", s.n);
		cyre_put_slice(b, s);
	} else if (atom) {
		cyre_put_slice(b, s);
	} else {
		cyre_put_u8(b, '"');
		cyre_put_slice(b, s);
		cyre_put_u8(b, '"');
	}
}

/* Keys and values with blanks between them. */
struct list {
	struct cyre_buf *b;
	bool more; /* something stands before */
};

static void put_item(struct list *l, struct cyre_slice s)
{
	if (l->more)
		cyre_put_u8(l->b, ' ');
	l->more = true;
	put_string(l->b, s);
}

static void put_key(struct list *l, char key)
{
	if (l->more)
		cyre_put_u8(l->b, ' ');
	l->more = true;
	cyre_put_u8(l->b, (uint8_t)key);
	cyre_put_u8(l->b, ' ');
}

static void put_text_field(struct list *l, char key, struct cyre_slice s)
{
	if (!s.n)
		return;
	put_key(l, key);
	put_string(l->b, s);
}

static void put_number(struct list *l, char key, uint64_t v)
{
	if (!v)
		return;
	put_key(l, key);
	cyre_put_dec(l->b, v);
}

void cyre_mbox_put_type(
	struct cyre_buf *b, enum cyre_mbox_form form, const struct cyre_mbox *m)
{
	static const struct {
		uint32_t flag;
		char letter;
	} flags[] = {{CYRE_MBOX_DELETED, 'd'}, {CYRE_MBOX_MOVING, 'm'},
		{CYRE_MBOX_REMOTE, 'r'}, {CYRE_MBOX_RESERVE, 'z'},
		{CYRE_MBOX_INTERMEDIATE, 'i'}, {CYRE_MBOX_LEGACY, 'l'}};
	const char *known =
		form == CYRE_MBOX_IDS ? "enbcaspfj" : "nbcasp"; /* not e */
	size_t i;

	if (m->type && strchr(known, m->type))
		cyre_put_u8(b, (uint8_t)m->type);
	else if (form == CYRE_MBOX_IDS)
		cyre_put_u8(b, 'e');
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (m->flags & flags[i].flag &&
			(flags[i].flag != CYRE_MBOX_LEGACY ||
				form == CYRE_MBOX_IDS))
			cyre_put_u8(b, (uint8_t)flags[i].letter);
}

static void put_type_field(
	struct list *l, enum cyre_mbox_form form, const struct cyre_mbox *m)
{
	struct cyre_buf type = {0};

	cyre_mbox_put_type(&type, form, m);
	put_text_field(l, 'T', cyre_buf_slice(&type));
	l->b->bad |= type.bad;
	cyre_buf_free(&type);
}

static void put_acl(struct list *l, const struct cyre_mbox *m)
{
	struct list pairs = {.b = l->b};
	struct cyre_slice acl = m->acl;

	if (m->flags & (CYRE_MBOX_DELETED | CYRE_MBOX_INTERMEDIATE))
		return;
	put_key(l, 'A');
	cyre_put_str(l->b, "%(");
	while (acl.n) {
		put_item(&pairs, cyre_slice_take(&acl, '\t'));
		put_item(&pairs, cyre_slice_take(&acl, '\t'));
	}
	cyre_put_u8(l->b, ')');
}

static void put_numbers(struct list *l, const struct cyre_mbox *m)
{
	put_number(l, 'V', m->uidvalidity);
	put_number(l, 'C', m->createdmodseq);
	put_number(l, 'F', m->foldermodseq);
	put_number(l, 'M', m->mtime);
}

static void put_by_name(struct list *l, const struct cyre_mbox *m)
{
	put_acl(l, m);
	put_text_field(l, 'I', m->uniqueid);
	put_text_field(l, 'P', m->partition);
	put_text_field(l, 'S', m->server);
	put_type_field(l, CYRE_MBOX_NAMES, m);
	put_numbers(l, m);
}

static void put_dbname_field(struct list *l, const struct cyre_mbox *m)
{
	struct cyre_buf name = {0};

	cyre_mbox_put_dbname(&name, m->name);
	put_text_field(l, 'N', cyre_buf_slice(&name));
	l->b->bad |= name.bad;
	cyre_buf_free(&name);
}

static void put_history(struct list *l, const struct cyre_mbox *m)
{
	put_key(l, 'H');
	if (m->history.n)
		cyre_put_slice(l->b, m->history);
	else
		cyre_put_str(l->b, "()");
}

static void put_by_id(
	struct list *l, const struct cyre_mbox *m, enum cyre_mboxkey kind)
{
	put_type_field(l, CYRE_MBOX_IDS, m);
	if (kind != CYRE_MBOXKEY_NAME)
		put_dbname_field(l, m);
	if (kind != CYRE_MBOXKEY_UNIQUEID)
		put_text_field(l, 'I', m->uniqueid);
	if (kind != CYRE_MBOXKEY_JMAP)
		put_text_field(l, 'J', m->jmapid);
	put_text_field(l, 'P', m->partition);
	put_text_field(l, 'S', m->server);
	put_numbers(l, m);
	put_acl(l, m);
	if (kind == CYRE_MBOXKEY_UNIQUEID)
		put_history(l, m);
}

void cyre_mbox_put_value(struct cyre_buf *b, enum cyre_mbox_form form,
	const struct cyre_mbox *m, enum cyre_mboxkey kind)
{
	struct list l = {.b = b};

	if (form == CYRE_MBOX_TEXT) {
		put_text(b, m);
		return;
	}
	cyre_put_str(b, "%(");
	if (form == CYRE_MBOX_NAMES)
		put_by_name(&l, m);
	else
		put_by_id(&l, m, kind);
	cyre_put_u8(b, ')');
}

bool cyre_mbox_name_ok(struct cyre_slice internal)
{
	const struct cyre_slice s = internal;
	const uint8_t *bang = s.n ? memchr(s.p, '!', s.n) : NULL;
	bool apart = true, divides; /* at the begin of a part, or a divider */
	size_t i;

	if (!s.n || s.n > MAX_NAME)
		return false;
	for (i = 0; i < s.n; i++, apart = divides) {
		if (s.p[i] < 0x20 || s.p[i] >= 0x7f || s.p[i] == '/')
			return false;
		/* Only the first one ends a domain. */
		divides = s.p[i] == '.' || &s.p[i] == bang;
		if (divides && apart)
			return false;
	}
	if (apart)
		return false;
	return !(s.n >= 4 && !memcmp(s.p + s.n - 4, "user", 4) &&
		 (s.n == 4 || &s.p[s.n - 5] == bang));
}
