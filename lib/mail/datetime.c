/*
 * datetime.c - the text of a Date: header -> the index's gmtime and sentdate
 * (docs/formats/message-parsing.md section 10). Ranges are not checked: the
 * calendar carries over day 32 and hour 25 as mktime() would.
 */
#include "parse.h"

struct date {
	int64_t year, month, day, hour, minute, second; /* month 0-11 */
	int64_t zone;                                   /* minutes east */
};

struct scan {
	struct cyre_cur t;
	struct cyre_slice tok;
};

#define TOKEN_MAX 32u

static bool is_token(int c)
{
	return cyre_is(c, CYRE_CC_ALPHA | CYRE_CC_DIGIT);
}

/* Letters and digits; false at the end of the text. */
static bool tok(struct scan *s)
{
	s->tok = cyre_slice(s->t.p, 0);
	if (!cyre_cur_left(&s->t))
		return false;
	while (s->tok.n < TOKEN_MAX && is_token(cyre_peek(&s->t))) {
		s->t.p++;
		s->tok.n++;
	}
	return true;
}

static bool is_blank(int c)
{
	return cyre_is_wsp(c) || c == '\r' || c == '\n';
}

static void ws(struct scan *s)
{
	while (is_blank(cyre_peek(&s->t)))
		s->t.p++;
}

/* The byte behind a token, whatever it is, and blanks after it. */
static void separator(struct scan *s)
{
	if (cyre_cur_left(&s->t))
		s->t.p++;
	ws(s);
}

/* An int that wraps, as a year of ten digits does. */
static bool number(const struct scan *s, size_t min, size_t max, int64_t *ret)
{
	uint32_t v = 0;
	size_t i;

	if (s->tok.n < min || s->tok.n > max)
		return false;
	for (i = 0; i < s->tok.n; i++) {
		if (!cyre_is(s->tok.p[i], CYRE_CC_DIGIT))
			return false;
		v = v * 10 + (uint32_t)(s->tok.p[i] - '0');
	}
	*ret = (int32_t)v;
	return true;
}

static bool month(const struct scan *s, int64_t *ret)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	int64_t i;

	if (s->tok.n != 3)
		return false;
	for (i = 0; i < 12; i++) {
		if (cyre_lower(s->tok.p[0]) == (uint8_t)names[3 * i] &&
			cyre_lower(s->tok.p[1]) == (uint8_t)names[3 * i + 1] &&
			cyre_lower(s->tok.p[2]) == (uint8_t)names[3 * i + 2])
			break;
	}
	*ret = i;
	return i < 12;
}

static bool day_month_year(struct scan *s, struct date *d)
{
	ws(s);
	if (!cyre_cur_left(&s->t))
		return false;
	if (cyre_is(cyre_peek(&s->t), CYRE_CC_ALPHA)) {
		tok(s);
		if (s->tok.n != 3 || cyre_peek(&s->t) != ',')
			return false;
		s->t.p++;
		ws(s);
	}
	if (!tok(s) || !number(s, 1, 2, &d->day))
		return false;
	separator(s);
	if (!tok(s) || !month(s, &d->month))
		return false;
	separator(s);
	if (!tok(s) || !number(s, 1, TOKEN_MAX, &d->year))
		return false;
	if (s->tok.n == 2)
		d->year += d->year >= 70 ? 1900 : 2000;
	return d->year >= 1900;
}

static bool at_time_separator(struct scan *s)
{
	int c = cyre_peek(&s->t);

	if (c != ':' && c != '.')
		return false;
	s->t.p++;
	return true;
}

static bool time_of_day(struct scan *s, struct date *d)
{
	ws(s);
	if (!tok(s) || !number(s, 1, 2, &d->hour) || !at_time_separator(s))
		return false;
	if (!tok(s) || !number(s, 1, 2, &d->minute))
		return false;
	if (at_time_separator(s) && (!tok(s) || !number(s, 1, 2, &d->second)))
		return false;
	return true;
}

/* One letter. Compared in upper case, reckoned as given: so is the server. */
static int64_t military_zone(int c)
{
	int up = cyre_upper((uint8_t)c);

	if (up >= 'K' && up <= 'M')
		return (c - 'A') * 60;
	if (up >= 'N' && up <= 'Y')
		return ('M' - c) * 60;
	if (up == 'J' || up == 'Z')
		return 0;
	return (c - 'A' + 1) * 60;
}

static int64_t named_zone(const uint8_t *p)
{
	static const char first[] = "AECMPYHB";
	const char *at;
	int c = cyre_upper(p[0]);
	int64_t zone;

	at = strchr(first, c);
	if (cyre_upper(p[2]) != 'T' || !at)
		return 0;
	zone = -(4 + (at - first)) * 60;
	switch (cyre_upper(p[1])) {
	case 'D':
		return zone + 60;
	case 'S':
		return zone;
	default:
		return 0;
	}
}

static int64_t zone(struct scan *s)
{
	int c, sign = 0;
	int64_t v;

	ws(s);
	c = cyre_peek(&s->t);
	if (c == '+' || c == '-') {
		sign = c;
		s->t.p++;
	}
	if (!tok(s))
		return 0;
	switch (s->tok.n) {
	case 1:
		return military_zone(s->tok.p[0]);
	case 3:
		return named_zone(s->tok.p);
	case 4:
		if (!number(s, 4, 4, &v))
			return 0;
		v = v / 100 * 60 + v % 100;
		return sign == '+' ? v : -v;
	default:
		return 0;
	}
}

/* Days since 1970-01-01 of a day of the proleptic Gregorian calendar. */
int64_t cyre_days(int64_t y, int64_t mon, int64_t d)
{
	int64_t era, yoe, doy;

	y -= mon < 2;
	mon = mon < 2 ? mon + 10 : mon - 2; /* from March */
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * mon + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t seconds(const struct date *d)
{
	return cyre_days(d->year, d->month, d->day) * 86400 + d->hour * 3600 +
	       d->minute * 60 + d->second;
}

int64_t cyre_mail_date(const struct cyre_mail_parser *m,
	struct cyre_slice value, bool day_only)
{
	struct scan s = {cyre_cur(value), CYRE_ABSENT};
	struct date d = {0};
	int64_t t;

	if (m->b->date >= CYRE_DATE_822)
		return cyre_mail_date_822(m, value, day_only);
	if (!day_month_year(&s, &d))
		return 0;
	if (!day_only) {
		if (!time_of_day(&s, &d))
			return 0;
		d.zone = zone(&s);
	}
	t = seconds(&d);
	if (day_only && m->opt.zone)
		t -= m->opt.zone(m->opt.payload, t);
	if (m->b->date == CYRE_DATE_5322 ? t < 0 : t == -1)
		return 0;
	return t - d.zone * 60;
}
