/*
 * dbarrive.h - a large database file, read by one thread and looked at by another
 */
#ifndef CYRE_DBARRIVE_H
#define CYRE_DBARRIVE_H

#include <cyrescue/db.h>

#include "buf.h"

/*
 * The file is read into `bytes`; meanwhile its entries are. *ret_db is NULL when
 * the bytes are to be looked at (again) by the caller: it was not the file it
 * seemed. CYRE_OK; those of cyre_read_path() and cyre_db_open(), but for
 * CYRE_EFORMAT.
 */
cyre_status cyre_dbarrive(const char *path, struct cyre_buf *bytes,
	struct cyre_findings *found, struct cyre_db **ret_db,
	struct cyre_error *reterr);

#endif
