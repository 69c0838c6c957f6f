/* finding.c - see cyrescue/finding.h. */
#include <cyrescue/finding.h>

#include <stdlib.h>
#include <string.h>

#include "grow.h"

const char *cyre_file_name(enum cyre_file f)
{
	static const char *const names[CYRE_FILE_COUNT] = {
		[CYRE_FILE_HEADER] = "cyrus.header",
		[CYRE_FILE_HEADER_NEW] = "cyrus.header.NEW",
		[CYRE_FILE_INDEX] = "cyrus.index",
		[CYRE_FILE_INDEX_NEW] = "cyrus.index.NEW",
		[CYRE_FILE_EXPUNGE] = "cyrus.expunge",
		[CYRE_FILE_EXPUNGE_NEW] = "cyrus.expunge.NEW",
		[CYRE_FILE_CACHE] = "cyrus.cache",
		[CYRE_FILE_CACHE_NEW] = "cyrus.cache.NEW",
		[CYRE_FILE_ARCHIVE_CACHE] = "cyrus.cache",
		[CYRE_FILE_ANNOTATIONS] = "cyrus.annotations",
	};

	return (unsigned)f < CYRE_FILE_COUNT && names[f] ? names[f] : "";
}

void cyre_find(struct cyre_findings *list, const struct cyre_finding *f)
{
	struct cyre_finding *items, copy = *f;

	list->count[f->problem]++;
	if (list->keep && list->count[f->problem] > list->keep)
		return;
	items = cyre_grow(
		list->items, list->n, &list->cap, sizeof(*list->items));
	if (!items)
		goto nomem;
	list->items = items;
	if (f->text) {
		copy.text = strdup(f->text);
		if (!copy.text)
			goto nomem;
	}
	list->items[list->n++] = copy;
	return;
nomem:
	list->status = CYRE_ENOMEM;
}

void cyre_findings_merge(struct cyre_findings *list, struct cyre_findings *from)
{
	size_t i;

	for (i = 0; i < from->n; i++) {
		cyre_find(list, &from->items[i]);
		from->count[from->items[i].problem]--;
	}
	/* Those that were counted and not kept. */
	for (i = 0; i < CYRE_PROBLEM_COUNT; i++)
		list->count[i] += from->count[i];
	if (from->status != CYRE_OK)
		list->status = from->status;
	cyre_findings_free(from);
}

static int compare(const void *va, const void *vb)
{
	const struct cyre_finding *a = va, *b = vb;

#define BY(field)                                                              \
	if (a->field != b->field)                                              \
	return a->field < b->field ? -1 : 1
	BY(file);
	BY(offset);
	BY(uid);
	BY(problem);
	BY(length);
	BY(actual);
	BY(expected);
#undef BY
	return strcmp(a->text ? a->text : "", b->text ? b->text : "");
}

void cyre_findings_sort(struct cyre_findings *list)
{
	if (list->n > 1)
		qsort(list->items, list->n, sizeof(*list->items), compare);
}

void cyre_findings_drop(struct cyre_findings *list, enum cyre_problem problem)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++) {
		if (list->items[i].problem == problem)
			free((char *)list->items[i].text);
		else
			list->items[n++] = list->items[i];
	}
	list->n = n;
	list->count[problem] = 0;
}

void cyre_findings_free(struct cyre_findings *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free((char *)list->items[i].text);
	free(list->items);
	*list = (struct cyre_findings){.keep = list->keep};
}
