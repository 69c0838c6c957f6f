/* names.c - see names.h. Format: docs/formats/layout.md section 8. */
#include "names.h"

#include <ctype.h>
#include <strings.h>

struct cyre_name cyre_name_split(struct cyre_slice name)
{
	const uint8_t *bang = name.n ? memchr(name.p, '!', name.n) : NULL;
	struct cyre_name ret = {.local = name};

	if (bang && bang > name.p) {
		ret.domain = cyre_slice(name.p, (size_t)(bang - name.p));
		ret.local = cyre_slice(bang + 1, name.n - ret.domain.n - 1);
	}
	return ret;
}

bool cyre_name_component(
	struct cyre_slice *rest, char sep, struct cyre_slice *ret)
{
	const uint8_t *end;
	size_t n;

	if (!rest->p)
		return false;
	end = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
	n = end ? (size_t)(end - rest->p) : rest->n;
	*ret = cyre_slice(rest->p, n);
	*rest = end ? cyre_slice(end + 1, rest->n - n - 1)
		    : cyre_slice(NULL, 0);
	return true;
}

static bool is_hex(struct cyre_slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!isxdigit(s.p[i]))
			return false;
	return s.n > 0 && s.n <= 16;
}

static uint64_t hex(struct cyre_slice s)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < s.n; i++) {
		int c = tolower(s.p[i]);

		v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return v;
}

/*
 * The administrator may have changed deletedprefix since: a mailbox of a user
 * below any other top component with eight hexadecimal digits behind is one too.
 */
bool cyre_name_is_deleted(const struct cyre_conf *conf, struct cyre_slice name,
	struct cyre_slice *ret_old, uint64_t *ret_time)
{
	struct cyre_slice local = cyre_name_split(name).local, rest = local;
	struct cyre_slice top, old, last;
	const uint8_t *dot;
	bool ours;

	if (!cyre_name_component(&rest, '.', &top) || !rest.p || rest.n == 0)
		return false;
	dot = memrchr(rest.p, '.', rest.n);
	if (!dot || dot == rest.p)
		return false;
	old = cyre_slice(rest.p, (size_t)(dot - rest.p));
	last = cyre_slice(dot + 1, rest.n - old.n - 1);
	if (!is_hex(last))
		return false;
	ours = conf->deletedprefix &&
	       cyre_slice_eq(top, cyre_slice_str(conf->deletedprefix));
	if (!ours && (last.n != 8 ||
			     !cyre_slice_starts(old, cyre_slice_str("user."))))
		return false;
	if (ret_old)
		*ret_old = old;
	if (ret_time)
		*ret_time = hex(last);
	return true;
}

/* The component behind `user.`. */
static bool user_component(struct cyre_slice local, struct cyre_slice *ret,
	struct cyre_slice *ret_rest)
{
	struct cyre_slice c;

	if (!cyre_name_component(&local, '.', &c) ||
		!cyre_slice_eq(c, cyre_slice_str("user")) ||
		!cyre_name_component(&local, '.', &c) || c.n == 0)
		return false;
	*ret = c;
	*ret_rest = local;
	return true;
}

static void put_changed(struct cyre_buf *ret, struct cyre_slice s,
	const char *from, const char *to)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		const char *p = s.p[i] ? strchr(from, s.p[i]) : NULL;

		cyre_put_u8(ret, p ? (uint8_t)to[p - from] : s.p[i]);
	}
}

bool cyre_name_userid(const struct cyre_conf *conf, struct cyre_slice name,
	struct cyre_buf *ret)
{
	struct cyre_name n = cyre_name_split(name);
	struct cyre_slice user, rest, old;

	if (cyre_name_is_deleted(conf, name, &old, NULL))
		n.local = old;
	if (!user_component(n.local, &user, &rest))
		return false;
	put_changed(ret, user, "^", ".");
	if (n.domain.n) {
		cyre_put_u8(ret, '@');
		cyre_put_slice(ret, n.domain);
	}
	return true;
}

void cyre_name_inbox(struct cyre_slice userid, struct cyre_buf *ret)
{
	const uint8_t *at = userid.n ? memrchr(userid.p, '@', userid.n) : NULL;
	struct cyre_slice local = userid;

	if (at) {
		local.n = (size_t)(at - userid.p);
		cyre_put(ret, at + 1, userid.n - local.n - 1);
		cyre_put_u8(ret, '!');
	}
	cyre_put_str(ret, "user.");
	put_changed(ret, local, ".", "^");
}

bool cyre_name_is_inbox(struct cyre_slice name)
{
	struct cyre_slice user, rest;

	return user_component(cyre_name_split(name).local, &user, &rest) &&
	       !rest.p;
}

char cyre_name_separator(const struct cyre_conf *conf)
{
	return conf->unixhierarchysep ? '/' : '.';
}

void cyre_name_external(const struct cyre_conf *conf, struct cyre_slice name,
	struct cyre_buf *ret)
{
	struct cyre_name n = cyre_name_split(name);

	if (conf->unixhierarchysep)
		put_changed(ret, n.local, ".^", "/.");
	else
		cyre_put_slice(ret, n.local);
	if (n.domain.n) {
		cyre_put_u8(ret, '@');
		cyre_put_slice(ret, n.domain);
	}
}

void cyre_name_internal(const struct cyre_conf *conf,
	struct cyre_slice external, struct cyre_buf *ret)
{
	const uint8_t *at = conf->virtdomains != CYRE_VIRT_OFF && external.n
				    ? memrchr(external.p, '@', external.n)
				    : NULL;
	struct cyre_slice local = external, domain = {0};
	const char *def = conf->defaultdomain;
	size_t i;

	if (at && at > external.p && at + 1 < external.p + external.n) {
		local.n = (size_t)(at - external.p);
		domain = cyre_slice(at + 1, external.n - local.n - 1);
	}
	if (domain.n &&
		!(def && strlen(def) == domain.n &&
			!strncasecmp(def, (const char *)domain.p, domain.n))) {
		for (i = 0; i < domain.n; i++)
			cyre_put_u8(ret, (uint8_t)tolower(domain.p[i]));
		cyre_put_u8(ret, '!');
	}
	if (conf->unixhierarchysep)
		put_changed(ret, local, "/.", ".^");
	else
		cyre_put_slice(ret, local);
}

static void put_utf8(struct cyre_buf *b, uint32_t c)
{
	if (c < 0x80) {
		cyre_put_u8(b, (uint8_t)c);
	} else if (c < 0x800) {
		cyre_put_u8(b, (uint8_t)(0xc0 | c >> 6));
		cyre_put_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		cyre_put_u8(b, (uint8_t)(0xe0 | c >> 12));
		cyre_put_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		cyre_put_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		cyre_put_u8(b, (uint8_t)(0xf0 | c >> 18));
		cyre_put_u8(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		cyre_put_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		cyre_put_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

/* What stands between `&` and `-`: UTF-16 in base64 with a comma for '/'. */
static bool put_shifted(struct cyre_buf *b, struct cyre_slice s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+,";
	uint32_t bits = 0, high = 0, unit;
	unsigned n_bits = 0;
	size_t i;

	for (i = 0; i < s.n; i++) {
		const char *d = s.p[i] ? strchr(digits, s.p[i]) : NULL;

		if (!d)
			return false;
		bits = bits << 6 | (uint32_t)(d - digits);
		n_bits += 6;
		if (n_bits < 16)
			continue;
		n_bits -= 16;
		unit = bits >> n_bits & 0xffff;
		bits &= (1u << n_bits) - 1;
		if (high ? unit < 0xdc00 || unit > 0xdfff
			 : unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff))
			return false;
		if (high) {
			put_utf8(b, 0x10000 + ((high - 0xd800) << 10) +
					    (unit - 0xdc00));
			high = 0;
		} else if (unit >= 0xd800 && unit <= 0xdbff) {
			high = unit;
		} else {
			put_utf8(b, unit);
		}
	}
	return !high && n_bits < 6 && bits == 0;
}

void cyre_name_display(struct cyre_slice name, struct cyre_buf *ret)
{
	size_t i = 0;

	while (i < name.n && !ret->bad) {
		const uint8_t *p = name.p + i;
		const uint8_t *end =
			*p == '&' ? memchr(p, '-', name.n - i) : NULL;
		size_t start = ret->n;

		if (!end) {
			cyre_put_u8(ret, *p);
			i++;
		} else if (end == p + 1) {
			cyre_put_u8(ret, '&');
			i += 2;
		} else if (put_shifted(ret,
				   cyre_slice(p + 1, (size_t)(end - p - 1)))) {
			i += (size_t)(end - p) + 1;
		} else {
			ret->n = start;
			cyre_put_u8(ret, '&');
			i++;
		}
	}
}

/*
 * One way back for the last `*` and one for the last `%` behind it is enough:
 * an earlier one cannot reach a match that these miss.
 */
bool cyre_name_match(
	struct cyre_slice pattern, struct cyre_slice name, char sep)
{
	size_t p = 0, n = 0;
	size_t star = SIZE_MAX, star_at = 0, some = SIZE_MAX, some_at = 0;

	for (;;) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = ++p;
			star_at = n;
			some = SIZE_MAX;
		} else if (p < pattern.n && pattern.p[p] == '%') {
			some = ++p;
			some_at = n;
		} else if (p == pattern.n && n == name.n) {
			return true;
		} else if (p < pattern.n && n < name.n &&
			   pattern.p[p] == name.p[n]) {
			p++;
			n++;
		} else if (some != SIZE_MAX && some_at < name.n &&
			   name.p[some_at] != (uint8_t)sep) {
			p = some;
			n = ++some_at;
		} else if (star != SIZE_MAX && star_at < name.n) {
			p = star;
			n = ++star_at;
			some = SIZE_MAX;
		} else {
			return false;
		}
	}
}
