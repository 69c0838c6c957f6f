/*
 * survey.c - what the listings of one mailbox's directories show
 *
 * Reads a mailbox of the catalog, produces findings. Opens nothing; missing
 * headers and indexes are judged with the files. docs/formats/layout.md 4 to 6,
 * per-mailbox-other.md 1, 3, 5 and 7.
 */
#include "mailbox.h"

#include <string.h>

#include "header_salvage.h"
#include "listing.h"

const struct cyre_side *cyre_mailbox_side(
	const struct cyre_mailbox *m, int32_t root)
{
	size_t i;

	for (i = 0; i < m->n_sides && root >= 0; i++)
		if (m->sides[i].root == (uint32_t)root)
			return &m->sides[i];
	return NULL;
}

int32_t cyre_mailbox_root(const struct cyre_catalog *c,
	const struct cyre_mailbox *m, enum cyre_file file)
{
	const struct cyre_partition_roots *r = &c->partitions[m->partition];

	switch (file) {
	case CYRE_FILE_HEADER:
	case CYRE_FILE_HEADER_NEW:
		return r->meta[CYRE_META_HEADER];
	case CYRE_FILE_INDEX:
	case CYRE_FILE_INDEX_NEW:
		return r->meta[CYRE_META_INDEX];
	case CYRE_FILE_EXPUNGE:
	case CYRE_FILE_EXPUNGE_NEW:
		return r->meta[CYRE_META_EXPUNGE];
	case CYRE_FILE_CACHE:
	case CYRE_FILE_CACHE_NEW:
		return r->meta[CYRE_META_CACHE];
	case CYRE_FILE_ARCHIVE_CACHE:
		return r->meta[CYRE_META_ARCHIVECACHE];
	case CYRE_FILE_ANNOTATIONS:
		return r->meta[CYRE_META_ANNOTATIONS];
	default:
		return -1;
	}
}

/* A root whose cyrus.cache is the archive's, not the mailbox's. */
static bool is_archive_cache(const struct cyre_catalog *c,
	const struct cyre_mailbox *m, uint32_t root)
{
	const struct cyre_partition_roots *r = &c->partitions[m->partition];

	return r->meta[CYRE_META_CACHE] != (int32_t)root &&
	       (r->archive == (int32_t)root ||
		       r->meta[CYRE_META_ARCHIVECACHE] == (int32_t)root);
}

/* Whether the side has the file, as a file or as something else. */
static bool holds(const struct cyre_catalog *c, const struct cyre_mailbox *m,
	const struct cyre_side *s, enum cyre_file file)
{
	bool cache = file == CYRE_FILE_CACHE || file == CYRE_FILE_CACHE_NEW ||
		     file == CYRE_FILE_ARCHIVE_CACHE;
	bool archive = file == CYRE_FILE_ARCHIVE_CACHE;
	unsigned bit = archive ? CYRE_FILE_CACHE : file;

	if (cache && is_archive_cache(c, m, s->root) != archive)
		return false;
	return (s->list.files | s->list.not_files) & 1u << bit;
}

const struct cyre_side *cyre_mailbox_where(const struct cyre_catalog *c,
	const struct cyre_mailbox *m, enum cyre_file file, bool *ret_elsewhere)
{
	const struct cyre_side *s =
		cyre_mailbox_side(m, cyre_mailbox_root(c, m, file));
	bool there = s && holds(c, m, s, file);
	size_t i;

	if (ret_elsewhere)
		*ret_elsewhere = false;
	if (there)
		return s;
	for (i = 0; i < m->n_sides; i++)
		if (holds(c, m, &m->sides[i], file)) {
			if (ret_elsewhere)
				*ret_elsewhere = true;
			return &m->sides[i];
		}
	return NULL;
}

static void check_metadata(const struct cyre_catalog *c,
	const struct cyre_mailbox *m, struct cyre_findings *found)
{
	static const enum cyre_file files[] = {CYRE_FILE_HEADER,
		CYRE_FILE_HEADER_NEW, CYRE_FILE_INDEX, CYRE_FILE_INDEX_NEW,
		CYRE_FILE_EXPUNGE, CYRE_FILE_EXPUNGE_NEW, CYRE_FILE_CACHE,
		CYRE_FILE_CACHE_NEW, CYRE_FILE_ANNOTATIONS};
	const char *name;
	bool elsewhere;
	size_t i, k;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		const struct cyre_side *s =
			cyre_mailbox_where(c, m, files[i], &elsewhere);

		if (!s)
			continue;
		name = cyre_file_name(files[i]);
		if (strstr(name, ".NEW"))
			CYRE_FIND(found, .problem = CYRE_P_LEFTOVER_NEW,
				.file = files[i], .text = name);
		else if (elsewhere)
			CYRE_FIND(found, .problem = CYRE_P_META_ELSEWHERE,
				.file = files[i], .text = name);
		for (k = 0; k < m->n_sides; k++)
			if (&m->sides[k] != s &&
				holds(c, m, &m->sides[k], files[i]))
				CYRE_FIND(found, .problem = CYRE_P_SPLIT_COPY,
					.file = files[i], .text = name);
	}
}

static void complain_of_kind(
	const struct cyre_odd *o, struct cyre_findings *found)
{
	uint32_t uid = cyre_listing_uid(o->name);
	struct cyre_buf b = {0};

	cyre_put_fmt(&b, "%s (%s)", cyre_kind_name(o->kind), o->name);
	cyre_put_u8(&b, 0);
	CYRE_FIND(found, .problem = CYRE_P_NOT_REGULAR,
		.file = uid ? CYRE_FILE_MESSAGE : CYRE_FILE_OTHER, .uid = uid,
		.text = b.bad ? o->name : (const char *)b.p);
	cyre_buf_free(&b);
}

static void check_odd(const struct cyre_listing *l, struct cyre_findings *found)
{
	size_t i;

	for (i = 0; i < l->n_odd; i++) {
		const struct cyre_odd *o = &l->odd[i];

		switch (o->class) {
		case CYRE_ODD_SERVER:
			break;
		case CYRE_ODD_NEW:
			CYRE_FIND(found, .problem = CYRE_P_LEFTOVER_NEW,
				.file = CYRE_FILE_OTHER, .text = o->name);
			break;
		case CYRE_ODD_UID:
			CYRE_FIND(found, .problem = CYRE_P_MESSAGE_NAME_ODD,
				.file = CYRE_FILE_OTHER, .text = o->name);
			break;
		case CYRE_ODD_KIND:
			complain_of_kind(o, found);
			break;
		case CYRE_ODD_OTHER:
			CYRE_FIND(found, .problem = CYRE_P_ODD_FILE,
				.file = CYRE_FILE_OTHER, .text = o->name);
			break;
		}
	}
	if (l->n_odd_dropped)
		CYRE_FIND(found, .problem = CYRE_P_ODD_FILES_MANY,
			.file = CYRE_FILE_DIRECTORY,
			.actual = l->n_odd_dropped);
}

static void check_place(const struct cyre_catalog *c,
	const struct cyre_mailbox *m, struct cyre_findings *found)
{
	const struct cyre_partition_roots *r = &c->partitions[m->partition];
	int32_t header = r->meta[CYRE_META_HEADER];
	bool data = cyre_mailbox_side(m, r->data) != NULL;
	const char *id = m->name ? m->name : m->uniqueid;

	if (!id)
		CYRE_FIND(found, .problem = CYRE_P_PATH_NO_NAME,
			.file = CYRE_FILE_DIRECTORY, .text = m->dir);
	else if (m->misplaced)
		CYRE_FIND(found,
			.problem =
				m->name || cyre_uniqueid_ok(cyre_slice_str(id))
					? CYRE_P_NAME_MISPLACED
					: CYRE_P_UNIQUEID_INVALID_DIR,
			.file = CYRE_FILE_DIRECTORY, .text = id);
	if (id && m->twice)
		CYRE_FIND(found, .problem = CYRE_P_MAILBOX_TWICE,
			.file = CYRE_FILE_DIRECTORY, .text = id);
	if (header < 0 || c->roots[header].fd < 0 ||
		cyre_mailbox_side(m, header))
		return;
	CYRE_FIND(found,
		.problem = data ? CYRE_P_SPOOL_WITHOUT_META
				: CYRE_P_ARCHIVE_WITHOUT_META,
		.file = CYRE_FILE_DIRECTORY);
}

void cyre_mailbox_survey(const struct cyre_catalog *c,
	const struct cyre_mailbox *m, struct cyre_findings *found)
{
	size_t i;

	check_place(c, m, found);
	check_metadata(c, m, found);
	for (i = 0; i < m->n_sides; i++) {
		const struct cyre_listing *l = &m->sides[i].list;

		if (l->errnum)
			CYRE_FIND(found, .problem = CYRE_P_DIRECTORY_UNREADABLE,
				.file = CYRE_FILE_DIRECTORY,
				.text = strerror(l->errnum));
		check_odd(l, found);
	}
}
