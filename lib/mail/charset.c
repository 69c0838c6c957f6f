/*
 * charset.c - charset names, and bytes of a charset -> UTF-8 (docs/formats/
 * message-parsing.md 9.1 and 9.2). us-ascii and UTF-8 are decoded here as the
 * server does it itself, everything else by ICU's converters.
 *
 * Opening a converter costs more than using it: a parser keeps the last few.
 */
#include <unicode/ucnv.h>
#include <unicode/utf16.h>

#include "parse.h"

#define SLOTS 16u

enum kind { KIND_UNKNOWN, KIND_ASCII, KIND_UTF8, KIND_ICU };

struct cyre_charset {
	enum kind kind;
	struct cyre_slice canon;
	UConverter *conv;
	/* What it was asked by; owned. */
	char *name;
	size_t name_len;
	bool icu_only;
	uint64_t used;
};

struct cyre_charsets {
	struct cyre_charset slot[SLOTS];
	struct cyre_charset ascii, utf8;
	uint64_t clock;
};

/* 9.2: a row's canonical name, then its aliases. */
typedef const char *const cyre_names[24];

/* Those that 3.2 gave another meaning. */
static cyre_names latin1[] = {
	{"windows-1252", "iso-8859-1", "ISO_8859_1", "ISO_8859-1", "ISO_8859",
		"ISO-8859", "8859_1", "iso--8859-1", "so-8859-1", "en_GB",
		"auto", "unknown", "unknown-8bit", "x-unknown",
		"x-user-defined", "x-europa", "none", "latin1", "ISO8859-1",
		"8859-1", "es-windows-1252", "DISPLAY", "Any"},
	{"macintosh", "x-mac-roman", "mac", "csmacintosh"},
	{NULL},
};

static cyre_names latin1_old[] = {
	{"iso-8859-1", "ISO_8859_1", "ISO_8859-1", "ISO_8859", "ISO-8859",
		"8859_1", "iso--8859-1", "so-8859-1", "en_GB", "auto",
		"unknown", "unknown-8bit", "x-unknown", "x-user-defined",
		"x-europa", "none", "latin1", "ISO8859-1", "8859-1",
		"es-iso-8859-1", "DISPLAY", "Any"},
	{"iso-8859-1", "x-mac-roman", "macintosh", "mac"},
	{NULL},
};

static cyre_names names[] = {
	{"utf-8", "utf8", "unicode-1-1-utf-8"},
	{"utf-7", "utf7", "unicode-1-1-utf-7"},
	{"IMAP-mailbox-name", "imap-utf-7"},
	{"us-ascii", "ascii", "ANSI_X3.4-1968", "usascii"},
	{"windows-1252", "1252", "cp1252", "cp-1252", "win-1252"},
	{"iso-8859-1", "646", "ISO646-US"},
	{"iso-8859-2", "8859_2"},
	{"iso-8859-9", "x-mac-turkish"},
	{"iso-8859-7", "greek-ccitt"},
	{"iso-8859-8", "iso-8859-8-i"},
	{"iso-8859-15", "ISO8859_15_FDIS", "ISO8859-15"},
	{"iso-8859-11", "tis-620", "x-mac-thai"},
	{"iso-8859-6", "ASMO-708"},
	{"koi8-r", "WIN-KOI8"},
	{"koi8-u"},
	{"iso-2022-jp", "_iso-2022-jp$ESC", "_iso-2022-jp", "csISO2022JP"},
	{"ksc5601", "ks_c_5601"},
	{"windows-1250", "1250", "cp1250", "win-1250", "238"},
	{"windows-1251", "1251", "cp1251", "win-1251"},
	{"windows-1254", "1254", "cp1254", "win-1254"},
	{"windows-1255", "1255", "cp1255", "win-1255"},
	{"windows-1256", "1256", "cp1256", "win-1256", "win1256"},
	{"windows-1257", "1257", "cp1257", "win-1257"},
	{"windows-1258", "1258", "cp1258", "win-1258"},
	{"windows-850", "cp850", "cp-850", "dos-latin1", "msdos-latin1"},
	{"windows-31j", "cp932", "cp-932", "win-31j", "Shift_JIS"},
	{"windows-936", "cp936", "cp-936", "win-936", "gbk", "x-gbk", "gb2312"},
	{"big5", "136"},
	{NULL},
};

static const char *find_alias(cyre_names *rows, struct cyre_slice name)
{
	size_t i, j;

	for (i = 0; rows[i][0]; i++) {
		for (j = 1; rows[i][j]; j++) {
			if (cyre_slice_is_nocase(name, rows[i][j]))
				return rows[i][0];
		}
	}
	return NULL;
}

static const char *find_canonical(cyre_names *rows, struct cyre_slice name)
{
	size_t i;

	for (i = 0; rows[i][0]; i++) {
		if (cyre_slice_is_nocase(name, rows[i][0]))
			return rows[i][0];
	}
	return NULL;
}

/* The table's name for it; NULL: not in the table. */
static const char *canonical(struct cyre_slice name, bool old)
{
	cyre_names *special = old ? latin1_old : latin1;
	const char *c = find_alias(special, name);

	if (!c)
		c = find_alias(names, name);
	if (!c)
		c = find_canonical(special, name);
	return c ? c : find_canonical(names, name);
}

cyre_status cyre_charsets_new(struct cyre_charsets **ret)
{
	struct cyre_charsets *cs = calloc(1, sizeof(*cs));

	if (!cs)
		return CYRE_ENOMEM;
	cs->ascii.kind = KIND_ASCII;
	cs->ascii.canon = cyre_slice_str("us-ascii");
	cs->utf8.kind = KIND_UTF8;
	cs->utf8.canon = cyre_slice_str("utf-8");
	*ret = cs;
	return CYRE_OK;
}

static void slot_clear(struct cyre_charset *cs)
{
	if (cs->conv)
		ucnv_close(cs->conv);
	free(cs->name);
	*cs = (struct cyre_charset){0};
}

void cyre_charsets_free(struct cyre_charsets *cs)
{
	size_t i;

	if (!cs)
		return;
	for (i = 0; i < SLOTS; i++)
		slot_clear(&cs->slot[i]);
	free(cs);
}

/* Fills the slot for cs->name. */
static void open_charset(struct cyre_charset *cs, bool old)
{
	struct cyre_slice name = cyre_slice(cs->name, cs->name_len);
	const char *canon = cs->icu_only ? NULL : canonical(name, old);
	UErrorCode err = U_ZERO_ERROR;

	cs->kind = KIND_UNKNOWN;
	if (canon && strcmp(canon, "us-ascii") == 0) {
		cs->kind = KIND_ASCII;
	} else if (canon && strcmp(canon, "utf-8") == 0) {
		cs->kind = KIND_UTF8;
	} else if (name.n) {
		/* ICU takes no name as its default. */
		cs->conv = ucnv_open(canon ? canon : cs->name, &err);
		if (!cs->conv || U_FAILURE(err))
			return;
		cs->kind = KIND_ICU;
		if (!canon)
			canon = ucnv_getName(cs->conv, &err);
	}
	cs->canon = cyre_slice_str(canon ? canon : "unknown");
}

static struct cyre_charset *find(
	struct cyre_mail_parser *m, struct cyre_slice name, bool icu_only)
{
	struct cyre_charsets *all = m->charsets;
	struct cyre_charset *cs, *oldest = &all->slot[0];
	size_t i;

	for (i = 0; i < SLOTS; i++) {
		cs = &all->slot[i];
		if (cs->name && cs->icu_only == icu_only &&
			cyre_slice_eq(cyre_slice(cs->name, cs->name_len), name))
			break;
		if (cs->used < oldest->used)
			oldest = cs;
	}
	if (i == SLOTS) {
		cs = oldest;
		slot_clear(cs);
		cs->name = malloc(name.n + 1);
		if (!cs->name) {
			cyre_mail_fail(m, CYRE_ENOMEM);
			return NULL;
		}
		if (name.n)
			memcpy(cs->name, name.p, name.n);
		cs->name[name.n] = 0;
		cs->name_len = name.n;
		cs->icu_only = icu_only;
		open_charset(cs, m->b->old_latin1);
	}
	cs->used = ++all->clock;
	return cs->kind == KIND_UNKNOWN ? NULL : cs;
}

struct cyre_charset *cyre_charset_find(
	struct cyre_mail_parser *m, struct cyre_slice name)
{
	return find(m, name, false);
}

struct cyre_charset *cyre_charset_find_icu(
	struct cyre_mail_parser *m, struct cyre_slice name)
{
	return find(m, name, true);
}

struct cyre_charset *cyre_charset_plain(struct cyre_mail_parser *m, bool utf8)
{
	return utf8 ? &m->charsets->utf8 : &m->charsets->ascii;
}

struct cyre_slice cyre_charset_canon(const struct cyre_charset *cs)
{
	return cs->canon;
}

void cyre_put_utf8(struct cyre_buf *out, uint32_t c)
{
	if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		c = 0xfffd;
	if (c > 0xffff) {
		cyre_put_u8(out, (uint8_t)(0xf0 | c >> 18));
		cyre_put_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
	} else if (c > 0x7ff) {
		cyre_put_u8(out, (uint8_t)(0xe0 | c >> 12));
	}
	if (c > 0x7ff)
		cyre_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	else if (c > 0x7f)
		cyre_put_u8(out, (uint8_t)(0xc0 | c >> 6));
	if (c > 0x7f)
		cyre_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
	else
		cyre_put_u8(out, (uint8_t)c);
}

void cyre_charset_reset(struct cyre_charset *cs, struct cyre_unicode *u)
{
	if (cs->conv)
		ucnv_reset(cs->conv);
	u->code = 0;
	u->left = 0;
}

/* The server's own decoder, lenient about ranges; its state stays in u. */
static void put_utf8_byte(struct cyre_unicode *u, uint8_t c)
{
	if ((c & 0xc0) == 0x80 && u->left) {
		u->code = u->code << 6 | (c & 0x3f);
		if (--u->left == 0)
			cyre_put_utf8(u->out, u->code);
		return;
	}
	/* An unfinished sequence counts as one, except before a byte that is
	 * wrong whatever came before. */
	if (u->left && c < 0xf8)
		cyre_put_utf8(u->out, 0xfffd);
	u->left = 0;
	if (c < 0x80) {
		cyre_put_utf8(u->out, c);
	} else if (c < 0xc2 || c >= 0xf5) {
		cyre_put_utf8(u->out, 0xfffd);
	} else {
		u->left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		u->code = c & (0x3fu >> u->left);
	}
}

static void put_icu(struct cyre_charset *cs, struct cyre_unicode *u,
	struct cyre_slice bytes)
{
	const char *src = (const char *)bytes.p, *src_end = src + bytes.n;
	UChar unit[512], *to;
	UErrorCode err;
	int32_t i, n, kept = 0;
	UChar32 c;

	/* clang-tidy does not know that ICU fills the units it counts. */
	/* NOLINTBEGIN(clang-analyzer-core.*) */
	do {
		to = unit + kept;
		err = U_ZERO_ERROR;
		ucnv_toUnicode(cs->conv, &to, unit + 512, &src, src_end, NULL,
			true, &err);
		if (U_FAILURE(err) && err != U_BUFFER_OVERFLOW_ERROR) {
			cyre_put_utf8(u->out, 0xfffd);
			return;
		}
		n = (int32_t)(to - unit);
		for (i = 0; i < n;) {
			if (U16_IS_LEAD(unit[i]) && i + 1 == n &&
				U_FAILURE(err))
				break;
			U16_NEXT(unit, i, n, c);
			cyre_put_utf8(u->out, (uint32_t)c);
		}
		kept = n - i;
		if (kept)
			unit[0] = unit[i];
	} while (U_FAILURE(err));
	/* NOLINTEND(clang-analyzer-core.*) */
}

uint32_t cyre_charset_one(struct cyre_charset *cs, struct cyre_slice bytes)
{
	const char *src = (const char *)bytes.p;
	UChar unit[4], *to = unit;
	UErrorCode err = U_ZERO_ERROR;

	if (!cs->conv)
		return 0xfffd;
	ucnv_reset(cs->conv);
	ucnv_toUnicode(
		cs->conv, &to, unit + 4, &src, src + bytes.n, NULL, true, &err);
	return U_FAILURE(err) || to != unit + 1 ? 0xfffd : unit[0];
}

void cyre_charset_put(struct cyre_charset *cs, struct cyre_unicode *u,
	struct cyre_slice bytes)
{
	size_t i;

	switch (cs->kind) {
	case KIND_ASCII:
		for (i = 0; i < bytes.n; i++) {
			if (bytes.p[i])
				cyre_put_utf8(u->out, bytes.p[i] < 0x80
							      ? bytes.p[i]
							      : 0xfffd);
		}
		break;
	case KIND_UTF8:
		for (i = 0; i < bytes.n; i++)
			put_utf8_byte(u, bytes.p[i]);
		break;
	case KIND_ICU:
		put_icu(cs, u, bytes);
		break;
	case KIND_UNKNOWN:
		break;
	}
}
