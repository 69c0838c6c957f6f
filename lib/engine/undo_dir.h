/*
 * undo_dir.h - where originals and the journal of a run go
 */
#ifndef CYRE_UNDO_DIR_H
#define CYRE_UNDO_DIR_H

#include "journal.h"
#include "run.h"

/*
 * The folder `given`, else <configdirectory>/cyrescue-undo, made when it is not
 * there; `ret` gets its path with a NUL. CYRE_OK; CYRE_EUSAGE: nothing says
 * where; CYRE_EIO; CYRE_ENOMEM.
 */
cyre_status cyre_undo_dir_make(
	const struct cyre_run *r, const char *given, struct cyre_buf *ret);
/* The path of the journal: `given`, else RUN.journal in that folder. */
void cyre_undo_dir_journal(const char *undo_dir, const char *given,
	const char *run, struct cyre_buf *ret);

#endif
