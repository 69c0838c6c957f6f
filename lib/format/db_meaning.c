/*
 * db_meaning.c - a value in words, for people
 *
 * Formats: docs/formats/mailboxes-db.md, user-databases.md. Says what the
 * readers understood; what they do not read has no words.
 */
#include "db.h"
#include "mboxlist.h"
#include "userdb.h"

#include <time.h>

static void put_time(struct cyre_buf *b, const char *what, uint64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char text[40];

	if (!seconds || seconds > INT64_MAX / 2 || !gmtime_r(&t, &tm) ||
		!strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm))
		return;
	cyre_put_fmt(b, "%s%s %s", b->n ? ", " : "", what, text);
}

static void put_number(struct cyre_buf *b, const char *what, uint64_t v)
{
	cyre_put_fmt(b, "%s%s ", b->n ? ", " : "", what);
	cyre_put_dec(b, v);
}

/* Values hold any bytes: only what is printable is repeated. */
static void put_text(struct cyre_buf *b, const char *what, struct cyre_slice s)
{
	size_t i;

	cyre_put_fmt(b, "%s%s ", b->n ? ", " : "", what);
	for (i = 0; i < s.n && i < 200; i++)
		cyre_put_u8(b, s.p[i] >= ' ' && s.p[i] < 0x7f ? s.p[i] : ' ');
}

static void tell_mailbox(const struct cyre_db_entry *e, struct cyre_buf *b)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} flags[] = {
		{CYRE_MBOX_REMOTE, "on another server"},
		{CYRE_MBOX_RESERVE, "reserved by an interrupted change"},
		{CYRE_MBOX_MOVING, "moving"},
		{CYRE_MBOX_DELETED, "deleted: a tombstone"},
		{CYRE_MBOX_INTERMEDIATE, "a parent without a directory"},
		{CYRE_MBOX_LEGACY, "directory by name"},
	};
	struct cyre_buf own = {0};
	struct cyre_mbox m;
	size_t i;

	if (cyre_mbox_read(
		    e->key, e->value, cyre_mboxkey_is_new(e->key), &own, &m)) {
		for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			if (m.flags & flags[i].flag)
				cyre_put_fmt(b, "%s%s", b->n ? ", " : "",
					flags[i].word);
		if (m.partition.n)
			put_text(b, "partition", m.partition);
		if (m.uidvalidity)
			put_number(b, "UIDVALIDITY", m.uidvalidity);
		put_time(b, "written", m.mtime);
	}
	b->bad = b->bad || own.bad;
	cyre_buf_free(&own);
}

static void tell_seen(const struct cyre_db_entry *e, struct cyre_buf *b)
{
	struct cyre_seen s;

	if (!cyre_seen_read(e->value, &s))
		return;
	put_text(b, "read", s.uids.n ? s.uids : cyre_slice_str("none"));
	put_number(b, "last uid", s.last_uid);
	put_time(b, "last read", s.last_read);
}

static void tell_quota(const struct cyre_db_entry *e, struct cyre_buf *b)
{
	static const char *const names[] = {
		"bytes", "messages", "bytes of annotations", "folders"};
	struct cyre_quota q;
	int i;

	if (!cyre_quota_read(e->value, &q))
		return;
	for (i = 0; i < CYRE_QUOTA_RESOURCES; i++) {
		if (!q.has[i])
			continue;
		put_number(b, names[i], q.used[i]);
		if (!q.limited[i])
			continue;
		cyre_put_str(b, " of ");
		cyre_put_dec(b, q.limit[i]);
		if (i == CYRE_QUOTA_STORAGE || i == CYRE_QUOTA_ANNOTATION)
			cyre_put_str(b, " KiB");
	}
}

static void tell_annotation(const struct cyre_db_entry *e, struct cyre_buf *b)
{
	struct cyre_annotation a;

	if (!cyre_annotation_read(e->key, e->value, &a))
		return;
	put_text(b, a.deleted ? "deleted annotation" : "annotation", a.entry);
	if (a.scope.n)
		put_text(b, "of", a.scope);
	if (a.owner || a.userid.n)
		put_text(b, "private to",
			a.owner ? cyre_slice_str("the owner") : a.userid);
	put_text(b, "is", a.value);
}

static void tell_status(const struct cyre_db_entry *e, struct cyre_buf *b)
{
	struct cyre_statuscache s;

	if (!cyre_statuscache_read(e->key, e->value, &s))
		return;
	put_text(b, "mailbox", s.mailbox);
	if (s.userid.n)
		put_text(b, "as seen by", s.userid);
	if (!s.has_mailbox)
		return;
	put_number(b, "messages", s.messages);
	put_number(b, "UIDNEXT", s.uidnext);
	put_number(b, "UIDVALIDITY", s.uidvalidity);
}

static void tell_message(const struct cyre_db_entry *e, struct cyre_buf *b)
{
	struct cyre_conv_guid g;

	if (!e->key.n || e->key.p[0] != 'G' ||
		!cyre_conv_guid_read(e->key, e->value, &g))
		return;
	put_number(b, "message: folder", g.folder);
	put_number(b, "uid", g.uid);
	if (g.has_flags)
		put_time(b, "received", g.internaldate_ns / 1000000000u);
}

cyre_status cyre_db_meaning(enum cyre_db_kind kind,
	const struct cyre_db_entry *e, char *ret, size_t ret_size)
{
	struct cyre_buf b = {0};
	bool bad;

	switch (kind) {
	case CYRE_DB_KIND_MAILBOXES:
		tell_mailbox(e, &b);
		break;
	case CYRE_DB_KIND_SEEN:
		tell_seen(e, &b);
		break;
	case CYRE_DB_KIND_QUOTA:
		tell_quota(e, &b);
		break;
	case CYRE_DB_KIND_ANNOTATIONS:
		tell_annotation(e, &b);
		break;
	case CYRE_DB_KIND_STATUSCACHE:
		tell_status(e, &b);
		break;
	case CYRE_DB_KIND_CONVERSATIONS:
		tell_message(e, &b);
		break;
	default:
		break;
	}
	bad = b.bad;
	if (ret_size) {
		b.n = b.n < ret_size ? b.n : ret_size - 1;
		if (b.n)
			memcpy(ret, b.p, b.n);
		ret[b.n] = '\0';
	}
	cyre_buf_free(&b);
	return bad ? CYRE_ENOMEM : CYRE_OK;
}
