/* userdb.c - see userdb.h; annotations and conversations are in their own. */
#include "userdb.h"

#include "digest.h"
#include "dlist.h"
#include "number.h"

bool cyre_seen_read(struct cyre_slice value, struct cyre_seen *ret)
{
	struct cyre_cur c = cyre_cur(value);
	struct cyre_seen s;
	uint64_t version = 0;

	if (!cyre_get_number(&c, &version) || version != 1 ||
		!cyre_get_number(&c, &s.last_read) ||
		!cyre_get_number(&c, &s.last_uid) ||
		!cyre_get_number(&c, &s.last_change))
		return false;
	s.uids = cyre_slice(c.p, cyre_cur_left(&c));
	/* cyrus.seen of 1.x is padded. */
	while (s.uids.n && s.uids.p[s.uids.n - 1] == ' ')
		s.uids.n--;
	*ret = s;
	return true;
}

bool cyre_uidset_next(struct cyre_cur *c, uint64_t *ret_lo, uint64_t *ret_hi)
{
	uint64_t v[2];
	const uint8_t *start;
	int i;

	if (!cyre_cur_left(c))
		return false;
	for (i = 0; i < 2; i++) {
		start = c->p;
		while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
			c->p++;
		if (!cyre_number(
			    cyre_slice(start, (size_t)(c->p - start)), &v[i]))
			c->bad = true;
		if (i || c->bad || c->p == c->end || *c->p != ':')
			break;
		c->p++;
	}
	if (!c->bad && c->p < c->end && *c->p++ != ',')
		c->bad = true;
	if (c->bad)
		return false;
	*ret_lo = v[0];
	*ret_hi = i ? v[1] : v[0];
	return true;
}

bool cyre_uidset_has(struct cyre_slice set, uint32_t uid)
{
	struct cyre_cur c = cyre_cur(set);
	uint64_t lo, hi;

	while (cyre_uidset_next(&c, &lo, &hi))
		if (uid >= lo && uid <= hi)
			return true;
	return false;
}

bool cyre_uidset_valid(struct cyre_slice set)
{
	struct cyre_cur c = cyre_cur(set);
	uint64_t lo, hi, last = 0;

	while (cyre_uidset_next(&c, &lo, &hi)) {
		if (lo <= last || hi < lo || hi > UINT32_MAX)
			return false;
		last = hi;
	}
	return !c.bad && (!set.n || set.p[set.n - 1] != ',');
}

#define SUB_VERSION_KEY "\x1fVER\x1f"

unsigned cyre_sub_version(struct cyre_slice key, struct cyre_slice value)
{
	uint64_t v;

	if (!cyre_slice_eq(key, cyre_slice_str(SUB_VERSION_KEY)) ||
		!cyre_number(value, &v) || v > 1000)
		return 0;
	return (unsigned)v;
}

bool cyre_sub_read(
	struct cyre_slice key, unsigned version, struct cyre_sub *ret)
{
	struct cyre_slice inbox = cyre_slice_str("INBOX");
	struct cyre_sub s = {.is_dbname = version > 0, .name = key};

	if (!key.n || key.p[0] == 0x1f)
		return false;
	if (!version) {
		*ret = s;
		return true;
	}
	if (key.p[0] != 'N' || key.n < 2)
		return false;
	s.name = cyre_slice(key.p + 1, key.n - 1);
	s.inbox = cyre_slice_starts(s.name, inbox);
	/* Up to 3.10 `INBOXhew` is matthew's mailbox seen by matt: the end of
	 * another user's name. */
	if (s.inbox)
		s.name = cyre_slice(s.name.p + inbox.n, s.name.n - inbox.n);
	*ret = s;
	return true;
}

/* `USED LIMIT`, then what development releases added; limit -1: none. */
static bool read_old_quota(struct cyre_slice value, struct cyre_quota *q)
{
	struct cyre_cur c = cyre_cur(value);
	const int r = CYRE_QUOTA_STORAGE;

	if (!cyre_get_number(&c, &q->used[r]))
		return false;
	q->has[r] = true;
	if (cyre_cur_left(&c) && *c.p == '-')
		return true;
	q->limited[r] = true;
	return cyre_get_number(&c, &q->limit[r]);
}

/* `(used limit)` or `(used)` */
static bool read_resource(struct cyre_dlist *d, struct cyre_quota *q, int r)
{
	enum cyre_dlist_kind k;
	struct cyre_slice s;
	uint64_t v;
	int i = 0;

	while ((k = cyre_dlist_next(d, &s)) != CYRE_DLIST_END) {
		if (!cyre_dlist_is_string(k) || i > 1)
			return false;
		if (cyre_number(s, &v)) {
			*(i ? &q->limit[r] : &q->used[r]) = v;
			q->limited[r] = i > 0;
		} else if (!i) {
			return false;
		}
		i++;
	}
	q->has[r] = i > 0;
	return true;
}

static bool read_quota_field(
	struct cyre_dlist *d, struct cyre_slice key, struct cyre_quota *q)
{
	static const char *const names[CYRE_QUOTA_RESOURCES] = {
		"S", "M", "AS", "NF"};
	enum cyre_dlist_kind k;
	struct cyre_slice s;
	int r;

	k = cyre_dlist_next(d, &s);
	if (k == CYRE_DLIST_LIST || k == CYRE_DLIST_KVLIST) {
		for (r = 0; r < CYRE_QUOTA_RESOURCES; r++)
			if (cyre_slice_eq(key, cyre_slice_str(names[r])))
				return read_resource(d, q, r);
		q->scan = q->scan || cyre_slice_eq(key, cyre_slice_str("SCAN"));
		return cyre_dlist_skip(d);
	}
	if (k == CYRE_DLIST_BAD || k == CYRE_DLIST_END)
		return false;
	if (cyre_slice_eq(key, cyre_slice_str("MODSEQ")))
		return cyre_number(s, &q->modseq);
	return true;
}

bool cyre_quota_read(struct cyre_slice value, struct cyre_quota *ret)
{
	struct cyre_quota q = {.modseq = 0};
	uint8_t own[2048]; /* numbers and short keys only */
	struct cyre_slice key;
	enum cyre_dlist_kind k;
	struct cyre_dlist d;

	if (!cyre_slice_starts(value, cyre_slice_str("%("))) {
		if (!read_old_quota(value, &q))
			return false;
		*ret = q;
		return true;
	}
	if (value.n > sizeof(own))
		return false;
	cyre_dlist_begin(&d, value, own);
	if (cyre_dlist_next(&d, &key) != CYRE_DLIST_KVLIST)
		return false;
	while ((k = cyre_dlist_next(&d, &key)) != CYRE_DLIST_END)
		if (!cyre_dlist_is_string(k) || !read_quota_field(&d, key, &q))
			return false;
	*ret = q;
	return true;
}

/* By length, as the server tells the versions (user-databases.md section 4). */
static const struct {
	uint16_t length, uidvalidity;
} counters_layout[] = {{48, 40}, {56, 48}, {64, 56}, {88, 80}, {104, 96},
	{120, 112}, {200, 192}, {232, 224}, {264, 256}, {296, 288}};

bool cyre_counters_read(struct cyre_slice file, struct cyre_counters *ret)
{
	size_t i, n = sizeof(counters_layout) / sizeof(counters_layout[0]);
	struct cyre_counters c = {.version = 0};

	for (i = 0; i < n && counters_layout[i].length != file.n; i++)
		;
	if (i == n)
		return false;
	c.generation = cyre_load_be32(file.p);
	c.version = (uint32_t)i;
	c.highest = cyre_load_be64(file.p + 8);
	if (i >= 2)
		c.mailfolders = cyre_load_be64(file.p + 48);
	c.uidvalidity = cyre_load_be32(file.p + counters_layout[i].uidvalidity);
	c.crc_ok = cyre_crc32(cyre_slice(file.p, file.n - 4)) ==
		   cyre_load_be32(file.p + file.n - 4);
	/* The oldest version had no version number. */
	if (i && cyre_load_be32(file.p + 4) != i)
		c.crc_ok = false;
	*ret = c;
	return true;
}

/* The key: `mailbox%` and `mailbox%%userid`, 2.3: `mailbox NUL userid`. */
static void split_status_key(struct cyre_slice key, struct cyre_statuscache *s)
{
	const uint8_t *p = key.n ? memchr(key.p, 0, key.n) : NULL;
	size_t skip = 1;

	if (!p && key.n) {
		p = memchr(key.p, '%', key.n);
		skip = p && (size_t)(p - key.p) + 1 < key.n && p[1] == '%' ? 2
									   : 1;
	}
	s->mailbox = key;
	if (!p)
		return;
	s->mailbox.n = (size_t)(p - key.p);
	s->userid = cyre_slice(p + skip, key.n - s->mailbox.n - skip);
	if (s->userid.n && !s->userid.p[s->userid.n - 1])
		s->userid.n--;
}

/* 2.3: `3 ITEMS mtime inode size …`, 2.4 to 3.0: `4 ITEMS …`. */
static bool read_old_status(
	struct cyre_cur *c, uint64_t version, struct cyre_statuscache *s)
{
	uint64_t skipped = 0;
	int i;

	if (version < 2 || version > 7)
		return false;
	cyre_get_number(c, &skipped); /* which items are right */
	for (i = 0; i < 3 && version <= 3; i++)
		cyre_get_number(c, &skipped);
	cyre_get_number(c, &s->messages);
	cyre_get_number(c, &skipped); /* recent */
	cyre_get_number(c, &s->uidnext);
	cyre_get_number(c, &s->uidvalidity);
	cyre_get_number(c, &skipped); /* unseen */
	cyre_get_number(c, &s->highestmodseq);
	s->has_mailbox = !c->bad;
	return !c->bad;
}

/* `I V (messages uidnext uidvalidity options size createdmodseq highestmodseq
 * …) uniqueid`, `S V (recent unseen highestmodseq)` */
static bool read_new_status(struct cyre_slice value, struct cyre_statuscache *s)
{
	const uint8_t *open = memchr(value.p, '(', value.n), *close;
	uint64_t v[7] = {0};
	struct cyre_cur c;
	int i, n = value.p[0] == 'I' ? 7 : 3;

	close = open ? memchr(open, ')', value.n - (size_t)(open - value.p))
		     : NULL;
	if (!close)
		return false;
	c = cyre_cur(cyre_slice(open + 1, (size_t)(close - open) - 1));
	for (i = 0; i < n; i++)
		cyre_get_number(&c, &v[i]);
	if (c.bad)
		return false;
	s->has_mailbox = n == 7;
	s->highestmodseq = v[n - 1];
	if (n == 3)
		return true;
	s->messages = v[0];
	s->uidnext = v[1];
	s->uidvalidity = v[2];
	if (close + 2 < value.p + value.n)
		s->uniqueid = cyre_slice(
			close + 2, value.n - (size_t)(close + 2 - value.p));
	return true;
}

bool cyre_statuscache_read(struct cyre_slice key, struct cyre_slice value,
	struct cyre_statuscache *ret)
{
	struct cyre_statuscache s = {.has_mailbox = false};
	struct cyre_cur c = cyre_cur(value);
	uint64_t version = 0;
	bool ok;

	if (!key.n || !value.n)
		return false;
	split_status_key(key, &s);
	if (value.p[0] == 'I' || value.p[0] == 'S')
		ok = read_new_status(value, &s);
	else
		ok = cyre_get_number(&c, &version) &&
		     read_old_status(&c, version, &s);
	if (ok)
		*ret = s;
	return ok;
}

bool cyre_is_deliver(struct cyre_slice key, struct cyre_slice value)
{
	/* id NUL to NUL [date NUL]; a time_t and an unsigned long. */
	return key.n > 3 && key.p[key.n - 1] == 0 &&
	       memchr(key.p, 0, key.n - 1) &&
	       (value.n == 16 || value.n == 8 || value.n == 4);
}
