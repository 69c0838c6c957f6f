/*
 * show_header.c - cyrus.header for people and programs
 *
 * Reads with format/header.c, judges with check/check_header.c. Format:
 * docs/formats/header.md.
 */
#include "show.h"

#include "check_header.h"

/* Where a finding is shown; NULL: before the values. */
static const char *place_of(enum cyre_problem p)
{
	switch (p) {
	case CYRE_P_HEADER_NO_UNIQUEID:
	case CYRE_P_HEADER_UNIQUEID_ODD:
		return "uniqueid";
	case CYRE_P_HEADER_FLAG_NAME:
	case CYRE_P_HEADER_FLAG_HOLE:
	case CYRE_P_HEADER_FLAG_DUPLICATE:
	case CYRE_P_HEADER_FLAGS_TOO_MANY:
		return "flags";
	case CYRE_P_HEADER_ACL:
		return "acl";
	case CYRE_P_HEADER_TYPE:
		return "mbtype";
	case CYRE_P_HEADER_QUOTAROOT:
		return "quotaroot";
	default:
		return NULL;
	}
}

static bool is_about(const struct cyre_finding *f, const char *what)
{
	const char *place = place_of(f->problem);

	return what ? place && !strcmp(place, what) : !place;
}

/* In JSON all findings come behind the object. */
static void tell(struct cyre_shower *s, const char *what)
{
	if (!cyre_out_is_json(&s->out))
		cyre_show_tell(s, is_about, what);
}

static void put_text(struct cyre_shower *s, const char *key,
	struct cyre_slice value, bool there)
{
	if (there || value.n)
		cyre_out_text(&s->out, key, value);
	tell(s, key);
}

/* Identifier TAB rights TAB …, as pairs. */
static void put_acl(struct cyre_shower *s, struct cyre_slice acl)
{
	const uint8_t *tab;
	size_t n;

	cyre_out_names(&s->out, "acl");
	while (acl.n) {
		tab = memchr(acl.p, '\t', acl.n);
		n = tab ? (size_t)(tab - acl.p) : acl.n;
		cyre_out_name(&s->out, cyre_slice(acl.p, n));
		if (!tab)
			break;
		acl = cyre_slice(acl.p + n + 1, acl.n - n - 1);
	}
	cyre_out_names_end(&s->out);
	tell(s, "acl");
}

static void put_flags(struct cyre_shower *s, const struct cyre_header *h)
{
	unsigned i;

	cyre_out_names(&s->out, "flags");
	for (i = 0; i < h->nflags; i++)
		cyre_out_name(&s->out, h->flags[i]);
	cyre_out_names_end(&s->out);
	tell(s, "flags");
}

cyre_status cyre_show_header(
	struct cyre_shower *s, struct cyre_slice bytes, enum cyre_file which)
{
	static const char *const forms[] = {"none", "old", "text", "dlist"};
	struct cyre_header_context ctx = {.file = which};
	struct cyre_header h;
	cyre_status st = cyre_header_read(bytes, which, &s->found, &h);

	if (st != CYRE_OK)
		return st;
	cyre_check_header(&h, &ctx, &s->found);
	st = cyre_show_sort(s);
	if (st == CYRE_OK) {
		tell(s, NULL);
		cyre_out_begin(&s->out, "header");
		cyre_out_text(&s->out, "form", cyre_slice_str(forms[h.form]));
		put_text(s, "name", h.name, h.has & CYRE_HEADER_N);
		put_text(s, "mbtype", h.type, h.has & CYRE_HEADER_T);
		put_text(s, "uniqueid", h.uniqueid, h.has & CYRE_HEADER_I);
		put_text(s, "jmapid", h.jmapid, h.has & CYRE_HEADER_J);
		put_text(s, "quotaroot", h.quotaroot, h.has & CYRE_HEADER_Q);
		put_acl(s, h.acl);
		put_flags(s, &h);
		put_text(s, "extra", h.extra, false);
		put_text(s, "tail", h.tail, false);
		cyre_out_end(&s->out);
		cyre_show_tell_rest(s);
	}
	cyre_header_free(&h);
	return st;
}
