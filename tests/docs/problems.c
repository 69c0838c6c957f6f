/*
 * problems.c - prints docs/problems.md, the manual of the problem table
 *
 * `./dev docs` writes it; the test docs/problems compares the two.
 */
#include <cyrescue/problem.h>

#include <stdio.h>
#include <string.h>

static const char intro[] =
	"# Every finding\n"
	"\n"
	"Made by `./dev docs` from lib/base/cyrescue/problem-table.h; do not "
	"edit.\n"
	"\n"
	"A finding has a short id and a stable name (the `code` of a report). "
	"Its\n"
	"**severity** is what it costs the customer:\n"
	"\n"
	"* note: nothing.\n"
	"* stale: a copy or a derived value is wrong and can be made again.\n"
	"* damage: original metadata cannot be trusted.\n"
	"* loss: something is in none of the files that are there.\n"
	"\n"
	"Its **fix** is how sure a repair is:\n"
	"\n"
	"* exact: provable from intact data.\n"
	"* rule: a fixed rule; may differ from what was lost.\n"
	"* ask: a person chooses.\n"
	"* none: there is no repair, or none is needed.\n"
	"\n"
	"In the line that a scan prints, EXPECTED, ACTUAL, UID, OFFSET, LENGTH "
	"and\n"
	"TEXT stand for the facts of the case.\n";

static const struct {
	const char *prefix, *title;
} families[] = {
	{"CF", "Configuration"},
	{"FS", "File system"},
	{"MB", "Mailboxes and their directories"},
	{"HD", "cyrus.header"},
	{"IX", "cyrus.index"},
	{"EX", "cyrus.expunge"},
	{"CA", "cyrus.cache"},
	{"ML", "Message files"},
	{"DB", "Databases"},
	{"CD", "The configdirectory"},
};

static const char *family_title(const char *id)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (!strncmp(id, families[i].prefix, 2))
			return families[i].title;
	return id;
}

static const char *placeholder(char c)
{
	switch (c) {
	case 'e':
	case 'E':
		return "EXPECTED";
	case 'a':
	case 'A':
		return "ACTUAL";
	case 'u':
		return "UID";
	case 'o':
		return "OFFSET";
	case 'l':
		return "LENGTH";
	case 't':
		return "TEXT";
	default:
		return "$";
	}
}

static void print_detail(const char *s)
{
	for (; *s; s++) {
		if (*s == '$' && s[1])
			fputs(placeholder(*++s), stdout);
		else
			putchar(*s);
	}
}

int main(void)
{
	const char *family = "";
	const struct cyre_problem_row *r;
	unsigned i;

	fputs(intro, stdout);
	for (i = 0; (r = cyre_problem_row((enum cyre_problem)i)); i++) {
		if (strncmp(family, r->id, 2))
			printf("\n## %s\n", family_title(r->id));
		family = r->id;
		printf("\n### %s %s\n\n%s, fix: %s. `", r->id, r->slug,
			cyre_severity_name(r->severity), cyre_fix_name(r->fix));
		print_detail(r->detail);
		printf("`\n\n* Customer: %s\n* Repair: %s\n", r->customer,
			r->repair);
	}
	return 0;
}
