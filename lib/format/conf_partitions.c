/*
 * conf_partitions.c - the options of imapd.conf that name partitions, as a list
 *
 * docs/formats/layout.md sections 1 and 6.
 */
#include "conf_parts.h"

#include <stdlib.h>
#include <string.h>

/* n_partitions: there is none. */
static size_t find(const struct cyre_conf *conf, const char *name)
{
	size_t i;

	for (i = 0; i < conf->n_partitions; i++)
		if (!strcmp(conf->partitions[i].name, name))
			break;
	return i;
}

/* The one of this name, made when it is not there; NULL: no memory. */
static struct cyre_partition *get_partition(
	struct cyre_conf *conf, const char *name)
{
	size_t i = find(conf, name), n = conf->n_partitions;
	struct cyre_partition *p;

	if (i < n)
		return &conf->partitions[i];
	p = reallocarray(conf->partitions, n + 1, sizeof(*p));
	if (!p)
		return NULL;
	conf->partitions = p;
	p[n] = (struct cyre_partition){.name = strdup(name)};
	if (!p[n].name)
		return NULL;
	conf->n_partitions++;
	return &p[n];
}

/* The part of the name behind `prefix`, NULL when it does not begin so. */
static const char *behind(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) != 0 || !name[n] ? NULL : name + n;
}

/* metadir-KIND-NAME; annotations are with the index (layout.md section 6). */
static const char *metadir(const char *name, unsigned *ret_kind)
{
	const char *rest = behind(name, "metadir-"), *part;
	unsigned k;

	for (k = 0; rest && k < CYRE_META_COUNT; k++) {
		const char *word = cyre_meta_name((enum cyre_meta)k);
		size_t n = strlen(word);

		if (strncmp(rest, word, n) != 0 || rest[n] != '-')
			continue;
		part = rest + n + 1;
		*ret_kind = k;
		return *part ? part : NULL;
	}
	return NULL;
}

static cyre_status add_root(struct cyre_conf *conf,
	const struct cyre_conf_option *o, struct cyre_findings *found)
{
	const char *data = behind(o->name, "partition-");
	const char *meta = behind(o->name, "metapartition-");
	const char *archive = behind(o->name, "archivepartition-");
	unsigned kind = 0;
	const char *dir = metadir(o->name, &kind);
	const char *name = data ? data : meta ? meta : archive ? archive : dir;
	struct cyre_partition *p;

	if (!name)
		return CYRE_OK;
	if (o->value[0] != '/') {
		cyre_conf_complain(
			found, CYRE_P_CONF_RELATIVE_PATH, o->name, o->value);
		return CYRE_OK;
	}
	p = get_partition(conf, name);
	if (!p)
		return CYRE_ENOMEM;
	if (data)
		p->data = o->value;
	else if (meta)
		p->meta = o->value;
	else if (archive)
		p->archive = o->value;
	else
		p->metadir[kind] = o->value;
	return CYRE_OK;
}

static int by_name(const void *va, const void *vb)
{
	const struct cyre_partition *a = va, *b = vb;

	return strcmp(a->name, b->name);
}

cyre_status cyre_conf_collect_partitions(
	struct cyre_conf *conf, struct cyre_findings *found)
{
	cyre_status st = CYRE_OK;
	size_t i, n_data = 0;

	for (i = 0; i < conf->n_partitions; i++)
		free(conf->partitions[i].name);
	conf->n_partitions = 0;
	for (i = 0; i < conf->n_options && st == CYRE_OK; i++)
		st = add_root(conf, &conf->options[i], found);
	for (i = 0; i < conf->n_partitions; i++) {
		struct cyre_partition *p = &conf->partitions[i];

		p->metadir[CYRE_META_ANNOTATIONS] = p->metadir[CYRE_META_INDEX];
		if (p->data)
			n_data++;
		else
			cyre_conf_complain(
				found, CYRE_P_CONF_NO_DATA_ROOT, p->name, NULL);
	}
	if (conf->n_partitions > 1)
		qsort(conf->partitions, conf->n_partitions,
			sizeof(*conf->partitions), by_name);
	if (n_data == 0)
		cyre_conf_complain(found, CYRE_P_CONF_NO_PARTITION,
			"partition-NAME", NULL);
	return st;
}

const struct cyre_partition *cyre_conf_partition(
	const struct cyre_conf *conf, const char *name)
{
	size_t i = find(conf, name);

	return i < conf->n_partitions ? &conf->partitions[i] : NULL;
}

const char *cyre_conf_meta_root(const struct cyre_conf *conf,
	const struct cyre_partition *part, enum cyre_meta kind)
{
	if (part->metadir[kind])
		return part->metadir[kind];
	if (part->meta && conf->metapartition_files & 1u << kind)
		return part->meta;
	if (kind == CYRE_META_ARCHIVECACHE && part->archive)
		return part->archive;
	return part->data;
}
