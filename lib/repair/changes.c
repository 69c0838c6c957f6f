/* changes.c - see changes.h. Reading is by jansson. */
#include "changes.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "json.h"

static const char *const kinds[] = {"write", "remove", "move", "mkdir"};

/* The text needs no escape of JSON's. */
static void put_member(struct cyre_json *j, const char *key, const char *s)
{
	struct cyre_buf text = {0};

	if (!s)
		return;
	cyre_put_percent(&text, s);
	if (text.bad)
		j->b->bad = true;
	cyre_json_key(j, key);
	cyre_json_slice(j, cyre_buf_slice(&text));
	cyre_buf_free(&text);
}

static void put_identity(struct cyre_json *j, const char *size_key,
	const char *sha_key, const struct cyre_identity *id)
{
	char hex[2 * CYRE_SHA256_LEN + 1];

	if (!id->exists)
		return;
	cyre_to_hex(id->sha256, CYRE_SHA256_LEN, hex);
	cyre_json_member_number(j, size_key, id->size);
	cyre_json_member(j, sha_key, hex);
}

void cyre_changes_begin(struct cyre_buf *b, const char *run, const char *root)
{
	struct cyre_json j = {.b = b};

	cyre_json_begin(&j, '{');
	cyre_json_member(&j, "format", CYRE_UNDO_FORMAT);
	cyre_json_member(&j, "tool", "cyrescue " CYRE_VERSION);
	cyre_json_member(&j, "run", run);
	put_member(&j, "root", root);
	cyre_json_end(&j, '}');
	cyre_put_u8(b, '\n');
}

void cyre_changes_put(struct cyre_buf *b, const struct cyre_done *d)
{
	struct cyre_json j = {.b = b};

	cyre_json_begin(&j, '{');
	cyre_json_member(&j, "kind", kinds[d->kind]);
	cyre_json_member(&j, "mboxname", d->mboxname);
	if (d->apart) {
		cyre_json_key(&j, "apart");
		cyre_json_bool(&j, true);
	}
	put_member(&j, "root", d->root);
	put_member(&j, "dir", d->dir);
	put_member(&j, "name", d->name);
	put_member(&j, "to_dir", d->to_dir);
	put_member(&j, "to_name", d->to_name);
	if (d->before.other) {
		cyre_json_key(&j, "before_other");
		cyre_json_bool(&j, true);
	} else {
		put_identity(&j, "before_size", "before_sha256", &d->before);
	}
	put_identity(&j, "after_size", "after_sha256", &d->after);
	cyre_json_end(&j, '}');
	cyre_put_u8(b, '\n');
}

void cyre_put_place(
	struct cyre_buf *b, const char *root, const char *dir, const char *name)
{
	size_t n = strlen(root);

	while (n && root[n - 1] == '/')
		n--;
	cyre_put(b, root, n);
	if (*dir) {
		cyre_put_u8(b, '/');
		cyre_put_str(b, dir);
	}
	if (name) {
		cyre_put_u8(b, '/');
		cyre_put_str(b, name);
	}
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* %XX undone, into new memory. CYRE_OK with NULL when the key is absent. */
static cyre_status get_string(
	const json_t *o, const char *key, bool escaped, const char **ret)
{
	const json_t *v = json_object_get(o, key);
	const char *s;
	char *p, *to;

	if (!v)
		return CYRE_OK;
	s = json_string_value(v);
	if (!s || json_string_length(v) != strlen(s))
		return CYRE_EFORMAT;
	*ret = p = to = malloc(strlen(s) + 1);
	if (!p)
		return CYRE_ENOMEM;
	for (; *s; s++) {
		int hi = 0, lo = 0;

		if (escaped && *s == '%') {
			hi = nibble(s[1]);
			lo = hi < 0 ? -1 : nibble(s[2]);
			if (lo < 0 || hi + lo == 0)
				return CYRE_EFORMAT;
			*to++ = (char)(hi << 4 | lo);
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
	return CYRE_OK;
}

static cyre_status get_identity(const json_t *o, const char *size_key,
	const char *sha_key, struct cyre_identity *ret)
{
	const json_t *size = json_object_get(o, size_key);
	const json_t *sha = json_object_get(o, sha_key);
	const char *hex = json_string_value(sha);
	size_t i;

	if (!size && !sha)
		return CYRE_OK;
	if (!json_is_integer(size) || json_integer_value(size) < 0 || !hex ||
		json_string_length(sha) != (size_t)2 * CYRE_SHA256_LEN)
		return CYRE_EFORMAT;
	ret->exists = true;
	ret->size = (uint64_t)json_integer_value(size);
	for (i = 0; i < CYRE_SHA256_LEN; i++) {
		int hi = nibble(hex[2 * i]), lo = nibble(hex[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return CYRE_EFORMAT;
		ret->sha256[i] = (uint8_t)(hi << 4 | lo);
	}
	return CYRE_OK;
}

static bool is_component(const char *s)
{
	return s && *s && !strchr(s, '/') && strcmp(s, ".") != 0 &&
	       strcmp(s, "..") != 0;
}

/* Below its root: no leading slash, no component that is "..". */
static bool is_below(const char *s)
{
	if (!s || *s == '/')
		return false;
	while (*s) {
		size_t n = strcspn(s, "/");

		if (n == 2 && s[0] == '.' && s[1] == '.')
			return false;
		s += n;
		s += strspn(s, "/");
	}
	return true;
}

static bool is_possible(const struct cyre_done *d)
{
	if (!d->root || d->root[0] != '/' || !is_below(d->dir))
		return false;
	if (d->kind != CYRE_DONE_MKDIR && !is_component(d->name))
		return false;
	switch (d->kind) {
	case CYRE_DONE_WRITE:
		return d->after.exists && !d->before.other;
	case CYRE_DONE_REMOVE:
		return d->before.exists && !d->before.other && !d->after.exists;
	case CYRE_DONE_MOVE:
		return d->before.exists && is_below(d->to_dir) &&
		       is_component(d->to_name);
	case CYRE_DONE_MKDIR:
		return *d->dir != '\0';
	}
	return false;
}

static cyre_status get_done(const json_t *o, struct cyre_done *d)
{
	const char *kind = json_string_value(json_object_get(o, "kind"));
	const struct {
		const char *key;
		const char **to;
	} strings[] = {{"root", &d->root}, {"dir", &d->dir}, {"name", &d->name},
		{"to_dir", &d->to_dir}, {"to_name", &d->to_name}};
	cyre_status st;
	size_t i;

	for (i = 0; kind && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kind, kinds[i]))
			break;
	if (!kind || i == sizeof(kinds) / sizeof(*kinds))
		return CYRE_EFORMAT;
	d->kind = (enum cyre_done_kind)i;
	st = get_string(o, "mboxname", false, &d->mboxname);
	for (i = 0; st == CYRE_OK && i < sizeof(strings) / sizeof(*strings);
		i++)
		st = get_string(o, strings[i].key, true, strings[i].to);
	if (st == CYRE_OK)
		st = get_identity(
			o, "before_size", "before_sha256", &d->before);
	if (st == CYRE_OK)
		st = get_identity(o, "after_size", "after_sha256", &d->after);
	d->apart = json_is_true(json_object_get(o, "apart"));
	if (json_is_true(json_object_get(o, "before_other")))
		d->before =
			(struct cyre_identity){.exists = true, .other = true};
	return st == CYRE_OK && !is_possible(d) ? CYRE_EFORMAT : st;
}

static cyre_status get_head(const json_t *o, const char **ret_root)
{
	const char *format = json_string_value(json_object_get(o, "format"));

	if (!format || strncmp(format, "cyrescue-undo/", 14) != 0)
		return CYRE_EFORMAT;
	return strcmp(format, CYRE_UNDO_FORMAT) != 0
		       ? CYRE_EUNSUPPORTED
		       : get_string(o, "root", true, ret_root);
}

/* Room for one more, zeroed and counted, so that free() sees it. */
static struct cyre_done *add(struct cyre_changes *list)
{
	struct cyre_done *p;

	p = cyre_grow(list->items, list->n, &list->cap, sizeof(*list->items));
	if (!p)
		return NULL;
	list->items = p;
	list->items[list->n] = (struct cyre_done){0};
	return &list->items[list->n++];
}

static cyre_status read_line(
	struct cyre_slice line, bool first, struct cyre_changes *list)
{
	json_t *o = json_loadb(
		(const char *)line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
	struct cyre_done *d;
	cyre_status st;

	if (!json_is_object(o)) {
		st = CYRE_EFORMAT;
	} else if (first) {
		st = get_head(o, &list->root);
	} else {
		d = add(list);
		st = d ? get_done(o, d) : CYRE_ENOMEM;
	}
	json_decref(o);
	return st;
}

cyre_status cyre_changes_read(struct cyre_slice bytes, struct cyre_changes *ret)
{
	struct cyre_changes list = {0};
	cyre_status st = bytes.n ? CYRE_OK : CYRE_EFORMAT;
	size_t at = 0;

	while (st == CYRE_OK && at < bytes.n) {
		const uint8_t *p = bytes.p + at;
		const uint8_t *lf = memchr(p, '\n', bytes.n - at);

		if (!lf) {
			st = CYRE_EFORMAT;
			break;
		}
		st = read_line(cyre_slice(p, (size_t)(lf - p)), at == 0, &list);
		at += (size_t)(lf - p) + 1;
	}
	if (st != CYRE_OK)
		cyre_changes_free(&list);
	else
		*ret = list;
	return st;
}

void cyre_changes_free(struct cyre_changes *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		struct cyre_done *d = &list->items[i];

		free((void *)d->mboxname);
		free((void *)d->root);
		free((void *)d->dir);
		free((void *)d->name);
		free((void *)d->to_dir);
		free((void *)d->to_name);
	}
	free((void *)list->root);
	free(list->items);
	*list = (struct cyre_changes){0};
}
