/*
 * check_confdir.c - the files of the configdirectory are found, whoever made
 * them, and nothing is followed out of it
 *
 * A seen file nobody finds is a user whose read marks are lost in a rebuild; one
 * that is taken for somebody else's gives them to the wrong person.
 */
#include "unit.h"

#include <unistd.h>

#include "conf.h"
#include "confdir.h"
#include "scratch.h"

static struct cyre_confdir *dir;
static struct cyre_conf *conf;
static char *root;

static void walk(const char *text)
{
	struct cyre_findings found = {0};

	ck_assert_int_eq(cyre_conf_new(&conf), CYRE_OK);
	ck_assert_int_eq(
		cyre_conf_read(conf, cyre_slice_str(text), "x", NULL, &found),
		CYRE_OK);
	ck_assert_int_eq(cyre_conf_finish(conf, 0, &found), CYRE_OK);
	cyre_findings_free(&found);
	ck_assert_int_eq(cyre_confdir_walk(conf, root, &dir), CYRE_OK);
}

static void done(void)
{
	cyre_confdir_free(dir);
	cyre_conf_free(conf);
}

static void setup(void)
{
	root = scratch_new();
	/* Whoever may read all is not the one who meets EACCES. */
	chmod(root, 0755);
}

static void teardown(void)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "chmod -R u+rwX %s", root);
	test_run(cmd);
	test_remove(root);
}

/* Every file as "kind owner path", with what is special about it in front. */
static void is_found(const char *want)
{
	static const char *const copies[] = {
		"", "new ", "old ", "backup1 ", "backup2 ", "dump "};
	struct cyre_buf b = {0};
	size_t i;

	for (i = 0; i < dir->n; i++) {
		const struct cyre_server_file *f = &dir->files[i];

		cyre_put_fmt(&b, "%s%s%s%s %s %s\n", copies[f->copy],
			f->by_id ? "id " : "", f->misplaced ? "misplaced " : "",
			cyre_server_kind_name(f->kind),
			f->owner ? f->owner : "-", f->path);
	}
	cyre_put_u8(&b, 0);
	ck_assert_str_eq((const char *)b.p, want);
	cyre_buf_free(&b);
}

static void put(const char *path)
{
	scratch_put(root, path, path);
}

#define CONF "configdirectory: /conf\npartition-default: /spool\n"

START_TEST(each_kind_is_known)
{
	put("conf/mailboxes.db");
	put("conf/mailboxes.db.NEW");
	put("conf/annotations.db.OLD");
	put("conf/quotas.db");
	put("conf/shared.counters");
	put("conf/db.backup1/mailboxes.db");
	put("conf/db.backup1/log.0000000001");
	put("conf/db.backup2/mailboxes.db");
	put("conf/backup/mboxlist.1.gz");
	put("conf/backup/other");
	put("conf/user/a/ann.seen");
	put("conf/user/a/ann.sub");
	put("conf/user/a/ann.sub.NEW");
	put("conf/user/a/ann.unknown");
	put("conf/user/a/.seen");
	put("conf/user/a/ann");
	put("conf/user/uuid/a/b/ab1/seen.db");
	put("conf/user/uuid/a/b/ab1/seen");
	put("conf/user/uuid/a/b/ab1/conversations.db");
	put("conf/quota/a/user.ann");
	put("conf/quota/a/user.ann.NEW");
	put("conf/proc/123");
	put("conf/lock/a/ann.seen");
	put("conf/zoneinfo.db");
	walk(CONF);
	ck_assert_uint_eq(dir->found.n, 0);
	is_found("mailboxes.db - mailboxes.db\n"
		 "new mailboxes.db - mailboxes.db.NEW\n"
		 "backup1 mailboxes.db - db.backup1/mailboxes.db\n"
		 "backup2 mailboxes.db - db.backup2/mailboxes.db\n"
		 "dump mailboxes.db - backup/mboxlist.1.gz\n"
		 "old annotations.db - annotations.db.OLD\n"
		 "quotas.db - quotas.db\n"
		 "quota user.ann quota/a/user.ann\n"
		 "new quota user.ann quota/a/user.ann.NEW\n"
		 "seen ann user/a/ann.seen\n"
		 "id seen ab1 user/uuid/a/b/ab1/seen.db\n"
		 "sub ann user/a/ann.sub\n"
		 "new sub ann user/a/ann.sub.NEW\n"
		 "id conversations ab1 "
		 "user/uuid/a/b/ab1/conversations.db\n"
		 "counters - shared.counters\n");
	done();
}
END_TEST

START_TEST(dots_and_domains_make_one_user)
{
	size_t n;

	put("conf/user/a/al^ice.seen");
	put("conf/user/a/al.ice.seen");
	put("conf/domain/o/other.org/user/c/ca^rl.seen");
	put("conf/domain/o/other.org/quota/c/user.carl");
	put("conf/domain/o/other.org/quota/root");
	put("conf/domain/o/other.org/shared.counters");
	put("conf/quota/r/root");
	walk(CONF "virtdomains: userid\n");
	is_found("quota other.org! domain/o/other.org/quota/root\n"
		 "quota other.org!user.carl "
		 "domain/o/other.org/quota/c/user.carl\n"
		 "quota root quota/r/root\n"
		 "seen al.ice user/a/al.ice.seen\n"
		 "seen al.ice user/a/al^ice.seen\n"
		 "seen ca.rl@other.org "
		 "domain/o/other.org/user/c/ca^rl.seen\n"
		 "counters @other.org domain/o/other.org/shared.counters\n");
	ck_assert_ptr_eq(cyre_confdir_find(dir, CYRE_SERVER_SEEN, "al.ice", &n),
		&dir->files[3]);
	ck_assert_uint_eq(n, 2);
	ck_assert_ptr_null(
		cyre_confdir_find(dir, CYRE_SERVER_SEEN, "carl", &n));
	ck_assert_uint_eq(n, 0);
	ck_assert_ptr_null(
		cyre_confdir_find(dir, CYRE_SERVER_MAILBOXES, NULL, &n));
	cyre_confdir_all(dir, CYRE_SERVER_SEEN, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(cyre_confdir_of_user(
				 dir, CYRE_SERVER_SEEN, "ca.rl@other.org", "ab")
				 ->path,
		"domain/o/other.org/user/c/ca^rl.seen");
	ck_assert_ptr_null(
		cyre_confdir_of_user(dir, CYRE_SERVER_SUB, "al.ice", NULL));
	done();
}
END_TEST

/* A file below another letter is there, and the server does not see it. */
START_TEST(wrong_letters_are_told)
{
	put("conf/user/a/ann.sub");
	put("conf/user/b/ann.seen");
	put("conf/user/uuid/a/b/cd1/seen.db");
	walk(CONF);
	is_found("misplaced seen ann user/b/ann.seen\n"
		 "id misplaced seen cd1 user/uuid/a/b/cd1/seen.db\n"
		 "sub ann user/a/ann.sub\n");
	done();
}
END_TEST

/* The hash of a 2.1 is that of its build. */
START_TEST(the_tree_knows_its_hash)
{
	put("conf/user/a/ann.sub");
	put("conf/quota/b/user.bob");
	walk(CONF "fulldirhash: yes\n");
	is_found("quota user.bob quota/b/user.bob\n"
		 "sub ann user/a/ann.sub\n");
	done();
}
END_TEST

START_TEST(what_an_option_names_is_the_live_one)
{
	struct cyre_buf b = {.limit = 1000};
	struct cyre_error err;
	struct cyre_opener o = {0};
	enum cyre_kind kind;

	put("conf/mailboxes.db");
	put("fast/mboxlist");
	walk(CONF "mboxlist_db_path: /fast/mboxlist\n"
		  "annotation_db_path: /absent/annotations.db\n");
	is_found("mailboxes.db - /fast/mboxlist\n"
		 "old mailboxes.db - mailboxes.db\n");
	ck_assert_int_eq(cyre_confdir_read(&dir->files[0], &o, &b, &kind, &err),
		CYRE_OK);
	ck_assert(cyre_slice_eq(
		cyre_buf_slice(&b), cyre_slice_str("fast/mboxlist")));
	cyre_buf_free(&b);
	b.limit = 4;
	ck_assert_int_eq(cyre_confdir_read(&dir->files[1], &o, &b, &kind, &err),
		CYRE_ELIMIT);
	cyre_buf_free(&b);
	done();
}
END_TEST

/* Read twice, the list would be taken for a copy of itself. */
START_TEST(an_option_for_the_usual_place_changes_nothing)
{
	put("conf/mailboxes.db");
	put("conf/annotations.db");
	walk(CONF "mboxlist_db_path: /conf/mailboxes.db\n"
		  "annotation_db_path: /conf/other.db\n");
	is_found("mailboxes.db - mailboxes.db\n"
		 "old annotations.db - annotations.db\n");
	done();
}
END_TEST

START_TEST(debians_dumps_are_found)
{
	put("var/lib/cyrus/mailboxes.db");
	put("var/backups/cyrus-mboxlist.txt.gz");
	put("var/backups/dpkg.status.0");
	walk("configdirectory: /var/lib/cyrus\npartition-default: /s\n");
	is_found("mailboxes.db - mailboxes.db\n"
		 "dump mailboxes.db - /var/backups/cyrus-mboxlist.txt.gz\n");
	done();
}
END_TEST

/* A link to /dev/zero, a fifo: listed as what they are, and never opened. */
START_TEST(nothing_is_followed)
{
	char *seen = scratch_path(root, "conf/user/a/ann.seen");
	char *sub = scratch_path(root, "conf/user/a/ann.sub");
	char *quota = scratch_path(root, "conf/quota");
	struct cyre_buf b = {.limit = 1000};
	struct cyre_opener o = {0};
	struct cyre_error err;
	enum cyre_kind kind;

	put("conf/user/a/x");
	put("else/a/user.ann");
	ck_assert_int_eq(symlink("/dev/zero", seen), 0);
	ck_assert_int_eq(mkfifo(sub, 0600), 0);
	ck_assert_int_eq(symlink("../else", quota), 0);
	walk(CONF);
	is_found("seen ann user/a/ann.seen\nsub ann user/a/ann.sub\n");
	ck_assert_int_eq(cyre_confdir_read(&dir->files[0], &o, &b, &kind, &err),
		CYRE_EUNSUPPORTED);
	ck_assert_int_eq(kind, CYRE_KIND_SYMLINK);
	ck_assert_int_eq(cyre_confdir_read(&dir->files[1], &o, &b, &kind, &err),
		CYRE_EUNSUPPORTED);
	ck_assert_int_eq(kind, CYRE_KIND_FIFO);
	ck_assert_uint_eq(dir->found.n, 1);
	ck_assert_int_eq(dir->found.items[0].problem, CYRE_P_NOT_REGULAR);
	ck_assert_str_eq(
		dir->found.items[0].text, "/conf/quota: symbolic link");
	done();
	free(seen);
	free(sub);
	free(quota);
}
END_TEST

START_TEST(an_absent_directory_is_a_finding)
{
	walk(CONF);
	ck_assert_uint_eq(dir->n, 0);
	ck_assert_int_eq(dir->errnum, ENOENT);
	ck_assert_uint_eq(dir->found.count[CYRE_P_DIRECTORY_UNREADABLE], 1);
	done();
	walk("partition-default: /spool\n");
	ck_assert_uint_eq(dir->n, 0);
	ck_assert_uint_eq(dir->found.n, 0);
	done();
}
END_TEST

/* ---- real trees ---- */

struct tree {
	const char *name; /* cyrus-3.6.1-default */
	size_t files;
};

static char *slurp(const char *path)
{
	struct cyre_slice s = test_read(path);
	char *text = strndup((const char *)s.p, s.n);

	free((void *)(uintptr_t)s.p);
	return text;
}

/* All but the Berkeley environment and one cache. */
static void must_be_found(const char *path, void *payload)
{
	const char *rel = path + strlen(root) + strlen("/srv/imap/conf/");
	struct tree *t = payload;
	size_t i;

	if (!strncmp(rel, "db/", 3) || strstr(rel, "/log.") ||
		!strcmp(rel, "zoneinfo.db"))
		return;
	t->files++;
	for (i = 0; i < dir->n; i++)
		if (!strcmp(dir->files[i].path, rel))
			return;
	ck_abort_msg("%s: %s", t->name, rel);
}

/* The owners of its files are users the server knew. */
static void check_owners(const struct tree *t, const char *truth)
{
	char want[128];
	size_t i;

	for (i = 0; i < dir->n; i++) {
		const struct cyre_server_file *f = &dir->files[i];

		ck_assert_msg(!f->misplaced, "%s: %s", t->name, f->path);
		/* 2.3 keeps the read marks of a shared folder as anyone's. */
		if (f->kind < CYRE_SERVER_SEEN || f->by_id || !f->owner ||
			!strcmp(f->owner, "anyone"))
			continue;
		snprintf(want, sizeof(want), "\"user\": \"%s", f->owner);
		ck_assert_msg(strstr(truth, want), "%s: %s", t->name, f->owner);
	}
}

static void check_tree(const char *folder, const char *top, const char *name)
{
	struct tree t = {.name = name};
	char cmd[1024], *text, *truth;

	root = scratch_path(top, "root");
	snprintf(cmd, sizeof(cmd),
		"rm -rf %s; mkdir -p %s/srv; mv %s/%s %s/srv/imap; "
		"zstd -dcfq %s/%s.truth.jsonl* >%s/truth",
		root, root, top, name, root, folder, name, root);
	test_run(cmd);
	snprintf(cmd, sizeof(cmd), "%s/srv/imap/imapd.conf", root);
	text = slurp(cmd);
	snprintf(cmd, sizeof(cmd), "%s/truth", root);
	truth = slurp(cmd);
	walk(text);
	ck_assert_msg(!dir->found.n, "%s", name);
	snprintf(cmd, sizeof(cmd), "%s/srv/imap/conf", root);
	test_walk(cmd, "", must_be_found, &t);
	ck_assert_msg(t.files == dir->n && t.files > 5, "%s: %zu of %zu", name,
		dir->n, t.files);
	check_owners(&t, truth);
	done();
	free(text);
	free(truth);
	free(root);
}

START_TEST(real_trees_are_found_whole)
{
	const char *folder = CYRE_SHARED_DIR "/fixtures/spools";
	char *top = test_unpack(folder, "'*/imapd.conf' '*/conf/*'");
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	if (!top) {
		folder = CYRE_SOURCE_DIR "/fixtures/spools";
		top = test_unpack(folder, "'*/imapd.conf' '*/conf/*'");
	}
	d = opendir(top);
	while ((e = readdir(d)))
		if (!strncmp(e->d_name, "cyrus-", 6)) {
			check_tree(folder, top, e->d_name);
			n++;
		}
	closedir(d);
	ck_assert_uint_gt(n, 0);
	test_remove(top);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("confdir");
	TCase *t = tcase_create("scratch"), *u = tcase_create("trees");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, each_kind_is_known);
	tcase_add_test(t, dots_and_domains_make_one_user);
	tcase_add_test(t, wrong_letters_are_told);
	tcase_add_test(t, the_tree_knows_its_hash);
	tcase_add_test(t, what_an_option_names_is_the_live_one);
	tcase_add_test(t, an_option_for_the_usual_place_changes_nothing);
	tcase_add_test(t, debians_dumps_are_found);
	tcase_add_test(t, nothing_is_followed);
	tcase_add_test(t, an_absent_directory_is_a_finding);
	suite_add_tcase(s, t);
	tcase_set_timeout(u, 120);
	tcase_add_test(u, real_trees_are_found_whole);
	suite_add_tcase(s, u);
	return cyre_run_suite(s);
}
