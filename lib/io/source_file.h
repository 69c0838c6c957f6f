/*
 * source_file.h - a cyre_source over an open file
 *
 * One buffer, reused from file to file. It is CYRE_WINDOW bytes and grows to
 * what a view wants, up to `limit`; beyond that view() is CYRE_ELIMIT.
 */
#ifndef CYRE_SOURCE_FILE_H
#define CYRE_SOURCE_FILE_H

#include "source.h"

#define CYRE_WINDOW ((size_t)1 << 20) /* bytes */

struct cyre_source_file {
	struct cyre_source src; /* hand out this */
	int fd;                 /* borrowed */
	size_t limit;           /* bytes; 0: CYRE_WINDOW */
	int errnum;             /* of the read that failed, 0: none */
	uint8_t *buf;
	size_t cap, n; /* n bytes of the file are in buf … */
	uint64_t at;   /* … beginning with this one */
};

/* Zero-initialised before the first file; `limit` is kept. */
void cyre_source_file_start(struct cyre_source_file *sf, int fd, uint64_t size);
void cyre_source_file_free(struct cyre_source_file *sf);

#endif
