/*
 * words.h - a finding as a sentence
 */
#ifndef CYRE_WORDS_H
#define CYRE_WORDS_H

#include <cyrescue/finding.h>

#include "buf.h"

/* The row's `detail` with the numbers filled in (cyrescue/problem.h). */
void cyre_words(struct cyre_buf *b, const struct cyre_finding *f);

#endif
