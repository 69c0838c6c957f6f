/*
 * confdir_order.h - between confdir.c and confdir_find.c
 */
#ifndef CYRE_CONFDIR_ORDER_H
#define CYRE_CONFDIR_ORDER_H

#include "confdir.h"

/* Puts the files in the order of confdir.h, which the lookups need. */
void cyre_confdir_sort(struct cyre_confdir *c);

#endif
