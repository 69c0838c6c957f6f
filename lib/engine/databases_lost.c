/*
 * databases_lost.c - databases that are there without a byte, or not at all
 *
 * A file of a format with a header is never empty on a sound server, and
 * annotations.db is made at its first start (seen on every tree of 2.2 and later
 * in fixtures/spools). Text may be: who has no subscriptions has an empty file.
 */
#include "databases.h"

/* What imapd.conf says of the format; NULL: nothing, or text is usual. */
static const char *option_of(enum cyre_server_kind kind)
{
	switch (kind) {
	case CYRE_SERVER_ANNOTATIONS:
		return "annotation_db";
	case CYRE_SERVER_SEEN:
		return "seenstate_db";
	case CYRE_SERVER_CONVERSATIONS:
		return "conversations_db";
	default:
		return NULL;
	}
}

/*
 * Where nothing is said, the format changed in the same releases as that of
 * mailboxes.db; up to 2.1, where that was Berkeley's, others were text.
 */
static bool has_header(const struct cyre_run *r, enum cyre_server_kind kind)
{
	const char *option = option_of(kind);
	const char *said = option ? cyre_conf_get(r->conf, option) : NULL;

	if (said)
		return strcmp(said, "flat") != 0 && strcmp(said, "sql") != 0;
	return option && (r->list_format == CYRE_DB_TWOSKIP ||
				 r->list_format == CYRE_DB_SKIPLIST ||
				 r->list_format == CYRE_DB_TWOM);
}

void cyre_databases_no_bytes(const struct cyre_run *r,
	const struct cyre_server_file *f, struct cyre_findings *found)
{
	if (has_header(r, f->kind))
		CYRE_FIND(found, .problem = CYRE_P_DB_NO_BYTES,
			.file = CYRE_FILE_OTHER,
			.text = cyre_server_kind_name(f->kind));
}

void cyre_databases_miss(struct cyre_run *r)
{
	struct cyre_findings found = {0};
	const struct cyre_server_file *f;
	char text[300] = "";
	size_t n;

	if (!r->cross || !r->confdir->path || !r->mboxdb || !r->mboxdb->n ||
		!has_header(r, CYRE_SERVER_ANNOTATIONS))
		return;
	f = cyre_confdir_find(r->confdir, CYRE_SERVER_ANNOTATIONS, NULL, &n);
	if (f && f->copy == CYRE_COPY_LIVE)
		return;
	if (f)
		snprintf(text, sizeof(text), "; there is %s", f->path);
	CYRE_FIND(&found, .problem = CYRE_P_ANNOTATIONS_MISSING,
		.file = CYRE_FILE_OTHER, .text = text);
	cyre_run_report(r, NULL, &found);
	cyre_findings_free(&found);
}
