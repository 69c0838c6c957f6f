/* index_sync.c - see index_sync.h; docs/formats/index.md section 7. */
#include "index_sync.h"

#include <string.h>
#include <strings.h>

#include "digest.h"

static const struct {
	uint32_t bit;
	const char *name;
} system_flags[] = {
	{CYRE_FLAG_DELETED, "\\deleted"},
	{CYRE_FLAG_ANSWERED, "\\answered"},
	{CYRE_FLAG_FLAGGED, "\\flagged"},
	{CYRE_FLAG_DRAFT, "\\draft"},
	{CYRE_FLAG_SEEN, "\\seen"},
};

/*
 * A short string under construction: no memory is asked for a record, of which
 * there are millions. The longest has six numbers and 60 other characters.
 */
struct text {
	char s[256];
	size_t n;
};

static const char digits[] = "0123456789abcdef";

static void put(struct text *t, const char *s)
{
	size_t n = strlen(s);

	memcpy(t->s + t->n, s, n);
	t->n += n;
}

/* d[i] to d[19] hold a number. */
static void put_digits(struct text *t, const char d[20], size_t i)
{
	memcpy(t->s + t->n, d + i, 20 - i);
	t->n += 20 - i;
}

static void put_dec(struct text *t, uint64_t v)
{
	char d[20];
	size_t i = sizeof(d);

	do {
		d[--i] = digits[v % 10];
		v /= 10;
	} while (v);
	put_digits(t, d, i);
}

static void put_hex(struct text *t, uint64_t v, unsigned width)
{
	char d[20];
	size_t i = sizeof(d);

	do {
		d[--i] = digits[v & 15];
		v >>= 4;
	} while (v || sizeof(d) - i < width);
	put_digits(t, d, i);
}

static void put_guid(struct text *t, const uint8_t guid[20])
{
	char *p = t->s + t->n;
	int i;

	for (i = 0; i < 20; i++) {
		*p++ = digits[guid[i] >> 4];
		*p++ = digits[guid[i] & 15];
	}
	t->n += 40;
}

static uint32_t sum(const struct text *t)
{
	return cyre_crc32(cyre_slice(t->s, t->n));
}

static uint32_t lower_crc(struct cyre_slice name)
{
	char low[256];
	uint32_t crc = 0;
	size_t n, i;

	for (; name.n; name.p += n, name.n -= n) {
		n = name.n < sizeof(low) ? name.n : sizeof(low);
		for (i = 0; i < n; i++)
			low[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z'
						? name.p[i] + 32
						: name.p[i]);
		crc = cyre_crc32_more(crc, cyre_slice(low, n));
	}
	return crc;
}

void cyre_sync_begin(struct cyre_sync *s, unsigned version,
	const struct cyre_slice *flag_names, unsigned n)
{
	unsigned i;

	*s = (struct cyre_sync){.version = version};
	for (i = 0; i < n && i < 128; i++)
		if (flag_names[i].n)
			s->flag_crc[i] = lower_crc(flag_names[i]);
}

static uint32_t flags_sum(
	const struct cyre_sync *s, const struct cyre_index_record *r)
{
	uint32_t f = 0, left;
	unsigned i;

	for (i = 0; i < sizeof(system_flags) / sizeof(*system_flags); i++)
		if (r->system_flags & system_flags[i].bit)
			f ^= cyre_crc32(cyre_slice_str(system_flags[i].name));
	for (i = 0; i < 4; i++)
		for (left = r->user_flags[i]; left; left &= left - 1)
			f ^= s->flag_crc[32 * i + (unsigned)ffs((int)left) - 1];
	return f;
}

static void add_basic(struct cyre_sync *s, const struct cyre_index_record *r)
{
	struct text t;

	t.n = 0; /* the rest is written before it is read */
	put_dec(&t, r->uid);
	put(&t, " ");
	put_dec(&t, r->modseq);
	put(&t, " ");
	put_dec(&t, cyre_index_seconds(r->last_updated));
	put(&t, " (");
	put_dec(&t, flags_sum(s, r));
	put(&t, ") ");
	put_dec(&t, cyre_index_seconds(r->internaldate));
	put(&t, " ");
	put_guid(&t, r->guid);
	s->basic ^= sum(&t);
}

/* A record field hashed as if it were a shared annotation. */
static void put_entry(
	struct text *t, const struct cyre_index_record *r, const char *entry)
{
	t->n = 0;
	put_dec(t, r->uid);
	put(t, " /vendor/cmu/cyrus-imapd/");
	put(t, entry);
	put(t, "  "); /* the user id between the blanks is empty */
}

static uint32_t dec_sum(
	const struct cyre_index_record *r, const char *entry, uint64_t v)
{
	struct text t;

	put_entry(&t, r, entry);
	put_dec(&t, v);
	return sum(&t);
}

static uint32_t hex_sum(const struct cyre_index_record *r, const char *entry,
	uint64_t v, unsigned width)
{
	struct text t;

	put_entry(&t, r, entry);
	put_hex(&t, v, width);
	return sum(&t);
}

static void add_annot(struct cyre_sync *s, const struct cyre_index_record *r)
{
	uint64_t nsec = r->internaldate % CYRE_NSEC;
	uint32_t other = 0;

	if (s->version >= 13 && r->cid) {
		s->annot ^= hex_sum(r, "thrid", r->cid, 1);
		s->annot_padded ^= hex_sum(r, "thrid", r->cid, 16);
	}
	if (s->version >= 15 && r->savedate)
		other ^=
			dec_sum(r, "savedate", cyre_index_seconds(r->savedate));
	if (s->version >= 16 && r->createdmodseq)
		other ^= dec_sum(r, "createdmodseq", r->createdmodseq);
	if (s->version >= 20 && r->basecid)
		other ^= hex_sum(r, "basethrid", r->basecid, 16);
	if (s->version >= 20 && nsec)
		other ^= dec_sum(r, "internaldate.nsec", nsec);
	s->annot ^= other;
	s->annot_padded ^= other;
}

void cyre_sync_add(struct cyre_sync *s, const struct cyre_index_record *r)
{
	if (s->version < 12)
		return;
	add_basic(s, r);
	add_annot(s, r);
}
