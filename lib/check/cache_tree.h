/*
 * cache_tree.h - the parts of a message as BODYSTRUCTURE tells them, and what
 * the files of cyre_check_cache_items() have of each other
 */
#ifndef CYRE_CACHE_TREE_H
#define CYRE_CACHE_TREE_H

#include "check_cache.h"

enum cyre_part_kind {
	CYRE_PART_LEAF,
	CYRE_PART_TEXT,
	CYRE_PART_MESSAGE,       /* with a message inside */
	CYRE_PART_OTHER_MESSAGE, /* message/partial ... */
	CYRE_PART_MULTIPART      /* with at least one part */
};

#define CYRE_PART_NONE UINT32_MAX

/* In the order in which they begin. */
struct cyre_cache_node {
	uint32_t parent, first, next, last; /* numbers of nodes, or NONE */
	uint32_t size, lines;
	uint32_t content_offset, content_size; /* as SECTION has them */
	uint8_t kind;
	uint8_t encoding; /* low half of SECTION's charset word */
};

/* BODYSTRUCTURE and BODY, into scratch->nodes. */
cyre_status cyre_cache_read_tree(struct cyre_slice bodystructure,
	struct cyre_slice body, unsigned version,
	struct cyre_cache_scratch *scratch, struct cyre_cache_fault *ret);
/* SECTION against those nodes. */
void cyre_cache_check_section(struct cyre_slice section, unsigned version,
	struct cyre_cache_scratch *scratch, struct cyre_cache_fault *ret);
/* ( ... ) of an envelope at the cursor; the cursor goes bad at a fault. */
void cyre_cache_skip_envelope(struct cyre_cur *c);
/* `c`: where in the item `s`; NULL: at its beginning. */
void cyre_cache_fault_at(struct cyre_cache_fault *ret,
	enum cyre_cache_item item, struct cyre_slice s,
	const struct cyre_cur *c, const char *what);

#endif
