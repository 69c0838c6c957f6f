/*
 * header.h - cyrus.header, every form any release wrote
 *
 * Format: docs/formats/header.md. Reads what is readable: damage becomes
 * findings, and the fields that could still be told apart are filled in.
 *
 * Threads: plain data, no state.
 */
#ifndef CYRE_HEADER_H
#define CYRE_HEADER_H

#include <cyrescue/finding.h>
#include <cyrescue/status.h>

#include "bytes.h"

#define CYRE_HEADER_MAGIC_LEN  115
#define CYRE_HEADER_MAX_FLAGS  128
#define CYRE_HEADER_FLAG_BYTES 1024 /* a name is shorter */

/* header.md section 1; no NUL behind it. */
extern const uint8_t cyre_header_magic[CYRE_HEADER_MAGIC_LEN];

enum cyre_header_form {
	CYRE_HEADER_NONE, /* not a header at all, or nothing behind the magic */
	CYRE_HEADER_OLD,  /* text without a uniqueid (before 1.6) */
	CYRE_HEADER_TEXT, /* up to 3.5 */
	CYRE_HEADER_DLIST /* 3.6 and later */
};

/* A slice of length 0: the field is absent, empty or NIL. */
struct cyre_header {
	struct cyre_slice bytes; /* the file, borrowed */
	enum cyre_header_form form;
	bool magic_ok;
	struct cyre_slice name, type, jmapid; /* dlist form only */
	struct cyre_slice uniqueid, quotaroot;
	struct cyre_slice acl; /* identifier TAB rights TAB ... */
	struct cyre_slice flags[CYRE_HEADER_MAX_FLAGS]; /* empty: unnamed */
	unsigned nflags; /* slots up to the last named one */
	uint32_t has;    /* which of T N I J Q A U stand there; CYRE_HEADER_* */
	/* What no release writes: dlist keys with their values as they stand,
	 * or the third field of line 1. */
	struct cyre_slice extra;
	struct cyre_slice tail; /* behind the last line; readers ignore it */
	uint8_t *own;
};

#define CYRE_HEADER_T 0x01u
#define CYRE_HEADER_N 0x02u
#define CYRE_HEADER_I 0x04u
#define CYRE_HEADER_J 0x08u
#define CYRE_HEADER_Q 0x10u
#define CYRE_HEADER_A 0x20u
#define CYRE_HEADER_U 0x40u

/*
 * Reads a header from `bytes`, which must outlive it. `file` is what findings
 * are about: CYRE_FILE_HEADER or CYRE_FILE_HEADER_NEW.
 *
 * CYRE_OK however damaged it is; CYRE_ENOMEM.
 */
cyre_status cyre_header_read(struct cyre_slice bytes, enum cyre_file file,
	struct cyre_findings *found, struct cyre_header *ret);
void cyre_header_free(struct cyre_header *h);

/* Where a field stands in the file; 0 when it had to be unescaped. */
uint64_t cyre_header_offset(const struct cyre_header *h, struct cyre_slice f);

/*
 * The first half of a uniqueid of 1.6 to 2.5: a hash of the internal mailbox
 * name (header.md section 4). `wide`: as 1.6 to 2.3 computed it on 64-bit
 * hosts; else as 2.4, 2.5 and all 32-bit hosts did.
 */
uint32_t cyre_uniqueid_hash(struct cyre_slice mboxname, bool wide);
/* The second half of such an id; false: it is none. */
bool cyre_uniqueid_uidvalidity(struct cyre_slice id, uint64_t *ret);

#endif
