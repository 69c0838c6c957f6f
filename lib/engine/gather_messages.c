/*
 * gather_messages.c - the message files of a mailbox: which there are, what stat
 * says of them, their bytes
 *
 * The listings come from the walk (store/discover.c). A file that nobody asked
 * for its size is asked when it is read.
 */
#include "gather_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "read_file.h"

/* The room for messages that are held: as much as stays near the processor. */
#define BLOCK_SIZE ((size_t)512 << 10)

/* What a directory entry, a record and its stat cost at most, in memory. */
#define FILE_COST sizeof(struct cyre_msgfile)

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
	cyre_check_rights(g->rules, CYRE_FILE_MESSAGE, f->uid, info, g->found);
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
	cyre_gather_error(g, CYRE_P_MESSAGE_UNREADABLE, CYRE_FILE_MESSAGE,
		f->uid, err.errnum);
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

cyre_status cyre_gather_messages(struct cyre_gatherer *g)
{
	const struct cyre_side *spool = message_side(g, CYRE_SIDE_SPOOL);
	const struct cyre_side *archive = message_side(g, CYRE_SIDE_ARCHIVE);
	const struct cyre_partition_roots *roots =
		&g->rules->catalog->partitions[g->mailbox->partition];
	struct cyre_msgfile *files;
	int dirs[2] = {-1, -1};
	size_t n, i, at = 0;

	if (archive == spool)
		archive = NULL;
	n = (spool ? spool->list.n_uids : 0) +
	    (archive ? archive->list.n_uids : 0);
	g->ev.has_archive = roots->archive >= 0;
	g->ev.has_archive_cache =
		roots->archive >= 0 && roots->meta[CYRE_META_ARCHIVECACHE] !=
					       roots->meta[CYRE_META_CACHE];
	cyre_gather_take(g, n * FILE_COST);
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
	dirs[CYRE_SIDE_SPOOL] = spool ? cyre_gather_dir(g, spool) : -1;
	dirs[CYRE_SIDE_ARCHIVE] = archive ? cyre_gather_dir(g, archive) : -1;
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
		cyre_gather_error(g, CYRE_P_MESSAGE_UNREADABLE,
			CYRE_FILE_MESSAGE, f->uid, err.errnum);
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
	int dir = side ? cyre_gather_dir(g, side) : -1, fd, errnum;
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
		cyre_gather_error(g, CYRE_P_MESSAGE_UNREADABLE,
			CYRE_FILE_MESSAGE, f->uid, errnum);
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
