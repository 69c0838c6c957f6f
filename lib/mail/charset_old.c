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
	{"tis-620", "iso-8859-11", 31}, {"ISO8859_15_FDIS", "iso-8859-15", 31},
	{"646", "iso-8859-1", 31}, {"8859_1", "iso-8859-1", 31},
	{"ISO-8859", "iso-8859-1", 31}, {"ISO_8859", "iso-8859-1", 31},
	{"ISO_8859_1", "iso-8859-1", 31}, {"auto", "iso-8859-1", 31},
	{"en_GB", "iso-8859-1", 31}, {"latin1", "iso-8859-1", 31},
	{"mac", "iso-8859-1", 31}, {"macintosh", "iso-8859-1", 31},
	{"none", "iso-8859-1", 31}, {"so-8859-1", "iso-8859-1", 31},
	{"unknown", "iso-8859-1", 31}, {"unknown-8bit", "iso-8859-1", 31},
	{"x-mac-roman", "iso-8859-1", 31}, {"x-unknown", "iso-8859-1", 31},
	{"x-user-defined", "iso-8859-1", 31}, {"8859_2", "iso-8859-2", 31},
	{"ASMO-708", "iso-8859-6", 31}, {"greek-ccitt", "iso-8859-7", 31},
	{"iso-8859-8-i", "iso-8859-8", 31},
	{"x-mac-turkish", "iso-8859-9", 31}, {"WIN-KOI8", "koi8-r", 31},
	{"utf7", "utf-7", 31}, {"utf8", "utf-8", 31},
	{"1250", "windows-1250", 31}, {"cp1250", "windows-1250", 31},
	{"win-1250", "windows-1250", 31}, {"1251", "windows-1251", 31},
	{"cp1251", "windows-1251", 31}, {"win-1251", "windows-1251", 31},
	{"1252", "windows-1252", 31}, {"cp1252", "windows-1252", 31},
	{"win-1252", "windows-1252", 31}, {"1255", "windows-1255", 31},
	{"cp1255", "windows-1255", 31}, {"win-1255", "windows-1255", 31},
	{"1256", "windows-1256", 31}, {"cp1256", "windows-1256", 31},
	{"win-1256", "windows-1256", 31},
	{"ISO8859-15", "iso-8859-15", 34}, {"8859-1", "iso-8859-1", 34},
	{"Any", "iso-8859-1", 34}, {"DISPLAY", "iso-8859-1", 34},
	{"ISO646-US", "iso-8859-1", 34}, {"ISO8859-1", "iso-8859-1", 34},
	{"ANSI_X3.4-1968", "us-ascii", 34}, {"ascii", "us-ascii", 34},
	{"unicode-1-1-utf-8", "utf-8", 34}, {"1254", "windows-1254", 34},
	{"cp1254", "windows-1254", 34}, {"win-1254", "windows-1254", 34},
	{"1258", "windows-1258", 34}, {"cp1258", "windows-1258", 34},
	{"win-1258", "windows-1258", 34},
};

int cyre_charset_number(const struct cyre_mail_behaviour *b,
	struct cyre_slice name)
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
