/*
 * index_salvage.h - the records of a damaged cyrus.index
 *
 * The second reader: it believes no header. Version, record size and the place
 * of the records are found by trial over all layouts; from v12 on every record
 * with a right check sum is taken wherever it stands, before v12 every record
 * of which all fields pass their tests. Works on cyrus.index, cyrus.index.NEW
 * and cyrus.expunge, which may be cut, holed, shifted, or have bytes appended.
 *
 * Cost: linear in the bytes. Where the records still stand one behind the other
 * each is looked at once; else each layout in turn looks at every byte. Memory
 * 24 bytes a record found.
 *
 * Format: docs/formats/index.md. Threads: a result is read-only; share it.
 */
#ifndef CYRE_INDEX_SALVAGE_H
#define CYRE_INDEX_SALVAGE_H

#include "evidence.h"
#include "index.h"
#include "trust.h"

/* Strongest last; of two records with one uid the stronger is kept. */
enum cyre_origin {
	CYRE_ORIGIN_FIELDS,    /* damaged; `trusted` names the fields that pass
				* their own tests */
	CYRE_ORIGIN_PLAUSIBLE, /* before v12: every field passes */
	CYRE_ORIGIN_MATCHED,   /* the same, and the message file has its size */
	CYRE_ORIGIN_MENDED,    /* the check sum tells which bit was flipped, or
				* only a part of the sum itself is gone */
	CYRE_ORIGIN_INTACT     /* the check sum is right */
};

/* The bit of a record's field in `trusted`. */
#define CYRE_RECORD_BIT(f) (1u << offsetof(struct cyre_index_record, f) / 8)
#define CYRE_RECORD_ALL    0xffffffffu
/* The place of a header's field in `trust`. */
#define CYRE_HEADER_FIELD(f) (offsetof(struct cyre_index_header, f) / 8)
#define CYRE_HEADER_FIELDS   (sizeof(struct cyre_index_header) / 8)

struct cyre_salvage_hints {
	uint64_t now; /* seconds since 1970; 0: dates are not held against it */
	/* The message files, sorted by uid; NULL: not known. */
	const struct cyre_msgfile *files;
	size_t nfiles;
	/* Where the file itself does not tell, the version the mailboxes around
	 * it have; 0: not known. */
	unsigned version;
	/* Which user flags have names; NULL: not known. */
	const uint32_t *named_flags;
};

struct cyre_salvaged {
	uint32_t uid; /* 0: lost, the guid may still tell */
	uint32_t trusted;
	uint64_t offset; /* bytes in its file */
	uint16_t length; /* bytes of it that are there */
	uint16_t bit;    /* the one that was flipped; UINT16_MAX: none */
	uint8_t file;    /* number in cyre_index_salvage.files */
	uint8_t origin;  /* enum cyre_origin */
	/* It stands in an index or index.NEW: whatever cyrus.expunge says, it
	 * was not expunged (index.md 10.2). */
	bool listed;
	/* Behind the last record of which a sound header knows. */
	bool uncommitted;
};

/* What was found in one file. */
struct cyre_salvaged_file {
	enum cyre_file which;
	struct cyre_slice bytes; /* borrowed */
	/* NULL: nothing was found in it. */
	const struct cyre_index_layout *layout;
	bool version_known; /* else the layout is one of several that fit */
	/* The header; what is absent or doubtful is as it stands there. */
	struct cyre_index_header h;
	uint8_t trust[CYRE_HEADER_FIELDS]; /* enum cyre_trust */
	size_t lost; /* records whose place is there, and nothing else */
};

struct cyre_index_salvage {
	struct cyre_salvaged_file *files;
	size_t nfiles;
	struct cyre_salvaged *items; /* by uid; those without uid first */
	size_t n;
};

struct cyre_salvage_source {
	struct cyre_slice bytes; /* must outlive the result */
	enum cyre_file which;    /* INDEX, INDEX_NEW, EXPUNGE, EXPUNGE_NEW */
};

/*
 * Reads all files of one mailbox together (at most 255). CYRE_OK however
 * damaged they are; CYRE_EUSAGE, CYRE_ENOMEM.
 */
cyre_status cyre_index_salvage(const struct cyre_salvage_source *sources,
	size_t n, const struct cyre_salvage_hints *hints,
	struct cyre_index_salvage *ret);
void cyre_index_salvage_free(struct cyre_index_salvage *s);

/*
 * The record of an item. A field that is not trusted is as it stands on the
 * disk, or 0 where the file ends before it.
 */
struct cyre_index_record cyre_index_salvage_get(
	const struct cyre_index_salvage *s, const struct cyre_salvaged *item);

#endif
