/*
 * lock.h - the server's own locks, and whether it runs
 *
 * docs/formats/per-mailbox-other.md 1 and layout.md 2. All of them are fcntl(2)
 * locks on whole files; ours belong to the open file, not to the process, so
 * that closing another descriptor of the same file does not drop them, and are
 * honoured by the server all the same.
 *
 * 2.4 and later: a name lock outside the spool. Who has a mailbox open holds it
 * shared; who replaces files under their names holds it exclusive. One lock
 * does for us: nobody has the mailbox open while we have it.
 * Up to 2.3: the files themselves, cyrus.header, then cyrus.index, then
 * cyrus.cache; the server looks for a new inode whenever it gets the lock.
 *
 * (A server built --with-lock=flock, which is not the default, sees neither.)
 *
 * Threads: no state.
 */
#ifndef CYRE_LOCK_H
#define CYRE_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <cyrescue/status.h>

/* Descriptors that hold locks. Zero-initialised is empty and valid. */
struct cyre_locks {
	int fd[4];
	size_t n;
};

/*
 * The name lock of 2.4 and later, exclusive. `path` is mboxname_lockpath (or
 * <configdirectory>/lock) + the hashed mailbox path, or from 3.6 on the hashed
 * uniqueid for mailboxes that lie in uuid/, + ".lock"; file and directories are
 * made as the server makes them.
 *
 * CYRE_OK; CYRE_EBUSY: still held by others after `wait_ms`; CYRE_EIO.
 */
cyre_status cyre_lock_name(struct cyre_locks *l, const char *path,
	unsigned wait_ms, struct cyre_error *reterr);
/*
 * A file of a mailbox, up to 2.3: in the order header, index, cache. One that
 * is missing is CYRE_OK, nobody can open it; one that is replaced while we wait
 * is locked in its new form.
 */
cyre_status cyre_lock_file(struct cyre_locks *l, int dirfd, const char *name,
	unsigned wait_ms, struct cyre_error *reterr);
/* Lets go, last first. */
void cyre_locks_release(struct cyre_locks *l);

/* Where a running server shows. NULL: not looked at. */
struct cyre_server_signs {
	const char *confdir;
	const char *proc_path; /* NULL: confdir/proc */
	const char *const *pid_files;
	size_t n_pid_files;
};

/* The pid files of master: the value of master_pid_file, if set, goes first. */
extern const char *const cyre_pid_files[];
extern const size_t cyre_n_pid_files;

struct cyre_server_sign {
	pid_t pid;      /* 0: not known */
	char what[512]; /* the file that shows it */
};

/*
 * Does a master, or any process of the server, run? True when somebody holds
 * the lock on a pid file or on confdir/socket/NAME-N.lock, or a process that is
 * alive has its file in confdir/proc/ and owns it. Nothing is written. What
 * cannot be looked at does not count.
 */
bool cyre_server_is_running(
	const struct cyre_server_signs *signs, struct cyre_server_sign *ret);

#endif
