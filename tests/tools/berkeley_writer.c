/*
 * berkeley_writer - a Berkeley DB writer as Cyrus 2.x was one, and its end
 *
 *     berkeley_writer CONFDIR NAME btree|hash COUNT [FLAGS]
 *
 * In the environment CONFDIR/db, with the flags Cyrus gave
 * (docs/formats/other-databases.md section 4), COUNT keys are put into
 * CONFDIR/NAME, one transaction each, every fifth of the older ones deleted,
 * one more put and never committed; then the process kills itself. FLAGS:
 * c: a checkpoint in the middle; x: close everything in order instead.
 */
#include <db.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "berkeley_writer: %s: %s\n", what, db_strerror(error));
	exit(1);
}

static void change(DB_ENV *env, DB *db, int i, int put, int commit)
{
	DBT key = {0}, value = {0};
	char k[64], v[512];
	DB_TXN *txn;

	key.size = (u_int32_t)snprintf(k, sizeof(k), "user.u%06d", i);
	/* Some are long enough for pages of their own. */
	value.size = (u_int32_t)snprintf(v, sizeof(v),
		"0 default u%06d\tlrswip%0*d\t", i, i % 50 ? 1 : 300, i);
	key.data = k;
	value.data = v;
	must(env->txn_begin(env, NULL, &txn, 0), "txn_begin");
	must(put ? db->put(db, txn, &key, &value, 0)
		 : db->del(db, txn, &key, 0),
		put ? "put" : "del");
	if (commit)
		must(txn->commit(txn, 0), "commit");
}

int main(int argc, char **argv)
{
	const char *flags = argc > 5 ? argv[5] : "";
	char home[2000], path[2000];
	int i, n;
	DB_ENV *env;
	DB *db;

	if (argc < 5)
		return 2;
	snprintf(home, sizeof(home), "%s/db", argv[1]);
	snprintf(path, sizeof(path), "%s/%s", argv[1], argv[2]);
	n = (int)strtol(argv[4], NULL, 10);
	must(db_env_create(&env, 0), "db_env_create");
	must(env->set_cachesize(env, 0, 8 << 20, 1), "set_cachesize");
	/* The log is written at the end, the same bytes in less time. */
	must(env->set_flags(env, DB_TXN_NOSYNC, 1), "set_flags");
	must(env->open(env, home,
		     DB_INIT_LOCK | DB_INIT_MPOOL | DB_INIT_LOG | DB_INIT_TXN |
			     DB_CREATE,
		     0644),
		home);
	must(db_create(&db, env, 0), "db_create");
	must(db->open(db, NULL, path, NULL,
		     strcmp(argv[3], "hash") ? DB_BTREE : DB_HASH,
		     DB_CREATE | DB_AUTO_COMMIT, 0664),
		path);
	for (i = 0; i < n; i++) {
		change(env, db, i, 1, 1);
		if (i >= 10 && i % 5 == 0)
			change(env, db, i - 10, 0, 1);
		if (i == n / 2 && strchr(flags, 'c'))
			must(env->txn_checkpoint(env, 0, 0, 0), "checkpoint");
	}
	if (strchr(flags, 'x')) {
		must(db->close(db, 0), "close");
		must(env->close(env, 0), "close");
		return 0;
	}
	change(env, db, n, 1, 0);
	/* The log has what was committed, and the start of what was not. */
	must(env->log_flush(env, NULL), "log_flush");
	raise(SIGKILL);
	return 1;
}
