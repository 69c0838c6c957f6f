/*
 * header_salvage.c - see header_salvage.h
 *
 * From the bytes to the text: puts a magic before what may be the payload, mends
 * what a sum allows, and gives that to the strict reader, which goes on behind
 * syntax errors. What of the text can be believed header_salvage_text.c says.
 * Decides nothing about the mailbox: other copies of these values are compared
 * elsewhere.
 *
 * Format: docs/formats/header.md sections 1 to 4.
 */
#include "header_salvage_parts.h"

#include <stdlib.h>
#include <string.h>

#include "crc_mend.h"
#include "digest.h"

#define MAX_BYTES (1u << 20) /* a header is shorter than 256 KiB */
#define MAX_ENDS  64         /* line ends tried as the end of the file */
#define MAGIC_LEN CYRE_HEADER_MAGIC_LEN

/* ---- the file as it was ---- */

static size_t find_bytes(struct cyre_slice in, const char *what)
{
	const uint8_t *p = in.n ? memmem(in.p, in.n, what, strlen(what)) : NULL;

	return p ? (size_t)(p - in.p) : SIZE_MAX;
}

/* Behind the magic's end, wherever that is: the bytes may have moved. */
static size_t behind_magic(struct cyre_slice in)
{
	static const char end[] = "Andrew\n";
	size_t n = sizeof(end) - 1, at = find_bytes(in, end);

	if (at != SIZE_MAX)
		return at + n;
	while (--n)
		if (cyre_slice_starts(
			    in, cyre_slice(end + sizeof(end) - 1 - n, n)))
			return n;
	return SIZE_MAX;
}

/* own = the magic and what stands at `start` of the input. */
static void set_payload(struct cyre_header_salvaging *v, size_t start)
{
	memcpy(v->own, cyre_header_magic, MAGIC_LEN);
	memcpy(v->own + MAGIC_LEN, v->in.p + start, v->in.n - start);
	v->n = MAGIC_LEN + v->in.n - start;
}

/* Is it the file the index knows, but for one bit or bytes behind its end? */
static bool mend(struct cyre_header_salvaging *v)
{
	uint32_t sum = 0;
	size_t done = 0, ends = 0;
	uint64_t bit;

	if (!v->sum)
		return false;
	for (size_t i = MAGIC_LEN; i < v->n && ends < MAX_ENDS; i++) {
		if (v->own[i] != '\n')
			continue;
		sum = cyre_crc32_more(
			sum, cyre_slice(v->own + done, i + 1 - done));
		done = i + 1;
		ends++;
		if (sum == *v->sum) {
			v->n = done;
			return true;
		}
	}
	sum = cyre_crc32_more(sum, cyre_slice(v->own + done, v->n - done));
	if (sum == *v->sum)
		return true;
	bit = cyre_crc32_bad_bit(v->n, sum, *v->sum);
	if (bit == UINT64_MAX)
		return false;
	v->own[bit / 8] ^= (uint8_t)(1u << bit % 8);
	return true;
}

/* Where may the payload start? Each is tried against the sum. */
static size_t payload_start(
	const struct cyre_header_salvaging *v, unsigned turn)
{
	switch (turn) {
	case 0:
		return v->in.n >= MAGIC_LEN ? MAGIC_LEN : SIZE_MAX;
	case 1:
		return behind_magic(v->in);
	case 2: /* not the list in an access list */
		return find_bytes(v->in, "%(T ");
	default:
		return 0;
	}
}

#define TURNS 4

static bool restore(struct cyre_header_salvaging *v)
{
	for (unsigned turn = 0; turn < TURNS; turn++) {
		size_t start = payload_start(v, turn);

		if (start == SIZE_MAX)
			continue;
		set_payload(v, start);
		if (mend(v))
			return true;
	}
	return false;
}

/* ---- the best text that can be read ---- */

static bool magic_near(struct cyre_slice in)
{
	size_t wrong = 0;

	if (in.n < MAGIC_LEN)
		return false;
	for (size_t i = 0; i < MAGIC_LEN; i++)
		wrong += in.p[i] != cyre_header_magic[i];
	return wrong <= 16;
}

/* Does what is left look like the list notation? */
static bool looks_dlist(struct cyre_slice s)
{
	while (s.n && (s.p[s.n - 1] == '\n' || !s.p[s.n - 1]))
		s.n--;
	return find_bytes(s, "%(") != SIZE_MAX ||
	       find_bytes(s, " U (") != SIZE_MAX ||
	       (s.n && s.p[s.n - 1] == ')');
}

/* The beginning is gone: go on at the first key, as if the list began there. */
static bool begin_at_key(struct cyre_header_salvaging *v, size_t start)
{
	struct cyre_slice s = cyre_slice(v->in.p + start, v->in.n - start);

	for (size_t i = 0; i + 3 < s.n; i++) {
		if (s.p[i] != ' ' || s.p[i + 2] != ' ' ||
			!memchr("TNIJQAU", s.p[i + 1], 7))
			continue;
		memcpy(v->own, cyre_header_magic, MAGIC_LEN);
		memcpy(v->own + MAGIC_LEN, "%(", 2);
		memcpy(v->own + MAGIC_LEN + 2, s.p + i + 1, s.n - i - 1);
		v->n = MAGIC_LEN + 2 + s.n - i - 1;
		return true;
	}
	return false;
}

static size_t skip_zeros(struct cyre_slice in, size_t at)
{
	while (at < in.n && !in.p[at])
		at++;
	return at;
}

/* Chooses the payload without a sum; false: nothing is left. */
static bool choose(struct cyre_header_salvaging *v)
{
	size_t start = magic_near(v->in) ? MAGIC_LEN : payload_start(v, 1);
	struct cyre_slice rest;

	if (start == SIZE_MAX) {
		start = payload_start(v, 2);
		v->head_cut = start == SIZE_MAX;
	}
	if (start == SIZE_MAX)
		start = skip_zeros(v->in, 0);
	if (start < v->in.n && !v->in.p[start]) {
		start = skip_zeros(v->in, start);
		v->head_cut = true;
	}
	rest = cyre_slice(v->in.p + start, v->in.n - start);
	if (!rest.n)
		return false;
	if (v->head_cut && looks_dlist(rest) && begin_at_key(v, start))
		return true;
	set_payload(v, start);
	return true;
}

static cyre_status read_text(struct cyre_header_salvaging *v)
{
	struct cyre_slice text = cyre_slice(v->own, v->n);
	struct cyre_slice payload =
		cyre_slice(v->own + MAGIC_LEN, v->n - MAGIC_LEN);
	struct cyre_findings found = {.keep = 1};
	const uint8_t *end = NULL;
	cyre_status st;

	st = cyre_header_read(text, CYRE_FILE_HEADER, &found, &v->s->h);
	if (st == CYRE_OK)
		st = found.status;
	if (st != CYRE_OK)
		goto out;
	/* What no release writes is damage here, or cannot be told from it. */
	if (!v->s->exact)
		v->s->h.extra = cyre_slice(NULL, 0);
	if (found.count[CYRE_P_HEADER_TRUNCATED])
		end = v->own + v->n;
	if (v->s->h.form == CYRE_HEADER_DLIST || v->s->exact ||
		(!v->head_cut && !end && !v->s->h.tail.n &&
			!memchr(payload.p, 0, payload.n))) {
		/* A sum that is known and differs: something is wrong. */
		cyre_header_grade(v->s,
			v->s->exact ||
				(!found.n && !v->sum && magic_near(v->in)),
			end);
	} else {
		cyre_header_free(&v->s->h);
		v->s->h.bytes = text;
		cyre_header_read_pieces(v);
	}
out:
	cyre_findings_free(&found);
	return st;
}

cyre_status cyre_header_salvage(struct cyre_slice bytes, const uint32_t *sum,
	struct cyre_header_salvage *ret)
{
	struct cyre_header_salvage s = {.exact = false};
	struct cyre_header_salvaging v = {.in = bytes, .sum = sum, .s = &s};
	cyre_status st = CYRE_OK;

	if (bytes.n > MAX_BYTES)
		return CYRE_ELIMIT;
	/* The text, and an access list no longer than the text. */
	v.own = malloc(MAGIC_LEN + 2 + 2 * bytes.n);
	if (!v.own)
		return CYRE_ENOMEM;
	s.exact = restore(&v);
	if (s.exact || choose(&v))
		st = read_text(&v);
	if (st != CYRE_OK) {
		cyre_header_free(&s.h);
		free(v.own);
		return st;
	}
	s.own = v.own;
	*ret = s;
	return CYRE_OK;
}

void cyre_header_salvage_free(struct cyre_header_salvage *s)
{
	cyre_header_free(&s->h);
	free(s->own);
	*s = (struct cyre_header_salvage){.own = NULL};
}
