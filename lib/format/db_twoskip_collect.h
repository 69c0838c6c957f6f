/*
 * db_twoskip_collect.h - every record of a damaged twoskip file
 */
#ifndef CYRE_DB_TWOSKIP_COLLECT_H
#define CYRE_DB_TWOSKIP_COLLECT_H

#include "db_twoskip.h"

enum ts_state {
	TS_GOOD, /* both check sums right */
	TS_TORN, /* key and value right, pointers unknown */
	TS_DEAD  /* pointers right, key and value unknown */
};

struct ts_item {
	struct ts_record r;
	enum ts_state state;
	bool live, linked;
	enum cyre_db_trust trust;
	uint32_t rank; /* of its key */
};

struct ts_items {
	struct ts_item *v; /* by offset */
	size_t n, cap;
	uint64_t last_gap;   /* offset behind the last unreadable bytes, or 0 */
	uint64_t commit_end; /* behind the last COMMIT, or 0 */
	uint64_t budget;     /* bytes of tails that may still be summed */
	unsigned repairs;    /* how many more heads may be tried bit by bit */
};

/* Fills `items`; copies of repaired heads belong to `db`. Free items->v. */
cyre_status cyre_ts_collect(
	struct cyre_slice file, struct cyre_db *db, struct ts_items *items);
/* The record that starts at `off`, or NULL. */
struct ts_item *cyre_ts_item_at(const struct ts_items *items, uint64_t off);

static inline bool ts_has_key(const struct ts_item *it)
{
	return it->r.type == TS_RECORD && it->state != TS_DEAD;
}
static inline bool ts_has_links(const struct ts_item *it)
{
	return it->state != TS_TORN;
}

#endif
