/* problem.c - the table of cyrescue/problem-table.h as data. */
#include <cyrescue/problem.h>

#include <string.h>

static const struct cyre_problem_row rows[] = {
#define X(name, id, slug, sev, fix, detail, customer, repair)                  \
	{#name, id, slug, CYRE_SEV_##sev, CYRE_FIX_##fix, detail, customer,    \
		repair},
	CYRE_PROBLEMS(X)
#undef X
};

const struct cyre_problem_row *cyre_problem_row(enum cyre_problem p)
{
	return (unsigned)p < CYRE_PROBLEM_COUNT ? &rows[p] : NULL;
}

enum cyre_problem cyre_problem_by_name(const char *s)
{
	unsigned i;

	for (i = 0; i < CYRE_PROBLEM_COUNT; i++)
		if (!strcmp(rows[i].slug, s) || !strcmp(rows[i].id, s))
			break;
	return (enum cyre_problem)i;
}

const char *cyre_severity_name(enum cyre_severity s)
{
	static const char *const names[] = {"note", "stale", "damage", "loss"};

	return names[s];
}

const char *cyre_fix_name(enum cyre_fix f)
{
	static const char *const names[] = {"exact", "rule", "ask", "none"};

	return names[f];
}
