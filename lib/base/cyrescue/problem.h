/*
 * cyrescue/problem.h - every problem we can find, in one table
 *
 * One list makes the enum, the stable names, the manual (docs/problems.md) and
 * the tests. A row is
 *
 *   X(NAME, "id", "slug", SEVERITY, FIX, "detail", "customer", "repair")
 *
 * id, slug  stable for ever; never used again for something else. Slugs are
 *           those of upstream's audit where the meaning is the same.
 * SEVERITY  what it costs the customer:
 *           NOTE nothing; STALE a copy or a derived value is wrong and can be
 *           made again; DAMAGE original metadata cannot be trusted; LOSS
 *           something is in none of the files we were given.
 * FIX       how sure the repair is: EXACT provable from intact data; RULE a
 *           fixed rule, may differ from what was lost; ASK a person chooses;
 *           NONE there is no repair, or none is needed.
 * detail    one line with the facts: $e expected, $a actual (decimal; $E $A
 *           hexadecimal), $u uid, $o offset and $l length in bytes, $t text.
 * customer  what it means for the customer, to be read aloud on the phone.
 * repair    what cyrrebuild (or the administrator) does about it.
 *
 * One code has one severity: where the outcome depends on another file, it is
 * two codes.
 */
#ifndef CYRESCUE_PROBLEM_H
#define CYRESCUE_PROBLEM_H

#include <stddef.h>

#include <cyrescue/status.h>

enum cyre_severity {
	CYRE_SEV_NOTE,
	CYRE_SEV_STALE,
	CYRE_SEV_DAMAGE,
	CYRE_SEV_LOSS
};

enum cyre_fix { CYRE_FIX_EXACT, CYRE_FIX_RULE, CYRE_FIX_ASK, CYRE_FIX_NONE };

#include <cyrescue/problem-table.h>

enum cyre_problem {
#define X(name, id, slug, sev, fix, detail, customer, repair) CYRE_P_##name,
	CYRE_PROBLEMS(X)
#undef X
		CYRE_PROBLEM_COUNT
};

struct cyre_problem_row {
	const char *name; /* as in the enum, without CYRE_P_ */
	const char *id, *slug;
	enum cyre_severity severity;
	enum cyre_fix fix;
	const char *detail, *customer, *repair;
};

/* The row of a problem; static storage. NULL for a number not in the table. */
CYRE_API const struct cyre_problem_row *cyre_problem_row(enum cyre_problem p);
/* By slug or by id; CYRE_PROBLEM_COUNT when there is none. */
CYRE_API enum cyre_problem cyre_problem_by_name(const char *slug_or_id);
/* "note", "stale", "damage", "loss"; "exact", "rule", "ask", "none". */
CYRE_API const char *cyre_severity_name(enum cyre_severity s);
CYRE_API const char *cyre_fix_name(enum cyre_fix f);

#endif
