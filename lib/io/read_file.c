/* read_file.c - see read_file.h. */
#include "read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP 65536

cyre_status cyre_read_fd(int fd, uint64_t size, struct cyre_buf *ret)
{
	size_t want = size < SIZE_MAX / 2 ? (size_t)size + 1 : STEP;
	ssize_t got;

	cyre_buf_reset(ret);
	for (;;) {
		/* One byte more than expected finds the end without another
		 * step. */
		if (ret->cap - ret->n < want && !cyre_buf_room(ret, want)) {
			if (ret->limit && size >= ret->limit)
				return CYRE_ELIMIT;
			return CYRE_ENOMEM;
		}
		got = pread(
			fd, ret->p + ret->n, ret->cap - ret->n, (off_t)ret->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return CYRE_EIO;
		ret->n += (size_t)got;
		if (got == 0 || ret->n == size)
			return CYRE_OK;
		want = ret->cap > ret->n ? 1 : STEP;
	}
}

cyre_status cyre_read_path(
	const char *path, struct cyre_buf *ret, struct cyre_error *reterr)
{
	cyre_status st = CYRE_EIO;
	struct stat sb;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	errno = fd < 0 ? errno : 0;
	if (fd >= 0 && fstat(fd, &sb) == 0) {
		if (S_ISREG(sb.st_mode))
			st = cyre_read_fd(fd, (uint64_t)sb.st_size, ret);
		else
			errno = S_ISDIR(sb.st_mode) ? EISDIR : EINVAL;
	}
	if (st != CYRE_OK && reterr) {
		*reterr = (struct cyre_error){.errnum = errno, .call = "open"};
		snprintf(reterr->path, sizeof(reterr->path), "%s", path);
	}
	if (fd >= 0)
		close(fd);
	return st;
}
