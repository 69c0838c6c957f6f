/*
 * header_write.c - see header_write.h
 *
 * Writes the fields of a header and judges only whether the form can hold them.
 * Format: docs/formats/header.md sections 1 to 3.
 */
#include "header_write.h"

#include "dlist.h"

#include <stdio.h>
#include <strings.h>

struct writer {
	struct cyre_buf *out;
	const struct cyre_header *h;
	bool unfit; /* a value does not fit the form */
};

static bool has_any(struct cyre_slice s, const char *bytes, size_t n)
{
	for (size_t i = 0; i < s.n; i++)
		if (memchr(bytes, s.p[i], n))
			return true;
	return false;
}

/* A value as it is, but for bytes that would end it. */
static void put_plain(
	struct writer *w, struct cyre_slice s, const char *ends, size_t n)
{
	if (has_any(s, ends, n) || has_any(s, "\n", 2))
		w->unfit = true;
	cyre_put_slice(w->out, s);
}

static bool taken(const struct cyre_header *h, const char *name)
{
	size_t n = strlen(name);

	for (unsigned i = 0; h && i < h->nflags; i++)
		if (h->flags[i].n == n &&
			!strncasecmp((const char *)h->flags[i].p, name, n))
			return true;
	return false;
}

void cyre_header_placeholder(const struct cyre_header *h, unsigned slot,
	char ret[CYRE_HEADER_PLACEHOLDER])
{
	unsigned again = 1;

	snprintf(ret, CYRE_HEADER_PLACEHOLDER, "$Recovered-%03u", slot % 1000);
	/* At most all other slots have the names tried. */
	while (taken(h, ret) && again++ <= CYRE_HEADER_MAX_FLAGS)
		snprintf(ret, CYRE_HEADER_PLACEHOLDER, "$Recovered-%03u-%u",
			slot % 1000, again % 1000);
}

unsigned cyre_header_name_used(struct cyre_header *h,
	const uint64_t use[CYRE_HEADER_MAX_FLAGS],
	char own[CYRE_HEADER_MAX_FLAGS][CYRE_HEADER_PLACEHOLDER])
{
	unsigned named = 0;

	for (unsigned i = 0; i < CYRE_HEADER_MAX_FLAGS; i++) {
		if (!use[i] || (i < h->nflags && h->flags[i].n))
			continue;
		cyre_header_placeholder(h, i, own[i]);
		h->flags[i] = cyre_slice_str(own[i]);
		if (h->nflags <= i)
			h->nflags = i + 1;
		named++;
	}
	return named;
}

static void put_flag(struct writer *w, struct cyre_slice name)
{
	if (!cyre_dlist_is_atom(name) || name.n >= CYRE_HEADER_FLAG_BYTES)
		w->unfit = true;
	cyre_put_slice(w->out, name);
}

/* ---- text form ---- */

static void write_text(struct writer *w)
{
	const struct cyre_header *h = w->h;
	char name[CYRE_HEADER_PLACEHOLDER];

	/* A first byte % is the mark of the other form (header.md 3). */
	if (cyre_slice_starts(h->quotaroot, cyre_slice_str("%")))
		w->unfit = true;
	put_plain(w, h->quotaroot, "\t", 1);
	cyre_put_u8(w->out, '\t');
	put_plain(w, h->uniqueid, "\t ", 2);
	/* The next line would be taken for the id's (header.md 2.1). */
	if (!h->uniqueid.n)
		w->unfit = true;
	if (h->extra.n && h->form == CYRE_HEADER_TEXT) {
		cyre_put_u8(w->out, '\t');
		put_plain(w, h->extra, "", 0);
	}
	cyre_put_u8(w->out, '\n');
	for (unsigned i = 0; i < h->nflags; i++) {
		if (h->flags[i].n) {
			put_flag(w, h->flags[i]);
		} else {
			cyre_header_placeholder(h, i, name);
			cyre_put_str(w->out, name);
		}
		cyre_put_u8(w->out, ' ');
	}
	cyre_put_u8(w->out, '\n');
	put_plain(w, h->acl, "", 0);
	if (h->acl.n && h->acl.p[h->acl.n - 1] != '\t')
		cyre_put_u8(w->out, '\t');
	cyre_put_u8(w->out, '\n');
}

/* ---- dlist form ---- */

/* A word of its own, which a name must not be taken for. */
static bool is_nil(struct cyre_slice s)
{
	return cyre_slice_eq(s, cyre_slice_str("NIL"));
}

/* Atom or quoted; a literal would make the header unreadable. */
static void put_string(struct writer *w, struct cyre_slice s)
{
	if (cyre_dlist_is_atom(s) && !is_nil(s)) {
		cyre_put_slice(w->out, s);
		return;
	}
	if (has_any(s, "\r\n", 3))
		w->unfit = true;
	cyre_put_u8(w->out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			cyre_put_u8(w->out, '\\');
		cyre_put_u8(w->out, s.p[i]);
	}
	cyre_put_u8(w->out, '"');
}

static void put_key(struct writer *w, char key, struct cyre_slice value)
{
	cyre_put_u8(w->out, (uint8_t)key);
	cyre_put_u8(w->out, ' ');
	if (value.n)
		put_string(w, value);
	else
		cyre_put_str(w->out, "NIL");
}

static void put_acl(struct writer *w)
{
	struct cyre_slice left = w->h->acl;
	bool first = true;

	cyre_put_str(w->out, " A %(");
	for (; left.n; first = false) {
		if (!first)
			cyre_put_u8(w->out, ' ');
		put_string(w, cyre_slice_take(&left, '\t'));
		cyre_put_u8(w->out, ' ');
		put_string(w, left.n ? cyre_slice_take(&left, '\t') : left);
	}
	cyre_put_u8(w->out, ')');
}

static unsigned named_flags(const struct cyre_header *h)
{
	unsigned n = h->nflags;

	while (n && !h->flags[n - 1].n)
		n--;
	return n;
}

static void put_flags(struct writer *w, unsigned n)
{
	cyre_put_str(w->out, " U (");
	for (unsigned i = 0; i < n; i++) {
		if (i)
			cyre_put_u8(w->out, ' ');
		if (is_nil(w->h->flags[i]))
			put_string(w, w->h->flags[i]);
		else if (w->h->flags[i].n)
			put_flag(w, w->h->flags[i]);
		else
			cyre_put_str(w->out, "NIL");
	}
	cyre_put_u8(w->out, ')');
}

static void write_dlist(struct writer *w)
{
	const struct cyre_header *h = w->h;
	unsigned n = named_flags(h);

	cyre_put_str(w->out, "%(");
	put_key(w, 'T', h->type.n ? h->type : cyre_slice_str("e"));
	cyre_put_u8(w->out, ' ');
	put_key(w, 'N', h->name);
	cyre_put_u8(w->out, ' ');
	put_key(w, 'I', h->uniqueid);
	if (h->jmapid.n || h->has & CYRE_HEADER_J) {
		cyre_put_u8(w->out, ' ');
		put_key(w, 'J', h->jmapid);
	}
	if (h->quotaroot.n) {
		cyre_put_u8(w->out, ' ');
		put_key(w, 'Q', h->quotaroot);
	}
	if (h->acl.n || h->has & CYRE_HEADER_A)
		put_acl(w);
	if (n)
		put_flags(w, n);
	if (h->extra.n && h->form == CYRE_HEADER_DLIST) {
		cyre_put_u8(w->out, ' ');
		put_plain(w, h->extra, "", 0);
	}
	cyre_put_str(w->out, ")\n");
}

cyre_status cyre_header_write(struct cyre_buf *out, const struct cyre_header *h,
	enum cyre_header_form form)
{
	struct writer w = {.out = out, .h = h};
	size_t start = out->n;

	if (form != CYRE_HEADER_TEXT && form != CYRE_HEADER_DLIST)
		return CYRE_EUSAGE;
	cyre_put(out, cyre_header_magic, sizeof(cyre_header_magic));
	if (form == CYRE_HEADER_TEXT)
		write_text(&w);
	else
		write_dlist(&w);
	if (!out->bad && !w.unfit)
		return CYRE_OK;
	out->n = start;
	return out->bad ? CYRE_ENOMEM : CYRE_EUSAGE;
}
