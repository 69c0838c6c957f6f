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

/* Only calls are caught: a field may be called gmtime, as on the format page. */
#define CYRE_BANNED(f) sorry_##f##_is_banned
#undef strcpy
#define strcpy(...) CYRE_BANNED(strcpy)
#undef strcat
#define strcat(...) CYRE_BANNED(strcat)
#undef strncpy
#define strncpy(...) CYRE_BANNED(strncpy)
#undef strncat
#define strncat(...) CYRE_BANNED(strncat)
#undef sprintf
#define sprintf(...) CYRE_BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) CYRE_BANNED(vsprintf)
#undef gets
#define gets(...) CYRE_BANNED(gets)
#undef strtok
#define strtok(...) CYRE_BANNED(strtok)
#undef gmtime
#define gmtime(...) CYRE_BANNED(gmtime)
#undef localtime
#define localtime(...) CYRE_BANNED(localtime)
#undef ctime
#define ctime(...) CYRE_BANNED(ctime)
#undef asctime
#define asctime(...) CYRE_BANNED(asctime)
#undef atoi
#define atoi(...) CYRE_BANNED(atoi)
#undef atol
#define atol(...) CYRE_BANNED(atol)
#undef atoll
#define atoll(...) CYRE_BANNED(atoll)

#endif
