/*
 * cyrescue/finding.h - one thing that is wrong, as typed fields
 *
 * Checks fill findings, the report makes the words. What `expected`, `actual`
 * and `length` mean is said by the `detail` of the problem's row.
 *
 * Threads: a list belongs to one thread at a time.
 */
#ifndef CYRESCUE_FINDING_H
#define CYRESCUE_FINDING_H

#include <stddef.h>
#include <stdint.h>

#include <cyrescue/problem.h>

/* Which file of a mailbox; the order is that of a report. */
enum cyre_file {
	CYRE_FILE_NONE,
	CYRE_FILE_DIRECTORY,
	CYRE_FILE_HEADER,
	CYRE_FILE_HEADER_NEW,
	CYRE_FILE_INDEX,
	CYRE_FILE_INDEX_NEW,
	CYRE_FILE_EXPUNGE,
	CYRE_FILE_EXPUNGE_NEW,
	CYRE_FILE_CACHE,
	CYRE_FILE_CACHE_NEW,
	CYRE_FILE_ARCHIVE_CACHE,
	CYRE_FILE_ANNOTATIONS,
	CYRE_FILE_MESSAGE,
	CYRE_FILE_OTHER,
	CYRE_FILE_COUNT
};

/* "cyrus.index", …; "" for NONE, DIRECTORY, MESSAGE and OTHER. */
CYRE_API const char *cyre_file_name(enum cyre_file f);

struct cyre_finding {
	enum cyre_problem problem;
	enum cyre_file file;
	uint32_t uid;            /* 0: none */
	uint64_t offset, length; /* where in the file, bytes */
	uint64_t expected, actual;
	const char *text; /* NULL: none; may hold hostile bytes */
};

/*
 * A list; all zero is an empty one. `count` has one exact number a problem; at
 * most `keep` findings of one problem are stored (0: all), so that a mailbox of
 * a million broken records does not fill the memory.
 */
struct cyre_findings {
	struct cyre_finding *items;
	size_t n, cap;
	size_t keep;
	cyre_status status; /* sticky: CYRE_ENOMEM when one was not stored */
	uint64_t count[CYRE_PROBLEM_COUNT];
};

/* Copies `f` and its text into the list, which owns both. */
CYRE_API void cyre_find(
	struct cyre_findings *list, const struct cyre_finding *f);
/* What is in `from` as if it had been found now; `from` is empty then. */
CYRE_API void cyre_findings_merge(
	struct cyre_findings *list, struct cyre_findings *from);
/* By file, offset, uid, problem, the rest: one order for any thread count. */
CYRE_API void cyre_findings_sort(struct cyre_findings *list);
/* Takes back what was found of a problem, when it turned out to be another. */
CYRE_API void cyre_findings_drop(
	struct cyre_findings *list, enum cyre_problem problem);
/* Empties it; `keep` stays, and it can be used again. */
CYRE_API void cyre_findings_free(struct cyre_findings *list);

/* cyre_find(list, &(struct cyre_finding){...}) without the noise. */
#define CYRE_FIND(list, ...)                                                   \
	cyre_find(list, &(struct cyre_finding){__VA_ARGS__})

#endif
