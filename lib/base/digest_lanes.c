/* digest_lanes.c - see digest_lanes.h. */
#include "digest_lanes.h"

#ifdef CYRE_HAVE_IPSEC_MB
#define NO_COMPAT_IMB_API_053 /* its old names are OpenSSL's */
#include <intel-ipsec-mb.h>

struct cyre_lanes *cyre_lanes_new(void)
{
	IMB_MGR *m = alloc_mb_mgr(0);

	if (!m)
		return NULL;
	init_mb_mgr_auto(m, NULL);
	if (imb_get_errno(m)) {
		free_mb_mgr(m);
		return NULL;
	}
	return (struct cyre_lanes *)m;
}

void cyre_lanes_free(struct cyre_lanes *lanes)
{
	if (lanes)
		free_mb_mgr((IMB_MGR *)lanes);
}

static size_t count_done(const IMB_JOB *job)
{
	return job && job->status == IMB_STATUS_COMPLETED;
}

/* A job's turn comes when enough others fill the lanes, or by the flush. */
bool cyre_lanes_sha1(
	struct cyre_lanes *lanes, struct cyre_sum *const *sums, size_t n)
{
	IMB_MGR *m = (IMB_MGR *)lanes;
	size_t i, done = 0;
	IMB_JOB *job;

	for (i = 0; i < n; i++) {
		job = IMB_GET_NEXT_JOB(m);
		*job = (IMB_JOB){
			.src = sums[i]->bytes.p,
			.msg_len_to_hash_in_bytes = sums[i]->bytes.n,
			.auth_tag_output = sums[i]->sha1,
			.auth_tag_output_len_in_bytes = CYRE_SHA1_LEN,
			.cipher_mode = IMB_CIPHER_NULL,
			.cipher_direction = IMB_DIR_ENCRYPT,
			.hash_alg = IMB_AUTH_SHA_1,
			.chain_order = IMB_ORDER_HASH_CIPHER,
		};
		for (job = IMB_SUBMIT_JOB(m); job;
			job = IMB_GET_COMPLETED_JOB(m))
			done += count_done(job);
	}
	while ((job = IMB_FLUSH_JOB(m)))
		done += count_done(job);
	return done == n;
}
#else
struct cyre_lanes *cyre_lanes_new(void)
{
	return NULL;
}

void cyre_lanes_free(struct cyre_lanes *lanes)
{
	(void)lanes;
}

bool cyre_lanes_sha1(
	struct cyre_lanes *lanes, struct cyre_sum *const *sums, size_t n)
{
	(void)lanes;
	(void)sums;
	return n == 0;
}
#endif
