/*
 * behaviour.c - the table of behaviours (docs/formats/cache.md section 11,
 * message-parsing.md section 11). The rows are in the order of the releases.
 */
#include "behaviour.h"

#include <stddef.h>
#include <stdlib.h>

#define RELEASE(major, minor, patch)                                           \
	((uint32_t)(major) << 16 | (uint32_t)(minor) << 8 | (uint32_t)(patch))

/* What later rows have in common with the first release that did so. */
#define FROM_3_2 .encoded_type = true
#define FROM_3_4 FROM_3_2, .encoded_type_addr = true, .boundary_star = true
#define FROM_3_12                                                              \
	FROM_3_4, .octet_stream = true, .message_global = true,                \
		  .message_encoded = true, .domain_8bit = true

#define UP_TO_3_0                                                              \
	.first_charset = true, .loose_words = true, .old_latin1 = true,        \
	.base64_ignores_pad = true
#define UP_TO_2_5                                                              \
	UP_TO_3_0, .param = CYRE_PARAM_STOP, .short_names = 30,                \
		   .first_wins = true, .domain_ends_at_at = true,              \
		   .short_content = true, .size_of_parts = true
#define UP_TO_2_4                                                              \
	UP_TO_2_5, .section = CYRE_SECTION_NUMBER, .nul_cuts_line = true
#define UP_TO_2_3                                                              \
	UP_TO_2_4, .quote = CYRE_QUOTE_OPEN, .group_stays_open = true,         \
		   .plain_boundary = true, .no_boundary_limit = true,          \
		   .search = CYRE_SEARCH_SQUEEZED, .date = CYRE_DATE_822_NOW
#define UP_TO_2_3_8                                                            \
	UP_TO_2_3, .no_location = true, .no_header_limit = true,               \
		   .n_charsets = 23

static const struct cyre_mail_behaviour rows[] = {
	{.name = "2.1",
		.release = RELEASE(2, 1, 0),
		.cache_version = 0,
		.index_minor = 3,
		UP_TO_2_3_8,
		.greek_vanishes = true},
	{.name = "2.1.16",
		.release = RELEASE(2, 1, 16),
		.cache_version = 1,
		.index_minor = 6,
		UP_TO_2_3_8,
		.greek_vanishes = true},
	{.name = "2.2",
		.release = RELEASE(2, 2, 0),
		.cache_version = 2,
		.index_minor = 4,
		UP_TO_2_3_8},
	{.name = "2.3.9",
		.release = RELEASE(2, 3, 9),
		.cache_version = 2,
		.index_minor = 10,
		UP_TO_2_3,
		.no_header_limit = true,
		.n_charsets = 26},
	{.name = "2.3.14",
		.release = RELEASE(2, 3, 14),
		.cache_version = 2,
		.index_minor = 10,
		UP_TO_2_3,
		.n_charsets = 26},
	{.name = "2.4",
		.release = RELEASE(2, 4, 0),
		.cache_version = 3,
		.index_minor = 12,
		UP_TO_2_4,
		.quote = CYRE_QUOTE_STRICT_OLD,
		.search = CYRE_SEARCH_MERGED,
		.date = CYRE_DATE_822_LAX,
		.spam_headers = true,
		.subject_always = true,
		.n_charsets = 31},
	{.name = "2.5",
		.release = RELEASE(2, 5, 0),
		.cache_version = 3,
		.index_minor = 13,
		UP_TO_2_5,
		.quote = CYRE_QUOTE_STRICT_OLD,
		.section = CYRE_SECTION_WORD,
		.search = CYRE_SEARCH_DECODED,
		.date = CYRE_DATE_822,
		.wide_numbers = true,
		.n_charsets = 34},
	{.name = "3.0",
		.release = RELEASE(3, 0, 0),
		.cache_version = 6,
		.index_minor = 13,
		.short_names = 31,
		.param = CYRE_PARAM_RESYNC,
		.quote = CYRE_QUOTE_STRICT_OLD,
		.section = CYRE_SECTION_GUID,
		.search = CYRE_SEARCH_DECODED,
		.date = CYRE_DATE_822,
		UP_TO_3_0},
	{.name = "3.2",
		.release = RELEASE(3, 2, 0),
		.cache_version = 10,
		.index_minor = 16,
		.short_names = 31,
		.quote = CYRE_QUOTE_STRICT,
		.search = CYRE_SEARCH_DECODED,
		.date = CYRE_DATE_5322_SIGNED,
		.first_charset = true,
		FROM_3_2},
	{.name = "3.4",
		.release = RELEASE(3, 4, 0),
		.cache_version = 10,
		.index_minor = 17,
		.short_names = 31,
		.search = CYRE_SEARCH_DECODED,
		.date = CYRE_DATE_5322_SIGNED,
		.first_charset = true,
		FROM_3_4},
	{.name = "3.6",
		.release = RELEASE(3, 6, 0),
		.cache_version = 11,
		.index_minor = 17,
		.short_names = 31,
		FROM_3_4},
	{.name = "3.12",
		.release = RELEASE(3, 12, 0),
		.cache_version = 13,
		.index_minor = 19,
		.short_names = 31,
		FROM_3_12},
	{.name = "3.13",
		.release = RELEASE(3, 13, 0),
		.cache_version = 14,
		.index_minor = 20,
		.short_names = 31,
		FROM_3_12,
		.lf_ends_header = true,
		.real_line_end = true,
		.strict_addr_list = true},
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

const struct cyre_mail_behaviour *cyre_mail_behaviour_after(
	const struct cyre_mail_behaviour *b)
{
	if (!b)
		return rows;
	return b + 1 < rows + N_ROWS ? b + 1 : NULL;
}

const char *cyre_mail_behaviour_name(const struct cyre_mail_behaviour *b)
{
	return b->name;
}

unsigned cyre_mail_cache_version(const struct cyre_mail_behaviour *b)
{
	return b->cache_version;
}
