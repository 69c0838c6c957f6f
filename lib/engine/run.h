/*
 * run.h - a run over a server: what its phases hand to each other
 */
#ifndef CYRE_RUN_H
#define CYRE_RUN_H

#include <cyrescue/scan.h>

#include "budget.h"
#include "confdir.h"
#include "gather.h"
#include "judge.h"
#include "later.h"
#include "mailbox.h"
#include "mboxdb.h"
#include "parsers.h"
#include "userdb.h"

/* What is missing of a mailbox that mailboxes.db lists. */
enum cyre_absent {
	CYRE_ABSENT_NOT,
	CYRE_ABSENT_DIR,
	CYRE_ABSENT_FILES /* its directory is empty */
};

/* What the judge read of a mailbox, for those who look at all of them. */
struct cyre_counts {
	bool known; /* header and index could be read */
	bool sure;  /* … and are not damaged */
	uint64_t uidvalidity;
	unsigned version; /* of the index */
	ptrdiff_t root;   /* in r->quotas; -1: charged to none */
	uint64_t of[CYRE_QUOTA_RESOURCES];
};

/* An id as a server up to 2.5 makes it, and the mailbox it would be of. */
struct cyre_old_id {
	uint64_t id;
	bool lost; /* the mailbox has none: `id` is its upper half alone */
	size_t candidate;
};

/* A mailbox of the catalog with what its header says of it. */
struct cyre_candidate {
	const struct cyre_mailbox *mailbox;
	/* The entry by which the server finds the directory; NULL: there is
	 * none, or nobody asked. */
	const struct cyre_mboxdb_entry *listed;
	bool elsewhere;          /* … and looks on another partition */
	enum cyre_absent absent; /* then `mailbox` is one of r->absent */
	const struct cyre_mboxdb_entry *entry; /* NULL: it has none */
	/* … and that of r->list_copy; NULL: there is none, or `entry` is. */
	const struct cyre_mboxdb_entry *copied;
	char *name;     /* internal; NULL: nothing tells it */
	char *userid;   /* NULL: shared, or not known */
	char *uniqueid; /* NULL: nothing tells it */
	bool selected;
	bool duplicate; /* another mailbox has the same uniqueid */
	struct cyre_counts counts;
};

/* What it owns. */
void cyre_candidate_free(struct cyre_candidate *c);

struct cyre_worker {
	struct cyre_gatherer gatherer;
	struct cyre_hasher *hasher;
	struct cyre_parsers parsers;
	struct cyre_cache_scratch cache_scratch;
	struct cyre_buf scratch;
	struct cyre_mail_later *later;
	struct cyre_buf records; /* that it fills */
};

/* What a worker made of one mailbox, until it is handed over. */
struct cyre_slot {
	struct cyre_findings found;
	struct cyre_report_mailbox report;
	struct cyre_buf path; /* of its directory, for the report */
	char *uniqueid;
	cyre_status status;
	bool done;
};

struct cyre_quota_sum {
	char *root;                          /* internal name */
	const struct cyre_server_file *file; /* one of all roots, or its own */
	bool read; /* `says` is known; one of its own is read later */
	struct cyre_quota says;
	/* Of its mailboxes, by enum cyre_quota_resource; not for sure when one
	 * below it could not be read. */
	uint64_t counted[CYRE_QUOTA_RESOURCES];
	unsigned version; /* the lowest of their indexes */
	bool unsure;
};

struct cyre_quotas {
	struct cyre_quota_sum *roots; /* by root */
	size_t n;
	const struct cyre_server_file *file; /* quotas.db, if it has them */
	struct cyre_findings found;          /* of quotas.db */
	bool whole;   /* none was lost, and none came back, with damage of it */
	bool counted; /* all mailboxes of the server were looked at */
};

struct cyre_looked;

struct cyre_run {
	const struct cyre_scan_options *o;
	struct cyre_conf *conf;
	struct cyre_catalog *catalog;
	bool cross;     /* databases are checked, and against the mailboxes */
	bool charges;   /* … or of them the quota roots alone */
	bool absentees; /* what mailboxes.db alone has is a candidate */
	struct cyre_taker *taker;        /* NULL: findings go to the reports */
	struct cyre_looked *looked;      /* NULL: no look before or after */
	struct cyre_confdir *confdir;    /* after the first phase */
	struct cyre_mboxdb *mboxdb;      /* NULL: none that can be read */
	enum cyre_db_format list_format; /* it has; NONE: not known */
	struct cyre_findings list_found; /* of mailboxes.db */
	bool listless; /* there should be a mailboxes.db, and is none */
	/* A copy the server made, where mailboxes.db is gone or damaged. */
	struct cyre_mboxdb *list_copy;
	struct cyre_mailbox *absent; /* in mailboxes.db alone */
	size_t n_absent;
	bool not_all; /* mailboxes lie where nobody can look */
	struct cyre_quotas quotas;
	char **ids; /* of all mailboxes, sorted; NULL: not known */
	size_t n_ids;
	struct cyre_old_id *old_ids; /* by id */
	size_t n_old_ids;
	struct cyre_dbfile *dbfiles; /* to be checked, by the scan */
	size_t n_dbfiles;
	struct cyre_findings server; /* of no mailbox */
	struct cyre_budget budget;
	struct cyre_gather_rules rules;
	struct cyre_candidate *candidates; /* after identify: by name */
	size_t n;
	struct cyre_worker *workers, *helpers; /* `threads` of each, or one */
	pthread_mutex_t helping; /* held by the worker they help */
	unsigned threads;
	struct cyre_slot *slots; /* a ring, `window` of them */
	size_t window;
	struct cyre_scan_result result;
	cyre_status status; /* the first failure */
	const char *phase;
	struct cyre_error *error;
};

/*
 * Who takes the findings of a scan that is part of another run, which has
 * reported what is wrong with the configuration and the mailboxes' own files.
 * `f` NULL: of no file. Called in the order of a report.
 * CYRE_OK, CYRE_ENOMEM.
 */
struct cyre_taker {
	cyre_status (*take)(struct cyre_taker *t, const struct cyre_run *r,
		const struct cyre_server_file *f, const char *userid,
		const char *path, const struct cyre_findings *found);
};

/* A table ends with name NULL. */
struct cyre_phase {
	const char *name; /* for the progress line */
	cyre_status (*run)(struct cyre_run *r);
};

/*
 * Runs the phases on a run that has its options, rules and error set; all of it
 * but r->result is freed. CYRE_OK, also when interrupted (see the result);
 * CYRE_EUSAGE for a selection that makes no sense, or what a phase said.
 */
cyre_status cyre_run_phases(
	struct cyre_run *r, const struct cyre_phase *phases);

/* Each phase: CYRE_OK, CYRE_ECANCELED when asked to stop, or a failure. */
cyre_status cyre_run_confdir(struct cyre_run *r);
cyre_status cyre_run_discover(struct cyre_run *r);
cyre_status cyre_run_identify(struct cyre_run *r);
cyre_status cyre_run_databases(struct cyre_run *r);
cyre_status cyre_run_judge(struct cyre_run *r);

/* After discover: the gatherers know the catalog and its owner. */
void cyre_run_ready(struct cyre_run *r);
/*
 * Gathers and judges a mailbox (`m`: the candidate's, or listed again). The
 * evidence is valid until cyre_gather_end(), *ret is always to be freed.
 * CYRE_OK, CYRE_ENOMEM, CYRE_EIO.
 */
cyre_status cyre_run_look(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_candidate *c, const struct cyre_mailbox *m,
	unsigned level, struct cyre_findings *found,
	struct cyre_judgement *ret);
/* The line of the report; strings are the candidate's and the slot's. */
void cyre_run_fill(const struct cyre_run *r, const struct cyre_candidate *c,
	const struct cyre_judgement *j, struct cyre_slot *s);
void cyre_run_progress(const struct cyre_run *r, size_t done);

/* Findings of no mailbox. `path` may be NULL. */
void cyre_run_report(
	struct cyre_run *r, const char *path, struct cyre_findings *f);
/* Hands findings to r->taker, who must be there; both below do so. */
void cyre_run_take(struct cyre_run *r, const struct cyre_server_file *file,
	const char *userid, const char *path, const struct cyre_findings *f);
/* Those of a file of the configdirectory, also when there are none. */
void cyre_run_report_database(struct cyre_run *r,
	const struct cyre_server_file *file, const char *userid,
	const char *path, struct cyre_findings *f);
/* Where a file of the configdirectory is, from here; with its NUL. */
void cyre_run_put_path(const struct cyre_run *r,
	const struct cyre_server_file *f, struct cyre_buf *ret);
/*
 * Reads a file of the configdirectory into the worker's scratch; what cannot be
 * read is a finding. CYRE_OK; CYRE_ENOMEM; any other status: it was said why.
 */
cyre_status cyre_run_read_file(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_server_file *f, struct cyre_findings *found);
/*
 * The same, and opens it as a database, which borrows the scratch; *ret is NULL
 * when it cannot be, which is a finding. CYRE_OK, CYRE_ECANCELED, CYRE_ENOMEM.
 */
cyre_status cyre_run_read_database(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_server_file *f, struct cyre_findings *found,
	struct cyre_db **ret);
/*
 * A database of the server as evidence: the file in `b`, which *ret borrows,
 * with all that belongs to it, as cyre_run_read_database() reads it. What is
 * wrong with it is not told here. CYRE_OK; CYRE_ENOMEM, CYRE_ECANCELED; any
 * other status: it cannot be used, CYRE_ELIMIT: it is larger than `b` may get.
 */
cyre_status cyre_run_open_evidence(const struct cyre_run *r,
	struct cyre_worker *w, const struct cyre_server_file *f,
	struct cyre_buf *b, struct cyre_db **ret);
/* Bytes of a file that were read, opened with all that belongs to it: as
 * cyre_dbload_bytes(). `memory`: bytes that may be held. */
cyre_status cyre_run_load(const struct cyre_run *r,
	const struct cyre_server_file *f, struct cyre_slice bytes,
	uint64_t memory, struct cyre_findings *found, struct cyre_db **ret);
/* There is a mailboxes.db, and it has lost nothing. */
bool cyre_run_list_is_whole(const struct cyre_run *r);
/* Says so when there is no list of mailboxes, and sets r->listless. */
void cyre_run_miss_list(struct cyre_run *r);

/*
 * Opens a metadata file of a mailbox, where it stands; the worker's scratch is
 * emptied. False: there is none, or it cannot be opened.
 */
bool cyre_run_open_meta(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_mailbox *m, enum cyre_file file,
	struct cyre_file_info *ret);

/* The same, and reads it into the scratch, if it is within --memory; `ret` is
 * closed. CYRE_OK; CYRE_EIO: also when there is none; CYRE_ELIMIT, ENOMEM. */
cyre_status cyre_run_read_meta(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_mailbox *m, enum cyre_file file,
	struct cyre_file_info *ret);

/*
 * The first page of a mailbox's cyrus.index: its header and some records, where
 * the header is sound. *ret borrows from `page`. *ret_mtime_ns: of the file, also
 * of a damaged one; may be NULL. False: there is none, or it is damaged.
 */
#define CYRE_PAGE 4096 /* bytes: more than any header */
bool cyre_run_peek_index(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_mailbox *m, uint8_t page[CYRE_PAGE],
	struct cyre_index *ret, int64_t *ret_mtime_ns);

bool cyre_run_stopped(const struct cyre_run *r);
/*
 * A mailbox of many messages is read by all threads. True: the helpers are this
 * worker's until it dismisses them. False: so many messages are one worker's,
 * the helpers help another, or there are none.
 */
bool cyre_run_call_helpers(struct cyre_run *r, size_t messages);
void cyre_run_dismiss_helpers(struct cyre_run *r);
/* Runs `work` over 0 to n-1 with the run's threads; done may be NULL. */
cyre_status cyre_run_jobs(struct cyre_run *r, size_t n,
	void (*work)(void *run, unsigned worker, size_t job),
	void (*done)(void *run, size_t job));

#endif
