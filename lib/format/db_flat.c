/*
 * db_flat.c - flat files: lines of key, TAB, value
 *
 * Format: docs/formats/other-databases.md section 2. The strict reader and the
 * salvage are one pass: a line is a line. What differs is which lines count.
 */
#include "db.h"

#include <stdlib.h>

/* 2.5 and later: FF and a byte with the high bit; FF FF is FF itself. */
static cyre_status decode(
	struct cyre_db *db, struct cyre_slice s, struct cyre_slice *ret)
{
	size_t i, n = 0;
	uint8_t *p;

	if (!s.n || !memchr(s.p, 0xff, s.n)) {
		*ret = s;
		return CYRE_OK;
	}
	p = cyre_db_alloc(db, s.n);
	if (!p)
		return CYRE_ENOMEM;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == 0xff && i + 1 < s.n && s.p[i + 1] & 0x80) {
			i++;
			p[n++] = s.p[i] == 0xff ? 0xff : s.p[i] & 0x7f;
		} else {
			p[n++] = s.p[i];
		}
	}
	*ret = cyre_slice(p, n);
	return CYRE_OK;
}

/* The line at `off` without its LF; false at the end. */
static bool next_line(struct cyre_slice file, size_t *off,
	struct cyre_slice *ret, bool *ret_ended)
{
	const uint8_t *p, *lf;

	if (*off >= file.n)
		return false;
	p = file.p + *off;
	lf = memchr(p, '\n', file.n - *off);
	*ret_ended = lf != NULL;
	*ret = cyre_slice(p, lf ? (size_t)(lf - p) : file.n - *off);
	*off += ret->n + *ret_ended;
	return true;
}

/* What is wrong with a line; NULL: nothing. */
static const char *line_fault(struct cyre_slice line)
{
	const uint8_t *tab = line.n ? memchr(line.p, '\t', line.n) : NULL;

	if (line.n && memchr(line.p, 0, line.n))
		return "NUL bytes in a line";
	if (!tab)
		return "a line without TAB";
	if (tab == line.p)
		return "a line without key";
	return NULL;
}

/* Most of the first lines look like key and value. */
static bool detect(struct cyre_slice bytes)
{
	static const uint8_t magic[] = {0xa1, 0x02, 0x8b, 0x0d};
	unsigned good = 0, bad = 0;
	struct cyre_slice line;
	size_t off = 0;
	bool ended;

	if (cyre_slice_starts(bytes, cyre_slice(magic, sizeof(magic))))
		return false;
	while (good + bad < 100 && next_line(bytes, &off, &line, &ended)) {
		if (line_fault(line))
			bad++;
		else
			good++;
	}
	return bytes.n == 0 || good > bad;
}

struct pass {
	struct cyre_slice file;
	struct cyre_findings *found;
	struct cyre_db *db;
	struct cyre_slice last; /* key as it stands in the file */
	uint64_t wrong_order;
	uint64_t faults; /* lines that are none */
};

static cyre_status add_line(
	struct pass *p, struct cyre_slice line, enum cyre_db_trust trust)
{
	const uint8_t *tab = memchr(line.p, '\t', line.n);
	struct cyre_slice key = cyre_slice(line.p, (size_t)(tab - line.p));
	struct cyre_db_entry e = {
		.trust = trust, .offset = (uint64_t)(line.p - p->file.p)};
	cyre_status st;

	if (p->last.p)
		p->wrong_order +=
			cyre_db_comparer(CYRE_DB_MAILBOX)(p->last, key) >= 0;
	p->last = key;
	st = decode(p->db, key, &e.key);
	if (st == CYRE_OK)
		st = decode(p->db, cyre_slice(tab + 1, line.n - key.n - 1),
			&e.value);
	return st == CYRE_OK ? cyre_db_add(p->db, &e) : st;
}

/*
 * The server finds a key by its own line; it does not look at the others. So a
 * bad line costs that line alone, and both readers keep all good ones.
 */
static cyre_status pass(struct pass *p)
{
	struct cyre_slice line;
	enum cyre_db_trust trust;
	size_t off = 0, start;
	const char *fault;
	cyre_status st;
	bool ended;

	for (start = 0; next_line(p->file, &off, &line, &ended); start = off) {
		fault = line_fault(line);
		if (!ended)
			CYRE_FIND(p->found, .problem = CYRE_P_DB_RECORD,
				.offset = start, .file = CYRE_FILE_OTHER,
				.text = "the last line has no end");
		if (fault)
			CYRE_FIND(p->found, .problem = CYRE_P_DB_RECORD,
				.offset = start, .file = CYRE_FILE_OTHER,
				.text = fault);
		trust = ended ? CYRE_DB_INTACT : CYRE_DB_RESURRECTED;
		p->faults += fault != NULL;
		if (fault)
			continue;
		st = add_line(p, line, trust);
		if (st != CYRE_OK)
			return st;
	}
	return CYRE_OK;
}

static cyre_status read_strict(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct pass p = {.file = file, .found = found, .db = db};
	cyre_status st;

	db->info.order = CYRE_DB_MAILBOX;
	if (!file.n)
		CYRE_FIND(found, .problem = CYRE_P_DB_EMPTY,
			.file = CYRE_FILE_OTHER);
	st = pass(&p);
	if (st == CYRE_OK && p.wrong_order)
		CYRE_FIND(found, .problem = CYRE_P_DB_ORDER,
			.actual = p.wrong_order, .file = CYRE_FILE_OTHER);
	return st;
}

static cyre_status salvage(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct cyre_findings seen = {.keep = 1}; /* read_strict() told them */
	struct pass p = {.file = file, .found = &seen, .db = db};
	cyre_status st;

	db->info.order = CYRE_DB_MAILBOX;
	st = pass(&p);
	if (st == CYRE_OK)
		st = seen.status;
	cyre_findings_free(&seen);
	/* A line that is none was one once, or more. */
	cyre_db_tell_missing(db, db->n, p.faults, found);
	return st;
}

/* As 2.5 and later: what would end a line or a field is escaped. */
static void encode(struct cyre_buf *b, struct cyre_slice s)
{
	size_t i;
	uint8_t c;

	for (i = 0; i < s.n; i++) {
		c = s.p[i];
		if (c == 0xff || c == 0 || c == '\t' || c == '\r' ||
			c == '\n') {
			cyre_put_u8(b, 0xff);
			c |= 0x80;
		}
		cyre_put_u8(b, c);
	}
}

/* A line by its key, which ends at the TAB. */
static struct cyre_slice key_of_line(const struct cyre_buf *b, size_t start)
{
	const uint8_t *p = b->p + start;
	const uint8_t *tab = memchr(p, '\t', b->n - start);

	return cyre_slice(p, (size_t)(tab - p));
}

static int by_encoded_key(const void *va, const void *vb, void *lines)
{
	const size_t *a = va, *b = vb;

	return cyre_db_comparer(CYRE_DB_MAILBOX)(
		key_of_line(lines, *a), key_of_line(lines, *b));
}

/* The server searches by lines: they are sorted as they are written. */
static cyre_status write_lines(
	const struct cyre_db_entry *e, size_t n, struct cyre_buf *b)
{
	size_t *starts = calloc(n + 1, sizeof(*starts)), i;
	struct cyre_buf lines = {0};
	const uint8_t *p;

	if (!starts)
		return CYRE_ENOMEM;
	for (i = 0; i < n; i++) {
		starts[i] = lines.n;
		encode(&lines, e[i].key);
		cyre_put_u8(&lines, '\t');
		encode(&lines, e[i].value);
		cyre_put_u8(&lines, '\n');
	}
	if (!lines.bad && n)
		qsort_r(starts, n, sizeof(*starts), by_encoded_key, &lines);
	for (i = 0; i < n && !lines.bad; i++) {
		p = lines.p + starts[i];
		cyre_put(b, p,
			(size_t)((const uint8_t *)memchr(
					 p, '\n', lines.n - starts[i]) -
				 p) +
				1);
	}
	b->bad = b->bad || lines.bad;
	cyre_buf_free(&lines);
	free(starts);
	return CYRE_OK;
}

const struct cyre_db_driver cyre_db_flat = {
	.name = "flat",
	.order = CYRE_DB_MAILBOX,
	.detect = detect,
	.read = read_strict,
	.salvage = salvage,
	.write = write_lines,
};
