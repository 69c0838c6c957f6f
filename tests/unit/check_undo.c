/* check_undo.c - an undo archive is whole or refused; undo touches nothing that
 * was changed since. */
#include "unit.h"

#include <sys/file.h>

#include <cyrescue/undo.h>

#include "apply.h"
#include "half_done.h"
#include "scratch.h"
#include "undo_archive.h"

static char *top, *spool, *undo_dir, *archive, *original;
static const char *const boxes[] = {"user/anna", "user/berta"};

/* Two mailboxes rebuilt in one batch. */
static void setup(void)
{
	struct cyre_slice text[2] = {
		cyre_slice_str("new index"), cyre_slice_str("new header")};
	struct cyre_apply_options o = {.run = "test"};
	struct cyre_change_set sets[2];
	struct cyre_change c[2][2];
	struct cyre_error e;
	char **paths, *file;
	size_t i, n;

	top = scratch_new();
	spool = scratch_path(top, "spool");
	o.undo_dir = undo_dir = scratch_path(top, "undo");
	if (mkdir(spool, 0755) < 0 || mkdir(undo_dir, 0755) < 0)
		test_die(top);
	for (i = 0; i < 2; i++) {
		file = scratch_path(boxes[i], "cyrus.index");
		scratch_put(spool, file, "old index");
		free(file);
		c[i][0] = c[i][1] =
			(struct cyre_change){.kind = CYRE_CHANGE_WRITE,
				.root = spool,
				.dir = boxes[i],
				.n_pieces = 1,
				.owner = {getuid(), getgid(), 0600}};
		c[i][0].name = "cyrus.index";
		c[i][0].pieces = &text[0];
		c[i][0].before =
			scratch_identity(spool, boxes[i], "cyrus.index");
		c[i][1].name = "cyrus.header";
		c[i][1].pieces = &text[1];
		sets[i] = (struct cyre_change_set){
			.mboxname = boxes[i], .changes = c[i], .n = 2};
	}
	original = scratch_state(spool);
	ck_assert_int_eq(cyre_apply(&o, sets, 2, &e), CYRE_OK);
	ck_assert_int_eq(cyre_undo_list(undo_dir, &paths, &n, &e), CYRE_OK);
	ck_assert_uint_eq(n, 1);
	archive = strdup(paths[0]);
	cyre_undo_list_free(paths, n);
}

static void teardown(void)
{
	free(spool);
	free(undo_dir);
	free(archive);
	free(original);
	test_remove(top);
}

static void is_original(void)
{
	char *now = scratch_state(spool);

	ck_assert_str_eq(original, now);
	free(now);
}

static cyre_status undo(const char *path, struct cyre_undo_options o,
	struct cyre_undo_totals *ret)
{
	struct cyre_error e = {0};

	return cyre_undo(path, &o, ret, &e);
}

static void write_file(const char *path, const uint8_t *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(p, 1, n, f) != n || fclose(f))
		test_die(path);
}

/* A full disk, a copy that stopped: half an archive must touch nothing. */
START_TEST(cut_at_every_length)
{
	struct cyre_slice whole = test_read(archive);
	char *cut = scratch_path(top, "cut"), *before, *after;
	struct cyre_undo_totals t;
	size_t n;

	before = scratch_state(spool);
	for (n = 0; n < whole.n; n++) {
		write_file(cut, whole.p, n);
		ck_assert_int_eq(undo(cut, (struct cyre_undo_options){0}, &t),
			CYRE_EFORMAT);
	}
	after = scratch_state(spool);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
	free(cut);
	free((void *)whole.p);
}
END_TEST

/* A flipped bit is seen, or it was in padding and the contents are right. */
START_TEST(every_bit_flipped)
{
	struct cyre_slice whole = test_read(archive);
	uint8_t *p = (uint8_t *)whole.p;
	char *bad = scratch_path(top, "bad");
	struct cyre_undo_totals t;
	size_t bit, passed = 0;
	cyre_status st;

	for (bit = 0; bit < whole.n * 8; bit++) {
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		write_file(bad, p, whole.n);
		st = undo(bad, (struct cyre_undo_options){.dry_run = true}, &t);
		if (st == CYRE_OK) {
			passed++;
			ck_assert_uint_eq(t.restored, 2);
			ck_assert_uint_eq(t.removed, 2);
		} else {
			ck_assert_int_eq(st, CYRE_EFORMAT);
		}
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert_uint_lt(passed, whole.n * 8 / 20);
	free(bad);
	free(p);
}
END_TEST

struct told {
	size_t refused, restore, remove, changed;
};

static void tell(void *payload, const struct cyre_undo_item *item)
{
	struct told *t = payload;

	t->refused += item->refused;
	t->restore += item->action == CYRE_UNDO_RESTORE;
	t->remove += item->action == CYRE_UNDO_REMOVE;
	t->changed += item->action == CYRE_UNDO_CHANGED;
	ck_assert_ptr_nonnull(strstr(item->path, spool));
}

/* Mail came in after the rebuild: to go back would lose it. */
START_TEST(changed_since_is_refused)
{
	struct told told = {0};
	struct cyre_undo_options o = {.item = tell, .payload = &told};
	struct cyre_undo_totals t;

	scratch_put(spool, "user/anna/cyrus.index", "with new mail");
	ck_assert_int_eq(undo(archive, o, &t), CYRE_EBUSY);
	ck_assert_uint_eq(t.refused, 1);
	ck_assert_uint_eq(told.refused, 2);
	ck_assert_uint_eq(told.changed, 1);
	ck_assert(scratch_is(spool, "user/anna/cyrus.index", "with new mail"));
	ck_assert(scratch_is(spool, "user/anna/cyrus.header", "new header"));
	ck_assert(scratch_is(spool, "user/berta/cyrus.index", "old index"));
	ck_assert(scratch_is(spool, "user/berta/cyrus.header", NULL));

	o.force = true;
	ck_assert_int_eq(undo(archive, o, &t), CYRE_OK);
	is_original();
}
END_TEST

/* Writes one file of a set of its own, in an archive of its own. */
static void apply_one(const char *mboxname, const char *dir, const char *name,
	const char *bytes, bool apart)
{
	struct cyre_apply_options o = {.run = "later", .undo_dir = undo_dir};
	struct cyre_slice text = cyre_slice_str(bytes);
	struct cyre_change c = {.kind = CYRE_CHANGE_WRITE,
		.root = spool,
		.dir = dir,
		.name = name,
		.before = scratch_identity(spool, dir, name),
		.pieces = &text,
		.n_pieces = 1,
		.owner = {getuid(), getgid(), 0600}};
	struct cyre_change_set set = {
		.mboxname = mboxname, .apart = apart, .changes = &c, .n = 1};
	struct cyre_error e;

	ck_assert_int_eq(cyre_apply(&o, &set, 1, &e), CYRE_OK);
}

/* A mailbox refused in one archive would get older files below newer ones; the
 * others are no reason to leave a customer as he was. */
START_TEST(folder_goes_on_and_mixes_nothing)
{
	struct told told = {0};
	struct cyre_undo_options o = {.item = tell, .payload = &told};
	struct cyre_undo_totals t;
	struct cyre_error e;

	apply_one("user/anna", "user/anna", "cyrus.index", "second", false);
	scratch_put(spool, "user/anna/cyrus.index", "with new mail");
	ck_assert_int_eq(cyre_undo_folder(undo_dir, &o, &t, &e), CYRE_EBUSY);
	/* In both archives: the header is what the first rebuild left. */
	ck_assert_uint_eq(t.refused, 2);
	ck_assert_uint_eq(told.refused, 3);
	ck_assert(scratch_is(spool, "user/anna/cyrus.index", "with new mail"));
	ck_assert(scratch_is(spool, "user/anna/cyrus.header", "new header"));
	ck_assert(scratch_is(spool, "user/berta/cyrus.index", "old index"));
	ck_assert(scratch_is(spool, "user/berta/cyrus.header", NULL));

	o.force = true;
	ck_assert_int_eq(cyre_undo_folder(undo_dir, &o, &t, &e), CYRE_OK);
	is_original();
}
END_TEST

/* One quota root is charged with new mail: the limits of all the others are
 * nobody's reason to stay as they are. */
START_TEST(files_that_stand_apart)
{
	struct told told = {0};
	struct cyre_undo_options o = {.item = tell, .payload = &told};
	struct cyre_apply_options a = {.run = "quota", .undo_dir = undo_dir};
	const char *const names[] = {"user.anna", "user.berta", "user.carla"};
	struct cyre_slice text = cyre_slice_str("counted");
	struct cyre_change c[3];
	struct cyre_change_set set = {
		.mboxname = "//quota/", .apart = true, .changes = c, .n = 3};
	struct cyre_undo_totals t;
	struct cyre_error e;
	size_t i;

	scratch_put(spool, "quota/user.anna", "wrong");
	scratch_put(spool, "quota/user.berta", "wrong");
	for (i = 0; i < 3; i++)
		c[i] = (struct cyre_change){.kind = CYRE_CHANGE_WRITE,
			.root = spool,
			.dir = "quota",
			.name = names[i],
			.before = scratch_identity(spool, "quota", names[i]),
			.pieces = &text,
			.n_pieces = 1,
			.owner = {getuid(), getgid(), 0600}};
	ck_assert_int_eq(cyre_apply(&a, &set, 1, &e), CYRE_OK);
	scratch_put(spool, "quota/user.anna", "with new mail");
	ck_assert_int_eq(cyre_undo_folder(undo_dir, &o, &t, &e), CYRE_EBUSY);
	ck_assert_uint_eq(t.refused, 1);
	ck_assert_uint_eq(told.refused, 1);
	ck_assert_uint_eq(told.changed, 1);
	ck_assert(scratch_is(spool, "quota/user.anna", "with new mail"));
	ck_assert(scratch_is(spool, "quota/user.berta", "wrong"));
	ck_assert(scratch_is(spool, "quota/user.carla", NULL));
	ck_assert(scratch_is(spool, "user/berta/cyrus.index", "old index"));
}
END_TEST

/* … and the older count of that one is not put below it. */
START_TEST(apart_and_refused_in_a_newer_one)
{
	struct cyre_undo_options o = {0};
	struct cyre_undo_totals t;
	struct cyre_error e;

	scratch_put(spool, "quota/user.anna", "wrong");
	apply_one("//quota/", "quota", "user.anna", "counted", true);
	apply_one("//quota/", "quota", "user.anna", "counted twice", true);
	apply_one("//quota/", "quota", "user.berta", "counted", true);
	/* By chance what the first count made. */
	scratch_put(spool, "quota/user.anna", "counted");
	ck_assert_int_eq(cyre_undo_folder(undo_dir, &o, &t, &e), CYRE_OK);
	ck_assert(scratch_is(spool, "quota/user.anna", "wrong"));
	scratch_put(spool, "quota/user.anna", "with new mail");
	ck_assert_int_eq(cyre_undo_folder(undo_dir, &o, &t, &e), CYRE_EBUSY);
	ck_assert_uint_eq(t.refused, 2);
	ck_assert(scratch_is(spool, "quota/user.anna", "with new mail"));
	ck_assert(scratch_is(spool, "quota/user.berta", NULL));
}
END_TEST

START_TEST(dry_run_tells_all)
{
	struct told told = {0};
	struct cyre_undo_options o = {
		.dry_run = true, .item = tell, .payload = &told};
	struct cyre_undo_totals t;
	char *before = scratch_state(spool), *after;

	ck_assert_int_eq(undo(archive, o, &t), CYRE_OK);
	ck_assert_uint_eq(told.restore, 2);
	ck_assert_uint_eq(told.remove, 2);
	after = scratch_state(spool);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

/* The admin has nothing but tar, and the archive proves itself. */
START_TEST(plain_tar_reads_it)
{
	char command[4096], *dir = scratch_path(top, "by-hand");

	snprintf(command, sizeof(command),
		"mkdir '%s' && cd '%s' && zstd -qdc '%s' | tar -xpf - && "
		"sha256sum --quiet -c .cyrescue-undo/sha256sums && "
		"grep -q '^cyrescue-undo/1 ' .cyrescue-undo/finished",
		dir, dir, archive);
	test_run(command);
	snprintf(command, sizeof(command), "%s%s", dir, spool);
	ck_assert(scratch_is(command, "user/anna/cyrus.index", "old index"));
	free(dir);
}
END_TEST

static void restore(const char *box, bool *ret_any)
{
	struct cyre_half_done *h;
	struct cyre_error e;
	char *path = scratch_path(spool, box);

	*ret_any = false;
	ck_assert_int_eq(cyre_half_done_read(undo_dir, &h, &e), CYRE_OK);
	ck_assert_int_eq(cyre_half_done_restore(h, path, ret_any, &e), CYRE_OK);
	cyre_half_done_free(h);
	free(path);
}

/* A kill between two renames: only that mailbox is put back, and only while the
 * archive says that its run did not end. */
START_TEST(half_done)
{
	char *anna = scratch_path(spool, "user/anna");
	bool any;

	scratch_put(spool, "user/anna/cyrus.index", "old index");
	ck_assert(cyre_archive_is_settled(archive));
	restore("user/anna", &any);
	ck_assert(!any);
	ck_assert(scratch_is(spool, "user/anna/cyrus.header", "new header"));

	chmod(archive, 0600);
	scratch_put(spool, "user/anna/.cyrescue-new.cyrus.index", "new index");
	restore("user/berta", &any); /* all of it is done */
	ck_assert(!any);
	ck_assert(scratch_is(spool, "user/berta/cyrus.index", "new index"));
	ck_assert(!cyre_archive_is_settled(archive));
	restore("user/anna", &any);
	ck_assert(any);
	ck_assert(scratch_is(spool, "user/anna/cyrus.index", "old index"));
	ck_assert_uint_eq(scratch_count(anna, "cyrus.header"), 0);
	ck_assert_uint_eq(scratch_count(anna, ".cyrescue-new."), 0);
	free(anna);
}
END_TEST

/* Mail came in after the kill: that is not put back over. */
START_TEST(half_done_and_changed)
{
	char *before, *after;
	bool any;

	chmod(archive, 0600);
	scratch_put(spool, "user/anna/cyrus.index", "old index");
	scratch_put(spool, "user/anna/cyrus.header", "of the server");
	before = scratch_state(spool);
	restore("user/anna", &any);
	after = scratch_state(spool);
	ck_assert(!any);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

/* Killed before the first rename, when nothing but a directory was made: who
 * listed it before must hear that it is gone. */
START_TEST(half_done_directory)
{
	struct cyre_slice text = cyre_slice_str("new header");
	struct cyre_apply_options o = {.run = "test", .undo_dir = undo_dir};
	struct cyre_change c = {.kind = CYRE_CHANGE_WRITE,
		.root = spool,
		.dir = "user/carla",
		.name = "cyrus.header",
		.pieces = &text,
		.n_pieces = 1,
		.owner = {getuid(), getgid(), 0600}};
	struct cyre_change_set set = {
		.mboxname = "user.carla", .changes = &c, .n = 1};
	char *user = scratch_path(spool, "user"), **paths;
	char *file = scratch_path(user, "carla/cyrus.header");
	struct cyre_error e;
	size_t n;
	bool any;

	ck_assert_int_eq(cyre_apply(&o, &set, 1, &e), CYRE_OK);
	ck_assert_int_eq(cyre_undo_list(undo_dir, &paths, &n, &e), CYRE_OK);
	ck_assert_uint_eq(n, 2);
	chmod(paths[0], 0600);
	cyre_undo_list_free(paths, n);
	ck_assert_int_eq(unlink(file), 0);
	restore("user/carla", &any);
	ck_assert(any);
	ck_assert_uint_eq(scratch_count(user, "carla"), 0);
	free(file);
	free(user);
}
END_TEST

/* Once all of its mailboxes were looked at, an archive is settled. */
START_TEST(looked_at_is_settled)
{
	struct cyre_half_done *h;
	struct cyre_error e;
	bool any = false;
	char *path;
	size_t i;

	chmod(archive, 0600);
	ck_assert_int_eq(cyre_half_done_read(undo_dir, &h, &e), CYRE_OK);
	for (i = 0; i < 2; i++) {
		path = scratch_path(spool, boxes[i]);
		ck_assert_int_eq(
			cyre_half_done_restore(h, path, &any, &e), CYRE_OK);
		free(path);
	}
	cyre_half_done_free(h);
	ck_assert(!any);
	ck_assert(cyre_archive_is_settled(archive));
}
END_TEST

/* The disk of a server, mounted elsewhere: absolute paths are taken there, and
 * nowhere else. */
START_TEST(below_another_root)
{
	char *rescue = scratch_path(top, "rescue"), *moved, command[512];
	struct cyre_undo_options o = {.root = rescue};
	struct cyre_undo_totals t;

	moved = scratch_path(rescue, spool + 1);
	snprintf(command, sizeof(command), "mkdir -p '%s' && cp -a '%s/.' '%s'",
		moved, spool, moved);
	test_run(command);
	ck_assert_int_eq(undo(archive, o, &t), CYRE_OK);
	ck_assert_uint_eq(t.restored, 2);
	ck_assert_uint_eq(t.removed, 2);
	ck_assert(scratch_is(moved, "user/anna/cyrus.index", "old index"));
	ck_assert(scratch_is(spool, "user/anna/cyrus.index", "new index"));
	free(moved);
	free(rescue);
}
END_TEST

/* What a killed run left of an archive is no archive; what a living one writes
 * is not swept away. */
START_TEST(parts)
{
	char *held = scratch_path(undo_dir, "undo-1.tar.zst.part");
	struct cyre_error e;
	char **paths;
	size_t n;
	int fd;

	scratch_put(undo_dir, "undo-1.tar.zst.part", "half");
	scratch_put(undo_dir, "undo-2.tar.zst.part", "half");
	scratch_put(undo_dir, "notes.part", "of somebody");
	fd = open(held, O_RDONLY);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(cyre_undo_list(undo_dir, &paths, &n, &e), CYRE_OK);
	ck_assert_uint_eq(n, 1);
	cyre_undo_list_free(paths, n);
	ck_assert_int_eq(cyre_archive_sweep(undo_dir, &e), CYRE_OK);
	ck_assert_uint_eq(scratch_count(undo_dir, "undo-1"), 1);
	ck_assert_uint_eq(scratch_count(undo_dir, "undo-2.tar.zst.part"), 0);
	ck_assert_uint_eq(scratch_count(undo_dir, "notes"), 1);
	close(fd);
	free(held);
}
END_TEST

START_TEST(newest_first)
{
	struct cyre_error e;
	char **paths;
	size_t n;

	scratch_put(undo_dir, "undo-20010101T000000.000000001Z.tar.zst", "");
	scratch_put(undo_dir, "undo-20990101T000000.000000001Z.tar.zst", "");
	ck_assert_int_eq(cyre_undo_list(undo_dir, &paths, &n, &e), CYRE_OK);
	ck_assert_uint_eq(n, 3);
	ck_assert_ptr_nonnull(strstr(paths[0], "undo-2099"));
	ck_assert_str_eq(paths[1], archive);
	ck_assert_ptr_nonnull(strstr(paths[2], "undo-2001"));
	cyre_undo_list_free(paths, n);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("undo");
	TCase *t = tcase_create("undo");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, cut_at_every_length);
	tcase_add_test(t, every_bit_flipped);
	tcase_add_test(t, changed_since_is_refused);
	tcase_add_test(t, folder_goes_on_and_mixes_nothing);
	tcase_add_test(t, files_that_stand_apart);
	tcase_add_test(t, apart_and_refused_in_a_newer_one);
	tcase_add_test(t, dry_run_tells_all);
	tcase_add_test(t, plain_tar_reads_it);
	tcase_add_test(t, half_done);
	tcase_add_test(t, half_done_and_changed);
	tcase_add_test(t, half_done_directory);
	tcase_add_test(t, looked_at_is_settled);
	tcase_add_test(t, below_another_root);
	tcase_add_test(t, parts);
	tcase_add_test(t, newest_first);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
