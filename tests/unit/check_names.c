/* check_names.c - internal and external names, owners, patterns. */
#include "unit.h"

#include "names.h"

static struct cyre_conf conf_of(bool unix_sep, unsigned virt)
{
	return (struct cyre_conf){.unixhierarchysep = unix_sep,
		.virtdomains = virt,
		.defaultdomain = "example.org",
		.deletedprefix = "DELETED"};
}

#define IS(b, text)                                                            \
	do {                                                                   \
		ck_assert(!(b).bad);                                           \
		cyre_put_u8(&(b), 0);                                          \
		ck_assert_str_eq((const char *)(b).p, text);                   \
		cyre_buf_reset(&(b));                                          \
	} while (0)

static const struct {
	bool unix_sep;
	const char *internal, *external;
} pairs[] = {
	{true, "user.h^klein.Drafts", "user/h.klein/Drafts"},
	{true, "DELETED.user.ann.OldStuff.6B047C44",
		"DELETED/user/ann/OldStuff/6B047C44"},
	{false, "user.gudrun.R&-D", "user.gudrun.R&-D"},
	{false, "example.net!user.ines.Sent.a", "user.ines.Sent.a@example.net"},
	{true, "example.net!user.i^s", "user/i.s@example.net"},
	{true, "bulletin", "bulletin"},
};

START_TEST(the_two_forms_are_one_name)
{
	struct cyre_conf conf = conf_of(pairs[_i].unix_sep, CYRE_VIRT_USERID);
	struct cyre_buf b = {0};

	cyre_name_external(&conf, cyre_slice_str(pairs[_i].internal), &b);
	IS(b, pairs[_i].external);
	cyre_name_internal(&conf, cyre_slice_str(pairs[_i].external), &b);
	IS(b, pairs[_i].internal);
	cyre_buf_free(&b);
}
END_TEST

/* Mail of the default domain lies without a domain; `@` is a letter when
 * there are no domains. */
START_TEST(default_domain_has_no_prefix)
{
	struct cyre_conf conf = conf_of(true, CYRE_VIRT_USERID);
	struct cyre_buf b = {0};

	cyre_name_internal(&conf, cyre_slice_str("user/a@Example.ORG"), &b);
	IS(b, "user.a");
	cyre_name_internal(&conf, cyre_slice_str("user/a@Other.Net"), &b);
	IS(b, "other.net!user.a");
	conf.virtdomains = CYRE_VIRT_OFF;
	cyre_name_internal(&conf, cyre_slice_str("user/a@x.y"), &b);
	IS(b, "user.a@x^y");
	cyre_buf_free(&b);
}
END_TEST

START_TEST(names_tell_their_owner)
{
	static const struct {
		const char *name, *user;
		bool inbox, deleted;
		const char *old;
	} t[] = {
		{"user.ann", "ann", true, false, NULL},
		{"user.al^ice.Sent.x", "al.ice", false, false, NULL},
		{"example.net!user.ines", "ines@example.net", true, false,
			NULL},
		{"DELETED.user.ann.tmp.6B0472D2", "ann", false, true,
			"user.ann.tmp"},
		{"d.org!DELETED.user.ann.6B0472D2", "ann@d.org", false, true,
			"user.ann"},
		{"DELETED.shared.x.1F", NULL, false, true, "shared.x"},
		/* deletedprefix was another one when this was deleted. */
		{"TRASH.user.ann.6B0472D2", "ann", false, true, "user.ann"},
		{"TRASH.shared.x.6B0472D2", NULL, false, false, NULL},
		{"DELETED.user.ann.notahex", NULL, false, false, NULL},
		{"user", NULL, false, false, NULL},
		{"user.", NULL, false, false, NULL},
		{"users.ann", NULL, false, false, NULL},
		{"", NULL, false, false, NULL},
		{"!user.x", NULL, false, false, NULL},
	};
	struct cyre_conf conf = conf_of(false, CYRE_VIRT_ON);
	struct cyre_buf b = {0};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct cyre_slice name = cyre_slice_str(t[i].name), old;
		uint64_t when = 0;

		ck_assert_int_eq(
			cyre_name_userid(&conf, name, &b), !!t[i].user);
		IS(b, t[i].user ? t[i].user : "");
		ck_assert_msg(cyre_name_is_inbox(name) == t[i].inbox, "%s",
			t[i].name);
		ck_assert_msg(cyre_name_is_deleted(&conf, name, &old, &when) ==
				      t[i].deleted,
			"%s", t[i].name);
		if (t[i].deleted) {
			ck_assert(cyre_slice_eq(old, cyre_slice_str(t[i].old)));
			ck_assert(when == 0x6B0472D2 || when == 0x1F);
		}
	}
	cyre_buf_free(&b);
}
END_TEST

START_TEST(display_decodes_only_what_is_valid)
{
	static const char *const t[] = {"user.elif.Entw&APw-rfe",
		"user.elif.Entw\xc3\xbcrfe", "&ZeVnLIqe-",
		"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "&2D3eCg-",
		"\xf0\x9f\x98\x8a", "R&-D", "R&D", "&", "&", "&-", "&", "&&-",
		"&&", "&2D0-", "&2D0-", /* half a surrogate pair */
		"&AP-x", "&AP-x",       /* half a unit */
		"&APw", "&APw",         /* no end */
		"&A*w-", "&A*w-", NULL};
	struct cyre_buf b = {0};
	size_t i;

	for (i = 0; t[i]; i += 2) {
		cyre_name_display(cyre_slice_str(t[i]), &b);
		IS(b, t[i + 1]);
	}
	cyre_buf_free(&b);
}
END_TEST

START_TEST(patterns_are_those_of_imap)
{
	static const struct {
		const char *pattern, *name;
		char sep;
		bool match;
	} t[] = {
		{"*", "user.ann.Sent", '.', true},
		{"", "", '.', true},
		{"%", "", '.', true},
		{"%", "user.ann", '.', false},
		{"user.%", "user.ann", '.', true},
		{"user.%", "user.ann.Sent", '.', false},
		{"user/%/Sent", "user/a.n/Sent", '/', true},
		{"user.*.Sent", "user.a.b.Sent", '.', true},
		{"%.%.S%t", "user.a.Sent", '.', true},
		{"%a%b", "x.ab", '.', false},
		{"*a%b", "a.x.aab", '.', true},
		{"*%b", "a.x.aab", '.', true},
		{"*a%b", "a.x.aa.b", '.', false},
		{"%.a%b", "x.a.ab", '.', false},
		{"user.ann", "user.anna", '.', false},
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++)
		ck_assert_msg(cyre_name_match(cyre_slice_str(t[i].pattern),
				      cyre_slice_str(t[i].name),
				      t[i].sep) == t[i].match,
			"%s on %s", t[i].pattern, t[i].name);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("names");
	TCase *t = tcase_create("names");

	tcase_add_loop_test(t, the_two_forms_are_one_name, 0,
		sizeof(pairs) / sizeof(*pairs));
	tcase_add_test(t, default_domain_has_no_prefix);
	tcase_add_test(t, names_tell_their_owner);
	tcase_add_test(t, display_decodes_only_what_is_valid);
	tcase_add_test(t, patterns_are_those_of_imap);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
