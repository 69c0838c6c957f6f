/* A reviewed plan is a file people edit: any bytes are read or refused. */
#include "rebuild.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct cyre_rebuild_box box;
	const struct cyre_plan_entry *e;
	struct cyre_plan_list *l;
	uint64_t now;

	if (cyre_plan_list_read(cyre_slice(data, n), &now, &l) != CYRE_OK)
		return 0;
	e = cyre_plan_list_find(l, "spool/user/ann");
	if (e)
		cyre_plan_entry_differs(e, &box);
	cyre_plan_list_free(l);
	return 0;
}
