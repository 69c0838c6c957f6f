/*
 * rebuild_box.c - what is held of one mailbox of a rebuild
 */
#include "rebuild.h"

#include <stdlib.h>
#include <string.h>

const char *cyre_rebuild_key(
	const struct cyre_candidate *c, const struct cyre_rebuild_box *box)
{
	return c->name ? c->name : (const char *)box->slot.path.p;
}

void cyre_rebuild_free_box(struct cyre_rebuild_box *box)
{
	size_t i;

	cyre_locks_release(&box->locks);
	cyre_plan_free(&box->plan);
	cyre_mailbox_relist_free(&box->fresh);
	cyre_findings_free(&box->slot.found);
	cyre_findings_free(&box->left);
	cyre_buf_free(&box->slot.path);
	for (i = 0; i < CYRE_PLANNED_FILES; i++)
		cyre_buf_free(&box->kept[i]);
	free(box->read);
	free(box->changes);
	free(box->moves);
	free(box->quarantine);
	*box = (struct cyre_rebuild_box){0};
}

void cyre_rebuild_explain(struct cyre_rebuild_box *box, const char *what,
	cyre_status st, const struct cyre_error *err)
{
	const char *path = err ? err->path : "";
	char text[128];

	snprintf(box->error, sizeof(box->error), "%s%s%s%s", what, path,
		*path ? ": " : "",
		*path && err->errnum
			? strerror_r(err->errnum, text, sizeof(text))
			: cyre_status_text(st));
}

void cyre_rebuild_fail(struct cyre_rebuild_box *box, cyre_status st,
	const struct cyre_error *err)
{
	box->outcome = CYRE_OUTCOME_FAILED;
	cyre_rebuild_explain(box, "", st, err);
}

bool cyre_rebuild_above_note(const struct cyre_findings *f)
{
	enum cyre_severity s;

	return cyre_findings_worst(f, &s) && s > CYRE_SEV_NOTE;
}
