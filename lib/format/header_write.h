/*
 * header_write.h - cyrus.header, both forms as Cyrus writes them
 *
 * Format: docs/formats/header.md sections 2 and 3. A header that was read
 * without a finding is written back byte for byte. Never writes what a server
 * cannot read: no literal, no empty slot in the text form.
 *
 * Threads: plain data, no state.
 */
#ifndef CYRE_HEADER_WRITE_H
#define CYRE_HEADER_WRITE_H

#include "buf.h"
#include "header.h"

#define CYRE_HEADER_PLACEHOLDER 24 /* bytes, with NUL */

/*
 * Appends the file's bytes in the form CYRE_HEADER_TEXT or CYRE_HEADER_DLIST.
 * Other keys than T, N and I are written when `has` names them or they have a
 * value. A slot without a name before one with a name gets a placeholder in the
 * text form.
 *
 * CYRE_OK; CYRE_EUSAGE: another form, or a value that the form cannot hold (LF
 * or NUL anywhere, a TAB in an id, a flag that is no atom); CYRE_ENOMEM. `out`
 * is as long as before when it fails.
 */
cyre_status cyre_header_write(struct cyre_buf *out, const struct cyre_header *h,
	enum cyre_header_form form);

/*
 * "$Recovered-017" for slot 17: the name of a bit that messages use and of
 * which no name is left. Differs from the names in `h`, which may be NULL.
 */
void cyre_header_placeholder(const struct cyre_header *h, unsigned slot,
	char ret[CYRE_HEADER_PLACEHOLDER]);

/*
 * Names every slot that has none although `use` counts messages with its bit,
 * so that no bit loses its place. The names are put into `own`, which must live
 * as long as the header. Returns how many.
 */
unsigned cyre_header_name_used(struct cyre_header *h,
	const uint64_t use[CYRE_HEADER_MAX_FLAGS],
	char own[CYRE_HEADER_MAX_FLAGS][CYRE_HEADER_PLACEHOLDER]);

#endif
