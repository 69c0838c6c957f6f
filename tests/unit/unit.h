/*
 * unit.h - what every unit test shares: main() over one suite
 */
#ifndef CYRE_UNIT_H
#define CYRE_UNIT_H

#include <check.h>
#include <stdlib.h>

static inline int cyre_run_suite(Suite *s)
{
	SRunner *sr = srunner_create(s);
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
