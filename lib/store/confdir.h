/*
 * confdir.h - the files of the configdirectory: what is where, and whose
 *
 * One walk finds the databases of the server, of each user and of each quota
 * root, in both layouts (docs/formats/layout.md section 2). What is there
 * counts: options only say where the server looks. Nothing is opened but
 * directories, none through a link; cyre_confdir_read() reads one file in the
 * same safe way.
 *
 *	cyre_confdir_walk(conf, root, &c)
 *	f = cyre_confdir_find(c, CYRE_SERVER_SEEN, "ann", &n)
 *	cyre_confdir_read(c, opener, &f[0], &buf, &err)
 *	cyre_confdir_free(c)
 *
 * Threads: read-only once made; share it freely. Each reader has its own
 * opener and buffer.
 */
#ifndef CYRE_CONFDIR_H
#define CYRE_CONFDIR_H

#include <cyrescue/db.h>
#include <cyrescue/finding.h>

#include "conf.h"
#include "buf.h"
#include "dir.h"

enum cyre_server_kind {
	/* One of the whole server; no owner. */
	CYRE_SERVER_MAILBOXES,
	CYRE_SERVER_ANNOTATIONS,
	CYRE_SERVER_QUOTAS, /* quotas.db: all roots in one file */
	CYRE_SERVER_STATUSCACHE,
	CYRE_SERVER_DELIVER,
	CYRE_SERVER_TLS,
	CYRE_SERVER_USER_DENY,
	CYRE_SERVER_BACKUPS,
	/* One a quota root. */
	CYRE_SERVER_QUOTA,
	/* One a user; COUNTERS also without an owner: shared.counters. */
	CYRE_SERVER_SEEN,
	CYRE_SERVER_SUB,
	CYRE_SERVER_CONVERSATIONS,
	CYRE_SERVER_COUNTERS, /* no key-value file: cyre_counters_read() */
	CYRE_SERVER_MBOXKEY,
	CYRE_SERVER_XAPIANACTIVE, /* text */
	CYRE_SERVER_DAV,          /* SQLite */
	CYRE_SERVER_KINDS
};

/* Which of several; sorted so, the one in use first. */
enum cyre_server_copy {
	CYRE_COPY_LIVE,
	CYRE_COPY_NEW,     /* of an interrupted rewrite */
	CYRE_COPY_OLD,     /* .OLD; or live where no option looks for it */
	CYRE_COPY_BACKUP1, /* db.backup1, the later checkpoint */
	CYRE_COPY_BACKUP2,
	CYRE_COPY_DUMP /* text or JSON of ctl_mboxlist -d, perhaps gzip */
};

struct cyre_server_file {
	enum cyre_server_kind kind;
	enum cyre_server_copy copy;
	bool by_id;
	bool misplaced;    /* the server looks for it elsewhere */
	enum cyre_kind is; /* regular file, link …; it was not stat'ed */
	/*
	 * The userid (`al.ice@example.net`, dots whether the file has `^` or
	 * not; `anyone`: read marks of shared folders in 2.3); by_id: the
	 * uniqueid of the user's INBOX; for a quota root its
	 * internal name (`user.al^ice`, `example.net!`). NULL: the server's, or
	 * for COUNTERS `shared.counters`.
	 */
	char *owner;
	char *path; /* below the configdirectory; absolute when elsewhere */
	int dirfd;  /* the walk's; `name` is relative to it */
	const char *name;
};

struct cyre_confdir {
	const char *path;               /* as configured; NULL: there is none */
	int fd;                         /* -1: could not be opened */
	int errnum;                     /* why */
	struct cyre_server_file *files; /* by kind, by_id, owner, copy, path */
	size_t n;
	struct cyre_findings found; /* directories that cannot be read … */

	/* The walk's. */
	int *fds; /* directories *_db_path names */
	size_t n_fds;
	size_t cap;
};

/*
 * Walks in the calling thread. `root` as in cyre_walk_open(). The conf must
 * outlive *ret. What cannot be read is a finding of *ret, never an error.
 * CYRE_OK, CYRE_ENOMEM.
 */
cyre_status cyre_confdir_walk(const struct cyre_conf *conf, const char *root,
	struct cyre_confdir **ret);
void cyre_confdir_free(struct cyre_confdir *c); /* NULL is fine */

/*
 * The files of a kind and owner (NULL: the server's), *ret_n of them side by
 * side, the live one first if there is one. NULL, and 0: none.
 */
const struct cyre_server_file *cyre_confdir_find(const struct cyre_confdir *c,
	enum cyre_server_kind kind, const char *owner, size_t *ret_n);
/* The same by the uniqueid of the owner's INBOX (3.6 and later). */
const struct cyre_server_file *cyre_confdir_find_by_id(
	const struct cyre_confdir *c, enum cyre_server_kind kind,
	const char *inbox_id, size_t *ret_n);
/* All of a kind, whoever's. */
const struct cyre_server_file *cyre_confdir_all(const struct cyre_confdir *c,
	enum cyre_server_kind kind, size_t *ret_n);
/* The live one of a user by either layout; NULL: none. `inbox_id` may be NULL. */
const struct cyre_server_file *cyre_confdir_of_user(
	const struct cyre_confdir *c, enum cyre_server_kind kind,
	const char *userid, const char *inbox_id);

/*
 * The file's bytes in `ret`, whose `limit` holds. CYRE_OK; CYRE_EUNSUPPORTED:
 * no regular file stands there, *ret_kind says what; CYRE_EIO with `reterr`;
 * CYRE_ELIMIT; CYRE_ENOMEM.
 */
cyre_status cyre_confdir_read(const struct cyre_server_file *f,
	struct cyre_opener *o, struct cyre_buf *ret, enum cyre_kind *ret_kind,
	struct cyre_error *reterr);

/* "mailboxes.db", "seen" …: what the file is called; static storage. */
const char *cyre_server_kind_name(enum cyre_server_kind kind);
/* For cyre_db_check_values(); UNKNOWN: no database, or one that is not read. */
enum cyre_db_kind cyre_server_db_kind(enum cyre_server_kind kind);

#endif
