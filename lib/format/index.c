/*
 * index.c - the strict reader of cyrus.index and cyrus.expunge
 *
 * Reads the header of one file in memory, decides where records start and how
 * far apart they are, and decodes a record when asked. Tests the file's own
 * structure (sizes, length, header check sum); what the values mean is judged
 * by check/check_index.c. Does not repair: the salvage reader, which believes
 * no header, is another file.
 *
 * Format: docs/formats/index.md sections 1, 2, 4, 8, 11.
 */
#include "index.h"

#include "digest.h"

/* Offset of minor_version, start_offset, record_size in every version. */
#define OFF_VERSION 8
#define OFF_START   12
#define OFF_STRIDE  16
#define MIN_HEADER  36 /* the smallest header ever written (1993) */
#define WIDE_V19    144

static void store(
	void *base, const struct cyre_index_field *f, const uint8_t *p)
{
	uint8_t *member = (uint8_t *)base + f->member;
	uint64_t v;
	uint32_t word;
	int i;

	switch ((enum cyre_index_kind)f->kind) {
	case CYRE_IX_UINT:
		v = f->width == 8 ? cyre_load_be64(p) : cyre_load_be32(p);
		memcpy(member, &v, sizeof(v));
		break;
	case CYRE_IX_TIME:
		v = f->width == 8 ? cyre_load_be64(p)
				  : (uint64_t)cyre_load_be32(p) * CYRE_NSEC;
		memcpy(member, &v, sizeof(v));
		break;
	case CYRE_IX_GUID:
		memcpy(member, p, f->width);
		break;
	case CYRE_IX_FLAGS:
		for (i = 0; i < 4; i++) {
			word = cyre_load_be32(p + 4 * i);
			memcpy(member + 4 * i, &word, sizeof(word));
		}
		break;
	case CYRE_IX_SPARE:
		break;
	}
}

/* Fields that do not fit into the bytes keep their 0. */
static void decode(
	struct cyre_slice bytes, const struct cyre_index_field *f, void *ret)
{
	size_t off = 0;

	for (; f->width; f++) {
		if (f->width > bytes.n - off)
			return;
		store(ret, f, bytes.p + off);
		off += f->width;
	}
}

struct cyre_index_header cyre_index_decode_header(
	const struct cyre_index_layout *l, struct cyre_slice bytes)
{
	struct cyre_index_header h = {0};

	decode(bytes, l->header, &h);
	if (l->version < 12)
		h.exists = h.num_records;
	return h;
}

/* v0 to v4: the header and the record grew without a new number (index.md 2.1,
 * invariant 4). */
static bool old_sizes(uint32_t start, uint32_t stride)
{
	return (start == 36 || start == 40 || start == 44 || start == 56 ||
		       start == 76) &&
	       (stride == 52 || stride == 64 || stride == 68);
}

static void size_finding(struct cyre_findings *found, enum cyre_file which,
	const char *what, uint64_t off, uint32_t expected, uint32_t actual)
{
	CYRE_FIND(found, .problem = CYRE_P_INDEX_SIZES, .file = which,
		.offset = off, .length = 4, .expected = expected,
		.actual = actual, .text = what);
}

/* Decides start and stride. */
static void settle_sizes(struct cyre_index *ix, enum cyre_file which,
	struct cyre_findings *found)
{
	uint32_t start = cyre_load_be32(ix->file.p + OFF_START);
	uint32_t stride = cyre_load_be32(ix->file.p + OFF_STRIDE);

	ix->start = ix->layout->header_size;
	ix->stride = ix->layout->record_size;
	ix->record_fields = ix->layout->record;
	if (ix->layout->version <= 4 && old_sizes(start, stride)) {
		ix->start = start;
		ix->stride = stride;
		if (stride == 64)
			ix->record_fields = cyre_index_record_1993;
		return;
	}
	if (ix->layout->version == 19 && stride == WIDE_V19) {
		ix->stride = WIDE_V19;
		CYRE_FIND(found, .problem = CYRE_P_INDEX_WIDE_V19,
			.file = which, .offset = OFF_STRIDE, .length = 4);
	} else if (stride != ix->stride) {
		size_finding(found, which, "record_size", OFF_STRIDE,
			ix->stride, stride);
	}
	if (start != ix->start)
		size_finding(found, which, "start_offset", OFF_START, ix->start,
			start);
}

/* Spare bytes hold zeros in everything a server wrote. */
static void check_spares(const struct cyre_index *ix, enum cyre_file which,
	struct cyre_findings *found)
{
	const struct cyre_index_field *f;
	uint32_t off = 0, i;

	for (f = ix->layout->header; f->width && off < ix->start; f++) {
		for (i = off; f->kind == CYRE_IX_SPARE && i < ix->start &&
			      i < off + f->width;
			i++) {
			if (!ix->file.p[i])
				continue;
			CYRE_FIND(found, .problem = CYRE_P_INDEX_SPARE,
				.file = which, .offset = i, .length = 1);
			break;
		}
		off += f->width;
	}
}

static void check_header(const struct cyre_index *ix, enum cyre_file which,
	struct cyre_findings *found)
{
	uint32_t sum;

	if (ix->h.format != 0)
		CYRE_FIND(found, .problem = CYRE_P_INDEX_FORMAT, .file = which,
			.offset = 4, .length = 4, .actual = ix->h.format);
	check_spares(ix, which, found);
	if (!cyre_index_has_crc(ix->layout))
		return;
	sum = cyre_crc32(cyre_slice(ix->file.p, ix->start - 4));
	if (sum != ix->h.header_crc)
		CYRE_FIND(found, .problem = CYRE_P_INDEX_HEADER_CRC,
			.file = which, .offset = ix->start - 4, .length = 4,
			.expected = sum, .actual = ix->h.header_crc);
}

/*
 * Records behind the last one the header counts: an append whose header was not
 * written (index.md section 12). Only a check sum makes them believable.
 */
static uint32_t find_uncommitted(const struct cyre_index *ix, uint64_t fit)
{
	struct cyre_index_record r;
	struct cyre_slice bytes;
	uint64_t last = ix->h.last_uid;
	uint32_t n = 0;

	if (!cyre_index_has_crc(ix->layout))
		return 0;
	while (ix->count + (uint64_t)n < fit) {
		bytes = cyre_slice(
			ix->file.p + ix->start +
				((uint64_t)ix->count + n) * ix->stride,
			ix->stride);
		cyre_index_decode(ix, bytes, &r);
		if (r.uid <= last ||
			r.record_crc != cyre_index_record_sum(ix, bytes))
			break;
		last = r.uid;
		n++;
	}
	return n;
}

static void settle_count(struct cyre_index *ix, enum cyre_file which,
	struct cyre_findings *found)
{
	uint64_t fit = (ix->file.n - ix->start) / ix->stride;
	uint64_t want = ix->start + ix->h.num_records * ix->stride;

	ix->count =
		(uint32_t)(ix->h.num_records < fit ? ix->h.num_records : fit);
	if (ix->file.n < want) {
		CYRE_FIND(found, .problem = CYRE_P_INDEX_TRUNCATED,
			.file = which, .offset = ix->file.n, .expected = want,
			.actual = ix->file.n);
		return;
	}
	if (ix->file.n == want)
		return;
	ix->uncommitted = find_uncommitted(ix, fit);
	if (ix->uncommitted)
		CYRE_FIND(found, .problem = CYRE_P_INDEX_UNCOMMITTED,
			.file = which, .offset = want,
			.actual = ix->uncommitted);
	want += (uint64_t)ix->uncommitted * ix->stride;
	if (ix->file.n > want)
		CYRE_FIND(found, .problem = CYRE_P_INDEX_TRAILING,
			.file = which, .offset = want,
			.length = ix->file.n - want);
}

cyre_status cyre_index_read(struct cyre_slice file, enum cyre_file which,
	struct cyre_findings *found, struct cyre_index *ret)
{
	struct cyre_index ix = {.file = file};
	uint32_t version;

	if (file.n < MIN_HEADER) {
		CYRE_FIND(found, .problem = CYRE_P_INDEX_SHORT, .file = which,
			.expected = MIN_HEADER, .actual = file.n);
		return CYRE_EFORMAT;
	}
	/* Not a version 0 of 1993, but what a file system leaves of a lost
	 * block. */
	if (!file.p[0] && !memcmp(file.p, file.p + 1, MIN_HEADER - 1)) {
		CYRE_FIND(found, .problem = CYRE_P_INDEX_HEADER_ZEROED,
			.file = which, .length = MIN_HEADER);
		return CYRE_EFORMAT;
	}
	version = cyre_load_be32(file.p + OFF_VERSION);
	ix.layout = cyre_index_layout(version);
	if (!ix.layout) {
		CYRE_FIND(found, .problem = CYRE_P_INDEX_VERSION, .file = which,
			.offset = OFF_VERSION, .length = 4, .actual = version);
		return CYRE_EFORMAT;
	}
	settle_sizes(&ix, which, found);
	if (file.n < ix.start) {
		CYRE_FIND(found, .problem = CYRE_P_INDEX_SHORT, .file = which,
			.expected = ix.start, .actual = file.n);
		return CYRE_EFORMAT;
	}
	ix.h = cyre_index_decode_header(
		ix.layout, cyre_slice(file.p, ix.start));
	check_header(&ix, which, found);
	settle_count(&ix, which, found);
	*ret = ix;
	return CYRE_OK;
}

struct cyre_slice cyre_index_bytes(const struct cyre_index *ix, uint32_t recno)
{
	struct cyre_slice bytes;

	cyre_slice_sub(ix->file, ix->start + (uint64_t)(recno - 1) * ix->stride,
		ix->stride, &bytes);
	return bytes;
}

/* As it stands there: see cyre_index_modseq_meant(). */
bool cyre_index_decode(const struct cyre_index *ix, struct cyre_slice bytes,
	struct cyre_index_record *ret)
{
	struct cyre_index_record r = {0};

	if (bytes.n < ix->stride)
		return false;
	decode(cyre_slice(bytes.p, ix->layout->record_size < ix->stride
					   ? ix->layout->record_size
					   : ix->stride),
		ix->record_fields, &r);
	/* index.md 8.3: the upper half of the version word are bits 32 to 47
	 * of the offset. */
	r.cache_offset |= (r.cache_version >> 16) << 32;
	r.cache_version &= 0xffff;
	*ret = r;
	return true;
}

uint32_t cyre_index_record_sum(
	const struct cyre_index *ix, struct cyre_slice bytes)
{
	/* A wide v19 record is checked as the 112 bytes it holds. */
	return cyre_crc32(cyre_slice(bytes.p, ix->layout->record_size - 4u));
}

uint64_t cyre_index_modseq_meant(
	unsigned version, uint64_t modseq, uint64_t highestmodseq)
{
	bool shifted = (version == 8 || version == 9) && modseq > UINT32_MAX &&
		       (uint32_t)modseq == 0 && modseq >> 32 <= highestmodseq;

	return shifted ? modseq >> 32 : modseq;
}
