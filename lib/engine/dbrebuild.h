/*
 * dbrebuild.h - what the phases of a rebuild of databases hand to each other
 */
#ifndef CYRE_DBREBUILD_H
#define CYRE_DBREBUILD_H

#include <cyrescue/dbrebuild.h>

#include "apply.h"
#include "confdir.h"
#include "header_salvage.h"
#include "mbox_merge.h"
#include "quota_count.h"
#include "run.h"
#include "seen_match.h"

struct dirs;

/* How much of the work is asked for, by a rebuild of mailboxes; all zero: all
 * of it. */
struct cyre_dbrebuild_ask {
	struct cyre_journal *journal; /* the caller's; NULL: o->journal */
	unsigned leave;               /* enum cyre_mbox_leave */
	/* mailboxes.db as a reviewed plan found it; NULL: anything. */
	const struct cyre_identity *expected;
	bool rewrite;          /* mailboxes.db is, whatever else comes out */
	bool stale;            /* what is only stale is written again, too */
	bool leave_usage;      /* quota: what is used */
	bool leave_roots;      /* quota: roots that are gone */
	bool leave_unreadable; /* quota: those whose limit nobody knows */
	bool leave_detached;   /* seen: records of another uniqueid */
	bool leave_damaged;    /* seen, quotas.db: the file itself */
};

/* A file of the configdirectory: as it is, and what it is to become. */
struct cyre_db_target {
	char *root, *name;    /* its real directory, its name there */
	char *dir;            /* below root, made when needed; NULL: root */
	struct cyre_buf path; /* as people know it, with a NUL */
	struct cyre_buf bytes;
	struct cyre_identity before;
	struct cyre_owner owner;
	struct cyre_slice after; /* owned; empty and NULL: it stays */
};

struct cyre_dbrebuild {
	struct cyre_run run; /* first: phases get this */
	const struct cyre_dbrebuild_options *o;
	struct cyre_dbrebuild_ask ask;
	struct cyre_opener opener;
	struct cyre_dbrebuild_result result;

	/* mailboxes */
	struct cyre_db_target target;
	struct cyre_db *db; /* of the target; NULL: none */
	bool complete;      /* no part of it is lost */
	bool damaged;       /* the file is, whatever was got out of it */
	struct cyre_mbox_merge *merge;
	struct dirs *dirs;                   /* while they are read */
	enum cyre_mbox_form form, seen_form; /* the newest anything shows */
	enum cyre_db_format seen_format; /* of a copy; NONE: there is none */
	unsigned index_version;          /* the newest seen */
	size_t *unnamed, n_unnamed, cap_unnamed; /* candidates */

	/* quota */
	struct cyre_scan_options all; /* those of the scan, nothing selected */
	struct cyre_quota_count *quota;
	struct cyre_buf scratch;

	/* seen state */
	struct cyre_seen_match *seen;
};

/* dbrebuild.c: cyre_dbrebuild() with less than all of the work. */
cyre_status cyre_dbrebuild_part(const struct cyre_dbrebuild_options *o,
	const struct cyre_dbrebuild_ask *ask, struct cyre_dbrebuild_result *ret,
	struct cyre_error *reterr);
/*
 * The name that journal and archive have for the files of a database. No
 * mailbox has it: that is an internal name or the path of a directory, which
 * has neither two slashes side by side nor one at its end. With its NUL.
 */
void cyre_dbrebuild_key(const struct cyre_source_place *place,
	const char *confdir, enum cyre_dbrebuild_what what,
	struct cyre_buf *ret);
/* "mailboxes.db", "quota", "seen": as reports call them. */
const char *cyre_dbrebuild_name(enum cyre_dbrebuild_what what);

/* dbrebuild_sources.c: the database as it is, and its copies. */
cyre_status cyre_dbrebuild_open(struct cyre_dbrebuild *d);
cyre_status cyre_dbrebuild_copies(struct cyre_dbrebuild *d);
/*
 * A database whose first bytes are lost: as the format in which `readable`
 * counts the most of its records. *ret NULL: in none. CYRE_OK, CYRE_ENOMEM.
 */
cyre_status cyre_dbrebuild_guess(struct cyre_slice bytes,
	size_t (*readable)(const struct cyre_db *db), struct cyre_db **ret);
/* Keys may have been in a part that is gone. */
bool cyre_dbrebuild_is_complete(const struct cyre_findings *found);
/* Its format and how sure its entries are. */
void cyre_dbrebuild_describe(const struct cyre_db *db, bool complete,
	struct cyre_dbreport_source *s);
/* dbrebuild_dirs.c: what headers and indexes say. */
struct cyre_dir_facts {
	struct cyre_header_salvage s; /* the strings below stand there */
	struct cyre_mbox_dir dir;
	struct cyre_slice quotaroot; /* empty, and known: it has none */
	bool quotaroot_known;
	bool dlist;             /* the header is one of 3.6 or later */
	unsigned index_version; /* 0: the index header is not believed */
	uint64_t quota_used, annot_used, exists, last_uid;
	cyre_status status;
};
/* Called for each candidate, in their order. */
typedef cyre_status cyre_take_facts(
	struct cyre_dbrebuild *d, size_t job, const struct cyre_dir_facts *f);
cyre_status cyre_dbrebuild_facts(
	struct cyre_dbrebuild *d, cyre_take_facts *take);
cyre_status cyre_dbrebuild_dirs(struct cyre_dbrebuild *d);
cyre_status cyre_dbrebuild_unnamed(struct cyre_dbrebuild *d);
/* dbrebuild_quota.c */
cyre_status cyre_dbrebuild_quota(struct cyre_run *r);
/* dbrebuild_seen.c */
cyre_status cyre_dbrebuild_seen(struct cyre_run *r);
/* dbrebuild_mailboxes.c */
cyre_status cyre_dbrebuild_mailboxes(struct cyre_run *r);

/* dbrebuild_write.c */
/*
 * Where a file of the server stands, or would: `f` (NULL: there is none yet)
 * and the path the configuration gives it. Its bytes are read. CYRE_OK, also
 * when there is none; CYRE_EBUSY: something else is in its place; CYRE_EIO,
 * CYRE_ELIMIT, CYRE_ENOMEM.
 */
cyre_status cyre_db_target_open(struct cyre_dbrebuild *d,
	const struct cyre_server_file *f, const char *path,
	struct cyre_db_target *ret);
/* Its name is `below` its root. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_db_target_name(struct cyre_db_target *t, const char *below);
void cyre_db_target_free(struct cyre_db_target *t);
/* The bytes of a new file: t->after. CYRE_OK, CYRE_EUNSUPPORTED, … */
cyre_status cyre_db_target_make(struct cyre_dbrebuild *d,
	struct cyre_db_target *t, const struct cyre_db_write_options *o,
	const struct cyre_db_entry *records, size_t n);
/* Nothing is to be done: what a killed run left beside the file goes; it is the
 * original, which is in the archive. CYRE_OK, CYRE_EBUSY, CYRE_EIO. */
cyre_status cyre_db_target_sweep(
	struct cyre_dbrebuild *d, const struct cyre_db_target *t);
/* Puts the new files in place, all or none, and reads them back. */
cyre_status cyre_dbrebuild_apply(
	struct cyre_dbrebuild *d, struct cyre_db_target *targets, size_t n);

#endif
