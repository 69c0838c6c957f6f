/*
 * fuzz_header_salvage.c - cyrus.header: salvage of any bytes, and what comes of
 * it written and read again. The first four bytes are the sum of the index.
 */
#include "bytes.h"
#include "header_salvage.h"
#include "header_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		__builtin_trap();
}

/* What was written must say the same, without a finding. */
static void write_and_read(struct cyre_header *h, enum cyre_header_form form)
{
	static const uint64_t use[CYRE_HEADER_MAX_FLAGS] = {1, 0, 1, [127] = 1};
	char own[CYRE_HEADER_MAX_FLAGS][CYRE_HEADER_PLACEHOLDER];
	struct cyre_findings found = {.keep = 4};
	struct cyre_buf out = {0};
	struct cyre_header again;

	cyre_header_name_used(h, use, own);
	/* No name of a mailbox holds one; our reader takes it for a list. */
	if (form == CYRE_HEADER_TEXT && h->quotaroot.n > 1 &&
		h->quotaroot.p[1] == '(')
		return;
	if (cyre_header_write(&out, h, form) == CYRE_OK) {
		must(cyre_header_read(cyre_buf_slice(&out), CYRE_FILE_HEADER,
			     &found, &again) == CYRE_OK);
		must(found.n == 0 && again.form == form);
		must(cyre_slice_eq(again.uniqueid, h->uniqueid));
		must(again.nflags == h->nflags);
		for (unsigned i = 0; i < h->nflags; i++)
			must(!h->flags[i].n ||
				cyre_slice_eq(again.flags[i], h->flags[i]));
		cyre_header_free(&again);
	}
	cyre_findings_free(&found);
	cyre_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cyre_header_salvage s;
	uint32_t sum;

	if (size < 4)
		return 0;
	sum = cyre_load_be32(data);
	if (cyre_header_salvage(cyre_slice(data + 4, size - 4),
		    sum ? &sum : NULL, &s) != CYRE_OK)
		return 0;
	write_and_read(&s.h, CYRE_HEADER_TEXT);
	write_and_read(&s.h, CYRE_HEADER_DLIST);
	cyre_header_salvage_free(&s);
	return 0;
}
