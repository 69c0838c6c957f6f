/*
 * unpack.h - a compressed file's contents, in memory
 */
#ifndef CYRE_UNPACK_H
#define CYRE_UNPACK_H

#include <cyrescue/status.h>

#include "buf.h"

/* gzip, bzip2, xz or zstd, told by its first bytes. */
bool cyre_is_packed(struct cyre_slice bytes);

/*
 * Puts what `bytes` unpack to into `ret`, up to ret->limit. One that was cut
 * gives what its whole blocks hold.
 *
 * CYRE_OK; CYRE_EFORMAT: nothing could be unpacked; CYRE_ELIMIT; CYRE_ENOMEM.
 */
cyre_status cyre_unpack(struct cyre_slice bytes, struct cyre_buf *ret);

#endif
