/* json.c - see json.h. */
#include "json.h"

#include "utf8.h"

static void separate(struct cyre_json *j)
{
	if (j->comma)
		cyre_put_u8(j->b, ',');
	j->comma = true;
}

void cyre_json_begin(struct cyre_json *j, char bracket)
{
	separate(j);
	cyre_put_u8(j->b, (uint8_t)bracket);
	j->comma = false;
}

void cyre_json_end(struct cyre_json *j, char bracket)
{
	cyre_put_u8(j->b, (uint8_t)bracket);
	j->comma = true;
}

static void escape(struct cyre_buf *b, uint8_t c)
{
	switch (c) {
	case '"':
		cyre_put_str(b, "\\\"");
		break;
	case '\\':
		cyre_put_str(b, "\\\\");
		break;
	case '\n':
		cyre_put_str(b, "\\n");
		break;
	case '\r':
		cyre_put_str(b, "\\r");
		break;
	case '\t':
		cyre_put_str(b, "\\t");
		break;
	default:
		cyre_put_fmt(b, "\\u%04x", c);
	}
}

static void put_string(struct cyre_buf *b, struct cyre_slice s)
{
	bool utf8 = cyre_utf8_valid(s);
	size_t i, from = 0;

	cyre_put_u8(b, '"');
	for (i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f &&
			(c < 0x80 || utf8))
			continue;
		cyre_put(b, s.p + from, i - from);
		escape(b, c);
		from = i + 1;
	}
	if (s.n > from) /* an empty slice may have no memory */
		cyre_put(b, s.p + from, s.n - from);
	cyre_put_u8(b, '"');
}

void cyre_json_key(struct cyre_json *j, const char *key)
{
	separate(j);
	put_string(j->b, cyre_slice_str(key));
	cyre_put_u8(j->b, ':');
	j->comma = false;
}

void cyre_json_slice(struct cyre_json *j, struct cyre_slice s)
{
	separate(j);
	put_string(j->b, s);
}

void cyre_json_number(struct cyre_json *j, uint64_t v)
{
	separate(j);
	cyre_put_dec(j->b, v);
}

void cyre_json_bool(struct cyre_json *j, bool v)
{
	separate(j);
	cyre_put_str(j->b, v ? "true" : "false");
}

void cyre_json_member(struct cyre_json *j, const char *key, const char *s)
{
	if (!s)
		return;
	cyre_json_key(j, key);
	cyre_json_slice(j, cyre_slice_str(s));
}

void cyre_json_member_number(struct cyre_json *j, const char *key, uint64_t v)
{
	cyre_json_key(j, key);
	cyre_json_number(j, v);
}
