/*
 * parsers.c - see parsers.h
 *
 * The options that change what the server makes of a message are listed in
 * docs/formats/cache.md section 9 and message-parsing.md section 6.
 */
#include "parsers.h"

#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define DAY        86400
#define ZONE_LIMIT ((int64_t)1 << 40) /* seconds: what is beyond is no date */

static int64_t zone_at(int64_t utc)
{
	time_t t = (time_t)utc;
	struct tm tm;

	return localtime_r(&t, &tm) ? tm.tm_gmtoff : INT64_MAX;
}

/* As the C library of the server would have it. */
static int64_t zone_by_mktime(int64_t local)
{
	time_t t = (time_t)local, utc;
	struct tm tm;

	if (!gmtime_r(&t, &tm))
		return 0;
	tm.tm_isdst = -1;
	utc = mktime(&tm);
	return local - (int64_t)utc;
}

/*
 * Seconds east of UTC. mktime() looks each time whether /etc/localtime was
 * replaced, and all threads wait for each other there; it is asked only near a
 * day on which the clocks change.
 */
static int64_t local_zone(void *payload, int64_t local)
{
	struct cyre_parsers *p = payload;
	int64_t before;

	if (p->zone_known && p->zone_of == local)
		return p->zone;
	before = local > -ZONE_LIMIT && local < ZONE_LIMIT
			 ? zone_at(local - DAY)
			 : INT64_MAX;
	p->zone = before != INT64_MAX && before == zone_at(local + DAY)
			  ? before
			  : zone_by_mktime(local);
	p->zone_of = local;
	p->zone_known = true;
	return p->zone;
}

static void set_number(
	const struct cyre_conf *conf, const char *name, uint32_t *ret)
{
	const char *s = cyre_conf_get(conf, name);
	unsigned long v;
	char *end;

	if (!s || *s < '0' || *s > '9')
		return;
	v = strtoul(s, &end, 10);
	if (!*end && v <= UINT32_MAX)
		*ret = (uint32_t)v;
}

static bool is_on(const struct cyre_conf *conf, const char *name)
{
	const char *s = cyre_conf_get(conf, name);

	return s && (*s == '1' || *s == 'y' || *s == 't' ||
			    strcasecmp(s, "on") == 0);
}

void cyre_parsers_init(
	struct cyre_parsers *p, const struct cyre_conf *conf, size_t memory)
{
	*p = (struct cyre_parsers){.options = CYRE_MAIL_OPTIONS_INIT};
	set_number(conf, "maxheaderlines", &p->options.maxheaderlines);
	set_number(conf, "boundary_limit", &p->options.boundary_limit);
	p->options.rfc2046_strict = is_on(conf, "rfc2046_strict");
	p->options.rfc2047_utf8 = is_on(conf, "rfc2047_utf8");
	p->options.zone = local_zone;
	p->options.payload = p;
	p->options.memory_bytes = memory;
}

cyre_status cyre_parsers_get(struct cyre_parsers *p,
	const struct cyre_mail_behaviour *b, cyre_mail_parser **ret)
{
	cyre_status st;
	unsigned i;

	for (i = 0; i < p->n; i++)
		if (p->items[i].b == b) {
			*ret = p->items[i].parser;
			return CYRE_OK;
		}
	if (p->n == CYRE_PARSERS_MAX)
		return CYRE_ENOMEM;
	st = cyre_mail_parser_new(b, &p->options, &p->items[i].parser);
	if (st != CYRE_OK)
		return st;
	p->items[i].b = b;
	p->n++;
	*ret = p->items[i].parser;
	return CYRE_OK;
}

void cyre_parsers_free(struct cyre_parsers *p)
{
	unsigned i;

	for (i = 0; i < p->n; i++)
		cyre_mail_parser_free(p->items[i].parser);
	p->n = 0;
}
