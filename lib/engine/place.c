/*
 * place.c - the configuration of a run: read, summed, asked for its owner
 *
 * Reads imapd.conf with what it includes, or takes bare directories for
 * partitions. Opens no mailbox.
 */
#include <cyrescue/place.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>

#include "conf.h"
#include "conf_load.h"
#include "digest.h"
#include "read_file.h"

#define CONF_LIMIT (16u << 20) /* bytes; no imapd.conf comes near */

void cyre_place_path(const struct cyre_source_place *place, const char *path,
	struct cyre_buf *ret)
{
	const char *root = place->root ? place->root : "";
	size_t n = strlen(root);

	while (n && root[n - 1] == '/')
		n--;
	cyre_put(ret, root, n);
	if (n && *path != '/')
		cyre_put_u8(ret, '/');
	cyre_put_str(ret, path);
}

/* The path below the root, as a string; the buffer owns it. */
static const char *rooted(const struct cyre_source_place *place,
	const char *path, struct cyre_buf *b)
{
	cyre_buf_reset(b);
	cyre_place_path(place, path, b);
	cyre_put_u8(b, '\0');
	return b->bad ? NULL : (const char *)b->p;
}

static cyre_status read_conf(const struct cyre_source_place *place,
	const char *path, struct cyre_buf *ret, struct cyre_error *reterr)
{
	struct cyre_buf where = {0};
	const char *full = rooted(place, path, &where);
	cyre_status st = CYRE_ENOMEM;

	ret->limit = CONF_LIMIT;
	if (full)
		st = cyre_read_path(full, ret, reterr);
	cyre_buf_free(&where);
	return st;
}

static cyre_status include(
	void *payload, const char *path, struct cyre_buf *ret)
{
	return read_conf(payload, path, ret, NULL);
}

static cyre_status add_file(struct cyre_conf *conf,
	const struct cyre_source_place *place, struct cyre_findings *found,
	struct cyre_error *reterr)
{
	struct cyre_conf_reader reader = {
		.include = include, .payload = (void *)(uintptr_t)place};
	struct cyre_buf text = {0};
	cyre_status st = read_conf(place, place->config, &text, reterr);

	if (st == CYRE_OK)
		st = cyre_conf_read(conf, cyre_buf_slice(&text), place->config,
			&reader, found);
	cyre_buf_free(&text);
	return st;
}

/* --spool: the first is partition-default, the others spool2, spool3 … */
static cyre_status add_roots(
	struct cyre_conf *conf, const struct cyre_source_place *place)
{
	cyre_status st = CYRE_OK;
	char part[32], name[64];
	size_t i;

	if (place->confdir)
		st = cyre_conf_set(conf, "configdirectory", place->confdir);
	for (i = 0; st == CYRE_OK && i < place->n_spools; i++) {
		snprintf(part, sizeof(part), i ? "spool%zu" : "default", i + 1);
		snprintf(name, sizeof(name), "partition-%s", part);
		st = cyre_conf_set(conf, name, place->spools[i]);
		if (st != CYRE_OK || i >= place->n_metas || !*place->metas[i])
			continue;
		snprintf(name, sizeof(name), "metapartition-%s", part);
		st = cyre_conf_set(conf, name, place->metas[i]);
		if (st == CYRE_OK)
			st = cyre_conf_set(conf, "metapartition_files",
				"header index cache expunge annotations");
	}
	return st;
}

cyre_status cyre_conf_load(const struct cyre_source_place *place,
	struct cyre_findings *found, struct cyre_conf **ret,
	struct cyre_error *reterr)
{
	struct cyre_conf *conf;
	cyre_status st = cyre_conf_new(&conf);

	if (st != CYRE_OK)
		return st;
	if (place->config)
		st = add_file(conf, place, found, reterr);
	if (st == CYRE_OK)
		st = add_roots(conf, place);
	if (st == CYRE_OK)
		st = cyre_conf_finish(conf, 0, found);
	if (st != CYRE_OK) {
		cyre_conf_free(conf);
		return st;
	}
	*ret = conf;
	return CYRE_OK;
}

static bool owner_by_name(
	const struct cyre_conf *conf, struct cyre_place_owner *ret)
{
	const char *user = conf->cyrus_user, *group = conf->cyrus_group;
	struct passwd pw, *p = NULL;
	struct group gr, *g = NULL;
	char mem[4096];

	if (!user || getpwnam_r(user, &pw, mem, sizeof(mem), &p) || !p)
		return false;
	*ret = (struct cyre_place_owner){p->pw_uid, p->pw_gid};
	if (group && !getgrnam_r(group, &gr, mem, sizeof(mem), &g) && g)
		ret->gid = g->gr_gid;
	return true;
}

static bool owner_of(const struct cyre_source_place *place, const char *path,
	struct cyre_place_owner *ret, struct cyre_error *reterr)
{
	struct cyre_buf where = {0};
	const char *full = path ? rooted(place, path, &where) : NULL;
	struct stat sb;
	bool ok = full && stat(full, &sb) == 0;

	if (ok)
		*ret = (struct cyre_place_owner){sb.st_uid, sb.st_gid};
	else if (full && reterr) {
		*reterr = (struct cyre_error){.errnum = errno, .call = "stat"};
		snprintf(reterr->path, sizeof(reterr->path), "%s", full);
	}
	cyre_buf_free(&where);
	return ok;
}

cyre_status cyre_place_owner(const struct cyre_source_place *place,
	struct cyre_place_owner *ret, struct cyre_error *reterr)
{
	struct cyre_findings ignored = {0};
	struct cyre_conf *conf;
	cyre_status st = cyre_conf_load(place, &ignored, &conf, reterr);
	bool ok;
	size_t i;

	cyre_findings_free(&ignored);
	if (st != CYRE_OK)
		return st;
	/* Names are those of this host: below another root only owners of
	 * directories are the server's. */
	ok = (!place->root && owner_by_name(conf, ret)) ||
	     owner_of(place, conf->configdirectory, ret, reterr);
	for (i = 0; !ok && i < conf->n_partitions; i++)
		ok = owner_of(place, conf->partitions[i].data, ret, reterr);
	cyre_conf_free(conf);
	return ok ? CYRE_OK : CYRE_EIO;
}

cyre_status cyre_place_config_sum(
	const struct cyre_source_place *place, char ret[65])
{
	struct cyre_buf text = {0};
	uint8_t sum[CYRE_SHA256_LEN];
	struct cyre_hasher *h;
	cyre_status st;

	if (!place->config)
		return CYRE_EIO;
	st = cyre_hasher_new(&h);
	if (st != CYRE_OK)
		return st;
	st = read_conf(place, place->config, &text, NULL);
	if (st == CYRE_OK)
		st = cyre_sha256(h, cyre_buf_slice(&text), sum);
	if (st == CYRE_OK)
		cyre_to_hex(sum, CYRE_SHA256_LEN, ret);
	cyre_hasher_free(h);
	cyre_buf_free(&text);
	return st;
}
