/*
 * fuzz_index_salvage.c - the salvage reader on any bytes, alone, together with
 * the same bytes as an unfinished copy, and with message files.
 *
 * A record believed from v12 on must have a good sum where it stands.
 */
#include "digest.h"
#include "index_salvage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		__builtin_trap();
}

static void look(const struct cyre_index_salvage *s)
{
	uint64_t last = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct cyre_salvaged *v = &s->items[i];
		const struct cyre_salvaged_file *f = &s->files[v->file];
		struct cyre_index_record r = cyre_index_salvage_get(s, v);

		must(v->uid > last || (v->uid == 0 && last == 0));
		last = v->uid;
		must(v->uid == 0 || v->uid == r.uid);
		must(v->offset + v->length <= f->bytes.n);
		if (v->origin == CYRE_ORIGIN_INTACT)
			must(f->layout->version >= 12 &&
				r.record_crc == cyre_crc32(cyre_slice(
							f->bytes.p + v->offset,
							v->length - 4u)));
	}
}

static void salvage(const uint8_t *data, size_t size, bool files)
{
	static const struct cyre_msgfile some[] = {
		{.uid = 1, .state = CYRE_ENTRY_FILE, .size = 500},
		{.uid = 2, .state = CYRE_ENTRY_LISTED},
		{.uid = 3, .state = CYRE_ENTRY_FILE, .size = 900},
		{.uid = 9, .state = CYRE_ENTRY_BROKEN}};
	struct cyre_salvage_hints hints = {.now = 1800000000,
		.version = files ? 15 : 0,
		.files = files ? some : NULL,
		.nfiles = 4};
	struct cyre_salvage_source sources[3] = {
		{cyre_slice(data, size), CYRE_FILE_INDEX},
		{cyre_slice(data, size / 2), CYRE_FILE_INDEX_NEW},
		{cyre_slice(data + size / 3, size - size / 3),
			CYRE_FILE_EXPUNGE}};
	struct cyre_index_salvage s;

	if (cyre_index_salvage(sources, files ? 3 : 1, &hints, &s) != CYRE_OK)
		return;
	look(&s);
	cyre_index_salvage_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	salvage(data, size, false);
	salvage(data, size, true);
	return 0;
}
