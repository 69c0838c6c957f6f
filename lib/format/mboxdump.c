/* mboxdump.c - see mboxdump.h. */
#include "mboxdump.h"

#include <jansson.h>

#include "number.h"

#define MAX_LINE ((size_t)1 << 20) /* bytes; an entry is shorter */

struct dump {
	cyre_status (*each)(void *payload, const struct cyre_mbox *m);
	void *payload;
	uint64_t read, skipped;
	struct cyre_buf own, value; /* what an entry's strings stand in */
};

static struct cyre_slice take_line(struct cyre_slice *rest)
{
	const uint8_t *lf = memchr(rest->p, '\n', rest->n);
	struct cyre_slice line = *rest;

	line.n = lf ? (size_t)(lf - rest->p) : rest->n;
	*rest = lf ? cyre_slice(lf + 1, rest->n - line.n - 1)
		   : cyre_slice(NULL, 0);
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* ---- lines of text ---- */

/* Up to a blank or TAB, which is taken too. */
static struct cyre_slice take_word(struct cyre_slice *s)
{
	struct cyre_slice word = *s;
	size_t i;

	for (i = 0; i < s->n && s->p[i] != ' ' && s->p[i] != '\t'; i++)
		;
	word.n = i;
	i += i < s->n;
	*s = cyre_slice(s->p + i, s->n - i);
	return word;
}

/* `TYPE PARTITION TAB ACL`: a value of 2.x but for the blanks. */
static bool read_text(
	struct dump *d, struct cyre_slice line, struct cyre_mbox *m)
{
	const uint8_t *tab = memchr(line.p, '\t', line.n);
	struct cyre_slice name, type = cyre_slice_str("0"), partition, rest;
	uint64_t bits;

	if (!tab || tab == line.p)
		return false;
	name = cyre_slice(line.p, (size_t)(tab - line.p));
	rest = cyre_slice(tab + 1, line.n - name.n - 1);
	partition = take_word(&rest);
	if (cyre_number(partition, &bits) && bits < 32) {
		type = partition;
		partition = take_word(&rest);
	}
	if (!partition.n)
		return false;
	/* A tombstone has no partition. */
	if (cyre_slice_eq(partition, cyre_slice_str("(null)")))
		partition.n = 0;
	cyre_buf_reset(&d->value);
	cyre_put_slice(&d->value, type);
	cyre_put_u8(&d->value, ' ');
	cyre_put_slice(&d->value, partition);
	cyre_put_u8(&d->value, ' ');
	cyre_put_slice(&d->value, rest);
	return !d->value.bad &&
	       cyre_mbox_read(
		       name, cyre_buf_slice(&d->value), false, &d->own, m) &&
	       m->kind == CYRE_MBOXKEY_NAME;
}

/* ---- JSON ---- */

static struct cyre_slice text_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_string(v)
		       ? cyre_slice(json_string_value(v), json_string_length(v))
		       : cyre_slice(NULL, 0);
}

/* Numbers are strings in 3.6 to 3.13. */
static uint64_t number_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	uint64_t n = 0;

	if (json_is_integer(v))
		return json_integer_value(v) < 0
			       ? 0
			       : (uint64_t)json_integer_value(v);
	cyre_number(text_of(o, key), &n);
	return n;
}

static void read_acl(const json_t *o, struct cyre_buf *own, struct cyre_mbox *m)
{
	json_t *acl = json_object_get(o, "acl"), *rights;
	const char *id;

	json_object_foreach(acl, id, rights)
	{
		if (!json_is_string(rights))
			continue;
		cyre_put_str(own, id);
		cyre_put_u8(own, '\t');
		cyre_put(own, json_string_value(rights),
			json_string_length(rights));
		cyre_put_u8(own, '\t');
	}
	m->acl = cyre_buf_slice(own);
}

static bool read_json(const char *name, const json_t *o, struct cyre_buf *own,
	struct cyre_mbox *m)
{
	struct cyre_slice type = text_of(o, "mbtype");

	if (!json_is_object(o) || !*name)
		return false;
	*m = (struct cyre_mbox){.type = 'e',
		.dlist = true,
		.name = cyre_slice_str(name),
		.uniqueid = text_of(o, "uniqueid"),
		.jmapid = text_of(o, "jmapId"),
		.partition = text_of(o, "partition"),
		.server = text_of(o, "server"),
		.uidvalidity = number_of(o, "uidvalidity"),
		.createdmodseq = number_of(o, "createdmodseq"),
		.foldermodseq = number_of(o, "foldermodseq"),
		.mtime = number_of(o, "mtime")};
	cyre_mbox_read_type(type, m);
	cyre_buf_reset(own);
	read_acl(o, own, m);
	return true;
}

static cyre_status give(struct dump *d, const struct cyre_mbox *m)
{
	d->read++;
	return d->own.bad ? CYRE_ENOMEM : d->each(d->payload, m);
}

static cyre_status give_members(struct dump *d, json_t *o)
{
	cyre_status st = CYRE_OK;
	struct cyre_mbox m;
	const char *name;
	json_t *v;

	json_object_foreach(o, name, v)
	{
		if (read_json(name, v, &d->own, &m))
			st = give(d, &m);
		else
			d->skipped++;
		if (st != CYRE_OK)
			break;
	}
	return st;
}

/* `"name": {…},` on a line of its own. */
static cyre_status json_line(struct dump *d, struct cyre_slice line)
{
	struct cyre_buf text = {0};
	cyre_status st = CYRE_OK;
	json_t *o;

	while (line.n &&
		(line.p[line.n - 1] == ',' || line.p[line.n - 1] == ' '))
		line.n--;
	if (line.n < 2)
		return CYRE_OK; /* { and } */
	cyre_put_u8(&text, '{');
	cyre_put_slice(&text, line);
	cyre_put_u8(&text, '}');
	if (text.bad)
		return CYRE_ENOMEM;
	o = json_loadb((const char *)text.p, text.n, 0, NULL);
	if (o)
		st = give_members(d, o);
	else
		d->skipped++;
	json_decref(o);
	cyre_buf_free(&text);
	return st;
}

static cyre_status text_line(struct dump *d, struct cyre_slice line)
{
	struct cyre_mbox m;

	if (line.n && read_text(d, line, &m))
		return give(d, &m);
	if (d->own.bad || d->value.bad)
		return CYRE_ENOMEM;
	d->skipped += line.n > 0;
	return CYRE_OK;
}

cyre_status cyre_mboxdump_read(struct cyre_slice bytes,
	cyre_status (*each)(void *payload, const struct cyre_mbox *m),
	void *payload, uint64_t *ret_skipped)
{
	struct dump d = {.each = each, .payload = payload};
	bool json = bytes.n && bytes.p[0] == '{';
	struct cyre_slice rest = bytes, line;
	cyre_status st = CYRE_OK;

	while (rest.n && st == CYRE_OK) {
		line = take_line(&rest);
		if (line.n > MAX_LINE)
			d.skipped++;
		else
			st = json ? json_line(&d, line) : text_line(&d, line);
	}
	cyre_buf_free(&d.own);
	cyre_buf_free(&d.value);
	if (st == CYRE_OK && !d.read)
		return CYRE_EFORMAT;
	if (st == CYRE_OK)
		*ret_skipped = d.skipped;
	return st;
}
