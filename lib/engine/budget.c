/* budget.c - see budget.h. */
#include "budget.h"

void cyre_budget_init(struct cyre_budget *b, uint64_t limit)
{
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->given_back, NULL);
	b->limit = limit;
	b->used = 0;
}

void cyre_budget_destroy(struct cyre_budget *b)
{
	pthread_cond_destroy(&b->given_back);
	pthread_mutex_destroy(&b->lock);
}

void cyre_budget_take(struct cyre_budget *b, uint64_t bytes)
{
	pthread_mutex_lock(&b->lock);
	while (b->used && (b->used >= b->limit || bytes > b->limit - b->used))
		pthread_cond_wait(&b->given_back, &b->lock);
	b->used += bytes;
	pthread_mutex_unlock(&b->lock);
}

void cyre_budget_give(struct cyre_budget *b, uint64_t bytes)
{
	pthread_mutex_lock(&b->lock);
	b->used -= bytes;
	pthread_cond_broadcast(&b->given_back);
	pthread_mutex_unlock(&b->lock);
}
