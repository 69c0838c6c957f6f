/* fuzz_header.c - cyrus.header: reader and checks; any bytes. */
#include "check_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cyre_header_context ctx = {.file = CYRE_FILE_HEADER};
	struct cyre_findings found = {.keep = 4};
	struct cyre_header h;

	if (cyre_header_read(cyre_slice(data, size), ctx.file, &found, &h) !=
		CYRE_OK)
		return 0;
	cyre_check_header(&h, &ctx, &found);
	cyre_findings_sort(&found);
	cyre_header_free(&h);
	cyre_findings_free(&found);
	return 0;
}
