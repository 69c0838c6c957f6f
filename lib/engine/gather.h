/*
 * gather.h - one mailbox's files -> evidence
 *
 * The only place of a scan that reads mailboxes. One gatherer a worker: its
 * buffers are used again for each mailbox. What cannot be read becomes a
 * finding and an entry of state OTHER or BROKEN; it is never an end.
 */
#ifndef CYRE_GATHER_H
#define CYRE_GATHER_H

#include "buf.h"
#include "budget.h"
#include "evidence.h"
#include "mailbox.h"
#include "source_file.h"

struct cyre_gather_rules {
	const struct cyre_catalog *catalog;
	struct cyre_budget *budget;
	bool metadata;  /* read headers and indexes */
	bool sizes;     /* ask for size, owner and mode of message files;
			 * without, they are known of those that are read */
	bool caches;    /* open the caches */
	bool leftovers; /* read what an interrupted rewrite left (*.NEW) */
	size_t limit;   /* bytes of one file held in memory */
	uint32_t owner, group; /* that the server runs as */
};

#define CYRE_GATHER_HELD  32 /* messages held at once at most */
#define CYRE_GATHER_SIDES 16 /* roots of one partition: never so many */

struct cyre_gatherer {
	const struct cyre_gather_rules *rules;
	struct cyre_opener opener;
	/* Messages of the next mailbox that were read whole a moment ago, by
	 * uid, and whose owner and mode are as they should be: they are not
	 * asked for their size again. Borrowed until cyre_gather_end(). */
	const struct cyre_msgfile *read_before;
	size_t n_read_before;
	const struct cyre_mailbox *mailbox; /* now gathered */
	struct cyre_findings *found;
	struct cyre_evidence ev;
	struct cyre_buf bytes[CYRE_FILE_COUNT]; /* of metadata files */
	struct cyre_source_file cache, archive_cache;
	struct cyre_buf block; /* messages, one behind the other; never moves */
	struct cyre_buf message; /* one that had no room there */
	unsigned held;           /* messages whose bytes must stay */
	bool full;               /* there must be no more before a forget */
	struct cyre_msgfile *files;
	size_t cap_files;
	int dirs[CYRE_GATHER_SIDES]; /* by side of the mailbox; < 0: not open */
	uint64_t taken;              /* of the budget */
	uint64_t read;               /* bytes, all mailboxes */
	bool skipped; /* something could not be read, in any mailbox */
};

void cyre_gatherer_init(
	struct cyre_gatherer *g, const struct cyre_gather_rules *rules);
void cyre_gatherer_free(struct cyre_gatherer *g);

/*
 * Fills g->ev for a mailbox and its owner (NULL: shared), valid until
 * cyre_gather_end(). CYRE_OK or CYRE_ENOMEM.
 */
cyre_status cyre_gather(struct cyre_gatherer *g, const struct cyre_mailbox *m,
	const char *userid, struct cyre_findings *found);
/*
 * The bytes of a message, valid until cyre_gather_forget(), which must come
 * before the next one when g->full is set. CYRE_OK; CYRE_EIO after a finding
 * that says why; CYRE_ENOMEM.
 */
cyre_status cyre_gather_message(struct cyre_gatherer *g,
	const struct cyre_msgfile *f, struct cyre_slice *ret);
/* The same; of a file that was only listed, `f` is filled on the way. */
cyre_status cyre_gather_listed(struct cyre_gatherer *g, struct cyre_msgfile *f,
	struct cyre_slice *ret);
void cyre_gather_forget(struct cyre_gatherer *g);
/*
 * `g` can read the messages and caches of the mailbox that `from` has gathered,
 * beside it in another thread, until cyre_gather_unshare() and no longer than
 * `from` has it. What it finds goes to `found`.
 */
void cyre_gather_share(struct cyre_gatherer *g,
	const struct cyre_gatherer *from, struct cyre_findings *found);
void cyre_gather_unshare(struct cyre_gatherer *g);
void cyre_gather_end(struct cyre_gatherer *g);

/* Could the server, which runs as rules->owner, read and write this file? */
void cyre_check_rights(const struct cyre_gather_rules *rules,
	enum cyre_file file, uint32_t uid, const struct cyre_file_info *info,
	struct cyre_findings *found);

#endif
