/*
 * gather.c - reads header, index and expunge file whole, opens the caches,
 * lists the message files with what stat says of them
 *
 * The listings come from the walk (store/discover.c); a directory is opened
 * once, everything in it is reached from there. Judges nothing but what only
 * the disk can tell: kinds, owners, modes, I/O errors.
 */
#include "gather.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_cache.h"
#include "digest.h"
#include "read_file.h"

/* In place of a descriptor. */
#define NOT_OPENED (-1)
#define NO_DIR     (-2) /* it was said why */

/* The room for messages that are held: as much as stays near the processor. */
#define BLOCK_SIZE ((size_t)512 << 10)

/* What a directory entry, a record and its stat cost at most, in memory. */
#define FILE_COST sizeof(struct cyre_msgfile)

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

static void found_error(struct cyre_gatherer *g, enum cyre_problem p,
	enum cyre_file file, uint32_t uid, int errnum)
{
	char text[128];

	g->skipped = true;
	CYRE_FIND(g->found, .problem = p, .file = file, .uid = uid,
		.text = strerror_r(errnum, text, sizeof(text)));
}

/* The directory of a side, opened when first asked for. */
static int side_dir(struct cyre_gatherer *g, const struct cyre_side *side)
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
		found_error(g, CYRE_P_DIRECTORY_UNREADABLE, CYRE_FILE_DIRECTORY,
			0, err.errnum);
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

static void check_rights(struct cyre_gatherer *g, enum cyre_file file,
	uint32_t uid, const struct cyre_file_info *info)
{
	cyre_check_rights(g->rules, file, uid, info, g->found);
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
	dir = side_dir(g, &m->sides[i]);
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
	dir = side_dir(g, side);
	if (dir < 0)
		return false;
	if (cyre_file_open(&g->opener, dir, cyre_file_name(file),
		    CYRE_KIND_FILE, info, &err) != CYRE_OK) {
		found_error(g, CYRE_P_FILE_UNREADABLE, file, 0, err.errnum);
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
	check_rights(g, file, 0, info);
	return true;
}

static void take(struct cyre_gatherer *g, uint64_t bytes)
{
	/* What is held already is given back first: two workers that wait for
	 * each other's share would wait for ever. */
	if (!g->rules->budget)
		return;
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
	take(g, info.size);
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
		found_error(g, CYRE_P_FILE_UNREADABLE, file, 0, errnum);
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

/* ---- message files ---- */

static const struct cyre_side *side_of(
	const struct cyre_gatherer *g, int32_t root)
{
	return root < 0 ? NULL : cyre_mailbox_side(g->mailbox, root);
}

static const struct cyre_side *message_side(
	const struct cyre_gatherer *g, unsigned side)
{
	const struct cyre_partition_roots *roots =
		&g->rules->catalog->partitions[g->mailbox->partition];

	return side_of(
		g, side == CYRE_SIDE_ARCHIVE ? roots->archive : roots->data);
}

/* Some for each message: snprintf() is felt here. */
static void message_name(uint32_t uid, char name[16])
{
	char digits[10];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + uid % 10);
		uid /= 10;
	} while (uid);
	while (n)
		*name++ = digits[--n];
	name[0] = '.';
	name[1] = '\0';
}

/* What the system says of a message file. */
static void note_message(struct cyre_gatherer *g, struct cyre_msgfile *f,
	const struct cyre_file_info *info)
{
	if (info->kind != CYRE_KIND_FILE) {
		f->state = CYRE_ENTRY_OTHER;
		CYRE_FIND(g->found, .problem = CYRE_P_NOT_REGULAR,
			.file = CYRE_FILE_MESSAGE, .uid = f->uid,
			.text = cyre_kind_name(info->kind));
		return;
	}
	f->state = CYRE_ENTRY_FILE;
	f->size = info->size;
	f->mtime_ns = info->mtime_ns;
	check_rights(g, CYRE_FILE_MESSAGE, f->uid, info);
}

static void stat_message(
	struct cyre_gatherer *g, int dir, struct cyre_msgfile *f)
{
	struct cyre_file_info info;
	struct cyre_error err;
	char name[16];

	message_name(f->uid, name);
	if (cyre_file_stat(&g->opener, dir, name, &info, &err) == CYRE_OK) {
		note_message(g, f, &info);
		return;
	}
	f->state = CYRE_ENTRY_BROKEN;
	found_error(g, CYRE_P_MESSAGE_UNREADABLE, CYRE_FILE_MESSAGE, f->uid,
		err.errnum);
}

/* Both listings are ascending: one merge, spool before archive. */
static void merge_listings(struct cyre_gatherer *g,
	const struct cyre_side *spool, const struct cyre_side *archive)
{
	const uint32_t *a = spool ? spool->list.uids : NULL;
	const uint32_t *b = archive ? archive->list.uids : NULL;
	size_t na = spool ? spool->list.n_uids : 0;
	size_t nb = archive ? archive->list.n_uids : 0;
	size_t i = 0, k = 0;
	bool from_a;

	g->ev.nfiles = 0;
	while (i < na || k < nb) {
		from_a = k == nb || (i < na && a[i] <= b[k]);
		g->files[g->ev.nfiles++] = (struct cyre_msgfile){
			.uid = from_a ? a[i++] : b[k++],
			.side = from_a ? CYRE_SIDE_SPOOL : CYRE_SIDE_ARCHIVE,
			.state = CYRE_ENTRY_LISTED,
		};
	}
	g->ev.files = g->files;
}

/* What is known of a listed message; *at goes on in g->read_before. */
static bool was_read(
	const struct cyre_gatherer *g, size_t *at, struct cyre_msgfile *f)
{
	const struct cyre_msgfile *k = g->read_before;

	while (*at < g->n_read_before && k[*at].uid < f->uid)
		++*at;
	if (*at == g->n_read_before || k[*at].uid != f->uid ||
		k[*at].side != f->side)
		return false;
	*f = k[*at];
	return true;
}

static cyre_status gather_messages(struct cyre_gatherer *g)
{
	const struct cyre_side *spool = message_side(g, CYRE_SIDE_SPOOL);
	const struct cyre_side *archive = message_side(g, CYRE_SIDE_ARCHIVE);
	struct cyre_msgfile *files;
	int dirs[2] = {-1, -1};
	size_t n, i, at = 0;

	if (archive == spool)
		archive = NULL;
	n = (spool ? spool->list.n_uids : 0) +
	    (archive ? archive->list.n_uids : 0);
	g->ev.has_archive =
		g->rules->catalog->partitions[g->mailbox->partition].archive >=
		0;
	take(g, n * FILE_COST);
	if (n > g->cap_files) {
		files = reallocarray(g->files, n, sizeof(*files));
		if (!files)
			return CYRE_ENOMEM;
		g->files = files;
		g->cap_files = n;
	}
	merge_listings(g, spool, archive);
	if (!g->rules->caches || !n)
		return CYRE_OK;
	dirs[CYRE_SIDE_SPOOL] = spool ? side_dir(g, spool) : -1;
	dirs[CYRE_SIDE_ARCHIVE] = archive ? side_dir(g, archive) : -1;
	for (i = 0; i < n && g->rules->sizes; i++)
		if (dirs[g->files[i].side] >= 0 &&
			!was_read(g, &at, &g->files[i]))
			stat_message(g, dirs[g->files[i].side], &g->files[i]);
	return CYRE_OK;
}

/*
 * The descriptor of a message; -1: there is nothing to read, and it was said
 * why. One that was not asked for its size is asked now: to open a file and ask
 * is cheaper than to look up its name twice.
 */
static int open_message(
	struct cyre_gatherer *g, int dir, struct cyre_msgfile *f)
{
	struct cyre_file_info info = {.fd = -1};
	struct cyre_error err = {0};
	cyre_status st;
	char name[16];

	message_name(f->uid, name);
	if (f->state == CYRE_ENTRY_FILE) {
		st = cyre_file_reopen(&g->opener, dir, name, &info.fd, &err);
	} else {
		st = cyre_file_open(
			&g->opener, dir, name, CYRE_KIND_FILE, &info, &err);
		if (st == CYRE_OK)
			note_message(g, f, &info);
		else
			stat_message(g, dir, f);
	}
	if (st != CYRE_OK && f->state == CYRE_ENTRY_FILE)
		found_error(g, CYRE_P_MESSAGE_UNREADABLE, CYRE_FILE_MESSAGE,
			f->uid, err.errnum);
	return info.fd;
}

/* False: the block has no room for it, or the file grew meanwhile. */
static bool read_into_block(
	struct cyre_gatherer *g, int fd, uint64_t size, struct cyre_slice *ret)
{
	struct cyre_buf *b = &g->block, here;

	if (!cyre_buf_room(b, b->n ? 0 : BLOCK_SIZE) || size >= b->cap - b->n)
		return false;
	here = (struct cyre_buf){
		.p = b->p + b->n, .cap = b->cap - b->n, .limit = b->cap - b->n};
	if (cyre_read_fd(fd, size, &here) != CYRE_OK)
		return false;
	b->n += here.n;
	*ret = cyre_buf_slice(&here);
	return true;
}

/* What fails in the block fails again alone, and then tells why. */
static cyre_status read_message(
	struct cyre_gatherer *g, int fd, uint64_t size, struct cyre_slice *ret)
{
	cyre_status st;

	if (read_into_block(g, fd, size, ret)) {
		g->full = ++g->held == CYRE_GATHER_HELD;
		return CYRE_OK;
	}
	st = cyre_read_fd(fd, size, &g->message);
	if (st != CYRE_OK)
		return st;
	*ret = cyre_buf_slice(&g->message);
	g->full = true;
	return CYRE_OK;
}

void cyre_gather_forget(struct cyre_gatherer *g)
{
	cyre_buf_reset(&g->block);
	g->held = 0;
	g->full = false;
}

cyre_status cyre_gather_listed(
	struct cyre_gatherer *g, struct cyre_msgfile *f, struct cyre_slice *ret)
{
	const struct cyre_side *side = message_side(g, f->side);
	int dir = side ? side_dir(g, side) : -1, fd, errnum;
	cyre_status st;

	fd = dir < 0 ? -1 : open_message(g, dir, f);
	if (fd < 0)
		return CYRE_EIO;
	st = read_message(g, fd, f->size, ret);
	errnum = st == CYRE_ELIMIT ? EFBIG : errno;
	close(fd);
	if (st == CYRE_ENOMEM)
		return st;
	if (st != CYRE_OK) {
		found_error(g, CYRE_P_MESSAGE_UNREADABLE, CYRE_FILE_MESSAGE,
			f->uid, errnum);
		return CYRE_EIO;
	}
	g->read += ret->n;
	return CYRE_OK;
}

cyre_status cyre_gather_message(struct cyre_gatherer *g,
	const struct cyre_msgfile *f, struct cyre_slice *ret)
{
	struct cyre_msgfile copy = *f;

	return cyre_gather_listed(g, &copy, ret);
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
		st = gather_messages(g);
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
