/*
 * fuzz_names.c - names and paths: the input is a name, a directory and a
 * pattern, one a line; a directory read exactly must lead back to itself.
 */
#include "layout.h"
#include "names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_layout(
	struct cyre_layout l, struct cyre_slice name, struct cyre_slice dir)
{
	struct cyre_buf a = {0}, b = {0};
	struct cyre_place p;

	if (cyre_layout_dir(&l, name, &a))
		cyre_layout_place(&l, cyre_buf_slice(&a), &b);
	cyre_buf_reset(&a);
	cyre_buf_reset(&b);
	p = cyre_layout_place(&l, dir, &a);
	if (p.kind == CYRE_PLACE_NAME && !p.misplaced) {
		l.hash = p.hash;
		if (!cyre_layout_dir(&l, cyre_buf_slice(&a), &b))
			abort();
		/* The full hash of a `^` has two forms. */
		if (p.hash != CYRE_HASH_FULL && !b.bad &&
			!cyre_slice_eq(cyre_buf_slice(&b), dir))
			abort();
	}
	cyre_buf_reset(&b);
	cyre_layout_user_file(&l, name, dir, "seen", &b);
	cyre_layout_quota_file(&l, name, &b);
	cyre_layout_user_id_file(name, "seen", &b);
	cyre_buf_free(&a);
	cyre_buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cyre_slice rest = cyre_slice(data, size);
	struct cyre_slice name = {0}, dir = {0}, pattern = {0}, old;
	struct cyre_conf conf = {.deletedprefix = "DELETED",
		.defaultdomain = "d",
		.virtdomains = CYRE_VIRT_ON};
	struct cyre_buf b = {0};
	uint64_t when;
	int i;

	if (size == 0 || size > 2000)
		return 0;
	cyre_name_component(&rest, '\n', &name);
	cyre_name_component(&rest, '\n', &dir);
	cyre_name_component(&rest, '\n', &pattern);
	for (i = 0; i < 2; i++) {
		conf.unixhierarchysep = i;
		cyre_name_external(&conf, name, &b);
		cyre_name_internal(&conf, name, &b);
		cyre_name_userid(&conf, name, &b);
		cyre_name_is_deleted(&conf, name, &old, &when);
		cyre_name_is_inbox(name);
		cyre_name_display(name, &b);
		cyre_name_match(pattern, name, '.');
	}
	cyre_buf_free(&b);
	for (i = 0; i < 24; i++)
		try_layout((struct cyre_layout){.hash = (enum cyre_hash)(i % 3),
				   .user_hash = (enum cyre_hash)(i % 3),
				   .caret = i & 1 ? CYRE_CARET_UNKNOWN
						  : CYRE_CARET_PLAIN,
				   .domains = i & 4,
				   .guess = i & 8},
			name, dir);
	return 0;
}
