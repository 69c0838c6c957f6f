/*
 * digest_lanes.h - SHA-1s of several messages side by side in the lanes of the
 * processor's vectors, by Intel's multi-buffer library (libipsec-mb, amd64)
 *
 * Private to digest.c.
 */
#ifndef CYRE_DIGEST_LANES_H
#define CYRE_DIGEST_LANES_H

#include "digest.h"

struct cyre_lanes;
/* NULL: without the library, on a processor it does not know, no memory. */
struct cyre_lanes *cyre_lanes_new(void);
void cyre_lanes_free(struct cyre_lanes *lanes);
/* None may be empty. False: nothing is known of any of them. */
bool cyre_lanes_sha1(
	struct cyre_lanes *lanes, struct cyre_sum *const *sums, size_t n);

#endif
