/* fuzz_sqlite.c - any bytes as a sqlite file. */
#include "db.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_db(data, size, CYRE_DB_SQLITE);
}
