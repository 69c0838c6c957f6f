/*
 * damage.h - every small damage to a file: each bit flipped, each length it can
 * be cut to, each sector zeroed
 *
 * A test counts how many of them are noticed and compares with the number it
 * has recorded: a smaller one is a step back, a larger one is to be recorded.
 */
#ifndef CYRE_DAMAGE_H
#define CYRE_DAMAGE_H

#include "files.h"

#define SECTOR 512

/* Is this file, with the damage, found to be damaged? */
typedef bool damage_test(struct cyre_slice file, void *payload);

struct damage {
	unsigned flips, cuts, sectors; /* noticed */
};

static inline unsigned damage_flips(
	struct cyre_slice s, damage_test *test, void *payload)
{
	uint8_t *p = (uint8_t *)s.p;
	unsigned noticed = 0;

	for (size_t bit = 0; bit < s.n * 8; bit++) {
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		noticed += test(s, payload);
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	return noticed;
}

/* In memory of exactly the length, so that a sanitizer sees a step too far. */
static inline unsigned damage_cuts(
	struct cyre_slice s, damage_test *test, void *payload)
{
	unsigned noticed = 0;

	for (size_t n = 0; n < s.n; n++) {
		uint8_t *p = malloc(n ? n : 1);

		memcpy(p, s.p, n);
		noticed += test(cyre_slice(p, n), payload);
		free(p);
	}
	return noticed;
}

static inline unsigned damage_sectors(
	struct cyre_slice s, damage_test *test, void *payload)
{
	uint8_t keep[SECTOR], *p = (uint8_t *)s.p;
	unsigned noticed = 0;

	for (size_t at = 0; at < s.n; at += SECTOR) {
		size_t n = s.n - at < SECTOR ? s.n - at : SECTOR;

		memcpy(keep, p + at, n);
		memset(p + at, 0, n);
		noticed += test(s, payload);
		memcpy(p + at, keep, n);
	}
	return noticed;
}

static inline struct damage damage_all(
	struct cyre_slice s, damage_test *test, void *payload)
{
	struct damage d = {damage_flips(s, test, payload),
		damage_cuts(s, test, payload),
		damage_sectors(s, test, payload)};

	return d;
}

/* fixtures/mailboxes/RELEASE/NAME */
static inline struct cyre_slice damage_fixture(
	const char *release, const char *name)
{
	char path[1000];

	snprintf(path, sizeof(path), "%s/fixtures/mailboxes/%s/%s",
		CYRE_SOURCE_DIR, release, name);
	return test_read(path);
}

#endif
