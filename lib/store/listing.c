/* listing.c - see listing.h. */
#include "listing.h"

#include <stdlib.h>

#include "grow.h"

/* What the server keeps in a mailbox's directory and we do not look into. */
static bool is_server_file(const char *name)
{
	static const char *const names[] = {"cyrus.squat", "cyrus.dav",
		"cyrus.seen", "cyrus.indexed.db", "cyrus.lock"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static enum cyre_file meta_file(const char *name)
{
	unsigned f;

	for (f = CYRE_FILE_HEADER; f <= CYRE_FILE_ANNOTATIONS; f++)
		if (f != CYRE_FILE_ARCHIVE_CACHE &&
			!strcmp(name, cyre_file_name((enum cyre_file)f)))
			return (enum cyre_file)f;
	return CYRE_FILE_NONE;
}

/* Digits and a dot: a message, or nearly one. */
static bool is_numbered(const char *name)
{
	size_t n = strspn(name, "0123456789");

	return n > 0 && name[n] == '.' && !name[n + 1];
}

uint32_t cyre_listing_uid(const char *name)
{
	uint64_t uid = 0;

	if (name[0] < '1' || name[0] > '9')
		return 0;
	for (; *name >= '0' && *name <= '9'; name++) {
		uid = uid * 10 + (uint64_t)(*name - '0');
		if (uid > UINT32_MAX)
			return 0;
	}
	return name[0] == '.' && !name[1] ? (uint32_t)uid : 0;
}

/*
 * No component of a mailbox's name is empty, so that a name beginning with a
 * dot is none (.snapshot of a filer); those ending with one are the server's
 * temporary directories.
 */
bool cyre_listing_is_child(const char *name, enum cyre_kind kind)
{
	size_t n = strlen(name);

	return kind == CYRE_KIND_DIRECTORY && name[0] != '.' &&
	       name[n - 1] != '.' && strncmp(name, "cyrus.", 6) != 0;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n > k && !strcmp(s + n - k, end);
}

/* False: nothing to say of it. */
static bool classify(
	const char *name, enum cyre_kind kind, enum cyre_odd_class *ret)
{
	bool cyrus = !strncmp(name, "cyrus.", 6);

	if (kind == CYRE_KIND_DIRECTORY && !cyrus && !is_numbered(name))
		return false;
	if (kind != CYRE_KIND_FILE)
		*ret = CYRE_ODD_KIND;
	else if (is_numbered(name))
		*ret = CYRE_ODD_UID;
	else if (is_server_file(name))
		*ret = CYRE_ODD_SERVER;
	else if (cyrus && ends_with(name, ".NEW"))
		*ret = CYRE_ODD_NEW;
	else
		*ret = CYRE_ODD_OTHER;
	return true;
}

static cyre_status add_odd(
	struct cyre_listing *l, const char *name, enum cyre_kind kind)
{
	struct cyre_odd odd = {.kind = kind}, *p;

	if (!classify(name, kind, &odd.class))
		return CYRE_OK;
	if (l->n_odd == CYRE_ODD_KEEP) {
		l->n_odd_dropped++;
		return CYRE_OK;
	}
	p = cyre_grow(l->odd, l->n_odd, &l->cap_odd, sizeof(*l->odd));
	if (!p)
		return CYRE_ENOMEM;
	l->odd = p;
	odd.name = strdup(name);
	if (!odd.name)
		return CYRE_ENOMEM;
	l->odd[l->n_odd++] = odd;
	return CYRE_OK;
}

cyre_status cyre_listing_add(
	struct cyre_listing *l, const char *name, enum cyre_kind kind)
{
	uint32_t uid = cyre_listing_uid(name), *uids;
	enum cyre_file file;

	if (uid && kind == CYRE_KIND_FILE) {
		uids = cyre_grow(
			l->uids, l->n_uids, &l->cap_uids, sizeof(*l->uids));
		if (!uids)
			return CYRE_ENOMEM;
		l->uids = uids;
		l->uids[l->n_uids++] = uid;
		return CYRE_OK;
	}
	file = name[0] == 'c' ? meta_file(name) : CYRE_FILE_NONE;
	if (file == CYRE_FILE_NONE)
		return add_odd(l, name, kind);
	if (kind == CYRE_KIND_FILE)
		l->files |= 1u << file;
	else
		l->not_files |= 1u << file;
	return CYRE_OK;
}

static int by_number(const void *va, const void *vb)
{
	const uint32_t *a = va, *b = vb;

	return *a < *b ? -1 : *a > *b;
}

static int by_name(const void *va, const void *vb)
{
	const struct cyre_odd *a = va, *b = vb;

	return strcmp(a->name, b->name);
}

/* By bytes, lowest first: linear, for mailboxes of a million messages. */
static cyre_status sort_many(struct cyre_listing *l)
{
	uint32_t *from = l->uids, *to, *swap;
	size_t start[257], i;
	unsigned shift, d;

	to = reallocarray(NULL, l->n_uids, sizeof(*to));
	if (!to)
		return CYRE_ENOMEM;
	for (shift = 0; shift < 32; shift += 8) {
		memset(start, 0, sizeof(start));
		for (i = 0; i < l->n_uids; i++)
			start[(from[i] >> shift & 0xff) + 1]++;
		for (d = 0; d < 256; d++)
			start[d + 1] += start[d];
		for (i = 0; i < l->n_uids; i++)
			to[start[from[i] >> shift & 0xff]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	/* Four passes: the result is where it began. */
	free(to);
	return CYRE_OK;
}

cyre_status cyre_listing_finish(struct cyre_listing *l)
{
	if (l->n_odd > 1)
		qsort(l->odd, l->n_odd, sizeof(*l->odd), by_name);
	if (l->n_uids > 4096)
		return sort_many(l);
	if (l->n_uids > 1)
		qsort(l->uids, l->n_uids, sizeof(*l->uids), by_number);
	return CYRE_OK;
}

bool cyre_listing_is_mailbox(const struct cyre_listing *l)
{
	size_t i;

	if (l->n_uids || l->files || l->not_files)
		return true;
	for (i = 0; i < l->n_odd; i++)
		if (l->odd[i].class == CYRE_ODD_UID ||
			!strncmp(l->odd[i].name, "cyrus.", 6))
			return true;
	return false;
}

void cyre_listing_free(struct cyre_listing *l)
{
	size_t i;

	for (i = 0; i < l->n_odd; i++)
		free(l->odd[i].name);
	free(l->odd);
	free(l->uids);
	*l = (struct cyre_listing){0};
}
