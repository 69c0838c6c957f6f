/*
 * check_dbvalues.c - values of the databases, as real servers wrote them
 *
 * Each example stands in the fixtures of its release. Misreading one is a
 * mailbox in the wrong partition, or read marks on the wrong messages.
 */
#include "unit.h"

#include <cyrescue/db.h>

#include "mboxlist.h"
#include "userdb.h"

#define S(literal) cyre_slice(literal, sizeof(literal) - 1)

static void is(struct cyre_slice got, const char *want)
{
	ck_assert_msg(cyre_slice_eq(got, cyre_slice_str(want)), "%.*s, not %s",
		(int)got.n, (const char *)got.p, want);
}

START_TEST(mailbox_of_2_4)
{
	struct cyre_buf own = {0};
	struct cyre_mbox m;

	ck_assert(cyre_mbox_read(S("user.dmitri"),
		S("0 default dmitri\tlrswipkxtecda\tanyone\tp\t"), false, &own,
		&m));
	is(m.name, "user.dmitri");
	is(m.partition, "default");
	is(m.acl, "dmitri\tlrswipkxtecda\tanyone\tp\t");
	ck_assert(!m.dlist && !m.is_dbname && m.flags == 0 && m.type == 'e');
	/* An entry of another server in a murder; a reserved name. */
	ck_assert(cyre_mbox_read(
		S("a"), S("1 imap2!p2 x\tlr\t"), false, &own, &m));
	is(m.server, "imap2");
	is(m.partition, "p2");
	ck_assert_uint_eq(m.flags, CYRE_MBOX_REMOTE);
	ck_assert(cyre_mbox_read(S("a"), S("2 default "), false, &own, &m));
	ck_assert_uint_eq(m.flags, CYRE_MBOX_RESERVE);
	ck_assert(cyre_mbox_read(
		S("a"), S("default anyone\tlr\t"), false, &own, &m));
	is(m.partition, "default");
	ck_assert(!cyre_mbox_read(S("a"), S(""), false, &own, &m));
	cyre_buf_free(&own);
}
END_TEST

START_TEST(mailbox_of_3_6)
{
	struct cyre_buf own = {0};
	struct cyre_mbox m;

	ck_assert(cyre_mboxkey_is_new(S("Nuser\x1f"
					"bob")));
	ck_assert(cyre_mboxkey_is_new(S("Irgmods16lbsmjqbrqljzjyv0")));
	ck_assert(!cyre_mboxkey_is_new(S("News.server")));
	ck_assert(!cyre_mboxkey_is_new(S("user.bob")));
	ck_assert(cyre_mbox_read(S("Nuser\x1f"
				   "bob"),
		S("%(T el I rgmods16lbsmjqbrqljzjyv0 P default V 1795452873"
		  " C 1 F 22 M 1795452896 A %(bob lrswipkxtecdan \"a b\" "
		  "{2+}\r\nl\" ))"),
		true, &own, &m));
	is(m.name, "user\x1f"
		   "bob");
	is(m.uniqueid, "rgmods16lbsmjqbrqljzjyv0");
	is(m.partition, "default");
	is(m.acl, "bob\tlrswipkxtecdan\ta b\tl\"\t");
	ck_assert_uint_eq(m.uidvalidity, 1795452873);
	ck_assert_uint_eq(m.foldermodseq, 22);
	ck_assert_uint_eq(m.flags, CYRE_MBOX_LEGACY);
	ck_assert(cyre_mbox_read(S("Iflvl16x0"),
		S("%(T ed N shared\x1fSub V 5 M 9 H (%(N shared\x1fOld M 1)))"),
		true, &own, &m));
	is(m.name, "shared\x1fSub");
	is(m.history, "(%(N shared\x1fOld M 1))");
	ck_assert_uint_eq(m.flags, CYRE_MBOX_DELETED);
	ck_assert_int_eq(m.kind, CYRE_MBOXKEY_UNIQUEID);
	/* Cut, or with bytes behind it. */
	ck_assert(!cyre_mbox_read(S("Nx"), S("%(T e I x"), true, &own, &m));
	ck_assert(!cyre_mbox_read(S("Nx"), S("%(T e) x"), true, &own, &m));
	ck_assert(cyre_mbox_read(S("AS\x1e"
				   "anyone\x1eprojects"),
		S(""), true, &own, &m));
	ck_assert_int_eq(m.kind, CYRE_MBOXKEY_ACL);
	cyre_buf_free(&own);
}
END_TEST

START_TEST(seen_and_its_set)
{
	struct cyre_seen s;

	ck_assert(cyre_seen_read(
		S("1 1795456028 29 1795456027 2:4,8,13:14"), &s));
	ck_assert_uint_eq(s.last_uid, 29);
	is(s.uids, "2:4,8,13:14");
	ck_assert(cyre_uidset_valid(s.uids));
	ck_assert(cyre_uidset_has(s.uids, 3));
	ck_assert(cyre_uidset_has(s.uids, 8));
	ck_assert(!cyre_uidset_has(s.uids, 9));
	ck_assert(!cyre_uidset_valid(S("4:2")));
	ck_assert(!cyre_uidset_valid(S("1,")));
	ck_assert(!cyre_uidset_valid(S("99999999999999999999")));
	ck_assert(!cyre_uidset_has(S("x1:9"), 3));
	ck_assert(cyre_seen_read(S("1 0 0 1795455345 "), &s));
	ck_assert_uint_eq(s.uids.n, 0);
	ck_assert(!cyre_seen_read(S("2 0 0 1 "), &s));
}
END_TEST

START_TEST(subscriptions)
{
	struct cyre_sub s;

	ck_assert_uint_eq(cyre_sub_version(S("\x1fVER\x1f"), S("2")), 2);
	ck_assert(!cyre_sub_read(S("\x1fVER\x1f"), 2, &s));
	ck_assert(cyre_sub_read(S("NINBOX\x1fSent Items"), 2, &s));
	ck_assert(s.inbox);
	is(s.name, "\x1fSent Items");
	ck_assert(cyre_sub_read(S("user.bob.Sent"), 0, &s));
	is(s.name, "user.bob.Sent");
	ck_assert(!s.is_dbname);
}
END_TEST

START_TEST(quotas)
{
	struct cyre_quota q;

	ck_assert(cyre_quota_read(S("73751 42372"), &q));
	ck_assert_uint_eq(q.used[CYRE_QUOTA_STORAGE], 73751);
	ck_assert_uint_eq(q.limit[CYRE_QUOTA_STORAGE], 42372);
	ck_assert(cyre_quota_read(S("5 -1"), &q));
	ck_assert(!q.limited[CYRE_QUOTA_STORAGE]);
	ck_assert(cyre_quota_read(
		S("%(S (97906 71158) M (61) AS (65) NF (3) MODSEQ 92)"), &q));
	ck_assert_uint_eq(q.limit[CYRE_QUOTA_STORAGE], 71158);
	ck_assert_uint_eq(q.used[CYRE_QUOTA_FOLDERS], 3);
	ck_assert(!q.limited[CYRE_QUOTA_MESSAGES]);
	ck_assert_uint_eq(q.modseq, 92);
	ck_assert(!cyre_quota_read(S("%(S (x))"), &q));
	ck_assert(!cyre_quota_read(S("%(S (1 2)"), &q));
}
END_TEST

START_TEST(annotations)
{
	struct cyre_annotation a;

	/* 2.4.22 and 3.6.1, both on little-endian hosts of 64 bits. */
	ck_assert(cyre_annotation_read(S("bulletin\0/comment\0\0"),
		S("\0\0\0\x4\0\0\0\0text\0text/plain\0k\x4y\x96\0\0\0\0"), &a));
	is(a.scope, "bulletin");
	is(a.entry, "/comment");
	is(a.value, "text");
	is(a.type, "text/plain");
	ck_assert_uint_eq(a.modified, 0x6b047996);
	ck_assert(cyre_annotation_read(S("ahn1\0/comment\0[.OwNeR.]\0"),
		S("\0\0\0\x2\0\0\0\0hi\0text/plain\0\0\0\0\0\0\0\0\0"
		  "\0\0\0\0\0\0\0\x9\x1"),
		&a));
	ck_assert(a.owner && a.userid.n == 0);
	ck_assert_uint_eq(a.modseq, 9);
	ck_assert(a.deleted);
	/* A host of 32 bits; a big-endian one of 64. */
	ck_assert(cyre_annotation_read(S("a\0/c\0\0"), S("\0\0\0\x2hi\0"), &a));
	is(a.value, "hi");
	ck_assert(cyre_annotation_read(
		S("a\0/c\0\0"), S("\0\0\0\0\0\0\0\x2hi\0"), &a));
	is(a.value, "hi");
	ck_assert(!cyre_annotation_read(
		S("a\0/c\0\0"), S("\x7f\xff\xff\xff\0\0\0\0hi\0"), &a));
}
END_TEST

/* The place of a folder in the list; -1: it is not there. */
static void folder(const char *list, const char *name, int place)
{
	struct cyre_conv_folders f;
	uint32_t n = UINT32_MAX;

	ck_assert_int_eq(
		cyre_conv_folders_read(cyre_slice_str(list), &f), CYRE_OK);
	ck_assert_int_eq(cyre_conv_folder_number(&f, cyre_slice_str(name), &n),
		place >= 0);
	ck_assert_int_eq((int)n, place);
	cyre_conv_folders_free(&f);
}

START_TEST(conversations)
{
	struct cyre_conv_guid g;

	/* 3.2.12 and 3.13.1; the first two are messages, the last is a part. */
	ck_assert(cyre_conv_guid_read(
		S("G01e298e291de9028e9c3003ffc06ccf597e01e16:0:7"),
		S("\x81\x90\x11"
		  "A\x03\x9a\xb7\x9b:\0\0\0\x10\0\0\0\0\0\0\0\0a\xa1"
		  "a\x08"),
		&g));
	ck_assert_uint_eq(g.uid, 7);
	ck_assert_uint_eq(g.version, 1);
	ck_assert_uint_eq(g.system_flags, 0x10);
	ck_assert_uint_eq(
		g.internaldate_ns, 0x61a16108u * UINT64_C(1000000000));
	ck_assert(cyre_conv_guid_read(
		S("G04afeb36b6a0c04db7334718f2c1adee4faa73b6:2:10[1]"),
		S("\x84\xce\xfa\x90\x85\xe2\xf5(\x0b\0\0\0\x1b\0\0\0\0\x18\xea"
		  "\xbd\xc9#\x0e\x9e+\0\0\0\0\0\0\0\0"),
		&g));
	ck_assert_uint_eq(g.folder, 2);
	is(g.part, "1");
	ck_assert_uint_eq(g.internaldate_ns, 0x18eabdc9230e9e2bu);
	/* 3.0.18: no flags yet. */
	ck_assert(cyre_conv_guid_read(
		S("G009d1a996625f7ddeb39089ccd37583dbb3e6534:1:15"),
		S("916ec3786d4cfccf"), &g));
	ck_assert(!g.has_flags);
	ck_assert_uint_eq(g.cid, 0x916ec3786d4cfccfu);
	ck_assert(!cyre_conv_guid_read(S("G009d:1:15"), S(""), &g));
	/* Numbers count the deleted ones; names can have blanks. */
	folder("(one two - \"user.al.My Box\" four)", "four", 4);
	folder("(one two - \"user.al.My Box\" four)", "user.al.My Box", 3);
	folder("(one two - \"user.al.My Box\" four)", "one", 0);
	folder("(one - four)", "-", -1);
	folder("(one - one)", "one", 0);
	folder("(one (two) four)", "four", -1);
	folder("(one four", "two", -1);
	folder("one two", "two", -1);
}
END_TEST

START_TEST(status_cache_of_four_eras)
{
	struct cyre_statuscache s;

	ck_assert(cyre_statuscache_read(S("projects\0elif"),
		S("3 63 1795455383 1303686 1416 15 0 24 1795455382 5 29 "),
		&s));
	is(s.mailbox, "projects");
	is(s.userid, "elif");
	ck_assert_uint_eq(s.messages, 15);
	ck_assert_uint_eq(s.uidnext, 24);
	ck_assert_uint_eq(s.uidvalidity, 1795455382);
	ck_assert_uint_eq(s.highestmodseq, 29);
	ck_assert(cyre_statuscache_read(S("bulletin%%gudrun"),
		S("4 63 18 0 32 1795455410 13 45 "), &s));
	is(s.userid, "gudrun");
	ck_assert_uint_eq(s.uidnext, 32);
	ck_assert_uint_eq(s.highestmodseq, 45);
	ck_assert(cyre_statuscache_read(S("projects%"),
		S("I 10 (12 21 1795455614 1 12542 1 53 0 0) 5146932e-e4da"),
		&s));
	ck_assert_uint_eq(s.userid.n, 0);
	ck_assert_uint_eq(s.uidvalidity, 1795455614);
	ck_assert_uint_eq(s.highestmodseq, 53);
	is(s.uniqueid, "5146932e-e4da");
	ck_assert(cyre_statuscache_read(
		S("bulletin%%h.klein"), S("S 8 (0 14 95)"), &s));
	ck_assert(!s.has_mailbox);
	ck_assert_uint_eq(s.highestmodseq, 95);
	ck_assert(!cyre_statuscache_read(S("x%"), S("I 8 (1 2"), &s));
}
END_TEST

START_TEST(counters_by_their_length)
{
	uint8_t file[120] = {0, 0, 0, 1, 0, 0, 0, 5};
	struct cyre_counters c;

	cyre_store_be64(file + 8, 77);
	cyre_store_be32(file + 112, 1795456027);
	ck_assert(cyre_counters_read(cyre_slice(file, 120), &c));
	ck_assert_uint_eq(c.version, 5);
	ck_assert_uint_eq(c.highest, 77);
	ck_assert_uint_eq(c.uidvalidity, 1795456027);
	ck_assert(!c.crc_ok);
	ck_assert(!cyre_counters_read(cyre_slice(file, 119), &c));
}
END_TEST

/* What a person reads at night must be what the value says. */
START_TEST(values_in_words)
{
	static const struct {
		enum cyre_db_kind kind;
		const char *key, *value, *words;
	} t[] = {
		{CYRE_DB_KIND_SEEN, "346cc5586b0479c0",
			"1 1795455425 10 1795455424 1:9",
			"read 1:9, last uid 10, last read 2026-11-23 17:37:05 "
			"UTC"},
		{CYRE_DB_KIND_QUOTA, ".",
			"%(S (156 10000) M (3) AS (15) NF (3) MODSEQ 30)",
			"bytes 156 of 10000 KiB, messages 3, bytes of "
			"annotations 15, folders 3"},
		{CYRE_DB_KIND_MAILBOXES, "user.ann", "0 default ann\tlrswip\t",
			"partition default"},
		{CYRE_DB_KIND_MAILBOXES, "Nshared\x1fSub",
			"%(T ed I flvl16x0 V 1795452874 C 2 F 9 M 1795452896)",
			"deleted: a tombstone, UIDVALIDITY 1795452874, written "
			"2026-11-23 16:54:56 UTC"},
		{CYRE_DB_KIND_SEEN, "346cc5586b0479c0", "2 nonsense", ""},
	};
	struct cyre_db_entry e = {.offset = 0};
	char words[200];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e.key = cyre_slice_str(t[i].key);
		e.value = cyre_slice_str(t[i].value);
		ck_assert_int_eq(
			cyre_db_meaning(t[i].kind, &e, words, sizeof(words)),
			CYRE_OK);
		ck_assert_str_eq(words, t[i].words);
	}
	e.key = cyre_slice_str(t[0].key);
	e.value = cyre_slice_str(t[0].value);
	ck_assert_int_eq(
		cyre_db_meaning(CYRE_DB_KIND_SEEN, &e, words, 9), CYRE_OK);
	ck_assert_str_eq(words, "read 1:9");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dbvalues");
	TCase *t = tcase_create("dbvalues");

	tcase_add_test(t, mailbox_of_2_4);
	tcase_add_test(t, mailbox_of_3_6);
	tcase_add_test(t, seen_and_its_set);
	tcase_add_test(t, subscriptions);
	tcase_add_test(t, quotas);
	tcase_add_test(t, annotations);
	tcase_add_test(t, conversations);
	tcase_add_test(t, status_cache_of_four_eras);
	tcase_add_test(t, counters_by_their_length);
	tcase_add_test(t, values_in_words);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
