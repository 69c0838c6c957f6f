/*
 * utf8.h - is it UTF-8, and how to show what is not
 */
#ifndef CYRE_UTF8_H
#define CYRE_UTF8_H

#include "buf.h"

/* Well-formed as RFC 3629 says: no overlong form, no surrogate. */
bool cyre_utf8_valid(struct cyre_slice s);
/*
 * For a terminal: control characters, and bytes that are not UTF-8, become
 * \xNN; a backslash is doubled. No escape sequence survives.
 */
void cyre_put_visible(struct cyre_buf *b, struct cyre_slice s);

#endif
