/*
 * cyrescue/rebuild.h - bring lost metadata back
 *
 * The phases are discover, identify, survey, rebuild, databases. Of each
 * mailbox a worker reads the files, finds what is wrong, plans the new files;
 * with `apply` it puts them in place of the old ones, batches of mailboxes
 * together, and looks again. Message files are read and never written. When all
 * are done mailboxes.db, the quota and seen databases are held against them, and
 * what disagrees is put right, in this order (cyrescue/dbrebuild.h). Originals
 * go to an undo archive first (cyrescue/undo.h takes a rebuild back).
 *
 * Threads: one rebuild at a time per struct; it starts and ends its own
 * threads. Hooks are called from the thread that called cyre_rebuild().
 */
#ifndef CYRESCUE_REBUILD_H
#define CYRESCUE_REBUILD_H

#include <cyrescue/policy.h>
#include <cyrescue/scan.h>

#define CYRE_UNDO_FOLDER "cyrescue-undo"

struct cyre_rebuild_options {
	struct cyre_scan_options scan; /* its level is not used */

	enum cyre_accept accept;
	enum cyre_orphans orphans;
	const bool *only;       /* by enum cyre_problem; NULL: all */
	unsigned index_version; /* to convert to; 0: as found */
	const char *release;    /* whose files to write; NULL: as found */

	bool apply;   /* else the plan is made, and nothing written */
	bool online;  /* the server may run: its locks are taken */
	bool offline; /* it does not run: nobody looks whether it does */
	bool by_name; /* else those that are hurt most come first */

	bool no_databases; /* they are looked at, and stay as they are */

	const char *run; /* a name for journal and archives; NULL: none */
	/* Folder of the undo archives, made when it is not there; NULL:
	 * CYRE_UNDO_FOLDER in the configdirectory. */
	const char *undo_dir;
	/* The journal, added to; NULL: RUN.journal in the undo folder. */
	const char *journal;
	bool resume; /* skip what the journal says is done */

	/* A plan that was reviewed: of each mailbox in it just that is done. */
	const char *plan;
	/* Where the plan goes (docs/plan.schema.json); NULL: nowhere. */
	cyre_write_fn *plan_write;
	void *plan_payload;
};

/* mailboxes.db, quota, seen state: by enum cyre_dbrebuild_what. */
#define CYRE_REBUILD_DATABASES 3

/* Why databases that need it were not put right. */
enum cyre_rebuild_waits {
	CYRE_WAITS_NOT,
	CYRE_WAITS_SERVER,    /* it runs, and has them open */
	CYRE_WAITS_SHARD,     /* others work on the rest of the server */
	CYRE_WAITS_PLAN,      /* the reviewed plan does not have it */
	CYRE_WAITS_UNWANTED,  /* no_databases */
	CYRE_WAITS_SELECTION, /* not all mailboxes, and no list to put them in */
	CYRE_WAITS_LIST,      /* mailboxes.db could not be put right */
	CYRE_WAITS_PERSON     /* somebody must decide */
};

struct cyre_rebuild_database {
	bool changed, planned, failed;
	enum cyre_rebuild_waits waits;
};

struct cyre_rebuild_result {
	struct cyre_scan_result scan; /* findings: of before the repair */
	uint64_t changed;             /* mailboxes with new files */
	uint64_t planned;             /* mailboxes that would get them */
	uint64_t left; /* mailboxes with problems above NOTE now */
	/* Such problems of no mailbox, after everything that was done. */
	bool server_left;
	uint64_t failed;  /* mailboxes that could not be worked on */
	uint64_t resumed; /* mailboxes skipped: they were done before */
	/* Mailboxes that an interrupted run had left half done: they were put
	 * back first, then looked at. */
	uint64_t put_back;
	struct cyre_rebuild_database databases[CYRE_REBUILD_DATABASES];
};

/*
 * Runs a rebuild; cyre_report_begin() and _end() are the caller's.
 *
 * CYRE_OK, whatever became of the mailboxes: see *ret. CYRE_EUSAGE for options
 * that make no sense together; CYRE_EBUSY when the server runs, or another
 * rebuild has the journal; CYRE_EFORMAT for a plan that cannot be read;
 * CYRE_EIO when configuration, partitions, plan, journal or undo folder cannot
 * be used; CYRE_ENOMEM. `reterr` says of what (may be NULL).
 */
CYRE_API cyre_status cyre_rebuild(const struct cyre_rebuild_options *o,
	struct cyre_rebuild_result *ret, struct cyre_error *reterr);

/*
 * Does a server run here? For what is done without a rebuild: cyre_undo().
 * CYRE_OK: nothing shows it; CYRE_EBUSY: `reterr` says what does; CYRE_EIO when
 * the configuration cannot be read; CYRE_ENOMEM.
 */
CYRE_API cyre_status cyre_server_look(
	const struct cyre_source_place *place, struct cyre_error *reterr);

#endif
