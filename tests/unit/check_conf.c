/* check_conf.c - imapd.conf: syntax, defaults by release, partitions. */
#include "unit.h"

#include "conf.h"

static struct cyre_conf *conf;
static struct cyre_findings found;

static cyre_status include_from_memory(
	void *payload, const char *path, struct cyre_buf *ret)
{
	const char *const *pair = payload;

	for (; pair[0]; pair += 2)
		if (!strcmp(pair[0], path)) {
			cyre_put_str(ret, pair[1]);
			return CYRE_OK;
		}
	return CYRE_EIO;
}

static void read_with(
	const char *text, const char *const *files, cyre_release release)
{
	struct cyre_conf_reader r = {include_from_memory, (void *)files};

	ck_assert_int_eq(cyre_conf_new(&conf), CYRE_OK);
	ck_assert_int_eq(cyre_conf_read(conf, cyre_slice_str(text),
				 "/etc/imapd.conf", files ? &r : NULL, &found),
		CYRE_OK);
	ck_assert_int_eq(cyre_conf_finish(conf, release, &found), CYRE_OK);
}

static void done(void)
{
	cyre_conf_free(conf);
	cyre_findings_free(&found);
	conf = NULL;
}

/* All an imapd.conf can be made of, and nothing to complain of. */
START_TEST(syntax_is_that_of_the_server)
{
	read_with("# comment\n"
		  "   \n"
		  "  configdirectory:  /var/imap \t\r\n"
		  "Partition-Default: /var/spool/imap\n"
		  "# a comment that \\\n"
		  "admins: hidden\n"
		  "servername: a # b: c\n"
		  "admins: cyrus \\\n   root\n"
		  "mboxlist_db_path: {configdirectory}/list.db\n"
		  "partition-x: {configdirectory}/no\n"
		  "virtdomains: yes\n"
		  "delete_mode: DELAYED",
		NULL, 0);
	ck_assert_str_eq(conf->configdirectory, "/var/imap");
	ck_assert_str_eq(conf->servername, "a # b: c");
	ck_assert_str_eq(conf->admins, "cyrus    root");
	ck_assert_str_eq(conf->mboxlist_db_path, "/var/imap/list.db");
	ck_assert_uint_eq(conf->virtdomains, CYRE_VIRT_ON);
	ck_assert_uint_eq(conf->delete_mode, CYRE_DELETE_DELAYED);
	ck_assert_uint_eq(conf->umask, 077);
	ck_assert_str_eq(
		cyre_conf_get(conf, "partition-default"), "/var/spool/imap");
	/* The macro is for options the server knows, not for partitions. */
	ck_assert_uint_eq(found.n, 1);
	ck_assert_uint_eq(found.count[CYRE_P_CONF_RELATIVE_PATH], 1);
	done();
}
END_TEST

/* The server dies of each; a scan after a crash must not. */
START_TEST(mistakes_are_findings)
{
	read_with("partition-default: /spool\n"
		  "no colon here\n"
		  "blank before : colon\n"
		  ": no name\n"
		  "admins: a\n"
		  "admins: b\n"
		  "servername:   \n"
		  "hashimapspool: maybe\n"
		  "umask: 99\n"
		  "metapartition_files: header nonsense\n"
		  "delete_mode: later\n"
		  "archive_after: 3d12x\n"
		  "imap_partition-default: /other\n"
		  "lmtp_admins: x\n"
		  "metapartition-gone: /meta\n"
		  "@include: /nowhere\n",
		NULL, 0);
	ck_assert_uint_eq(found.count[CYRE_P_CONF_SYNTAX], 3);
	ck_assert_uint_eq(found.count[CYRE_P_CONF_DUPLICATE_OPTION], 1);
	ck_assert_uint_eq(found.count[CYRE_P_CONF_EMPTY_VALUE], 1);
	ck_assert_uint_eq(found.count[CYRE_P_CONF_BAD_VALUE], 5);
	ck_assert_uint_eq(found.count[CYRE_P_CONF_SERVICE_LOCATION], 1);
	ck_assert_uint_eq(found.count[CYRE_P_CONF_NO_DATA_ROOT], 1);
	ck_assert_uint_eq(found.count[CYRE_P_CONF_INCLUDE], 1);
	ck_assert_str_eq(conf->admins, "a");
	ck_assert(!conf->hashimapspool);
	ck_assert_uint_eq(conf->umask, 077);
	ck_assert_str_eq(
		found.items[0].text, "no colon here (/etc/imapd.conf:2)");
	done();
}
END_TEST

START_TEST(includes_are_read_in_place_once)
{
	static const char *const files[] = {"/a", "admins: a\n@include: /b\n",
		"/b", "@include: /a\npartition-b: /b\n", NULL};

	read_with("@include: /a\nadmins: late\n", files, 0);
	ck_assert_str_eq(conf->admins, "a");
	ck_assert_str_eq(cyre_conf_get(conf, "partition-b"), "/b");
	ck_assert_uint_eq(found.count[CYRE_P_CONF_INCLUDE_TWICE], 1);
	ck_assert_uint_eq(found.count[CYRE_P_CONF_DUPLICATE_OPTION], 1);
	ck_assert_str_eq(found.items[0].text, "/a (/b:1)");
	done();
}
END_TEST

/* The wrong release's defaults look in the wrong place for everything. */
START_TEST(defaults_follow_the_release)
{
	static const struct {
		cyre_release r;
		const char *part, *domain, *mboxlist;
		bool sep;
		unsigned delete_mode, expunge_mode;
	} t[] = {
		{CYRE_RELEASE(2, 0), "default", NULL, "berkeley", false, 0, 0},
		{CYRE_RELEASE(2, 2), "default", NULL, "skiplist", false, 0, 0},
		{CYRE_RELEASE(2, 3), NULL, NULL, "skiplist", false, 0, 0},
		{CYRE_RELEASE(2, 4), NULL, NULL, "skiplist", false, 0, 1},
		{CYRE_RELEASE(2, 5), NULL, NULL, "twoskip", false, 1, 2},
		{CYRE_RELEASE(3, 0), NULL, "internal", "twoskip", true, 1, 2},
		{CYRE_RELEASE(3, 13), NULL, "internal", "twoskip", true, 1, 2},
		{0, NULL, "internal", "twoskip", true, 1, 2},
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		read_with("partition-a: /a\n", NULL, t[i].r);
		ck_assert_uint_eq(found.n, 0);
		ck_assert_pstr_eq(conf->defaultpartition, t[i].part);
		ck_assert_pstr_eq(conf->defaultdomain, t[i].domain);
		ck_assert_pstr_eq(conf->mboxlist_db, t[i].mboxlist);
		ck_assert_int_eq(conf->unixhierarchysep, t[i].sep);
		ck_assert_uint_eq(conf->delete_mode, t[i].delete_mode);
		ck_assert_uint_eq(conf->expunge_mode, t[i].expunge_mode);
		done();
	}
}
END_TEST

START_TEST(partitions_know_their_roots)
{
	const struct cyre_partition *p;

	read_with("partition-b: /b\npartition-a: /a\nmetapartition-a: /ma\n"
		  "archivepartition-a: /aa\narchive_enabled: t\n"
		  "metapartition_files: header  archivecache\n"
		  "metadir-index-a: /ia\nmetadir-archivecache-b: /ab\n"
		  "archive_days: 3\n",
		NULL, 0);
	ck_assert_uint_eq(found.n, 0);
	ck_assert_uint_eq(conf->n_partitions, 2);
	p = &conf->partitions[0];
	ck_assert_str_eq(p->name, "a");
	ck_assert_str_eq(p->archive, "/aa");
	ck_assert_str_eq(cyre_conf_meta_root(conf, p, CYRE_META_HEADER), "/ma");
	ck_assert_str_eq(cyre_conf_meta_root(conf, p, CYRE_META_INDEX), "/ia");
	ck_assert_str_eq(cyre_conf_meta_root(conf, p, CYRE_META_CACHE), "/a");
	ck_assert_str_eq(
		cyre_conf_meta_root(conf, p, CYRE_META_ANNOTATIONS), "/ia");
	ck_assert_str_eq(
		cyre_conf_meta_root(conf, p, CYRE_META_ARCHIVECACHE), "/ma");
	p = cyre_conf_partition(conf, "b");
	ck_assert_str_eq(cyre_conf_meta_root(conf, p, CYRE_META_HEADER), "/b");
	ck_assert_str_eq(
		cyre_conf_meta_root(conf, p, CYRE_META_ARCHIVECACHE), "/ab");
	ck_assert_ptr_null(cyre_conf_partition(conf, "c"));
	ck_assert_int_eq(conf->archive_after, 3 * 86400);
	done();
}
END_TEST

/* A host without its imapd.conf: everything comes from the command line. */
START_TEST(options_can_be_set_without_a_file)
{
	ck_assert_int_eq(cyre_conf_new(&conf), CYRE_OK);
	ck_assert_int_eq(cyre_conf_set(conf, "partition-default", "/x"), 0);
	ck_assert_int_eq(cyre_conf_set(conf, "partition-default", "/y"), 0);
	ck_assert_int_eq(cyre_conf_set(conf, "archive_after", "1d12h30"), 0);
	ck_assert_int_eq(cyre_conf_finish(conf, 0, &found), CYRE_OK);
	ck_assert_int_eq(cyre_conf_finish(conf, 0, &found), CYRE_OK);
	ck_assert_uint_eq(conf->n_partitions, 1);
	ck_assert_str_eq(conf->partitions[0].data, "/y");
	ck_assert_int_eq(conf->archive_after, 86400 + 12 * 3600 + 30 * 86400);
	ck_assert_ptr_null(conf->configdirectory);
	done();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf");
	TCase *t = tcase_create("conf");

	tcase_add_test(t, syntax_is_that_of_the_server);
	tcase_add_test(t, mistakes_are_findings);
	tcase_add_test(t, includes_are_read_in_place_once);
	tcase_add_test(t, defaults_follow_the_release);
	tcase_add_test(t, partitions_know_their_roots);
	tcase_add_test(t, options_can_be_set_without_a_file);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
