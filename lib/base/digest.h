/*
 * digest.h - the check sums Cyrus uses
 *
 * CRC-32 is zlib's (docs/formats/index.md 4.1), by libdeflate, which runs at
 * memory speed. SHA-1 is the GUID of a message (index.md 8.4), by OpenSSL's
 * EVP, which uses the processor's SHA instructions; many at once by
 * libipsec-mb.
 */
#ifndef CYRE_DIGEST_H
#define CYRE_DIGEST_H

#include <cyrescue/status.h>

#include "bytes.h"

#define CYRE_SHA1_LEN   20
#define CYRE_SHA256_LEN 32

uint32_t cyre_crc32(struct cyre_slice s);
/* Goes on from a CRC of the bytes before. */
uint32_t cyre_crc32_more(uint32_t crc, struct cyre_slice s);

/*
 * One context a thread, made once and used for every message: making one costs
 * more than hashing a short message.
 */
struct cyre_hasher;
cyre_status cyre_hasher_new(struct cyre_hasher **ret);
void cyre_hasher_free(struct cyre_hasher *h);
cyre_status cyre_sha1(
	struct cyre_hasher *h, struct cyre_slice s, uint8_t ret[CYRE_SHA1_LEN]);
cyre_status cyre_sha256(struct cyre_hasher *h, struct cyre_slice s,
	uint8_t ret[CYRE_SHA256_LEN]);
/* The same in pieces: begin, any number of updates, end. SHA-1. */
cyre_status cyre_sha1_begin(struct cyre_hasher *h);
cyre_status cyre_sha1_update(struct cyre_hasher *h, struct cyre_slice s);
cyre_status cyre_sha1_end(struct cyre_hasher *h, uint8_t ret[CYRE_SHA1_LEN]);
/*
 * Many at once. Where libipsec-mb and the processor allow (AVX2, AVX-512) in
 * the lanes of its vectors, which is up to three times as fast as one after the
 * other; for sums of about equal size, so those of CYRE_SUM_LONG bytes and more
 * are made alone. CYRE_OK, CYRE_ENOMEM.
 */
#define CYRE_SUM_LONG ((size_t)64 << 10)
struct cyre_sum {
	struct cyre_slice bytes; /* borrowed */
	uint8_t sha1[CYRE_SHA1_LEN];
};
cyre_status cyre_sha1_many(
	struct cyre_hasher *h, struct cyre_sum *sums, size_t n);
/* And SHA-256. A hasher works on one sum at a time. */
cyre_status cyre_sha256_begin(struct cyre_hasher *h);
cyre_status cyre_sha256_update(struct cyre_hasher *h, struct cyre_slice s);
cyre_status cyre_sha256_end(
	struct cyre_hasher *h, uint8_t ret[CYRE_SHA256_LEN]);

#endif
