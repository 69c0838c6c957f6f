/*
 * plan_annotations_mend.c - a damaged cyrus.annotations, written again
 *
 * The server ends, or refuses the mailbox, when it meets such a file: better
 * the annotations that can still be read than none, and a mailbox. What nothing
 * can be read from is taken away; the undo archive has it.
 *
 * Format: docs/formats/per-mailbox-other.md 4.
 */
#include "plan_work.h"

#include <stdlib.h>

#include "annotation.h"

/* Of the databases only this one is a mailbox's file. */
bool cyre_plan_annotations_damaged(const struct cyre_plan_work *w)
{
	const struct cyre_problem_row *row;
	int p;

	for (p = 0; p < CYRE_PROBLEM_COUNT; p++) {
		if (!w->found->count[p] ||
			!cyre_plan_wants(w, (enum cyre_problem)p))
			continue;
		row = cyre_problem_row((enum cyre_problem)p);
		if (p == CYRE_P_ANNOTATIONS_UNREADABLE ||
			(!strncmp(row->id, "DB-", 3) &&
				row->severity > CYRE_SEV_STALE))
			return true;
	}
	return false;
}

/* As the format in which most can be read; NULL: nothing can. */
static cyre_status salvage(struct cyre_slice bytes, struct cyre_db **ret)
{
	static const enum cyre_db_format formats[] = {
		CYRE_DB_TWOSKIP, CYRE_DB_SKIPLIST, CYRE_DB_TWOM};
	struct cyre_db *db;
	cyre_status st;
	size_t i;

	*ret = NULL;
	for (i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		st = cyre_db_salvage(bytes, formats[i], NULL, &db);
		if (st == CYRE_ENOMEM) {
			cyre_db_free(*ret);
			return st;
		}
		if (st != CYRE_OK)
			continue;
		if (cyre_db_count(db) > (*ret ? cyre_db_count(*ret) : 0)) {
			cyre_db_free(*ret);
			*ret = db;
		} else {
			cyre_db_free(db);
		}
	}
	return CYRE_OK;
}

/* Of one key twice the surer, which stands first. */
static size_t choose(const struct cyre_db *db, struct cyre_db_entry *ret)
{
	size_t i, n = 0, all = db ? cyre_db_count(db) : 0;
	struct cyre_annotation a;

	for (i = 0; i < all; i++) {
		const struct cyre_db_entry *e = cyre_db_at(db, i);

		if (e->trust != CYRE_DB_UNCOMMITTED &&
			cyre_annotation_parse(e->key, e->value, &a) &&
			(!n || !cyre_slice_eq(ret[n - 1].key, e->key)))
			ret[n++] = *e;
	}
	return n;
}

static cyre_status write_file(struct cyre_plan_work *w,
	const struct cyre_db *db, const struct cyre_db_entry *e, size_t n)
{
	const struct cyre_db_info *old = db ? cyre_db_info(db) : NULL;
	struct cyre_db_write_options o = {
		.format = old ? old->format : CYRE_DB_TWOSKIP,
		.generation = old ? old->generation + 1 : 0,
		.time = (uint32_t)w->hints->now};
	struct cyre_plan_file *f = cyre_plan_add_file(w, CYRE_FILE_ANNOTATIONS);
	uint8_t *bytes;
	cyre_status st;
	size_t size;

	f->remove = n == 0;
	w->annotation_bytes = cyre_slice(NULL, 0);
	if (!n)
		return CYRE_OK;
	/* Not written by us; the server that has it reads twoskip as well. */
	if (o.format == CYRE_DB_TWOM)
		o.format = CYRE_DB_TWOSKIP;
	o.order = cyre_db_usual_order(o.format);
	st = cyre_db_write(&o, e, n, &bytes, &size);
	if (st != CYRE_OK)
		return st == CYRE_ENOMEM ? st : CYRE_EIO;
	cyre_put(&f->bytes, bytes, size);
	free(bytes);
	w->annotation_bytes = cyre_buf_slice(&f->bytes);
	return f->bytes.bad ? CYRE_ENOMEM : CYRE_OK;
}

cyre_status cyre_plan_annotations_mend(struct cyre_plan_work *w)
{
	struct cyre_db_entry *e = NULL;
	struct cyre_db *db;
	char kept[24];
	cyre_status st;
	size_t n;

	if (!cyre_plan_annotations_damaged(w))
		return CYRE_OK;
	st = salvage(w->annotation_bytes, &db);
	if (st != CYRE_OK)
		return st;
	e = calloc((db ? cyre_db_count(db) : 0) + 1, sizeof(*e));
	n = e ? choose(db, e) : 0;
	st = e ? CYRE_OK : CYRE_ENOMEM;
	if (st == CYRE_OK) {
		snprintf(kept, sizeof(kept), "%zu", n);
		cyre_plan_note(
			w, &(struct cyre_repair){.file = CYRE_FILE_ANNOTATIONS,
				   .field = "records",
				   .after = kept,
				   .origin = "what can be read",
				   .loss = "annotations"});
		st = write_file(w, db, e, n);
	}
	free(e);
	cyre_db_free(db);
	return st;
}
