/*
 * gather.c - reads header, index and expunge file whole, opens the caches; of
 * the message files gather_messages.c
 *
 * The listings come from the walk (store/discover.c); a directory is opened
 * once, everything in it is reached from there. Judges nothing but what only
 * the disk can tell: kinds, owners, modes, I/O errors.
 */
#include "gather_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_cache.h"
#include "read_file.h"

/* In place of a descriptor. */
#define NOT_OPENED (-1)
#define NO_DIR     (-2) /* it was said why */

void cyre_gatherer_init(
	struct cyre_gatherer *g, const struct cyre_gather_rules *rules)
{
	int i;

	*g = (struct cyre_gatherer){.rules = rules};
	for (i = 0; i < CYRE_GATHER_SIDES; i++)
		g->dirs[i] = NOT_OPENED;
	for (i = 0; i < CYRE_FILE_COUNT; i++)
		g->bytes[i].limit = rules->limit;
	g->message.limit = rules->limit;
	/* Beside what the caller allows: one record, which has a limit. */
	g->cache.limit = g->archive_cache.limit =
		rules->limit > CYRE_CACHE_RECORD_MAX ? rules->limit
						     : CYRE_CACHE_RECORD_MAX;
}

void cyre_gatherer_free(struct cyre_gatherer *g)
{
	int i;

	for (i = 0; i < CYRE_FILE_COUNT; i++)
		cyre_buf_free(&g->bytes[i]);
	cyre_buf_free(&g->block);
	cyre_buf_free(&g->message);
	cyre_source_file_free(&g->cache);
	cyre_source_file_free(&g->archive_cache);
	free(g->files);
}

void cyre_gather_error(struct cyre_gatherer *g, enum cyre_problem p,
	enum cyre_file file, uint32_t uid, int errnum)
{
	char text[128];

	g->skipped = true;
	CYRE_FIND(g->found, .problem = p, .file = file, .uid = uid,
		.text = strerror_r(errnum, text, sizeof(text)));
}

int cyre_gather_dir(struct cyre_gatherer *g, const struct cyre_side *side)
{
	const struct cyre_root *root = &g->rules->catalog->roots[side->root];
	size_t i = (size_t)(side - g->mailbox->sides);
	struct cyre_error err = {0};

	if (i >= CYRE_GATHER_SIDES || root->fd < 0)
		return -1;
	if (g->dirs[i] != NOT_OPENED)
		return g->dirs[i];
	if (cyre_dir_open(&g->opener, root->fd, g->mailbox->dir, &g->dirs[i],
		    &err) != CYRE_OK) {
		g->dirs[i] = NO_DIR;
		cyre_gather_error(g, CYRE_P_DIRECTORY_UNREADABLE,
			CYRE_FILE_DIRECTORY, 0, err.errnum);
	}
	return g->dirs[i];
}

void cyre_check_rights(const struct cyre_gather_rules *rules,
	enum cyre_file file, uint32_t uid, const struct cyre_file_info *info,
	struct cyre_findings *found)
{
	char text[32];

	if (info->uid != rules->owner) {
		if (info->mode & S_IWOTH)
			return;
		snprintf(text, sizeof(text), "%u", info->gid);
		CYRE_FIND(found, .problem = CYRE_P_WRONG_OWNER, .file = file,
			.uid = uid, .expected = rules->owner,
			.actual = info->uid, .text = text);
	} else if ((info->mode & (S_IRUSR | S_IWUSR)) != (S_IRUSR | S_IWUSR)) {
		snprintf(text, sizeof(text), "%04o", info->mode);
		CYRE_FIND(found, .problem = CYRE_P_WRONG_MODE, .file = file,
			.uid = uid, .text = text);
	}
}

/* Something that is no regular file stands in this one's place. */
static void look_for_other(struct cyre_gatherer *g, enum cyre_file file)
{
	const struct cyre_mailbox *m = g->mailbox;
	struct cyre_file_info info = {.kind = CYRE_KIND_UNKNOWN};
	struct cyre_error err;
	size_t i;
	int dir;

	for (i = 0; i < m->n_sides; i++)
		if (m->sides[i].list.not_files >> file & 1)
			break;
	if (i == m->n_sides)
		return;
	g->ev.meta[file].state = CYRE_ENTRY_OTHER;
	dir = cyre_gather_dir(g, &m->sides[i]);
	if (dir >= 0)
		cyre_file_stat(
			&g->opener, dir, cyre_file_name(file), &info, &err);
	CYRE_FIND(g->found, .problem = CYRE_P_NOT_REGULAR, .file = file,
		.text = cyre_kind_name(info.kind));
}

/* Opens a metadata file. False: there is nothing to read from. */
static bool open_meta(struct cyre_gatherer *g, enum cyre_file file,
	struct cyre_file_info *info)
{
	struct cyre_metafile *m = &g->ev.meta[file];
	const struct cyre_side *side =
		cyre_mailbox_where(g->rules->catalog, g->mailbox, file, NULL);
	struct cyre_error err = {0};
	int dir;

	if (!side) {
		look_for_other(g, file);
		return false;
	}
	m->state = CYRE_ENTRY_BROKEN;
	dir = cyre_gather_dir(g, side);
	if (dir < 0)
		return false;
	if (cyre_file_open(&g->opener, dir, cyre_file_name(file),
		    CYRE_KIND_FILE, info, &err) != CYRE_OK) {
		cyre_gather_error(
			g, CYRE_P_FILE_UNREADABLE, file, 0, err.errnum);
		return false;
	}
	if (info->fd < 0) {
		m->state = CYRE_ENTRY_OTHER;
		CYRE_FIND(g->found, .problem = CYRE_P_NOT_REGULAR, .file = file,
			.text = cyre_kind_name(info->kind));
		return false;
	}
	m->state = CYRE_ENTRY_FILE;
	m->size = info->size;
	m->mtime_ns = info->mtime_ns;
	m->mode = info->mode;
	m->uid = info->uid;
	m->gid = info->gid;
	cyre_check_rights(g->rules, file, 0, info, g->found);
	return true;
}

void cyre_gather_take(struct cyre_gatherer *g, uint64_t bytes)
{
	if (!g->rules->budget)
		return;
	/* What is held already is given back first: two workers that wait for
	 * each other's share would wait for ever. */
	cyre_budget_give(g->rules->budget, g->taken);
	g->taken += bytes;
	cyre_budget_take(g->rules->budget, g->taken);
}

static cyre_status read_meta(struct cyre_gatherer *g, enum cyre_file file)
{
	struct cyre_metafile *m = &g->ev.meta[file];
	struct cyre_file_info info = {.fd = -1};
	cyre_status st;
	int errnum;

	if (!open_meta(g, file, &info))
		return CYRE_OK;
	cyre_gather_take(g, info.size);
	st = cyre_read_fd(info.fd, info.size, &g->bytes[file]);
	errnum = errno;
	close(info.fd);
	if (st == CYRE_ENOMEM)
		return st;
	if (st == CYRE_OK) {
		m->bytes = cyre_buf_slice(&g->bytes[file]);
		g->read += m->bytes.n;
		return CYRE_OK;
	}
	m->state = CYRE_ENTRY_BROKEN;
	if (st == CYRE_EIO) {
		cyre_gather_error(g, CYRE_P_FILE_UNREADABLE, file, 0, errnum);
	} else {
		g->skipped = true;
		CYRE_FIND(g->found, .problem = CYRE_P_FILE_TOO_BIG,
			.file = file, .actual = info.size,
			.expected = g->rules->limit);
	}
	return CYRE_OK;
}

static void open_cache(struct cyre_gatherer *g, enum cyre_file file,
	struct cyre_source_file *sf)
{
	struct cyre_file_info info = {.fd = -1};

	if (!open_meta(g, file, &info))
		return;
	cyre_source_file_start(sf, info.fd, info.size);
	g->ev.meta[file].view = &sf->src;
	g->read += info.size;
}

cyre_status cyre_gather(struct cyre_gatherer *g, const struct cyre_mailbox *m,
	const char *userid, struct cyre_findings *found)
{
	static const enum cyre_file whole[] = {CYRE_FILE_HEADER,
		CYRE_FILE_INDEX, CYRE_FILE_EXPUNGE, CYRE_FILE_HEADER_NEW,
		CYRE_FILE_INDEX_NEW, CYRE_FILE_EXPUNGE_NEW};
	size_t n = g->rules->leftovers ? 6 : 3;
	cyre_status st = CYRE_OK;
	size_t i;

	g->mailbox = m;
	g->found = found;
	g->ev = (struct cyre_evidence){.mboxname = m->name,
		.path_uniqueid = m->uniqueid,
		.userid = userid};
	for (i = 0; i < m->n_sides; i++)
		if (m->sides[i].list.errnum)
			g->skipped = true;
	for (i = 0; i < n && st == CYRE_OK && g->rules->metadata; i++)
		st = read_meta(g, whole[i]);
	for (i = 0; i < 3 && !g->rules->metadata; i++)
		if (cyre_mailbox_where(g->rules->catalog, m, whole[i], NULL))
			g->ev.meta[whole[i]].state = CYRE_ENTRY_LISTED;
	if (st == CYRE_OK)
		st = cyre_gather_messages(g);
	if (st == CYRE_OK && g->rules->caches)
		st = read_meta(g, CYRE_FILE_ANNOTATIONS);
	if (st == CYRE_OK && g->rules->caches) {
		open_cache(g, CYRE_FILE_CACHE, &g->cache);
		open_cache(g, CYRE_FILE_ARCHIVE_CACHE, &g->archive_cache);
	}
	return st;
}

void cyre_gather_end(struct cyre_gatherer *g)
{
	int i;

	if (g->ev.meta[CYRE_FILE_CACHE].view)
		close(g->cache.fd);
	if (g->ev.meta[CYRE_FILE_ARCHIVE_CACHE].view)
		close(g->archive_cache.fd);
	for (i = 0; i < CYRE_GATHER_SIDES; i++) {
		if (g->dirs[i] >= 0)
			close(g->dirs[i]);
		g->dirs[i] = NOT_OPENED;
	}
	if (g->rules->budget && g->taken)
		cyre_budget_give(g->rules->budget, g->taken);
	g->taken = 0;
	g->read_before = NULL;
	g->n_read_before = 0;
	g->ev = (struct cyre_evidence){0};
}

/* A window of its own on the same file. */
static void share_view(struct cyre_metafile *m, struct cyre_source_file *sf,
	const struct cyre_source_file *from)
{
	if (!m->view)
		return;
	cyre_source_file_start(sf, from->fd, from->src.size);
	m->view = &sf->src;
}

void cyre_gather_share(struct cyre_gatherer *g,
	const struct cyre_gatherer *from, struct cyre_findings *found)
{
	g->mailbox = from->mailbox;
	g->found = found;
	g->ev = from->ev;
	memcpy(g->dirs, from->dirs, sizeof(g->dirs));
	share_view(&g->ev.meta[CYRE_FILE_CACHE], &g->cache, &from->cache);
	share_view(&g->ev.meta[CYRE_FILE_ARCHIVE_CACHE], &g->archive_cache,
		&from->archive_cache);
}

void cyre_gather_unshare(struct cyre_gatherer *g)
{
	int i;

	for (i = 0; i < CYRE_GATHER_SIDES; i++)
		g->dirs[i] = NOT_OPENED;
	g->ev = (struct cyre_evidence){0};
}
