/*
 * rebuild_survey.c - a first look at index headers only
 *
 * What versions the mailboxes around a lost one have (a sample tells), and
 * which of those to rebuild come first: who cannot open a mailbox waits
 * longest, and whose mail arrived last looks for it first. Reads the first
 * page of an index.
 */
#include "rebuild.h"

#include <stdlib.h>
#include <unistd.h>

#include "header.h"
#include "index.h"
#include "read_file.h"

#define SAMPLE   2048 /* mailboxes looked at for versions */
#define VERSIONS (CYRE_INDEX_MAX_VERSION + 1)

struct peek {
	bool closed; /* the server cannot open it, as far as a page tells */
	bool known;
	unsigned index_version, cache_version;
	int64_t mtime_ns;
};

struct score {
	struct cyre_candidate c;
	struct peek peek;
	size_t rank; /* in the order of the names */
	size_t user; /* in the order of who is hurt most */
	bool inbox;
};

struct survey {
	struct cyre_run *r;
	struct peek *peeks;
	size_t stride; /* of the sample */
};

/* The last record in sight tells who wrote of late. */
static void peek_records(const struct cyre_index *ix, struct peek *p)
{
	struct cyre_index_record rec;

	if (ix->count &&
		cyre_index_decode(ix, cyre_index_bytes(ix, ix->count), &rec))
		p->cache_version = (unsigned)rec.cache_version & 0xffff;
}

static void peek_mailbox(const struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_mailbox *m, struct peek *p)
{
	struct cyre_index ix;
	uint8_t page[CYRE_PAGE];

	*p = (struct peek){.closed = true};
	if (!cyre_run_peek_index(r, w, m, page, &ix, &p->mtime_ns))
		return;
	p->closed = !cyre_mailbox_where(r->catalog, m, CYRE_FILE_HEADER, NULL);
	p->known = true;
	p->index_version = ix.layout->version;
	peek_records(&ix, p);
}

static struct survey *survey_of(struct cyre_run *r)
{
	return ((struct cyre_rebuild *)r)->survey;
}

static void peek_sample(void *payload, unsigned worker, size_t job)
{
	struct cyre_run *r = payload;
	struct survey *s = survey_of(r);

	peek_mailbox(r, &r->workers[worker],
		&r->catalog->mailboxes[job * s->stride], &s->peeks[job]);
}

static void peek_candidate(void *payload, unsigned worker, size_t job)
{
	struct cyre_run *r = payload;

	peek_mailbox(r, &r->workers[worker], r->candidates[job].mailbox,
		&survey_of(r)->peeks[job]);
}

/* Of two with as many the newer. */
static unsigned most(const size_t *count, unsigned n)
{
	unsigned best = 0, i;

	for (i = 1; i < n; i++)
		if (count[i] && count[i] >= count[best])
			best = i;
	return best;
}

static void count_versions(struct cyre_rebuild *rb, const struct survey *s,
	size_t n, uint32_t partition, bool all, struct cyre_neighbours *ret)
{
	const struct cyre_catalog *c = rb->run.catalog;
	size_t index[VERSIONS] = {0}, cache[64] = {0}, i;

	for (i = 0; i < n; i++) {
		const struct peek *p = &s->peeks[i];

		if (!p->known ||
			(!all && c->mailboxes[i * s->stride].partition !=
					 partition))
			continue;
		index[p->index_version]++;
		if (p->cache_version < 64)
			cache[p->cache_version]++;
	}
	ret->index_version = most(index, VERSIONS);
	ret->cache_version = most(cache, 64);
}

static cyre_status find_neighbours(struct cyre_rebuild *rb)
{
	struct cyre_run *r = &rb->run;
	size_t n_parts = r->conf->n_partitions, n, p;
	struct survey s = {.r = r};
	cyre_status st;

	rb->neighbours = calloc(n_parts ? n_parts : 1, sizeof(*rb->neighbours));
	s.stride = 1 + r->catalog->n_mailboxes / SAMPLE;
	n = (r->catalog->n_mailboxes + s.stride - 1) / s.stride;
	s.peeks = calloc(n ? n : 1, sizeof(*s.peeks));
	if (!rb->neighbours || !s.peeks) {
		free(s.peeks);
		return CYRE_ENOMEM;
	}
	rb->survey = &s;
	st = cyre_run_jobs(r, n, peek_sample, NULL);
	for (p = 0; p < n_parts && st == CYRE_OK; p++) {
		count_versions(
			rb, &s, n, (uint32_t)p, false, &rb->neighbours[p]);
		if (!rb->neighbours[p].index_version)
			count_versions(rb, &s, n, 0, true, &rb->neighbours[p]);
	}
	free(s.peeks);
	rb->survey = NULL;
	return st;
}

/* user.NAME and nothing behind it, in any domain. */
static bool is_inbox(const struct cyre_candidate *c)
{
	const char *name = c->name ? strstr(c->name, "user.") : NULL;

	return name && !strchr(name + 5, '.');
}

static int compare_impact(const struct score *a, const struct score *b)
{
	if (a->peek.closed != b->peek.closed)
		return a->peek.closed ? -1 : 1;
	if (a->inbox != b->inbox)
		return a->inbox ? -1 : 1;
	if (a->peek.mtime_ns != b->peek.mtime_ns)
		return a->peek.mtime_ns > b->peek.mtime_ns ? -1 : 1;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

static int by_user(const void *va, const void *vb)
{
	const struct score *a = va, *b = vb;
	const char *ua = a->c.userid, *ub = b->c.userid;
	int d = ua && ub ? strcmp(ua, ub) : !ua - !ub;

	return d ? d : compare_impact(a, b);
}

static int by_worst_of_user(const void *va, const void *vb)
{
	const struct score *a = va, *b = vb;

	if (a->user != b->user)
		return a->user < b->user ? -1 : 1;
	return compare_impact(a, b);
}

static int by_worst(const void *va, const void *vb)
{
	const struct score *const *a = va, *const *b = vb;

	return compare_impact(*a, *b);
}

/* A customer's mailboxes stay together, where their worst one belongs. What is
 * nobody's is on its own. */
static cyre_status rank_users(struct score *s, size_t n)
{
	struct score **worst = calloc(n ? n : 1, sizeof(struct score *));
	size_t users = 0, i, k;

	if (!worst)
		return CYRE_ENOMEM;
	qsort(s, n, sizeof(*s), by_user);
	for (i = 0; i < n; i++)
		if (!i || !s[i].c.userid || !s[i - 1].c.userid ||
			strcmp(s[i].c.userid, s[i - 1].c.userid) != 0)
			worst[users++] = &s[i];
	qsort(worst, users, sizeof(struct score *), by_worst);
	for (k = 0; k < users; k++) {
		const char *user = worst[k]->c.userid;

		for (i = (size_t)(worst[k] - s); i < n; i++) {
			if (&s[i] != worst[k] &&
				(!user || !s[i].c.userid ||
					strcmp(s[i].c.userid, user) != 0))
				break;
			s[i].user = k;
		}
	}
	free(worst);
	qsort(s, n, sizeof(*s), by_worst_of_user);
	return CYRE_OK;
}

static cyre_status order_by_impact(struct cyre_rebuild *rb)
{
	struct cyre_run *r = &rb->run;
	struct survey s = {.r = r};
	struct score *scores;
	cyre_status st = CYRE_ENOMEM;
	size_t i;

	s.peeks = calloc(r->n ? r->n : 1, sizeof(*s.peeks));
	scores = calloc(r->n ? r->n : 1, sizeof(*scores));
	rb->survey = &s;
	if (s.peeks && scores)
		st = cyre_run_jobs(r, r->n, peek_candidate, NULL);
	for (i = 0; i < r->n && st == CYRE_OK; i++)
		scores[i] = (struct score){.c = r->candidates[i],
			.peek = s.peeks[i],
			.rank = i,
			.inbox = is_inbox(&r->candidates[i])};
	if (st == CYRE_OK)
		st = rank_users(scores, r->n);
	for (i = 0; i < r->n && st == CYRE_OK; i++)
		r->candidates[i] = scores[i].c;
	free(scores);
	free(s.peeks);
	rb->survey = NULL;
	return st;
}

cyre_status cyre_rebuild_survey(struct cyre_run *r)
{
	struct cyre_rebuild *rb = (struct cyre_rebuild *)r;
	cyre_status st = find_neighbours(rb);

	return st == CYRE_OK && !rb->o->by_name ? order_by_impact(rb) : st;
}
