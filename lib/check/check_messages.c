/*
 * check_messages.c - GUID of a message, and what a damaged file looks like
 *
 * Reads one message's bytes and its record. Sizes were compared by name and
 * stat in check_files.c; parsing is the mail layer's.
 *
 * Rules: docs/formats/index.md 8.4, invariant 21.
 */
#include "check_messages.h"

#include <stdio.h>
#include <strings.h>

/* What a file system leaves where a block was lost. */
#define ZEROED 512

static bool zeros(const uint8_t *p, size_t n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return n == 0;
}

bool cyre_message_is_zeroed(struct cyre_slice bytes)
{
	return bytes.n && zeros(bytes.p, bytes.n < ZEROED ? bytes.n : ZEROED);
}

bool cyre_record_has_guid(
	const struct cyre_index *ix, const struct cyre_index_record *r)
{
	unsigned version = ix->layout->version;

	/* v7 to v9 have the UUID of the old replication, and a v10 made from
	 * one of those has it padded with 8 zeros. */
	if (version < 10 || zeros(r->guid, sizeof(r->guid)))
		return false;
	return version > 10 || !zeros(r->guid + 12, 8);
}

void cyre_check_message(const struct cyre_index *ix,
	const struct cyre_index_record *r, uint32_t uid,
	struct cyre_slice bytes, const uint8_t guid[CYRE_SHA1_LEN],
	struct cyre_findings *found)
{
	if (cyre_message_is_zeroed(bytes))
		CYRE_FIND(found, .problem = CYRE_P_MESSAGE_ZEROED,
			.file = CYRE_FILE_MESSAGE, .uid = uid);
	if (r && bytes.n && cyre_record_has_guid(ix, r) &&
		memcmp(guid, r->guid, CYRE_SHA1_LEN) != 0)
		CYRE_FIND(found, .problem = CYRE_P_MESSAGE_GUID,
			.file = CYRE_FILE_MESSAGE, .uid = uid);
}

cyre_status cyre_cache_is_sound(const struct cyre_index *ix,
	const struct cyre_index_record *r, const struct cyre_cache_record *cr,
	struct cyre_cache_scratch *scratch, bool *ret)
{
	unsigned version = cyre_cache_version((uint32_t)r->cache_version);
	struct cyre_cache_fault fault;
	struct cyre_cache_part top;
	cyre_status st;

	*ret = false;
	if (version > CYRE_CACHE_MAX_VERSION ||
		(cyre_index_has_crc(ix->layout) && r->cache_crc &&
			cyre_crc32(cr->bytes) != r->cache_crc) ||
		!cyre_cache_padding_ok(cr))
		return CYRE_OK;
	st = cyre_check_cache_items(cr, version, scratch, &fault);
	if (st == CYRE_OK && !fault.what)
		*ret = cyre_cache_top_part(cr, version, &top) &&
		       top.header_size == r->header_size;
	return st;
}

struct cyre_cache_difference cyre_cache_compare(
	const struct cyre_cache_record *is,
	const struct cyre_cache_record *made, bool old)
{
	struct cyre_cache_difference d = {0, 0};
	int i;

	for (i = 0; i < CYRE_CACHE_ITEMS; i++) {
		struct cyre_slice a = is->item[i], b = made->item[i];

		if (cyre_slice_eq(a, b))
			continue;
		if (old && (i >= CYRE_CACHE_FROM ||
				   (i == CYRE_CACHE_ENVELOPE && a.n == b.n &&
					   !strncasecmp((const char *)a.p,
						   (const char *)b.p, a.n))))
			d.vary |= 1u << i;
		else
			d.differ |= 1u << i;
	}
	return d;
}

static void find_items(enum cyre_problem problem, enum cyre_file file,
	const struct cyre_index_record *r, unsigned items,
	struct cyre_findings *found)
{
	char text[128] = "";
	size_t n;
	int i;

	for (i = 0; i < CYRE_CACHE_ITEMS; i++) {
		if (!(items >> i & 1))
			continue;
		n = strlen(text);
		snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "",
			cyre_cache_item_name((enum cyre_cache_item)i));
	}
	if (items)
		CYRE_FIND(found, .problem = problem, .file = file,
			.uid = (uint32_t)r->uid,
			.offset = cyre_cache_offset((uint32_t)r->cache_offset,
				(uint32_t)r->cache_version),
			.text = text);
}

void cyre_check_cached(enum cyre_file file, const struct cyre_index_record *r,
	const struct cyre_cache_difference *d, struct cyre_findings *found)
{
	find_items(CYRE_P_CACHE_STALE, file, r, d->differ, found);
	find_items(CYRE_P_CACHE_OLD_FORM, file, r, d->vary, found);
}
