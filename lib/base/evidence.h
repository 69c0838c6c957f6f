/*
 * evidence.h - what gather found of a mailbox, as plain data
 *
 * Filled by engine/gather.c and gather_messages.c (nobody else looks at the
 * disk), read by the checks and later by the plan. Nothing here is interpreted
 * yet.
 */
#ifndef CYRE_EVIDENCE_H
#define CYRE_EVIDENCE_H

#include <cyrescue/finding.h>

#include "source.h"

enum cyre_msg_side { CYRE_SIDE_SPOOL, CYRE_SIDE_ARCHIVE };

enum cyre_entry_state {
	CYRE_ENTRY_ABSENT,
	CYRE_ENTRY_LISTED, /* there by name; nobody asked for its size */
	CYRE_ENTRY_FILE,   /* a regular file; size, mtime … are known */
	CYRE_ENTRY_OTHER,  /* something else stands there; never opened */
	CYRE_ENTRY_BROKEN  /* there, but the system refused to say more */
};

/* A message file. Arrays are sorted by uid, then side. */
struct cyre_msgfile {
	uint32_t uid;
	uint8_t side;  /* enum cyre_msg_side */
	uint8_t state; /* enum cyre_entry_state */
	uint64_t size; /* bytes */
	int64_t mtime_ns;
};

static inline int cyre_msgfile_and_uid(const void *va, const void *vb)
{
	const struct cyre_msgfile *f = va;
	const uint64_t *uid = vb;

	return (f->uid > *uid) - (f->uid < *uid);
}

/* The first of such an array with a uid not below this one. */
static inline size_t cyre_msgfile_seek(
	const struct cyre_msgfile *f, size_t n, uint64_t uid)
{
	return cyre_seek(&uid, f, n, sizeof(*f), cyre_msgfile_and_uid);
}

/* A metadata file. */
struct cyre_metafile {
	uint8_t state;            /* enum cyre_entry_state */
	struct cyre_slice bytes;  /* whole; empty for caches */
	struct cyre_source *view; /* caches only; NULL: not opened */
	uint64_t size;            /* bytes */
	int64_t mtime_ns;
	uint32_t mode, uid, gid;
};

struct cyre_evidence {
	/* The name and the id the directory's place tells; NULL: it does not. */
	const char *mboxname, *path_uniqueid;
	const char *userid; /* whose mailbox; NULL: shared, or not known */
	struct cyre_metafile meta[CYRE_FILE_COUNT]; /* by enum cyre_file */
	const struct cyre_msgfile *files; /* sorted by uid, then side */
	size_t nfiles;
	bool has_archive; /* the partition has an archive of its own */
	/* … and it a cache: not where one metapartition has both. */
	bool has_archive_cache;
};

#endif
