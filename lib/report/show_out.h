/*
 * show_out.h - things with named values, as text or as JSON Lines
 *
 * What cyrshow prints. As JSON a thing is an object, one a line; as text its
 * values stand below a heading, one a line. The caller names each value once
 * and need not ask which form it is, except for headings (text only).
 *
 * Values come from damaged files: both forms escape. Times are UTC.
 */
#ifndef CYRE_SHOW_OUT_H
#define CYRE_SHOW_OUT_H

#include <cyrescue/report.h>

#include "json.h"

struct cyre_out {
	enum cyre_report_format format;
	bool verbose; /* text: notes too */
	cyre_write_fn *write;
	void *payload;
	const char *path;         /* of the file that findings are about */
	unsigned indent;          /* text: blanks before a value */
	cyre_status status;       /* sticky */
	bool any;                 /* a finding was told … */
	enum cyre_severity worst; /* … at worst this */
	struct cyre_buf b;
	struct cyre_json j;
	size_t value; /* text: where the value begins in `b` */
};

static inline bool cyre_out_is_json(const struct cyre_out *o)
{
	return o->format == CYRE_REPORT_JSON;
}

/* A thing; `type` says which. Text has only its values. */
void cyre_out_begin(struct cyre_out *o, const char *type);
void cyre_out_end(struct cyre_out *o);
/* Hands over what was put so far. CYRE_OK, or what went wrong first. */
cyre_status cyre_out_flush(struct cyre_out *o);
void cyre_out_free(struct cyre_out *o);

void cyre_out_number(struct cyre_out *o, const char *name, uint64_t v);
void cyre_out_text(struct cyre_out *o, const char *name, struct cyre_slice s);
void cyre_out_hex(struct cyre_out *o, const char *name, struct cyre_slice s);
/* Nanoseconds since 1970. */
void cyre_out_time(struct cyre_out *o, const char *name, uint64_t ns);
/* A list of names: begin, any number of names, end. */
void cyre_out_names(struct cyre_out *o, const char *name);
void cyre_out_name(struct cyre_out *o, struct cyre_slice s);
/* A word of ours, which need not be escaped. */
void cyre_out_word(struct cyre_out *o, const char *s);
void cyre_out_names_end(struct cyre_out *o);

/* Not between begin and end of a thing in JSON. Notes: see `verbose`. */
void cyre_out_finding(struct cyre_out *o, const struct cyre_finding *f);

/* "2026-11-23T17:38:21Z", with nine digits behind the second if there are. */
void cyre_put_time(struct cyre_buf *b, uint64_t ns);

#endif
