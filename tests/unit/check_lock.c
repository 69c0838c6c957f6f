/* check_lock.c - the server's locks keep us out and we keep the server out. */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>

#include "lock.h"
#include "scratch.h"

static char *top;
static pid_t child;

static void setup(void)
{
	top = scratch_new();
	child = 0;
}

static void stop_child(void)
{
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = 0;
}

static void teardown(void)
{
	stop_child();
	test_remove(top);
}

/* As the server does it: a lock of the process. 0: got it. */
static int server_lock(int fd, short type)
{
	struct flock fl = {.l_type = type, .l_whence = SEEK_SET};

	return fcntl(fd, F_SETLK, &fl);
}

/* A process that holds a lock on the file until it is stopped. */
static void start_holder(const char *file, short type)
{
	char *path = scratch_path(top, file), c = 0;
	int ready[2], fd;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		fd = open(path, O_RDWR | O_CREAT, 0666);
		c = server_lock(fd, type) == 0 ? 'y' : 'n';
		if (write(ready[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_int_eq(c, 'y');
	close(ready[0]);
	close(ready[1]);
	free(path);
}

static bool server_can_lock(const char *file, short type)
{
	char *path = scratch_path(top, file);
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(server_lock(open(path, O_RDWR), type) == 0 ? 0 : 1);
	waitpid(pid, &status, 0);
	free(path);
	return status == 0;
}

/* Somebody has the mailbox open: shared. */
START_TEST(name_lock)
{
	char *path = scratch_path(top, "lock/u/user/anna.lock");
	struct cyre_locks l = {0};
	struct cyre_error e = {0};
	int other;

	ck_assert_int_eq(cyre_lock_name(&l, path, 0, &e), CYRE_OK);
	ck_assert(!server_can_lock("lock/u/user/anna.lock", F_RDLCK));
	/* Reading a locked file and closing it must not let go. */
	other = open(path, O_RDONLY);
	close(other);
	ck_assert(!server_can_lock("lock/u/user/anna.lock", F_RDLCK));
	cyre_locks_release(&l);
	ck_assert(server_can_lock("lock/u/user/anna.lock", F_WRLCK));

	start_holder("lock/u/user/anna.lock", F_RDLCK);
	ck_assert_int_eq(cyre_lock_name(&l, path, 50, &e), CYRE_EBUSY);
	ck_assert_str_eq(e.path, path);
	stop_child();
	ck_assert_int_eq(cyre_lock_name(&l, path, 0, &e), CYRE_OK);
	cyre_locks_release(&l);
	free(path);
}
END_TEST

START_TEST(files_of_old_releases)
{
	struct cyre_locks l = {0};
	struct cyre_error e = {0};
	int dir;

	scratch_put(top, "cyrus.header", "h");
	scratch_put(top, "cyrus.index", "i");
	dir = open(top, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(
		cyre_lock_file(&l, dir, "cyrus.header", 0, &e), CYRE_OK);
	ck_assert_int_eq(
		cyre_lock_file(&l, dir, "cyrus.index", 0, &e), CYRE_OK);
	ck_assert_int_eq(
		cyre_lock_file(&l, dir, "cyrus.cache", 0, &e), CYRE_OK);
	ck_assert_uint_eq(l.n, 2);
	ck_assert(!server_can_lock("cyrus.index", F_WRLCK));
	cyre_locks_release(&l);
	start_holder("cyrus.index", F_WRLCK);
	ck_assert_int_eq(
		cyre_lock_file(&l, dir, "cyrus.index", 30, &e), CYRE_EBUSY);
	close(dir);
}
END_TEST

static bool running(struct cyre_server_sign *ret)
{
	char *pid_file = scratch_path(top, "run/cyrus-master.pid");
	const char *files[] = {pid_file};
	struct cyre_server_signs signs = {
		.confdir = top, .pid_files = files, .n_pid_files = 1};
	bool is = cyre_server_is_running(&signs, ret);

	free(pid_file);
	return is;
}

static const char *const locked[] = {
	"run/cyrus-master.pid", "master.pid", "socket/imap-0.lock"};

START_TEST(a_held_lock_shows_a_server)
{
	struct cyre_server_sign sign = {0};

	scratch_put(top, locked[_i], "1");
	ck_assert(!running(&sign));
	start_holder(locked[_i], F_WRLCK);
	ck_assert(running(&sign));
	ck_assert_int_eq(sign.pid, child);
	ck_assert_ptr_nonnull(strstr(sign.what, locked[_i]));
	stop_child();
	ck_assert(!running(&sign));
}
END_TEST

/* proc/ is full of files of processes that were killed. */
START_TEST(a_living_process_shows_a_server)
{
	struct cyre_server_sign sign = {0};
	char name[64];

	scratch_put(top, "proc/999999999", "localhost\tanna\n");
	scratch_put(top, "proc/notapid", "");
	ck_assert(!running(&sign));
	start_holder("any", F_RDLCK);
	snprintf(name, sizeof(name), "proc/%d", (int)child);
	scratch_put(top, name, "localhost\tanna\n");
	ck_assert(running(&sign));
	ck_assert_int_eq(sign.pid, child);
	stop_child();
	ck_assert(!running(&sign));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lock");
	TCase *t = tcase_create("lock");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, name_lock);
	tcase_add_test(t, files_of_old_releases);
	tcase_add_loop_test(t, a_held_lock_shows_a_server, 0, 3);
	tcase_add_test(t, a_living_process_shows_a_server);
	suite_add_tcase(s, t);
	return cyre_run_suite(s);
}
