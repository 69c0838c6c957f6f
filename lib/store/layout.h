/*
 * layout.h - from the name of a mailbox to its directory, and back
 *
 * Directories are relative to the root of a partition, without a leading or
 * trailing slash; they are the same below the data, meta and archive roots.
 * docs/formats/layout.md sections 2 to 5. Pure, no state.
 */
#ifndef CYRE_LAYOUT_H
#define CYRE_LAYOUT_H

#include "conf.h"
#include "buf.h"

enum cyre_hash {
	CYRE_HASH_NONE,
	CYRE_HASH_LETTER, /* hashimapspool */
	CYRE_HASH_FULL    /* and fulldirhash */
};

/* Where the full hash of a component ends: 3.x sees a dot in `^`, 2.x not. */
enum cyre_caret { CYRE_CARET_UNKNOWN, CYRE_CARET_PLAIN, CYRE_CARET_IS_DOT };

struct cyre_layout {
	enum cyre_hash hash;      /* of mailboxes */
	enum cyre_hash user_hash; /* of files in the configdirectory */
	enum cyre_caret caret;
	bool domains; /* virtdomains is on */
	bool guess;   /* there is no imapd.conf: every hash is as good */
};

struct cyre_layout cyre_layout_of(const struct cyre_conf *conf);

/* The directory letter of a component. CYRE_HASH_NONE has none: 0. */
char cyre_hash_char(enum cyre_hash hash, enum cyre_caret caret,
	struct cyre_slice component);

/*
 * Each appends to `ret` and is true; false, with nothing appended, when the
 * name or id is none that could be a directory (a slash, an empty component).
 */
bool cyre_layout_dir(const struct cyre_layout *l, struct cyre_slice name,
	struct cyre_buf *ret);
bool cyre_layout_id_dir(struct cyre_slice uniqueid, struct cyre_buf *ret);

/* Below the configdirectory. `suffix`: "seen", "sub", "conversations", … */
bool cyre_layout_user_file(const struct cyre_layout *l, struct cyre_slice user,
	struct cyre_slice domain, const char *suffix, struct cyre_buf *ret);
bool cyre_layout_user_id_file(
	struct cyre_slice inbox_id, const char *suffix, struct cyre_buf *ret);
bool cyre_layout_quota_file(const struct cyre_layout *l,
	struct cyre_slice quotaroot, struct cyre_buf *ret);

enum cyre_place_kind {
	CYRE_PLACE_NAME, /* the path says the name */
	CYRE_PLACE_ID,   /* uuid/x/y/ID: the path says the uniqueid */
	CYRE_PLACE_NONE  /* no mailbox can be here */
};

struct cyre_place {
	enum cyre_place_kind kind;
	enum cyre_hash hash; /* how the path was read */
	bool misplaced;      /* the server looks for this mailbox elsewhere */
};

/*
 * What the directory `dir` is. The name or the id is appended to `ret`; for
 * CYRE_PLACE_NONE nothing is.
 */
struct cyre_place cyre_layout_place(const struct cyre_layout *l,
	struct cyre_slice dir, struct cyre_buf *ret);

#endif
