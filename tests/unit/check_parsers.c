/* check_parsers.c - the server's day begins where its C library has it. */
#include "unit.h"

#include <stdint.h>
#include <time.h>

#include "parsers.h"

#define DAY 86400

static const char *const zones[] = {"UTC", "Europe/Berlin", "America/New_York",
	"America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Asia/Kathmandu",
	"Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Apia"};

static int64_t by_mktime(int64_t local)
{
	time_t t = (time_t)local;
	struct tm tm;

	ck_assert_ptr_nonnull(gmtime_r(&t, &tm));
	tm.tm_isdst = -1;
	return local - (int64_t)mktime(&tm);
}

/* Each midnight from 1970 on, also those of days on which the clocks change. */
START_TEST(zone_is_that_of_mktime)
{
	const struct cyre_conf none = {0};
	struct cyre_parsers p;
	int64_t t, is;

	setenv("TZ", zones[_i], 1);
	tzset();
	cyre_parsers_init(&p, &none, 0);
	for (t = 0; t < INT64_C(0x80000000); t += DAY) {
		is = p.options.zone(p.options.payload, t);
		ck_assert_int_eq(is, by_mktime(t));
		ck_assert_int_eq(is, p.options.zone(p.options.payload, t));
	}
	/* Of a hostile index. */
	p.options.zone(p.options.payload, INT64_MAX);
	p.options.zone(p.options.payload, INT64_MIN);
	cyre_parsers_free(&p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("parsers");
	TCase *t = tcase_create("parsers");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(
		t, zone_is_that_of_mktime, 0, sizeof(zones) / sizeof(*zones));
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
