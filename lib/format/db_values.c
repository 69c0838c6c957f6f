/*
 * db_values.c - is every value what its database should hold?
 *
 * Formats: docs/formats/mailboxes-db.md, user-databases.md. The kind of a
 * database is known by the name of its file; nothing inside says it.
 */
#include "db.h"
#include "mboxlist.h"
#include "number.h"
#include "userdb.h"

struct values {
	struct cyre_db_values known;
	struct cyre_buf own;
};

static bool ends(const char *name, const char *end)
{
	size_t n = strlen(name), e = strlen(end);

	return n >= e && !strcmp(name + n - e, end);
}

enum cyre_db_kind cyre_db_kind_of(const char *path)
{
	static const struct {
		const char *end;
		enum cyre_db_kind kind;
	} names[] = {
		{"mailboxes.db", CYRE_DB_KIND_MAILBOXES},
		{".seen", CYRE_DB_KIND_SEEN},
		{"/seen.db", CYRE_DB_KIND_SEEN},
		{".sub", CYRE_DB_KIND_SUBSCRIPTIONS},
		{"/sub.db", CYRE_DB_KIND_SUBSCRIPTIONS},
		{"quotas.db", CYRE_DB_KIND_QUOTA},
		{"annotations.db", CYRE_DB_KIND_ANNOTATIONS},
		{"cyrus.annotations", CYRE_DB_KIND_ANNOTATIONS},
		{".conversations", CYRE_DB_KIND_CONVERSATIONS},
		{"conversations.db", CYRE_DB_KIND_CONVERSATIONS},
		{"statuscache.db", CYRE_DB_KIND_STATUSCACHE},
		{"deliver.db", CYRE_DB_KIND_DELIVER},
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ends(path, names[i].end))
			return names[i].kind;
	return strstr(path, "/quota/") ? CYRE_DB_KIND_QUOTA
				       : CYRE_DB_KIND_UNKNOWN;
}

struct cyre_db_values cyre_db_values(
	const struct cyre_db *db, enum cyre_db_kind kind)
{
	struct cyre_db_values known = {.kind = kind};
	size_t i, n = cyre_db_count(db);
	const struct cyre_db_entry *e;

	if (kind == CYRE_DB_KIND_MAILBOXES)
		known.is_new = cyre_mbox_keys_are_new(db);
	if (kind != CYRE_DB_KIND_SUBSCRIPTIONS)
		return known;
	for (i = 0; i < n && !known.sub_version; i++) {
		e = cyre_db_at(db, i);
		known.sub_version = cyre_sub_version(e->key, e->value);
	}
	return known;
}

/* What is wrong with an entry; NULL: nothing. */
static const char *mailbox_fault(
	struct values *v, const struct cyre_db_entry *e)
{
	struct cyre_mbox m;

	if (!cyre_mbox_read(e->key, e->value, v->known.is_new, &v->own, &m))
		return "not a mailbox entry";
	if (m.odd_type)
		return "a mailbox type that the server does not know";
	return NULL;
}

static const char *seen_fault(const struct cyre_db_entry *e)
{
	struct cyre_seen s;

	if (!cyre_seen_read(e->value, &s))
		return "not a seen record";
	return cyre_uidset_valid(s.uids) ? NULL : "its list of UIDs";
}

static const char *sub_fault(
	const struct values *v, const struct cyre_db_entry *e)
{
	struct cyre_sub s;

	return cyre_sub_version(e->key, e->value) ||
			       cyre_sub_read(e->key, v->known.sub_version, &s)
		       ? NULL
		       : "not a subscription";
}

static const char *conversation_fault(const struct cyre_db_entry *e)
{
	struct cyre_conv_guid g;

	if (!e->key.n || e->key.p[0] != 'G')
		return NULL;
	return cyre_conv_guid_read(e->key, e->value, &g) ? NULL
							 : "a message's record";
}

static const char *fault(struct values *v, const struct cyre_db_entry *e)
{
	struct cyre_annotation a;
	struct cyre_statuscache s;
	struct cyre_quota q;

	switch (v->known.kind) {
	case CYRE_DB_KIND_MAILBOXES:
		return mailbox_fault(v, e);
	case CYRE_DB_KIND_SEEN:
		return seen_fault(e);
	case CYRE_DB_KIND_SUBSCRIPTIONS:
		return sub_fault(v, e);
	case CYRE_DB_KIND_CONVERSATIONS:
		return conversation_fault(e);
	case CYRE_DB_KIND_QUOTA:
		return cyre_quota_read(e->value, &q) ? NULL
						     : "not a quota record";
	case CYRE_DB_KIND_ANNOTATIONS:
		return cyre_annotation_read(e->key, e->value, &a)
			       ? NULL
			       : "not an annotation";
	case CYRE_DB_KIND_STATUSCACHE:
		return cyre_statuscache_read(e->key, e->value, &s)
			       ? NULL
			       : "not a status record";
	case CYRE_DB_KIND_DELIVER:
		return cyre_is_deliver(e->key, e->value)
			       ? NULL
			       : "not a delivery record";
	case CYRE_DB_KIND_UNKNOWN:
		break;
	}
	return NULL;
}

cyre_status cyre_db_check_some(const struct cyre_db *db,
	const struct cyre_db_values *known, size_t from, size_t to,
	struct cyre_findings *found)
{
	struct values v = {.known = *known};
	const struct cyre_db_entry *e;
	const char *wrong;
	cyre_status st;

	for (; from < to && !v.own.bad; from++) {
		e = cyre_db_at(db, from);
		wrong = fault(&v, e);
		if (wrong)
			CYRE_FIND(found, .problem = CYRE_P_DB_VALUE,
				.offset = e->offset, .text = wrong,
				.file = CYRE_FILE_OTHER);
	}
	st = v.own.bad ? CYRE_ENOMEM : found->status;
	cyre_buf_free(&v.own);
	return st;
}

cyre_status cyre_db_check_values(const struct cyre_db *db,
	enum cyre_db_kind kind, struct cyre_findings *found)
{
	struct cyre_db_values known = cyre_db_values(db, kind);

	return cyre_db_check_some(db, &known, 0, cyre_db_count(db), found);
}
