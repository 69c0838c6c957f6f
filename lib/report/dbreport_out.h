/*
 * dbreport_out.h - what the reports of databases share
 */
#ifndef CYRE_DBREPORT_OUT_H
#define CYRE_DBREPORT_OUT_H

#include <cyrescue/dbreport.h>

#include "buf.h"

/* Hands the bytes on and frees them. CYRE_OK, CYRE_ENOMEM, CYRE_EIO. */
cyre_status cyre_dbreport_flush(
	const struct cyre_dbreport_options *o, struct cyre_buf *b);

struct cyre_dbreport_key {
	struct cyre_slice key, value;
	uint64_t offset;
	const char *trust;   /* NULL: nothing to say */
	const char *meaning; /* the value in words; NULL: none */
};

void cyre_dbreport_put_key(struct cyre_buf *b, enum cyre_report_format format,
	const struct cyre_dbreport_key *k);

#endif
