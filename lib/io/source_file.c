/* source_file.c - see source_file.h. */
#include "source_file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static bool has(const struct cyre_source_file *sf, uint64_t off, size_t want)
{
	return off >= sf->at && off - sf->at <= sf->n &&
	       sf->n - (size_t)(off - sf->at) >= want;
}

static cyre_status grow(struct cyre_source_file *sf, size_t want)
{
	size_t limit = sf->limit ? sf->limit : CYRE_WINDOW;
	size_t cap = sf->cap ? sf->cap : CYRE_WINDOW;
	uint8_t *buf;

	if (want > limit)
		return CYRE_ELIMIT;
	if (cap > limit)
		cap = limit;
	while (cap < want)
		cap = cap > limit / 2 ? limit : cap * 2;
	if (cap <= sf->cap)
		return CYRE_OK;
	buf = realloc(sf->buf, cap);
	if (!buf)
		return CYRE_ENOMEM;
	sf->buf = buf;
	sf->cap = cap;
	return CYRE_OK;
}

/* Moves the window to `off`; what it already holds of it is kept. */
static cyre_status load(struct cyre_source_file *sf, uint64_t off)
{
	size_t keep = 0;
	ssize_t got;

	if (off >= sf->at && off - sf->at < sf->n) {
		keep = sf->n - (size_t)(off - sf->at);
		memmove(sf->buf, sf->buf + (sf->n - keep), keep);
	}
	sf->at = off;
	sf->n = keep;
	while (sf->n < sf->cap) {
		got = pread(sf->fd, sf->buf + sf->n, sf->cap - sf->n,
			(off_t)(off + sf->n));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			sf->errnum = errno;
			return CYRE_EIO;
		}
		if (got == 0)
			break;
		sf->n += (size_t)got;
		if (sf->n >= sf->src.size - off)
			break;
	}
	return CYRE_OK;
}

static cyre_status view_file(struct cyre_source *src, uint64_t off, size_t want,
	struct cyre_slice *ret)
{
	struct cyre_source_file *sf = (struct cyre_source_file *)src;
	cyre_status st;
	size_t skip;

	if (off >= src->size) {
		*ret = cyre_slice(sf->buf, 0);
		return CYRE_OK;
	}
	if (want > src->size - off)
		want = (size_t)(src->size - off);
	if (!has(sf, off, want ? want : 1)) {
		st = grow(sf, want);
		if (st == CYRE_OK)
			st = load(sf, off);
		if (st != CYRE_OK)
			return st;
	}
	skip = (size_t)(off - sf->at);
	*ret = cyre_slice(sf->buf + skip, sf->n - skip);
	/* The file may have grown since; the source has not. */
	if (ret->n > src->size - off)
		ret->n = (size_t)(src->size - off);
	return CYRE_OK;
}

void cyre_source_file_start(struct cyre_source_file *sf, int fd, uint64_t size)
{
	sf->src = (struct cyre_source){.size = size, .view = view_file};
	sf->fd = fd;
	sf->errnum = 0;
	sf->at = 0;
	sf->n = 0;
}

void cyre_source_file_free(struct cyre_source_file *sf)
{
	free(sf->buf);
	*sf = (struct cyre_source_file){.limit = sf->limit};
}
