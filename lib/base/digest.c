/* digest.c - see digest.h. */
#include "digest.h"

#include <libdeflate.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "digest_lanes.h"

#define LANES_FROM 6   /* fewer are as fast one after the other */
#define AT_ONCE    128 /* pointers on the stack */

uint32_t cyre_crc32(struct cyre_slice s)
{
	return cyre_crc32_more(0, s);
}

uint32_t cyre_crc32_more(uint32_t crc, struct cyre_slice s)
{
	return s.n ? libdeflate_crc32(crc, s.p, s.n) : crc;
}

struct cyre_hasher {
	EVP_MD_CTX *ctx;
	EVP_MD *sha1, *sha256; /* fetched once: a fetch a call takes a lock */
	struct cyre_lanes *lanes;
	bool no_lanes; /* they were asked for in vain */
};

cyre_status cyre_hasher_new(struct cyre_hasher **ret)
{
	struct cyre_hasher *h = calloc(1, sizeof(*h));

	if (!h)
		return CYRE_ENOMEM;
	h->ctx = EVP_MD_CTX_new();
	h->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	h->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!h->ctx || !h->sha1 || !h->sha256) {
		cyre_hasher_free(h);
		return CYRE_ENOMEM;
	}
	*ret = h;
	return CYRE_OK;
}

void cyre_hasher_free(struct cyre_hasher *h)
{
	if (!h)
		return;
	EVP_MD_free(h->sha1);
	EVP_MD_free(h->sha256);
	EVP_MD_CTX_free(h->ctx);
	cyre_lanes_free(h->lanes);
	free(h);
}

static cyre_status whole(struct cyre_hasher *h, const EVP_MD *md,
	struct cyre_slice s, uint8_t *ret)
{
	if (EVP_DigestInit_ex2(h->ctx, md, NULL) != 1 ||
		EVP_DigestUpdate(h->ctx, s.p, s.n) != 1 ||
		EVP_DigestFinal_ex(h->ctx, ret, NULL) != 1)
		return CYRE_ENOMEM;
	return CYRE_OK;
}

cyre_status cyre_sha1(
	struct cyre_hasher *h, struct cyre_slice s, uint8_t ret[CYRE_SHA1_LEN])
{
	return whole(h, h->sha1, s, ret);
}

cyre_status cyre_sha256(struct cyre_hasher *h, struct cyre_slice s,
	uint8_t ret[CYRE_SHA256_LEN])
{
	return whole(h, h->sha256, s, ret);
}

cyre_status cyre_sha1_begin(struct cyre_hasher *h)
{
	return EVP_DigestInit_ex2(h->ctx, h->sha1, NULL) == 1 ? CYRE_OK
							      : CYRE_ENOMEM;
}

cyre_status cyre_sha1_update(struct cyre_hasher *h, struct cyre_slice s)
{
	return EVP_DigestUpdate(h->ctx, s.p, s.n) == 1 ? CYRE_OK : CYRE_ENOMEM;
}

cyre_status cyre_sha1_end(struct cyre_hasher *h, uint8_t ret[CYRE_SHA1_LEN])
{
	return EVP_DigestFinal_ex(h->ctx, ret, NULL) == 1 ? CYRE_OK
							  : CYRE_ENOMEM;
}

static bool has_lanes(struct cyre_hasher *h)
{
	if (!h->lanes && !h->no_lanes) {
		h->lanes = cyre_lanes_new();
		h->no_lanes = !h->lanes;
	}
	return h->lanes;
}

/*
 * A lane takes the next sum when it has done one, so that long ones taken last
 * would run alone. Sorted as far as it matters: by KiB.
 */
static void longest_first(struct cyre_sum *lane[AT_ONCE], size_t n)
{
	struct cyre_sum *old[AT_ONCE];
	size_t at[CYRE_SUM_LONG >> 10] = {0}, i, k, sum = 0;

	memcpy(old, lane, n * sizeof(*old));
	for (i = 0; i < n; i++)
		at[old[i]->bytes.n >> 10]++;
	for (i = sizeof(at) / sizeof(*at); i-- > 0; sum += k) {
		k = at[i];
		at[i] = sum;
	}
	for (i = 0; i < n; i++)
		lane[at[old[i]->bytes.n >> 10]++] = old[i];
}

/* At most AT_ONCE. */
static cyre_status some(struct cyre_hasher *h, struct cyre_sum *sums, size_t n)
{
	struct cyre_sum *lane[AT_ONCE];
	cyre_status st = CYRE_OK;
	size_t i, k = 0;

	for (i = 0; i < n && st == CYRE_OK; i++) {
		if (sums[i].bytes.n && sums[i].bytes.n < CYRE_SUM_LONG)
			lane[k++] = &sums[i];
		else
			st = cyre_sha1(h, sums[i].bytes, sums[i].sha1);
	}
	if (k >= LANES_FROM && has_lanes(h)) {
		longest_first(lane, k);
		if (cyre_lanes_sha1(h->lanes, lane, k))
			return st;
	}
	for (i = 0; i < k && st == CYRE_OK; i++)
		st = cyre_sha1(h, lane[i]->bytes, lane[i]->sha1);
	return st;
}

cyre_status cyre_sha1_many(
	struct cyre_hasher *h, struct cyre_sum *sums, size_t n)
{
	cyre_status st = CYRE_OK;
	size_t i, k;

	for (i = 0; i < n && st == CYRE_OK; i += k) {
		k = n - i < AT_ONCE ? n - i : AT_ONCE;
		st = some(h, sums + i, k);
	}
	return st;
}

cyre_status cyre_sha256_begin(struct cyre_hasher *h)
{
	return EVP_DigestInit_ex2(h->ctx, h->sha256, NULL) == 1 ? CYRE_OK
								: CYRE_ENOMEM;
}

cyre_status cyre_sha256_update(struct cyre_hasher *h, struct cyre_slice s)
{
	return EVP_DigestUpdate(h->ctx, s.p, s.n) == 1 ? CYRE_OK : CYRE_ENOMEM;
}

cyre_status cyre_sha256_end(struct cyre_hasher *h, uint8_t ret[CYRE_SHA256_LEN])
{
	return EVP_DigestFinal_ex(h->ctx, ret, NULL) == 1 ? CYRE_OK
							  : CYRE_ENOMEM;
}
