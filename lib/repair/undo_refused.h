/*
 * undo_refused.h - what an undo of several archives refused so far
 *
 * Threads: one undo of a folder has one.
 */
#ifndef CYRE_UNDO_REFUSED_H
#define CYRE_UNDO_REFUSED_H

#include <cyrescue/undo.h>

#include "changes.h"

struct cyre_undo_refused;

/* Was it, or something it belongs to? NULL: nothing was. */
bool cyre_undo_was_refused(
	const struct cyre_undo_refused *r, const struct cyre_done *d);
/* CYRE_OK, CYRE_ENOMEM. NULL: nobody wants to know. */
cyre_status cyre_undo_note_refused(
	struct cyre_undo_refused *r, const struct cyre_done *d);

/* cyre_undo() of an archive that has newer ones: what was refused there is
 * refused here, and what is refused here is added. */
cyre_status cyre_undo_below(const char *archive,
	const struct cyre_undo_options *o, struct cyre_undo_refused *refused,
	struct cyre_undo_totals *ret, struct cyre_error *reterr);

#endif
