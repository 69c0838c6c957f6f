/*
 * check_cache.h - cyrus.cache against itself and against the index
 *
 * The invariants are those of docs/formats/cache.md section 10, levels 1 to 4:
 * what can be known without opening a message.
 */
#ifndef CYRE_CHECK_CACHE_H
#define CYRE_CHECK_CACHE_H

#include <cyrescue/finding.h>
#include <cyrescue/status.h>

#include "cache.h"
#include "evidence.h"
#include "index.h"
#include "source.h"

/* A longer record is not looked into: no header block is that large. */
#define CYRE_CACHE_RECORD_MAX (64u << 20)

/* ---- one record ---- */

/* Memory that one thread uses again for each record. Starts zeroed. */
struct cyre_cache_scratch {
	struct cyre_cache_node *nodes;
	size_t n, cap;
};
void cyre_cache_scratch_free(struct cyre_cache_scratch *s);

struct cyre_cache_fault {
	enum cyre_cache_item item;
	size_t offset;    /* in the item */
	const char *what; /* static storage */
};

/*
 * Does each item have the form that its writer gives it (cache.md 3 to 8,
 * 11)? `version` is the cache version of the index record. The first fault
 * only; `what` is NULL without one.
 *
 * CYRE_OK or CYRE_ENOMEM.
 */
cyre_status cyre_check_cache_items(const struct cyre_cache_record *r,
	unsigned version, struct cyre_cache_scratch *scratch,
	struct cyre_cache_fault *ret);

/* ---- a file ---- */

struct cyre_cache_context {
	enum cyre_file file; /* CYRE_FILE_CACHE or _ARCHIVE_CACHE */
	/* Those whose records point into this file; NULL: there is none. */
	const struct cyre_index *index, *expunge;
	/* With an archive partition: only records with this value of
	 * CYRE_FLAG_ARCHIVED point into this file. */
	bool has_archive, archived;
	/* The message files, where they are known: a message that is gone needs
	 * no cache record when it has none. */
	bool files_known;
	const struct cyre_msgfile *files; /* sorted by uid */
	size_t nfiles;
	/*
	 * Tests the form of the items of each record. Without, only of those
	 * whose check sum is unknown: a good one says that the bytes are what
	 * the server wrote, and what a server writes has the form.
	 */
	bool deep;
};

struct cyre_cache_totals {
	uint64_t records;    /* that were looked for */
	uint64_t bad;        /* of them, with any finding above NOTE */
	uint64_t live_bytes; /* of records that could be measured */
	uint64_t dead_bytes; /* nothing points there: normal, not a finding */
};

/*
 * How many records have their cache record in this file. Releases from 3.0 on
 * make no file where there are none.
 */
uint64_t cyre_cache_wanted(const struct cyre_cache_context *ctx);

/*
 * Reads the file once, forwards: records are visited in the order of their
 * offsets. Takes 16 bytes of memory a record.
 *
 * CYRE_OK; CYRE_ENOMEM; CYRE_EIO when the file could not be read: what was
 * found so far stays, the rest is unknown.
 */
cyre_status cyre_check_cache(struct cyre_source *src,
	const struct cyre_cache_context *ctx, struct cyre_findings *found,
	struct cyre_cache_totals *ret);

#endif
