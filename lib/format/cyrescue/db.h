/*
 * cyrescue/db.h - the key-value files of Cyrus, read by what they are
 *
 * mailboxes.db, seen state, subscriptions, quota, annotations and their sisters
 * stand in one of several containers (docs/formats/twoskip.md, skiplist.md,
 * other-databases.md). The option in imapd.conf is never trusted: the bytes say
 * what they are.
 *
 * There are two readers. cyre_db_read() follows the links and checks, as the
 * server would; it ends where the server would end. cyre_db_salvage() ignores
 * the links, believes what a check sum or a strict test supports, and says of
 * each key how sure it is. cyre_db_open() is the first and, of a damaged file,
 * the second.
 *
 * A `struct cyre_db` is the list of keys in the order of the file. It borrows
 * `bytes`, which must live as long; cyre_db_free(NULL) is fine. Threads: it is
 * read-only after it was made; share it freely.
 *
 * Statuses of the three: CYRE_OK with any damage in `found` (may be NULL);
 * CYRE_EFORMAT: not a database, `*ret` untouched; CYRE_EUNSUPPORTED: a
 * container that only its own library reads; CYRE_ENOMEM.
 */
#ifndef CYRESCUE_DB_H
#define CYRESCUE_DB_H

#include <stdbool.h>

#include <cyrescue/finding.h>
#include <cyrescue/slice.h>

enum cyre_db_format {
	CYRE_DB_NONE, /* no container we know */
	CYRE_DB_TWOSKIP,
	CYRE_DB_SKIPLIST,
	CYRE_DB_TWOM,        /* 3.13 and later */
	CYRE_DB_BERKELEY,    /* btree or hash */
	CYRE_DB_QUOTALEGACY, /* one file a root; its key is "." */
	CYRE_DB_SQLITE,      /* read, not written */
	CYRE_DB_FLAT,
	CYRE_DB_FORMATS
};

/* How a file sorts its keys; see twoskip.md section 4, skiplist.md 4. */
enum cyre_db_order {
	CYRE_DB_RAW,    /* bytes, then the shorter first */
	CYRE_DB_SIGNED, /* the same, 80..FF before 00..7F */
	CYRE_DB_MAILBOX /* '.' before all that names use */
};

/* How sure an entry is; the lower the surer. */
enum cyre_db_trust {
	CYRE_DB_INTACT,      /* reached by links, check sums right */
	CYRE_DB_REPLAYED,    /* committed, order of events known, links lost */
	CYRE_DB_RESURRECTED, /* from before a gap: may be deleted or outdated */
	CYRE_DB_UNCOMMITTED, /* of a transaction that never ended */
	CYRE_DB_TRUSTS
};

struct cyre_db_entry {
	struct cyre_slice key, value;
	uint64_t offset; /* of the record in the file, bytes */
	enum cyre_db_trust trust;
};

struct cyre_db_info {
	enum cyre_db_format format;
	enum cyre_db_order order;
	uint64_t generation; /* 0 where the format has none */
	bool padded;         /* twoskip: with the padding of 3.2 and later */
	bool salvaged;       /* made by the salvage reader */
	bool counted;        /* `expected` is known */
	uint64_t expected;   /* keys the file says it has */
	uint64_t missing;    /* at least so many of them are in no entry */
	/* SQLite: databases in this file; of several the name and a slash
	 * stand before each key. */
	unsigned tables;
	size_t count[CYRE_DB_TRUSTS];
};

struct cyre_db;

/* "twoskip", …; NULL for CYRE_DB_NONE. Names are those of imapd.conf(5). */
CYRE_API const char *cyre_db_format_name(enum cyre_db_format f);
CYRE_API enum cyre_db_format cyre_db_format_by_name(const char *name);
/* "intact", "replayed", "resurrected", "uncommitted" */
CYRE_API const char *cyre_db_trust_name(enum cyre_db_trust t);
/* "raw", "signed", "mailbox" */
CYRE_API const char *cyre_db_order_name(enum cyre_db_order o);
/* -1: there is none. */
CYRE_API int cyre_db_order_by_name(const char *name);

/* By magic; text is CYRE_DB_FLAT when it looks like lines of key and value. */
CYRE_API enum cyre_db_format cyre_db_detect(struct cyre_slice bytes);

CYRE_API cyre_status cyre_db_open(struct cyre_slice bytes,
	struct cyre_findings *found, struct cyre_db **ret);
CYRE_API cyre_status cyre_db_read(struct cyre_slice bytes,
	struct cyre_findings *found, struct cyre_db **ret);
/* `format`: as detected, or what it must have been when its magic is gone. */
CYRE_API cyre_status cyre_db_salvage(struct cyre_slice bytes,
	enum cyre_db_format format, struct cyre_findings *found,
	struct cyre_db **ret);
CYRE_API void cyre_db_free(struct cyre_db *db);

/*
 * Bytes that are still being read. `wait` returns when the first `n` are there,
 * with how many are, or UINT64_MAX: as many as there will ever be.
 */
struct cyre_db_arrival {
	uint64_t (*wait)(void *payload, uint64_t n);
	void *payload;
};
/*
 * As cyre_db_open(): what goes from the beginning of the file to its end is done
 * while the bytes come. The first 64 must be there. If it turns out that `bytes`
 * is not what is in the file, the result means nothing, and is to be freed.
 */
CYRE_API cyre_status cyre_db_open_arriving(struct cyre_slice bytes,
	const struct cyre_db_arrival *arrival, struct cyre_findings *found,
	struct cyre_db **ret);

CYRE_API const struct cyre_db_info *cyre_db_info(const struct cyre_db *db);
/*
 * Entries 0 … count-1 in the order of the file. One key can stand twice after a
 * salvage: the surer entry first.
 */
CYRE_API size_t cyre_db_count(const struct cyre_db *db);
CYRE_API const struct cyre_db_entry *cyre_db_at(
	const struct cyre_db *db, size_t i);
/* The surest entry of this key; NULL: there is none. */
CYRE_API const struct cyre_db_entry *cyre_db_find(
	const struct cyre_db *db, struct cyre_slice key);
/* The first entry that does not sort before `key`; keys with one prefix stand
 * together. */
CYRE_API size_t cyre_db_seek(const struct cyre_db *db, struct cyre_slice key);

/* What a database is for; the name of its file says it. */
enum cyre_db_kind {
	CYRE_DB_KIND_UNKNOWN,
	CYRE_DB_KIND_MAILBOXES,
	CYRE_DB_KIND_SEEN,
	CYRE_DB_KIND_SUBSCRIPTIONS,
	CYRE_DB_KIND_QUOTA,
	CYRE_DB_KIND_ANNOTATIONS,
	CYRE_DB_KIND_CONVERSATIONS,
	CYRE_DB_KIND_STATUSCACHE,
	CYRE_DB_KIND_DELIVER
};
CYRE_API enum cyre_db_kind cyre_db_kind_of(const char *path);

/*
 * A finding for each value that is not what a database of this kind holds.
 * CYRE_OK, CYRE_ENOMEM.
 */
CYRE_API cyre_status cyre_db_check_values(const struct cyre_db *db,
	enum cyre_db_kind kind, struct cyre_findings *found);

/*
 * The value in words, printable and cut where it does not fit; "": there are
 * none. CYRE_OK, CYRE_ENOMEM.
 */
CYRE_API cyre_status cyre_db_meaning(enum cyre_db_kind kind,
	const struct cyre_db_entry *e, char *ret, size_t ret_size);

struct cyre_db_write_options {
	enum cyre_db_format format;
	enum cyre_db_order order; /* cyre_db_usual_order() unless known */
	uint64_t generation;      /* twoskip: the old one + 1; 0: 1 */
	bool padded;              /* twoskip: as 3.2 and later write it */
	uint32_t time;            /* skiplist: now, seconds since 1970 */
};

/* The order in which today's server reads a format. */
CYRE_API enum cyre_db_order cyre_db_usual_order(enum cyre_db_format f);

/*
 * A fresh, compact file of these entries, in any order; `trust` and `offset`
 * do not matter. The same entries give the same bytes. *ret: free(3).
 *
 * CYRE_OK; CYRE_EUSAGE: an empty key, or one key twice; CYRE_EUNSUPPORTED:
 * this format is not written; CYRE_ENOMEM (also: too large for the format).
 */
CYRE_API cyre_status cyre_db_write(const struct cyre_db_write_options *o,
	const struct cyre_db_entry *entries, size_t n, uint8_t **ret,
	size_t *ret_n);

#endif
