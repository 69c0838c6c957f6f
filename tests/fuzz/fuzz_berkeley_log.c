/* fuzz_berkeley_log - the log files of a Berkeley DB environment. */
#include <stdlib.h>

#include "berkeley_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cyre_berkeley_log log;

	if (!cyre_berkeley_log_read(cyre_slice(data, size), &log))
		return 0;
	if (log.end > size || log.next >= size ||
		(log.next && log.next <= log.end))
		abort();
	return 0;
}
