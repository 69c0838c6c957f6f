/* select.c - see select.h. */
#include "select.h"

#include "digest.h"
#include "names.h"

bool cyre_select_valid(const struct cyre_select *sel)
{
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

/* Names are given in either form: internal, or as the administrator sees it. */
static bool name_matches(const struct cyre_select *sel,
	const struct cyre_conf *conf, struct cyre_slice internal,
	struct cyre_buf *scratch)
{
	char sep = cyre_name_separator(conf);
	struct cyre_slice pattern;
	size_t i;

	cyre_buf_reset(scratch);
	cyre_name_external(conf, internal, scratch);
	for (i = 0; i < sel->n_mailboxes; i++) {
		pattern = cyre_slice_str(sel->mailboxes[i]);
		if (cyre_name_match(pattern, internal, '.') ||
			cyre_name_match(pattern, cyre_buf_slice(scratch), sep))
			return true;
	}
	return sel->n_mailboxes == 0;
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
