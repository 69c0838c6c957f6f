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

/* One of those asked for is there. */
static bool meet(bool *met, size_t i)
{
	if (met)
		met[i] = true;
	return true;
}

/* `met`: of this list, or NULL; with it, all that are equal are looked for. */
static bool in_list(
	const char *const *list, size_t n, struct cyre_slice s, bool *met)
{
	bool yes = n == 0;
	size_t i;

	for (i = 0; i < n && (met || !yes); i++)
		if (cyre_slice_eq(cyre_slice_str(list[i]), s))
			yes = meet(met, i);
	return yes;
}

static int text_and_slice(const void *va, const void *vb)
{
	const char *const *text = va;
	const struct cyre_slice *s = vb;

	return cyre_slice_compare(cyre_slice_str(*text), *s);
}

static bool has_name(
	const struct cyre_select *sel, struct cyre_slice name, bool *met)
{
	size_t i = cyre_seek(&name, sel->mailboxes, sel->n_mailboxes,
		sizeof(*sel->mailboxes), text_and_slice);

	return i < sel->n_mailboxes &&
	       cyre_slice_eq(cyre_slice_str(sel->mailboxes[i]), name) &&
	       meet(met, i);
}

/* Names are given in either form: internal, or as the administrator sees it. */
static bool name_matches(const struct cyre_select *sel,
	const struct cyre_conf *conf, struct cyre_slice internal,
	struct cyre_buf *scratch, bool *met)
{
	bool *patterns_met = met ? met + sel->n_mailboxes : NULL;
	char sep = cyre_name_separator(conf);
	struct cyre_slice pattern, external;
	bool yes;
	size_t i;

	cyre_buf_reset(scratch);
	if (!sel->n_mailboxes && !sel->n_patterns)
		return true;
	cyre_name_external(conf, internal, scratch);
	external = cyre_buf_slice(scratch);
	yes = has_name(sel, internal, met);
	if (met || !yes)
		yes |= has_name(sel, external, met);
	for (i = 0; i < sel->n_patterns && (met || !yes); i++) {
		pattern = cyre_slice_str(sel->patterns[i]);
		if (cyre_name_match(pattern, internal, '.') ||
			cyre_name_match(pattern, external, sep))
			yes = meet(patterns_met, i);
	}
	return yes;
}

/* All mailboxes of a user are in one part. */
static bool in_shard(const struct cyre_select *sel, struct cyre_slice owner)
{
	return sel->shards <= 1 ||
	       cyre_crc32(owner) % sel->shards == sel->shard - 1;
}

/* In any shard. */
static bool is_meant(const struct cyre_select *sel,
	const struct cyre_conf *conf, struct cyre_slice mboxname,
	struct cyre_slice userid, const char *partition,
	struct cyre_buf *scratch, bool *met)
{
	bool *users_met = met ? met + sel->n_partitions : NULL;
	bool *names_met = users_met ? users_met + sel->n_users : NULL;

	return in_list(sel->partitions, sel->n_partitions,
		       cyre_slice_str(partition), met) &&
	       in_list(sel->users, sel->n_users, userid, users_met) &&
	       name_matches(sel, conf, mboxname, scratch, names_met);
}

cyre_status cyre_select_match(const struct cyre_select *sel,
	const struct cyre_conf *conf, struct cyre_slice mboxname,
	struct cyre_slice userid, const char *partition,
	struct cyre_buf *scratch, bool *ret)
{
	bool yes =
		in_shard(sel, userid.n ? userid : mboxname) &&
		is_meant(sel, conf, mboxname, userid, partition, scratch, NULL);

	if (scratch->bad)
		return CYRE_ENOMEM;
	*ret = yes;
	return CYRE_OK;
}

/* It may have no mailbox. */
void cyre_select_note_partition(
	const struct cyre_select *sel, const char *partition)
{
	in_list(sel->partitions, sel->n_partitions, cyre_slice_str(partition),
		sel->met);
}

/* Who has only some of what is asked for meets none of it. */
cyre_status cyre_select_note(const struct cyre_select *sel,
	const struct cyre_conf *conf, struct cyre_slice mboxname,
	struct cyre_slice userid, const char *partition,
	struct cyre_buf *scratch)
{
	if (is_meant(sel, conf, mboxname, userid, partition, scratch, NULL))
		is_meant(sel, conf, mboxname, userid, partition, scratch,
			sel->met);
	return scratch->bad ? CYRE_ENOMEM : CYRE_OK;
}
