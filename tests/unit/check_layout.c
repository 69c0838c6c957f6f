/* check_layout.c - names to directories and back (docs/formats/layout.md). */
#include "unit.h"

#include "layout.h"

#define NONE   CYRE_HASH_NONE
#define LETTER CYRE_HASH_LETTER
#define FULL   CYRE_HASH_FULL

static struct cyre_layout layout_of(enum cyre_hash hash)
{
	return (struct cyre_layout){.hash = hash,
		.user_hash = hash == FULL ? FULL : LETTER,
		.caret = CYRE_CARET_IS_DOT,
		.domains = true};
}

static void is(struct cyre_buf *b, const char *text)
{
	ck_assert(!b->bad);
	cyre_put_u8(b, 0);
	ck_assert_str_eq((const char *)b->p, text);
	cyre_buf_reset(b);
}

/* Values a real server's directories had. */
START_TEST(hash_letters_are_those_of_the_server)
{
	static const struct {
		const char *s;
		char full;
	} t[] = {{"bob", 'E'}, {"carl", 'C'}, {"other.org", 'M'}, {"user", 'C'},
		{"shared", 'T'}, {"Zed", 'L'}, {"shr", 'Q'}, {"y", 'G'}};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++)
		ck_assert_int_eq(cyre_hash_char(FULL, CYRE_CARET_IS_DOT,
					 cyre_slice_str(t[i].s)),
			t[i].full);
	ck_assert_int_eq(cyre_hash_char(FULL, CYRE_CARET_PLAIN,
				 cyre_slice_str("h^klein")),
		'R'); /* 2.4.22 */
	ck_assert_int_eq(cyre_hash_char(FULL, CYRE_CARET_IS_DOT,
				 cyre_slice_str("h^klein")),
		'M'); /* 3.6.1 */
	ck_assert_int_eq(
		cyre_hash_char(LETTER, CYRE_CARET_PLAIN, cyre_slice_str("Zed")),
		'z');
	ck_assert_int_eq(cyre_hash_char(LETTER, CYRE_CARET_PLAIN,
				 cyre_slice_str("&ZeV-")),
		'q');
}
END_TEST

static const struct {
	enum cyre_hash hash;
	const char *name, *dir;
} there_and_back[] = {
	{LETTER, "user.bob.Sent Items", "b/user/bob/Sent Items"},
	{LETTER, "user.al^ice.x", "a/user/al^ice/x"},
	{LETTER, "user.bob.a^b", "b/user/bob/a^b"},
	{LETTER, "user.bob.&AOQ-x", "b/user/bob/&AOQ-x"},
	{LETTER, "DELETED.user.bob.tmp.6B0472D2",
		"u/DELETED/user/bob/tmp/6B0472D2"},
	{LETTER, "other.org!user.carl.x", "domain/o/other.org/c/user/carl/x"},
	{LETTER, "other.org!shr.y", "domain/o/other.org/y/shr/y"},
	{LETTER, "shared", "s/shared"},
	{LETTER, "shared.News", "n/shared/News"},
	{LETTER, "shared.x.News", "x/shared/x/News"},
	{LETTER, "b", "b/b"},
	{FULL, "shared.Zed", "L/shared/Zed"},
	{FULL, "other.org!user.carl", "domain/M/other.org/C/user/carl"},
	{NONE, "user.bob", "user/bob"},
	{NONE, "DELETED.user.bob.6B0472D2", "DELETED/user/bob/6B0472D2"},
	{NONE, "other.org!user.carl", "domain/other.org/user/carl"},
	/* 3.6.1: only the first `!` ends a domain. */
	{NONE, "other.org!user.anna.!Y", "domain/other.org/user/anna/!Y"},
	{NONE, "b.x", "b/x"},
	{NONE, "uuid.a.b.cd", "uuid/a/b/cd"},
};

START_TEST(names_map_there_and_back)
{
	struct cyre_layout l = layout_of(there_and_back[_i].hash);
	struct cyre_slice dir = cyre_slice_str(there_and_back[_i].dir);
	struct cyre_buf b = {0};
	struct cyre_place p;

	ck_assert(cyre_layout_dir(
		&l, cyre_slice_str(there_and_back[_i].name), &b));
	is(&b, there_and_back[_i].dir);
	p = cyre_layout_place(&l, dir, &b);
	is(&b, there_and_back[_i].name);
	ck_assert_int_eq(p.kind, CYRE_PLACE_NAME);
	ck_assert(!p.misplaced);
	/* Without an imapd.conf the path alone says as much, but for shared
	 * mailboxes of one letter and those called uuid. */
	l.guess = true;
	p = cyre_layout_place(&l, dir, &b);
	if (p.kind == CYRE_PLACE_NAME) {
		is(&b, there_and_back[_i].name);
		ck_assert(!p.misplaced);
	}
	cyre_buf_free(&b);
}
END_TEST

/* After an interrupted rehash the mail must still be found, and named. */
START_TEST(misplaced_directories_keep_their_names)
{
	static const struct {
		enum cyre_hash conf, read;
		const char *dir, *name;
	} t[] = {
		{LETTER, NONE, "user/bob", "user.bob"},
		{LETTER, FULL, "E/user/bob", "user.bob"},
		{LETTER, LETTER, "z/user/bob", "user.bob"},
		{LETTER, NONE, "domain/other.org/user/carl",
			"other.org!user.carl"},
		{FULL, LETTER, "b/user/bob", "user.bob"},
		{FULL, NONE, "user/bob/x", "user.bob.x"},
		{NONE, LETTER, "b/user/bob", "user.bob"},
		{NONE, FULL, "E/user/bob", "user.bob"},
		{NONE, LETTER, "u/DELETED/user/bob/6B0472D2",
			"DELETED.user.bob.6B0472D2"},
		{NONE, LETTER, "domain/o/other.org/c/user/carl",
			"other.org!user.carl"},
	};
	struct cyre_buf b = {0};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct cyre_layout l = layout_of(t[i].conf);
		struct cyre_place p =
			cyre_layout_place(&l, cyre_slice_str(t[i].dir), &b);

		is(&b, t[i].name);
		ck_assert_int_eq(p.kind, CYRE_PLACE_NAME);
		ck_assert_msg(p.misplaced, "%s", t[i].dir);
		ck_assert_int_eq(p.hash, t[i].read);
	}
	cyre_buf_free(&b);
}
END_TEST

START_TEST(ids_are_directories_of_their_own)
{
	struct cyre_layout l = layout_of(LETTER);
	struct cyre_buf b = {0};
	struct cyre_place p;

	ck_assert(cyre_layout_id_dir(cyre_slice_str("72c568cb6b0479f5"), &b));
	is(&b, "uuid/7/2/72c568cb6b0479f5");
	p = cyre_layout_place(&l, cyre_slice_str("uuid/7/2/72c5-68"), &b);
	is(&b, "72c5-68");
	ck_assert_int_eq(p.kind, CYRE_PLACE_ID);
	ck_assert(!p.misplaced);
	p = cyre_layout_place(&l, cyre_slice_str("uuid/a/2/72c5-68"), &b);
	is(&b, "72c5-68");
	ck_assert_int_eq(p.kind, CYRE_PLACE_ID);
	ck_assert(p.misplaced);
	ck_assert(!cyre_layout_id_dir(cyre_slice_str("../x"), &b));
	ck_assert(!cyre_layout_id_dir(cyre_slice_str("a"), &b));
	cyre_buf_free(&b);
}
END_TEST

/* A name from a damaged database must not lead out of the partition. */
START_TEST(hostile_names_have_no_directory)
{
	static const char *const names[] = {"", ".", "user..x", "user./.x",
		"user.a/b", "..!user.x", "a/b!user.x", "user.", ".user", "d!"};
	static const char *const dirs[] = {"", "b/user/a.b", "b//user", "..",
		"b/user/.", "b/user/x!y", "lost.found"};
	struct cyre_layout l = layout_of(LETTER);
	struct cyre_buf b = {0};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		ck_assert_msg(
			!cyre_layout_dir(&l, cyre_slice_str(names[i]), &b) &&
				b.n == 0,
			"%s", names[i]);
	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		ck_assert_msg(
			cyre_layout_place(&l, cyre_slice_str(dirs[i]), &b)
						.kind == CYRE_PLACE_NONE &&
				b.n == 0,
			"%s", dirs[i]);
	cyre_buf_free(&b);
}
END_TEST

/* Paths of real trees: 2.4.22 and 3.6.1 hashed, 2.2.13 virtdom, 3.6.1. */
START_TEST(user_files_are_hashed_on_their_own)
{
	struct cyre_layout l = layout_of(FULL);
	struct cyre_slice none = {0};
	struct cyre_buf b = {0};

	ck_assert(cyre_layout_user_file(
		&l, cyre_slice_str("h^klein"), none, "seen", &b));
	is(&b, "user/R/h^klein.seen");
	ck_assert(cyre_layout_user_file(
		&l, cyre_slice_str("h.klein"), none, "sub", &b));
	is(&b, "user/M/h.klein.sub");
	ck_assert(
		cyre_layout_quota_file(&l, cyre_slice_str("user.h^klein"), &b));
	is(&b, "quota/R/user.h^klein");
	l = layout_of(NONE);
	ck_assert(cyre_layout_user_file(&l, cyre_slice_str("ines"),
		cyre_slice_str("example.net"), "seen", &b));
	is(&b, "domain/e/example.net/user/i/ines.seen");
	ck_assert(cyre_layout_quota_file(
		&l, cyre_slice_str("example.net!user.ines.Sent"), &b));
	is(&b, "domain/e/example.net/quota/i/user.ines.Sent");
	ck_assert(
		cyre_layout_quota_file(&l, cyre_slice_str("example.net!"), &b));
	is(&b, "domain/e/example.net/quota/root");
	ck_assert(cyre_layout_quota_file(&l, cyre_slice_str("bulletin"), &b));
	is(&b, "quota/b/bulletin");
	ck_assert(cyre_layout_user_id_file(
		cyre_slice_str("ahn1lj7a"), "counters", &b));
	is(&b, "user/uuid/a/h/ahn1lj7a/counters.db");
	ck_assert(!cyre_layout_user_file(
		&l, cyre_slice_str("../x"), none, "seen", &b));
	cyre_buf_free(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("layout");
	TCase *t = tcase_create("layout");

	tcase_add_test(t, hash_letters_are_those_of_the_server);
	tcase_add_loop_test(t, names_map_there_and_back, 0,
		sizeof(there_and_back) / sizeof(*there_and_back));
	tcase_add_test(t, misplaced_directories_keep_their_names);
	tcase_add_test(t, ids_are_directories_of_their_own);
	tcase_add_test(t, hostile_names_have_no_directory);
	tcase_add_test(t, user_files_are_hashed_on_their_own);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
