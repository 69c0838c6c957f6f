/*
 * userdb.h - what the other databases keep: seen state, subscriptions, quota,
 * annotations, conversations, counters, status cache
 *
 * Format: docs/formats/user-databases.md. Each reader takes one key and value
 * as the server stored them and trusts no length in them. False: this is no
 * such value; *ret is then untouched. Slices borrow. Times are seconds since
 * 1970 unless a name says otherwise.
 *
 * Threads: plain data, no state.
 */
#ifndef CYRE_USERDB_H
#define CYRE_USERDB_H

#include <cyrescue/status.h>

#include "bytes.h"

/* ---- seen: the key is a uniqueid ---- */
struct cyre_seen {
	uint64_t last_read, last_uid, last_change;
	struct cyre_slice uids; /* an IMAP set, may be empty */
};
bool cyre_seen_read(struct cyre_slice value, struct cyre_seen *ret);
/* Is `uid` in an IMAP set like 1:4,7,9:12? What is not a set holds nothing. */
bool cyre_uidset_has(struct cyre_slice set, uint32_t uid);
/* The next range of a set; false: the end, or not a set (c->bad). */
bool cyre_uidset_next(struct cyre_cur *c, uint64_t *ret_lo, uint64_t *ret_hi);
/* The set is well-formed and ascending, as the server writes it. */
bool cyre_uidset_valid(struct cyre_slice set);

/* ---- subscriptions ---- */
struct cyre_sub {
	bool is_dbname;         /* 3.6+: levels joined by 1F, else internal */
	bool inbox;             /* below the user's own INBOX: */
	struct cyre_slice name; /* then what follows INBOX; else the name */
};
/* False: not a mailbox (the version record, the empty key). `version`: that of
 * the file's version record, 0: none (up to 3.4), 2, or 3 (3.12+). */
bool cyre_sub_read(
	struct cyre_slice key, unsigned version, struct cyre_sub *ret);
/* The value of the version record, whose key this is; 0: it is not. */
unsigned cyre_sub_version(struct cyre_slice key, struct cyre_slice value);

/* ---- quota: the key is the root ---- */
enum cyre_quota_resource {
	CYRE_QUOTA_STORAGE, /* used: bytes, limit: KiB */
	CYRE_QUOTA_MESSAGES,
	CYRE_QUOTA_ANNOTATION, /* used: bytes, limit: KiB */
	CYRE_QUOTA_FOLDERS,
	CYRE_QUOTA_RESOURCES
};
struct cyre_quota {
	bool has[CYRE_QUOTA_RESOURCES];
	bool limited[CYRE_QUOTA_RESOURCES];
	uint64_t used[CYRE_QUOTA_RESOURCES], limit[CYRE_QUOTA_RESOURCES];
	uint64_t modseq; /* 0: absent */
	bool scan;       /* `quota -f` was interrupted */
};
bool cyre_quota_read(struct cyre_slice value, struct cyre_quota *ret);

/* ---- annotations ---- */
struct cyre_annotation {
	/* Mailbox (name or, from 3.6 on, uniqueid), uid, or empty: server. */
	struct cyre_slice scope, entry, userid;
	bool owner; /* 3.6+: the mailbox's owner's, userid is empty */
	struct cyre_slice value, type;
	uint64_t modified; /* 0: not known */
	uint64_t modseq;   /* 3.2+ */
	bool deleted;      /* 3.2+ */
};
bool cyre_annotation_read(struct cyre_slice key, struct cyre_slice value,
	struct cyre_annotation *ret);

/* ---- conversations: one message, by GUID ---- */
struct cyre_conv_guid {
	uint8_t guid[20];
	uint32_t folder, uid;   /* folder: place in the list of folders */
	struct cyre_slice part; /* "1.2"; empty: the message itself */
	bool has_flags;         /* the fields below were stored (3.2+) */
	uint8_t version;        /* 1 to 4; 0: 3.0 and 3.1 */
	uint64_t cid, internaldate_ns;
	uint32_t system_flags, internal_flags;
};
bool cyre_conv_guid_read(struct cyre_slice key, struct cyre_slice value,
	struct cyre_conv_guid *ret);
/*
 * The folders in the value of `$FOLDER_NAMES` (internal names, up to 3.4) or
 * `$FOLDER_IDS`, with the places they have there; of a damaged list those before
 * the damage. They borrow from `value`, which must stay. CYRE_OK, CYRE_ENOMEM.
 */
struct cyre_conv_folder {
	struct cyre_slice name; /* or id */
	uint32_t number;
};
struct cyre_conv_folders {
	struct cyre_conv_folder *items; /* by name */
	size_t n;
	uint8_t *own; /* names that had to be unescaped */
};
cyre_status cyre_conv_folders_read(
	struct cyre_slice value, struct cyre_conv_folders *ret);
void cyre_conv_folders_free(struct cyre_conv_folders *f);
bool cyre_conv_folder_number(const struct cyre_conv_folders *f,
	struct cyre_slice folder, uint32_t *ret);

/* ---- counters: a file of its own, no container around it ---- */
struct cyre_counters {
	uint32_t generation, version, uidvalidity;
	uint64_t highest;     /* modseq */
	uint64_t mailfolders; /* 0: not in this version */
	bool crc_ok;
};
bool cyre_counters_read(struct cyre_slice file, struct cyre_counters *ret);

/* ---- status cache ---- */
struct cyre_statuscache {
	struct cyre_slice mailbox, userid; /* userid empty: of the mailbox */
	bool has_mailbox; /* messages, uidnext, uidvalidity are there */
	uint64_t messages, uidnext, uidvalidity, highestmodseq;
	struct cyre_slice uniqueid; /* 3.13; empty: absent */
};
bool cyre_statuscache_read(struct cyre_slice key, struct cyre_slice value,
	struct cyre_statuscache *ret);

/* ---- deliver.db: recognised; all of it can be thrown away ---- */
bool cyre_is_deliver(struct cyre_slice key, struct cyre_slice value);

#endif
