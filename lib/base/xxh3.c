/* xxh3.c - see xxh3.h. */
#include "xxh3.h"

#define P32_1 0x9E3779B1u
#define P32_2 0x85EBCA77u
#define P32_3 0xC2B2AE3Du
#define P64_1 0x9E3779B185EBCA87u
#define P64_2 0xC2B2AE3D27D4EB4Fu
#define P64_3 0x165667B19E3779F9u
#define P64_4 0x85EBCA77C2B2AE63u
#define P64_5 0x27D4EB2F165667C5u

#define STRIPE     64
#define LANES      8
#define SECRET_LEN 192

static const uint8_t secret[SECRET_LEN] = {
	0xb8,
	0xfe,
	0x6c,
	0x39,
	0x23,
	0xa4,
	0x4b,
	0xbe,
	0x7c,
	0x01,
	0x81,
	0x2c,
	0xf7,
	0x21,
	0xad,
	0x1c,
	0xde,
	0xd4,
	0x6d,
	0xe9,
	0x83,
	0x90,
	0x97,
	0xdb,
	0x72,
	0x40,
	0xa4,
	0xa4,
	0xb7,
	0xb3,
	0x67,
	0x1f,
	0xcb,
	0x79,
	0xe6,
	0x4e,
	0xcc,
	0xc0,
	0xe5,
	0x78,
	0x82,
	0x5a,
	0xd0,
	0x7d,
	0xcc,
	0xff,
	0x72,
	0x21,
	0xb8,
	0x08,
	0x46,
	0x74,
	0xf7,
	0x43,
	0x24,
	0x8e,
	0xe0,
	0x35,
	0x90,
	0xe6,
	0x81,
	0x3a,
	0x26,
	0x4c,
	0x3c,
	0x28,
	0x52,
	0xbb,
	0x91,
	0xc3,
	0x00,
	0xcb,
	0x88,
	0xd0,
	0x65,
	0x8b,
	0x1b,
	0x53,
	0x2e,
	0xa3,
	0x71,
	0x64,
	0x48,
	0x97,
	0xa2,
	0x0d,
	0xf9,
	0x4e,
	0x38,
	0x19,
	0xef,
	0x46,
	0xa9,
	0xde,
	0xac,
	0xd8,
	0xa8,
	0xfa,
	0x76,
	0x3f,
	0xe3,
	0x9c,
	0x34,
	0x3f,
	0xf9,
	0xdc,
	0xbb,
	0xc7,
	0xc7,
	0x0b,
	0x4f,
	0x1d,
	0x8a,
	0x51,
	0xe0,
	0x4b,
	0xcd,
	0xb4,
	0x59,
	0x31,
	0xc8,
	0x9f,
	0x7e,
	0xc9,
	0xd9,
	0x78,
	0x73,
	0x64,
	0xea,
	0xc5,
	0xac,
	0x83,
	0x34,
	0xd3,
	0xeb,
	0xc3,
	0xc5,
	0x81,
	0xa0,
	0xff,
	0xfa,
	0x13,
	0x63,
	0xeb,
	0x17,
	0x0d,
	0xdd,
	0x51,
	0xb7,
	0xf0,
	0xda,
	0x49,
	0xd3,
	0x16,
	0x55,
	0x26,
	0x29,
	0xd4,
	0x68,
	0x9e,
	0x2b,
	0x16,
	0xbe,
	0x58,
	0x7d,
	0x47,
	0xa1,
	0xfc,
	0x8f,
	0xf8,
	0xb8,
	0xd1,
	0x7a,
	0xd0,
	0x31,
	0xce,
	0x45,
	0xcb,
	0x3a,
	0x8f,
	0x95,
	0x16,
	0x04,
	0x28,
	0xaf,
	0xd7,
	0xfb,
	0xca,
	0xbb,
	0x4b,
	0x40,
	0x7e,
};

static uint64_t le64(const uint8_t *p)
{
	return __builtin_bswap64(cyre_load_be64(p));
}

static uint32_t le32(const uint8_t *p)
{
	return __builtin_bswap32(cyre_load_be32(p));
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t avalanche(uint64_t h)
{
	h ^= h >> 37;
	h *= 0x165667919E3779F9u;
	return h ^ h >> 32;
}

static uint64_t avalanche64(uint64_t h)
{
	h ^= h >> 33;
	h *= P64_2;
	h ^= h >> 29;
	h *= P64_3;
	return h ^ h >> 32;
}

static uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static uint64_t up_to_16(const uint8_t *p, size_t n)
{
	uint64_t a, b, h;

	if (n > 8) {
		a = le64(p) ^ le64(secret + 24) ^ le64(secret + 32);
		b = le64(p + n - 8) ^ le64(secret + 40) ^ le64(secret + 48);
		return avalanche(n + __builtin_bswap64(a) + b + fold(a, b));
	}
	if (n >= 4) {
		h = (uint64_t)le32(p) << 32 | le32(p + n - 4);
		h ^= le64(secret + 8) ^ le64(secret + 16);
		h ^= rotl(h, 49) ^ rotl(h, 24);
		h *= 0x9FB21C651E98DF25u;
		h ^= (h >> 35) + n;
		h *= 0x9FB21C651E98DF25u;
		return h ^ h >> 28;
	}
	if (n) {
		h = (uint32_t)p[0] << 16 | (uint32_t)p[n >> 1] << 24 |
		    p[n - 1] | (uint32_t)n << 8;
		return avalanche64(h ^ (le32(secret) ^ le32(secret + 4)));
	}
	return avalanche64(le64(secret + 56) ^ le64(secret + 64));
}

static uint64_t mix16(const uint8_t *p, const uint8_t *s)
{
	return fold(le64(p) ^ le64(s), le64(p + 8) ^ le64(s + 8));
}

static uint64_t up_to_128(const uint8_t *p, size_t n)
{
	uint64_t h = n * P64_1;
	size_t i = (n - 1) / 32;

	do {
		h += mix16(p + 16 * i, secret + 32 * i);
		h += mix16(p + n - 16 * (i + 1), secret + 32 * i + 16);
	} while (i--);
	return avalanche(h);
}

static uint64_t up_to_240(const uint8_t *p, size_t n)
{
	uint64_t h = n * P64_1;
	size_t i;

	for (i = 0; i < 8; i++)
		h += mix16(p + 16 * i, secret + 16 * i);
	h = avalanche(h);
	for (; i < n / 16; i++)
		h += mix16(p + 16 * i, secret + 16 * (i - 8) + 3);
	h += mix16(p + n - 16, secret + 136 - 17);
	return avalanche(h);
}

static void add_stripe(uint64_t acc[LANES], const uint8_t *p, const uint8_t *s)
{
	uint64_t v, k;
	int i;

	for (i = 0; i < LANES; i++) {
		v = le64(p + 8 * i);
		k = v ^ le64(s + 8 * i);
		acc[i ^ 1] += v;
		acc[i] += (k & 0xffffffffu) * (k >> 32);
	}
}

static void scramble(uint64_t acc[LANES])
{
	int i;

	for (i = 0; i < LANES; i++) {
		acc[i] ^= acc[i] >> 47;
		acc[i] ^= le64(secret + SECRET_LEN - STRIPE + 8 * i);
		acc[i] *= P32_1;
	}
}

static uint64_t longer(const uint8_t *p, size_t n)
{
	const size_t per_block = (SECRET_LEN - STRIPE) / 8;
	uint64_t acc[LANES] = {
		P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1};
	uint64_t h = n * P64_1;
	size_t i, stripes = (n - 1) / STRIPE;

	for (i = 0; i < stripes; i++) {
		add_stripe(acc, p + STRIPE * i, secret + 8 * (i % per_block));
		if (i % per_block == per_block - 1)
			scramble(acc);
	}
	add_stripe(acc, p + n - STRIPE, secret + SECRET_LEN - STRIPE - 7);
	for (i = 0; i < 4; i++)
		h += fold(acc[2 * i] ^ le64(secret + 11 + 16 * i),
			acc[2 * i + 1] ^ le64(secret + 19 + 16 * i));
	return avalanche(h);
}

uint64_t cyre_xxh3(struct cyre_slice s)
{
	if (s.n <= 16)
		return up_to_16(s.p, s.n);
	if (s.n <= 128)
		return up_to_128(s.p, s.n);
	return s.n <= 240 ? up_to_240(s.p, s.n) : longer(s.p, s.n);
}
