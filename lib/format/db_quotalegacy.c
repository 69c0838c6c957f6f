/*
 * db_quotalegacy.c - one file a quota root, its name is the key
 *
 * Format: docs/formats/other-databases.md section 3. The bytes do not hold the
 * key: the one entry has the key "." here, and whoever knows the file's name
 * puts the root in its place. The value is the one that the server's other
 * quota databases hold: the first LF of `USED LF LIMIT LF` is a blank again.
 */
#include "db.h"

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* `USED LF LIMIT LF`, all of it digits, LIMIT may be negative. */
static bool is_numbers(struct cyre_slice s, size_t *ret_blank)
{
	size_t i = 0;

	while (i < s.n && is_digit(s.p[i]))
		i++;
	if (i == 0 || i == s.n || (s.p[i] != '\n' && s.p[i] != ' '))
		return false;
	*ret_blank = i++;
	if (i < s.n && s.p[i] == '-')
		i++;
	if (i == s.n || !is_digit(s.p[i]))
		return false;
	while (i < s.n && is_digit(s.p[i]))
		i++;
	return i == s.n || (i + 1 == s.n && s.p[i] == '\n');
}

static bool detect(struct cyre_slice bytes)
{
	size_t blank;

	return is_numbers(bytes, &blank) ||
	       (cyre_slice_starts(bytes, cyre_slice_str("%(")) &&
		       !memchr(bytes.p, '\t', bytes.n));
}

static cyre_status read_strict(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct cyre_db_entry e = {.key = cyre_slice_str(".")};
	size_t blank;
	uint8_t *p;

	if (file.n == 0 || file.p[file.n - 1] != '\n') {
		CYRE_FIND(found, .problem = CYRE_P_DB_RECORD,
			.text = "the line has no end", .file = CYRE_FILE_OTHER);
		e.trust = CYRE_DB_RESURRECTED;
		e.value = file;
	} else {
		e.value = cyre_slice(file.p, file.n - 1);
	}
	if (is_numbers(file, &blank)) {
		p = cyre_db_alloc(db, e.value.n);
		if (!p)
			return CYRE_ENOMEM;
		memcpy(p, e.value.p, e.value.n);
		p[blank] = ' ';
		e.value.p = p;
	}
	return cyre_db_add(db, &e);
}

static cyre_status salvage(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct cyre_findings told = {.keep = 1};
	cyre_status st = read_strict(file, &told, db);

	(void)found;
	if (st == CYRE_OK)
		st = told.status;
	cyre_findings_free(&told);
	return st;
}

const struct cyre_db_driver cyre_db_quotalegacy = {
	.name = "quotalegacy",
	.order = CYRE_DB_RAW,
	.detect = detect,
	.read = read_strict,
	.salvage = salvage,
};
