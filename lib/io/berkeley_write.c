/*
 * berkeley_write.c - a fresh Berkeley DB btree, made by the library itself
 *
 * The library writes files by name only, so the file is made in a directory of
 * its own below $TMPDIR and read back. As Cyrus made them
 * (docs/formats/other-databases.md section 4): one unnamed btree, native byte
 * order, the library's own page size. The order of the keys is not recorded in
 * the file: who opens it must know.
 */
#include <cyrescue/dbfile.h>

#include <db.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static cyre_status failed(int error, const char *path, struct cyre_error *err)
{
	if (error == ENOMEM)
		return CYRE_ENOMEM;
	if (err) {
		*err = (struct cyre_error){
			.errnum = error > 0 ? error : EIO, .call = "db"};
		snprintf(err->path, sizeof(err->path), "%.500s", path);
	}
	return CYRE_EIO;
}

static int put_all(DB *db, const struct cyre_dbfile_pair *pairs, size_t n)
{
	DBT key = {0}, value = {0};
	int error = 0;
	size_t i;

	for (i = 0; i < n && !error; i++) {
		if (pairs[i].key.n > UINT32_MAX ||
			pairs[i].value.n > UINT32_MAX)
			return EFBIG;
		key.data = (void *)pairs[i].key.p;
		key.size = (u_int32_t)pairs[i].key.n;
		value.data = (void *)pairs[i].value.p;
		value.size = (u_int32_t)pairs[i].value.n;
		error = db->put(db, NULL, &key, &value, DB_NOOVERWRITE);
	}
	return error;
}

typedef int compare_fn(struct cyre_slice a, struct cyre_slice b);

static int by_caller(DB *db, const DBT *a, const DBT *b)
{
	compare_fn *const *compare = db->app_private;

	return (*compare)((struct cyre_slice){a->data, a->size},
		(struct cyre_slice){b->data, b->size});
}

static int fill(const char *path, const struct cyre_dbfile_pair *pairs,
	size_t n, compare_fn *compare)
{
	DB *db;
	int error, error2;

	error = db_create(&db, NULL, 0);
	if (error)
		return error;
	db->app_private = &compare;
	if (compare)
		error = db->set_bt_compare(db, by_caller);
	if (!error)
		error = db->open(db, NULL, path, NULL, DB_BTREE,
			DB_CREATE | DB_EXCL, 0600);
	if (!error)
		error = put_all(db, pairs, n);
	error2 = db->close(db, 0);
	return error ? error : error2;
}

cyre_status cyre_berkeley_write(const struct cyre_dbfile_pair *pairs, size_t n,
	compare_fn *compare, const char *tmpdir, struct cyre_slice *ret,
	struct cyre_error *reterr)
{
	char dir[3900], path[4000];
	cyre_status st;
	int error;

	snprintf(dir, sizeof(dir), "%s/cyrescue.XXXXXX", tmpdir);
	if (!mkdtemp(dir))
		return failed(errno, dir, reterr);
	snprintf(path, sizeof(path), "%s/db", dir);
	error = fill(path, pairs, n, compare);
	if (error == DB_KEYEXIST)
		st = CYRE_EUSAGE;
	else if (error)
		st = failed(error, path, reterr);
	else
		st = cyre_dbfile_read(path, 0, ret, NULL, reterr);
	unlink(path);
	rmdir(dir);
	return st;
}
