/*
 * base64_blocks.c - the inner part of a base64 line, 32 characters at a time
 *
 * With AVX2, by the lookups of Mula and Lemire, "Faster Base64 Encoding and
 * Decoding using AVX2 Instructions" (2018); on other processors nothing is
 * decoded here, and encode.c does it all.
 */
#include "parse.h"

#ifdef __x86_64__
#include <immintrin.h>

#define TWICE(...) __VA_ARGS__, __VA_ARGS__
#define AVX2       __attribute__((target("avx2")))

/* 32 characters to values; false: not all are of the alphabet. */
AVX2 static inline bool values_of(__m256i *v)
{
	/* A bit two nibbles have in common: no character of the alphabet. */
	const __m256i by_low =
		_mm256_setr_epi8(TWICE(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
			0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a));
	const __m256i by_high =
		_mm256_setr_epi8(TWICE(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04,
			0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10));
	/* From the character to its value; the first is that of the slash. */
	const __m256i shift = _mm256_setr_epi8(TWICE(
		0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0));
	const __m256i slash = _mm256_set1_epi8('/');
	__m256i high = _mm256_and_si256(_mm256_srli_epi32(*v, 4), slash);
	__m256i low = _mm256_and_si256(*v, slash);

	if (!_mm256_testz_si256(_mm256_shuffle_epi8(by_low, low),
		    _mm256_shuffle_epi8(by_high, high)))
		return false;
	high = _mm256_add_epi8(_mm256_cmpeq_epi8(*v, slash), high);
	*v = _mm256_add_epi8(*v, _mm256_shuffle_epi8(shift, high));
	return true;
}

/* 32 values of 6 bits to 24 bytes. */
AVX2 static inline __m256i pack(__m256i v)
{
	const __m256i order = _mm256_setr_epi8(
		TWICE(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));

	v = _mm256_maddubs_epi16(v, _mm256_set1_epi32(0x01400140));
	v = _mm256_madd_epi16(v, _mm256_set1_epi32(0x00011000));
	v = _mm256_shuffle_epi8(v, order);
	return _mm256_permutevar8x32_epi32(
		v, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
}

AVX2 static size_t blocks(const uint8_t *p, size_t n, uint8_t *q)
{
	size_t i;
	__m256i v;

	for (i = 0; n - i >= 32; i += 32, q += 24) {
		v = _mm256_loadu_si256((const void *)(p + i));
		if (!values_of(&v))
			break;
		_mm256_storeu_si256((void *)q, pack(v));
	}
	return i;
}

size_t cyre_base64_blocks(const uint8_t *p, size_t n, uint8_t *out)
{
	return __builtin_cpu_supports("avx2") ? blocks(p, n, out) : 0;
}
#else
size_t cyre_base64_blocks(const uint8_t *p, size_t n, uint8_t *out)
{
	(void)p;
	(void)n;
	(void)out;
	return 0;
}
#endif
