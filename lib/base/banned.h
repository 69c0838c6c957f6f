/*
 * banned.h - calls that do not compile here (after git's banned.h)
 *
 * Each either writes past a buffer it does not know the size of, or uses state
 * shared by all threads.
 */
#ifndef CYRE_BANNED_H
#define CYRE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok \
	gmtime localtime ctime asctime atoi atol atoll

#endif
