/*
 * undo_archive_text.c - the lists in an undo archive, made by writer and reader
 *
 * Nobody parses them: the reader makes them again from what it read, and
 * compares.
 */
#include <archive_entry.h>
#include <string.h>

#include "undo_archive_names.h"

void cyre__archive_sum_line(struct cyre_buf *b,
	const uint8_t sha[CYRE_SHA256_LEN], const char *path)
{
	path += strspn(path, "/");
	if (strpbrk(path, "\\\n\r"))
		cyre_put_u8(b, '\\');
	cyre_put_hex(b, cyre_slice(sha, CYRE_SHA256_LEN));
	cyre_put_str(b, "  ");
	for (; *path; path++) {
		if (*path == '\\')
			cyre_put_str(b, "\\\\");
		else if (*path == '\n')
			cyre_put_str(b, "\\n");
		else if (*path == '\r')
			cyre_put_str(b, "\\r");
		else
			cyre_put_u8(b, (uint8_t)*path);
	}
	cyre_put_u8(b, '\n');
}

/* One sum for all attributes, whatever their order: that of the file system is
 * not that of the archive. */
static cyre_status sum_xattrs(struct cyre_hasher *hasher,
	struct archive_entry *e, uint8_t ret[CYRE_SHA256_LEN])
{
	int left = archive_entry_xattr_reset(e);
	uint8_t sha[CYRE_SHA256_LEN];
	cyre_status st = CYRE_OK;
	const void *value;
	const char *key;
	size_t n, i;

	memset(ret, 0, CYRE_SHA256_LEN);
	while (st == CYRE_OK && left-- > 0 &&
		archive_entry_xattr_next(e, &key, &value, &n) == 0) {
		st = cyre_sha256_begin(hasher);
		if (st == CYRE_OK)
			st = cyre_sha256_update(
				hasher, cyre_slice(key, strlen(key) + 1));
		if (st == CYRE_OK)
			st = cyre_sha256_update(hasher, cyre_slice(value, n));
		if (st == CYRE_OK)
			st = cyre_sha256_end(hasher, sha);
		for (i = 0; st == CYRE_OK && i < sizeof(sha); i++)
			ret[i] ^= sha[i];
	}
	return st;
}

cyre_status cyre__archive_owner_line(
	struct cyre_buf *b, struct cyre_hasher *hasher, struct archive_entry *e)
{
	uint8_t sha[CYRE_SHA256_LEN];
	cyre_status st = sum_xattrs(hasher, e, sha);

	cyre_put_fmt(b, "%04o %lld %lld %lld.%09ld ",
		(unsigned)archive_entry_perm(e),
		(long long)archive_entry_uid(e),
		(long long)archive_entry_gid(e),
		(long long)archive_entry_mtime(e), archive_entry_mtime_nsec(e));
	cyre_put_hex(b, cyre_slice(sha, CYRE_SHA256_LEN));
	cyre_put_u8(b, '\n');
	return st;
}
