/*
 * options.h - the options all tools share (docs/design.md section 4)
 *
 * A tool names its own long options in a table; the common ones are parsed
 * here. Bad usage is one clear line on stderr and exit status 16.
 */
#ifndef CYRE_TOOL_OPTIONS_H
#define CYRE_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* fsck(8)'s sum */
#define EXIT_CLEAN       0
#define EXIT_REPAIRED    1
#define EXIT_PROBLEMS    4
#define EXIT_NOT_DONE    8
#define EXIT_USAGE       16
#define EXIT_INTERRUPTED 32

struct cyre_list {
	char **items;
	size_t n;
};

enum progress_when { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER };

struct cyre_common_options {
	struct cyre_list configs, spools, metas, partitions, users;
	struct cyre_list mailboxes; /* in the order of strcmp() */
	struct cyre_list patterns;  /* mailboxes with * or % */
	bool *met;                  /* as in struct cyre_select */
	const char *root, *confdir, *timezone;
	unsigned shard, shards;
	unsigned jobs;
	bool jobs_given;
	uint64_t memory;
	enum progress_when progress;
	bool quiet, verbose, cron;
};

/* What an option does: a call, which takes the argument (on a false the tool
 * ends with usage()); or a field of the payload that gets it. */
struct cyre_option_does {
	bool (*call)(void *payload, const char *value);
	enum { CYRE_OPTION_CALL, CYRE_OPTION_FLAG, CYRE_OPTION_TEXT } kind;
	size_t at; /* in the payload, of a bool or a const char * */
};
#define CYRE_CALLS(function)                                                   \
	{                                                                      \
		.call = (function)                                             \
	}
#define CYRE_SETS_FLAG(type, field)                                            \
	{                                                                      \
		.kind = CYRE_OPTION_FLAG, .at = offsetof(type, field)          \
	}
#define CYRE_SETS_TEXT(type, field)                                            \
	{                                                                      \
		.kind = CYRE_OPTION_TEXT, .at = offsetof(type, field)          \
	}

/* One option of a tool; a table ends with name NULL. */
struct cyre_option {
	const char *name; /* long name, without -- */
	char letter;      /* 0: none */
	const char *arg;  /* what its argument is called; NULL: takes none */
	const char *help;
	struct cyre_option_does does;
};

/* Of the common options a tool that is given files has --memory, --verbose,
 * --version and --help: there is no server to choose from. */
enum cyre_tool_takes { CYRE_TAKES_SERVER, CYRE_TAKES_FILES };

/*
 * Parses argv. Common options go to `common`, the tool's own do as their table
 * says. What is left over is returned in argv[*ret_first] and on. --help and
 * --version print and exit 0; bad usage exits 16.
 */
void cyre_parse_options(int argc, char **argv, enum cyre_tool_takes takes,
	const char *tool, const char *usage, const struct cyre_option *own,
	void *payload, struct cyre_common_options *common, int *ret_first);

/* One line on stderr, "tool: …; try 'tool --help'", and exit 16. */
void cyre_usage_error(const char *tool, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* Not done: one line on stderr. Does not exit. */
void cyre_complain(const char *tool, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* "512M", "2g", "1000"; false: it is no size. */
bool cyre_parse_size(const char *s, uint64_t *ret);
bool cyre_parse_number(const char *s, uint64_t max, uint64_t *ret);
void cyre_list_add(struct cyre_list *l, const char *s);
void cyre_list_free(struct cyre_list *l);
void cyre_common_free(struct cyre_common_options *c);

/* A cyre_write_fn: standard output through stdio, in order with printf(). */
int cyre_stdout_write(const void *bytes, size_t n, void *payload);

#endif
