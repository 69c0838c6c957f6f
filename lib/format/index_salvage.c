/*
 * index_salvage.c - see index_salvage.h
 *
 * Each file is read by index_salvage_file.c; then the records of all files are
 * put together, the strongest of each uid. Repairs nothing.
 *
 * Format: docs/formats/index.md sections 8 to 12.
 */
#include "index_salvage_parts.h"

#include <stdlib.h>

#define BY(x, y)                                                               \
	if ((x) != (y))                                                        \
	return (x) < (y) ? -1 : 1

/* By uid; the strongest first; of equal ones that of the first file, and in a
 * file the later one, which is what an append after a cut left. */
static int compare(const void *va, const void *vb)
{
	const struct cyre_salvaged *a = va, *b = vb;

	BY(a->uid, b->uid);
	BY(b->origin, a->origin);
	BY(a->file, b->file);
	BY(b->offset, a->offset);
	return 0;
}

/* The file of its uid has the size the record says. */
static bool fits(const struct cyre_index_salvage *s,
	const struct cyre_salvage_hints *hints,
	const struct cyre_salvaged *item)
{
	const struct cyre_msgfile *f = cyre_salvage_file(hints, item->uid);

	return f && cyre_index_salvage_get(s, item).size == f->size;
}

/* One a uid: the strongest, and of those the one that matches its message. */
static void unite(
	struct cyre_index_salvage *s, const struct cyre_salvage_hints *hints)
{
	struct cyre_salvaged *v = s->items, *last;
	size_t out = 0, i;
	bool listed;

	if (s->n)
		qsort(v, s->n, sizeof(*v), compare);
	for (i = 0; i < s->n; i++) {
		last = out ? &v[out - 1] : NULL;
		if (!last || !v[i].uid || v[i].uid != last->uid) {
			v[out++] = v[i];
			continue;
		}
		listed = last->listed | v[i].listed;
		if (v[i].origin == last->origin && v[i].file == last->file &&
			!fits(s, hints, last) && fits(s, hints, &v[i]))
			*last = v[i];
		last->listed = listed;
	}
	s->n = out;
}

cyre_status cyre_index_salvage(const struct cyre_salvage_source *sources,
	size_t n, const struct cyre_salvage_hints *hints,
	struct cyre_index_salvage *ret)
{
	struct cyre_index_salvage s = {.nfiles = n};
	struct cyre_finds all = {.n = 0};
	cyre_status st = CYRE_OK;

	if (n > UINT8_MAX)
		return CYRE_EUSAGE;
	s.files = calloc(n ? n : 1, sizeof(*s.files));
	if (!s.files)
		return CYRE_ENOMEM;
	for (size_t i = 0; i < n && st == CYRE_OK; i++) {
		s.files[i].which = sources[i].which;
		s.files[i].bytes = sources[i].bytes;
		st = cyre_salvage_read_file(
			&s.files[i], (uint8_t)i, hints, &all);
	}
	if (all.nomem)
		st = CYRE_ENOMEM;
	if (st != CYRE_OK) {
		free(all.v);
		free(s.files);
		return st;
	}
	s.items = all.v;
	s.n = all.n;
	unite(&s, hints);
	*ret = s;
	return CYRE_OK;
}

void cyre_index_salvage_free(struct cyre_index_salvage *s)
{
	free(s->files);
	free(s->items);
	*s = (struct cyre_index_salvage){.n = 0};
}

struct cyre_index_record cyre_index_salvage_get(
	const struct cyre_index_salvage *s, const struct cyre_salvaged *item)
{
	const struct cyre_salvaged_file *f = &s->files[item->file];
	struct cyre_trial t = {.ix = {.layout = f->layout,
				       .record_fields = f->layout->record,
				       .stride = f->layout->record_size}};
	struct cyre_slice bytes;

	cyre_slice_sub(f->bytes, item->offset, item->length, &bytes);
	return cyre_trial_decode(&t, bytes, item->bit);
}
