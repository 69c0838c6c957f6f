/*
 * check_header.c - invariants H3 to H11 and H13 of cyrus.header
 *
 * Reads a header that was taken apart, and finds values that no server can
 * have meant. Compares nothing with the index or with databases.
 * Format: docs/formats/header.md section 7.
 */
#include "check_header.h"

#include <strings.h>

#include "dlist.h"

struct check {
	const struct cyre_header *h;
	const struct cyre_header_context *ctx;
	struct cyre_findings *found;
};

#define TEXT_MAX 200

/* A finding about a field, with (the beginning of) a text. */
static void find(struct check *c, enum cyre_problem problem,
	struct cyre_slice field, struct cyre_slice text, uint64_t expected,
	uint64_t actual)
{
	char buf[TEXT_MAX + 1];
	size_t n = text.n < TEXT_MAX ? text.n : TEXT_MAX;

	for (size_t i = 0; i < n; i++)
		buf[i] = text.p[i] ? (char)text.p[i] : '?';
	buf[n] = '\0';
	CYRE_FIND(c->found, .problem = problem, .file = c->ctx->file,
		.offset = cyre_header_offset(c->h, field), .length = field.n,
		.expected = expected, .actual = actual, .text = n ? buf : NULL);
}

static void find_str(struct check *c, enum cyre_problem problem,
	struct cyre_slice field, const char *text)
{
	find(c, problem, field, cyre_slice_str(text), 0, 0);
}

static bool all_of(struct cyre_slice s, const char *set)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr(set, s.p[i]))
			return false;
	return true;
}

static bool is_alnum(uint8_t b)
{
	return (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') ||
	       (b >= 'A' && b <= 'Z');
}

/* Hexadecimal digits, a UUID, or letters and digits (header.md 4). */
static bool uniqueid_ok(struct cyre_slice id)
{
	for (size_t i = 0; i < id.n; i++)
		if (!is_alnum(id.p[i]) && id.p[i] != '-' && id.p[i] != '_')
			return false;
	return id.n >= 16;
}

static void check_uniqueid(struct check *c)
{
	if (!c->h->uniqueid.n)
		find(c, CYRE_P_HEADER_NO_UNIQUEID, c->h->uniqueid,
			cyre_slice(NULL, 0), 0, 0);
	else if (!uniqueid_ok(c->h->uniqueid))
		find(c, CYRE_P_HEADER_UNIQUEID_ODD, c->h->uniqueid,
			c->h->uniqueid, 0, 0);
}

bool cyre_flag_name_ok(struct cyre_slice name)
{
	return cyre_dlist_is_atom(name) && name.n < CYRE_HEADER_FLAG_BYTES;
}

static void check_flags(struct check *c)
{
	const struct cyre_slice *f = c->h->flags;

	for (unsigned i = 0; i < c->h->nflags; i++) {
		/* The dlist form has NIL for a slot without a name. */
		if (!f[i].n) {
			if (c->h->form != CYRE_HEADER_DLIST)
				find(c, CYRE_P_HEADER_FLAG_HOLE, f[i], f[i], 0,
					i);
			continue;
		}
		if (!cyre_flag_name_ok(f[i]))
			find(c, CYRE_P_HEADER_FLAG_NAME, f[i], f[i], 0, i);
		for (unsigned k = 0; k < i; k++)
			if (f[k].n == f[i].n &&
				!strncasecmp((const char *)f[k].p,
					(const char *)f[i].p, f[i].n)) {
				find(c, CYRE_P_HEADER_FLAG_DUPLICATE, f[i],
					f[i], k, i);
				break;
			}
	}
}

static const char *acl_entry_fault(
	struct cyre_slice id, struct cyre_slice rights)
{
	if (!id.n)
		return "an entry without an identifier";
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] < ' ' || id.p[i] == 0x7f)
			return "a control character in an identifier";
	if (!all_of(rights, "lrswipkxtecdan0123456789"))
		return "a right that does not exist";
	return NULL;
}

static bool take_field(struct cyre_slice *s, struct cyre_slice *ret)
{
	const uint8_t *tab = s->n ? memchr(s->p, '\t', s->n) : NULL;

	if (!tab)
		return false;
	*ret = cyre_slice(s->p, (size_t)(tab - s->p));
	s->n -= ret->n + 1;
	s->p = tab + 1;
	return true;
}

/* Takes the next entry; NULL, or what is wrong with it. */
static const char *take_acl_entry(struct cyre_slice *left)
{
	struct cyre_slice id, rights;

	if (!take_field(left, &id))
		return "an identifier without its end";
	if (!take_field(left, &rights))
		return "an identifier without rights";
	return acl_entry_fault(id, rights);
}

bool cyre_acl_keep_whole(struct cyre_slice acl, struct cyre_buf *out)
{
	struct cyre_slice left = acl;
	const uint8_t *start = left.p;

	for (; left.n; start = left.p) {
		if (!take_acl_entry(&left))
			cyre_put(out, start, (size_t)(left.p - start));
		else if (left.p == start)
			break; /* no end to it */
	}
	return !out->bad;
}

static void check_acl(struct check *c)
{
	struct cyre_slice left = c->h->acl;
	const char *fault = NULL;

	while (left.n && !fault)
		fault = take_acl_entry(&left);
	if (fault)
		find_str(c, CYRE_P_HEADER_ACL, c->h->acl, fault);
}

/* An empty type is a mail folder that was read from a text form. */
static void check_type(struct check *c)
{
	if (!all_of(c->h->type, CYRE_TYPE_LETTERS))
		find(c, CYRE_P_HEADER_TYPE, c->h->type, c->h->type, 0, 0);
}

static void check_keys(struct check *c)
{
	if (c->h->form != CYRE_HEADER_DLIST)
		return;
	if (!(c->h->has & CYRE_HEADER_T))
		find_str(c, CYRE_P_HEADER_KEY_MISSING, c->h->type, "T");
	if (!(c->h->has & CYRE_HEADER_N))
		find_str(c, CYRE_P_HEADER_KEY_MISSING, c->h->name, "N");
}

bool cyre_quotaroot_is_above(struct cyre_slice root, struct cyre_slice name)
{
	if (!cyre_slice_starts(name, root))
		return false;
	return root.n == name.n || name.p[root.n] == '.' ||
	       root.p[root.n - 1] == '!';
}

static void check_name(struct check *c)
{
	struct cyre_slice name = c->ctx->mboxname;

	if (name.n && c->h->name.n && !cyre_slice_eq(name, c->h->name))
		find(c, CYRE_P_NAME_DISAGREES, c->h->name, c->h->name, 0, 0);
	if (!name.n)
		name = c->h->name;
	if (name.n && c->h->quotaroot.n &&
		!cyre_quotaroot_is_above(c->h->quotaroot, name))
		find(c, CYRE_P_HEADER_QUOTAROOT, c->h->quotaroot,
			c->h->quotaroot, 0, 0);
}

void cyre_check_header(const struct cyre_header *h,
	const struct cyre_header_context *ctx, struct cyre_findings *found)
{
	struct check c = {.h = h, .ctx = ctx, .found = found};

	if (h->form == CYRE_HEADER_NONE)
		return;
	check_uniqueid(&c);
	check_flags(&c);
	check_acl(&c);
	check_type(&c);
	check_keys(&c);
	check_name(&c);
	if (h->extra.n)
		find(&c, CYRE_P_HEADER_EXTRA, h->extra, cyre_slice(NULL, 0), 0,
			0);
	if (h->tail.n)
		find(&c, CYRE_P_HEADER_EXTRA, h->tail, cyre_slice(NULL, 0), 0,
			0);
}
