/*
 * cyrescue/show.h - print what is readable in a file or directory of a mailbox
 *
 * What a file is, is told by its contents; its name counts only where they tell
 * nothing. Takes no configuration: names of flags come from the cyrus.header,
 * messages of a cache from the cyrus.index and cyrus.expunge beside it.
 *
 * As JSON Lines: for each file {"type":"file"}, then what is in it
 * ("index-header", "record", "header", "cache", "cache-record", "database",
 * "key"), each followed by the findings about it; see cyrshow(8). Text is for
 * terminals; bytes that are not printable are escaped in both.
 *
 * Threads: no state; each call is its own.
 */
#ifndef CYRESCUE_SHOW_H
#define CYRESCUE_SHOW_H

#include <cyrescue/report.h>

struct cyre_show_options {
	enum cyre_report_format format;
	bool verbose;    /* text: every field of every record, and notes */
	uint64_t memory; /* bytes of one file held at once; 0: no limit */
	uint64_t now;    /* seconds since 1970; 0: dates are not judged */
	cyre_write_fn *write;
	void *payload;
};

struct cyre_show_result {
	bool found;               /* a finding was told … */
	enum cyre_severity worst; /* … at worst this */
	bool skipped;             /* part of a directory could not be read */
};

/*
 * Prints `path`: a mailbox's directory or one of its files, or a database. A
 * symbolic link is followed on the way, not as the last part of it.
 *
 * CYRE_OK; CYRE_EIO with `reterr`, errno EINVAL: neither a regular file nor a
 * directory; CYRE_EFORMAT: a file of no kind we know; CYRE_EUNSUPPORTED: a
 * database that only its own library reads; CYRE_ELIMIT; CYRE_ENOMEM. `ret` is
 * filled in any case. When write() fails: CYRE_EIO, with no errno in `reterr`.
 */
CYRE_API cyre_status cyre_show(const struct cyre_show_options *o,
	const char *path, struct cyre_show_result *ret,
	struct cyre_error *reterr);

#endif
