/*
 * rebuild_plan_file.c - reads the file of a plan, for --plan
 *
 * The new bytes are not in it (rebuild_plan_write.c): the plan is made again,
 * and must come out the same.
 */
#include "rebuild.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "dbrebuild.h"
#include "grow.h"
#include "number.h"

struct cyre_plan_entry {
	char *path; /* as in the file */
	struct cyre_planned_file inputs[CYRE_PLANNED_FILES];
	struct cyre_planned_file outputs[CYRE_PLANNED_FILES];
	size_t n_inputs, n_outputs;
	struct cyre_plan_move *moves;
	size_t n_moves;
};

struct cyre_plan_list {
	struct cyre_plan_entry *items; /* by path */
	size_t n, cap;
	bool databases[CYRE_REBUILD_DATABASES];
	bool has_list;
	struct cyre_identity list; /* mailboxes.db as it was */
};

static bool get_sum(const char *hex, uint8_t *ret)
{
	uint64_t v;
	size_t i;

	if (!hex || strlen(hex) != 2 * CYRE_SHA256_LEN)
		return false;
	for (i = 0; i < CYRE_SHA256_LEN; i++) {
		if (!cyre_lower_hex_number(cyre_slice(hex + 2 * i, 2), &v))
			return false;
		ret[i] = (uint8_t)v;
	}
	return true;
}

static enum cyre_file get_name(const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "file"));
	int f;

	for (f = 0; name && f < CYRE_FILE_COUNT; f++)
		if (*name && !strcmp(name, cyre_file_name((enum cyre_file)f)))
			return json_object_get(o, "side")
				       ? CYRE_FILE_ARCHIVE_CACHE
				       : (enum cyre_file)f;
	return CYRE_FILE_COUNT;
}

static bool get_file(
	const json_t *o, const char *none, struct cyre_planned_file *ret)
{
	const json_t *size = json_object_get(o, "size");

	*ret = (struct cyre_planned_file){.file = get_name(o)};
	if (ret->file == CYRE_FILE_COUNT)
		return false;
	if (json_is_true(json_object_get(o, none)))
		return true;
	ret->is.exists = true;
	ret->is.size = (uint64_t)json_integer_value(size);
	return json_is_integer(size) && json_integer_value(size) >= 0 &&
	       get_sum(json_string_value(json_object_get(o, "sha256")),
		       ret->is.sha256);
}

static bool get_files(const json_t *o, const char *key, const char *none,
	struct cyre_planned_file *files, size_t *ret_n)
{
	const json_t *list = json_object_get(o, key);
	size_t n = json_array_size(list), i;

	if (!json_is_array(list) || n > CYRE_PLANNED_FILES)
		return false;
	for (i = 0; i < n; i++)
		if (!get_file(json_array_get(list, i), none, &files[i]))
			return false;
	*ret_n = n;
	return true;
}

static bool get_move(const json_t *o, struct cyre_plan_move *ret)
{
	json_int_t uid = json_integer_value(json_object_get(o, "uid"));

	*ret = (struct cyre_plan_move){.file = get_name(o)};
	if (ret->file != CYRE_FILE_COUNT)
		return true;
	ret->file = CYRE_FILE_MESSAGE;
	ret->message.uid = (uint32_t)uid;
	if (json_object_get(o, "side"))
		ret->message.side = CYRE_SIDE_ARCHIVE;
	return uid > 0 && uid <= UINT32_MAX;
}

static cyre_status get_moves(const json_t *o, struct cyre_plan_entry *e)
{
	const json_t *list = json_object_get(o, "quarantine");
	size_t n = json_array_size(list), i;

	if (!list)
		return CYRE_OK;
	if (!json_is_array(list))
		return CYRE_EFORMAT;
	e->moves = calloc(n + 1, sizeof(*e->moves));
	if (!e->moves)
		return CYRE_ENOMEM;
	e->n_moves = n;
	for (i = 0; i < n; i++)
		if (!get_move(json_array_get(list, i), &e->moves[i]))
			return CYRE_EFORMAT;
	return CYRE_OK;
}

static cyre_status get_mailbox(struct cyre_plan_list *l, const json_t *o)
{
	const char *path = json_string_value(json_object_get(o, "path"));
	struct cyre_plan_entry e = {0}, *p;
	cyre_status st;

	if (!path || !get_files(o, "inputs", "absent", e.inputs, &e.n_inputs) ||
		!get_files(o, "outputs", "removed", e.outputs, &e.n_outputs))
		return CYRE_EFORMAT;
	p = cyre_grow(l->items, l->n, &l->cap, sizeof(*l->items));
	if (!p)
		return CYRE_ENOMEM;
	l->items = p;
	st = get_moves(o, &e);
	e.path = strdup(path);
	if (!e.path)
		st = CYRE_ENOMEM;
	l->items[l->n++] = e;
	return st;
}

static void get_databases(const json_t *list, struct cyre_plan_list *l)
{
	size_t i, k;

	for (i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		for (k = 0; s && k < CYRE_REBUILD_DATABASES; k++)
			l->databases[k] |=
				strcmp(s,
					cyre_dbrebuild_name(
						(enum cyre_dbrebuild_what)k)) ==
				0;
	}
}

static cyre_status get_header(
	const json_t *o, struct cyre_plan_list *l, uint64_t *ret_now)
{
	const char *schema = json_string_value(json_object_get(o, "schema"));
	const json_t *now = json_object_get(o, "now");

	if (!schema || strncmp(schema, "cyrescue-plan/", 14) != 0)
		return CYRE_EFORMAT;
	if (strcmp(schema, CYRE_PLAN_SCHEMA) != 0)
		return CYRE_EUNSUPPORTED;
	if (!json_is_integer(now) || json_integer_value(now) < 0)
		return CYRE_EFORMAT;
	*ret_now = (uint64_t)json_integer_value(now);
	get_databases(json_object_get(o, "databases"), l);
	return CYRE_OK;
}

/* What is planned of mailboxes.db is for people, but on which file it was. */
static cyre_status get_sum_line(const json_t *o, struct cyre_plan_list *l)
{
	const char *name = json_string_value(json_object_get(o, "database"));
	const json_t *size = json_object_get(o, "size");
	const char *sum = json_string_value(json_object_get(o, "sha256"));

	if (!name)
		return CYRE_EFORMAT;
	if (strcmp(name, cyre_dbrebuild_name(CYRE_DBREBUILD_MAILBOXES)) != 0)
		return CYRE_OK;
	l->list = (struct cyre_identity){.exists = sum != NULL};
	l->has_list = sum || json_is_true(json_object_get(o, "absent"));
	if (!sum)
		return CYRE_OK;
	l->list.size = (uint64_t)json_integer_value(size);
	return json_is_integer(size) && json_integer_value(size) >= 0 &&
			       get_sum(sum, l->list.sha256)
		       ? CYRE_OK
		       : CYRE_EFORMAT;
}

static cyre_status get_line(struct cyre_plan_list *l, struct cyre_slice text,
	bool first, uint64_t *ret_now)
{
	json_t *o = json_loadb((const char *)text.p, text.n, 0, NULL);
	const char *type = json_string_value(json_object_get(o, "type"));
	cyre_status st = CYRE_EFORMAT;

	if (type && first && !strcmp(type, "header"))
		st = get_header(o, l, ret_now);
	else if (type && !first && !strcmp(type, "mailbox"))
		st = get_mailbox(l, o);
	else if (type && !first && !strcmp(type, "sum"))
		st = get_sum_line(o, l);
	else if (type && !first &&
		 (!strcmp(type, "source") || !strcmp(type, "entry")))
		st = CYRE_OK; /* for people: it is planned anew */
	json_decref(o);
	return st;
}

static int by_path(const void *va, const void *vb)
{
	const struct cyre_plan_entry *a = va, *b = vb;

	return strcmp(a->path, b->path);
}

cyre_status cyre_plan_list_read(
	struct cyre_slice bytes, uint64_t *ret_now, struct cyre_plan_list **ret)
{
	struct cyre_plan_list *l = calloc(1, sizeof(*l));
	cyre_status st = CYRE_OK;
	uint64_t now = 0;
	size_t at = 0;

	if (!l)
		return CYRE_ENOMEM;
	if (!bytes.n)
		st = CYRE_EFORMAT;
	while (st == CYRE_OK && at < bytes.n) {
		const uint8_t *p = bytes.p + at;
		const uint8_t *lf = memchr(p, '\n', bytes.n - at);

		/* A plan that was cut is not the one that was reviewed. */
		if (!lf) {
			st = CYRE_EFORMAT;
			break;
		}
		st = get_line(
			l, cyre_slice(p, (size_t)(lf - p)), at == 0, &now);
		at += (size_t)(lf - p) + 1;
	}
	if (st != CYRE_OK) {
		cyre_plan_list_free(l);
		return st;
	}
	if (l->n > 1)
		qsort(l->items, l->n, sizeof(*l->items), by_path);
	*ret_now = now;
	*ret = l;
	return CYRE_OK;
}

void cyre_plan_list_free(struct cyre_plan_list *l)
{
	size_t i;

	if (!l)
		return;
	for (i = 0; i < l->n; i++) {
		free(l->items[i].path);
		free(l->items[i].moves);
	}
	free(l->items);
	free(l);
}

bool cyre_plan_list_has(
	const struct cyre_plan_list *l, enum cyre_dbrebuild_what database)
{
	return l->databases[database];
}

const struct cyre_identity *cyre_plan_list_mailboxes(
	const struct cyre_plan_list *l)
{
	return l->has_list ? &l->list : NULL;
}

const struct cyre_plan_entry *cyre_plan_list_find(
	const struct cyre_plan_list *l, const char *path)
{
	const struct cyre_plan_entry *e = NULL;
	struct cyre_buf key = {0};

	cyre_put_percent(&key, path);
	cyre_put_u8(&key, '\0');
	if (!key.bad && l->n)
		e = bsearch(&(struct cyre_plan_entry){.path = (char *)key.p},
			l->items, l->n, sizeof(*l->items), by_path);
	cyre_buf_free(&key);
	return e;
}

static const char changed[] = "its files were changed since the plan was made";
static const char otherwise[] =
	"the plan comes out otherwise now; were the options the same?";

static bool same_file(
	const struct cyre_planned_file *a, const struct cyre_planned_file *b)
{
	return a->file == b->file && a->is.exists == b->is.exists &&
	       a->is.size == b->is.size &&
	       !memcmp(a->is.sha256, b->is.sha256, CYRE_SHA256_LEN);
}

static bool same_files(const struct cyre_planned_file *a, size_t na,
	const struct cyre_planned_file *b, size_t nb)
{
	size_t i;

	if (na != nb)
		return false;
	for (i = 0; i < na; i++)
		if (!same_file(&a[i], &b[i]))
			return false;
	return true;
}

static bool same_moves(
	const struct cyre_plan_entry *e, const struct cyre_plan *p)
{
	size_t i;

	if (e->n_moves != p->n_moves)
		return false;
	for (i = 0; i < e->n_moves; i++)
		if (e->moves[i].file != p->moves[i].file ||
			e->moves[i].message.uid != p->moves[i].message.uid ||
			e->moves[i].message.side != p->moves[i].message.side)
			return false;
	return true;
}

const char *cyre_plan_entry_differs(
	const struct cyre_plan_entry *e, const struct cyre_rebuild_box *box)
{
	if (!same_files(e->inputs, e->n_inputs, box->inputs, box->n_inputs))
		return changed;
	if (!same_files(
		    e->outputs, e->n_outputs, box->outputs, box->n_outputs) ||
		!same_moves(e, &box->plan))
		return otherwise;
	return NULL;
}

static int by_number(const void *va, const void *vb)
{
	const uint32_t *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

static bool is_there(
	const struct cyre_plan_move *move, const struct cyre_mailbox *m)
{
	uint32_t uid = move->message.uid;
	size_t i, k;

	for (i = 0; i < m->n_sides; i++) {
		const struct cyre_listing *l = &m->sides[i].list;

		if (move->file != CYRE_FILE_MESSAGE) {
			if (l->not_files >> move->file & 1)
				return true;
			continue;
		}
		k = cyre_seek(
			&uid, l->uids, l->n_uids, sizeof(*l->uids), by_number);
		if (k < l->n_uids && l->uids[k] == uid)
			return true;
	}
	return false;
}

static bool is_done(const struct cyre_plan_entry *e,
	const struct cyre_rebuild_box *box, const struct cyre_mailbox *m)
{
	size_t i, k;

	for (i = 0; i < e->n_outputs; i++) {
		for (k = 0; k < box->n_inputs; k++)
			if (same_file(&e->outputs[i], &box->inputs[k]))
				break;
		if (k == box->n_inputs)
			return false;
	}
	for (i = 0; i < e->n_moves; i++)
		if (is_there(&e->moves[i], m))
			return false;
	return true;
}

const char *cyre_plan_entry_undone(const struct cyre_plan_entry *e,
	const struct cyre_rebuild_box *box, const struct cyre_mailbox *m)
{
	if (is_done(e, box, m))
		return NULL;
	return same_files(e->inputs, e->n_inputs, box->inputs, box->n_inputs)
		       ? otherwise
		       : changed;
}
