/*
 * datetime822.c - the date parser of 3.0 and earlier (docs/formats/
 * message-parsing.md section 11, its last paragraph). A date whose time cannot
 * be read has 12 o'clock for its hour; what was read of the rest stays.
 *
 * Where nothing follows the time (or, for the day alone, the year), the server
 * subtracts an address from NULL and calls the result a failure when its low
 * half is negative: the same message comes out either way. Here it is none.
 */
#include "parse.h"

struct date {
	int64_t year, month, day, hour, minute, second; /* month 0-11 */
	int64_t zone;                                   /* minutes east */
};

/* Blanks and folds; false: nothing comes after them. */
static bool skip_fws(struct cyre_cur *t)
{
	int c;

	while ((c = cyre_peek(t)) && cyre_is(c, CYRE_CC_WS)) {
		t->p++;
		if (c == '\n' && !cyre_is_wsp(cyre_peek(t)))
			return false;
	}
	return c != 0;
}

/* Up to 2.4 comments count as blank. */
static bool skip(const struct cyre_mail_behaviour *b, struct cyre_cur *t)
{
	return b->date == CYRE_DATE_822 ? skip_fws(t) : cyre_mail_skip(t);
}

static bool is_digit(const struct cyre_cur *t)
{
	return cyre_is(cyre_peek(t), CYRE_CC_DIGIT);
}

static bool is_alpha(const struct cyre_cur *t)
{
	return cyre_is(cyre_peek(t), CYRE_CC_ALPHA);
}

/* One digit more behind *v, which keeps it also when the next one fails. */
static bool digit(struct cyre_cur *t, int64_t *v)
{
	if (!is_digit(t))
		return false;
	*v = 10 * *v + (*t->p++ - '0');
	return true;
}

static bool two_digits(struct cyre_cur *t, int64_t *v)
{
	*v = 0;
	return digit(t, v) && digit(t, v);
}

/* n letters, in lower case. */
static bool letters(struct cyre_cur *t, size_t n, char *ret)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!is_alpha(t))
			return false;
		ret[i] = (char)cyre_lower(*t->p++);
	}
	return true;
}

static bool year(struct cyre_cur *t, int64_t *ret)
{
	if (!two_digits(t, ret))
		return false;
	if (!is_digit(t)) {
		*ret += *ret < 70 ? 2000 : 1900;
		return true;
	}
	if (*ret < 19 || !digit(t, ret) || !digit(t, ret))
		return false;
	return !is_digit(t);
}

static int64_t days_of_month(int64_t y, int64_t mon)
{
	return cyre_days(y + (mon == 11), mon == 11 ? 0 : mon + 1, 1) -
	       cyre_days(y, mon, 1);
}

static bool day_month_year(
	const struct cyre_mail_behaviour *b, struct cyre_cur *t, struct date *d)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	char name[3];

	if (!skip(b, t))
		return false;
	if (is_alpha(t)) {
		if (!letters(t, 3, name) || !skip(b, t) || cyre_peek(t) != ',')
			return false;
		t->p++;
		if (!skip(b, t))
			return false;
	}
	if (!digit(t, &d->day))
		return false;
	digit(t, &d->day);
	if (!skip(b, t) || !letters(t, 3, name))
		return false;
	for (d->month = 0; d->month < 12; d->month++) {
		if (memcmp(names + 3 * d->month, name, 3) == 0)
			break;
	}
	if (d->month == 12 || !skip(b, t) || !year(t, &d->year))
		return false;
	return true;
}

/* 2.4 looks a full date up, and finds only one that there is. */
static bool in_range(const struct date *d)
{
	return d->day >= 1 && d->day <= days_of_month(d->year, d->month) &&
	       d->hour < 24 && d->minute < 60;
}

static bool time_of_day(struct cyre_cur *t, struct date *d)
{
	if (!two_digits(t, &d->hour) || cyre_peek(t) != ':')
		return false;
	t->p++;
	if (!two_digits(t, &d->minute))
		return false;
	if (cyre_peek(t) != ':')
		return true;
	t->p++;
	return two_digits(t, &d->second);
}

/* hhmm */
static int64_t numeric_zone(struct cyre_cur *t)
{
	int64_t sign = *t->p++ == '-' ? -1 : 1, h, m;

	if (!two_digits(t, &h) || !two_digits(t, &m))
		return 0;
	return sign * (60 * h + m);
}

static int64_t letter_zone(struct cyre_cur *t)
{
	static const char first[] = "aecmpyhb";
	const char *at;
	char z[3];
	int64_t zone;

	if (!letters(t, 1, z))
		return 0;
	if (!is_alpha(t)) {
		if (z[0] < 'j')
			return (z[0] - 'a' + 1) * 60;
		if (z[0] == 'j' || z[0] == 'z')
			return 0;
		return (z[0] <= 'm' ? z[0] - 'a' : 'm' - z[0]) * 60;
	}
	/* UT and GMT are 0, as is everything not known. */
	if (!letters(t, 1, z + 1) || !letters(t, 1, z + 2))
		return 0;
	at = strchr(first, z[0]);
	if (!at || z[2] != 't' || (z[1] != 'd' && z[1] != 's'))
		return 0;
	zone = -(4 + (at - first)) * 60;
	return z[1] == 'd' ? zone + 60 : zone;
}

int64_t cyre_mail_date_822(const struct cyre_mail_parser *m,
	struct cyre_slice value, bool day_only)
{
	struct cyre_cur t = cyre_cur(value);
	struct date d = {0};
	int64_t s;

	if (!day_month_year(m->b, &t, &d))
		return 0;
	if (m->b->date == CYRE_DATE_822 &&
		d.day > days_of_month(d.year, d.month))
		return 0;
	if (day_only || !skip(m->b, &t) || !time_of_day(&t, &d)) {
		d.hour = 12;
	} else if (skip(m->b, &t)) {
		if (cyre_peek(&t) == '+' || cyre_peek(&t) == '-')
			d.zone = numeric_zone(&t);
		else if (is_alpha(&t))
			d.zone = letter_zone(&t);
	}
	if (m->b->date != CYRE_DATE_822 && !day_only && !in_range(&d))
		return 0;
	s = cyre_days(d.year, d.month, d.day) * 86400 + d.hour * 3600 +
	    d.minute * 60 + d.second;
	if (day_only && m->opt.zone)
		s -= m->opt.zone(m->opt.payload, s);
	return s < 0 ? 0 : s - d.zone * 60;
}
