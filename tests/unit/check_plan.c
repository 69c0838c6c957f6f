/*
 * check_plan.c - what a plan says of itself
 *
 * The accident: of a large mailbox more values are lost than are told, and
 * nobody learns that there were more. Plans themselves: tools/bad.sh.
 */
#include "unit.h"

#include <string.h>

#include "plan_work.h"

#define KEPT 100000

static void note(struct cyre_plan_work *w, size_t n, const char *loss)
{
	size_t i;

	for (i = 0; i < n; i++)
		cyre_plan_note(w, &(struct cyre_repair){.field = "record",
					  .uid = (uint32_t)i + 1,
					  .origin = "message file",
					  .loss = loss});
}

START_TEST(all_are_told_while_they_are_few)
{
	struct cyre_plan plan = {0};
	struct cyre_plan_work w = {.plan = &plan};

	note(&w, KEPT, NULL);
	cyre_plan_note_dropped(&w);
	ck_assert_uint_eq(plan.n_repairs, KEPT);
	cyre_plan_free(&plan);
}
END_TEST

START_TEST(the_rest_is_counted)
{
	struct cyre_plan plan = {0};
	struct cyre_plan_work w = {.plan = &plan};
	const struct cyre_repair *last;

	note(&w, KEPT + 5, NULL);
	note(&w, _i, "flags");
	cyre_plan_note_dropped(&w);
	ck_assert_uint_eq(plan.n_repairs, KEPT + 1);
	last = &plan.repairs[KEPT];
	ck_assert_str_eq(last->field, "more values");
	ck_assert_str_eq(last->after, _i ? "6" : "5");
	ck_assert((last->loss != NULL) == (_i != 0));
	cyre_plan_free(&plan);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plan");
	TCase *t = tcase_create("plan");

	tcase_add_test(t, all_are_told_while_they_are_few);
	tcase_add_loop_test(t, the_rest_is_counted, 0, 2);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
