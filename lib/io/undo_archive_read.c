/*
 * undo_archive_read.c - tests and reads an undo archive; see undo_archive.h
 *
 * An archive may have been damaged since: nothing of it is used before all of
 * it was read once and every sum agreed. The sums are not parsed: the list is
 * made again from what was read, and compared.
 */
#include "undo_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "grow.h"
#include "nstime.h"
#include "replace.h"
#include "undo_archive_names.h"

#define BLOCK         ((size_t)64 << 10)
#define CONTROL_LIMIT ((size_t)256 << 20) /* bytes of changes, or of sums */
#define MEMBER_LIMIT  ((size_t)1 << 24)   /* originals in one archive */

struct cyre_archive_in {
	char *path;
	int fd;
	struct cyre_hasher *hasher;
	struct cyre_archive_member *members;
	size_t n, cap;
	struct cyre_buf owners, changes, sums, mark;
	/* inside cyre_archive_each() */
	struct archive *tar;
	struct archive_entry *entry;
	size_t at;
};

static cyre_status open_tar(
	struct cyre_archive_in *a, struct cyre_error *reterr)
{
	if (lseek(a->fd, 0, SEEK_SET) < 0)
		return cyre_sys_fail(reterr, "lseek", a->path);
	a->tar = archive_read_new();
	if (!a->tar)
		return CYRE_ENOMEM;
	if (archive_read_support_format_tar(a->tar) != ARCHIVE_OK ||
		archive_read_support_filter_zstd(a->tar) != ARCHIVE_OK ||
		archive_read_open_fd(a->tar, a->fd, BLOCK) != ARCHIVE_OK)
		return CYRE_EFORMAT;
	return CYRE_OK;
}

static void close_tar(struct cyre_archive_in *a)
{
	archive_read_free(a->tar);
	a->tar = NULL;
}

/* The next member; CYRE_OK with a->entry NULL at the end. */
static cyre_status next_entry(struct cyre_archive_in *a)
{
	int rc = archive_read_next_header(a->tar, &a->entry);

	if (rc == ARCHIVE_EOF) {
		a->entry = NULL;
		return CYRE_OK;
	}
	if (rc != ARCHIVE_OK || !archive_entry_pathname(a->entry) ||
		archive_entry_filetype(a->entry) != AE_IFREG ||
		!archive_entry_size_is_set(a->entry) ||
		archive_entry_size(a->entry) < 0)
		return CYRE_EFORMAT;
	return CYRE_OK;
}

/* The bytes of the member to `fd` (-1: nowhere), or into `keep` (may be NULL),
 * and their sum. Their number is the member's size. */
static cyre_status read_data(struct cyre_archive_in *a, int fd,
	struct cyre_buf *keep, const char *name,
	uint8_t ret_sha[CYRE_SHA256_LEN], struct cyre_error *reterr)
{
	uint64_t size = (uint64_t)archive_entry_size(a->entry), at = 0;
	cyre_status st = cyre_sha256_begin(a->hasher);
	const void *p;
	size_t n;
	la_int64_t off;
	int rc;

	while (st == CYRE_OK) {
		rc = archive_read_data_block(a->tar, &p, &n, &off);
		if (rc == ARCHIVE_EOF)
			break;
		if (rc != ARCHIVE_OK || off < 0 || (uint64_t)off != at)
			return CYRE_EFORMAT;
		st = cyre_sha256_update(a->hasher, cyre_slice(p, n));
		if (st == CYRE_OK && fd >= 0)
			st = cyre_write_all(fd, cyre_slice(p, n), name, reterr);
		if (keep)
			cyre_put(keep, p, n);
		at += n;
	}
	if (st == CYRE_OK && keep && keep->bad)
		st = CYRE_ELIMIT;
	if (st == CYRE_OK && at != size)
		st = CYRE_EFORMAT;
	return st == CYRE_OK ? cyre_sha256_end(a->hasher, ret_sha) : st;
}

static cyre_status keep_member(
	struct cyre_archive_in *a, struct cyre_error *reterr)
{
	struct cyre_archive_member m = {
		.size = (uint64_t)archive_entry_size(a->entry),
		.uid = (uint32_t)archive_entry_uid(a->entry),
		.gid = (uint32_t)archive_entry_gid(a->entry),
		.mode = archive_entry_perm(a->entry) & 07777,
		.mtime_ns = cyre_ns_of(archive_entry_mtime(a->entry),
			archive_entry_mtime_nsec(a->entry))};
	const char *name = archive_entry_pathname(a->entry);
	struct cyre_archive_member *grown;
	cyre_status st;
	char *path;

	if (a->n >= MEMBER_LIMIT)
		return CYRE_ELIMIT;
	grown = cyre_grow(a->members, a->n, &a->cap, sizeof(*grown));
	if (!grown)
		return CYRE_ENOMEM;
	a->members = grown;
	if (asprintf(&path, "/%s", name) < 0)
		return CYRE_ENOMEM;
	m.path = path;
	st = read_data(a, -1, NULL, path, m.sha256, reterr);
	if (st != CYRE_OK) {
		free(path);
		return st;
	}
	a->members[a->n++] = m;
	return CYRE_OK;
}

/* Which of ours at the end is it; NULL: an original. */
static struct cyre_buf *control(struct cyre_archive_in *a)
{
	const char *name = archive_entry_pathname(a->entry);

	if (!strcmp(name, OWNERS_PATH))
		return &a->owners;
	if (!strcmp(name, CHANGES_PATH))
		return &a->changes;
	if (!strcmp(name, SUMS_PATH))
		return &a->sums;
	if (!strcmp(name, MARK_PATH))
		return &a->mark;
	return NULL;
}

/* The lists as they must be. */
struct again {
	struct cyre_buf owners, sums, mark;
};

static cyre_status read_original(struct cyre_archive_in *a, struct again *again,
	struct cyre_error *reterr)
{
	cyre_status st;

	st = cyre__archive_owner_line(&again->owners, a->hasher, a->entry);
	if (st == CYRE_OK)
		st = keep_member(a, reterr);
	if (st == CYRE_OK)
		cyre__archive_sum_line(&again->sums,
			a->members[a->n - 1].sha256, a->members[a->n - 1].path);
	return st;
}

/* Originals, owners, changes, sums, mark, in this order and nothing behind. */
static cyre_status read_all(struct cyre_archive_in *a, struct again *again,
	struct cyre_error *reterr)
{
	const struct {
		struct cyre_buf *keep, *sums;
		const char *path;
	} order[] = {{&a->owners, &again->sums, OWNERS_PATH},
		{&a->changes, &again->sums, CHANGES_PATH},
		{&a->sums, &again->mark, SUMS_PATH}, {&a->mark, NULL, NULL}};
	uint8_t sha[CYRE_SHA256_LEN];
	size_t seen = 0;
	cyre_status st;

	for (;;) {
		struct cyre_buf *b;

		st = next_entry(a);
		if (st != CYRE_OK || !a->entry)
			break;
		b = control(a);
		if (!b && seen == 0) {
			st = read_original(a, again, reterr);
			if (st != CYRE_OK)
				return st;
			continue;
		}
		if (seen == 4 || b != order[seen].keep)
			return CYRE_EFORMAT;
		st = read_data(a, -1, b, a->path, sha, reterr);
		if (st != CYRE_OK)
			return st;
		if (order[seen].sums)
			cyre__archive_sum_line(
				order[seen].sums, sha, order[seen].path);
		seen++;
	}
	return st == CYRE_OK && seen != 4 ? CYRE_EFORMAT : st;
}

static bool same(const struct cyre_buf *a, const struct cyre_buf *b)
{
	return cyre_slice_eq(cyre_buf_slice(a), cyre_buf_slice(b));
}

static cyre_status test(struct cyre_archive_in *a, struct cyre_error *reterr)
{
	struct again again = {0};
	cyre_status st = open_tar(a, reterr);

	cyre_put_str(&again.mark, MARK_START);
	if (st == CYRE_OK)
		st = read_all(a, &again, reterr);
	if (st == CYRE_OK &&
		(again.owners.bad || again.sums.bad || again.mark.bad))
		st = CYRE_ENOMEM;
	if (st == CYRE_OK && !(same(&again.owners, &a->owners) &&
				     same(&again.sums, &a->sums) &&
				     same(&again.mark, &a->mark)))
		st = CYRE_EFORMAT;
	cyre_buf_free(&again.owners);
	cyre_buf_free(&again.sums);
	cyre_buf_free(&again.mark);
	close_tar(a);
	return st;
}

cyre_status cyre_archive_open(const char *path, struct cyre_error *reterr,
	struct cyre_archive_in **ret)
{
	struct cyre_archive_in *a = calloc(1, sizeof(*a));
	cyre_status st = CYRE_OK;

	if (!a)
		return CYRE_ENOMEM;
	a->owners.limit = a->changes.limit = CONTROL_LIMIT;
	a->sums.limit = a->mark.limit = CONTROL_LIMIT;
	a->path = strdup(path);
	a->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (!a->path)
		st = CYRE_ENOMEM;
	else if (a->fd < 0)
		st = cyre_sys_fail(reterr, "open", path);
	if (st == CYRE_OK)
		st = cyre_hasher_new(&a->hasher);
	if (st == CYRE_OK)
		st = test(a, reterr);
	if (st != CYRE_OK)
		cyre_archive_close(a);
	else
		*ret = a;
	return st;
}

void cyre_archive_close(struct cyre_archive_in *a)
{
	size_t i;

	if (!a)
		return;
	for (i = 0; i < a->n; i++)
		free((void *)a->members[i].path);
	free(a->members);
	cyre_buf_free(&a->owners);
	cyre_buf_free(&a->changes);
	cyre_buf_free(&a->sums);
	cyre_buf_free(&a->mark);
	cyre_hasher_free(a->hasher);
	if (a->fd >= 0)
		close(a->fd);
	free(a->path);
	free(a);
}

size_t cyre_archive_count(const struct cyre_archive_in *a)
{
	return a->n;
}

const struct cyre_archive_member *cyre_archive_member(
	const struct cyre_archive_in *a, size_t i)
{
	return &a->members[i];
}

struct cyre_slice cyre_archive_changes(const struct cyre_archive_in *a)
{
	return cyre_buf_slice(&a->changes);
}

cyre_status cyre_archive_each(struct cyre_archive_in *a,
	cyre_status (*each)(void *payload, struct cyre_archive_in *a, size_t i),
	void *payload, struct cyre_error *reterr)
{
	cyre_status st = open_tar(a, reterr);

	for (a->at = 0; st == CYRE_OK && a->at < a->n; a->at++) {
		st = next_entry(a);
		if (st == CYRE_OK && !a->entry)
			st = CYRE_EFORMAT;
		if (st == CYRE_OK)
			st = each(payload, a, a->at);
	}
	close_tar(a);
	return st;
}

static cyre_status extract_xattrs(struct cyre_archive_in *a, int fd,
	const char *name, struct cyre_error *reterr)
{
	int left = archive_entry_xattr_reset(a->entry);
	cyre_status st = CYRE_OK;
	const char *key;
	const void *value;
	size_t n;

	while (st == CYRE_OK && left-- > 0 &&
		archive_entry_xattr_next(a->entry, &key, &value, &n) ==
			ARCHIVE_OK)
		st = cyre_xattr_set(
			fd, key, cyre_slice(value, n), name, reterr);
	return st;
}

cyre_status cyre_archive_extract(struct cyre_archive_in *a, int fd,
	const char *name, struct cyre_error *reterr)
{
	const struct cyre_archive_member *m = &a->members[a->at];
	struct cyre_owner owner = {
		.uid = m->uid, .gid = m->gid, .mode = m->mode};
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
		{.tv_sec = archive_entry_mtime(a->entry),
			.tv_nsec = archive_entry_mtime_nsec(a->entry)}};
	uint8_t sha[CYRE_SHA256_LEN];
	cyre_status st;

	st = read_data(a, fd, NULL, name, sha, reterr);
	if (st == CYRE_OK && memcmp(sha, m->sha256, sizeof(sha)) != 0)
		st = CYRE_EFORMAT;
	if (st == CYRE_OK)
		st = extract_xattrs(a, fd, name, reterr);
	/* Owner before mode: an access list must not be cut by the mode of the
	 * temporary, nor be open to the wrong group. */
	if (st == CYRE_OK)
		st = cyre_give(fd, &owner, name, reterr);
	if (st == CYRE_OK && futimens(fd, times) < 0)
		st = cyre_sys_fail(reterr, "futimens", name);
	return st;
}
