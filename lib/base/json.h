/*
 * json.h - JSON onto a buffer, compact, one value after the other
 *
 * Commas are put where they belong. Strings are hostile: what is valid UTF-8
 * stays as it is; in a string that is not, each byte from 0x80 on becomes the
 * escape \u0080 to \u00ff, so that nothing is lost.
 */
#ifndef CYRE_JSON_H
#define CYRE_JSON_H

#include "buf.h"

struct cyre_json {
	struct cyre_buf *b;
	bool comma; /* something stands before the next value */
};

void cyre_json_begin(struct cyre_json *j, char bracket); /* { or [ */
void cyre_json_end(struct cyre_json *j, char bracket);   /* } or ] */
void cyre_json_key(struct cyre_json *j, const char *key);
void cyre_json_slice(struct cyre_json *j, struct cyre_slice s);
void cyre_json_number(struct cyre_json *j, uint64_t v);
void cyre_json_bool(struct cyre_json *j, bool v);

/* Members of an object; a NULL string is left out. */
void cyre_json_member(struct cyre_json *j, const char *key, const char *s);
void cyre_json_member_number(struct cyre_json *j, const char *key, uint64_t v);

#endif
