/*
 * db_meaning.c - a value in words, for people
 *
 * Formats: docs/formats/mailboxes-db.md, user-databases.md. Says what the
 * readers understood; what they do not read has no words.
 */
#include "db.h"
#include "mboxlist.h"
#include "userdb.h"

/* What the words of one value are put into. */
struct words {
	struct cyre_buf *b;
	size_t start; /* where they begin */
};

static void put_what(const struct words *w, const char *what)
{
	if (w->b->n > w->start)
		cyre_put_str(w->b, ", ");
	cyre_put_str(w->b, what);
}

static void put_two_digits(struct cyre_buf *b, char before, unsigned n)
{
	cyre_put_u8(b, (uint8_t)before);
	cyre_put_u8(b, (uint8_t)('0' + n / 10));
	cyre_put_u8(b, (uint8_t)('0' + n % 10));
}

/*
 * The date of a day since 1970 in the Gregorian calendar. gmtime_r() takes a
 * lock of the whole process; 200,000 dates are told by several threads. A year
 * begins with March here, so that a leap day is its last, and 400 years are
 * 146,097 days.
 */
static void put_date(struct cyre_buf *b, uint64_t days)
{
	uint64_t since_march_0 = days + 719468;
	uint64_t era = since_march_0 / 146097, day = since_march_0 % 146097;
	uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	uint64_t month;

	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	cyre_put_dec(b, 400 * era + year + (month >= 10));
	put_two_digits(b, '-', (unsigned)(month < 10 ? month + 3 : month - 9));
	put_two_digits(b, '-', (unsigned)(day - (153 * month + 2) / 5 + 1));
}

static void put_time(const struct words *w, const char *what, uint64_t seconds)
{
	unsigned second = (unsigned)(seconds % 86400);

	/* The year 5879610 has no name in the server's calendar either. */
	if (!seconds || seconds / 86400 > INT32_MAX)
		return;
	put_what(w, what);
	cyre_put_u8(w->b, ' ');
	put_date(w->b, seconds / 86400);
	put_two_digits(w->b, ' ', second / 3600);
	put_two_digits(w->b, ':', second / 60 % 60);
	put_two_digits(w->b, ':', second % 60);
	cyre_put_str(w->b, " UTC");
}

static void put_number(const struct words *w, const char *what, uint64_t v)
{
	put_what(w, what);
	cyre_put_u8(w->b, ' ');
	cyre_put_dec(w->b, v);
}

/* Values hold any bytes: only what is printable is repeated. */
static void put_text(
	const struct words *w, const char *what, struct cyre_slice s)
{
	size_t i, start;

	put_what(w, what);
	cyre_put_u8(w->b, ' ');
	start = w->b->n;
	cyre_put(w->b, s.p, s.n < 200 ? s.n : 200);
	for (i = start; i < w->b->n; i++)
		if (w->b->p[i] < ' ' || w->b->p[i] >= 0x7f)
			w->b->p[i] = ' ';
}

static void tell_mailbox(const struct cyre_db_entry *e, struct cyre_buf *own,
	const struct words *w)
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
	struct cyre_mbox m;
	size_t i;

	if (!cyre_mbox_read(
		    e->key, e->value, cyre_mboxkey_is_new(e->key), own, &m))
		return;
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (m.flags & flags[i].flag)
			put_what(w, flags[i].word);
	if (m.partition.n)
		put_text(w, "partition", m.partition);
	if (m.uidvalidity)
		put_number(w, "UIDVALIDITY", m.uidvalidity);
	put_time(w, "written", m.mtime);
}

static void tell_seen(const struct cyre_db_entry *e, const struct words *w)
{
	struct cyre_seen s;

	if (!cyre_seen_read(e->value, &s))
		return;
	put_text(w, "read", s.uids.n ? s.uids : cyre_slice_str("none"));
	put_number(w, "last uid", s.last_uid);
	put_time(w, "last read", s.last_read);
}

static void tell_quota(const struct cyre_db_entry *e, const struct words *w)
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
		put_number(w, names[i], q.used[i]);
		if (!q.limited[i])
			continue;
		cyre_put_str(w->b, " of ");
		cyre_put_dec(w->b, q.limit[i]);
		if (i == CYRE_QUOTA_STORAGE || i == CYRE_QUOTA_ANNOTATION)
			cyre_put_str(w->b, " KiB");
	}
}

static void tell_annotation(
	const struct cyre_db_entry *e, const struct words *w)
{
	struct cyre_annotation a;

	if (!cyre_annotation_read(e->key, e->value, &a))
		return;
	put_text(w, a.deleted ? "deleted annotation" : "annotation", a.entry);
	if (a.scope.n)
		put_text(w, "of", a.scope);
	if (a.owner || a.userid.n)
		put_text(w, "private to",
			a.owner ? cyre_slice_str("the owner") : a.userid);
	put_text(w, "is", a.value);
}

static void tell_status(const struct cyre_db_entry *e, const struct words *w)
{
	struct cyre_statuscache s;

	if (!cyre_statuscache_read(e->key, e->value, &s))
		return;
	put_text(w, "mailbox", s.mailbox);
	if (s.userid.n)
		put_text(w, "as seen by", s.userid);
	if (!s.has_mailbox)
		return;
	put_number(w, "messages", s.messages);
	put_number(w, "UIDNEXT", s.uidnext);
	put_number(w, "UIDVALIDITY", s.uidvalidity);
}

static void tell_message(const struct cyre_db_entry *e, const struct words *w)
{
	struct cyre_conv_guid g;

	if (!e->key.n || e->key.p[0] != 'G' ||
		!cyre_conv_guid_read(e->key, e->value, &g))
		return;
	put_number(w, "message: folder", g.folder);
	put_number(w, "uid", g.uid);
	if (g.has_flags)
		put_time(w, "received", g.internaldate_ns / 1000000000u);
}

void cyre_db_put_meaning(enum cyre_db_kind kind, const struct cyre_db_entry *e,
	struct cyre_buf *own, struct cyre_buf *b)
{
	struct words w = {b, b->n};

	switch (kind) {
	case CYRE_DB_KIND_MAILBOXES:
		tell_mailbox(e, own, &w);
		break;
	case CYRE_DB_KIND_SEEN:
		tell_seen(e, &w);
		break;
	case CYRE_DB_KIND_QUOTA:
		tell_quota(e, &w);
		break;
	case CYRE_DB_KIND_ANNOTATIONS:
		tell_annotation(e, &w);
		break;
	case CYRE_DB_KIND_STATUSCACHE:
		tell_status(e, &w);
		break;
	case CYRE_DB_KIND_CONVERSATIONS:
		tell_message(e, &w);
		break;
	default:
		break;
	}
}

cyre_status cyre_db_meaning(enum cyre_db_kind kind,
	const struct cyre_db_entry *e, char *ret, size_t ret_size)
{
	struct cyre_buf b = {0}, own = {0};
	bool bad;

	cyre_db_put_meaning(kind, e, &own, &b);
	bad = b.bad || own.bad;
	if (ret_size) {
		b.n = b.n < ret_size ? b.n : ret_size - 1;
		if (b.n)
			memcpy(ret, b.p, b.n);
		ret[b.n] = '\0';
	}
	cyre_buf_free(&b);
	cyre_buf_free(&own);
	return bad ? CYRE_ENOMEM : CYRE_OK;
}
