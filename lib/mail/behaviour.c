/*
 * behaviour.c - the table of behaviours (docs/formats/cache.md section 11,
 * message-parsing.md section 11). The rows are in the order of the releases.
 */
#include "behaviour.h"

#include <stddef.h>
#include <stdlib.h>

#define RELEASE(major, minor, patch) \
	((uint32_t)(major) << 16 | (uint32_t)(minor) << 8 | (uint32_t)(patch))

#define FROM_3_4 \
	.encoded_type = true, .encoded_type_addr = true, .boundary_star = true

static const struct cyre_mail_behaviour rows[] = {
	{.name = "3.6", .release = RELEASE(3, 6, 0), .cache_version = 11,
		.index_minor = 17, .short_names = 31, FROM_3_4},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

const struct cyre_mail_behaviour *cyre_mail_behaviour(const char *release)
{
	uint32_t v = 0;
	unsigned part;
	size_t i;
	const char *p = release;

	for (i = 0; i < 3; i++) {
		for (part = 0; *p >= '0' && *p <= '9' && part < 256; p++)
			part = 10 * part + (unsigned)(*p - '0');
		if (part > 255 || (i < 2 && p == release))
			return NULL;
		v = v << 8 | part;
		if (*p == '.')
			p++;
	}
	for (i = N_ROWS; i > 0; i--) {
		if (v >= rows[i - 1].release)
			return &rows[i - 1];
	}
	return NULL;
}

const struct cyre_mail_behaviour *cyre_mail_behaviour_of_record(
	unsigned cache_version, unsigned index_minor)
{
	const struct cyre_mail_behaviour *found = NULL;
	size_t i;

	for (i = 0; i < N_ROWS; i++) {
		if (rows[i].cache_version == cache_version &&
			(!found || rows[i].index_minor <= index_minor))
			found = &rows[i];
	}
	return found;
}

const char *cyre_mail_behaviour_name(const struct cyre_mail_behaviour *b)
{
	return b->name;
}

unsigned cyre_mail_cache_version(const struct cyre_mail_behaviour *b)
{
	return b->cache_version;
}
