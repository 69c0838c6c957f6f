/* identity.c - see identity.h. */
#include "identity.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"

#define PIECE ((size_t)256 << 10)

static cyre_status hash_fd(int fd, uint64_t size, struct cyre_hasher *hasher,
	uint8_t ret[CYRE_SHA256_LEN], struct cyre_error *e)
{
	uint8_t *piece = malloc(PIECE);
	cyre_status st = piece ? cyre_sha256_begin(hasher) : CYRE_ENOMEM;
	uint64_t at = 0;

	while (st == CYRE_OK && at < size) {
		ssize_t n = pread(fd, piece, PIECE, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			st = cyre_sys_fail(e, "read", "");
		if (n <= 0)
			break;
		st = cyre_sha256_update(hasher, cyre_slice(piece, (size_t)n));
		at += (uint64_t)n;
	}
	free(piece);
	return st == CYRE_OK ? cyre_sha256_end(hasher, ret) : st;
}

cyre_status cyre_identity_look(int dirfd, const char *name,
	struct cyre_opener *o, struct cyre_hasher *hasher,
	struct cyre_file_info *ret_info, struct cyre_identity *ret,
	struct cyre_error *reterr)
{
	cyre_status st;

	*ret = (struct cyre_identity){0};
	ret_info->fd = -1;
	if (dirfd < 0)
		return CYRE_OK;
	st = cyre_file_open(
		o, dirfd, name, CYRE_KIND_UNKNOWN, ret_info, reterr);
	if (st != CYRE_OK) {
		ret_info->fd = -1;
		return reterr->errnum == ENOENT ? CYRE_OK : st;
	}
	if (ret_info->kind != CYRE_KIND_FILE) {
		*ret = (struct cyre_identity){
			.exists = true, .other = true, .ino = ret_info->ino};
		return CYRE_EBUSY;
	}
	*ret = (struct cyre_identity){
		.exists = true, .size = ret_info->size, .ino = ret_info->ino};
	return hash_fd(ret_info->fd, ret->size, hasher, ret->sha256, reterr);
}

bool cyre_identity_same(
	const struct cyre_identity *want, const struct cyre_identity *now)
{
	if (!want->exists || !now->exists)
		return want->exists == now->exists;
	if (want->other || now->other)
		return want->other == now->other &&
		       (!want->ino || want->ino == now->ino);
	return want->size == now->size &&
	       (!want->ino || want->ino == now->ino) &&
	       !memcmp(want->sha256, now->sha256, CYRE_SHA256_LEN);
}
