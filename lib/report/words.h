/*
 * words.h - a finding as a sentence, and as members of a JSON object
 */
#ifndef CYRE_WORDS_H
#define CYRE_WORDS_H

#include <cyrescue/finding.h>

#include "json.h"

/* The row's `detail` with the numbers filled in (cyrescue/problem.h). */
void cyre_words(struct cyre_buf *b, const struct cyre_finding *f);

/* code, id, severity, fix */
void cyre_finding_problem_json(
	struct cyre_json *j, const struct cyre_finding *f);
/* uid, offset, length, expected, actual where they say something; detail */
void cyre_finding_values_json(
	struct cyre_json *j, const struct cyre_finding *f);

#endif
