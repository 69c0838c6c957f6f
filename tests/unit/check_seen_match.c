/*
 * check_seen_match.c - whose read marks are these?
 *
 * Each test is an accident: marks of another mailbox, of a mailbox that had the
 * name before, of other messages, or older ones over newer ones.
 */
#include "unit.h"

#include <inttypes.h>
#include <stdlib.h>

#include "header.h"
#include "seen_match.h"

#define V   UINT64_C(0x6b047979)
#define NEW "0a1b2c3d4e5f6071"

static struct cyre_seen_match *m;
static struct cyre_seen_choice got[4];

static struct cyre_slice s(const char *text)
{
	return cyre_slice_str(text);
}

/* The id that a 2.x server gives; one of two buffers. */
static const char *made(const char *name, uint64_t uidvalidity)
{
	static char text[2][17];
	static unsigned turn;
	char *ret = text[turn++ % 2];

	snprintf(ret, 17, "%08" PRIx32 "%08" PRIx64,
		cyre_uniqueid_hash(s(name), true), uidvalidity);
	return ret;
}

static void begin(void)
{
	ck_assert_int_eq(cyre_seen_match_new(&m), CYRE_OK);
}

static void mailbox(const char *name, const char *id, const char *listed)
{
	struct cyre_seen_mailbox mb = {
		.name = s(name),
		.uniqueid = s(id),
		.listed = s(listed),
		.index_known = true,
		.uidvalidity = V,
		.last_uid = 20,
	};

	ck_assert_int_eq(cyre_seen_match_mailbox(m, &mb), CYRE_OK);
}

/* Keys and values; NULL ends them. */
static void ask(const char *const *pairs)
{
	struct cyre_db_entry e[4];
	const struct cyre_db_entry *p[4];
	size_t n;

	for (n = 0; pairs[2 * n]; n++) {
		e[n] = (struct cyre_db_entry){
			.key = s(pairs[2 * n]), .value = s(pairs[2 * n + 1])};
		p[n] = &e[n];
	}
	ck_assert_int_eq(cyre_seen_match_ready(m), CYRE_OK);
	ck_assert_int_eq(cyre_seen_match_file(m, p, n, got), CYRE_OK);
	cyre_seen_match_free(m);
}

#define ASK(...) ask((const char *const[]){__VA_ARGS__, NULL})

START_TEST(name_and_uidvalidity)
{
	begin();
	mailbox("user.ann.Work", NEW, "");
	mailbox("user.bob", made("user.bob", V), "");
	ASK(made("user.ann.Work", V), "1 5 20 5 1:20", made("user.bob", V),
		"1 5 1 5 1");
	ck_assert_int_eq(got[0].action, CYRE_SEEN_ATTACHED);
	ck_assert_int_eq(got[0].proof, CYRE_SEEN_NAME);
	ck_assert_int_eq(got[1].action, CYRE_SEEN_KEPT);
}
END_TEST

/* The uids mean other messages. */
START_TEST(another_uidvalidity)
{
	begin();
	mailbox("user.ann", NEW, "");
	ASK(made("user.ann", V - 1), "1 5 20 5 1:20");
	ck_assert_int_eq(got[0].action, CYRE_SEEN_UNDECIDED);
	ck_assert_int_eq(got[0].doubt, CYRE_SEEN_UIDVALIDITY);
	ck_assert_uint_eq(got[0].n_may_be, 1);
}
END_TEST

/* Mail that comes next would be read already. */
START_TEST(uids_of_the_future)
{
	begin();
	mailbox("user.ann", NEW, "");
	ASK(made("user.ann", V), "1 5 20 5 1:21");
	ck_assert_int_eq(got[0].action, CYRE_SEEN_UNDECIDED);
	ck_assert_int_eq(got[0].doubt, CYRE_SEEN_UIDS);
}
END_TEST

/* Another mailbox had the name, in the same second. */
START_TEST(renamed)
{
	begin();
	mailbox("user.ann", made("user.old", V), "");
	ASK(made("user.ann", V), "1 5 20 5 1:20");
	ck_assert_int_eq(got[0].action, CYRE_SEEN_UNDECIDED);
	ck_assert_int_eq(got[0].doubt, CYRE_SEEN_RENAMED);
}
END_TEST

/* Header and list disagree; or two mailboxes have the id. */
START_TEST(unsure_id)
{
	begin();
	mailbox("user.ann", NEW, "1234567890123456");
	ASK(made("user.ann", V), "1 5 20 5 1", "1234567890123456", "1 5 1 5 1");
	ck_assert_int_eq(got[0].action, CYRE_SEEN_UNDECIDED);
	ck_assert_int_eq(got[0].doubt, CYRE_SEEN_ID);
	ck_assert_int_eq(got[1].action, CYRE_SEEN_KEPT);
	begin();
	mailbox("user.ann", NEW, "");
	mailbox("user.bob", NEW, "");
	ASK(made("user.ann", V), "1 5 20 5 1");
	ck_assert_int_eq(got[0].doubt, CYRE_SEEN_ID);
}
END_TEST

START_TEST(a_copy_knows)
{
	begin();
	mailbox("user.ann", NEW, NEW);
	mailbox("user.bob", "id-of-bob", "");
	ck_assert_int_eq(
		cyre_seen_match_former(m, s("user.ann"), s("old"), V), CYRE_OK);
	ck_assert_int_eq(cyre_seen_match_former(m, s("user.ann"), s("dull"), 0),
		CYRE_OK);
	ck_assert_int_eq(
		cyre_seen_match_former(m, s("user.ann"), s("two"), V), CYRE_OK);
	ck_assert_int_eq(
		cyre_seen_match_former(m, s("user.bob"), s("two"), V), CYRE_OK);
	ASK("old", "1 5 20 5 1:20", "dull", "1 5 20 5 1", "two", "1 5 20 5 1");
	ck_assert_int_eq(got[0].action, CYRE_SEEN_ATTACHED);
	ck_assert_int_eq(got[0].proof, CYRE_SEEN_COPY);
	ck_assert_int_eq(got[1].doubt, CYRE_SEEN_UIDVALIDITY);
	ck_assert_int_eq(got[2].doubt, CYRE_SEEN_SEVERAL);
	ck_assert_uint_eq(got[2].n_may_be, 2);
}
END_TEST

START_TEST(the_newer_counts)
{
	begin();
	mailbox("user.ann", NEW, "");
	ASK(NEW, "1 5 20 5 1", made("user.ann", V), "1 5 20 5 1:20");
	ck_assert_int_eq(got[0].action, CYRE_SEEN_KEPT);
	ck_assert_int_eq(got[1].action, CYRE_SEEN_OWN_NEWER);
	begin();
	mailbox("user.ann", NEW, "");
	ASK(NEW, "1 5 20 5 1", made("user.ann", V), "1 5 20 6 1:20");
	ck_assert_int_eq(got[0].action, CYRE_SEEN_REPLACED);
	ck_assert_int_eq(got[1].action, CYRE_SEEN_ATTACHED);
}
END_TEST

/* UIDVALIDITY alone is no proof; who has marks already is no candidate. */
START_TEST(only_uidvalidity)
{
	begin();
	mailbox("user.ann", NEW, "");
	mailbox("user.bob", "has-marks", "");
	mailbox("user.eve", made("user.eve", V), "");
	ASK(made("user.gone", V), "1 5 20 5 1:20", "has-marks", "1 5 1 5 1",
		"unheard-of", "1 5 1 5 1", "broken", "2 5 1 5 1");
	ck_assert_int_eq(got[0].action, CYRE_SEEN_UNDECIDED);
	ck_assert_int_eq(got[0].doubt, CYRE_SEEN_MAYBE);
	ck_assert_uint_eq(got[0].n_may_be, 1);
	ck_assert_int_eq(got[1].action, CYRE_SEEN_KEPT);
	ck_assert_int_eq(got[2].action, CYRE_SEEN_NO_MAILBOX);
	ck_assert_int_eq(got[3].action, CYRE_SEEN_UNREADABLE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seen_match");
	TCase *t = tcase_create("seen_match");

	tcase_add_test(t, name_and_uidvalidity);
	tcase_add_test(t, another_uidvalidity);
	tcase_add_test(t, uids_of_the_future);
	tcase_add_test(t, renamed);
	tcase_add_test(t, unsure_id);
	tcase_add_test(t, a_copy_knows);
	tcase_add_test(t, the_newer_counts);
	tcase_add_test(t, only_uidvalidity);
	suite_add_tcase(suite, t);
	return cyre_run_suite(suite);
}
