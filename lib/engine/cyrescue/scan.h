/*
 * cyrescue/scan.h - look at a server's mailboxes and say who is hurt
 *
 * The phases are discover, identify, judge: the partitions are walked, names
 * and ids are taken from paths and headers, then each mailbox is read and
 * checked by one worker. Nothing is written; cyre_confine_readonly()
 * (cyrescue/confine.h) makes that certain.
 *
 * Threads: one scan at a time per struct; it starts and ends its own threads.
 * Hooks are called from the thread that called cyre_scan().
 */
#ifndef CYRESCUE_SCAN_H
#define CYRESCUE_SCAN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cyrescue/report.h>

/* How deep a scan looks (docs/design.md section 4). */
#define CYRE_LEVEL_DATABASES   0
#define CYRE_LEVEL_DIRECTORIES 1
#define CYRE_LEVEL_METADATA    2 /* index, header, names of message files */
#define CYRE_LEVEL_SUMS        3 /* sizes, every CRC, the whole cache */
#define CYRE_LEVEL_GUID        4 /* SHA-1 of every message */
#define CYRE_LEVEL_PARSE       5 /* parse every message, compare the cache */

/* Which mailboxes. Lists are borrowed; an empty list selects all. */
struct cyre_select {
	const char *const *partitions;
	size_t n_partitions;
	const char *const *users;
	size_t n_users;
	/* Names in either form, internal or as the administrator sees it, in
	 * the order of strcmp(): there may be very many. */
	const char *const *mailboxes;
	size_t n_mailboxes;
	const char *const *patterns; /* of such names: * and % */
	size_t n_patterns;
	unsigned shard, shards; /* 1/1: all; by hash of the user */
	/* One for each of partitions, users, mailboxes and patterns, in this
	 * order; set to true, at levels above 0, when there is the partition,
	 * and when a mailbox (of any shard) has the other and all else that is
	 * asked for. NULL: nobody wants to know. */
	bool *met;
};

/* Where the server's files are. */
struct cyre_source_place {
	const char *config; /* imapd.conf; NULL: none, the roots below */
	const char *root;   /* absolute paths are taken below it; NULL: / */
	const char *const *spools; /* bare copies of partitions */
	size_t n_spools;
	const char *const *metas; /* beside spools[i], may be NULL */
	size_t n_metas;
	const char *confdir;
};

struct cyre_progress {
	const char *phase;
	uint64_t done, total; /* mailboxes */
	uint64_t bytes;       /* read so far */
};

struct cyre_scan_options {
	struct cyre_source_place place;
	struct cyre_select select;
	unsigned level;
	unsigned jobs;   /* threads; 0: in the caller */
	uint64_t memory; /* bytes of file contents in flight; 0: 1 GiB */
	uint64_t now;    /* seconds since 1970: what lies ahead of it is odd */
	const volatile sig_atomic_t *stop; /* not 0: end soon; may be NULL */
	cyre_report *const *reports;
	size_t n_reports;
	/* Called between mailboxes; NULL: nobody looks. */
	void (*progress)(void *payload, const struct cyre_progress *p);
	void *payload;
};

struct cyre_scan_result {
	bool complete;            /* every selected mailbox was looked at */
	bool interrupted;         /* by *stop */
	bool skipped;             /* something could not be read */
	bool has_findings;        /* above NOTE */
	enum cyre_severity worst; /* of all findings, if there are any */
	uint64_t mailboxes;
};

/*
 * Runs a scan; cyre_report_begin() and _end() are the caller's.
 *
 * CYRE_OK, also when mailboxes are damaged or the run was interrupted: see
 * *ret. CYRE_ENOMEM; CYRE_EIO when the configuration or every partition cannot
 * be read (`reterr` says which; may be NULL); CYRE_EUSAGE for a level or a
 * selection that makes no sense.
 */
CYRE_API cyre_status cyre_scan(const struct cyre_scan_options *o,
	struct cyre_scan_result *ret, struct cyre_error *reterr);

#endif
