/*
 * conf.h - what imapd.conf says, as far as it shapes the files
 *
 * Format and defaults: docs/formats/layout.md section 1. Only options that
 * decide where something is, or what the server did with it, are typed fields;
 * all others are kept as text (cyre_conf_get).
 *
 * Made in steps: new, read (any number of files), set (the command line),
 * finish; then it is read-only. What is wrong with the text is a finding
 * (CF-xxx), never an error: the host we look at is broken, and half a
 * configuration is better than none.
 *
 * Paths are as the file has them, absolute in the server's eyes; where they
 * are below --root is the business of those who open them. Durations are
 * seconds. Strings belong to the conf.
 *
 * Threads: read-only after it was finished; share it freely.
 */
#ifndef CYRE_CONF_H
#define CYRE_CONF_H

#include <cyrescue/finding.h>

#include "buf.h"

/* A release of Cyrus, for the defaults: CYRE_RELEASE(2, 3). 0: not known. */
typedef unsigned cyre_release;
#define CYRE_RELEASE(major, minor) ((cyre_release)((major) << 8 | (minor)))

enum cyre_virtdomains { CYRE_VIRT_OFF, CYRE_VIRT_USERID, CYRE_VIRT_ON };
enum cyre_delete_mode { CYRE_DELETE_IMMEDIATE, CYRE_DELETE_DELAYED };
/* DEFAULT (2.4: default, 3.x: semidelayed): files go, index records stay. */
enum cyre_expunge_mode {
	CYRE_EXPUNGE_IMMEDIATE,
	CYRE_EXPUNGE_DEFAULT,
	CYRE_EXPUNGE_DELAYED
};

/* What metapartition_files can name; LOCK is accepted and moves nothing. */
enum cyre_meta {
	CYRE_META_HEADER,
	CYRE_META_INDEX,
	CYRE_META_CACHE,
	CYRE_META_EXPUNGE,
	CYRE_META_SQUAT,
	CYRE_META_ANNOTATIONS,
	CYRE_META_LOCK,
	CYRE_META_DAV,
	CYRE_META_ARCHIVECACHE,
	CYRE_META_COUNT
};

struct cyre_partition {
	char *name;
	const char *data;    /* partition-NAME; NULL: only others name it */
	const char *meta;    /* metapartition-NAME; NULL: none */
	const char *archive; /* archivepartition-NAME; NULL: none */
	const char *metadir[CYRE_META_COUNT]; /* metadir-KIND-NAME; NULL */
};

struct cyre_conf_option {
	char *name;  /* lower case */
	char *value; /* as written, blanks trimmed */
};

struct cyre_conf {
	cyre_release release; /* whose defaults were taken */

	const char *configdirectory; /* NULL: not set */
	const char *defaultpartition, *defaultdomain, *deletedprefix;
	const char *userprefix, *sharedprefix, *servername, *admins;
	const char *sievedir, *cyrus_user, *cyrus_group;
	const char *mboxlist_db, *annotation_db, *seenstate_db,
		*subscription_db, *quota_db, *duplicate_db, *statuscache_db,
		*conversations_db;
	const char *mboxlist_db_path, *annotation_db_path, *quota_db_path,
		*duplicate_db_path, *statuscache_db_path, *mboxname_lockpath,
		*proc_path;
	bool hashimapspool, fulldirhash, unixhierarchysep, altnamespace;
	bool username_tolower, improved_mboxlist_sort, mailbox_legacy_dirs;
	bool archive_enabled, reverseacls, conversations, statuscache;
	bool sieveusehomedir;
	unsigned virtdomains, delete_mode, expunge_mode; /* the enums above */
	unsigned metapartition_files; /* bits 1 << enum cyre_meta */
	unsigned umask;
	int64_t archive_after;

	struct cyre_partition *partitions; /* by name */
	size_t n_partitions;
	struct cyre_conf_option *options; /* by name */
	size_t n_options;
};

/* An option as written in the file, NULL when it is not there. */
const char *cyre_conf_get(const struct cyre_conf *conf, const char *name);
/* NULL when there is none of this name. */
const struct cyre_partition *cyre_conf_partition(
	const struct cyre_conf *conf, const char *name);
/*
 * The configured root for a kind of metadata file: metadir-KIND-NAME, then the
 * metapartition when metapartition_files lists the kind, then (archivecache)
 * the archive, then the data root. NULL when the partition has none of them.
 */
const char *cyre_conf_meta_root(const struct cyre_conf *conf,
	const struct cyre_partition *part, enum cyre_meta kind);
/* "header", …: the word of metapartition_files. */
const char *cyre_meta_name(enum cyre_meta kind);
void cyre_conf_free(struct cyre_conf *conf); /* NULL is fine */

/* ---- making one ---- */

/* How @include gets a file; `ret` comes empty and takes the bytes. */
struct cyre_conf_reader {
	cyre_status (*include)(
		void *payload, const char *path, struct cyre_buf *ret);
	void *payload;
};

/* CYRE_OK or CYRE_ENOMEM. */
cyre_status cyre_conf_new(struct cyre_conf **ret);
/*
 * Takes in the options of one file. `path` is for findings. A `reader` of NULL
 * makes each @include a finding. CYRE_OK or CYRE_ENOMEM.
 */
cyre_status cyre_conf_read(struct cyre_conf *conf, struct cyre_slice text,
	const char *path, const struct cyre_conf_reader *reader,
	struct cyre_findings *found);
/* As if the file had it, and nothing else of this name. */
cyre_status cyre_conf_set(
	struct cyre_conf *conf, const char *name, const char *value);
/*
 * Options become fields, with the defaults of `release` (0: of the newest).
 * May be called again for another release. CYRE_OK or CYRE_ENOMEM.
 */
cyre_status cyre_conf_finish(struct cyre_conf *conf, cyre_release release,
	struct cyre_findings *found);

#endif
