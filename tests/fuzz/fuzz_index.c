/*
 * fuzz_index.c - cyrus.index and cyrus.expunge: the strict reader and its
 * checks on any bytes; and what was read, written again and converted.
 */
#include "check_index.h"
#include "index_convert.h"
#include "index_write.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		__builtin_trap();
}

/* Written again, the fields must be those that were read. */
static void write_again(const struct cyre_index *ix,
	const struct cyre_index_record *r, size_t n)
{
	struct cyre_findings found = {.keep = 4};
	struct cyre_buf out = {0};
	struct cyre_index_record got;
	struct cyre_index again;
	size_t i;

	must(cyre_index_write(&out, ix->layout->version, &ix->h, r, n) ==
		CYRE_OK);
	must(cyre_index_read(cyre_buf_slice(&out), CYRE_FILE_INDEX, &found,
		     &again) == CYRE_OK);
	must(again.count == n);
	for (i = 0; i < n; i++) {
		must(cyre_index_decode(&again,
			cyre_index_bytes(&again, (uint32_t)i + 1), &got));
		got.record_crc = r[i].record_crc;
		must(!memcmp(&got, &r[i], sizeof(got)));
	}
	cyre_findings_free(&found);
	cyre_buf_free(&out);
}

static void convert(const struct cyre_index *ix, struct cyre_index_record *r,
	size_t n, unsigned to)
{
	struct cyre_index_conversion c = {.from = ix->layout->version,
		.to = to,
		.highestmodseq = ix->h.highestmodseq};
	struct cyre_index_header h = ix->h;
	struct cyre_index_annotated moved;
	struct cyre_index_totals sum;
	struct cyre_index_tally t;
	struct cyre_buf out = {0};
	size_t i, kept = 0;

	cyre_index_tally_begin(&t, to, NULL, 0);
	cyre_index_convert_header(&c, &h);
	for (i = 0; i < n; i++) {
		r[kept] = r[i];
		if (!cyre_index_convert_record(&c, &h, &r[kept], NULL, &moved))
			continue;
		cyre_index_tally_add(&t, &r[kept++]);
	}
	sum = cyre_index_tally_end(&t);
	cyre_index_apply_totals(&h, &sum, 0, 0);
	cyre_index_write(&out, to, &h, r, kept);
	cyre_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cyre_index_context ctx = {
		.now = 1800000000, .header_known = true};
	struct cyre_findings found = {.keep = 4};
	struct cyre_index_record *r;
	struct cyre_index_totals t;
	struct cyre_index ix;
	size_t n, i;

	if (size < 1 || cyre_index_read(cyre_slice(data + 1, size - 1),
				CYRE_FILE_INDEX, &found, &ix) != CYRE_OK)
		goto out;
	cyre_check_index(&ix, &ctx, &found, &t);
	cyre_check_expunge(&ix, &ctx, &found, &t);
	n = (size_t)ix.count + ix.uncommitted;
	r = calloc(n + 1, sizeof(*r));
	if (!r)
		goto out;
	for (i = 0; i < n; i++)
		must(cyre_index_decode(
			&ix, cyre_index_bytes(&ix, (uint32_t)i + 1), &r[i]));
	/* Of the oldest layouts the newest form is written. */
	if (ix.layout->version >= 4 && ix.start == ix.layout->header_size &&
		ix.record_fields == ix.layout->record)
		write_again(&ix, r, n);
	if (cyre_index_layout(data[0]))
		convert(&ix, r, n, data[0]);
	free(r);
out:
	cyre_findings_sort(&found);
	cyre_findings_free(&found);
	return 0;
}
