/*
 * fuzz_mboxdump.c - any bytes as a dump of ctl_mboxlist -d; what is read is
 * merged, written as each form, and read again
 */
#include <stdlib.h>

#include "mbox_merge.h"
#include "mboxdump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cyre_mbox_merge *merge;

static cyre_status add(void *payload, const struct cyre_mbox *m)
{
	struct cyre_mbox_dir dir = {.name = m->name,
		/* There is no directory without one. */
		.partition =
			m->partition.n ? m->partition : cyre_slice_str("p"),
		.by_path = true,
		.acl = m->acl,
		.has_acl = m->acl.n > 0,
		.uniqueid = m->uniqueid};

	(void)payload;
	/* One in two has a directory. */
	if (m->name.n % 2 && cyre_mbox_merge_dir(merge, &dir) != CYRE_OK)
		abort();
	return cyre_mbox_merge_copy(merge, m, CYRE_MBOX_DUMP, 0);
}

static void check(const struct cyre_db_entry *e, bool is_new)
{
	struct cyre_buf own = {0};
	struct cyre_mbox m;

	if (!cyre_mbox_read(e->key, e->value, is_new, &own, &m) && !own.bad)
		abort();
	cyre_buf_free(&own);
}

static void run(struct cyre_slice bytes, enum cyre_mbox_form form)
{
	struct cyre_mbox_merge_options o = {.now = 1};
	struct cyre_mbox_merge_result result;
	struct cyre_db_entry *records;
	uint64_t skipped;
	size_t i, n;

	if (cyre_mbox_merge_new(&o, &merge) != CYRE_OK)
		abort();
	cyre_mboxdump_read(bytes, add, NULL, &skipped);
	if (cyre_mbox_merge_finish(merge, form, "lrs", &result) != CYRE_OK ||
		cyre_mbox_merge_records(merge, &records, &n) != CYRE_OK)
		abort();
	for (i = 0; i < n; i++)
		check(&records[i], form == CYRE_MBOX_IDS);
	free(records);
	cyre_mbox_merge_free(merge);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum cyre_mbox_form form;

	for (form = CYRE_MBOX_TEXT; form <= CYRE_MBOX_IDS; form++)
		run(cyre_slice(data, size), form);
	return 0;
}
