/*
 * fuzz_mboxlist.c - any database for the check of mailboxes.db
 */
#include "check_mboxlist.h"
#include "mboxlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cyre_findings found = {.keep = 10};
	struct cyre_db *db;

	if (cyre_db_open(cyre_slice(data, size), &found, &db) != CYRE_OK)
		goto out;
	cyre_db_check_values(db, CYRE_DB_KIND_MAILBOXES, &found);
	cyre_check_mboxlist(db, cyre_slice_str("cyrus admin"), &found);
	cyre_db_free(db);
out:
	cyre_findings_free(&found);
	return 0;
}
