/*
 * check_mbox_merge.c - what becomes of an entry of mailboxes.db, by who speaks
 * of it
 *
 * Each test is an accident: a mailbox that comes back from the dead, an access
 * list from before a change, a mailbox looked for in the wrong directory.
 */
#include "unit.h"

#include <stdlib.h>

#include "mbox_merge.h"
#include "mboxdump.h"

#define ID_A "0123456789abcdef"
#define ID_B "fedcba9876543210"

static struct cyre_mbox_merge *g;
static struct cyre_mbox_merge_result result;
static uint8_t *db_bytes;
static struct cyre_db *db;

static struct cyre_slice s(const char *text)
{
	return cyre_slice_str(text);
}

static unsigned leave; /* of the next merge */

/* A database of these key, value pairs; NULL ends them. */
static void begin(enum cyre_mbox_form old, const char *const *pairs)
{
	struct cyre_mbox_merge_options o = {
		.old = old, .complete = true, .now = 1000, .leave = leave};
	struct cyre_db_entry e[8];
	struct cyre_db_write_options w = {.format = CYRE_DB_TWOSKIP};
	size_t n = 0, size;

	ck_assert_int_eq(cyre_mbox_merge_new(&o, &g), CYRE_OK);
	db = NULL;
	db_bytes = NULL;
	if (!pairs)
		return;
	for (; pairs[2 * n]; n++)
		e[n] = (struct cyre_db_entry){
			.key = s(pairs[2 * n]), .value = s(pairs[2 * n + 1])};
	ck_assert_int_eq(cyre_db_write(&w, e, n, &db_bytes, &size), CYRE_OK);
	ck_assert_int_eq(
		cyre_db_open(cyre_slice(db_bytes, size), NULL, &db), CYRE_OK);
	ck_assert_int_eq(cyre_mbox_merge_database(g, db), CYRE_OK);
}

static void end(void)
{
	cyre_mbox_merge_free(g);
	cyre_db_free(db);
	free(db_bytes);
	leave = 0;
}

static void dir_of(const char *name, const char *id, const char *partition,
	const char *acl, bool by_path)
{
	struct cyre_mbox_dir d = {
		.name = s(name),
		.uniqueid = s(id),
		.partition = s(partition),
		.acl = s(acl),
		.has_acl = *acl != '\0',
		.by_path = by_path,
		.uidvalidity = 77,
		.highestmodseq = 5,
		.header_ns = 100,
	};

	ck_assert_int_eq(cyre_mbox_merge_dir(g, &d), CYRE_OK);
}

static void copy_of(const char *name, const char *id, const char *acl,
	uint32_t flags, int64_t ns)
{
	struct cyre_mbox m = {.name = s(name),
		.uniqueid = s(id),
		.partition = s("default"),
		.acl = s(acl),
		.type = 'e',
		.flags = flags};

	ck_assert_int_eq(
		cyre_mbox_merge_copy(g, &m, CYRE_MBOX_BACKUP, ns), CYRE_OK);
}

static void finish(enum cyre_mbox_form form)
{
	ck_assert_int_eq(
		cyre_mbox_merge_finish(g, form, "lrswi", &result), CYRE_OK);
}

static const struct cyre_mbox_entry *entry(const char *name)
{
	size_t i;

	for (i = 0; i < result.n; i++)
		if (cyre_slice_eq(result.entries[i]->m.name, s(name)))
			return result.entries[i];
	ck_abort_msg("no entry %s", name);
	return NULL;
}

static void assert_text(struct cyre_slice got, const char *want)
{
	ck_assert_msg(cyre_slice_eq(got, s(want)), "%.*s, not %s", (int)got.n,
		(const char *)got.p, want);
}

/* The value of a key of the new database; NULL: it is not there. */
static void assert_record(const char *key, const char *want)
{
	struct cyre_db_entry *v;
	struct cyre_slice got = {NULL, 0};
	size_t i, n;

	ck_assert_int_eq(cyre_mbox_merge_records(g, &v, &n), CYRE_OK);
	for (i = 0; i < n; i++)
		if (cyre_slice_eq(v[i].key, s(key)))
			got = v[i].value;
	free(v);
	if (want)
		assert_text(got, want);
	else
		ck_assert_ptr_null(got.p);
}

START_TEST(intact_stays)
{
	static const char *const pairs[] = {"user.a", "0 default a\tlrs\t",
		"user.b", "0 default b\tlrs\t", NULL};

	begin(CYRE_MBOX_TEXT, pairs);
	dir_of("user.a", ID_A, "default", "a\tall\tb\tlrs\t", true);
	copy_of("user.b", "", "b\tother\t", 0, 0);
	finish(CYRE_MBOX_TEXT);
	ck_assert(!result.changed);
	ck_assert_int_eq(entry("user.a")->action, CYRE_MBOX_KEPT);
	/* No directory: that is for a scan to say. */
	ck_assert_int_eq(entry("user.b")->action, CYRE_MBOX_KEPT);
	assert_record("user.b", "0 default b\tlrs\t");
	end();
}
END_TEST

START_TEST(directory_elsewhere)
{
	static const char *const pairs[] = {"user.a", "0 default a\tlrs\t",
		"user.b", "0 default b\tlrs\t", NULL};

	begin(CYRE_MBOX_TEXT, pairs);
	dir_of("user.a", ID_A, "other", "", true);
	/* An interrupted move: the one that the database names counts. */
	dir_of("user.b", ID_B, "other", "", true);
	dir_of("user.b", ID_B, "default", "", true);
	finish(CYRE_MBOX_TEXT);
	ck_assert_int_eq(entry("user.a")->action, CYRE_MBOX_CHANGED);
	ck_assert_int_eq(entry("user.b")->action, CYRE_MBOX_KEPT);
	ck_assert_int_eq(result.doubles, 1);
	assert_record("user.a", "0 other a\tlrs\t");
	end();
}
END_TEST

START_TEST(reserved_is_settled)
{
	static const char *const pairs[] = {"user.a", "2 default a\tlrs\t",
		"user.b", "2 default b\tlrs\t", NULL};

	begin(CYRE_MBOX_TEXT, pairs);
	dir_of("user.a", ID_A, "default", "a\tlrs\t", true);
	finish(CYRE_MBOX_TEXT);
	assert_record("user.a", "0 default a\tlrs\t");
	/* Nothing tells what it is: the server decides. */
	assert_record("user.b", "2 default b\tlrs\t");
	end();
}
END_TEST

START_TEST(deleted_stay_deleted)
{
	begin(CYRE_MBOX_TEXT, NULL);
	dir_of("user.a", ID_A, "default", "a\tlrs\t", true);
	copy_of("user.a", ID_A, "a\tl\t", 0, 50);
	copy_of("user.gone", ID_B, "gone\tlrs\t", 0, 50);
	copy_of("user.far", "", "far\tlrs\t", CYRE_MBOX_REMOTE, 50);
	copy_of("user.was", "", "", CYRE_MBOX_DELETED, 50);
	copy_of("user.a.up", "", "", CYRE_MBOX_INTERMEDIATE, 50);
	finish(CYRE_MBOX_NAMES);
	ck_assert_int_eq(entry("user.gone")->action, CYRE_MBOX_NO_DIRECTORY);
	ck_assert_int_eq(entry("user.far")->action, CYRE_MBOX_ADDED);
	ck_assert_int_eq(entry("user.was")->action, CYRE_MBOX_ADDED);
	/* Nothing lies below it. */
	ck_assert_int_eq(entry("user.a.up")->action, CYRE_MBOX_NO_DIRECTORY);
	/* The header is newer than the copy. */
	assert_text(entry("user.a")->m.acl, "a\tlrs\t");
	assert_record("user.gone", NULL);
	end();
}
END_TEST

START_TEST(parent_is_needed)
{
	begin(CYRE_MBOX_TEXT, NULL);
	copy_of("user.a.up", "", "", CYRE_MBOX_INTERMEDIATE, 0);
	dir_of("user.a.up.down", ID_A, "default", "a\tlrs\t", true);
	finish(CYRE_MBOX_NAMES);
	ck_assert_int_eq(entry("user.a.up")->action, CYRE_MBOX_ADDED);
	end();
}
END_TEST

START_TEST(newer_copy_has_the_acl)
{
	begin(CYRE_MBOX_TEXT, NULL);
	dir_of("user.a", ID_A, "default", "a\tlrs\t", true);
	dir_of("user.b", ID_B, "default", "b\tlrs\t", true);
	copy_of("user.a", "", "a\tl\t", 0, 200);
	/* Of an earlier mailbox of that name. */
	copy_of("user.b", ID_A, "b\tl\t", 0, 200);
	finish(CYRE_MBOX_TEXT);
	assert_text(entry("user.a")->m.acl, "a\tl\t");
	assert_text(entry("user.b")->m.acl, "b\tlrs\t");
	end();
}
END_TEST

START_TEST(legacy_flag)
{
	static const char *const pairs[] = {"Nuser\x1f"
					    "a",
		"%(T e I " ID_A " P default V 77 M 1 A %(a lrs))", "I" ID_A,
		"%(T e N user\x1f"
		"a P default V 77 M 1 A %(a lrs) H ())",
		NULL};

	begin(CYRE_MBOX_IDS, pairs);
	dir_of("user.a", ID_A, "default", "a\tlrs\t", true);
	dir_of("user.b^c", ID_B, "default", "", false);
	finish(CYRE_MBOX_IDS);
	assert_record("Nuser\x1f"
		      "a",
		"%(T el I " ID_A " P default V 77 M 1 A %(a lrs))");
	assert_record("I" ID_A, "%(T el N \"user\x1f"
				"a\" P default V 77 M 1 "
				"A %(a lrs) H ())");
	assert_record("Nuser\x1f"
		      "b.c",
		"%(T e I " ID_B " P default V 77 M 1000 A %())");
	end();
}
END_TEST

START_TEST(name_of_the_database)
{
	static const char *const pairs[] = {"Nuser\x1f"
					    "new",
		"%(T e I " ID_A " P default V 77 M 1 A %(a lrs))", "I" ID_A,
		"%(T e N user\x1fnew P default V 77 M 1 A %(a lrs) H ())",
		NULL};

	begin(CYRE_MBOX_IDS, pairs);
	/* Killed between the rename and the header. */
	dir_of("user.old", ID_A, "default", "a\tlrs\t", false);
	finish(CYRE_MBOX_IDS);
	ck_assert_uint_eq(result.n, 1);
	ck_assert(!result.changed);
	end();
}
END_TEST

START_TEST(name_of_a_copy)
{
	struct cyre_mbox_dir d = {.uniqueid = s(ID_A), .partition = s("p2")};

	begin(CYRE_MBOX_TEXT, NULL);
	ck_assert_int_eq(cyre_mbox_merge_dir(g, &d), CYRE_EUSAGE);
	copy_of("user.a", ID_A, "a\tlrs\t", 0, 0);
	ck_assert_int_eq(cyre_mbox_merge_dir(g, &d), CYRE_OK);
	finish(CYRE_MBOX_IDS);
	ck_assert_int_eq(entry("user.a")->action, CYRE_MBOX_ADDED);
	assert_text(entry("user.a")->m.partition, "p2");
	end();
}
END_TEST

/* Clients were told that of the index. */
START_TEST(uidvalidity_of_the_index)
{
	static const char *const pairs[] = {
		"user.a", "%(I " ID_A " P default V 1 M 1 A %(a lrs))", NULL};

	begin(CYRE_MBOX_NAMES, pairs);
	dir_of("user.a", ID_A, "default", "a\tlrs\t", true);
	finish(CYRE_MBOX_NAMES);
	ck_assert_int_eq(entry("user.a")->action, CYRE_MBOX_CHANGED);
	ck_assert_uint_eq(entry("user.a")->m.uidvalidity, 77);
	ck_assert_int_eq(entry("user.a")->origin[CYRE_MBOX_F_UIDVALIDITY],
		CYRE_MBOX_INDEX);
	end();
}
END_TEST

/* The record by id is made anew from the one by name, and what is not asked for
 * stays, byte for byte. */
START_TEST(sisters_that_disagree)
{
	static const char old[] = "%(T e N user\x1f"
				  "a P elsewhere V 77 M 1 A %(a lrs) H ())";
	static const char *const pairs[] = {"Nuser\x1f"
					    "a",
		"%(T e I " ID_A " P default V 77 M 1 A %(a lrs))", "I" ID_A,
		old, NULL};
	int turn;

	for (turn = 0; turn < 2; turn++) {
		leave = turn ? CYRE_MBOX_LEAVE_SISTER : 0;
		begin(CYRE_MBOX_IDS, pairs);
		dir_of("user.a", ID_A, "default", "a\tlrs\t", false);
		finish(CYRE_MBOX_IDS);
		ck_assert_int_eq(result.changed, !turn);
		assert_record("I" ID_A, turn ? old
					     : "%(T e N \"user\x1f"
					       "a\" P default V 77 M 1 "
					       "A %(a lrs) H ())");
		end();
	}
}
END_TEST

/* Of two with one id, the one whose header says otherwise gives it up; a single
 * one that disagrees with its header is another matter. */
START_TEST(id_of_two)
{
	static const char *const pairs[] = {"user.a",
		"%(I " ID_A " P default V 77 M 1 A %(a lrs))", "user.b",
		"%(I " ID_A " P default V 77 M 1 A %(a lrs))", NULL};

	leave = CYRE_MBOX_LEAVE_UNIQUEID;
	begin(CYRE_MBOX_NAMES, pairs);
	dir_of("user.a", ID_B, "default", "a\tlrs\t", true);
	dir_of("user.b", ID_A, "default", "a\tlrs\t", true);
	finish(CYRE_MBOX_NAMES);
	assert_text(entry("user.a")->m.uniqueid, ID_B);
	ck_assert_int_eq(entry("user.b")->action, CYRE_MBOX_KEPT);
	end();
	leave = CYRE_MBOX_LEAVE_TWICE;
	begin(CYRE_MBOX_NAMES, pairs);
	dir_of("user.a", ID_B, "default", "a\tlrs\t", true);
	dir_of("user.b", ID_A, "default", "a\tlrs\t", true);
	finish(CYRE_MBOX_NAMES);
	ck_assert_uint_eq(result.left, 1);
	ck_assert(!result.changed);
	end();
}
END_TEST

/* A copy of a mailbox, whichever comes first. */
START_TEST(copy_of_a_mailbox)
{
	static const char *const pairs[] = {
		"user.b", "0 default b\tlrs\t", NULL};

	leave = CYRE_MBOX_LEAVE_TWIN;
	begin(CYRE_MBOX_TEXT, pairs);
	dir_of("user.a", ID_A, "default", "b\tlrs\t", true);
	dir_of("user.b", ID_A, "default", "b\tlrs\t", true);
	dir_of("user.b.b", ID_A, "default", "b\tlrs\t", true);
	dir_of("user.c", ID_B, "default", "c\tlrs\t", true);
	finish(CYRE_MBOX_TEXT);
	ck_assert_int_eq(entry("user.a")->action, CYRE_MBOX_NOT_ASKED);
	ck_assert_int_eq(entry("user.b")->action, CYRE_MBOX_KEPT);
	ck_assert_int_eq(entry("user.b.b")->action, CYRE_MBOX_NOT_ASKED);
	ck_assert_int_eq(entry("user.c")->action, CYRE_MBOX_ADDED);
	end();
}
END_TEST

/* What is left is counted, and the record stays. */
START_TEST(left_for_a_person)
{
	static const char *const pairs[] = {
		"user.a", "2 default a\tlrs\t", NULL};

	leave = CYRE_MBOX_LEAVE_RESERVED | CYRE_MBOX_LEAVE_NEW |
		CYRE_MBOX_LEAVE_PARTITION;
	begin(CYRE_MBOX_TEXT, pairs);
	dir_of("user.a", ID_A, "p2", "a\tlrs\t", true);
	dir_of("user.b", ID_B, "default", "b\tlrs\t", true);
	finish(CYRE_MBOX_TEXT);
	ck_assert_int_eq(entry("user.a")->action, CYRE_MBOX_KEPT);
	ck_assert_uint_eq(entry("user.a")->left,
		CYRE_MBOX_LEAVE_RESERVED | CYRE_MBOX_LEAVE_PARTITION);
	ck_assert_int_eq(entry("user.b")->action, CYRE_MBOX_NOT_ASKED);
	ck_assert_uint_eq(result.left, 2);
	ck_assert(!result.changed);
	assert_record("user.b", NULL);
	end();
	begin(CYRE_MBOX_TEXT, pairs);
	dir_of("user.a", ID_A, "p2", "a\tlrs\t", true);
	finish(CYRE_MBOX_TEXT);
	assert_record("user.a", "0 p2 a\tlrs\t");
	end();
}
END_TEST

START_TEST(not_written)
{
	begin(CYRE_MBOX_TEXT, NULL);
	dir_of("user.a", "", "default", "a\tlrs\t", true);
	dir_of("user..b", ID_B, "default", "a\tlrs\t", true);
	dir_of("user", ID_A, "default", "a\tlrs\t", true);
	finish(CYRE_MBOX_IDS);
	ck_assert_int_eq(entry("user.a")->action, CYRE_MBOX_NO_UNIQUEID);
	ck_assert_int_eq(entry("user..b")->action, CYRE_MBOX_BAD_NAME);
	ck_assert_int_eq(entry("user")->action, CYRE_MBOX_BAD_NAME);
	end();
}
END_TEST

START_TEST(odd_acl)
{
	static const char acl[] = "we ird \"q\tlr\tx(\tl\t\303\244\tp\t";
	struct cyre_buf own = {0}, value = {0};
	struct cyre_mbox m = {.type = 'e', .acl = s(acl), .name = s("a")}, back;

	cyre_mbox_put_value(&value, CYRE_MBOX_NAMES, &m, CYRE_MBOXKEY_NAME);
	ck_assert(cyre_mbox_read(
		s("a"), cyre_buf_slice(&value), false, &own, &back));
	assert_text(back.acl, acl);
	cyre_buf_free(&own);
	cyre_buf_free(&value);
}
END_TEST

static cyre_status count(void *payload, const struct cyre_mbox *m)
{
	unsigned *n = payload;

	(*n)++;
	if (*n == 1)
		assert_text(m->acl, "anna\tlrs\tanyone\tp\t");
	return CYRE_OK;
}

START_TEST(dumps)
{
	static const char *const texts[] = {
		"user.anna\t0 part2 anna\tlrs\tanyone\tp\t\nuser.b\t16 (null) "
		"\n",
		"user.anna\tpart2\tanna\tlrs\tanyone\tp\t\nuser.b\tp\tb\tl\t\n",
		"{\n\"user.anna\": {\"mbtype\": \"e\", \"acl\": {\"anna\": "
		"\"lrs\", \"anyone\": \"p\"}},\n\"user.b\": {}\n}\n",
		/* cut */
		"{\n\"user.anna\": {\"acl\": {\"anna\": \"lrs\", \"anyone\": "
		"\"p\"}},\n\"user.b\": {},\n\"user.c\": {\"mb",
	};
	uint64_t skipped;
	unsigned n;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		n = 0;
		ck_assert_int_eq(
			cyre_mboxdump_read(s(texts[i]), count, &n, &skipped),
			CYRE_OK);
		ck_assert_uint_eq(n, 2);
		ck_assert_uint_eq(skipped, i == 3);
	}
	ck_assert_int_eq(
		cyre_mboxdump_read(s("hello\nworld\n"), count, &n, &skipped),
		CYRE_EFORMAT);
}
END_TEST

/* 3.6.1 has such names below a domain: only the first `!` ends it. */
START_TEST(a_name_may_have_a_second_bang)
{
	ck_assert(cyre_mbox_name_ok(cyre_slice_str("other.org!user.anna.!Y")));
	ck_assert(!cyre_mbox_name_ok(cyre_slice_str("other.org!.user")));
	ck_assert(!cyre_mbox_name_ok(cyre_slice_str("other.org!")));
	ck_assert(!cyre_mbox_name_ok(cyre_slice_str("!user.anna")));
	ck_assert(!cyre_mbox_name_ok(cyre_slice_str("other.org!user")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mbox_merge");
	TCase *t = tcase_create("mbox_merge");

	tcase_add_test(t, a_name_may_have_a_second_bang);
	tcase_add_test(t, intact_stays);
	tcase_add_test(t, directory_elsewhere);
	tcase_add_test(t, reserved_is_settled);
	tcase_add_test(t, deleted_stay_deleted);
	tcase_add_test(t, parent_is_needed);
	tcase_add_test(t, newer_copy_has_the_acl);
	tcase_add_test(t, legacy_flag);
	tcase_add_test(t, name_of_the_database);
	tcase_add_test(t, name_of_a_copy);
	tcase_add_test(t, uidvalidity_of_the_index);
	tcase_add_test(t, sisters_that_disagree);
	tcase_add_test(t, id_of_two);
	tcase_add_test(t, left_for_a_person);
	tcase_add_test(t, copy_of_a_mailbox);
	tcase_add_test(t, not_written);
	tcase_add_test(t, odd_acl);
	tcase_add_test(t, dumps);
	suite_add_tcase(suite, t);
	return cyre_run_suite(suite);
}
