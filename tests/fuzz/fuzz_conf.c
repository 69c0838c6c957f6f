/* fuzz_conf.c - imapd.conf; each @include reads the same bytes again. */
#include "conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static cyre_status include(
	void *payload, const char *path, struct cyre_buf *ret)
{
	(void)path;
	cyre_put_slice(ret, *(const struct cyre_slice *)payload);
	return ret->bad ? CYRE_ENOMEM : CYRE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cyre_slice text = cyre_slice(data, size);
	struct cyre_conf_reader reader = {include, &text};
	struct cyre_findings found = {.keep = 10};
	struct cyre_conf *conf;
	size_t i;
	int k;

	if (size > 1 << 16 || cyre_conf_new(&conf) != CYRE_OK)
		return 0;
	if (cyre_conf_read(conf, text, "/imapd.conf", &reader, &found) ==
			CYRE_OK &&
		cyre_conf_finish(conf, size % 2 ? CYRE_RELEASE(2, 3) : 0,
			&found) == CYRE_OK)
		for (i = 0; i < conf->n_partitions; i++)
			for (k = 0; k < CYRE_META_COUNT; k++)
				cyre_conf_meta_root(conf, &conf->partitions[i],
					(enum cyre_meta)k);
	cyre_conf_free(conf);
	cyre_findings_free(&found);
	return 0;
}
