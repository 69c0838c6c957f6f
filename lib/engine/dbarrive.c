/*
 * dbarrive.c - see dbarrive.h
 *
 * One lock and one condition: the reader tells every megabyte how far it is. The
 * bytes before that do not change any more, so that they are looked at without
 * the lock.
 */
#include "dbarrive.h"

#include <pthread.h>

#include "read_file.h"

#define ENOUGH 64 /* bytes, to know what it is */

struct arriving {
	const char *path;
	struct cyre_buf *bytes;
	struct cyre_error *error;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct cyre_slice there;
	uint64_t size; /* that the file had when it was opened */
	bool ended;
	cyre_status st; /* once it has ended */
};

static void tell(void *payload, struct cyre_slice there, uint64_t size)
{
	struct arriving *a = payload;

	pthread_mutex_lock(&a->lock);
	a->there = there;
	a->size = size;
	pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->lock);
}

static void *run_reader(void *payload)
{
	struct arriving *a = payload;
	cyre_status st =
		cyre_read_path_told(a->path, a->bytes, tell, a, a->error);

	pthread_mutex_lock(&a->lock);
	a->ended = true;
	a->st = st;
	pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

static uint64_t wait_for(void *payload, uint64_t n)
{
	struct arriving *a = payload;
	uint64_t there;

	pthread_mutex_lock(&a->lock);
	while (a->there.n < n && !a->ended)
		pthread_cond_wait(&a->more, &a->lock);
	there = a->there.n < n ? UINT64_MAX : a->there.n;
	pthread_mutex_unlock(&a->lock);
	return there;
}

/* The file that is to come; of no bytes when it is too small to begin with. */
static struct cyre_slice begun(struct arriving *a)
{
	struct cyre_slice s = {NULL, 0};

	if (wait_for(a, ENOUGH) == UINT64_MAX)
		return s;
	pthread_mutex_lock(&a->lock);
	s = cyre_slice(a->there.p, (size_t)a->size);
	pthread_mutex_unlock(&a->lock);
	return s;
}

cyre_status cyre_dbarrive(const char *path, struct cyre_buf *bytes,
	struct cyre_findings *found, struct cyre_db **ret_db,
	struct cyre_error *reterr)
{
	struct arriving a = {.path = path,
		.bytes = bytes,
		.error = reterr,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.more = PTHREAD_COND_INITIALIZER};
	struct cyre_db_arrival arrival = {wait_for, &a};
	struct cyre_findings own = {.keep = found->keep};
	cyre_status st = CYRE_EFORMAT;
	struct cyre_slice file;
	pthread_t reader;

	*ret_db = NULL;
	if (pthread_create(&reader, NULL, run_reader, &a) != 0)
		return CYRE_ENOMEM;
	file = begun(&a);
	if (file.n)
		st = cyre_db_open_arriving(file, &arrival, &own, ret_db);
	pthread_join(reader, NULL);
	if (st == CYRE_OK && a.st == CYRE_OK && a.there.n == a.size) {
		cyre_findings_merge(found, &own);
	} else {
		cyre_db_free(*ret_db);
		*ret_db = NULL;
		st = st == CYRE_EFORMAT ? CYRE_OK : st;
	}
	cyre_findings_free(&own);
	pthread_cond_destroy(&a.more);
	return a.st == CYRE_OK ? st : a.st;
}
