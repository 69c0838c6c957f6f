/*
 * cyrescue/dbreport.h - databases, as text or as JSON Lines
 *
 * Text is for terminals: bytes that are not printable are escaped. In JSON a
 * byte that is not UTF-8 is \u0080 to \u00ff. Threads: no state.
 */
#ifndef CYRESCUE_DBREPORT_H
#define CYRESCUE_DBREPORT_H

#include <cyrescue/report.h>
#include <cyrescue/slice.h>

/* One file. Strings are borrowed. */
struct cyre_dbreport {
	const char *path, *format; /* format NULL: not recognised */
	const char *order;
	uint64_t keys, generation;
	bool counted;      /* `expected` is known */
	uint64_t expected; /* keys the file says it has */
	uint64_t missing;
	uint64_t by_trust[4];
	const char *trusts[4];
	const struct cyre_findings *found;
};

/*
 * `verbose`: notes too. In text, a file without anything to tell is one line;
 * with `quiet`, none.
 */
struct cyre_dbreport_options {
	enum cyre_report_format format;
	bool quiet, verbose;
	cyre_write_fn *write;
	void *payload;
	/* Of a rebuild: into these reports instead, each by its own options;
	 * trivial changes are left out. */
	cyre_report *const *reports;
	size_t n_reports;
};

/* ---- a rebuild ---- */

/* A file that was asked. Strings are borrowed. */
struct cyre_dbreport_source {
	const char *database; /* which one is rebuilt */
	const char *path;
	const char *role;    /* "mailboxes.db", "backup", … */
	const char *format;  /* NULL: it could not be read */
	uint64_t entries;    /* that are sure */
	uint64_t doubtful;   /* salvaged, but not sure */
	uint64_t missing;    /* keys that must have been there, at least */
	const char *problem; /* NULL: none */
};

struct cyre_dbreport_field {
	const char *name, *origin;
	struct cyre_slice before, after;
};

/* One entry. */
struct cyre_dbreport_change {
	const char *database;
	const char *action;              /* "kept", "added", … */
	struct cyre_slice name;          /* mailbox, quota root … */
	const char *user;                /* NULL: of no user */
	const char *why;                 /* NULL: the action says it */
	const struct cyre_slice *may_be; /* mailboxes it can be of */
	size_t n_may_be;
	const struct cyre_dbreport_field *fields; /* what differs */
	size_t n_fields;
	bool trivial; /* kept: not in a text */
};

struct cyre_dbreport_sum {
	const char *database, *path;
	const char *format, *form; /* of the new file; NULL: as it is */
	/* "unchanged", "planned", "written", "failed" */
	const char *state;
	const char *error; /* why it failed, or was left; NULL */
	/* The file as it was read; NULL: there is none, or several. */
	const char *sha256; /* in hexadecimal */
	uint64_t size;      /* bytes */
	bool absent;        /* there was none */
	/* NULL ends it: what was done to how many entries. */
	const char *actions[10];
	uint64_t counts[9];
	uint64_t dropped; /* records the server makes again */
};

/* CYRE_OK, CYRE_ENOMEM, CYRE_EIO (a write failed). */
CYRE_API cyre_status cyre_dbreport_source(const struct cyre_dbreport_options *o,
	const struct cyre_dbreport_source *s);
CYRE_API cyre_status cyre_dbreport_change(const struct cyre_dbreport_options *o,
	const struct cyre_dbreport_change *c);
CYRE_API cyre_status cyre_dbreport_sum(const struct cyre_dbreport_options *o,
	const struct cyre_dbreport_sum *s);

/* CYRE_OK, CYRE_ENOMEM, CYRE_EIO (a write failed). */
CYRE_API cyre_status cyre_dbreport_file(
	const struct cyre_dbreport_options *o, const struct cyre_dbreport *d);

#endif
