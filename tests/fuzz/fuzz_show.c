/*
 * fuzz_show.c - a file of any kind, as cyrshow prints it, text and JSON
 *
 * What is not recognised is shown as each kind by turns, as damaged files with
 * a name are.
 */
#include <stdlib.h>

#include "show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int sink(const void *bytes, size_t n, void *payload)
{
	*(size_t *)payload += n;
	return bytes || !n ? 0 : -1;
}

static void show(struct cyre_slice s, enum cyre_show_kind kind,
	const struct cyre_show_options *o)
{
	struct cyre_shower shower = {.o = o,
		.out = {.format = o->format,
			.verbose = o->verbose,
			.write = o->write,
			.payload = o->payload}};
	struct cyre_beside none = {0};

	cyre_show_file(&shower, "file", "kind", s.n);
	switch (kind) {
	case CYRE_SHOW_HEADER:
		cyre_show_header(&shower, s, CYRE_FILE_HEADER);
		break;
	case CYRE_SHOW_INDEX:
		cyre_show_index(&shower, s, CYRE_FILE_INDEX, &none);
		break;
	default:
		cyre_show_cache(&shower, s, CYRE_FILE_CACHE, &none, true);
	}
	cyre_out_flush(&shower.out);
	cyre_out_free(&shower.out);
	free(shower.told);
	cyre_findings_free(&shower.found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cyre_slice s = cyre_slice(data, size);
	enum cyre_show_kind kind = cyre_show_recognise(s);
	struct cyre_show_options o = {.write = sink};
	size_t written = 0;
	int i;

	o.payload = &written;
	for (i = 0; i < 2; i++) {
		o.format = i ? CYRE_REPORT_TEXT : CYRE_REPORT_JSON;
		o.verbose = i;
		if (kind == CYRE_SHOW_UNKNOWN || kind == CYRE_SHOW_DATABASE) {
			show(s, CYRE_SHOW_HEADER, &o);
			show(s, CYRE_SHOW_INDEX, &o);
			show(s, CYRE_SHOW_CACHE, &o);
		} else {
			show(s, kind, &o);
		}
	}
	return 0;
}
