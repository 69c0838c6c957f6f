/*
 * fuzz_cache.c - cyrus.cache: file, records, items; any bytes
 *
 * The first byte is the cache version. The index is made here: a record at
 * offset 4 and one at the offset that the next two bytes say, without check
 * sums, so that each item is looked at.
 */
#include "check_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define START  96 /* v10 */
#define STRIDE 88

static void make_record(
	uint8_t *p, uint32_t uid, uint32_t offset, uint32_t version)
{
	cyre_store_be32(p, uid);
	cyre_store_be32(p + 24, offset);
	cyre_store_be32(p + 56, version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t index[START + 2 * STRIDE] = {0};
	struct cyre_findings found = {.keep = 4};
	struct cyre_cache_context ctx = {.file = CYRE_FILE_CACHE};
	struct cyre_cache_totals totals;
	struct cyre_source src;
	struct cyre_index ix;

	if (size < 3)
		return 0;
	cyre_store_be32(index + 8, 10);
	cyre_store_be32(index + 12, START);
	cyre_store_be32(index + 16, STRIDE);
	cyre_store_be32(index + 20, 2);
	make_record(index + START, 1, 4, data[0]);
	make_record(
		index + START + STRIDE, 2, cyre_load_be16(data + 1), data[0]);
	if (cyre_index_read(cyre_slice(index, sizeof(index)), CYRE_FILE_INDEX,
		    &found, &ix) == CYRE_OK) {
		ctx.index = &ix;
		src = cyre_source_mem(cyre_slice(data + 3, size - 3));
		cyre_check_cache(&src, &ctx, &found, &totals);
	}
	cyre_findings_free(&found);
	return 0;
}
