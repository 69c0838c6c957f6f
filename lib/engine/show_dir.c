/*
 * show_dir.c - a mailbox's directory for people and programs
 *
 * The listing, then header, index and expunge file, what is wrong with the
 * cache, and, where there are both, records against message files. Without a
 * configuration nobody knows what stands in another partition: a file that is
 * not here is a finding only where what belongs to it is.
 */
#include "show.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "check_files.h"
#include "listing.h"
#include "utf8.h"

struct directory {
	struct cyre_shower *s;
	int fd;
	const char *path;
	struct cyre_listing list;
	uint64_t directories;
	struct cyre_msgfile *files; /* as list.uids */
	uint64_t bytes;             /* of message files */
	struct cyre_beside_files beside;
	struct cyre_buf name; /* of a file in it, with the path */
};

static cyre_status add_entry(
	void *payload, const char *name, enum cyre_kind kind)
{
	struct directory *d = payload;

	if (kind == CYRE_KIND_DIRECTORY)
		d->directories++;
	return cyre_listing_add(&d->list, name, kind);
}

static cyre_status list(struct directory *d)
{
	cyre_status st;
	int fd;

	st = cyre_dir_open(&d->s->opener, d->fd, "", &fd, d->s->error);
	if (st == CYRE_OK)
		st = cyre_dir_list(fd, add_entry, d, d->s->error);
	if (st == CYRE_OK)
		st = cyre_listing_finish(&d->list);
	return st;
}

static cyre_status stat_messages(struct directory *d)
{
	struct cyre_file_info info;
	struct cyre_error err;
	char name[16];
	size_t i;

	d->files = calloc(d->list.n_uids + 1, sizeof(*d->files));
	if (!d->files)
		return CYRE_ENOMEM;
	for (i = 0; i < d->list.n_uids; i++) {
		d->files[i] = (struct cyre_msgfile){
			.uid = d->list.uids[i], .state = CYRE_ENTRY_BROKEN};
		snprintf(name, sizeof(name), "%u.", d->list.uids[i]);
		if (cyre_file_stat(&d->s->opener, d->fd, name, &info, &err) !=
			CYRE_OK) {
			d->s->skipped = true;
			continue;
		}
		d->files[i].state = info.kind == CYRE_KIND_FILE
					    ? CYRE_ENTRY_FILE
					    : CYRE_ENTRY_OTHER;
		d->files[i].size = info.size;
		d->bytes += info.size;
	}
	return CYRE_OK;
}

static void put_listing(struct directory *d)
{
	struct cyre_out *out = &d->s->out;
	const struct cyre_listing *l = &d->list;
	size_t i;
	int f;

	if (!cyre_out_is_json(out)) {
		cyre_put_visible(&out->b, cyre_slice_str(d->path));
		cyre_put_str(&out->b, ": directory\n");
	}
	out->path = d->path;
	out->indent = 2;
	cyre_out_begin(out, "directory");
	if (cyre_out_is_json(out))
		cyre_out_text(out, "path", cyre_slice_str(d->path));
	cyre_out_number(out, "messages", l->n_uids);
	if (l->n_uids) {
		cyre_out_number(out, "bytes", d->bytes);
		cyre_out_number(out, "first_uid", l->uids[0]);
		cyre_out_number(out, "last_uid", l->uids[l->n_uids - 1]);
	}
	cyre_out_number(out, "directories", d->directories);
	cyre_out_names(out, "metadata");
	for (f = 0; f < CYRE_FILE_COUNT; f++)
		if (l->files >> f & 1)
			cyre_out_name(out, cyre_slice_str(cyre_file_name(
						   (enum cyre_file)f)));
	cyre_out_names_end(out);
	cyre_out_names(out, "others");
	for (i = 0; i < l->n_odd; i++)
		cyre_out_name(out, cyre_slice_str(l->odd[i].name));
	cyre_out_names_end(out);
	cyre_out_end(out);
}

static const char *path_of(struct directory *d, enum cyre_file which)
{
	size_t n = strlen(d->path);

	cyre_buf_reset(&d->name);
	cyre_put(&d->name, d->path, n);
	if (n && d->path[n - 1] != '/')
		cyre_put_u8(&d->name, '/');
	cyre_put_str(&d->name, cyre_file_name(which));
	cyre_put_u8(&d->name, '\0');
	return d->name.bad ? d->path : (const char *)d->name.p;
}

static void tell_unreadable(struct directory *d, enum cyre_file which)
{
	struct cyre_finding f = {
		.problem = CYRE_P_FILE_UNREADABLE, .file = which};
	char text[128];

	d->s->skipped = true;
	f.text = strerror_r(d->s->error->errnum, text, sizeof(text));
	d->s->out.path = d->path;
	cyre_out_finding(&d->s->out, &f);
}

/* One metadata file, if it is there. */
static cyre_status show_one(struct directory *d, enum cyre_file which)
{
	bool expunge =
		which == CYRE_FILE_EXPUNGE || which == CYRE_FILE_EXPUNGE_NEW;
	struct cyre_shower *s = d->s;
	bool index_whole = s->index_whole;
	struct cyre_buf bytes = {0};
	struct cyre_slice b;
	cyre_status st;

	if (!(d->list.files >> which & 1))
		return CYRE_OK;
	st = cyre_show_read(s, d->fd, cyre_file_name(which), &bytes);
	b = cyre_buf_slice(&bytes);
	if (st == CYRE_EIO || st == CYRE_ELIMIT) {
		tell_unreadable(d, which);
		st = CYRE_OK;
	} else if (st == CYRE_OK && (which == CYRE_FILE_HEADER ||
					    which == CYRE_FILE_HEADER_NEW)) {
		cyre_show_file(s, path_of(d, which), "header", b.n);
		st = cyre_show_header(s, b, CYRE_FILE_HEADER);
	} else if (st == CYRE_OK && which == CYRE_FILE_CACHE) {
		cyre_show_file(s, path_of(d, which), "cache", b.n);
		st = cyre_show_cache(s, b, which, &d->beside.b, false);
	} else if (st == CYRE_OK && b.n) {
		cyre_show_file(s, path_of(d, which),
			expunge ? "expunge" : "index", b.n);
		st = cyre_show_index(s, b,
			expunge ? CYRE_FILE_EXPUNGE : CYRE_FILE_INDEX,
			&d->beside.b);
	}
	if (which != CYRE_FILE_INDEX)
		s->index_whole = index_whole;
	cyre_buf_free(&bytes);
	return st;
}

static cyre_status check_messages(struct directory *d)
{
	const struct cyre_beside *b = &d->beside.b;
	struct cyre_files_context ctx = {
		.index = b->has_index ? &b->index : NULL,
		.expunge = b->has_expunge ? &b->expunge : NULL,
		.files = d->files,
		.nfiles = d->list.n_uids,
		.index_whole = d->s->index_whole,
	};
	struct cyre_files_totals totals;
	struct cyre_shower *s = d->s;
	cyre_status st = CYRE_OK;

	/* Archived ones are elsewhere, and nothing is known of them here. */
	if (b->has_index && d->list.n_uids &&
		!cyre_show_has_archived(&b->index))
		st = cyre_check_files(&ctx, &s->found, &totals);
	if (st == CYRE_OK)
		st = cyre_show_sort(s);
	if (st != CYRE_OK)
		return st;
	s->out.path = d->path;
	s->out.indent = 2;
	cyre_show_tell_rest(s);
	return CYRE_OK;
}

/* What is wrong with the directory as such. */
static cyre_status check_listing(struct directory *d)
{
	bool header = d->list.files >> CYRE_FILE_HEADER & 1;
	bool index = d->list.files >> CYRE_FILE_INDEX & 1;
	const struct cyre_beside *b = &d->beside.b;
	struct cyre_shower *s = d->s;
	struct cyre_file_info info;
	cyre_status st;
	int f;

	for (f = 0; f < CYRE_FILE_COUNT; f++) {
		if (!(d->list.not_files >> f & 1))
			continue;
		info.kind = CYRE_KIND_UNKNOWN;
		cyre_file_stat(&s->opener, d->fd,
			cyre_file_name((enum cyre_file)f), &info, s->error);
		CYRE_FIND(&s->found, .problem = CYRE_P_NOT_REGULAR,
			.file = (enum cyre_file)f,
			.text = cyre_kind_name(info.kind));
	}
	if (d->list.n_uids && header && !index)
		CYRE_FIND(&s->found, .problem = CYRE_P_INDEX_MISSING,
			.file = CYRE_FILE_INDEX);
	if (d->list.n_uids && index && !header)
		CYRE_FIND(&s->found, .problem = CYRE_P_HEADER_MISSING,
			.file = CYRE_FILE_HEADER);
	if (b->has_index && b->has_expunge && b->index.layout->version >= 12)
		CYRE_FIND(&s->found, .problem = CYRE_P_EXPUNGE_STALE,
			.file = CYRE_FILE_EXPUNGE,
			.actual = b->index.layout->version);
	st = cyre_show_sort(s);
	if (st == CYRE_OK)
		cyre_show_tell_rest(s);
	return st;
}

static cyre_status show_all(struct directory *d)
{
	static const enum cyre_file order[] = {CYRE_FILE_HEADER,
		CYRE_FILE_HEADER_NEW, CYRE_FILE_INDEX, CYRE_FILE_INDEX_NEW,
		CYRE_FILE_EXPUNGE, CYRE_FILE_EXPUNGE_NEW, CYRE_FILE_CACHE};
	cyre_status st = check_listing(d);
	size_t i;

	for (i = 0; st == CYRE_OK && i < sizeof(order) / sizeof(order[0]); i++)
		st = show_one(d, order[i]);
	return st == CYRE_OK ? check_messages(d) : st;
}

cyre_status cyre_show_directory(
	struct cyre_shower *s, int dirfd, const char *path)
{
	struct directory d = {.s = s, .fd = dirfd, .path = path};
	cyre_status st = list(&d);

	if (st == CYRE_OK)
		st = stat_messages(&d);
	if (st == CYRE_OK)
		st = cyre_show_beside(s, dirfd, &d.beside);
	if (st == CYRE_OK) {
		put_listing(&d);
		st = show_all(&d);
	}
	cyre_show_beside_free(&d.beside);
	cyre_listing_free(&d.list);
	cyre_buf_free(&d.name);
	free(d.files);
	close(dirfd);
	return st;
}
