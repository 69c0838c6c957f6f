/*
 * budget.h - how many bytes of file contents may be held at once
 *
 * A worker takes its mailbox's share before it reads, and gives it back when
 * the mailbox is judged. One that wants more than all there is gets it when
 * nobody else holds any, so that every job ends.
 */
#ifndef CYRE_BUDGET_H
#define CYRE_BUDGET_H

#include <pthread.h>
#include <stdint.h>

struct cyre_budget {
	pthread_mutex_t lock;
	pthread_cond_t given_back;
	uint64_t limit, used; /* bytes */
};

void cyre_budget_init(struct cyre_budget *b, uint64_t limit);
void cyre_budget_destroy(struct cyre_budget *b);
void cyre_budget_take(struct cyre_budget *b, uint64_t bytes);
void cyre_budget_give(struct cyre_budget *b, uint64_t bytes);

#endif
