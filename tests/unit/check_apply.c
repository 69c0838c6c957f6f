/* check_apply.c - a batch of changes is made whole, or the files stay. */
#include "unit.h"

#include <sys/file.h>
#include <sys/xattr.h>

#include <cyrescue/undo.h>

#include "apply.h"
#include "scratch.h"
#include "undo_archive.h"

#define BOX "user/anna"

static char *top, *spool, *undo_dir, *journal_path;
static struct cyre_journal *journal;

static void setup(void)
{
	struct cyre_error e;

	top = scratch_new();
	spool = scratch_path(top, "spool");
	undo_dir = scratch_path(top, "undo");
	journal_path = scratch_path(top, "journal");
	if (mkdir(spool, 0755) < 0 || mkdir(undo_dir, 0755) < 0)
		test_die(top);
	ck_assert_int_eq(
		cyre_journal_open(journal_path, &e, &journal), CYRE_OK);
}

static void teardown(void)
{
	cyre_journal_close(journal);
	free(spool);
	free(undo_dir);
	free(journal_path);
	test_remove(top);
}

/* A change of what stands there now. */
static struct cyre_change change(enum cyre_change_kind kind, const char *dir,
	const char *name, const struct cyre_slice *text)
{
	return (struct cyre_change){.kind = kind,
		.root = spool,
		.dir = dir,
		.name = name,
		.before = scratch_identity(spool, dir, name),
		.pieces = text,
		.n_pieces = text ? 1 : 0,
		.owner = {.uid = getuid(), .gid = getgid(), .mode = 0600}};
}

static cyre_status apply(struct cyre_change_set *sets, size_t n)
{
	struct cyre_apply_options o = {
		.undo_dir = undo_dir, .run = "test", .journal = journal};
	struct cyre_error e = {0};

	return cyre_apply(&o, sets, n, &e);
}

/* Every archive, newest first. */
static cyre_status undo_all(bool dry, bool force, struct cyre_undo_totals *ret)
{
	struct cyre_undo_options o = {.dry_run = dry, .force = force};
	struct cyre_error e = {0};
	cyre_status st = CYRE_OK;
	char **paths;
	size_t i, n;

	*ret = (struct cyre_undo_totals){0};
	ck_assert_int_eq(cyre_undo_list(undo_dir, &paths, &n, &e), CYRE_OK);
	for (i = 0; i < n && st == CYRE_OK; i++)
		st = cyre_undo(paths[i], &o, ret, &e);
	cyre_undo_list_free(paths, n);
	return st;
}

static struct cyre_slice slice(const char *s)
{
	return cyre_slice_str(s);
}

static const struct {
	const char *name, *text;
} old_files[] = {{"cyrus.header", "old header"}, {"cyrus.index", "old index"},
	{"cyrus.cache", "old cache"}, {"cyrus.index.NEW", "half an index"},
	{"7.", "a message"}, {"8.", "another"}};

static void make_box(void)
{
	struct timespec times[2] = {{.tv_sec = 1000000000, .tv_nsec = 7},
		{.tv_sec = 1234567890, .tv_nsec = 123456789}};
	char *box, *file;
	size_t i;

	for (i = 0; i < sizeof(old_files) / sizeof(*old_files); i++) {
		file = scratch_path(BOX, old_files[i].name);
		scratch_put(spool, file, old_files[i].text);
		box = scratch_path(spool, file);
		if (utimensat(AT_FDCWD, box, times, 0) < 0)
			test_die(box);
		free(box);
		free(file);
	}
}

START_TEST(all_kinds_are_made_and_undone)
{
	struct cyre_slice text[4] = {slice("new cache"), slice("new header"),
		slice("new index"), slice("new expunge")};
	struct cyre_change c[6];
	struct cyre_change_set set = {
		.mboxname = "user.anna", .changes = c, .n = 6};
	struct cyre_undo_totals t;
	char *before, *after;

	/* The plan need not know the order. */
	c[0] = change(CYRE_CHANGE_REMOVE, BOX, "cyrus.index.NEW", NULL);
	c[1] = change(CYRE_CHANGE_WRITE, BOX, "cyrus.index", &text[2]);
	c[2] = change(CYRE_CHANGE_MOVE, BOX, "7.", NULL);
	c[2].to_dir = "quarantine./" BOX;
	c[2].to_name = "7.";
	c[3] = change(CYRE_CHANGE_WRITE, BOX, "cyrus.cache", &text[0]);
	c[4] = change(CYRE_CHANGE_WRITE, BOX, "cyrus.header", &text[1]);
	c[5] = change(CYRE_CHANGE_WRITE, BOX, "cyrus.expunge", &text[3]);
	before = scratch_state(spool);

	ck_assert_int_eq(apply(&set, 1), CYRE_OK);
	ck_assert_int_eq(set.status, CYRE_OK);
	ck_assert(set.changed);
	ck_assert(scratch_is(spool, BOX "/cyrus.index", "new index"));
	ck_assert(scratch_is(spool, BOX "/cyrus.header", "new header"));
	ck_assert(scratch_is(spool, BOX "/cyrus.cache", "new cache"));
	ck_assert(scratch_is(spool, BOX "/cyrus.expunge", "new expunge"));
	ck_assert(scratch_is(spool, BOX "/cyrus.index.NEW", NULL));
	ck_assert(scratch_is(spool, BOX "/7.", NULL));
	ck_assert(scratch_is(spool, "quarantine./" BOX "/7.", "a message"));
	after = scratch_state(spool);
	ck_assert_ptr_null(strstr(after, ".cyrescue-"));
	ck_assert_uint_eq(scratch_count(undo_dir, "undo-"), 1);

	ck_assert_int_eq(undo_all(true, false, &t), CYRE_OK);
	free(after);
	after = scratch_state(spool);
	ck_assert_ptr_null(strstr(after, "/cyrus.index.NEW"));
	free(after);

	ck_assert_int_eq(undo_all(false, false, &t), CYRE_OK);
	ck_assert_uint_eq(t.restored, 4);
	ck_assert_uint_eq(t.removed, 1);
	ck_assert_uint_eq(t.moved, 1);
	after = scratch_state(spool);
	ck_assert_str_eq(before, after);
	free(after);

	/* The second time there is nothing to do. */
	ck_assert_int_eq(undo_all(false, false, &t), CYRE_OK);
	ck_assert_uint_eq(t.restored + t.removed + t.moved, 0);
	after = scratch_state(spool);
	ck_assert_str_eq(before, after);
	free(after);
	free(before);
}
END_TEST

/* A plan made before new mail came in would throw that mail's record away. */
START_TEST(changed_input_refuses_that_mailbox_alone)
{
	struct cyre_slice text = slice("new");
	struct cyre_change c[3];
	struct cyre_change_set sets[2] = {
		{.mboxname = "user.anna", .changes = c, .n = 2},
		{.mboxname = "user.berta", .changes = c + 2, .n = 1}};

	scratch_put(spool, "user/berta/cyrus.index", "old index");
	c[0] = change(CYRE_CHANGE_WRITE, BOX, "cyrus.cache", &text);
	c[1] = change(CYRE_CHANGE_KEEP, BOX, "cyrus.index", NULL);
	c[2] = change(CYRE_CHANGE_WRITE, "user/berta", "cyrus.index", &text);
	scratch_put(spool, BOX "/cyrus.index", "new mail");

	ck_assert_int_eq(apply(sets, 2), CYRE_OK);
	ck_assert_int_eq(sets[0].status, CYRE_EBUSY);
	ck_assert(!sets[0].changed);
	ck_assert_ptr_nonnull(strstr(sets[0].error.path, BOX "/cyrus.index"));
	ck_assert(scratch_is(spool, BOX "/cyrus.cache", "old cache"));
	ck_assert_int_eq(sets[1].status, CYRE_OK);
	ck_assert(scratch_is(spool, "user/berta/cyrus.index", "new"));
}
END_TEST

START_TEST(what_is_done_is_left_alone)
{
	struct cyre_slice text[2] = {slice("new cache"), slice("new index")};
	struct cyre_change c[2];
	struct cyre_change_set set = {
		.mboxname = "user.anna", .changes = c, .n = 2};
	struct cyre_undo_totals t;
	char *after;

	c[0] = change(CYRE_CHANGE_WRITE, BOX, "cyrus.cache", &text[0]);
	c[1] = change(CYRE_CHANGE_WRITE, BOX, "cyrus.index", &text[1]);
	ck_assert_int_eq(apply(&set, 1), CYRE_OK);

	/* Killed between the renames: a temporary and an old index. */
	scratch_put(spool, BOX "/.cyrescue-new.cyrus.header", "left");
	scratch_put(spool, BOX "/cyrus.index", "old index");
	c[1].before = scratch_identity(spool, BOX, "cyrus.index");
	ck_assert_int_eq(apply(&set, 1), CYRE_OK);
	ck_assert(set.changed);
	ck_assert(scratch_is(spool, BOX "/cyrus.index", "new index"));
	ck_assert_uint_eq(scratch_count(undo_dir, "undo-"), 2);

	ck_assert_int_eq(apply(&set, 1), CYRE_OK);
	ck_assert_int_eq(set.status, CYRE_OK);
	ck_assert(!set.changed);
	ck_assert_uint_eq(scratch_count(undo_dir, "undo-"), 2);
	after = scratch_path(spool, BOX);
	ck_assert_uint_eq(scratch_count(after, ".cyrescue-"), 0);
	free(after);

	ck_assert_int_eq(undo_all(false, false, &t), CYRE_OK);
	ck_assert(scratch_is(spool, BOX "/cyrus.cache", "old cache"));
	ck_assert(scratch_is(spool, BOX "/cyrus.index", "old index"));
}
END_TEST

/* The metadata file system was lost with all its directories. */
START_TEST(missing_directory_is_made)
{
	struct cyre_slice text = slice("new index");
	struct cyre_change c = change(
		CYRE_CHANGE_WRITE, "domain/x/user/new", "cyrus.index", &text);
	struct cyre_change_set set = {
		.mboxname = "x!user.new", .changes = &c, .n = 1};
	struct cyre_undo_totals t;
	char *before = scratch_state(spool), *after;

	ck_assert_int_eq(apply(&set, 1), CYRE_OK);
	ck_assert(scratch_is(
		spool, "domain/x/user/new/cyrus.index", "new index"));
	ck_assert_int_eq(undo_all(false, false, &t), CYRE_OK);
	after = scratch_state(spool);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

static const char *const hostile[] = {"user/a b", "user/per%cent",
	"user/back\\slash", "user/new\nline", "user/\xff\xfe", "user/\xc3\xa4",
	"user/quote\"", "user/^", "user/&AOQ-x"};

/* Names are bytes: the archive must find the same ones again. */
START_TEST(names_are_bytes)
{
	struct cyre_slice text = slice("new index");
	struct cyre_change c;
	struct cyre_change_set set = {.changes = &c, .n = 1};
	struct cyre_undo_totals t;
	char *before, *after, *file;

	file = scratch_path(hostile[_i], "cyrus.index");
	scratch_put(spool, file, "old index");
	before = scratch_state(spool);
	c = change(CYRE_CHANGE_WRITE, hostile[_i], "cyrus.index", &text);
	set.mboxname = hostile[_i];
	ck_assert_int_eq(apply(&set, 1), CYRE_OK);
	ck_assert(scratch_is(spool, file, "new index"));
	ck_assert_int_eq(undo_all(false, false, &t), CYRE_OK);
	after = scratch_state(spool);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
	free(file);
}
END_TEST

/* Enough files that file systems are synced, not files; 40 mailboxes. */
START_TEST(a_large_batch)
{
	enum { N = 40 };
	struct cyre_slice text[2] = {slice("new "), slice("index")};
	struct cyre_change c[N];
	struct cyre_change_set sets[N] = {0};
	struct cyre_undo_totals t;
	char dirs[N][32], *before, *after, *file;
	int i;

	for (i = 0; i < N; i++) {
		snprintf(dirs[i], sizeof(dirs[i]), "user/u%d", i);
		file = scratch_path(dirs[i], "cyrus.index");
		scratch_put(spool, file, "old index");
		free(file);
		c[i] = change(CYRE_CHANGE_WRITE, dirs[i], "cyrus.index", text);
		c[i].n_pieces = 2;
		sets[i] = (struct cyre_change_set){
			.mboxname = dirs[i], .changes = &c[i], .n = 1};
	}
	before = scratch_state(spool);
	ck_assert_int_eq(apply(sets, N), CYRE_OK);
	for (i = 0; i < N; i++) {
		file = scratch_path(dirs[i], "cyrus.index");
		ck_assert(scratch_is(spool, file, "new index"));
		free(file);
	}
	ck_assert_uint_eq(scratch_count(undo_dir, "undo-"), 1);
	ck_assert_int_eq(undo_all(false, false, &t), CYRE_OK);
	ck_assert_uint_eq(t.restored, N);
	after = scratch_state(spool);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

/* Wrong owner or mode: the bytes stay, and still undo gives the mode back. */
START_TEST(owner_and_mode_alone)
{
	struct cyre_slice text = slice("old index");
	struct cyre_change c =
		change(CYRE_CHANGE_WRITE, BOX, "cyrus.index", &text);
	struct cyre_change_set set = {
		.mboxname = "user.anna", .changes = &c, .n = 1};
	struct cyre_undo_totals t;
	char *before, *after, *path = scratch_path(spool, BOX "/cyrus.index");

	ck_assert_int_eq(chmod(path, 0400), 0);
	setxattr(path, "user.note", "kept", 4, 0);
	before = scratch_state(spool);
	c.before = scratch_identity(spool, BOX, "cyrus.index");
	c.owner.mode = 0640;
	ck_assert_int_eq(apply(&set, 1), CYRE_OK);
	after = scratch_state(spool);
	ck_assert_ptr_nonnull(strstr(after, BOX "/cyrus.index 640"));
	free(after);
	ck_assert_int_eq(undo_all(false, false, &t), CYRE_OK);
	after = scratch_state(spool);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
	free(path);
}
END_TEST

START_TEST(two_runs_do_not_meet)
{
	struct cyre_slice text = slice("new index");
	struct cyre_change c =
		change(CYRE_CHANGE_WRITE, BOX, "cyrus.index", &text);
	struct cyre_change_set set = {
		.mboxname = "user.anna", .changes = &c, .n = 1};
	char *path = scratch_path(spool, BOX);
	int fd = open(path, O_RDONLY | O_DIRECTORY);

	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(apply(&set, 1), CYRE_OK);
	ck_assert_int_eq(set.status, CYRE_EBUSY);
	ck_assert(scratch_is(spool, BOX "/cyrus.index", "old index"));
	close(fd);
	free(path);
}
END_TEST

/* A symbolic link, a fifo, a directory in the place of a file. */
START_TEST(something_else_in_the_place)
{
	struct cyre_slice text = slice("new index");
	struct cyre_change c =
		change(CYRE_CHANGE_WRITE, BOX, "cyrus.index", &text);
	struct cyre_change_set set = {
		.mboxname = "user.anna", .changes = &c, .n = 1};
	char *path = scratch_path(spool, BOX "/cyrus.index");

	ck_assert_int_eq(unlink(path), 0);
	if (_i == 0)
		ck_assert_int_eq(symlink("cyrus.header", path), 0);
	else if (_i == 1)
		ck_assert_int_eq(mkfifo(path, 0600), 0);
	else
		ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(apply(&set, 1), CYRE_OK);
	ck_assert_int_eq(set.status, CYRE_EBUSY);
	ck_assert(scratch_is(spool, BOX "/cyrus.header", "old header"));
	free(path);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("apply");
	TCase *t = tcase_create("apply");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_checked_fixture(t, make_box, NULL);
	tcase_add_test(t, all_kinds_are_made_and_undone);
	tcase_add_test(t, changed_input_refuses_that_mailbox_alone);
	tcase_add_test(t, what_is_done_is_left_alone);
	tcase_add_test(t, missing_directory_is_made);
	tcase_add_loop_test(
		t, names_are_bytes, 0, sizeof(hostile) / sizeof(*hostile));
	tcase_add_test(t, a_large_batch);
	tcase_add_test(t, owner_and_mode_alone);
	tcase_add_test(t, two_runs_do_not_meet);
	tcase_add_loop_test(t, something_else_in_the_place, 0, 3);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
