/* unpack.c - see unpack.h. */
#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>

#define PIECE ((size_t)64 << 10)

bool cyre_is_packed(struct cyre_slice bytes)
{
	static const struct {
		const char *magic;
		size_t n;
	} kinds[] = {{"\x1f\x8b\x08", 3}, {"BZh", 3},
		{"\xfd"
		 "7zXZ\0",
			6},
		{"\x28\xb5\x2f\xfd", 4}};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (cyre_slice_starts(
			    bytes, cyre_slice(kinds[i].magic, kinds[i].n)))
			return true;
	return false;
}

static bool open_raw(struct archive *a, struct cyre_slice bytes)
{
	struct archive_entry *entry;

	return archive_read_support_filter_gzip(a) == ARCHIVE_OK &&
	       archive_read_support_filter_bzip2(a) == ARCHIVE_OK &&
	       archive_read_support_filter_xz(a) == ARCHIVE_OK &&
	       archive_read_support_filter_zstd(a) == ARCHIVE_OK &&
	       archive_read_support_format_raw(a) == ARCHIVE_OK &&
	       archive_read_open_memory(a, bytes.p, bytes.n) == ARCHIVE_OK &&
	       archive_read_next_header(a, &entry) == ARCHIVE_OK;
}

cyre_status cyre_unpack(struct cyre_slice bytes, struct cyre_buf *ret)
{
	struct archive *a = archive_read_new();
	cyre_status st = CYRE_OK;
	ssize_t n = 1;

	if (!a)
		return CYRE_ENOMEM;
	cyre_buf_reset(ret);
	if (!open_raw(a, bytes))
		st = CYRE_EFORMAT;
	while (st == CYRE_OK && n > 0) {
		if (!cyre_buf_room(ret, PIECE)) {
			st = ret->limit && ret->n + PIECE > ret->limit
				     ? CYRE_ELIMIT
				     : CYRE_ENOMEM;
			break;
		}
		n = archive_read_data(a, ret->p + ret->n, PIECE);
		if (n > 0)
			ret->n += (size_t)n;
	}
	if (st == CYRE_OK && n < 0 && !ret->n)
		st = CYRE_EFORMAT;
	archive_read_free(a);
	return st;
}
