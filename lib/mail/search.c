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
		if (!s.p[i] ||
			(!cyre_is(s.p[i], CYRE_CC_ALPHA | CYRE_CC_DIGIT |
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
		put_name(m, out, cyre_mail_decode(m, a->name,
			m->opt.rfc2047_utf8));
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

/* 6.1 and 6.2: X- names that are cached, others that are not; `from`, `to`:
 * the cache versions this is so for. */
static const struct {
	const char *name;
	uint8_t from, to;
} x_cached[] = {
	{"x-mailer", 1, 255}, {"x-trace", 1, 255}, {"x-ref", 2, 255},
	{"x-priority", 2, 255}, {"x-msmail-priority", 2, 255},
	{"x-msoesrec", 2, 255}, {"x-spam-score", 3, 255},
	{"x-resolved-to", 3, 255}, {"x-delivered-to", 3, 255},
	{"x-mail-from", 3, 255}, {"x-truedomain-domain", 3, 255},
	{"x-me-message-id", 4, 255}, {"x-cyrus-session-id", 4, 255},
	{"x-universally-unique-identifier", 6, 255},
	{"x-uniform-type-identifier", 6, 255}, {"x-apple-base-url", 6, 255},
	{"x-apple-mail-remote-attachments", 6, 255},
}, never_cached[] = {
	{"received", 0, 255}, {"from", 0, 255}, {"to", 0, 255},
	{"subject", 0, 255}, {"date", 0, 255}, {"message-id", 10, 255},
	{"mime-version", 0, 255}, {"dkim-signature", 3, 255}, {"cc", 0, 255},
	{"return-path", 0, 255}, {"in-reply-to", 0, 255}, {"bcc", 0, 255},
	{"delivery-date", 0, 255}, {"envelope-to", 0, 255},
	{"sender", 0, 6}, {"reply-to", 0, 6},
	{"domainkey-signature", 3, 255}, {"domainkey-x509", 3, 255},
	{"arc-seal", 10, 255}, {"arc-message-signature", 10, 255},
	{"arc-authentication-results", 10, 255},
	{"authentication-results", 10, 255}, {"received-spf", 10, 255},
	{"archived-at", 10, 255}, {"listbox-message-date", 10, 255},
	{"topicbox-message-uuid", 10, 255},
	{"topicbox-policy-reasoning", 10, 255},
};

bool cyre_header_is_cached(const struct cyre_mail_behaviour *b,
	struct cyre_slice name)
{
	bool x = name.n >= 2 && cyre_lower(name.p[0]) == 'x' &&
		 name.p[1] == '-';
	size_t i, n = x ? sizeof(x_cached) / sizeof(x_cached[0])
			: sizeof(never_cached) / sizeof(never_cached[0]);

	for (i = 0; i < n; i++) {
		if (cyre_slice_is_nocase(name, x ? x_cached[i].name
						 : never_cached[i].name)) {
			if (x)
				return b->cache_version >= x_cached[i].from;
			return b->cache_version < never_cached[i].from ||
			       b->cache_version > never_cached[i].to;
		}
	}
	return !x;
}
