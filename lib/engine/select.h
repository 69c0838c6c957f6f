/*
 * select.h - is this mailbox one the run is about?
 */
#ifndef CYRE_SELECT_H
#define CYRE_SELECT_H

#include <cyrescue/scan.h>

#include "conf.h"
#include "buf.h"

/* The selection makes sense: shards, names in their order. */
bool cyre_select_valid(const struct cyre_select *sel);
/* Not everything is selected. */
static inline bool cyre_select_some(const struct cyre_select *sel)
{
	return sel->n_partitions || sel->n_users || sel->n_mailboxes ||
	       sel->n_patterns || sel->shards > 1;
}
/* So is what is of the server and of no user; of n shards, in the first. */
static inline bool cyre_select_server(const struct cyre_select *sel)
{
	return !sel->n_partitions && !sel->n_users && !sel->n_mailboxes &&
	       !sel->n_patterns && (sel->shards <= 1 || sel->shard == 1);
}
/*
 * `userid` is empty for a shared mailbox. `scratch` is reused; *ret is
 * untouched without memory. CYRE_OK, CYRE_ENOMEM.
 */
cyre_status cyre_select_match(const struct cyre_select *sel,
	const struct cyre_conf *conf, struct cyre_slice mboxname,
	struct cyre_slice userid, const char *partition,
	struct cyre_buf *scratch, bool *ret);
/* Sets sel->met for a partition that there is, and for a mailbox; one thread at a time. CYRE_OK, CYRE_ENOMEM. */
void cyre_select_note_partition(
	const struct cyre_select *sel, const char *partition);
cyre_status cyre_select_note(const struct cyre_select *sel,
	const struct cyre_conf *conf, struct cyre_slice mboxname,
	struct cyre_slice userid, const char *partition,
	struct cyre_buf *scratch);

#endif
