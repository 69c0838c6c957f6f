/*
 * behaviour.c - the table of behaviours (docs/formats/cache.md section 11,
 * message-parsing.md section 11). The rows are in the order of the releases.
 */
#include "behaviour.h"

#include <stddef.h>
#include <stdlib.h>

#define RELEASE(major, minor, patch) \
	((uint32_t)(major) << 16 | (uint32_t)(minor) << 8 | (uint32_t)(patch))

/* What later rows have in common with the first release that did so. */
#define FROM_3_2 .encoded_type = true
#define FROM_3_4 FROM_3_2, .encoded_type_addr = true, .boundary_star = true
#define FROM_3_12                                                           \
	FROM_3_4, .octet_stream = true, .message_global = true,             \
		.message_encoded = true, .domain_8bit = true

static const struct cyre_mail_behaviour rows[] = {
	{.name = "3.0", .release = RELEASE(3, 0, 0), .cache_version = 6,
		.index_minor = 13, .short_names = 31,
		.param = CYRE_PARAM_RESYNC, .quote = CYRE_QUOTE_STRICT_OLD,
		.section = CYRE_SECTION_GUID, .search = CYRE_SEARCH_DECODED,
		.date = CYRE_DATE_822, .first_charset = true,
		.short_content = true, .loose_words = true,
		.old_latin1 = true, .base64_ignores_pad = true},
	{.name = "3.2", .release = RELEASE(3, 2, 0), .cache_version = 10,
		.index_minor = 16, .short_names = 31,
		.quote = CYRE_QUOTE_STRICT, .search = CYRE_SEARCH_DECODED,
		.date = CYRE_DATE_5322_SIGNED, .first_charset = true,
		.short_content = true, FROM_3_2},
	{.name = "3.4", .release = RELEASE(3, 4, 0), .cache_version = 10,
		.index_minor = 17, .short_names = 31,
		.search = CYRE_SEARCH_DECODED, .date = CYRE_DATE_5322_SIGNED,
		.first_charset = true, FROM_3_4},
	{.name = "3.6", .release = RELEASE(3, 6, 0), .cache_version = 11,
		.index_minor = 17, .short_names = 31, FROM_3_4},
	{.name = "3.12", .release = RELEASE(3, 12, 0), .cache_version = 13,
		.index_minor = 19, .short_names = 31, FROM_3_12},
	{.name = "3.13", .release = RELEASE(3, 13, 0), .cache_version = 14,
		.index_minor = 20, .short_names = 31, FROM_3_12,
		.lf_ends_header = true, .real_line_end = true},
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
