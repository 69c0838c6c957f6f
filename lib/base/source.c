/* source.c - see source.h. */
#include "source.h"

static cyre_status view_mem(struct cyre_source *src, uint64_t off, size_t want,
	struct cyre_slice *ret)
{
	(void)want;
	if (off > src->mem.n)
		off = src->mem.n;
	*ret = cyre_slice(src->mem.p + off, src->mem.n - (size_t)off);
	return CYRE_OK;
}

struct cyre_source cyre_source_mem(struct cyre_slice bytes)
{
	return (struct cyre_source){
		.size = bytes.n, .view = view_mem, .mem = bytes};
}
