/*
 * check_discover.c - opening, listing and walking real and hostile trees
 *
 * Real trees are those of fixtures/spools and, where it is there, of the larger
 * set: what is found must be what the server itself listed, no more, no less.
 */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "discover.h"
#include "header.h"
#include "listing.h"
#include "names.h"
#include "source_file.h"

#define MAX_TREES 100
#define MAX_NAMES 64

static char *trees[MAX_TREES]; /* paths without .tar.zst */
static int n_trees;
static char tmp[] = "/tmp/check_discover.XXXXXX";

/* ---- a scratch directory ---- */

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(tmp));
	ck_assert_int_eq(chmod(tmp, 0755), 0);
	ck_assert_int_eq(chdir(tmp), 0);
}

static void teardown(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "chmod -R u+rwX %s; rm -rf %s", tmp, tmp);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(system(cmd), 0);
	memset(strchr(tmp, '.') + 1, 'X', 6);
}

static void touch(const char *path)
{
	char dir[256];
	const char *p;
	FILE *f;

	for (p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		snprintf(dir, sizeof(dir), "%.*s", (int)(p - path), path);
		mkdir(dir, 0755);
	}
	if (path[strlen(path) - 1] == '/')
		return;
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
}

static struct cyre_conf *conf;
static struct cyre_catalog *cat;

/* The options are text of an imapd.conf; paths are below the scratch. */
static void discover(const char *text, bool guess)
{
	struct cyre_findings found = {0};

	ck_assert_int_eq(cyre_conf_new(&conf), CYRE_OK);
	ck_assert_int_eq(
		cyre_conf_read(conf, cyre_slice_str(text), "x", NULL, &found),
		CYRE_OK);
	ck_assert_int_eq(cyre_conf_finish(conf, 0, &found), CYRE_OK);
	ck_assert_uint_eq(found.n, 0);
	ck_assert_int_eq(cyre_discover(conf, tmp, guess, &cat), CYRE_OK);
}

static void done(void)
{
	cyre_catalog_free(cat);
	cyre_conf_free(conf);
	cat = NULL;
	conf = NULL;
}

static const struct cyre_mailbox *mailbox(const char *name)
{
	size_t i;

	for (i = 0; i < cat->n_mailboxes; i++) {
		const struct cyre_mailbox *m = &cat->mailboxes[i];

		if ((m->name && !strcmp(m->name, name)) ||
			(m->uniqueid && !strcmp(m->uniqueid, name)))
			return m;
	}
	ck_abort_msg("no %s", name);
	return NULL;
}

/* ---- one directory ---- */

START_TEST(uids_are_what_the_server_opens)
{
	static const struct {
		const char *name;
		uint32_t uid;
	} t[] = {{"1.", 1}, {"4294967295.", UINT32_MAX}, {"4294967296.", 0},
		{"99999999999999999999999.", 0}, {"007.", 0}, {"0.", 0},
		{"7", 0}, {"7.x", 0}, {"7..", 0}, {".", 0}, {"-1.", 0},
		{" 1.", 0}, {"", 0}};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++)
		ck_assert_msg(cyre_listing_uid(t[i].name) == t[i].uid, "%s",
			t[i].name);
}
END_TEST

START_TEST(listing_sorts_by_number)
{
	struct cyre_listing l = {0};
	const uint32_t count[] = {100, 100000};
	char name[16];
	uint32_t i, k;

	for (k = 0; k < 2; k++) {
		for (i = 0; i < count[k]; i++) {
			/* Each number once, in a wild order. */
			snprintf(
				name, sizeof(name), "%u.", i * 2654435761u | 1);
			ck_assert_int_eq(
				cyre_listing_add(&l, name, CYRE_KIND_FILE),
				CYRE_OK);
		}
		ck_assert_int_eq(cyre_listing_finish(&l), CYRE_OK);
		ck_assert_uint_eq(l.n_uids, count[k]);
		for (i = 1; i < l.n_uids; i++)
			ck_assert(l.uids[i - 1] <= l.uids[i]);
		cyre_listing_free(&l);
	}
}
END_TEST

START_TEST(entries_are_told_apart)
{
	static const struct {
		const char *name;
		enum cyre_kind kind;
		int class; /* -1: not odd */
	} t[] = {
		{"cyrus.index", CYRE_KIND_FILE, -1},
		{"cyrus.header.NEW", CYRE_KIND_FILE, -1},
		{"cyrus.cache", CYRE_KIND_SYMLINK, -1},
		{"12.", CYRE_KIND_FILE, -1},
		{"child", CYRE_KIND_DIRECTORY, -1},
		{"stage.", CYRE_KIND_DIRECTORY, -1},
		{"13.", CYRE_KIND_DIRECTORY, CYRE_ODD_KIND},
		{"14.", CYRE_KIND_FIFO, CYRE_ODD_KIND},
		{"child", CYRE_KIND_SYMLINK, CYRE_ODD_KIND},
		{"cyrus.squat", CYRE_KIND_FILE, CYRE_ODD_SERVER},
		{"cyrus.squat", CYRE_KIND_DIRECTORY, CYRE_ODD_KIND},
		{"cyrus.squat.NEW", CYRE_KIND_FILE, CYRE_ODD_NEW},
		{"cyrus.annotations.NEW", CYRE_KIND_FILE, CYRE_ODD_NEW},
		{"007.", CYRE_KIND_FILE, CYRE_ODD_UID},
		{"cyrus.index~", CYRE_KIND_FILE, CYRE_ODD_OTHER},
		{"core", CYRE_KIND_FILE, CYRE_ODD_OTHER},
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct cyre_listing l = {0};

		ck_assert_int_eq(
			cyre_listing_add(&l, t[i].name, t[i].kind), CYRE_OK);
		ck_assert_msg(l.n_odd == (t[i].class >= 0), "%s", t[i].name);
		if (t[i].class >= 0)
			ck_assert_msg((int)l.odd[0].class == t[i].class, "%s",
				t[i].name);
		cyre_listing_free(&l);
	}
}
END_TEST

/* A directory of a million stray files must not fill the memory. */
START_TEST(odd_names_have_a_limit)
{
	struct cyre_listing l = {0};
	char name[16];
	int i;

	for (i = 0; i < CYRE_ODD_KEEP + 5; i++) {
		snprintf(name, sizeof(name), "x%d", i);
		cyre_listing_add(&l, name, CYRE_KIND_FILE);
	}
	ck_assert_uint_eq(l.n_odd, CYRE_ODD_KEEP);
	ck_assert_uint_eq(l.n_odd_dropped, 5);
	cyre_listing_free(&l);
}
END_TEST

/* ---- opening ---- */

/* A link in the place of cyrus.index could show us /etc/shadow, and a fifo
 * could hold us for ever. */
START_TEST(only_regular_files_are_opened)
{
	struct cyre_opener o = {.no_openat2 = _i};
	struct cyre_file_info f;
	struct cyre_error err;
	int fd;

	touch("spool/b/user/bob/1.");
	touch("secret");
	ck_assert_int_eq(
		symlink("../../../../secret", "spool/b/user/bob/2."), 0);
	ck_assert_int_eq(mkfifo("spool/b/user/bob/3.", 0600), 0);
	ck_assert_int_eq(mkdir("spool/b/user/bob/4.", 0700), 0);
	ck_assert_int_eq(symlink("b", "spool/c"), 0);
	ck_assert_int_eq(cyre_root_open(tmp, "/spool", &fd, &err), CYRE_OK);

	ck_assert_int_eq(cyre_file_open(&o, fd, "b/user/bob/1.",
				 CYRE_KIND_UNKNOWN, &f, &err),
		CYRE_OK);
	ck_assert_int_eq(f.kind, CYRE_KIND_FILE);
	ck_assert_int_ge(f.fd, 0);
	close(f.fd);
	/* Also when the listing said it was a file, just before. */
	for (int k = CYRE_KIND_UNKNOWN; k <= CYRE_KIND_FILE; k++) {
		ck_assert_int_eq(cyre_file_open(&o, fd, "b/user/bob/2.",
					 (enum cyre_kind)k, &f, &err),
			CYRE_OK);
		ck_assert_int_eq(f.kind, CYRE_KIND_SYMLINK);
		ck_assert_int_eq(f.fd, -1);
		ck_assert_int_eq(cyre_file_open(&o, fd, "b/user/bob/3.",
					 (enum cyre_kind)k, &f, &err),
			CYRE_OK);
		ck_assert_int_eq(f.kind, CYRE_KIND_FIFO);
		ck_assert_int_eq(f.fd, -1);
		ck_assert_int_eq(cyre_file_open(&o, fd, "b/user/bob/4.",
					 (enum cyre_kind)k, &f, &err),
			CYRE_OK);
		ck_assert_int_eq(f.kind, CYRE_KIND_DIRECTORY);
		ck_assert_int_eq(f.fd, -1);
		/* No way out, and no way through a link. */
		ck_assert_int_eq(cyre_file_open(&o, fd, "../secret",
					 CYRE_KIND_FILE, &f, &err),
			CYRE_EIO);
		ck_assert_int_eq(cyre_file_open(&o, fd, "c/user/bob/1.",
					 CYRE_KIND_FILE, &f, &err),
			CYRE_EIO);
		ck_assert_int_eq(cyre_file_open(&o, fd, "b/nothing",
					 (enum cyre_kind)k, &f, &err),
			CYRE_EIO);
		ck_assert_int_eq(err.errnum, ENOENT);
	}
	close(fd);
}
END_TEST

/* In a mounted snapshot /var/spool/imap may be a link to /srv/imap: that is
 * the snapshot's /srv, not ours. */
START_TEST(links_stay_below_the_root)
{
	struct cyre_error err;
	int fd;

	touch("srv/imap/b/user/bob/1.");
	touch("var/x");
	ck_assert_int_eq(symlink("/srv/imap", "var/spool"), 0);
	ck_assert_int_eq(cyre_root_open(tmp, "/var/spool", &fd, &err), CYRE_OK);
	ck_assert_int_eq(faccessat(fd, "b/user/bob/1.", F_OK, 0), 0);
	close(fd);
	ck_assert_int_eq(cyre_root_open(tmp, "/nowhere", &fd, &err), CYRE_EIO);
	ck_assert_int_eq(err.errnum, ENOENT);
	ck_assert_str_eq(err.path, "/nowhere");
}
END_TEST

START_TEST(window_moves_over_a_file)
{
	struct cyre_source_file sf = {.limit = 3 << 20};
	struct cyre_slice s;
	uint64_t size = (5 << 20) + 77, off;
	uint8_t block[4096];
	FILE *f = fopen("cache", "w+");
	size_t i, n;

	for (off = 0; off < size; off += n) {
		n = size - off < sizeof(block) ? (size_t)(size - off)
					       : sizeof(block);
		for (i = 0; i < n; i++)
			block[i] = (uint8_t)((off + i) * 31 >> 3);
		ck_assert_uint_eq(fwrite(block, 1, n, f), n);
	}
	fflush(f);
	cyre_source_file_start(&sf, fileno(f), size);
	for (off = 0; off < size; off += 300001) {
		size_t want = (size_t)(off % (3 << 20));

		ck_assert_int_eq(cyre_view(&sf.src, off, want, &s), CYRE_OK);
		ck_assert(s.n >= want || off + s.n == size);
		for (i = 0; i < s.n; i += 997)
			ck_assert_uint_eq(
				s.p[i], (uint8_t)((off + i) * 31 >> 3));
	}
	ck_assert_int_eq(cyre_view(&sf.src, 0, 4 << 20, &s), CYRE_ELIMIT);
	ck_assert_int_eq(cyre_view(&sf.src, size, 10, &s), CYRE_OK);
	ck_assert_uint_eq(s.n, 0);
	ck_assert_int_eq(cyre_view(&sf.src, UINT64_MAX, 1, &s), CYRE_OK);
	ck_assert_uint_eq(s.n, 0);
	/* Cut while we read it. */
	ck_assert_int_eq(ftruncate(fileno(f), 100), 0);
	ck_assert_int_eq(cyre_view(&sf.src, 50, 1 << 20, &s), CYRE_OK);
	cyre_source_file_start(&sf, fileno(f), size);
	ck_assert_int_eq(cyre_view(&sf.src, 50, 1 << 20, &s), CYRE_OK);
	ck_assert_uint_eq(s.n, 50);
	fclose(f);
	cyre_source_file_free(&sf);
}
END_TEST

/* ---- walking ---- */

START_TEST(walk_finds_what_is_a_mailbox_only)
{
	const struct cyre_mailbox *m;

	touch("s/b/user/bob/1.");
	touch("s/b/user/bob/cyrus.header");
	touch("s/b/user/bob/deep/er/cyrus.index.NEW");
	touch("s/b/user/bob/.snapshot/9.");
	touch("s/b/user/bob/5./9.");
	touch("s/b/user/bob/core");
	touch("s/b/user/empty/");
	touch("s/stage./123-45-1");
	touch("s/stage./123-45-2");
	touch("s/sync./17/x");
	touch("s/lost+found/#12/1.");
	touch("s/lost+found/#13");
	touch("s/uuid/7/2/72c5/cyrus.header");
	touch("s/uuid/7/3/72c5/1.");
	discover("partition-default: /s\nhashimapspool: yes\n", false);
	ck_assert_uint_eq(cat->n_mailboxes, 4);
	m = mailbox("user.bob");
	ck_assert_uint_eq(m->sides[0].list.n_uids, 1);
	ck_assert_uint_eq(m->sides[0].list.files, 1u << CYRE_FILE_HEADER);
	ck_assert(!m->misplaced && !m->twice);
	mailbox("user.bob.deep.er");
	m = mailbox("72c5");
	ck_assert(m->twice);
	ck_assert_uint_eq(cat->found.n, 3);
	ck_assert_uint_eq(cat->found.count[CYRE_P_LOST_FOUND], 1);
	ck_assert_uint_eq(cat->found.count[CYRE_P_STAGE_LEFTOVER], 2);
	done();
}
END_TEST

START_TEST(survey_says_what_the_names_show)
{
	struct cyre_findings found = {0};
	size_t i;

	touch("d/b/user/bob/1.");
	touch("d/b/user/bob/007.");
	touch("d/b/user/bob/cyrus.index");
	touch("d/b/user/bob/cyrus.cache");
	touch("m/b/user/bob/cyrus.index");
	touch("m/b/user/bob/cyrus.index.NEW");
	touch("d/b/user/bob/cyrus.header");
	touch("d/c/user/carl/1.");
	touch("a/d/user/dora/1.");
	touch("d/user/eve/1.");
	touch("d/1.");
	ck_assert_int_eq(symlink("1.", "d/b/user/bob/2."), 0);
	ck_assert_int_eq(symlink("user", "d/b/elsewhere"), 0);
	discover("partition-default: /d\nhashimapspool: yes\n"
		 "metapartition-default: /m\narchive_enabled: yes\n"
		 "archivepartition-default: /a\n"
		 "metapartition_files: header index\n",
		false);
	ck_assert_uint_eq(cat->n_mailboxes, 5);
	for (i = 0; i < cat->n_mailboxes; i++)
		cyre_mailbox_survey(cat, &cat->mailboxes[i], &found);
	ck_assert_uint_eq(found.count[CYRE_P_MESSAGE_NAME_ODD], 1);
	ck_assert_uint_eq(found.count[CYRE_P_SPLIT_COPY], 1);
	ck_assert_uint_eq(found.count[CYRE_P_META_ELSEWHERE], 1);
	ck_assert_uint_eq(found.count[CYRE_P_LEFTOVER_NEW], 1);
	ck_assert_uint_eq(found.count[CYRE_P_NOT_REGULAR], 1);
	ck_assert_uint_eq(found.count[CYRE_P_NAME_MISPLACED], 1);
	ck_assert_uint_eq(found.count[CYRE_P_PATH_NO_NAME], 1);
	/* carl and eve. */
	ck_assert_uint_eq(found.count[CYRE_P_SPOOL_WITHOUT_META], 2);
	ck_assert_uint_eq(found.count[CYRE_P_ARCHIVE_WITHOUT_META], 1);
	ck_assert_uint_eq(found.n, 10);
	/* The link among the directories belongs to no mailbox. */
	ck_assert_uint_eq(cat->found.n, 1);
	ck_assert_str_eq(
		cat->found.items[0].text, "symbolic link (/d/b/elsewhere)");
	cyre_findings_free(&found);
	done();
}
END_TEST

/* One bad directory must not end the walk. */
START_TEST(unreadable_directories_are_findings)
{
	bool root = geteuid() == 0;
	const struct cyre_mailbox *m;

	touch("s/a/user/ann/1.");
	touch("s/b/user/bob/1.");
	touch("s/c/user/carl/1.");
	touch("s/lost+found/");
	ck_assert_int_eq(chmod("s/b/user/bob", 0), 0);
	ck_assert_int_eq(chmod("s/c", 0), 0);
	ck_assert_int_eq(chmod("s/lost+found", 0), 0);
	if (root)
		ck_assert_int_eq(seteuid(65534), 0);
	discover("partition-default: /s\nhashimapspool: yes\n"
		 "partition-gone: /gone\n",
		false);
	if (root)
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert_uint_eq(cat->n_mailboxes, 2);
	mailbox("user.ann");
	m = mailbox("user.bob");
	ck_assert_int_eq(m->sides[0].list.errnum, EACCES);
	ck_assert_uint_eq(cat->found.n, 3);
	ck_assert_uint_eq(cat->found.count[CYRE_P_DIRECTORY_UNREADABLE], 2);
	ck_assert_uint_eq(cat->found.count[CYRE_P_LOST_FOUND_UNREADABLE], 1);
	done();
}
END_TEST

/* /var/spool/imap with its metapartition below itself: once is enough. */
START_TEST(roots_in_roots_are_walked_once)
{
	touch("s/b/user/bob/1.");
	touch("s/meta/b/user/bob/cyrus.header");
	touch("s/two/b/user/bob/1.");
	discover("partition-default: /s/\nmetapartition-default: //s//meta\n"
		 "metapartition_files: header\nhashimapspool: yes\n"
		 "partition-two: /s/two\npartition-zwei: /s/two/\n",
		false);
	ck_assert_uint_eq(cat->n_mailboxes, 2);
	ck_assert_uint_eq(cat->mailboxes[0].n_sides, 2);
	ck_assert_str_eq(cat->mailboxes[1].name, "user.bob");
	ck_assert(cat->mailboxes[0].twice && cat->mailboxes[1].twice);
	ck_assert_uint_eq(cat->found.n, 1);
	ck_assert_uint_eq(cat->found.count[CYRE_P_CONF_SHARED_ROOT], 1);
	done();
}
END_TEST

/* In 2.1 fulldirhash is a matter of the build: the tree is right. */
START_TEST(the_tree_shows_its_hash)
{
	static const char *const text[] = {"fulldirhash: yes\n", ""};
	static const char *const dir[] = {"s/b/user/bob/1.", "s/E/user/bob/1."};
	char options[128];

	touch(dir[_i]);
	touch("s/uuid/7/2/72c5/1.");
	snprintf(options, sizeof(options),
		"partition-default: /s\nhashimapspool: yes\n%s", text[_i]);
	discover(options, false);
	ck_assert_uint_eq(cat->found.count[CYRE_P_CONF_HASH_UNUSED], 1);
	ck_assert(!mailbox("user.bob")->misplaced);
	done();
	/* But one directory that is where it should be decides. */
	touch(dir[!_i]);
	discover(options, false);
	ck_assert_uint_eq(cat->found.n, 0);
	ck_assert_uint_eq(cat->n_mailboxes, 3);
	ck_assert(cat->mailboxes[0].misplaced != cat->mailboxes[1].misplaced);
	done();
}
END_TEST

/* A tree deeper than any mailbox, as a runaway program leaves it. */
START_TEST(depth_has_a_limit)
{
	int i;

	touch("s/x");
	ck_assert_int_eq(chdir("s"), 0);
	for (i = 0; i < 300; i++) {
		ck_assert_int_eq(mkdir("d", 0755), 0);
		ck_assert_int_eq(chdir("d"), 0);
	}
	touch("1.");
	ck_assert_int_eq(chdir(tmp), 0);
	discover("partition-default: /s\n", false);
	ck_assert_uint_eq(cat->n_mailboxes, 0);
	ck_assert_uint_eq(cat->found.count[CYRE_P_DIRECTORY_UNREADABLE], 1);
	done();
}
END_TEST

/* ---- real trees ---- */

struct names {
	char *name[MAX_NAMES], *partition[MAX_NAMES];
	int n;
};

static void add_name(struct names *l, char *name, char *partition)
{
	ck_assert_int_lt(l->n, MAX_NAMES);
	l->name[l->n] = name;
	l->partition[l->n++] = partition;
}

static int find_name(const struct names *l, const char *name)
{
	int i;

	for (i = 0; i < l->n; i++)
		if (!strcmp(l->name[i], name))
			return i;
	return -1;
}

static void free_names(struct names *l)
{
	while (l->n-- > 0) {
		free(l->name[l->n]);
		free(l->partition[l->n]);
	}
}

/* The string behind "key": in a line of JSON; names here have no escapes. */
static char *json_text(const char *line, const char *key)
{
	char look[64];
	const char *p;

	snprintf(look, sizeof(look), "\"%s\": \"", key);
	p = strstr(line, look);
	if (!p)
		return NULL;
	p += strlen(look);
	return strndup(p, strcspn(p, "\""));
}

static bool json_is(const char *line, const char *key, const char *value)
{
	char *s = json_text(line, key);
	bool is = s && !strcmp(s, value);

	free(s);
	return is;
}

static void add_deleted(struct names *l, const char *line)
{
	const char *p = strstr(line, "\"deleted_mailboxes\": [\"");
	struct cyre_buf b = {0};

	if (!p)
		return;
	p = strchr(p, '[') + 2;
	cyre_name_internal(conf, cyre_slice(p, strcspn(p, "\"")), &b);
	cyre_put_u8(&b, 0);
	add_name(l, (char *)b.p, NULL);
}

/* What the server said over IMAP; `uids` has the messages' total. */
static void read_truth(const char *tree, struct names *l, size_t *uids)
{
	char cmd[512], *line = NULL;
	size_t cap = 0;
	FILE *f;

	*uids = 0;
	snprintf(cmd, sizeof(cmd), "zstd -dcfq %s.truth.jsonl*", tree);
	f = popen(cmd, "r");
	ck_assert_ptr_nonnull(f);
	while (getline(&line, &cap, f) > 0) {
		if (json_is(line, "type", "server"))
			add_deleted(l, line);
		else if (json_is(line, "type", "mailbox"))
			add_name(l, json_text(line, "internal"),
				json_text(line, "partition"));
		else if (strstr(line, "\"type\": \"message\""))
			++*uids;
	}
	free(line);
	ck_assert_int_eq(pclose(f), 0);
}

/* The release's own ctl_mboxlist -d: text, or JSON from 3.6 on. */
static void read_oracle(struct names *l)
{
	char *line = NULL, *name;
	size_t cap = 0;
	FILE *f = fopen("srv/imap/oracle/ctl_mboxlist-d.txt", "r");

	ck_assert_ptr_nonnull(f);
	while (getline(&line, &cap, f) > 0) {
		if (!strncmp(line, "--stderr--", 10))
			break;
		if (strchr("{}\n", line[0]))
			continue;
		if (line[0] == '"') {
			name = json_text(line, "mbtype");
			if (!strchr(name, 'd'))
				add_name(l, json_text(line, "name"), NULL);
			free(name);
		} else if (!strstr(line, "\t16 (null)")) { /* deleted */
			add_name(l, strndup(line, strcspn(line, "\t\n")), NULL);
		}
	}
	free(line);
	fclose(f);
}

/* The name cyrus.header has, for mailboxes whose path has none. */
static char *header_name(const struct cyre_mailbox *m)
{
	const struct cyre_side *s =
		cyre_mailbox_where(cat, m, CYRE_FILE_HEADER, NULL);
	struct cyre_findings found = {0};
	struct cyre_opener o = {0};
	struct cyre_file_info f;
	struct cyre_header h;
	uint8_t bytes[65536];
	char path[512], *name;
	ssize_t n;

	ck_assert_ptr_nonnull(s);
	snprintf(path, sizeof(path), "%s/cyrus.header", m->dir);
	ck_assert_int_eq(cyre_file_open(&o, cat->roots[s->root].fd, path,
				 CYRE_KIND_FILE, &f, NULL),
		CYRE_OK);
	n = read(f.fd, bytes, sizeof(bytes));
	ck_assert_int_gt(n, 0);
	close(f.fd);
	ck_assert_int_eq(cyre_header_read(cyre_slice(bytes, (size_t)n),
				 CYRE_FILE_HEADER, &found, &h),
		CYRE_OK);
	ck_assert(cyre_slice_eq(h.uniqueid, cyre_slice_str(m->uniqueid)));
	name = strndup((const char *)h.name.p, h.name.n);
	cyre_header_free(&h);
	cyre_findings_free(&found);
	return name;
}

/* The name or the id leads to the directory again. */
static void leads_back(const struct cyre_mailbox *m)
{
	struct cyre_layout l = cat->layout;
	struct cyre_buf b = {0};
	bool same = false;
	int caret;

	for (caret = CYRE_CARET_PLAIN; caret <= CYRE_CARET_IS_DOT; caret++) {
		l.caret = (enum cyre_caret)caret;
		cyre_buf_reset(&b);
		ck_assert(m->name ? cyre_layout_dir(
					    &l, cyre_slice_str(m->name), &b)
				  : cyre_layout_id_dir(
					    cyre_slice_str(m->uniqueid), &b));
		same = same || cyre_slice_eq(cyre_buf_slice(&b),
				       cyre_slice_str(m->dir));
	}
	ck_assert_msg(same, "%s", m->dir);
	cyre_buf_free(&b);
}

/* mbpath of the release: every directory it prints of this mailbox's name. */
static void check_paths(void)
{
	char *line = NULL, *p;
	size_t cap = 0, i, k, n = 0;
	FILE *f = popen("cat srv/imap/oracle/mbpath/*.txt", "r");

	while (getline(&line, &cap, f) > 0) {
		p = strstr(line, "/srv/imap/");
		if (!p || (p != line && strncmp(line, "Data", 4) &&
				  strncmp(line, "Meta", 4)))
			continue;
		p[strcspn(p, "\n")] = '\0';
		for (i = 0; i < cat->n_mailboxes; i++) {
			const struct cyre_mailbox *m = &cat->mailboxes[i];
			size_t len = strlen(m->dir);

			for (k = 0; k < cat->n_roots; k++)
				if (cat->roots[k].partition == m->partition &&
					!strncmp(p, cat->roots[k].path,
						strlen(cat->roots[k].path)) &&
					strlen(p) ==
						strlen(cat->roots[k].path) + 1 +
							len &&
					!strcmp(p + strlen(p) - len, m->dir))
					goto found;
		}
		ck_abort_msg("mbpath has %s", p);
	found:
		n++;
	}
	ck_assert_uint_ge(n, cat->n_mailboxes - 1);
	free(line);
	pclose(f);
}

static void read_conf_file(void)
{
	static char text[65536];
	FILE *f = fopen("srv/imap/imapd.conf", "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	discover(text, false);
}

static void unpack(const char *tree)
{
	char cmd[1024];

	snprintf(cmd, sizeof(cmd),
		"mkdir -p srv && tar --zstd -xf %s.tar.zst -C srv --warning="
		"no-timestamp && mv srv/cyrus-* srv/imap",
		tree);
	ck_assert_int_eq(system(cmd), 0);
}

/* The same without an imapd.conf: --spool is all there is after a disaster. */
static void check_guesses(const struct names *truth)
{
	size_t i, n = cat->n_mailboxes;

	done();
	discover(
		"partition-a: /srv/imap/spool\npartition-b: /srv/imap/spool2\n",
		true);
	ck_assert_uint_le(cat->n_mailboxes, n);
	for (i = 0; i < cat->n_mailboxes; i++) {
		const struct cyre_mailbox *m = &cat->mailboxes[i];

		ck_assert(!m->misplaced && (m->name || m->uniqueid));
		ck_assert(!m->name || find_name(truth, m->name) >= 0);
	}
}

START_TEST(real_trees_are_found_whole)
{
	struct names truth = {.n = 0}, oracle = {.n = 0};
	struct cyre_findings found = {0};
	size_t i, k, uids = 0, true_uids;
	bool seen[MAX_NAMES] = {false};
	int at;

	unpack(trees[_i]);
	read_conf_file();
	read_truth(trees[_i], &truth, &true_uids);
	read_oracle(&oracle);
	for (i = 0; i < cat->n_mailboxes; i++) {
		const struct cyre_mailbox *m = &cat->mailboxes[i];
		char *name = m->name ? strdup(m->name) : header_name(m);

		at = find_name(&truth, name);
		ck_assert_msg(at >= 0 && !seen[at], "%s: %s", trees[_i], name);
		seen[at] = true;
		ck_assert_int_ge(find_name(&oracle, name), 0);
		if (truth.partition[at]) {
			ck_assert_str_eq(truth.partition[at],
				conf->partitions[m->partition].name);
			for (k = 0; k < m->n_sides; k++)
				uids += m->sides[k].list.n_uids;
		}
		leads_back(m);
		cyre_mailbox_survey(cat, m, &found);
		free(name);
	}
	ck_assert_int_eq((int)cat->n_mailboxes, truth.n);
	ck_assert_int_eq((int)cat->n_mailboxes, oracle.n);
	ck_assert_uint_ge(uids, true_uids); /* and the expunged ones */
	check_paths();
	for (i = 0; i < found.n; i++)
		ck_assert_msg(
			cyre_problem_row(found.items[i].problem)->severity ==
				CYRE_SEV_NOTE,
			"%s: %s %s", trees[_i],
			cyre_problem_row(found.items[i].problem)->slug,
			found.items[i].text);
	for (i = 0; i < cat->found.n; i++)
		ck_assert_msg(cyre_problem_row(cat->found.items[i].problem)
					      ->severity == CYRE_SEV_NOTE,
			"%s: %s", trees[_i], cat->found.items[i].text);
	check_guesses(&truth);
	cyre_findings_free(&found);
	free_names(&truth);
	free_names(&oracle);
	done();
}
END_TEST

static void collect_trees(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char *end;

	while (d && (e = readdir(d)) && n_trees < MAX_TREES) {
		end = strstr(e->d_name, ".tar.zst");
		if (!end)
			continue;
		if (asprintf(&trees[n_trees], "%s/%.*s", dir,
			    (int)(end - e->d_name), e->d_name) < 0)
			abort();
		n_trees++;
	}
	if (d)
		closedir(d);
}

int main(void)
{
	Suite *s = suite_create("discover");
	TCase *t = tcase_create("names"), *u = tcase_create("trees");

	/* Unpacking all of them takes a sanitizer's build no further. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	collect_trees(CYRE_SHARED_DIR "/fixtures/spools");
#endif
	if (n_trees == 0)
		collect_trees(CYRE_SOURCE_DIR "/fixtures/spools");
	tcase_add_test(t, uids_are_what_the_server_opens);
	tcase_add_test(t, listing_sorts_by_number);
	tcase_add_test(t, entries_are_told_apart);
	tcase_add_test(t, odd_names_have_a_limit);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(u, setup, teardown);
	tcase_set_timeout(u, 60);
	tcase_add_loop_test(u, only_regular_files_are_opened, 0, 2);
	tcase_add_test(u, links_stay_below_the_root);
	tcase_add_test(u, window_moves_over_a_file);
	tcase_add_test(u, walk_finds_what_is_a_mailbox_only);
	tcase_add_test(u, survey_says_what_the_names_show);
	tcase_add_test(u, unreadable_directories_are_findings);
	tcase_add_test(u, roots_in_roots_are_walked_once);
	tcase_add_loop_test(u, the_tree_shows_its_hash, 0, 2);
	tcase_add_test(u, depth_has_a_limit);
	tcase_add_loop_test(u, real_trees_are_found_whole, 0, n_trees);
	suite_add_tcase(s, u);
	return cyre_run_suite(s);
}
