/*
 * digest.h - the check sums Cyrus uses
 *
 * CRC-32 is zlib's (docs/formats/index.md 4.1), by libdeflate, which runs at
 * memory speed. SHA-1 is the GUID of a message (index.md 8.4), by OpenSSL's
 * EVP, which uses the processor's SHA instructions.
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
/* And SHA-256. A hasher works on one sum at a time. */
cyre_status cyre_sha256_begin(struct cyre_hasher *h);
cyre_status cyre_sha256_update(struct cyre_hasher *h, struct cyre_slice s);
cyre_status cyre_sha256_end(
	struct cyre_hasher *h, uint8_t ret[CYRE_SHA256_LEN]);

#endif
