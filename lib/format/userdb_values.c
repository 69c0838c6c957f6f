/* userdb_values.c - annotations and conversations; see userdb.h. */
#include <stdlib.h>

#include "dlist.h"
#include "grow.h"
#include "number.h"
#include "userdb.h"

/*
 * The odd integer of annotations: htonl() into a long of the host. 8 bytes with
 * the value first (little-endian hosts of 64 bits), 4 bytes, or 8 bytes
 * big-endian. `width` is 8, 4 and 80 for these.
 */
enum odd_form { ODD_LE64, ODD_32, ODD_BE64 };

static uint64_t get_odd(struct cyre_cur *c, enum odd_form form)
{
	uint64_t v;

	if (form == ODD_BE64)
		return cyre_get_be64(c);
	v = cyre_get_be32(c);
	if (form == ODD_LE64 && cyre_get_be32(c))
		c->bad = true;
	return v;
}

static bool read_value(
	struct cyre_slice value, enum odd_form form, struct cyre_annotation *a)
{
	struct cyre_cur c = cyre_cur(value);
	uint64_t n = get_odd(&c, form);
	const uint8_t *p = cyre_get_bytes(&c, n), *end;

	if (!p || cyre_get_u8(&c) != 0 || c.bad)
		return false;
	a->value = cyre_slice(p, (size_t)n);
	if (!cyre_cur_left(&c))
		return true;
	/* There is always a type; an empty one tells the wrong form. */
	end = memchr(c.p, 0, cyre_cur_left(&c));
	if (!end || end == c.p)
		return false;
	a->type = cyre_slice(c.p, (size_t)(end - c.p));
	c.p = end + 1;
	a->modified = get_odd(&c, form);
	if (c.bad)
		return form != ODD_LE64;
	if (cyre_cur_left(&c) >= 9) {
		a->modseq = cyre_get_be64(&c);
		a->deleted = cyre_get_u8(&c) & 1;
	}
	return true;
}

/* The next part of a key, up to its NUL or the end. */
static struct cyre_slice take_part(struct cyre_slice *key)
{
	const uint8_t *nul = key->n ? memchr(key->p, 0, key->n) : NULL;
	struct cyre_slice part = *key;

	if (!nul) {
		*key = cyre_slice(NULL, 0);
		return part;
	}
	part.n = (size_t)(nul - key->p);
	*key = cyre_slice(nul + 1, key->n - part.n - 1);
	return part;
}

bool cyre_annotation_read(struct cyre_slice key, struct cyre_slice value,
	struct cyre_annotation *ret)
{
	struct cyre_annotation a;
	int form;

	for (form = ODD_LE64; form <= ODD_BE64; form++) {
		a = (struct cyre_annotation){.modified = 0};
		if (read_value(value, (enum odd_form)form, &a))
			break;
	}
	if (form > ODD_BE64)
		return false;
	a.scope = take_part(&key);
	a.entry = take_part(&key);
	a.userid = take_part(&key);
	if (!a.entry.n || a.entry.p[0] != '/')
		return false;
	if (cyre_slice_eq(a.userid, cyre_slice_str("[.OwNeR.]"))) {
		a.owner = true;
		a.userid.n = 0;
	}
	*ret = a;
	return true;
}

/* G, 40 hexadecimal digits, `:FOLDER:UID`, `[PART]`. */
static bool read_guid_key(struct cyre_slice key, struct cyre_conv_guid *g)
{
	uint64_t v[2] = {0};
	const uint8_t *start;
	struct cyre_cur c;
	int i;

	if (key.n < 43 || key.p[0] != 'G' || key.p[41] != ':')
		return false;
	for (i = 0; i < 20; i++) {
		if (!cyre_hex_number(cyre_slice(key.p + 1 + 2 * i, 2), &v[0]))
			return false;
		g->guid[i] = (uint8_t)v[0];
	}
	c = cyre_cur(cyre_slice(key.p + 42, key.n - 42));
	for (i = 0; i < 2; i++) {
		start = c.p;
		while (c.p < c.end && *c.p >= '0' && *c.p <= '9')
			c.p++;
		if (!cyre_number(
			    cyre_slice(start, (size_t)(c.p - start)), &v[i]) ||
			v[i] > UINT32_MAX)
			return false;
		if (i == 0 && (c.p == c.end || *c.p++ != ':'))
			return false;
	}
	g->folder = (uint32_t)v[0];
	g->uid = (uint32_t)v[1];
	if (c.p == c.end)
		return true;
	if (*c.p != '[' || c.end[-1] != ']')
		return false;
	g->part = cyre_slice(c.p + 1, (size_t)(c.end - c.p) - 2);
	return true;
}

bool cyre_conv_guid_read(struct cyre_slice key, struct cyre_slice value,
	struct cyre_conv_guid *ret)
{
	struct cyre_conv_guid g = {.version = 0};
	struct cyre_cur c = cyre_cur(value);
	uint8_t first;

	if (!read_guid_key(key, &g))
		return false;
	if (!value.n || !(value.p[0] & 0x80)) {
		cyre_hex_number(value, &g.cid);
		*ret = g;
		return true;
	}
	first = cyre_get_u8(&c);
	g.version = first & 0x7f;
	g.cid = cyre_get_be64(&c);
	g.system_flags = cyre_get_be32(&c);
	g.internal_flags = cyre_get_be32(&c);
	g.internaldate_ns = cyre_get_be64(&c);
	if (c.bad || g.version == 0 || g.version > 4)
		return false;
	/* Whole seconds up to 3.12, nanoseconds in 3.13. */
	if (g.version < 4 && g.internaldate_ns < UINT64_MAX / 1000000000u)
		g.internaldate_ns *= 1000000000u;
	g.has_flags = true;
	*ret = g;
	return true;
}

static int by_name(const void *va, const void *vb)
{
	const struct cyre_conv_folder *a = va, *b = vb;
	int d = cyre_slice_compare(a->name, b->name);

	return d ? d : (a->number > b->number) - (a->number < b->number);
}

static bool add_folder(struct cyre_conv_folders *f, size_t *cap,
	struct cyre_slice name, uint32_t number)
{
	struct cyre_conv_folder *grown;

	grown = cyre_grow(f->items, f->n, cap, sizeof(*f->items));
	if (!grown)
		return false;
	f->items = grown;
	f->items[f->n++] = (struct cyre_conv_folder){name, number};
	return true;
}

cyre_status cyre_conv_folders_read(
	struct cyre_slice value, struct cyre_conv_folders *ret)
{
	struct cyre_conv_folders f = {.own = malloc(value.n + 1)};
	struct cyre_slice word, none = cyre_slice_str("-");
	enum cyre_dlist_kind k;
	struct cyre_dlist d;
	size_t cap = 0;
	uint32_t i;

	if (!f.own)
		return CYRE_ENOMEM;
	cyre_dlist_begin(&d, value, f.own);
	if (cyre_dlist_next(&d, &word) != CYRE_DLIST_LIST)
		goto out;
	/* Deleted ones leave a `-`, so that numbers stay. */
	for (i = 0; (k = cyre_dlist_next(&d, &word)) != CYRE_DLIST_END; i++) {
		if (k != CYRE_DLIST_NIL && !cyre_dlist_is_string(k))
			break;
		if (!word.n || cyre_slice_eq(word, none))
			continue;
		if (!add_folder(&f, &cap, word, i)) {
			cyre_conv_folders_free(&f);
			return CYRE_ENOMEM;
		}
	}
	if (f.n)
		qsort(f.items, f.n, sizeof(*f.items), by_name);
out:
	*ret = f;
	return CYRE_OK;
}

void cyre_conv_folders_free(struct cyre_conv_folders *f)
{
	free(f->items);
	free(f->own);
	*f = (struct cyre_conv_folders){0};
}

bool cyre_conv_folder_number(const struct cyre_conv_folders *f,
	struct cyre_slice folder, uint32_t *ret)
{
	struct cyre_conv_folder want = {.name = folder};
	size_t i = cyre_seek(&want, f->items, f->n, sizeof(want), by_name);

	if (i == f->n || !cyre_slice_eq(f->items[i].name, folder))
		return false;
	*ret = f->items[i].number;
	return true;
}
