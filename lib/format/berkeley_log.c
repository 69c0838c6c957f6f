/* berkeley_log.c - see berkeley_log.h. */
#include "berkeley_log.h"

#define MAGIC       0x00040988u
#define RECORD_HEAD 12 /* previous record, length, check sum */
#define FILE_HEAD   (RECORD_HEAD + 16)

/* How much is looked at behind a break: the sums cost time. */
#define SEARCH_BUDGET (UINT64_C(1) << 30)

struct log {
	struct cyre_slice file;
	bool little;
};

struct record {
	uint32_t prev, len, sum;
};

static uint32_t u32(const struct log *l, uint64_t at)
{
	uint32_t v = cyre_load_be32(l->file.p + at);

	return l->little ? __builtin_bswap32(v) : v;
}

static bool get_head(const struct log *l, uint64_t at, struct record *ret)
{
	struct cyre_slice s;

	if (!cyre_slice_sub(l->file, at, RECORD_HEAD, &s))
		return false;
	*ret = (struct record){u32(l, at), u32(l, at + 4), u32(l, at + 8)};
	return ret->len > RECORD_HEAD &&
	       cyre_slice_sub(l->file, at, ret->len, &s);
}

static bool sum_is_right(
	const struct log *l, uint64_t at, const struct record *r)
{
	const uint8_t *p = l->file.p + at + RECORD_HEAD;
	const uint8_t *end = l->file.p + at + r->len;
	uint32_t sum = 0;

	while (p < end)
		sum = sum * 33 + *p++;
	return (sum ^ r->prev ^ r->len) == r->sum;
}

/* The first right record behind the break; it names one behind it, too. */
static uint64_t find_next(const struct log *l, uint64_t end)
{
	uint64_t at, spent = 0;
	struct record r;

	for (at = end + 1; at < l->file.n && spent < SEARCH_BUDGET; at++) {
		if (!get_head(l, at, &r) || r.prev < end || r.prev >= at)
			continue;
		spent += r.len;
		if (sum_is_right(l, at, &r))
			return at;
	}
	return 0;
}

bool cyre_berkeley_log_read(
	struct cyre_slice file, struct cyre_berkeley_log *ret)
{
	struct cyre_berkeley_log log = {.version = 0};
	struct log l = {.file = file, .little = true};
	struct record r;
	uint32_t prev = 0;

	if (file.n < FILE_HEAD)
		return false;
	if (u32(&l, RECORD_HEAD) != MAGIC)
		l.little = false;
	if (u32(&l, RECORD_HEAD) != MAGIC)
		return false;
	log.version = u32(&l, RECORD_HEAD + 4);
	/* The first names the last of the file before. */
	while (get_head(&l, log.end, &r) && (!log.end || r.prev == prev) &&
		sum_is_right(&l, log.end, &r)) {
		prev = (uint32_t)log.end;
		log.end += r.len;
		log.records++;
	}
	log.next = find_next(&l, log.end);
	*ret = log;
	return true;
}
