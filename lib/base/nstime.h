/*
 * nstime.h - a file's time in one number
 */
#ifndef CYRE_NSTIME_H
#define CYRE_NSTIME_H

#include <stdint.h>

#define CYRE_NS_PER_SECOND INT64_C(1000000000)

/*
 * Nanoseconds since 1970. File systems and archives hold times that do not fit
 * (beyond the year 2262): those become the nearest that does.
 */
static inline int64_t cyre_ns_of(int64_t seconds, long ns)
{
	int64_t t;

	if (!__builtin_mul_overflow(seconds, CYRE_NS_PER_SECOND, &t) &&
		!__builtin_add_overflow(t, ns, &t))
		return t;
	return seconds < 0 ? INT64_MIN : INT64_MAX;
}

#endif
