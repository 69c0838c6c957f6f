/*
 * plan_annotations.c - fields that a version of the index keeps as annotations
 *
 * What records of one version have no room for the server stores in
 * cyrus.annotations when it converts an index, and takes from there when it has
 * room again (docs/formats/index.md 8.6, per-mailbox-other.md 4). The other
 * entries of the file stay as they are.
 */
#include "plan_work.h"

#include <inttypes.h>
#include <stdlib.h>

#include "annotation.h"
#include "grow.h"
#include "number.h"

#define VENDOR "/vendor/cmu/cyrus-imapd/"

/* In which version each became a field of the record. */
static const struct shadow {
	const char *entry;
	unsigned since;
	size_t at; /* in struct cyre_index_annotated */
	bool hex;
} shadows[] = {
	{VENDOR "thrid", 13, offsetof(struct cyre_index_annotated, cid), true},
	{VENDOR "savedate", 15, offsetof(struct cyre_index_annotated, savedate),
		false},
	{VENDOR "createdmodseq", 16,
		offsetof(struct cyre_index_annotated, createdmodseq), false},
	{VENDOR "basethrid", 20, offsetof(struct cyre_index_annotated, basecid),
		true},
	{VENDOR "internaldate.nsec", 20,
		offsetof(struct cyre_index_annotated, nsec), false},
};

#define N_SHADOWS (sizeof(shadows) / sizeof(*shadows))

/* NULL: this is no such annotation. */
static const struct shadow *shadow_of(const struct cyre_annotation *a)
{
	size_t i;

	if (a->userid.n)
		return NULL;
	for (i = 0; i < N_SHADOWS; i++)
		if (cyre_slice_eq(a->entry, cyre_slice_str(shadows[i].entry)))
			return &shadows[i];
	return NULL;
}

static uint64_t *field(
	struct cyre_index_annotated *a, const struct shadow *shadow)
{
	return (uint64_t *)((uint8_t *)a + shadow->at);
}

static bool read_entry(const struct cyre_db_entry *e,
	struct cyre_annotation *ret, uint32_t *ret_uid)
{
	if (e->trust == CYRE_DB_UNCOMMITTED ||
		!cyre_annotation_parse(e->key, e->value, ret))
		return false;
	*ret_uid = cyre_annotation_uid(ret);
	return *ret_uid != 0;
}

/* ---- taken in ---- */

cyre_status cyre_plan_shadows_read(struct cyre_plan_work *w)
{
	struct cyre_slice bytes = w->ev->meta[CYRE_FILE_ANNOTATIONS].bytes;
	struct cyre_annotation a;
	cyre_status st;
	uint32_t uid;
	size_t i, at;

	w->annotated = calloc(w->n + 1, sizeof(*w->annotated));
	if (!w->annotated)
		return CYRE_ENOMEM;
	if (!bytes.n)
		return CYRE_OK;
	st = cyre_db_open(bytes, NULL, &w->annotations);
	if (st != CYRE_OK)
		return st == CYRE_ENOMEM ? st : CYRE_OK;
	for (i = 0; i < cyre_db_count(w->annotations); i++) {
		const struct shadow *s = NULL;

		if (read_entry(cyre_db_at(w->annotations, i), &a, &uid) &&
			!a.deleted)
			s = shadow_of(&a);
		at = s ? cyre_plan_seek(w, uid) : w->n;
		if (at == w->n || w->records[at].r.uid != uid)
			continue;
		if (s->hex)
			cyre_hex_number(a.value, field(&w->annotated[at], s));
		else
			cyre_number(a.value, field(&w->annotated[at], s));
	}
	return CYRE_OK;
}

/* ---- handed out ---- */

struct list {
	struct cyre_db_entry *items;
	size_t n, cap;
	struct cyre_buf text; /* of the new ones; they say where */
};

static bool add(struct list *l, const struct cyre_db_entry *e)
{
	struct cyre_db_entry *grown;

	grown = cyre_grow(l->items, l->n, &l->cap, sizeof(*l->items));
	if (!grown)
		return false;
	l->items = grown;
	l->items[l->n++] = *e;
	return true;
}

/* An entry in l->text; its slices are set when that moves no more. */
static bool add_shadow(struct list *l, uint64_t uid, const struct shadow *s,
	uint64_t value, uint64_t modseq)
{
	struct cyre_db_entry e = {.offset = l->text.n};
	char number[24];

	snprintf(number, sizeof(number), s->hex ? "%016" PRIx64 : "%" PRIu64,
		value);
	cyre_annotation_put_key(&l->text, (uint32_t)uid, s->entry);
	e.key.n = l->text.n - e.offset;
	cyre_annotation_put_value(&l->text, cyre_slice_str(number), modseq);
	e.value.n = l->text.n - e.offset - e.key.n;
	return !l->text.bad && add(l, &e);
}

static bool add_new(const struct cyre_plan_work *w, struct list *l)
{
	uint64_t modseq = w->from >= 16 ? w->h.highestmodseq : 0;
	size_t i, k;

	for (i = 0; i < w->n; i++)
		for (k = 0; k < N_SHADOWS; k++) {
			uint64_t v = *field(&w->annotated[i], &shadows[k]);

			if (v && !add_shadow(l, w->records[i].r.uid,
					 &shadows[k], v, modseq))
				return false;
		}
	for (i = 0; i < l->n; i++) {
		l->items[i].key.p = l->text.p + l->items[i].offset;
		l->items[i].value.p = l->items[i].key.p + l->items[i].key.n;
	}
	return true;
}

/* All that shadow nothing; of one key twice the surer. */
static bool add_kept(const struct cyre_plan_work *w, struct list *l)
{
	const struct cyre_db_entry *e, *before = NULL;
	size_t i, n = w->annotations ? cyre_db_count(w->annotations) : 0;
	struct cyre_annotation a;
	uint32_t uid;

	for (i = 0; i < n; i++) {
		e = cyre_db_at(w->annotations, i);
		if (e->trust == CYRE_DB_UNCOMMITTED ||
			(before && cyre_slice_eq(before->key, e->key)) ||
			(read_entry(e, &a, &uid) && shadow_of(&a)))
			continue;
		before = e;
		if (!add(l, e))
			return false;
	}
	return true;
}

static cyre_status write_file(struct cyre_plan_work *w, const struct list *l)
{
	const struct cyre_db_info *old =
		w->annotations ? cyre_db_info(w->annotations) : NULL;
	struct cyre_db_write_options o = {
		.format = old ? old->format : CYRE_DB_TWOSKIP,
		.generation = old ? old->generation + 1 : 0,
		.time = (uint32_t)w->hints->now};
	struct cyre_plan_file *f;
	uint8_t *bytes;
	cyre_status st;
	size_t n;

	o.order = cyre_db_usual_order(o.format);
	st = cyre_db_write(&o, l->items, l->n, &bytes, &n);
	if (st != CYRE_OK)
		return st == CYRE_ENOMEM ? st : CYRE_EIO;
	f = cyre_plan_add_file(w, CYRE_FILE_ANNOTATIONS);
	cyre_put(&f->bytes, bytes, n);
	free(bytes);
	w->annotation_bytes = cyre_buf_slice(&f->bytes);
	return f->bytes.bad ? CYRE_ENOMEM : CYRE_OK;
}

cyre_status cyre_plan_shadows_write(struct cyre_plan_work *w)
{
	const struct cyre_metafile *old = &w->ev->meta[CYRE_FILE_ANNOTATIONS];
	struct list l = {.n = 0};
	cyre_status st = CYRE_OK;
	size_t kept;
	bool ok;

	/* A file that cannot be read stays as it is. */
	if (old->state != CYRE_ENTRY_ABSENT && old->bytes.n && !w->annotations)
		return CYRE_OK;
	ok = add_new(w, &l);
	kept = l.n;
	ok = ok && add_kept(w, &l);
	if (!ok)
		st = CYRE_ENOMEM;
	/* Nothing new, and nothing that has become a field. */
	else if (kept ||
		 (w->annotations && l.n != cyre_db_count(w->annotations)))
		st = write_file(w, &l);
	free(l.items);
	cyre_buf_free(&l.text);
	return st;
}

void cyre_plan_shadows_free(struct cyre_plan_work *w)
{
	free(w->annotated);
	cyre_db_free(w->annotations);
}
