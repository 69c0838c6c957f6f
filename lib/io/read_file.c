/* read_file.c - see read_file.h. */
#include "read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP  65536
#define PIECE ((size_t)1 << 20) /* after which somebody is told */

/* Whom to tell how far reading is; `told` NULL: nobody. */
struct listener {
	void (*told)(void *payload, struct cyre_slice there, uint64_t size);
	void *payload;
};

/* All there is, but nothing past the limit. */
static size_t room(const struct cyre_buf *b)
{
	size_t end = b->limit && b->cap > b->limit ? b->limit : b->cap;

	return end - b->n;
}

static cyre_status read_fd(
	int fd, uint64_t size, struct cyre_buf *ret, const struct listener *l)
{
	size_t want = size < SIZE_MAX / 2 ? (size_t)size + 1 : STEP, n;
	ssize_t got;

	cyre_buf_reset(ret);
	if (ret->limit && size >= ret->limit)
		return CYRE_ELIMIT;
	for (;;) {
		/* One byte more than expected finds the end without another
		 * step. */
		if (ret->limit && want > ret->limit - ret->n)
			want = ret->limit - ret->n;
		if (!want)
			return CYRE_ELIMIT;
		if (ret->cap - ret->n < want && !cyre_buf_room(ret, want))
			return CYRE_ENOMEM;
		n = room(ret);
		if (l->told && n > PIECE)
			n = PIECE;
		got = pread(fd, ret->p + ret->n, n, (off_t)ret->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return CYRE_EIO;
		ret->n += (size_t)got;
		if (l->told)
			l->told(l->payload, cyre_buf_slice(ret), size);
		if (got == 0 || ret->n == size)
			return CYRE_OK;
		want = ret->cap > ret->n ? 1 : STEP;
	}
}

cyre_status cyre_read_fd(int fd, uint64_t size, struct cyre_buf *ret)
{
	static const struct listener nobody;

	return read_fd(fd, size, ret, &nobody);
}

static cyre_status read_path(const char *path, struct cyre_buf *ret,
	const struct listener *l, struct cyre_error *reterr)
{
	cyre_status st = CYRE_EIO;
	struct stat sb;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	errno = fd < 0 ? errno : 0;
	if (fd >= 0 && fstat(fd, &sb) == 0) {
		if (S_ISREG(sb.st_mode))
			st = read_fd(fd, (uint64_t)sb.st_size, ret, l);
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

cyre_status cyre_read_path(
	const char *path, struct cyre_buf *ret, struct cyre_error *reterr)
{
	static const struct listener nobody;

	return read_path(path, ret, &nobody, reterr);
}

cyre_status cyre_read_path_told(const char *path, struct cyre_buf *ret,
	void (*told)(void *payload, struct cyre_slice there, uint64_t size),
	void *payload, struct cyre_error *reterr)
{
	return read_path(path, ret, &(struct listener){told, payload}, reterr);
}
