/*
 * parsers.h - a worker's parsers, one a behaviour, made when first asked for
 *
 * Threads: belongs to one worker.
 */
#ifndef CYRE_PARSERS_H
#define CYRE_PARSERS_H

#include <cyrescue/mail.h>

#include "conf.h"

#define CYRE_PARSERS_MAX 16 /* more than there are behaviours */

struct cyre_parsers {
	struct cyre_mail_options options;
	struct {
		const struct cyre_mail_behaviour *b;
		cyre_mail_parser *parser;
	} items[CYRE_PARSERS_MAX];
	unsigned n;
	/* The last answer: messages of one day often follow each other. */
	bool zone_known;
	int64_t zone_of, zone;
};

/*
 * Options as imapd.conf has them; the time zone is that of the process (TZ).
 * `memory`: bytes one message may take.
 */
void cyre_parsers_init(
	struct cyre_parsers *p, const struct cyre_conf *conf, size_t memory);
/* *ret stays the list's. CYRE_OK or CYRE_ENOMEM. */
cyre_status cyre_parsers_get(struct cyre_parsers *p,
	const struct cyre_mail_behaviour *b, cyre_mail_parser **ret);
void cyre_parsers_free(struct cyre_parsers *p);

#endif
