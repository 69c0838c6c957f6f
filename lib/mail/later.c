/* later.c - see later.h. */
#include "later.h"

#include <stdlib.h>

#define MESSAGES 64u
#define SUMS     512u
#define PLACES   (2 * SUMS) /* SECTION has the GUID of a part twice at most */
#define ROOM     ((size_t)512 << 10)

struct place {
	struct cyre_buf *record;
	size_t at;
	uint32_t sum;
};

struct open_message {
	struct cyre_mail_facts *facts;
	struct cyre_buf *record;
	size_t at;
	uint32_t sum;
};

struct cyre_mail_later {
	struct cyre_hasher *hasher;
	struct cyre_buf contents; /* never moves */
	struct cyre_sum sums[SUMS];
	struct place places[PLACES];
	struct open_message messages[MESSAGES];
	uint32_t n_sums, n_places, n_messages;
};

cyre_status cyre_mail_later_new(struct cyre_mail_later **ret)
{
	struct cyre_mail_later *l = calloc(1, sizeof(*l));

	if (!l)
		return CYRE_ENOMEM;
	if (cyre_hasher_new(&l->hasher) != CYRE_OK) {
		cyre_mail_later_free(l);
		return CYRE_ENOMEM;
	}
	*ret = l;
	return CYRE_OK;
}

void cyre_mail_later_free(struct cyre_mail_later *l)
{
	if (!l)
		return;
	cyre_hasher_free(l->hasher);
	cyre_buf_free(&l->contents);
	free(l);
}

void cyre_mail_later_drop(struct cyre_mail_later *l)
{
	l->n_sums = l->n_places = l->n_messages = 0;
	cyre_buf_reset(&l->contents);
}

cyre_status cyre_mail_later_finish(struct cyre_mail_later *l)
{
	cyre_status st = cyre_sha1_many(l->hasher, l->sums, l->n_sums);
	uint32_t i;

	for (i = 0; i < l->n_places && st == CYRE_OK; i++) {
		const struct place *p = &l->places[i];

		memcpy(p->record->p + p->at, l->sums[p->sum - 1].sha1,
			CYRE_SHA1_LEN);
	}
	for (i = 0; i < l->n_messages && st == CYRE_OK; i++) {
		const struct open_message *o = &l->messages[i];

		if (o->sum)
			memcpy(o->facts->guid, l->sums[o->sum - 1].sha1,
				CYRE_SHA1_LEN);
		if (o->record)
			o->facts->cache_crc = cyre_crc32(cyre_slice(
				o->record->p + o->at, o->facts->record_size));
	}
	cyre_mail_later_drop(l);
	return st;
}

/* ---- for the parser ---- */

cyre_status cyre_later_begin(
	struct cyre_mail_later *l, struct cyre_later_mark *ret)
{
	cyre_status st = CYRE_OK;

	if (l->n_messages == MESSAGES)
		st = cyre_mail_later_finish(l);
	*ret = (struct cyre_later_mark){l->n_sums, l->n_places, l->contents.n};
	return st;
}

void cyre_later_back(struct cyre_mail_later *l, struct cyre_later_mark to)
{
	l->n_sums = to.sums;
	l->n_places = to.places;
	l->contents.n = to.contents;
}

bool cyre_later_room(struct cyre_mail_later *l, size_t n, struct cyre_buf *ret)
{
	size_t left;

	/* Once, when the first content comes: a level 3 scan has none. */
	if (!l->contents.cap && !cyre_buf_room(&l->contents, ROOM))
		return false;
	left = l->contents.cap - l->contents.n;
	if (n > left)
		return false;
	*ret = (struct cyre_buf){
		.p = l->contents.p + l->contents.n, .cap = left, .limit = left};
	return true;
}

uint32_t cyre_later_add(struct cyre_mail_later *l, struct cyre_slice bytes)
{
	if (l->n_sums == SUMS)
		return 0;
	l->sums[l->n_sums++].bytes = bytes;
	/* It stands in the room: there it stays. */
	if (l->contents.p && bytes.p == l->contents.p + l->contents.n)
		l->contents.n += bytes.n;
	return l->n_sums;
}

void cyre_later_place(
	struct cyre_mail_later *l, struct cyre_buf *out, uint32_t sum)
{
	if (l->n_places < PLACES)
		l->places[l->n_places++] = (struct place){out, out->n, sum};
	else
		out->bad = true;
}

void cyre_later_end(struct cyre_mail_later *l, uint32_t sum,
	struct cyre_buf *record, size_t at, struct cyre_mail_facts *facts)
{
	l->messages[l->n_messages++] =
		(struct open_message){facts, record, at, sum};
}
