/*
 * db_sqlite.c - SQLite 3 files: the `sql` backend and the DAV databases
 *
 * Format: docs/formats/other-databases.md section 5. Their own library reads
 * them, from the bytes in memory: it opens no file, takes no lock, and cannot
 * write. A table with the columns dbkey and data is a database of Cyrus; of
 * other tables (DAV: derivable, ours to check only) one entry tells the number
 * of rows.
 */
#include "db.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define HEADER_BYTES 100

/* Steps of SQLite's machine a byte of the file: three passes of some ten steps
 * a row, and no more in a hostile file. */
#define STEPS_PER_BYTE 100
#define STEPS_AT_LEAST 1000000

struct sqlite_file {
	struct cyre_slice file;
	struct cyre_findings *found;
	struct cyre_db *db;
	sqlite3 *handle;
	uint64_t steps;
	bool salvaging;
	bool prefix; /* several databases: their names stand before the keys */
	unsigned tables;
};

static bool detect(struct cyre_slice bytes)
{
	static const char magic[] = "SQLite format 3"; /* and its NUL */

	return cyre_slice_starts(bytes, cyre_slice(magic, sizeof(magic)));
}

static uint32_t page_size(struct cyre_slice file)
{
	uint32_t n = (uint32_t)file.p[16] << 8 | file.p[17];

	return n == 1 ? 65536 : n;
}

static int spend(void *payload)
{
	struct sqlite_file *s = payload;

	if (s->steps < 1000)
		return 1;
	s->steps -= 1000;
	return 0;
}

/*
 * The library reads the caller's bytes where they are. A file in the mode with
 * a write-ahead log cannot be opened without that log; its own pages are those
 * of any other, once the two bytes that say so are changed in a copy.
 */
static cyre_status attach(struct sqlite_file *s)
{
	uint8_t *p = (uint8_t *)s->file.p;
	int rc;

	if (s->file.p[18] == 2 || s->file.p[19] == 2) {
		p = cyre_db_alloc(s->db, s->file.n);
		if (!p)
			return CYRE_ENOMEM;
		memcpy(p, s->file.p, s->file.n);
		p[18] = p[19] = 1;
	}
	if (sqlite3_open_v2(":memory:", &s->handle,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
		return CYRE_ENOMEM;
	/* A schema is hostile bytes, too. */
	sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(s->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_progress_handler(s->handle, 1000, spend, s);
	/* Sorting, too, opens no file. */
	sqlite3_exec(s->handle, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
	rc = sqlite3_deserialize(s->handle, "main", p, (sqlite3_int64)s->file.n,
		(sqlite3_int64)s->file.n, SQLITE_DESERIALIZE_READONLY);
	return rc == SQLITE_OK ? CYRE_OK : CYRE_ENOMEM;
}

static void damaged(struct sqlite_file *s, uint64_t offset, const char *what)
{
	CYRE_FIND(s->found, .problem = CYRE_P_DB_RECORD, .offset = offset,
		.text = what, .file = CYRE_FILE_OTHER);
}

/* CYRE_OK and *ret NULL: told, and nothing to be had. */
static cyre_status prepare(
	struct sqlite_file *s, const char *sql, sqlite3_stmt **ret)
{
	int rc;

	*ret = NULL;
	rc = sqlite3_prepare_v2(s->handle, sql, -1, ret, NULL);
	if (rc == SQLITE_NOMEM)
		return CYRE_ENOMEM;
	if (rc != SQLITE_OK)
		damaged(s, 0, sqlite3_errstr(rc));
	return CYRE_OK;
}

/* 1: a row, 0: the end (told when it is not a good one), negative: status. */
static int step(struct sqlite_file *s, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_NOMEM)
		return CYRE_ENOMEM;
	if (rc != SQLITE_DONE)
		damaged(s, 0, sqlite3_errstr(rc));
	return 0;
}

static struct cyre_slice column(sqlite3_stmt *st, int i)
{
	const void *p = sqlite3_column_blob(st, i);

	return cyre_slice(p, p ? (size_t)sqlite3_column_bytes(st, i) : 0);
}

static cyre_status add(struct sqlite_file *s, struct cyre_slice table,
	struct cyre_slice key, struct cyre_slice value)
{
	size_t before = table.n ? table.n + 1 : 0;
	uint8_t *p = cyre_db_alloc(s->db, before + key.n + value.n + 1);
	struct cyre_db_entry e = {
		.trust = s->salvaging ? CYRE_DB_REPLAYED : CYRE_DB_INTACT};

	if (!p)
		return CYRE_ENOMEM;
	if (before) {
		memcpy(p, table.p, table.n);
		p[table.n] = '/';
	}
	if (key.n)
		memcpy(p + before, key.p, key.n);
	if (value.n)
		memcpy(p + before + key.n, value.p, value.n);
	e.key = cyre_slice(p, before + key.n);
	e.value = cyre_slice(p + before + key.n, value.n);
	return e.key.n ? cyre_db_add(s->db, &e) : CYRE_OK;
}

/* Forwards, and in a damaged file from the other end, too. */
static cyre_status read_rows(
	struct sqlite_file *s, const char *table, const char *order)
{
	struct cyre_slice name = cyre_slice_str(s->prefix ? table : "");
	cyre_status status = CYRE_OK;
	sqlite3_stmt *st;
	char *sql;
	int more;

	sql = sqlite3_mprintf(
		"SELECT dbkey, data FROM \"%w\" ORDER BY %s", table, order);
	if (!sql)
		return CYRE_ENOMEM;
	status = prepare(s, sql, &st);
	while (st && status == CYRE_OK && (more = step(s, st)) != 0)
		status = more < 0 ? (cyre_status)more
				  : add(s, name, column(st, 0), column(st, 1));
	sqlite3_finalize(st);
	sqlite3_free(sql);
	return status;
}

static cyre_status read_database(struct sqlite_file *s, const char *table)
{
	cyre_status st = read_rows(s, table, "rowid");

	s->tables++;
	if (st == CYRE_OK && s->salvaging)
		st = read_rows(s, table, "rowid DESC");
	return st;
}

static cyre_status count_rows(struct sqlite_file *s, const char *table)
{
	cyre_status status;
	sqlite3_stmt *st;
	char *sql, text[40];
	int more = 0;

	sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", table);
	if (!sql)
		return CYRE_ENOMEM;
	status = prepare(s, sql, &st);
	if (st)
		more = step(s, st);
	if (more > 0) {
		snprintf(text, sizeof(text), "%lld rows",
			(long long)sqlite3_column_int64(st, 0));
		status = add(s, cyre_slice(NULL, 0), cyre_slice_str(table),
			cyre_slice_str(text));
	}
	sqlite3_finalize(st);
	sqlite3_free(sql);
	return more < 0 ? (cyre_status)more : status;
}

/* Tables of modules are not opened: that runs the modules' code. */
static const char all_tables[] =
	"SELECT name, (SELECT count(*) FROM pragma_table_info(t.name)"
	" WHERE name IN ('dbkey', 'data')) AS n FROM sqlite_schema AS t"
	" WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
	" AND sql LIKE 'CREATE TABLE%' ORDER BY n DESC, name";

static cyre_status read_tables(struct sqlite_file *s)
{
	bool is_database, any = false;
	const char *name;
	cyre_status status;
	sqlite3_stmt *st;
	unsigned n = 0;
	int more;

	status = prepare(s, all_tables, &st);
	/* First: how many are there? */
	while (st && status == CYRE_OK && (more = step(s, st)) != 0) {
		if (more < 0)
			status = (cyre_status)more;
		else
			n += sqlite3_column_int(st, 1) == 2;
	}
	s->prefix = n > 1;
	if (st)
		sqlite3_reset(st);
	while (st && status == CYRE_OK && (more = step(s, st)) != 0) {
		if (more < 0) {
			status = (cyre_status)more;
			break;
		}
		name = (const char *)sqlite3_column_text(st, 0);
		is_database = sqlite3_column_int(st, 1) == 2;
		any = any || is_database;
		if (name && is_database)
			status = read_database(s, name);
		else if (name && !any)
			status = count_rows(s, name);
	}
	sqlite3_finalize(st);
	return status;
}

/* "... page 17 ..." as the place of that page. */
static uint64_t place_of(const struct sqlite_file *s, const char *message)
{
	const char *p = strstr(message, "age ");
	unsigned long no = p ? strtoul(p + 4, NULL, 10) : 0;

	return no ? (uint64_t)(no - 1) * page_size(s->file) : 0;
}

/* One line of several, without the heading that names the database. */
static void tell(struct sqlite_file *s, const char *message)
{
	const char *line = message, *end;
	char text[200];

	if (!strncmp(line, "***", 3) && strchr(line, '\n'))
		line = strchr(line, '\n') + 1;
	end = strchrnul(line, '\n');
	snprintf(text, sizeof(text), "%.*s", (int)(end - line), line);
	damaged(s, place_of(s, message), text);
}

static cyre_status check(struct sqlite_file *s)
{
	const char *message;
	cyre_status status;
	sqlite3_stmt *st;
	int more;

	status = prepare(s, "PRAGMA integrity_check(20)", &st);
	while (st && status == CYRE_OK && (more = step(s, st)) != 0) {
		message = more > 0 ? (const char *)sqlite3_column_text(st, 0)
				   : NULL;
		if (more < 0)
			status = (cyre_status)more;
		else if (message && strcmp(message, "ok") != 0)
			tell(s, message);
	}
	sqlite3_finalize(st);
	return status;
}

static void check_header(struct sqlite_file *s)
{
	uint64_t want =
		(uint64_t)cyre_load_be32(s->file.p + 28) * page_size(s->file);

	/* The count holds when the two change counters agree. */
	if (memcmp(s->file.p + 24, s->file.p + 92, 4) == 0 && want > s->file.n)
		CYRE_FIND(s->found, .problem = CYRE_P_DB_TRUNCATED,
			.actual = s->file.n, .expected = want,
			.file = CYRE_FILE_OTHER);
}

static cyre_status run(struct sqlite_file *s)
{
	cyre_status st;

	if (!detect(s->file) || s->file.n < HEADER_BYTES) {
		CYRE_FIND(s->found, .problem = CYRE_P_DB_HEADER,
			.file = CYRE_FILE_OTHER);
		return CYRE_OK;
	}
	s->steps = STEPS_AT_LEAST + STEPS_PER_BYTE * (uint64_t)s->file.n;
	check_header(s);
	st = attach(s);
	if (st == CYRE_OK && !s->salvaging)
		st = check(s);
	if (st == CYRE_OK)
		st = read_tables(s);
	sqlite3_close(s->handle);
	s->db->info.tables = s->tables;
	return st;
}

static cyre_status read_strict(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct sqlite_file s = {.file = file, .found = found, .db = db};

	return run(&s);
}

static cyre_status salvage(
	struct cyre_slice file, struct cyre_findings *found, struct cyre_db *db)
{
	struct cyre_findings told = {.keep = 1}; /* the strict reader did */
	struct sqlite_file s = {
		.file = file, .found = &told, .db = db, .salvaging = true};
	cyre_status st = run(&s);

	(void)found;
	if (st == CYRE_OK)
		st = told.status;
	cyre_findings_free(&told);
	return st;
}

const struct cyre_db_driver cyre_db_sqlite = {
	.name = "sqlite",
	.order = CYRE_DB_RAW,
	.detect = detect,
	.read = read_strict,
	.salvage = salvage,
};
