/*
 * rebuild_report.c - what became of a mailbox: into the result, the reports and
 * the plan file
 *
 * Called in the order of the mailboxes, by one thread.
 */
#include "rebuild.h"

static void put_repairs(struct cyre_rebuild *rb,
	const struct cyre_report_mailbox *line,
	const struct cyre_rebuild_box *box)
{
	const struct cyre_scan_options *o = &rb->o->scan;
	size_t i, k;

	for (i = 0; i < box->plan.n_repairs; i++) {
		const struct cyre_repair *p = &box->plan.repairs[i];
		struct cyre_report_repair repair = {.file = p->file,
			.uid = p->uid,
			.field = p->field,
			.before = p->before,
			.after = p->after,
			.origin = p->origin,
			.loss = p->loss};

		for (k = 0; k < o->n_reports; k++)
			cyre_report_repair(o->reports[k], line, &repair);
	}
}

static void put_plan(
	struct cyre_rebuild *rb, const struct cyre_rebuild_box *box)
{
	struct cyre_buf line = {0};

	if (!rb->o->plan_write || box->outcome != CYRE_OUTCOME_PLANNED)
		return;
	cyre_plan_put_mailbox(&line, box);
	if (line.bad)
		rb->run.status = CYRE_ENOMEM;
	else if (rb->o->plan_write(line.p, line.n, rb->o->plan_payload) < 0)
		rb->run.status = CYRE_EIO;
	cyre_buf_free(&line);
}

static void count(struct cyre_rebuild *rb, const struct cyre_rebuild_box *box)
{
	struct cyre_rebuild_result *res = &rb->result;
	struct cyre_scan_result *scan = &rb->run.result;
	enum cyre_severity worst;

	scan->mailboxes++;
	if (cyre_findings_worst(&box->slot.found, &worst)) {
		scan->has_findings = true;
		if (worst > scan->worst)
			scan->worst = worst;
	}
	res->changed += box->changed;
	res->put_back += box->put_back;
	res->planned += box->outcome == CYRE_OUTCOME_PLANNED;
	res->left += box->outcome == CYRE_OUTCOME_LEFT;
	res->failed += box->outcome == CYRE_OUTCOME_FAILED;
}

void cyre_rebuild_report(struct cyre_rebuild *rb, struct cyre_rebuild_box *box)
{
	struct cyre_report_mailbox *line = &box->slot.report;
	const struct cyre_scan_options *o = &rb->o->scan;
	size_t i;

	count(rb, box);
	line->outcome = box->outcome;
	line->changed = box->changed;
	line->left = box->looked_again ? &box->left : NULL;
	line->error = *box->error ? box->error : NULL;
	for (i = 0; i < o->n_reports; i++)
		cyre_report_mailbox(o->reports[i], line);
	if (box->outcome != CYRE_OUTCOME_FAILED || box->changed)
		put_repairs(rb, line, box);
	put_plan(rb, box);
}
