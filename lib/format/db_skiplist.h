/*
 * db_skiplist.h - skiplist records, for its three files
 *
 * Format: docs/formats/skiplist.md.
 */
#ifndef CYRE_DB_SKIPLIST_H
#define CYRE_DB_SKIPLIST_H

#include "db.h"

#define SK_HEADER_LEN 48
#define SK_MAX_LEVEL  20
#define SK_MIN_NODE   24
#define SK_FIRST      144 /* after the header and DUMMY */
#define SK_MAGIC      "\xa1\x02\x8b\x0dskiplist file\0\0\0"
#define SK_MAGIC_LEN  20
#define SK_END        0xffffffffu /* after the pointers of a node */

enum sk_type {
	SK_INORDER = 1,
	SK_ADD = 2,
	SK_DELETE = 4,
	SK_COMMIT = 255,
	SK_DUMMY = 257
};

struct sk_header {
	uint32_t maxlevel, curlevel, listsize, logstart;
};

/* One record: a node, or an event of the log. */
struct sk_record {
	uint64_t offset, size;
	uint32_t type;
	uint32_t target;    /* of a DELETE */
	uint32_t level;     /* of a node */
	const uint8_t *ptr; /* `level` pointers */
	struct cyre_slice key, value;
	/* What a reader found out. */
	bool live, spared;
	enum cyre_db_trust trust;
	size_t place; /* among the live ones, by key */
};

/* All records that were read, in the order of the file. */
struct sk_log {
	struct sk_record *r;
	size_t n, cap;
};

bool cyre_sk_header(struct cyre_slice file, struct sk_header *ret);
/* False: no record of any kind can stand there. */
bool cyre_sk_record(
	struct cyre_slice file, uint64_t off, struct sk_record *ret);
/*
 * The node at `off` as if its keylen or datalen were another one; UINT32_MAX:
 * as it stands.
 */
bool cyre_sk_node_as(struct cyre_slice file, uint64_t off, uint32_t keylen,
	uint32_t datalen, struct sk_record *ret);
static inline bool sk_is_node(const struct sk_record *r)
{
	return r->type == SK_INORDER || r->type == SK_ADD;
}
static inline uint32_t sk_ptr(const struct sk_record *r, unsigned i)
{
	return cyre_load_be32(r->ptr + 4 * (size_t)i);
}

cyre_status cyre_sk_log_add(struct sk_log *log, const struct sk_record *r);
/* The record that starts at `off`, or NULL. */
struct sk_record *cyre_sk_log_at(const struct sk_log *log, uint64_t off);
/* The same, at once when it is the one behind `r`; NULL: the first of all. */
struct sk_record *cyre_sk_log_after(
	const struct sk_log *log, const struct sk_record *r, uint64_t off);
/* The offset behind the last thing that is committed. */
uint64_t cyre_sk_committed(const struct sk_log *log);
/* Sets `live` by doing again what the log says up to `committed`. */
void cyre_sk_replay(struct sk_log *log, uint64_t committed);

cyre_status cyre_sk_salvage(struct cyre_slice file, struct cyre_findings *found,
	struct cyre_db *db);
bool cyre_sk_lay_out(struct cyre_db_plan *plan);
void cyre_sk_make(const struct cyre_db_plan *plan, size_t part, uint8_t *to);

#endif
