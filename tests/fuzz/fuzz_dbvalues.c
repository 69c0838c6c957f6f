/*
 * fuzz_dbvalues.c - any key and value for every reader of values
 *
 * The first byte is the length of the key. Every slice that comes back is
 * touched at both ends.
 */
#include <stdlib.h>
#include <string.h>

#include <cyrescue/db.h>

#include "mboxlist.h"
#include "userdb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink;

static void touch(struct cyre_slice s)
{
	if (s.n)
		sink += s.p[0] + (unsigned)s.p[s.n - 1];
}

static void mailbox(struct cyre_slice key, struct cyre_slice value, bool is_new)
{
	struct cyre_buf own = {0};
	struct cyre_mbox m;

	cyre_mbox_read(key, value, is_new, &own, &m);
	touch(m.name);
	touch(m.uniqueid);
	touch(m.jmapid);
	touch(m.partition);
	touch(m.server);
	touch(m.acl);
	touch(m.history);
	sink += cyre_mboxkey_is_new(key);
	cyre_buf_free(&own);
}

static void folder(struct cyre_slice name, struct cyre_slice value)
{
	struct cyre_conv_folders f;
	uint32_t i;

	if (cyre_conv_folders_read(value, &f) != CYRE_OK)
		return;
	if (cyre_conv_folder_number(&f, name, &i))
		sink += i;
	cyre_conv_folders_free(&f);
}

/* Words are printable, and end. */
static void words(struct cyre_slice key, struct cyre_slice value)
{
	struct cyre_db_entry e = {.key = key, .value = value};
	char text[64];
	size_t i;
	int kind;

	for (kind = 0; kind <= CYRE_DB_KIND_DELIVER; kind++) {
		memset(text, 0xff, sizeof(text));
		if (cyre_db_meaning((enum cyre_db_kind)kind, &e, text,
			    sizeof(text)) != CYRE_OK)
			continue;
		for (i = 0; text[i]; i++)
			if (i == sizeof(text) - 1 || text[i] < ' ')
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cyre_slice key, value;
	struct cyre_statuscache status;
	struct cyre_annotation a;
	struct cyre_counters c;
	struct cyre_conv_guid g;
	struct cyre_quota q;
	struct cyre_seen seen;
	struct cyre_sub sub;
	size_t n;

	if (!size)
		return 0;
	n = data[0] < size - 1 ? data[0] : size - 1;
	key = cyre_slice(data + 1, n);
	value = cyre_slice(data + 1 + n, size - 1 - n);
	mailbox(key, value, false);
	mailbox(key, value, true);
	if (cyre_seen_read(value, &seen)) {
		sink += cyre_uidset_has(seen.uids, 7);
		sink += cyre_uidset_valid(seen.uids);
	}
	if (cyre_sub_read(key, cyre_sub_version(key, value), &sub))
		touch(sub.name);
	sink += cyre_quota_read(value, &q);
	if (cyre_annotation_read(key, value, &a)) {
		touch(a.scope);
		touch(a.entry);
		touch(a.userid);
		touch(a.value);
		touch(a.type);
	}
	if (cyre_conv_guid_read(key, value, &g))
		touch(g.part);
	folder(key, value);
	words(key, value);
	if (cyre_statuscache_read(key, value, &status)) {
		touch(status.mailbox);
		touch(status.userid);
		touch(status.uniqueid);
	}
	sink += cyre_counters_read(value, &c);
	sink += cyre_is_deliver(key, value);
	return 0;
}
