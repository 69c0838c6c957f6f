/* journal.c - see journal.h. */
#include "journal.h"

#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "json.h"
#include "replace.h"

static const char *const states[] = {"intent", "done", "failed"};

struct cyre_journal {
	pthread_mutex_t lock;
	char *path;
	int fd;
};

/* The name of a new file must be on the disk as well. */
static cyre_status sync_parent(const char *path, struct cyre_error *reterr)
{
	char *copy = strdup(path);
	cyre_status st = CYRE_OK;
	int fd;

	if (!copy)
		return CYRE_ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		st = cyre_sys_fail(reterr, "open", path);
	else if (fsync(fd) < 0)
		st = cyre_sys_fail(reterr, "fsync", path);
	if (fd >= 0)
		close(fd);
	free(copy);
	return st;
}

static cyre_status end_torn_line(
	int fd, const char *path, struct cyre_error *reterr)
{
	struct stat sb;
	char last;

	if (fstat(fd, &sb) < 0)
		return cyre_sys_fail(reterr, "fstat", path);
	if (sb.st_size == 0)
		return sync_parent(path, reterr);
	if (pread(fd, &last, 1, sb.st_size - 1) != 1)
		return cyre_sys_fail(reterr, "read", path);
	if (last == '\n')
		return CYRE_OK;
	return cyre_write_all(fd, cyre_slice("\n", 1), path, reterr);
}

cyre_status cyre_journal_open(
	const char *path, struct cyre_error *reterr, struct cyre_journal **ret)
{
	struct cyre_journal *j = calloc(1, sizeof(*j));
	cyre_status st = CYRE_OK;

	if (!j)
		return CYRE_ENOMEM;
	pthread_mutex_init(&j->lock, NULL);
	j->path = strdup(path);
	j->fd = open(
		path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (!j->path)
		st = CYRE_ENOMEM;
	else if (j->fd < 0)
		st = cyre_sys_fail(reterr, "open", path);
	else if (flock(j->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		cyre_sys_fail(reterr, "flock", path);
		st = CYRE_EBUSY;
	}
	if (st == CYRE_OK)
		st = end_torn_line(j->fd, path, reterr);
	if (st != CYRE_OK)
		cyre_journal_close(j);
	else
		*ret = j;
	return st;
}

void cyre_journal_close(struct cyre_journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	pthread_mutex_destroy(&j->lock);
	free(j->path);
	free(j);
}

static void put_line(struct cyre_buf *b, const struct cyre_journal_line *l)
{
	struct cyre_json j = {.b = b};

	cyre_json_begin(&j, '{');
	cyre_json_member(&j, "type", "apply");
	cyre_json_member(&j, "state", states[l->state]);
	cyre_json_member(&j, "mboxname", l->mboxname);
	cyre_json_member(&j, "run", l->run);
	cyre_json_member(&j, "archive", l->archive);
	if (l->state != CYRE_JOURNAL_INTENT) {
		cyre_json_key(&j, "changed");
		cyre_json_bool(&j, l->changed);
	}
	if (l->state == CYRE_JOURNAL_FAILED) {
		cyre_json_member_number(&j, "status", (uint64_t)-l->status);
		cyre_json_member(&j, "reason", cyre_status_text(l->status));
	}
	if (l->state == CYRE_JOURNAL_FAILED && l->error) {
		cyre_json_member_number(
			&j, "errno", (uint64_t)l->error->errnum);
		cyre_json_member(&j, "call", l->error->call);
		cyre_json_member(&j, "path", l->error->path);
	}
	cyre_json_end(&j, '}');
	cyre_put_u8(b, '\n');
}

static cyre_status append(struct cyre_journal *j, struct cyre_slice text,
	struct cyre_error *reterr)
{
	struct stat sb;
	cyre_status st;

	if (fstat(j->fd, &sb) < 0)
		return cyre_sys_fail(reterr, "fstat", j->path);
	st = cyre_write_all(j->fd, text, j->path, reterr);
	if (st == CYRE_OK && fdatasync(j->fd) < 0)
		st = cyre_sys_fail(reterr, "fdatasync", j->path);
	/* A report or a fifo cannot be cut back; then a torn line stays, which
	 * the next one must not be glued to. */
	if (st != CYRE_OK && ftruncate(j->fd, sb.st_size) < 0)
		cyre_write_all(j->fd, cyre_slice("\n", 1), j->path, NULL);
	return st;
}

cyre_status cyre_journal_put(struct cyre_journal *j,
	const struct cyre_journal_line *lines, size_t n,
	struct cyre_error *reterr)
{
	struct cyre_buf text = {0};
	cyre_status st = CYRE_OK;
	size_t i;

	for (i = 0; i < n; i++)
		put_line(&text, &lines[i]);
	if (text.bad)
		st = CYRE_ENOMEM;
	pthread_mutex_lock(&j->lock);
	if (st == CYRE_OK && n)
		st = append(j, cyre_buf_slice(&text), reterr);
	pthread_mutex_unlock(&j->lock);
	cyre_buf_free(&text);
	return st;
}

static bool get_line(
	const json_t *o, struct cyre_error *error, struct cyre_journal_line *l)
{
	const char *type = json_string_value(json_object_get(o, "type"));
	const char *state = json_string_value(json_object_get(o, "state"));
	const char *path = json_string_value(json_object_get(o, "path"));
	json_int_t status = json_integer_value(json_object_get(o, "status"));
	size_t i;

	if (!type || !state || strcmp(type, "apply") != 0)
		return false;
	for (i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (!strcmp(state, states[i]))
			break;
	l->mboxname = json_string_value(json_object_get(o, "mboxname"));
	if (i == sizeof(states) / sizeof(*states) || !l->mboxname)
		return false;
	l->state = (enum cyre_journal_state)i;
	l->run = json_string_value(json_object_get(o, "run"));
	l->archive = json_string_value(json_object_get(o, "archive"));
	l->changed = json_is_true(json_object_get(o, "changed"));
	if (status > 0 && status <= -CYRE_EUSAGE)
		l->status = (cyre_status)-status;
	if (path) {
		error->errnum =
			(int)json_integer_value(json_object_get(o, "errno"));
		snprintf(error->path, sizeof(error->path), "%s", path);
		error->call = json_string_value(json_object_get(o, "call"));
		l->error = error;
	}
	return true;
}

cyre_status cyre_journal_read(struct cyre_slice bytes,
	cyre_status (*each)(
		void *payload, const struct cyre_journal_line *line),
	void *payload)
{
	cyre_status st = CYRE_OK;
	size_t at = 0;

	while (st == CYRE_OK && at < bytes.n) {
		const uint8_t *p = bytes.p + at;
		const uint8_t *lf = memchr(p, '\n', bytes.n - at);
		struct cyre_journal_line l = {0};
		struct cyre_error error = {0};
		json_t *o;

		if (!lf)
			break; /* torn */
		o = json_loadb((const char *)p, (size_t)(lf - p), 0, NULL);
		if (json_is_object(o) && get_line(o, &error, &l))
			st = each(payload, &l);
		json_decref(o);
		at += (size_t)(lf - p) + 1;
	}
	return st;
}
