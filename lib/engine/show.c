/*
 * show.c - one path for people and programs: what is it, who shows it?
 *
 * Opens and reads; what a file says is the work of show_index.c, show_header.c,
 * show_cache.c, what a directory holds of show_dir.c. Changes nothing.
 */
#include "show.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cyrescue/dbload.h>
#include <cyrescue/dbreport.h>
#include <cyrescue/dbshow.h>

#include "cache.h"
#include "read_file.h"
#include "utf8.h"

/* ---- what a file is ---- */

/* A damaged magic is still more like one than anything else is. */
static bool is_header(struct cyre_slice s)
{
	size_t i, same = 0;

	for (i = 0; i < s.n && i < CYRE_HEADER_MAGIC_LEN; i++)
		same += s.p[i] == cyre_header_magic[i];
	return same >= 16 && same > i / 2;
}

/* Two of version, header size and record size that belong together. */
static bool is_index(struct cyre_slice s)
{
	const struct cyre_index_layout *l;
	uint32_t version, start, stride;
	unsigned v;

	if (s.n < 36)
		return false;
	version = cyre_load_be32(s.p + 8);
	start = cyre_load_be32(s.p + 12);
	stride = cyre_load_be32(s.p + 16);
	for (v = 0; v <= CYRE_INDEX_MAX_VERSION; v++) {
		l = cyre_index_layout(v);
		if (l && (version == v) + (start == l->header_size) +
					 (stride == l->record_size) >=
				 2)
			return true;
	}
	return version <= 4 && start < 76 && start >= 36 && stride >= 52 &&
	       stride <= 68;
}

/* There is no magic: the first record must look like one. */
static bool is_cache(struct cyre_slice s)
{
	struct cyre_cache_record r;

	if (s.n <= CYRE_CACHE_FIRST ||
		cyre_cache_measure(cyre_slice(s.p + CYRE_CACHE_FIRST,
					   s.n - CYRE_CACHE_FIRST),
			&r) != 0)
		return false;
	return r.item[CYRE_CACHE_ENVELOPE].n &&
	       r.item[CYRE_CACHE_ENVELOPE].p[0] == '(' &&
	       r.item[CYRE_CACHE_BODYSTRUCTURE].n &&
	       r.item[CYRE_CACHE_BODYSTRUCTURE].p[0] == '(';
}

enum cyre_show_kind cyre_show_recognise(struct cyre_slice bytes)
{
	if (is_header(bytes))
		return CYRE_SHOW_HEADER;
	if (is_index(bytes))
		return CYRE_SHOW_INDEX;
	if (is_cache(bytes))
		return CYRE_SHOW_CACHE;
	if (bytes.n && cyre_db_detect(bytes) != CYRE_DB_NONE)
		return CYRE_SHOW_DATABASE;
	return CYRE_SHOW_UNKNOWN;
}

/* The file of this name; a damaged one is only known by it. */
static enum cyre_file by_name(const char *name)
{
	int f;

	for (f = CYRE_FILE_HEADER; f <= CYRE_FILE_CACHE_NEW; f++)
		if (!strcmp(name, cyre_file_name((enum cyre_file)f)))
			return (enum cyre_file)f;
	return CYRE_FILE_NONE;
}

static enum cyre_show_kind kind_of_name(enum cyre_file f)
{
	switch (f) {
	case CYRE_FILE_HEADER:
	case CYRE_FILE_HEADER_NEW:
		return CYRE_SHOW_HEADER;
	case CYRE_FILE_INDEX:
	case CYRE_FILE_INDEX_NEW:
	case CYRE_FILE_EXPUNGE:
	case CYRE_FILE_EXPUNGE_NEW:
		return CYRE_SHOW_INDEX;
	case CYRE_FILE_CACHE:
	case CYRE_FILE_CACHE_NEW:
		return CYRE_SHOW_CACHE;
	default:
		return CYRE_SHOW_UNKNOWN;
	}
}

/* ---- findings ---- */

cyre_status cyre_show_sort(struct cyre_shower *s)
{
	if (s->found.status != CYRE_OK)
		return s->found.status;
	cyre_findings_sort(&s->found);
	s->told = calloc(s->found.n + 1, sizeof(*s->told));
	s->next = 0;
	return s->told ? CYRE_OK : CYRE_ENOMEM;
}

static void tell(struct cyre_shower *s, size_t i)
{
	if (!s->told[i])
		cyre_out_finding(&s->out, &s->found.items[i]);
	s->told[i] = true;
}

void cyre_show_tell(struct cyre_shower *s,
	bool (*match)(const struct cyre_finding *f, const char *what),
	const char *what)
{
	size_t i;

	for (i = 0; i < s->found.n; i++)
		if (match(&s->found.items[i], what))
			tell(s, i);
}

void cyre_show_tell_range(struct cyre_shower *s, uint64_t from, uint64_t to)
{
	const struct cyre_finding *f = s->found.items;

	for (; s->next < s->found.n && f[s->next].offset < to; s->next++)
		if (f[s->next].offset >= from)
			tell(s, s->next);
}

void cyre_show_tell_rest(struct cyre_shower *s)
{
	size_t i;

	for (i = 0; i < s->found.n; i++)
		tell(s, i);
	free(s->told);
	s->told = NULL;
	cyre_findings_free(&s->found);
}

/* ---- reading ---- */

cyre_status cyre_show_read(struct cyre_shower *s, int dirfd, const char *name,
	struct cyre_buf *ret)
{
	struct cyre_file_info info = {.fd = -1};
	cyre_status st = cyre_file_open(
		&s->opener, dirfd, name, CYRE_KIND_UNKNOWN, &info, s->error);

	if (st != CYRE_OK)
		return st;
	if (info.fd < 0) {
		s->error->errnum = EINVAL;
		return CYRE_EIO;
	}
	ret->limit = s->o->memory < SIZE_MAX ? (size_t)s->o->memory : 0;
	st = cyre_read_fd(info.fd, info.size, ret);
	s->error->errnum = st == CYRE_ELIMIT ? EFBIG : errno;
	close(info.fd);
	return st;
}

static cyre_status read_beside(struct cyre_shower *s, int dirfd,
	enum cyre_file which, struct cyre_buf *ret, bool *there)
{
	cyre_status st = cyre_show_read(s, dirfd, cyre_file_name(which), ret);

	*there = st == CYRE_OK && ret->n;
	return st == CYRE_ENOMEM ? st : CYRE_OK;
}

cyre_status cyre_show_beside(
	struct cyre_shower *s, int dirfd, struct cyre_beside_files *ret)
{
	struct cyre_findings ignored = {.keep = 1};
	struct cyre_beside *b = &ret->b;
	cyre_status st;

	st = read_beside(
		s, dirfd, CYRE_FILE_HEADER, &ret->bytes[0], &b->has_header);
	if (st == CYRE_OK)
		st = read_beside(s, dirfd, CYRE_FILE_INDEX, &ret->bytes[1],
			&b->has_index);
	if (st == CYRE_OK)
		st = read_beside(s, dirfd, CYRE_FILE_EXPUNGE, &ret->bytes[2],
			&b->has_expunge);
	if (st == CYRE_OK && b->has_header)
		st = cyre_header_read(cyre_buf_slice(&ret->bytes[0]),
			CYRE_FILE_HEADER, &ignored, &b->header);
	if (st != CYRE_OK)
		b->has_header = false;
	b->has_index = b->has_index &&
		       cyre_index_read(cyre_buf_slice(&ret->bytes[1]),
			       CYRE_FILE_INDEX, &ignored, &b->index) == CYRE_OK;
	b->has_expunge =
		b->has_expunge &&
		cyre_index_read(cyre_buf_slice(&ret->bytes[2]),
			CYRE_FILE_EXPUNGE, &ignored, &b->expunge) == CYRE_OK;
	cyre_findings_free(&ignored);
	return st;
}

void cyre_show_beside_free(struct cyre_beside_files *f)
{
	int i;

	if (f->b.has_header)
		cyre_header_free(&f->b.header);
	for (i = 0; i < 3; i++)
		cyre_buf_free(&f->bytes[i]);
}

/* ---- showing ---- */

void cyre_show_file(struct cyre_shower *s, const char *path, const char *kind,
	uint64_t size)
{
	struct cyre_out *out = &s->out;

	out->path = path;
	out->indent = 2;
	cyre_out_begin(out, "file");
	if (cyre_out_is_json(out)) {
		cyre_out_text(out, "path", cyre_slice_str(path));
		cyre_out_text(out, "kind", cyre_slice_str(kind));
		cyre_out_number(out, "bytes", size);
	} else {
		cyre_put_visible(&out->b, cyre_slice_str(path));
		cyre_put_fmt(&out->b, ": %s, ", kind);
		cyre_put_dec(&out->b, size);
		cyre_put_str(&out->b, " bytes\n");
	}
	cyre_out_end(out);
}

/* As cyrdb shows it: what it is, its findings, then its keys. */
static cyre_status show_database(
	struct cyre_shower *s, const char *path, struct cyre_slice bytes)
{
	struct cyre_dbreport_options o = {.format = s->o->format,
		.verbose = s->o->verbose,
		.write = s->o->write,
		.payload = s->o->payload};
	struct cyre_dbload_options load = {.memory = s->o->memory};
	struct cyre_dbreport d = {.path = path, .found = &s->found};
	struct cyre_db *db;
	cyre_status st = cyre_dbload_bytes(path, bytes, &load, &s->found, &db);

	if (st != CYRE_OK)
		return st;
	cyre_dbload_describe(db, &d);
	st = cyre_dbreport_file(&o, &d);
	if (st == CYRE_OK)
		st = cyre_dbshow(&(struct cyre_dbshow_options){.out = o}, db, 0,
			cyre_db_count(db));
	if (cyre_findings_worst(&s->found, &s->out.worst))
		s->out.any = true;
	cyre_findings_free(&s->found);
	cyre_db_free(db);
	return st;
}

static cyre_status show_metadata(struct cyre_shower *s, const char *path,
	struct cyre_slice bytes, enum cyre_show_kind kind, enum cyre_file named,
	const struct cyre_beside *b)
{
	bool expunge =
		named == CYRE_FILE_EXPUNGE || named == CYRE_FILE_EXPUNGE_NEW;

	switch (kind) {
	case CYRE_SHOW_HEADER:
		cyre_show_file(s, path, "header", bytes.n);
		return cyre_show_header(s, bytes, CYRE_FILE_HEADER);
	case CYRE_SHOW_INDEX:
		cyre_show_file(s, path, expunge ? "expunge" : "index", bytes.n);
		return cyre_show_index(s, bytes,
			expunge ? CYRE_FILE_EXPUNGE : CYRE_FILE_INDEX, b);
	default:
		cyre_show_file(s, path, "cache", bytes.n);
		return cyre_show_cache(s, bytes, CYRE_FILE_CACHE, b, true);
	}
}

static cyre_status show_file(
	struct cyre_shower *s, int dirfd, const char *name, const char *path)
{
	struct cyre_beside_files beside = {0};
	struct cyre_buf bytes = {0};
	enum cyre_file named = by_name(name);
	enum cyre_show_kind kind;
	cyre_status st = cyre_show_read(s, dirfd, name, &bytes);

	if (st != CYRE_OK)
		goto out;
	kind = cyre_show_recognise(cyre_buf_slice(&bytes));
	if (kind == CYRE_SHOW_UNKNOWN || kind == CYRE_SHOW_DATABASE)
		kind = named ? kind_of_name(named) : kind;
	if (kind == CYRE_SHOW_UNKNOWN) {
		st = CYRE_EFORMAT;
	} else if (kind == CYRE_SHOW_DATABASE) {
		st = show_database(s, path, cyre_buf_slice(&bytes));
	} else {
		st = cyre_show_beside(s, dirfd, &beside);
		if (st == CYRE_OK)
			st = show_metadata(s, path, cyre_buf_slice(&bytes),
				kind, named, &beside.b);
	}
out:
	cyre_show_beside_free(&beside);
	cyre_buf_free(&bytes);
	return st;
}

/* "a/b/c" as a directory and the name in it. */
static cyre_status show_path(struct cyre_shower *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char *dir;
	cyre_status st;
	int fd;

	dir = slash ? strndup(path, (size_t)(name - path)) : strdup(".");
	if (!dir)
		return CYRE_ENOMEM;
	st = cyre_root_open(NULL, dir, &fd, s->error);
	free(dir);
	if (st != CYRE_OK)
		return st;
	st = show_file(s, fd, name, path);
	close(fd);
	return st;
}

cyre_status cyre_show(const struct cyre_show_options *o, const char *path,
	struct cyre_show_result *ret, struct cyre_error *reterr)
{
	struct cyre_error ignored = {0};
	struct cyre_shower s = {.o = o,
		.error = reterr ? reterr : &ignored,
		.out = {.format = o->format,
			.verbose = o->verbose,
			.write = o->write,
			.payload = o->payload}};
	cyre_status st, written;
	int fd;

	st = cyre_root_open(NULL, path, &fd, s.error);
	if (st == CYRE_OK)
		st = cyre_show_directory(&s, fd, path);
	else if (s.error->errnum == ENOTDIR)
		st = show_path(&s, path);
	written = cyre_out_flush(&s.out);
	if (st == CYRE_OK && written != CYRE_OK) {
		*s.error = (struct cyre_error){0};
		st = written;
	}
	cyre_out_free(&s.out);
	free(s.told);
	cyre_findings_free(&s.found);
	*ret = (struct cyre_show_result){
		.found = s.out.any, .worst = s.out.worst, .skipped = s.skipped};
	return st;
}
