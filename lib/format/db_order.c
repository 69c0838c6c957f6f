/*
 * db_order.c - the three orders in which Cyrus sorts keys
 *
 * docs/formats/twoskip.md section 4, skiplist.md section 4: plain bytes; signed
 * characters (skiplist on x86); the mailbox order, in which '.' stands before
 * everything a name is made of, so that children follow their parent.
 */
#include "db.h"

static int by_length(struct cyre_slice a, struct cyre_slice b)
{
	return a.n < b.n ? -1 : a.n > b.n;
}

static size_t shorter(struct cyre_slice a, struct cyre_slice b)
{
	return a.n < b.n ? a.n : b.n;
}

/* Where two keys first differ; n: nowhere within the shorter. */
static size_t differ(struct cyre_slice a, struct cyre_slice b, size_t n)
{
	uint64_t va, vb;
	size_t i = 0;

	for (; n - i >= 8; i += 8) {
		memcpy(&va, a.p + i, 8);
		memcpy(&vb, b.p + i, 8);
		if (va != vb)
			break;
	}
	for (; i < n && a.p[i] == b.p[i]; i++)
		;
	return i;
}

/* The orders from there on; n: the length of the shorter. */
static int raw_from(
	struct cyre_slice a, struct cyre_slice b, size_t i, size_t n)
{
	return i == n ? by_length(a, b) : a.p[i] - b.p[i];
}

static int signed_from(
	struct cyre_slice a, struct cyre_slice b, size_t i, size_t n)
{
	return i == n ? by_length(a, b) : (a.p[i] ^ 0x80) - (b.p[i] ^ 0x80);
}

/* NUL, then TAB and LF, then '.', then the rest. */
static int mailbox_rank(uint8_t c)
{
	if (c == '.')
		return 2;
	if (c == '\t' || c == '\n')
		return 1;
	return c >= 1 && c <= 8 ? c + 2 : c;
}

static int mailbox_from(
	struct cyre_slice a, struct cyre_slice b, size_t i, size_t n)
{
	int c;

	/* TAB and LF, and some others, share a rank: differing is not enough. */
	for (; i < n; i++) {
		c = mailbox_rank(a.p[i]) - mailbox_rank(b.p[i]);
		if (c)
			return c;
	}
	return by_length(a, b);
}

static int compare_raw(struct cyre_slice a, struct cyre_slice b)
{
	return cyre_slice_compare(a, b);
}

static int compare_signed(struct cyre_slice a, struct cyre_slice b)
{
	size_t n = shorter(a, b);

	return signed_from(a, b, differ(a, b, n), n);
}

static int compare_mailbox(struct cyre_slice a, struct cyre_slice b)
{
	size_t n = shorter(a, b);

	return mailbox_from(a, b, differ(a, b, n), n);
}

static cyre_db_compare *const comparers[] = {
	[CYRE_DB_RAW] = compare_raw,
	[CYRE_DB_SIGNED] = compare_signed,
	[CYRE_DB_MAILBOX] = compare_mailbox,
};

cyre_db_compare *cyre_db_comparer(enum cyre_db_order o)
{
	return comparers[o];
}

const char *cyre_db_order_name(enum cyre_db_order o)
{
	static const char *const names[] = {"raw", "signed", "mailbox"};

	return names[o];
}

int cyre_db_order_by_name(const char *name)
{
	int i;

	for (i = CYRE_DB_RAW; i <= CYRE_DB_MAILBOX; i++)
		if (!strcmp(cyre_db_order_name((enum cyre_db_order)i), name))
			return i;
	return -1;
}

void cyre_db_orders_see(struct cyre_db_orders *o, struct cyre_slice before,
	struct cyre_slice after)
{
	size_t n = shorter(before, after), i = differ(before, after, n);

	o->wrong[CYRE_DB_RAW] += raw_from(before, after, i, n) >= 0;
	o->wrong[CYRE_DB_SIGNED] += signed_from(before, after, i, n) >= 0;
	o->wrong[CYRE_DB_MAILBOX] += mailbox_from(before, after, i, n) >= 0;
}

enum cyre_db_order cyre_db_orders_best(
	const struct cyre_db_orders *o, enum cyre_db_order usual)
{
	enum cyre_db_order i, best = usual;

	for (i = CYRE_DB_RAW; i <= CYRE_DB_MAILBOX; i++)
		if (o->wrong[i] < o->wrong[best])
			best = i;
	return best;
}
