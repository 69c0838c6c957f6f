/*
 * read_file.h - a whole file into a buffer, with a limit
 */
#ifndef CYRE_READ_FILE_H
#define CYRE_READ_FILE_H

#include <cyrescue/status.h>

#include "buf.h"

/*
 * Replaces the contents of `ret` by what `fd` holds from its start; `size` is
 * what fstat said and only saves a system call. Reading goes to the end of the
 * file, which can have grown or shrunk since.
 *
 * CYRE_OK; CYRE_EIO (errno is set); CYRE_ELIMIT when the file is larger than
 * ret->limit; CYRE_ENOMEM.
 */
cyre_status cyre_read_fd(int fd, uint64_t size, struct cyre_buf *ret);

/* Opens a configuration file (symbolic links are followed: /etc/imapd.conf may
 * be one) and reads it. As cyre_read_fd(); `reterr` may be NULL. */
cyre_status cyre_read_path(
	const char *path, struct cyre_buf *ret, struct cyre_error *reterr);

/*
 * As cyre_read_path(), in pieces: `told` is called with all that was read so
 * far, and with the size the file had. The bytes do not move any more, and stay
 * in `ret` whatever is returned.
 */
cyre_status cyre_read_path_told(const char *path, struct cyre_buf *ret,
	void (*told)(void *payload, struct cyre_slice there, uint64_t size),
	void *payload, struct cyre_error *reterr);

#endif
