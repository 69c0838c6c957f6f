/*
 * cyrescue/dbrebuild.h - make a server's databases again
 *
 * mailboxes.db from everything that speaks of a mailbox: itself, the headers of
 * all directories, its copies. The quota database from the indexes. Seen state
 * whose mailbox has another id now, put where it belongs. Nothing is sent to
 * any other server.
 *
 * What is replaced goes to an undo archive first (cyrescue/undo.h), the new
 * file is synced, renamed, read back and compared. Threads: as a rebuild.
 */
#ifndef CYRESCUE_DBREBUILD_H
#define CYRESCUE_DBREBUILD_H

#include <cyrescue/dbreport.h>
#include <cyrescue/scan.h>

enum cyre_dbrebuild_what {
	CYRE_DBREBUILD_MAILBOXES,
	CYRE_DBREBUILD_QUOTA,
	CYRE_DBREBUILD_SEEN
};

struct cyre_dbrebuild_options {
	struct cyre_scan_options scan; /* its level and reports are not used */
	enum cyre_dbrebuild_what what;
	struct cyre_dbreport_options out;

	/* Copies of mailboxes.db, or dumps of ctl_mboxlist -d. */
	const char *const *donors;
	size_t n_donors;

	bool apply;   /* else only told */
	bool offline; /* the server does not run: nobody looks */
	const char *run, *undo_dir, *journal; /* as of a rebuild */
};

struct cyre_dbrebuild_result {
	bool changed;     /* a file is new */
	bool planned;     /* one would be */
	bool left;        /* something is lost, or for a person to decide */
	bool skipped;     /* something could not be read */
	bool interrupted; /* by *stop; nothing was written */
};

/*
 * CYRE_OK, whatever became of the database: see *ret. CYRE_EBUSY: the server
 * runs, or another run has the journal; CYRE_EUSAGE: there is no
 * configdirectory, or a selection without a database it could be put into;
 * CYRE_EUNSUPPORTED: this kind of file cannot be written; CYRE_EIO, CYRE_ENOMEM.
 * `reterr` says of what (may be NULL).
 */
CYRE_API cyre_status cyre_dbrebuild(const struct cyre_dbrebuild_options *o,
	struct cyre_dbrebuild_result *ret, struct cyre_error *reterr);

#endif
