/*
 * rebuild_plan_write.c - a plan as a file, for people to read and for --plan
 *
 * JSON Lines, docs/plan.schema.json: a header, then a line for each mailbox
 * that is to be changed: what its files were when the plan was made, what they
 * are to become (by size and SHA-256), and which values change. Paths are the
 * key; they are bytes, and escaped.
 */
#include "rebuild.h"

#include "dbrebuild.h"
#include "json.h"

static void put_files(struct cyre_json *j, const char *key,
	const struct cyre_planned_file *files, size_t n, const char *none)
{
	char hex[2 * CYRE_SHA256_LEN + 1];
	size_t i;

	cyre_json_key(j, key);
	cyre_json_begin(j, '[');
	for (i = 0; i < n; i++) {
		cyre_json_begin(j, '{');
		cyre_json_member(j, "file", cyre_file_name(files[i].file));
		if (files[i].file == CYRE_FILE_ARCHIVE_CACHE)
			cyre_json_member(j, "side", "archive");
		if (files[i].is.exists) {
			cyre_to_hex(files[i].is.sha256, CYRE_SHA256_LEN, hex);
			cyre_json_member_number(j, "size", files[i].is.size);
			cyre_json_member(j, "sha256", hex);
		} else {
			cyre_json_key(j, none);
			cyre_json_bool(j, true);
		}
		cyre_json_end(j, '}');
	}
	cyre_json_end(j, ']');
}

static void put_repairs(struct cyre_json *j, const struct cyre_plan *p)
{
	size_t i;

	cyre_json_key(j, "repairs");
	cyre_json_begin(j, '[');
	for (i = 0; i < p->n_repairs; i++) {
		const struct cyre_repair *r = &p->repairs[i];
		const char *file = cyre_file_name(r->file);

		cyre_json_begin(j, '{');
		cyre_json_member(j, "file", *file ? file : NULL);
		if (r->uid)
			cyre_json_member_number(j, "uid", r->uid);
		cyre_json_member(j, "field", r->field);
		cyre_json_member(j, "before", r->before);
		cyre_json_member(j, "after", r->after);
		cyre_json_member(j, "origin", r->origin);
		cyre_json_member(j, "loss", r->loss);
		cyre_json_end(j, '}');
	}
	cyre_json_end(j, ']');
}

static void put_moves(struct cyre_json *j, const struct cyre_plan *p)
{
	size_t i;

	if (!p->n_moves)
		return;
	cyre_json_key(j, "quarantine");
	cyre_json_begin(j, '[');
	for (i = 0; i < p->n_moves; i++) {
		const struct cyre_plan_move *m = &p->moves[i];

		cyre_json_begin(j, '{');
		if (m->file != CYRE_FILE_MESSAGE)
			cyre_json_member(j, "file", cyre_file_name(m->file));
		else
			cyre_json_member_number(j, "uid", m->message.uid);
		if (m->file == CYRE_FILE_ARCHIVE_CACHE ||
			m->message.side == CYRE_SIDE_ARCHIVE)
			cyre_json_member(j, "side", "archive");
		cyre_json_end(j, '}');
	}
	cyre_json_end(j, ']');
}

/* Those that are held against the mailboxes when these are done. */
static void put_databases(struct cyre_json *j, const struct cyre_rebuild *rb)
{
	int i;

	if (!rb->run.confdir->path || rb->o->no_databases ||
		rb->o->scan.select.shards > 1)
		return;
	cyre_json_key(j, "databases");
	cyre_json_begin(j, '[');
	for (i = 0; i < CYRE_REBUILD_DATABASES; i++)
		cyre_json_slice(j, cyre_slice_str(cyre_dbrebuild_name(
					   (enum cyre_dbrebuild_what)i)));
	cyre_json_end(j, ']');
}

void cyre_plan_put_header(struct cyre_buf *b, const struct cyre_rebuild *rb)
{
	struct cyre_json j = {.b = b};

	cyre_json_begin(&j, '{');
	cyre_json_member(&j, "type", "header");
	cyre_json_member(&j, "schema", CYRE_PLAN_SCHEMA);
	cyre_json_member(&j, "version", CYRE_VERSION);
	cyre_json_member(&j, "run", rb->o->run);
	cyre_json_member_number(&j, "now", rb->now);
	put_databases(&j, rb);
	cyre_json_end(&j, '}');
	cyre_put_u8(b, '\n');
}

void cyre_plan_put_mailbox(
	struct cyre_buf *b, const struct cyre_rebuild_box *box)
{
	struct cyre_json j = {.b = b};
	struct cyre_buf path = {0};

	cyre_put_percent(&path, (const char *)box->slot.path.p);
	cyre_json_begin(&j, '{');
	cyre_json_member(&j, "type", "mailbox");
	cyre_json_member(&j, "mboxname", box->slot.report.mboxname);
	cyre_json_key(&j, "path");
	cyre_json_slice(&j, cyre_buf_slice(&path));
	put_files(&j, "inputs", box->inputs, box->n_inputs, "absent");
	put_files(&j, "outputs", box->outputs, box->n_outputs, "removed");
	put_moves(&j, &box->plan);
	put_repairs(&j, &box->plan);
	cyre_json_end(&j, '}');
	cyre_put_u8(b, '\n');
	if (path.bad)
		b->bad = true;
	cyre_buf_free(&path);
}
