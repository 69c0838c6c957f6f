/*
 * mailbox.h - what a walk of the partitions found, as plain data
 *
 * A listing is one directory as readdir told it; nothing was stat'ed. A mailbox
 * is what has the same relative directory below the roots of one partition, and
 * somewhere among them a metadata or message file.
 */
#ifndef CYRE_MAILBOX_H
#define CYRE_MAILBOX_H

#include <cyrescue/finding.h>

#include "conf.h"
#include "dir.h"
#include "layout.h"

/* Why an entry is not simply a message or a metadata file. */
enum cyre_odd_class {
	CYRE_ODD_SERVER, /* cyrus.squat …: the server's, not looked into */
	CYRE_ODD_NEW,    /* half-written, of an interrupted rewrite */
	CYRE_ODD_UID,    /* `007.`, `0.`, too large: almost a message */
	CYRE_ODD_KIND, /* a link, fifo …, or a directory in a file's place */
	CYRE_ODD_OTHER /* not the server's */
};

struct cyre_odd {
	enum cyre_odd_class class;
	enum cyre_kind kind;
	char *name;
};

/* So many odd entries of a directory are kept by name. */
#define CYRE_ODD_KEEP 1000

struct cyre_listing {
	uint32_t *uids; /* of the message files, ascending */
	size_t n_uids, cap_uids;
	struct cyre_odd *odd; /* by name */
	size_t n_odd, cap_odd;
	uint64_t n_odd_dropped;
	uint32_t files;     /* regular: bits 1 << enum cyre_file */
	uint32_t not_files; /* of these names, but something else */
	int errnum;         /* the listing failed, perhaps half-way; 0: no */
};

/* What a root is for; one directory can be several. */
#define CYRE_ROOT_DATA    1u
#define CYRE_ROOT_META    2u
#define CYRE_ROOT_ARCHIVE 4u

struct cyre_root {
	const char *path;   /* as configured; borrowed from the conf */
	uint32_t partition; /* in conf->partitions */
	unsigned roles;
	int fd;     /* -1: could not be opened */
	int errnum; /* why */
};

/* A mailbox's directory below one root. */
struct cyre_side {
	uint32_t root; /* in catalog->roots */
	struct cyre_listing list;
};

struct cyre_mailbox {
	uint32_t partition;
	char *dir;      /* relative to each root */
	char *name;     /* internal, as the path tells; NULL: it does not */
	char *uniqueid; /* as the path tells; NULL: it does not */
	enum cyre_hash hash; /* how the path was read */
	bool misplaced; /* the server looks for this name or id elsewhere */
	bool twice;     /* another directory has the same name or id */
	struct cyre_side *sides; /* by root */
	size_t n_sides;
};

/* Where a partition keeps what: indices in catalog->roots, -1: nowhere. */
struct cyre_partition_roots {
	int32_t data, archive;
	int32_t meta[CYRE_META_COUNT];
};

struct cyre_catalog {
	const struct cyre_conf *conf; /* borrowed */
	struct cyre_layout layout;    /* as the tree really is */
	struct cyre_root *roots;
	size_t n_roots;
	struct cyre_partition_roots *partitions; /* as conf->partitions */
	struct cyre_mailbox *mailboxes;          /* by partition, dir */
	size_t n_mailboxes;
	struct cyre_findings found; /* what belongs to no mailbox */
};

void cyre_catalog_free(struct cyre_catalog *c); /* NULL is fine */

/* The listing below a root; NULL: there is no such directory. */
const struct cyre_side *cyre_mailbox_side(
	const struct cyre_mailbox *m, int32_t root);
/*
 * The side to read a metadata file from: where the configuration has it, else
 * any that has it (`ret_elsewhere`, may be NULL); NULL when none has.
 */
const struct cyre_side *cyre_mailbox_where(const struct cyre_catalog *c,
	const struct cyre_mailbox *m, enum cyre_file file, bool *ret_elsewhere);

/* The root of the catalog that the configuration has for a kind of metadata
 * file of this mailbox; -1: it has none. */
int32_t cyre_mailbox_root(const struct cyre_catalog *c,
	const struct cyre_mailbox *m, enum cyre_file file);

/*
 * The mailbox as its directories are now. *ret borrows names and dir from `m`
 * and owns its sides. A directory that cannot be read is told by its listing.
 * CYRE_OK or CYRE_ENOMEM.
 */
cyre_status cyre_mailbox_relist(const struct cyre_catalog *c,
	const struct cyre_mailbox *m, struct cyre_opener *o,
	struct cyre_mailbox *ret);
void cyre_mailbox_relist_free(struct cyre_mailbox *m);

/* What the listings alone show of a mailbox; its files are not opened. */
void cyre_mailbox_survey(const struct cyre_catalog *c,
	const struct cyre_mailbox *m, struct cyre_findings *found);

#endif
