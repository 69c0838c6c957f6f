/*
 * names.h - names of mailboxes: the server's internal form, the administrator's
 * external one, and what a name says about its owner
 *
 * Internal: `user.ann.Sent`, `example.net!user.ann`; `^` stands for a dot in a
 * component, modified UTF-7 for everything beyond ASCII. External: `/` or `.`
 * between components, `@example.net` behind. docs/formats/layout.md section 8.
 *
 * Names are hostile. Slices borrow; buffers are appended to. Pure, no state.
 */
#ifndef CYRE_NAMES_H
#define CYRE_NAMES_H

#include "conf.h"
#include "buf.h"

/* The parts of an internal name. `domain` is empty without one. */
struct cyre_name {
	struct cyre_slice domain, local;
};

struct cyre_name cyre_name_split(struct cyre_slice name);
/* Takes the next component off `rest`; false when none is left. */
bool cyre_name_component(
	struct cyre_slice *rest, char sep, struct cyre_slice *ret);

/*
 * Whose mailbox it is, also of a deleted one: "ann", "al.ice@example.net".
 * False for a shared mailbox; then nothing is appended.
 */
bool cyre_name_userid(const struct cyre_conf *conf, struct cyre_slice name,
	struct cyre_buf *ret);
/* The internal name of a user's INBOX: "user.ann", "example.net!user.al^ice". */
void cyre_name_inbox(struct cyre_slice userid, struct cyre_buf *ret);
bool cyre_name_is_inbox(struct cyre_slice name);
/*
 * Whether it is the name of a mailbox after delayed delete. `ret_old`: the name
 * before, without the domain; `ret_time`: when, seconds. Both may be NULL.
 */
bool cyre_name_is_deleted(const struct cyre_conf *conf, struct cyre_slice name,
	struct cyre_slice *ret_old, uint64_t *ret_time);

/* '/' or '.', as the configuration has it. */
char cyre_name_separator(const struct cyre_conf *conf);
/* The two forms of one name. altnamespace is for users, not for these. */
void cyre_name_external(const struct cyre_conf *conf, struct cyre_slice name,
	struct cyre_buf *ret);
void cyre_name_internal(const struct cyre_conf *conf,
	struct cyre_slice external, struct cyre_buf *ret);
/* Modified UTF-7 to UTF-8; what is not valid stays as it is. */
void cyre_name_display(struct cyre_slice name, struct cyre_buf *ret);

/* `*` matches anything, `%` anything but the separator. */
bool cyre_name_match(
	struct cyre_slice pattern, struct cyre_slice name, char sep);

#endif
