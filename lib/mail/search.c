/*
 * search.c - items FROM, TO, CC, BCC of a cache record, and which headers item
 * HEADERS holds (docs/formats/cache.md sections 6 and 7).
 */
#include "parse.h"

static void put_lower(struct cyre_buf *out, struct cyre_slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		cyre_put_u8(out, cyre_lower(s.p[i]));
}

static bool is_plain_name(struct cyre_slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (!s.p[i] || (!cyre_is(s.p[i], CYRE_CC_ALPHA | CYRE_CC_DIGIT |
							 CYRE_CC_WS) &&
				       !strchr("!#$%&'*+-/=?^_`{|}~", s.p[i])))
			return false;
	}
	return true;
}

static void put_name(const struct cyre_mail_parser *m, struct cyre_buf *out,
	struct cyre_slice name)
{
	size_t i;

	if (m->b->search != CYRE_SEARCH_QUOTED || is_plain_name(name)) {
		cyre_put_slice(out, name);
		return;
	}
	cyre_put_u8(out, '"');
	for (i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			cyre_put_u8(out, '\\');
		cyre_put_u8(out, name.p[i]);
	}
	cyre_put_u8(out, '"');
}

static void put_address(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_address *a)
{
	if (a->name.p) {
		put_name(m, out,
			cyre_mail_decode(m, a->name, m->opt.rfc2047_utf8));
		cyre_put_u8(out, ' ');
	}
	cyre_put_u8(out, '<');
	if (a->route.p) {
		put_lower(out, a->route);
		cyre_put_u8(out, ':');
	}
	put_lower(out, a->mailbox);
	cyre_put_u8(out, '@');
	put_lower(out, a->domain);
	cyre_put_u8(out, '>');
}

void cyre_put_search(struct cyre_mail_parser *m, struct cyre_buf *out,
	const struct cyre_addresses *list)
{
	const struct cyre_address *a;
	bool comma = false;

	for (a = list->first; a; a = a->next) {
		if (!a->domain.p && !a->mailbox.p) {
			cyre_put_u8(out, ';');
			comma = true;
			continue;
		}
		if (comma)
			cyre_put_u8(out, ',');
		comma = a->domain.p;
		if (a->domain.p) {
			put_address(m, out, a);
		} else {
			cyre_put_slice(out, cyre_mail_decode(m, a->mailbox,
						    m->opt.rfc2047_utf8));
			cyre_put_u8(out, ':');
		}
	}
}

/* The cache versions whose writers cache a header of this name (cache.md 6). */
struct rule {
	const char *name;
	uint8_t from, to;
};

static const struct rule x_names[] = {
	{"x-mailer", 1, 255},
	{"x-trace", 1, 255},
	{"x-ref", 2, 255},
	{"x-priority", 2, 255},
	{"x-msmail-priority", 2, 255},
	{"x-msoesrec", 2, 255},
	{"x-spam-score", 3, 255},
	{"x-resolved-to", 3, 255},
	{"x-delivered-to", 3, 255},
	{"x-mail-from", 3, 255},
	{"x-truedomain-domain", 3, 255},
	{"x-me-message-id", 4, 255},
	{"x-cyrus-session-id", 4, 255},
	{"x-universally-unique-identifier", 6, 255},
	{"x-uniform-type-identifier", 6, 255},
	{"x-apple-base-url", 6, 255},
	{"x-apple-mail-remote-attachments", 6, 255},
	{NULL, 0, 0},
};

/* Of 2.4 alone. */
static const struct rule spam_names[] = {
	{"x-spam-hits", 3, 3},
	{"x-spam-source", 3, 3},
	{"x-truedomain", 3, 3},
	{"x-truedomain-dkim", 3, 3},
	{"x-truedomain-spf", 3, 3},
	{NULL, 0, 0},
};

/* Every name not in here is cached from version 1 on. */
static const struct rule other_names[] = {
	{"received", 255, 0},
	{"from", 255, 0},
	{"to", 255, 0},
	{"subject", 255, 0},
	{"date", 255, 0},
	{"message-id", 1, 6},
	{"mime-version", 255, 0},
	{"dkim-signature", 1, 2},
	{"cc", 255, 0},
	{"return-path", 255, 0},
	{"in-reply-to", 255, 0},
	{"bcc", 255, 0},
	{"delivery-date", 255, 0},
	{"envelope-to", 255, 0},
	{"sender", 7, 255},
	{"reply-to", 7, 255},
	{"domainkey-signature", 1, 2},
	{"domainkey-x509", 1, 2},
	{"arc-seal", 1, 6},
	{"arc-message-signature", 1, 6},
	{"arc-authentication-results", 1, 6},
	{"authentication-results", 1, 6},
	{"received-spf", 1, 6},
	{"archived-at", 1, 6},
	{"listbox-message-date", 1, 6},
	{"topicbox-message-uuid", 1, 6},
	{"topicbox-policy-reasoning", 1, 6},
	{"priority", 0, 255},
	{"references", 0, 255},
	{"resent-from", 0, 255},
	{"newsgroups", 0, 255},
	{"followup-to", 0, 255},
	{NULL, 0, 0},
};

static const struct rule *find_rule(
	const struct rule *rules, struct cyre_slice name)
{
	uint8_t first = name.n ? cyre_lower(name.p[0]) : 0;

	for (; rules->name; rules++) {
		if ((uint8_t)rules->name[0] == first &&
			cyre_slice_is_nocase(name, rules->name))
			break;
	}
	return rules;
}

bool cyre_header_is_cached(
	const struct cyre_mail_behaviour *b, struct cyre_slice name)
{
	bool x =
		name.n >= 2 && cyre_lower(name.p[0]) == 'x' && name.p[1] == '-';
	const struct rule *r = find_rule(x ? x_names : other_names, name);

	if (x && !r->name && b->spam_headers)
		r = find_rule(spam_names, name);
	if (!r->name)
		return !x && b->cache_version >= 1;
	return b->cache_version >= r->from && b->cache_version <= r->to;
}
