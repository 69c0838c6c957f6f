/* fuzz_journal.c - the journal of a killed run, and the list of changes of an
 * undo archive: what is read can be written and read again. */
#include "changes.h"
#include "journal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static cyre_status each(void *payload, const struct cyre_journal_line *l)
{
	size_t *n = payload;

	*n += strlen(l->mboxname);
	return CYRE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cyre_changes list = {0}, again = {0};
	struct cyre_buf b = {0};
	size_t i, n = 0;

	cyre_journal_read(cyre_slice(data, size), each, &n);
	if (cyre_changes_read(cyre_slice(data, size), &list) != CYRE_OK)
		return 0;
	cyre_changes_begin(&b, "fuzz", list.root);
	for (i = 0; i < list.n; i++)
		cyre_changes_put(&b, &list.items[i]);
	if (cyre_changes_read(cyre_buf_slice(&b), &again) != CYRE_OK ||
		again.n != list.n)
		abort();
	for (i = 0; i < list.n; i++)
		if (again.items[i].kind != list.items[i].kind ||
			strcmp(again.items[i].root, list.items[i].root) != 0 ||
			strcmp(again.items[i].dir, list.items[i].dir) != 0)
			abort();
	cyre_changes_free(&again);
	cyre_changes_free(&list);
	cyre_buf_free(&b);
	return 0;
}
