/*
 * check_files.h - records of an index against the message files
 *
 * Pure: the files are known by name, and by size where gather asked for it.
 */
#ifndef CYRE_CHECK_FILES_H
#define CYRE_CHECK_FILES_H

#include "evidence.h"
#include "index.h"

struct cyre_files_context {
	const struct cyre_index *index; /* NULL: there is none to go by */
	const struct cyre_index *expunge;
	const struct cyre_msgfile *files; /* sorted by uid, then side */
	size_t nfiles;
	bool has_archive; /* this partition has an archive of its own */
	/* The index lost nothing that a file could have had a record in. */
	bool index_whole;
};

/* What became of the messages; only files that somebody counts. */
struct cyre_files_totals {
	uint64_t bytes;   /* of the files of live records */
	uint64_t missing; /* live records without a file */
	uint64_t orphans; /* files that should have a record */
};

/* CYRE_OK, or CYRE_ENOMEM for one bit a file. */
cyre_status cyre_check_files(const struct cyre_files_context *ctx,
	struct cyre_findings *found, struct cyre_files_totals *ret);

#endif
