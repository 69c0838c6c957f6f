/*
 * rebuild_files.c - from the plan of a mailbox to changes of its files
 *
 * Says of every metadata file what it was when the plan was made (size and
 * SHA-256), where the new one goes, and whose it is to be: of the original,
 * else of its neighbours, else of the spool. Files that are right but in the
 * wrong place or of the wrong owner are written again as they are.
 */
#include "rebuild.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "read_file.h"

static const enum cyre_file inputs[] = {CYRE_FILE_HEADER, CYRE_FILE_HEADER_NEW,
	CYRE_FILE_INDEX, CYRE_FILE_INDEX_NEW, CYRE_FILE_EXPUNGE,
	CYRE_FILE_EXPUNGE_NEW, CYRE_FILE_CACHE, CYRE_FILE_ARCHIVE_CACHE,
	CYRE_FILE_ANNOTATIONS};

#define N_INPUTS (sizeof(inputs) / sizeof(*inputs))

struct files {
	struct cyre_rebuild *rb;
	struct cyre_worker *w;
	const struct cyre_mailbox *m;
	struct cyre_rebuild_box *box;
};

static cyre_status hash_view(struct cyre_source *src, struct cyre_hasher *h,
	struct cyre_identity *ret)
{
	cyre_status st = cyre_sha256_begin(h);
	struct cyre_slice s;
	uint64_t at = 0;

	while (st == CYRE_OK && at < src->size) {
		st = cyre_view(src, at, 1 << 16, &s);
		if (st == CYRE_OK && !s.n)
			st = CYRE_EIO; /* it became shorter under us */
		if (st == CYRE_OK)
			st = cyre_sha256_update(h, s);
		at += s.n;
	}
	ret->size = src->size;
	return st == CYRE_OK ? cyre_sha256_end(h, ret->sha256) : st;
}

static cyre_status identify(
	struct files *f, enum cyre_file file, struct cyre_identity *ret)
{
	const struct cyre_metafile *meta = &f->w->gatherer.ev.meta[file];

	*ret = (struct cyre_identity){0};
	if (meta->state != CYRE_ENTRY_FILE)
		return CYRE_OK;
	ret->exists = true;
	if (meta->view)
		return hash_view(meta->view, f->w->hasher, ret);
	ret->size = meta->bytes.n;
	return cyre_sha256(f->w->hasher, meta->bytes, ret->sha256);
}

static bool is_servers(const struct files *f, const struct cyre_metafile *m)
{
	return m->state == CYRE_ENTRY_FILE &&
	       m->uid == f->rb->run.rules.owner &&
	       (m->mode & (S_IRUSR | S_IWUSR)) == (S_IRUSR | S_IWUSR);
}

/* The file's own owner and mode where the server can live with them. */
static struct cyre_owner owner_of(const struct files *f, enum cyre_file file)
{
	const struct cyre_metafile *meta = f->w->gatherer.ev.meta;
	const struct cyre_gather_rules *rules = &f->rb->run.rules;
	size_t i;

	if (is_servers(f, &meta[file]) ||
		(meta[file].state == CYRE_ENTRY_FILE &&
			meta[file].mode & S_IWOTH))
		return (struct cyre_owner){.uid = meta[file].uid,
			.gid = meta[file].gid,
			.mode = meta[file].mode};
	for (i = 0; i < N_INPUTS; i++)
		if (is_servers(f, &meta[inputs[i]]))
			return (struct cyre_owner){.uid = meta[inputs[i]].uid,
				.gid = meta[inputs[i]].gid,
				.mode = meta[inputs[i]].mode};
	return (struct cyre_owner){.uid = rules->owner,
		.gid = rules->group,
		.mode = S_IRUSR | S_IWUSR};
}

/* Where it stands, else where it belongs. */
static int32_t root_of(
	const struct files *f, enum cyre_file file, bool *ret_elsewhere)
{
	const struct cyre_catalog *c = f->rb->run.catalog;
	const struct cyre_side *side =
		cyre_mailbox_where(c, f->m, file, ret_elsewhere);

	return side ? (int32_t)side->root : cyre_mailbox_root(c, f->m, file);
}

static struct cyre_change *add(struct files *f, enum cyre_change_kind kind,
	int32_t root, enum cyre_file file, const struct cyre_identity *before)
{
	struct cyre_change *c = &f->box->changes[f->box->n_changes++];

	*c = (struct cyre_change){.kind = kind,
		.root = f->rb->root_paths[root],
		.dir = f->m->dir,
		.name = cyre_file_name(file),
		.before = *before};
	return c;
}

static void write_bytes(struct files *f, enum cyre_file file,
	struct cyre_slice bytes, const struct cyre_identity *before)
{
	static const struct cyre_identity none;
	bool elsewhere;
	int32_t at = root_of(f, file, &elsewhere);
	int32_t root = cyre_mailbox_root(f->rb->run.catalog, f->m, file);
	struct cyre_change *c;

	f->box->pieces[f->box->n_changes] = bytes;
	c = add(f, CYRE_CHANGE_WRITE, root, file, elsewhere ? &none : before);
	c->pieces = &f->box->pieces[f->box->n_changes - 1];
	c->n_pieces = 1;
	c->owner = owner_of(f, file);
	/* note_output() fills it: so the bytes are hashed once. */
	c->becomes = &f->box->outputs[f->box->n_outputs].is;
	if (elsewhere)
		add(f, CYRE_CHANGE_REMOVE, at, file, before);
}

/* Bytes that stay, for a file that moves or changes hands. */
static cyre_status keep_bytes(
	struct files *f, enum cyre_file file, struct cyre_slice *ret)
{
	const struct cyre_metafile *meta = &f->w->gatherer.ev.meta[file];
	struct cyre_buf *b = &f->box->kept[f->box->n_kept++];
	cyre_status st = CYRE_OK;
	struct cyre_slice s;
	uint64_t at = 0;

	if (!meta->view)
		cyre_put_slice(b, meta->bytes);
	while (meta->view && at < meta->view->size && st == CYRE_OK) {
		st = cyre_view(meta->view, at, 1 << 16, &s);
		if (st == CYRE_OK && !s.n)
			st = CYRE_EIO;
		if (st == CYRE_OK)
			cyre_put_slice(b, s);
		at += s.n;
	}
	*ret = cyre_buf_slice(b);
	return b->bad ? CYRE_ENOMEM : st;
}

static const struct cyre_plan_file *planned(
	const struct files *f, enum cyre_file file)
{
	const struct cyre_plan *p = &f->box->plan;
	size_t i;

	for (i = 0; i < p->n_files; i++)
		if (p->files[i].file == file)
			return &p->files[i];
	return NULL;
}

/* In the wrong place or hands, and that may be set right. */
static bool is_displaced(const struct files *f, enum cyre_file file)
{
	const struct cyre_rebuild_options *o = f->rb->o;
	const struct cyre_metafile *meta = &f->w->gatherer.ev.meta[file];
	bool elsewhere;

	if (meta->state != CYRE_ENTRY_FILE)
		return false;
	root_of(f, file, &elsewhere);
	if (elsewhere && (!o->only || o->only[CYRE_P_META_ELSEWHERE]))
		return true;
	if (meta->uid != f->rb->run.rules.owner)
		return !(meta->mode & S_IWOTH) &&
		       (!o->only || o->only[CYRE_P_WRONG_OWNER]);
	return !is_servers(f, meta) && (!o->only || o->only[CYRE_P_WRONG_MODE]);
}

static cyre_status note_output(
	struct files *f, enum cyre_file file, const struct cyre_slice *bytes)
{
	struct cyre_planned_file *out = &f->box->outputs[f->box->n_outputs++];

	*out = (struct cyre_planned_file){.file = file};
	if (!bytes)
		return CYRE_OK;
	out->is.exists = true;
	out->is.size = bytes->n;
	return cyre_sha256(f->w->hasher, *bytes, out->is.sha256);
}

static cyre_status change_file(struct files *f, enum cyre_file file,
	const struct cyre_identity *before)
{
	const struct cyre_plan_file *p = planned(f, file);
	struct cyre_slice bytes;
	cyre_status st;

	if (p && p->remove) {
		add(f, CYRE_CHANGE_REMOVE, root_of(f, file, NULL), file,
			before);
		return note_output(f, file, NULL);
	}
	if (p) {
		bytes = cyre_buf_slice(&p->bytes);
	} else if (is_displaced(f, file)) {
		st = keep_bytes(f, file, &bytes);
		if (st != CYRE_OK)
			return st;
	} else {
		if (before->exists)
			add(f, CYRE_CHANGE_KEEP, root_of(f, file, NULL), file,
				before);
		return CYRE_OK;
	}
	write_bytes(f, file, bytes, before);
	return note_output(f, file, &bytes);
}

cyre_status cyre_rebuild_changes(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_mailbox *m, struct cyre_rebuild_box *box)
{
	struct files f = {.rb = rb, .w = w, .m = m, .box = box};
	/* What was reviewed is held against the files, done or not. */
	bool any = box->plan.needed ||
		   (rb->plan && cyre_plan_list_find(rb->plan,
					(const char *)box->slot.path.p));
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < N_INPUTS && !any; i++)
		any = is_displaced(&f, inputs[i]);
	if (!any)
		return CYRE_OK;
	box->changes = calloc(2 * CYRE_PLANNED_FILES + box->plan.n_moves,
		sizeof(*box->changes));
	if (!box->changes)
		return CYRE_ENOMEM;
	for (i = 0; i < N_INPUTS && st == CYRE_OK; i++) {
		struct cyre_planned_file *in = &box->inputs[box->n_inputs];

		if (cyre_mailbox_root(rb->run.catalog, m, inputs[i]) < 0)
			continue;
		in->file = inputs[i];
		st = identify(&f, inputs[i], &in->is);
		if (st != CYRE_OK)
			break;
		box->n_inputs++;
		st = change_file(&f, inputs[i], &in->is);
	}
	return st == CYRE_OK ? cyre_rebuild_moves(rb, w, m, box) : st;
}
