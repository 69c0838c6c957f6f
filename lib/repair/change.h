/*
 * change.h - what is to be done to the files of one mailbox, as plain data
 *
 * A plan says what each file was when it was looked at, and what it is to
 * become. Everything is borrowed and must live as long as the apply.
 *
 * Places: `root` is the absolute path of a partition (spool, metadata or
 * archive), `dir` the mailbox's directory below it, `name` a single component.
 */
#ifndef CYRE_CHANGE_H
#define CYRE_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cyrescue/status.h>

#include "bytes.h"
#include "digest.h"
#include "replace.h"

/* What a file was. Absent: all zero. */
struct cyre_identity {
	bool exists;
	bool other;    /* no regular file; it has neither size nor sum */
	uint64_t size; /* bytes */
	uint64_t ino;  /* 0: any */
	uint8_t sha256[CYRE_SHA256_LEN];
};

enum cyre_change_kind {
	CYRE_CHANGE_KEEP,   /* an input only: must still be what it was */
	CYRE_CHANGE_WRITE,  /* new bytes, new or in the place of a file */
	CYRE_CHANGE_REMOVE, /* a file that is in the way */
	CYRE_CHANGE_MOVE    /* to another name below the same root */
};

struct cyre_change {
	enum cyre_change_kind kind;
	const char *root, *dir, *name;
	struct cyre_identity before;
	/* WRITE: the bytes, in pieces one behind the other, and whose they
	 * are: of the original, else of its neighbours. */
	const struct cyre_slice *pieces;
	size_t n_pieces;
	struct cyre_owner owner;
	/* Size and sum of these bytes; NULL: not known yet. */
	const struct cyre_identity *becomes;
	/* MOVE: its directory is made when there is none. */
	const char *to_dir, *to_name;
};

/* One mailbox, or one kind of database. All of it is done, or nothing. */
struct cyre_change_set {
	const char *mboxname; /* for journal and archive */
	/* Its files do not need each other: an undo takes each back that nobody
	 * changed since, whatever became of the others. */
	bool apart;
	const struct cyre_change *changes;
	size_t n;
	/* Filled by cyre_apply(). */
	cyre_status status;
	struct cyre_error error; /* of which file */
	bool changed; /* files are not what they were; with a status other than
			 OK: the new files stand, something after failed */
};

#endif
