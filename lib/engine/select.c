/* select.c - see select.h. */
#include "select.h"

#include "digest.h"
#include "names.h"

bool cyre_select_valid(const struct cyre_select *sel)
{
	size_t i;

	for (i = 1; i < sel->n_mailboxes; i++)
		if (strcmp(sel->mailboxes[i - 1], sel->mailboxes[i]) > 0)
			return false;
	return sel->shards == 0 ||
	       (sel->shard >= 1 && sel->shard <= sel->shards);
}

static bool in_list(const char *const *list, size_t n, struct cyre_slice s)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (cyre_slice_eq(cyre_slice_str(list[i]), s))
			return true;
	return n == 0;
}

static int text_and_slice(const void *va, const void *vb)
{
	const char *const *text = va;
	const struct cyre_slice *s = vb;

	return cyre_slice_compare(cyre_slice_str(*text), *s);
}

static bool has_name(const struct cyre_select *sel, struct cyre_slice name)
{
	size_t i = cyre_seek(&name, sel->mailboxes, sel->n_mailboxes,
		sizeof(*sel->mailboxes), text_and_slice);

	return i < sel->n_mailboxes &&
	       cyre_slice_eq(cyre_slice_str(sel->mailboxes[i]), name);
}

/* Names are given in either form: internal, or as the administrator sees it. */
static bool name_matches(const struct cyre_select *sel,
	const struct cyre_conf *conf, struct cyre_slice internal,
	struct cyre_buf *scratch)
{
	char sep = cyre_name_separator(conf);
	struct cyre_slice pattern, external;
	size_t i;

	cyre_buf_reset(scratch);
	if (!sel->n_mailboxes && !sel->n_patterns)
		return true;
	cyre_name_external(conf, internal, scratch);
	external = cyre_buf_slice(scratch);
	if (has_name(sel, internal) || has_name(sel, external))
		return true;
	for (i = 0; i < sel->n_patterns; i++) {
		pattern = cyre_slice_str(sel->patterns[i]);
		if (cyre_name_match(pattern, internal, '.') ||
			cyre_name_match(pattern, external, sep))
			return true;
	}
	return false;
}

/* All mailboxes of a user are in one part. */
static bool in_shard(const struct cyre_select *sel, struct cyre_slice owner)
{
	return sel->shards <= 1 ||
	       cyre_crc32(owner) % sel->shards == sel->shard - 1;
}

cyre_status cyre_select_match(const struct cyre_select *sel,
	const struct cyre_conf *conf, struct cyre_slice mboxname,
	struct cyre_slice userid, const char *partition,
	struct cyre_buf *scratch, bool *ret)
{
	bool yes = in_list(sel->partitions, sel->n_partitions,
			   cyre_slice_str(partition)) &&
		   in_list(sel->users, sel->n_users, userid) &&
		   in_shard(sel, userid.n ? userid : mboxname) &&
		   name_matches(sel, conf, mboxname, scratch);

	if (scratch->bad)
		return CYRE_ENOMEM;
	*ret = yes;
	return CYRE_OK;
}
