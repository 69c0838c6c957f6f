/*
 * db.c - the table of database drivers and the list of keys they make
 *
 * Which bytes are which format: docs/formats/other-databases.md section 1.
 * Values are not looked into here; see the parsers beside this file.
 */
#include "db.h"

#include "large.h"

static const struct cyre_db_driver *const drivers[CYRE_DB_FORMATS] = {
	[CYRE_DB_TWOSKIP] = &cyre_db_twoskip,
	[CYRE_DB_SKIPLIST] = &cyre_db_skiplist,
	[CYRE_DB_TWOM] = &cyre_db_twom,
	[CYRE_DB_BERKELEY] = &cyre_db_berkeley,
	[CYRE_DB_QUOTALEGACY] = &cyre_db_quotalegacy,
	[CYRE_DB_SQLITE] = &cyre_db_sqlite,
	/* Last: text has no magic. */
	[CYRE_DB_FLAT] = &cyre_db_flat,
};

struct cyre_db_block {
	struct cyre_db_block *next;
	uint8_t bytes[];
};

const struct cyre_db_driver *cyre_db_driver(enum cyre_db_format f)
{
	return (unsigned)f < CYRE_DB_FORMATS ? drivers[f] : NULL;
}

const char *cyre_db_format_name(enum cyre_db_format f)
{
	const struct cyre_db_driver *d = cyre_db_driver(f);

	return d ? d->name : NULL;
}

enum cyre_db_format cyre_db_format_by_name(const char *name)
{
	int f;

	for (f = CYRE_DB_NONE + 1; f < CYRE_DB_FORMATS; f++)
		if (!strcmp(drivers[f]->name, name))
			return (enum cyre_db_format)f;
	return CYRE_DB_NONE;
}

enum cyre_db_format cyre_db_format_of_option(const char *value)
{
	if (!value)
		return CYRE_DB_NONE;
	if (!strncmp(value, "berkeley", 8))
		return CYRE_DB_BERKELEY;
	return cyre_db_format_by_name(value);
}

const char *cyre_db_trust_name(enum cyre_db_trust t)
{
	static const char *const names[] = {
		"intact", "replayed", "resurrected", "uncommitted"};

	return names[t];
}

enum cyre_db_format cyre_db_detect(struct cyre_slice bytes)
{
	int f;

	for (f = CYRE_DB_NONE + 1; f < CYRE_DB_FORMATS; f++)
		if (drivers[f]->detect(bytes))
			return (enum cyre_db_format)f;
	return CYRE_DB_NONE;
}

static cyre_status make(struct cyre_slice bytes, enum cyre_db_format format,
	bool salvage, const struct cyre_db_arrival *arrival,
	struct cyre_findings *found, struct cyre_db **ret)
{
	const struct cyre_db_driver *d;
	struct cyre_findings ignored = {.keep = 1};
	struct cyre_db *db;
	cyre_status st;

	d = cyre_db_driver(format);
	if (!d)
		return CYRE_EFORMAT;
	if (salvage && !d->salvage)
		return CYRE_EUNSUPPORTED;
	db = calloc(1, sizeof(*db));
	if (!db)
		return CYRE_ENOMEM;
	db->info.format = format;
	db->info.salvaged = salvage;
	db->there = bytes.n;
	if (arrival && d->arrives && !salvage) {
		db->arrival = arrival;
		db->there = 0;
	} else if (arrival) {
		arrival->wait(arrival->payload, bytes.n);
	}
	if (!found)
		found = &ignored;
	st = salvage ? d->salvage(bytes, found, db) : d->read(bytes, found, db);
	if (st == CYRE_OK)
		st = found->status;
	cyre_findings_free(&ignored);
	if (st != CYRE_OK) {
		cyre_db_free(db);
		return st;
	}
	if (!db->finished)
		cyre_db_finish(db);
	*ret = db;
	return CYRE_OK;
}

cyre_status cyre_db_read(struct cyre_slice bytes, struct cyre_findings *found,
	struct cyre_db **ret)
{
	return make(bytes, cyre_db_detect(bytes), false, NULL, found, ret);
}

cyre_status cyre_db_salvage(struct cyre_slice bytes, enum cyre_db_format format,
	struct cyre_findings *found, struct cyre_db **ret)
{
	return make(bytes, format, true, NULL, found, ret);
}

/* Damage that may have cost the strict reader an entry. */
static bool is_damaged(
	const struct cyre_findings *found, const uint64_t *before)
{
	int i;

	for (i = 0; i < CYRE_PROBLEM_COUNT; i++)
		if (found->count[i] > before[i] &&
			cyre_problem_row((enum cyre_problem)i)->severity >=
				CYRE_SEV_DAMAGE)
			return true;
	return false;
}

/* Those that read while bytes come are known by the first of them. */
static enum cyre_db_format detect_arriving(
	struct cyre_slice bytes, const struct cyre_db_arrival *arrival)
{
	int f;

	for (f = CYRE_DB_NONE + 1; arrival && f < CYRE_DB_FORMATS; f++)
		if (drivers[f]->arrives && drivers[f]->detect(bytes))
			return (enum cyre_db_format)f;
	if (arrival)
		arrival->wait(arrival->payload, bytes.n);
	return cyre_db_detect(bytes);
}

cyre_status cyre_db_open_arriving(struct cyre_slice bytes,
	const struct cyre_db_arrival *arrival, struct cyre_findings *found,
	struct cyre_db **ret)
{
	struct cyre_findings own = {.keep = 1};
	uint64_t before[CYRE_PROBLEM_COUNT];
	struct cyre_db *db = NULL, *saved;
	cyre_status st;

	if (!found)
		found = &own;
	memcpy(before, found->count, sizeof(before));
	st = make(bytes, detect_arriving(bytes, arrival), false, arrival, found,
		&db);
	if (st == CYRE_OK && is_damaged(found, before)) {
		st = make(bytes, db->info.format, true, arrival, found, &saved);
		cyre_db_free(db);
		if (st == CYRE_OK)
			db = saved;
	}
	cyre_findings_free(&own);
	if (st == CYRE_OK)
		*ret = db;
	return st;
}

cyre_status cyre_db_open(struct cyre_slice bytes, struct cyre_findings *found,
	struct cyre_db **ret)
{
	return cyre_db_open_arriving(bytes, NULL, found, ret);
}

void cyre_db_free(struct cyre_db *db)
{
	struct cyre_db_block *b, *next;

	if (!db)
		return;
	for (b = db->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	free(db->e);
	free(db->adopted);
	free(db);
}

void cyre_db_tell_missing(struct cyre_db *db, uint64_t have, uint64_t unread,
	struct cyre_findings *found)
{
	struct cyre_db_info *info = &db->info;

	info->missing = unread;
	if (info->counted)
		info->missing =
			have < info->expected ? info->expected - have : 0;
	if (info->missing)
		CYRE_FIND(found, .problem = CYRE_P_DB_KEYS_LOST,
			.actual = info->missing,
			.expected = have + info->missing,
			.file = CYRE_FILE_OTHER);
}

void cyre_db_adopt(struct cyre_db *db, uint8_t *bytes)
{
	free(db->adopted);
	db->adopted = bytes;
}

uint8_t *cyre_db_alloc(struct cyre_db *db, size_t n)
{
	struct cyre_db_block *b = malloc(sizeof(*b) + n);

	if (!b)
		return NULL;
	b->next = db->blocks;
	db->blocks = b;
	return b->bytes;
}

static bool make_room(struct cyre_db *db, size_t cap)
{
	struct cyre_db_entry *p = cyre_realloc_large(db->e, cap, sizeof(*p));

	if (!p)
		return false;
	db->e = p;
	db->cap = cap;
	return true;
}

void cyre_db_expect(struct cyre_db *db, uint64_t n, size_t max)
{
	if (n > max)
		n = max;
	if (n > db->cap)
		make_room(db, (size_t)n);
}

cyre_status cyre_db_add(struct cyre_db *db, const struct cyre_db_entry *e)
{
	if (db->n == db->cap && !make_room(db, db->cap ? db->cap * 2 : 64))
		return CYRE_ENOMEM;
	db->e[db->n++] = *e;
	return CYRE_OK;
}

static int compare_entries(const void *va, const void *vb, void *compare)
{
	const struct cyre_db_entry *a = va, *b = vb;
	int c = (*(cyre_db_compare **)compare)(a->key, b->key);

	/* In the mailbox order different keys can be equal: the copies of one
	 * must not stand around another. */
	if (!c)
		c = cyre_db_comparer(CYRE_DB_RAW)(a->key, b->key);
	if (c)
		return c;
	if (a->trust != b->trust)
		return a->trust < b->trust ? -1 : 1;
	/* The newest first. */
	return a->offset > b->offset ? -1 : a->offset < b->offset;
}

void cyre_db_finish(struct cyre_db *db)
{
	cyre_db_compare *compare = cyre_db_comparer(db->info.order);
	bool sorted = true;
	size_t i, n = 0;

	for (i = 1; i < db->n && sorted; i++)
		sorted =
			compare_entries(&db->e[i - 1], &db->e[i], &compare) < 0;
	if (!sorted)
		qsort_r(db->e, db->n, sizeof(*db->e), compare_entries,
			&compare);
	for (i = 0; i < db->n; i++) {
		if (n && db->e[n - 1].trust == db->e[i].trust &&
			cyre_slice_eq(db->e[n - 1].key, db->e[i].key))
			continue;
		db->e[n++] = db->e[i];
		db->info.count[db->e[i].trust]++;
	}
	db->n = n;
	db->finished = true;
}

void cyre_db_finish_sorted(struct cyre_db *db)
{
	db->info.count[CYRE_DB_INTACT] = db->n;
	db->finished = true;
}

const struct cyre_db_info *cyre_db_info(const struct cyre_db *db)
{
	return &db->info;
}

size_t cyre_db_count(const struct cyre_db *db)
{
	return db->n;
}

const struct cyre_db_entry *cyre_db_at(const struct cyre_db *db, size_t i)
{
	return &db->e[i];
}

size_t cyre_db_seek(const struct cyre_db *db, struct cyre_slice key)
{
	cyre_db_compare *compare = cyre_db_comparer(db->info.order);
	size_t lo = 0, hi = db->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (compare(db->e[mid].key, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct cyre_db_entry *cyre_db_find(
	const struct cyre_db *db, struct cyre_slice key)
{
	size_t i = cyre_db_seek(db, key);

	/* In the mailbox order different keys can be equal. */
	for (; i < db->n; i++) {
		if (cyre_slice_eq(db->e[i].key, key))
			return &db->e[i];
		if (cyre_db_comparer(db->info.order)(db->e[i].key, key))
			break;
	}
	return NULL;
}
