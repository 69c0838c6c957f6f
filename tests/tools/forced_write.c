/*
 * forced_write.c - preloaded into a tool, tries to write once it has worked
 *
 * At the end of each thread and of the program it tries to make, change, rename
 * and remove files in the directory $CYRE_FORCED_WRITE, which everybody may
 * write to, and says on standard error what came of it. The test
 * tools/landlock.sh reads that.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dlfcn.h>

static void say(const char *where, const char *what, int failed)
{
	fprintf(stderr, "forced-write %s %s: %s\n", where, what,
		failed ? strerror(errno) : "done");
}

static void try_writes(const char *where)
{
	const char *dir = getenv("CYRE_FORCED_WRITE");
	char old[4096], new[4096];
	int fd;

	if (!dir)
		return;
	snprintf(old, sizeof(old), "%s/old", dir);
	snprintf(new, sizeof(new), "%s/new-%ld", dir, (long)gettid());
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL, 0666);
	say(where, "create", fd < 0);
	if (fd >= 0)
		close(fd);
	fd = open(old, O_WRONLY);
	say(where, "open", fd < 0);
	if (fd >= 0)
		close(fd);
	say(where, "mkdir", mkdir(new, 0777) < 0);
	say(where, "rename", rename(old, new) < 0);
	say(where, "unlink", unlink(old) < 0);
}

struct start {
	void *(*run)(void *);
	void *arg;
};

static void *run_then_write(void *payload)
{
	struct start s = *(struct start *)payload;
	void *ret;

	free(payload);
	ret = s.run(s.arg);
	try_writes("thread");
	return ret;
}

__attribute__((visibility("default"))) int pthread_create(pthread_t *t,
	const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	int (*real)(
		pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	struct start *s = malloc(sizeof(*s));

	if (!s)
		return ENOMEM;
	*s = (struct start){run, arg};
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(t, attr, run_then_write, s);
}

__attribute__((destructor)) static void at_end(void)
{
	if (syscall(SYS_landlock_create_ruleset, NULL, 0,
		    LANDLOCK_CREATE_RULESET_VERSION) < 0)
		fprintf(stderr, "forced-write kernel: %s\n", strerror(errno));
	try_writes("exit");
}
