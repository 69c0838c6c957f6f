/*
 * plan.h - evidence + findings + policy -> the new files of one mailbox
 *
 * Pure but for the callbacks: one parses messages, the other tells what other
 * files know. Each value that changes has its origin, and what was lost is said
 * (docs/design.md section 5 is the table of what is taken from where).
 *
 * The same evidence gives the same bytes, and the plan of a repaired mailbox is
 * empty: apply may be killed and done again.
 */
#ifndef CYRE_PLAN_H
#define CYRE_PLAN_H

#include <cyrescue/mail.h>
#include <cyrescue/policy.h>

#include "buf.h"
#include "evidence.h"
#include "judge.h"
#include "outside.h"

struct cyre_plan_policy {
	enum cyre_accept accept;
	enum cyre_orphans orphans;
	/* --only: problems to repair, by number; NULL: all. */
	const bool *only;
	/* --index-version; 0: as found. */
	unsigned index_version;
	/* --as-release; NULL: what the records show. */
	const char *release;
};

/* What is known of the mailbox from outside its directory; 0, empty: nothing. */
struct cyre_plan_hints {
	uint64_t now; /* seconds; for a UIDVALIDITY that must be made up */
	/* Of the mailboxes around it; 0: no index is left, and nothing else
	 * tells how old the server is. */
	unsigned index_version;
	unsigned cache_version; /* of their records */
	struct cyre_slice mboxname, uniqueid, jmapid, acl, type;
	uint64_t uidvalidity, foldermodseq; /* mailboxes.db */
	bool copied;         /* all of it is from a copy of mailboxes.db */
	bool listed;         /* mailboxes.db has it, and not as a deleted one */
	uint32_t generation; /* of a cache that is about to be replaced */
	/* There are quota roots; the one above the mailbox, if any. */
	bool has_roots;
	struct cyre_slice quotaroot;
	/* That is sure, and what is used is counted behind: the mailbox may be
	 * charged to it, where its sound header says otherwise. */
	bool recharges;
};

/* What is known of a message that was parsed, beside its cache record. */
struct cyre_plan_parsed {
	struct cyre_mail_facts facts;
	bool zeroed; /* cyre_message_is_zeroed() */
};

/* The messages that a plan wants parsed, and who takes what comes out. */
struct cyre_plan_parsing {
	const struct cyre_mail_behaviour *behaviour;
	const struct cyre_msgfile *const *files;
	size_t n;
	/*
	 * One message, in the order of `files`, in the thread that asked. The
	 * record is valid for the call; `parser` is one of that thread and of
	 * the behaviour, for cyre_mail_dates(). What it returns ends it all,
	 * unless it is CYRE_OK.
	 */
	cyre_status (*take)(void *payload, const cyre_mail_parser *parser,
		struct cyre_slice record, struct cyre_plan_parsed *m);
	void *payload;
};

struct cyre_plan_reader {
	/* Parses all of them, many at a time where that helps. CYRE_OK;
	 * CYRE_EIO: one cannot be read (a finding was made); CYRE_ECANCELED;
	 * what cyre_mail_parse() or take() said; CYRE_ENOMEM. */
	cyre_status (*parse)(void *payload, const struct cyre_plan_parsing *p);
	/* What other files know; asked at most once, and only when the own ones
	 * do not say. Valid until the plan is made. NULL: there is nothing to
	 * ask. CYRE_OK, ENOMEM. */
	cyre_status (*outside)(void *payload, struct cyre_outside *ret);
	void *payload;
};

/* One value that is not what it was. Strings are the plan's. */
struct cyre_repair {
	enum cyre_file file;
	uint32_t uid;         /* 0: the mailbox */
	const char *field;    /* static storage */
	char *before, *after; /* NULL: none */
	const char *origin;   /* static: "index", "message file" … */
	const char *loss;     /* static: what is gone for good; NULL: nothing */
};

/* One file as it is to be. */
struct cyre_plan_file {
	enum cyre_file file;
	bool remove;
	struct cyre_buf bytes; /* unless it is removed */
};

/* What goes out of the mailbox, to the quarantine: a message file, or something
 * that stands in the place of a metadata file and is none. */
struct cyre_plan_move {
	enum cyre_file file;
	struct cyre_msgfile message; /* of CYRE_FILE_MESSAGE */
};

struct cyre_plan {
	bool needed; /* else there is nothing to do */
	struct cyre_plan_file files[8];
	size_t n_files;
	struct cyre_plan_move *moves; /* metadata first, then by uid */
	size_t n_moves, cap_moves;
	struct cyre_repair *repairs;
	size_t n_repairs, cap_repairs;
	/* Beyond what is kept; the last one that is kept says so. */
	uint64_t repairs_dropped, losses_dropped;
	uint64_t adopted, rederived, parsed, kept;
};

/*
 * CYRE_OK; CYRE_ENOMEM; CYRE_EIO when a message that must be parsed cannot be
 * read: the mailbox is left as it is. *ret is always to be freed.
 */
cyre_status cyre_plan_make(const struct cyre_evidence *ev,
	const struct cyre_judgement *j, const struct cyre_findings *found,
	const struct cyre_plan_policy *policy,
	const struct cyre_plan_hints *hints,
	const struct cyre_plan_reader *reader, struct cyre_plan *ret);
void cyre_plan_free(struct cyre_plan *p);

/* The index version that a release writes by itself: "2.3.16", "3.6". */
unsigned cyre_plan_version_of(const char *release);

#endif
