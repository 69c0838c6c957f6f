/* index_sync.c - see index_sync.h; docs/formats/index.md section 7. */
#include "index_sync.h"

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

/* A short string under construction: no memory is asked for a record. */
struct text {
	char s[256];
	size_t n;
};

static void put(struct text *t, const char *s)
{
	while (*s && t->n < sizeof(t->s))
		t->s[t->n++] = *s++;
}

static void put_number(
	struct text *t, uint64_t v, unsigned base, unsigned width)
{
	char d[20];
	size_t i = sizeof(d);

	do {
		d[--i] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v || sizeof(d) - i < width);
	while (i < sizeof(d) && t->n < sizeof(t->s))
		t->s[t->n++] = d[i++];
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
	uint32_t f = 0;
	size_t i;

	for (i = 0; i < sizeof(system_flags) / sizeof(*system_flags); i++)
		if (r->system_flags & system_flags[i].bit)
			f ^= cyre_crc32(cyre_slice_str(system_flags[i].name));
	for (i = 0; i < 128; i++)
		if (r->user_flags[i / 32] >> i % 32 & 1)
			f ^= s->flag_crc[i];
	return f;
}

static void add_basic(struct cyre_sync *s, const struct cyre_index_record *r)
{
	struct text t = {.n = 0};
	int i;

	put_number(&t, r->uid, 10, 1);
	put(&t, " ");
	put_number(&t, r->modseq, 10, 1);
	put(&t, " ");
	put_number(&t, cyre_index_seconds(r->last_updated), 10, 1);
	put(&t, " (");
	put_number(&t, flags_sum(s, r), 10, 1);
	put(&t, ") ");
	put_number(&t, cyre_index_seconds(r->internaldate), 10, 1);
	put(&t, " ");
	for (i = 0; i < 20; i++)
		put_number(&t, r->guid[i], 16, 2);
	s->basic ^= sum(&t);
}

/* A record field hashed as if it were a shared annotation. */
static uint32_t virtual_sum(const struct cyre_index_record *r,
	const char *entry, uint64_t v, unsigned base, unsigned width)
{
	struct text t = {.n = 0};

	put_number(&t, r->uid, 10, 1);
	put(&t, " /vendor/cmu/cyrus-imapd/");
	put(&t, entry);
	put(&t, "  "); /* the user id between the blanks is empty */
	put_number(&t, v, base, width);
	return sum(&t);
}

static void add_annot(struct cyre_sync *s, const struct cyre_index_record *r)
{
	uint64_t nsec = r->internaldate % CYRE_NSEC;
	uint32_t other = 0;

	if (s->version >= 13 && r->cid) {
		s->annot ^= virtual_sum(r, "thrid", r->cid, 16, 1);
		s->annot_padded ^= virtual_sum(r, "thrid", r->cid, 16, 16);
	}
	if (s->version >= 15 && r->savedate)
		other ^= virtual_sum(
			r, "savedate", cyre_index_seconds(r->savedate), 10, 1);
	if (s->version >= 16 && r->createdmodseq)
		other ^= virtual_sum(
			r, "createdmodseq", r->createdmodseq, 10, 1);
	if (s->version >= 20 && r->basecid)
		other ^= virtual_sum(r, "basethrid", r->basecid, 16, 16);
	if (s->version >= 20 && nsec)
		other ^= virtual_sum(r, "internaldate.nsec", nsec, 10, 1);
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
