/*
 * charset_old.c - the charsets 2.5 and older have built in, by the place in
 * their list that SECTION stores (docs/formats/cache.md section 11).
 */
#include "parse.h"

/* The list only ever grew at its end. */
static const char *const names[] = {"us-ascii", "utf-8", "utf-7", "iso-8859-1",
	"iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6",
	"iso-8859-7", "iso-8859-8", "iso-8859-9", "koi8-r", "iso-2022-jp",
	"iso-2022-kr", "gb2312", "big5", "unicode-1-1-utf-7",
	"unicode-2-0-utf-7", "x-unicode-2-0-utf-7", "iso-8859-15",
	"windows-1252", "windows-1256", "windows-1250", "windows-1251",
	"windows-1255", "iso-8859-10", "iso-8859-11", "iso-8859-13",
	"iso-8859-14", "iso-8859-16", "windows-1254", "windows-1258",
	"windows-874"};

/* The size of the list from which on the alias is known: 2.4 or 2.5. */
static const struct {
	const char *alias, *name;
	uint8_t from;
} aliases[] = {
	{"tis-620", "iso-8859-11", 31},
	{"ISO8859_15_FDIS", "iso-8859-15", 31},
	{"646", "iso-8859-1", 31},
	{"8859_1", "iso-8859-1", 31},
	{"ISO-8859", "iso-8859-1", 31},
	{"ISO_8859", "iso-8859-1", 31},
	{"ISO_8859_1", "iso-8859-1", 31},
	{"auto", "iso-8859-1", 31},
	{"en_GB", "iso-8859-1", 31},
	{"latin1", "iso-8859-1", 31},
	{"mac", "iso-8859-1", 31},
	{"macintosh", "iso-8859-1", 31},
	{"none", "iso-8859-1", 31},
	{"so-8859-1", "iso-8859-1", 31},
	{"unknown", "iso-8859-1", 31},
	{"unknown-8bit", "iso-8859-1", 31},
	{"x-mac-roman", "iso-8859-1", 31},
	{"x-unknown", "iso-8859-1", 31},
	{"x-user-defined", "iso-8859-1", 31},
	{"8859_2", "iso-8859-2", 31},
	{"ASMO-708", "iso-8859-6", 31},
	{"greek-ccitt", "iso-8859-7", 31},
	{"iso-8859-8-i", "iso-8859-8", 31},
	{"x-mac-turkish", "iso-8859-9", 31},
	{"WIN-KOI8", "koi8-r", 31},
	{"utf7", "utf-7", 31},
	{"utf8", "utf-8", 31},
	{"1250", "windows-1250", 31},
	{"cp1250", "windows-1250", 31},
	{"win-1250", "windows-1250", 31},
	{"1251", "windows-1251", 31},
	{"cp1251", "windows-1251", 31},
	{"win-1251", "windows-1251", 31},
	{"1252", "windows-1252", 31},
	{"cp1252", "windows-1252", 31},
	{"win-1252", "windows-1252", 31},
	{"1255", "windows-1255", 31},
	{"cp1255", "windows-1255", 31},
	{"win-1255", "windows-1255", 31},
	{"1256", "windows-1256", 31},
	{"cp1256", "windows-1256", 31},
	{"win-1256", "windows-1256", 31},
	{"ISO8859-15", "iso-8859-15", 34},
	{"8859-1", "iso-8859-1", 34},
	{"Any", "iso-8859-1", 34},
	{"DISPLAY", "iso-8859-1", 34},
	{"ISO646-US", "iso-8859-1", 34},
	{"ISO8859-1", "iso-8859-1", 34},
	{"ANSI_X3.4-1968", "us-ascii", 34},
	{"ascii", "us-ascii", 34},
	{"unicode-1-1-utf-8", "utf-8", 34},
	{"1254", "windows-1254", 34},
	{"cp1254", "windows-1254", 34},
	{"win-1254", "windows-1254", 34},
	{"1258", "windows-1258", 34},
	{"cp1258", "windows-1258", 34},
	{"win-1258", "windows-1258", 34},
};

int cyre_charset_number(
	const struct cyre_mail_behaviour *b, struct cyre_slice name)
{
	size_t i;

	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (b->n_charsets >= aliases[i].from &&
			cyre_slice_is_nocase(name, aliases[i].alias)) {
			name = cyre_slice_str(aliases[i].name);
			break;
		}
	}
	for (i = 0; i < b->n_charsets; i++) {
		if (cyre_slice_is_nocase(name, names[i]))
			return (int)i;
	}
	return -1;
}

enum {
	UTF_8 = 1,
	UTF_7 = 2,
	ISO_2022_JP = 13,
	ISO_2022_KR = 14,
	GB2312 = 15,
	BIG5 = 16,
	UTF_7_FIRST_NAME = 17,
	UTF_7_LAST_NAME = 19,
	ISO_8859_16 = 30,
};

/* Where their tables differ from ICU's; two bytes for the pairs. */
static const struct {
	uint8_t charset;
	uint16_t bytes, code;
} differs[] = {
	{8, 0x30, 0x660},
	{8, 0x31, 0x661},
	{8, 0x32, 0x662},
	{8, 0x33, 0x663},
	{8, 0x34, 0x664},
	{8, 0x35, 0x665},
	{8, 0x36, 0x666},
	{8, 0x37, 0x667},
	{8, 0x38, 0x668},
	{8, 0x39, 0x669},
	{9, 0xa1, 0x2bd},
	{9, 0xa2, 0x2bc},
	{10, 0xaf, 0x203e},
	{ISO_2022_JP, 0xa1c0, 0x5c},
	{ISO_2022_JP, 0xa1c1, 0x301c},
	{ISO_2022_JP, 0xa1c2, 0x2016},
	{ISO_2022_JP, 0xa1dd, 0x2212},
	{ISO_2022_JP, 0xa1f1, 0xa2},
	{ISO_2022_JP, 0xa1f2, 0xa3},
	{ISO_2022_JP, 0xa2cc, 0xac},
	{GB2312, 0xa1ac, 0x2225},
	{GB2312, 0xa3a7, 0xff07},
	{BIG5, 0xa145, 0x2022},
	{BIG5, 0xa14e, 0xff64},
	{BIG5, 0xa15a, 0xff3f},
	{BIG5, 0xa1c2, 0x203e},
	{BIG5, 0xa1c3, 0xfffd},
	{BIG5, 0xa1c5, 0xfffd},
	{BIG5, 0xa1e3, 0x223c},
	{BIG5, 0xa1f2, 0x2641},
	{BIG5, 0xa1f3, 0x2609},
	{BIG5, 0xa1fe, 0x2571},
	{BIG5, 0xa240, 0x2572},
	{BIG5, 0xa241, 0xff0f},
	{BIG5, 0xa242, 0xff3c},
	{BIG5, 0xa244, 0xa5},
	{BIG5, 0xa246, 0xa2},
	{BIG5, 0xa247, 0xa3},
	{BIG5, 0xa3e1, 0xfffd},
	{9, 0xa4, 0xfffd},
	{9, 0xa5, 0xfffd},
	{9, 0xaa, 0xfffd},
	{10, 0xfd, 0xfffd},
	{10, 0xfe, 0xfffd},
	{ISO_2022_KR, 0xa2e6, 0xfffd},
	{ISO_2022_KR, 0xa2e7, 0xfffd},
};

/* Big5's kana, Cyrillic and circled digits, private to ICU, from c6a1 on. */
static const struct {
	uint16_t n, code;
} big5_c6a1[] = {{1, 0x30fe}, {2, 0x309d}, {1, 0x3005}, {83, 0x3041},
	{86, 0x30a1}, {2, 0x414}, {1, 0x401}, {7, 0x416}, {19, 0x423},
	{1, 0x451}, {26, 0x436}, {10, 0x2460}, {10, 0x2474}};

/* ICU has no converter for it; from 0xa1. */
static const uint16_t iso_8859_16[] = {0x104, 0x105, 0x141, 0x20ac, 0x201e,
	0x160, 0xa7, 0x161, 0xa9, 0x218, 0xab, 0x179, 0xad, 0x17a, 0x17b, 0xb0,
	0xb1, 0x10c, 0x142, 0x17d, 0x201d, 0xb6, 0xb7, 0x17e, 0x10d, 0x219,
	0xbb, 0x152, 0x153, 0x178, 0x17c, 0xc0, 0xc1, 0xc2, 0x102, 0xc4, 0x106,
	0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0x110,
	0x143, 0xd2, 0xd3, 0xd4, 0x150, 0xd6, 0x15a, 0x170, 0xd9, 0xda, 0xdb,
	0xdc, 0x118, 0x21a, 0xdf, 0xe0, 0xe1, 0xe2, 0x103, 0xe4, 0x107, 0xe6,
	0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee, 0xef, 0x111, 0x144,
	0xf2, 0xf3, 0xf4, 0x151, 0xf6, 0x15b, 0x171, 0xf9, 0xfa, 0xfb, 0xfc,
	0x119, 0x21b, 0xff};

static uint32_t ask_icu(struct cyre_mail_parser *m, const char *name,
	const uint8_t *p, size_t n)
{
	struct cyre_charset *cs =
		cyre_charset_find_icu(m, cyre_slice_str(name));
	uint32_t c = cs ? cyre_charset_one(cs, cyre_slice(p, n)) : 0xfffd;

	/* Private and control codes are ICU's way to keep what is undefined. */
	if ((c >= 0xe000 && c <= 0xf8ff) || c == 0x1a)
		return 0xfffd;
	return c;
}

static uint32_t lookup(struct cyre_mail_parser *m, int charset,
	const char *icu_name, const uint8_t *p, size_t n)
{
	uint16_t bytes = n == 1 ? p[0] : cyre_load_be16(p);
	size_t i;

	for (i = 0; i < sizeof(differs) / sizeof(differs[0]); i++) {
		if (differs[i].charset == charset && differs[i].bytes == bytes)
			return differs[i].code;
	}
	return ask_icu(m, icu_name, p, n);
}

/* ICU has more than the table behind f9d5, and other codes in c6 and c7. */
static uint32_t big5(struct cyre_mail_parser *m, const uint8_t *p)
{
	uint16_t bytes = cyre_load_be16(p);
	unsigned pos, i;

	if (bytes >= 0xf9d6)
		return 0xfffd;
	if (bytes < 0xc6a1 || bytes > 0xc7fc)
		return lookup(m, BIG5, "Big5", p, 2);
	if (p[1] < 0x40 || (p[1] > 0x7e && p[1] < 0xa1) || p[1] == 0xff)
		return 0xfffd;
	/* 157 characters a row: 63 of them from 40, the rest from a1. */
	pos = (p[0] - 0xc6u) * 157 + p[1] - (p[1] < 0x80 ? 0x40u : 0xa1u - 63);
	pos -= 63;
	for (i = 0; i < sizeof(big5_c6a1) / sizeof(big5_c6a1[0]); i++) {
		if (pos < big5_c6a1[i].n)
			return big5_c6a1[i].code + pos;
		pos -= big5_c6a1[i].n;
	}
	return 0xfffd;
}

/* The table has the characters of a1e0 to a1ef at a160. */
static uint32_t gb2312(struct cyre_mail_parser *m, uint8_t *p)
{
	if (p[0] == 0xa1 && p[1] >= 0xe0 && p[1] <= 0xef)
		return 0xfffd;
	if (p[0] == 0xa1 && p[1] >= 0x60 && p[1] <= 0x6f)
		p[1] |= 0x80;
	return lookup(m, GB2312, "gb2312", p, 2);
}

static uint32_t one_byte(struct cyre_mail_parser *m, int charset, uint8_t c)
{
	uint32_t code;

	if (charset == ISO_8859_16 && c > 0xa0)
		return iso_8859_16[c - 0xa1];
	if (c < 0x20)
		return c;
	if (charset == 0 || charset == ISO_8859_16)
		return c < 0x80 || charset ? c : 0xfffd;
	code = lookup(m, charset, names[charset], &c, 1);
	/* ICU fills the holes of the windows sets with controls. */
	if (code >= 0x80 && code <= 0x9f && names[charset][0] == 'w')
		return 0xfffd;
	return code;
}

enum { JP_ASCII, JP_0201, JP_0208, KR_WIDE };

/* Is there a character of two bytes that begins so? */
static bool is_lead(const struct cyre_old *o, uint8_t c)
{
	switch (o->charset) {
	case ISO_2022_JP:
		return o->set == JP_0208 &&
		       ((c >= 0x21 && c <= 0x28) || (c >= 0x30 && c <= 0x74));
	case ISO_2022_KR:
		return o->set == KR_WIDE && c >= 0x81 && c <= 0xfe;
	case GB2312:
		return (c >= 0xa1 && c <= 0xa9) || (c >= 0xb0 && c <= 0xf7);
	case BIG5:
		return (c >= 0xa1 && c <= 0xc7) || (c >= 0xc9 && c <= 0xf9);
	default:
		return false;
	}
}

static uint32_t pair(struct cyre_old *o, uint8_t lead, uint8_t c)
{
	uint8_t b[2] = {lead, c};

	switch (o->charset) {
	case ISO_2022_JP:
		b[0] |= 0x80;
		b[1] |= 0x80;
		return c >= 0x21 && c <= 0x7e
			       ? lookup(o->m, ISO_2022_JP, "EUC-JP", b, 2)
			       : 0xfffd;
	case ISO_2022_KR:
		return lookup(o->m, ISO_2022_KR, "windows-949", b, 2);
	case GB2312:
		return gb2312(o->m, b);
	default:
		return big5(o->m, b);
	}
}

/* The bytes behind ESC, kept in o->esc; false: not such a sequence. */
static bool escape(struct cyre_old *o, uint8_t c)
{
	static const struct {
		const char *seq;
		uint8_t charset, set;
	} known[] = {{"$@", ISO_2022_JP, JP_0208}, {"$B", ISO_2022_JP, JP_0208},
		{"(B", ISO_2022_JP, JP_ASCII}, {"(J", ISO_2022_JP, JP_0201},
		{"$)C", ISO_2022_KR, JP_ASCII}};
	bool begun = false;
	size_t i;

	o->esc[o->n_esc++] = (char)c;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].charset != o->charset ||
			strncmp(known[i].seq, o->esc, o->n_esc) != 0)
			continue;
		begun = true;
		if (!known[i].seq[o->n_esc]) {
			o->set = known[i].set;
			o->in_esc = false;
		}
	}
	return begun;
}

/* What no table has: back to the first set. Up to 2.3 the set stays. */
static uint32_t unknown(struct cyre_old *o)
{
	o->in_esc = false;
	if (o->m->b->search != CYRE_SEARCH_SQUEEZED)
		o->set = JP_ASCII;
	return 0xfffd;
}

static uint32_t stateful(struct cyre_old *o, uint8_t c)
{
	if (o->in_esc)
		return escape(o, c) ? CYRE_OLD_NONE : unknown(o);
	if (c == 0x1b && o->set != KR_WIDE) {
		o->in_esc = true;
		o->n_esc = 0;
		return CYRE_OLD_NONE;
	}
	if (o->charset == ISO_2022_KR &&
		c == (o->set == KR_WIDE ? 0x0f : 0x0e)) {
		o->set = o->set == KR_WIDE ? JP_ASCII : KR_WIDE;
		return CYRE_OLD_NONE;
	}
	if (o->set == JP_0201 && (c == 0x5c || c == 0x7e))
		return c == 0x5c ? 0xa5 : 0x203e;
	if (o->set == JP_0201 && c >= 0xa0 && c <= 0xdf)
		return c == 0xa0 ? 0x3000 : 0xff60u + (c - 0xa0u);
	return o->set <= JP_0201 && c < 0x80 ? c : unknown(o);
}

uint32_t cyre_old_code(struct cyre_old *o, uint8_t c)
{
	uint32_t code;
	uint8_t lead = o->lead;

	if (lead) {
		o->lead = 0;
		code = pair(o, lead, c);
		return code == 0xfffd ? unknown(o) : code;
	}
	if (!o->in_esc && is_lead(o, c)) {
		o->lead = c;
		return CYRE_OLD_NONE;
	}
	switch (o->charset) {
	case ISO_2022_JP:
	case ISO_2022_KR:
		return stateful(o, c);
	case GB2312:
	case BIG5:
		return c < 0x80 ? c : 0xfffd;
	default:
		return one_byte(o->m, o->charset, c);
	}
}

bool cyre_old_is_utf7(int charset)
{
	return charset == UTF_7 ||
	       (charset >= UTF_7_FIRST_NAME && charset <= UTF_7_LAST_NAME);
}

bool cyre_old_is_utf8(int charset)
{
	return charset == UTF_8;
}
