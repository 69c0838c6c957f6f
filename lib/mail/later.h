/*
 * later.h - records of several messages whose SHA-1s are made together
 *
 * Hashing many messages at once is up to three times as fast as one after the
 * other (digest.h). So a message can be parsed into its record with its GUIDs
 * left open; they are filled in when some more messages are there.
 *
 * One a thread; it may be used with several parsers of that thread.
 */
#ifndef CYRE_LATER_H
#define CYRE_LATER_H

#include <cyrescue/mail.h>

#include "buf.h"
#include "digest.h"

struct cyre_mail_later;
/* CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_mail_later_new(struct cyre_mail_later **ret);
void cyre_mail_later_free(struct cyre_mail_later *l);

/*
 * As cyre_mail_parse(), but ret->guid, ret->cache_crc and the GUIDs in the
 * record are right only after cyre_mail_later_finish(). Until then, or until
 * cyre_mail_later_drop(), the message and *ret must stay where they are, and
 * the record where it stands in its buffer.
 */
cyre_status cyre_mail_parse_later(cyre_mail_parser *m,
	struct cyre_mail_later *l, struct cyre_slice message,
	struct cyre_buf *record, struct cyre_mail_facts *ret);
/* Fills in all that is open. CYRE_OK; CYRE_ENOMEM: nothing of it is right. */
cyre_status cyre_mail_later_finish(struct cyre_mail_later *l);
/* Forgets what is open. */
void cyre_mail_later_drop(struct cyre_mail_later *l);

/* ---- for the parser ---- */

/* What is open, to go back to when a message fails. */
struct cyre_later_mark {
	uint32_t sums, places;
	size_t contents;
};
/* Before each message. When very many are open they are finished here. */
cyre_status cyre_later_begin(
	struct cyre_mail_later *l, struct cyre_later_mark *ret);
void cyre_later_back(struct cyre_mail_later *l, struct cyre_later_mark to);
/* Room that stays, for decoded content; to be added before more is asked for.
 * False: there is none. */
bool cyre_later_room(struct cyre_mail_later *l, size_t n, struct cyre_buf *ret);
/* Bytes to be hashed; their number, 0: no more can be taken. */
uint32_t cyre_later_add(struct cyre_mail_later *l, struct cyre_slice bytes);
/* The sum comes to the end of `out` as it is now. */
void cyre_later_place(
	struct cyre_mail_later *l, struct cyre_buf *out, uint32_t sum);
/* A message is done, its record (NULL: none) at `at`. */
void cyre_later_end(struct cyre_mail_later *l, uint32_t sum,
	struct cyre_buf *record, size_t at, struct cyre_mail_facts *facts);

#endif
