/*
 * cyrescue/dbreport.h - databases and their keys, as text or as JSON Lines
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

struct cyre_dbreport_key {
	struct cyre_slice key, value;
	uint64_t offset;
	const char *trust;   /* NULL: nothing to say */
	const char *meaning; /* the value in words; NULL: none */
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
};

/* CYRE_OK, CYRE_ENOMEM, CYRE_EIO (a write failed). */
CYRE_API cyre_status cyre_dbreport_file(
	const struct cyre_dbreport_options *o, const struct cyre_dbreport *d);
CYRE_API cyre_status cyre_dbreport_key(const struct cyre_dbreport_options *o,
	const struct cyre_dbreport_key *k);

#endif
