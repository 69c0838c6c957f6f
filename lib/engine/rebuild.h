/*
 * rebuild.h - what the phases of a rebuild hand to each other
 */
#ifndef CYRE_REBUILD_H
#define CYRE_REBUILD_H

#include <cyrescue/dbrebuild.h>
#include <cyrescue/rebuild.h>

#include "apply.h"
#include "half_done.h"
#include "lock.h"
#include "looked.h"
#include "plan.h"
#include "rebuild_outside.h"
#include "run.h"

/* A file as a plan file tells it. */
struct cyre_planned_file {
	enum cyre_file file;
	struct cyre_identity is; /* exists false: absent, or removed */
};

#define CYRE_PLANNED_FILES 12 /* of one mailbox */

/* Names of something that goes to the quarantine. */
struct cyre_rebuild_move {
	char name[24], to_name[32];
};

/* One mailbox: what is planned, and what became of it. */
struct cyre_rebuild_box {
	struct cyre_slot slot;
	struct cyre_mailbox fresh; /* listed again; n_sides 0: not */
	struct cyre_locks locks;
	struct cyre_plan plan;
	struct cyre_planned_file inputs[CYRE_PLANNED_FILES];
	struct cyre_planned_file outputs[CYRE_PLANNED_FILES];
	size_t n_inputs, n_outputs;
	struct cyre_change *changes;
	size_t n_changes;
	struct cyre_slice pieces[2 * CYRE_PLANNED_FILES];
	struct cyre_rebuild_move *moves;          /* as in the plan */
	char *quarantine;                         /* the directory they go to */
	struct cyre_buf kept[CYRE_PLANNED_FILES]; /* unchanged bytes that are
						   * written again */
	size_t n_kept;
	struct cyre_msgfile *read; /* messages that the plan has read whole */
	size_t n_read;
	struct cyre_findings left;
	bool looked_again;
	bool resumed;  /* done before: not in the report */
	bool put_back; /* an interrupted run had left it half done */
	enum cyre_outcome outcome;
	bool changed;
	char error[640];
};

/* Versions most mailboxes have; 0: none has any. */
struct cyre_neighbours {
	unsigned index_version, cache_version;
};

struct cyre_plan_entry;
struct cyre_plan_list;

struct cyre_rebuild {
	struct cyre_run run; /* first: phases get this */
	const struct cyre_rebuild_options *o;
	uint64_t now; /* that of the reviewed plan, if there is one */
	struct cyre_neighbours *neighbours; /* by partition */
	struct survey *survey;              /* while it runs */
	struct cyre_outside_files outside;
	char **root_paths;        /* absolute, by root of the catalog */
	struct cyre_buf undo_dir; /* with its NUL */
	struct cyre_journal *journal;
	struct cyre_half_done *half_done; /* NULL: nothing is written */
	char *real_root;                  /* of --root; NULL: none */
	char *confdir;    /* as configured; NULL: none, and no databases */
	bool server_runs; /* now that the mailboxes are done */
	/* A mailbox may be charged to another quota root: which there are is
	 * sure, and what they use is counted behind. */
	bool recharges;
	char **done; /* names the journal has as done, sorted */
	size_t n_done, cap_done;
	struct cyre_plan_list *plan; /* reviewed; NULL: none */
	struct cyre_looked looked;   /* between looks at databases */
	struct cyre_rebuild_box *boxes;
	size_t n_boxes, batch; /* a ring of them; mailboxes of a job */
	struct cyre_rebuild_result result;
};

/* Phases. */
cyre_status cyre_rebuild_survey(struct cyre_run *r);
cyre_status cyre_rebuild_work(struct cyre_run *r);

/* Of the look at each mailbox before and after. */
#define CYRE_REBUILD_LEVEL CYRE_LEVEL_SUMS

/* rebuild_box.c. The name journal and resume know a mailbox by. */
const char *cyre_rebuild_key(
	const struct cyre_candidate *c, const struct cyre_rebuild_box *box);
void cyre_rebuild_free_box(struct cyre_rebuild_box *box);
/* box->error: `what`, and why; `err` may be NULL. */
void cyre_rebuild_explain(struct cyre_rebuild_box *box, const char *what,
	cyre_status st, const struct cyre_error *err);
/* The same, and its outcome. */
void cyre_rebuild_fail(struct cyre_rebuild_box *box, cyre_status st,
	const struct cyre_error *err);
bool cyre_rebuild_above_note(const struct cyre_findings *f);

/* rebuild_prepare.c: one mailbox, up to its change set. What became of it is in
 * the box. */
void cyre_rebuild_prepare(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_candidate *c, struct cyre_rebuild_box *box);

/* rebuild_report.c: tells what became of a mailbox, and counts it. A plan that
 * could not be written is rb->run.status. */
void cyre_rebuild_report(struct cyre_rebuild *rb, struct cyre_rebuild_box *box);

/* rebuild_parse.c: cyre_plan_reader.parse, of the mailbox that `w` has
 * gathered, with all threads when there are many messages. */
cyre_status cyre_rebuild_parse(struct cyre_run *r, struct cyre_worker *w,
	const struct cyre_plan_parsing *p, struct cyre_findings *found);

/*
 * rebuild_databases.c: after the mailboxes, and with their run freed. CYRE_OK,
 * whatever became of the databases: see rb->result; CYRE_EIO, CYRE_ENOMEM.
 */
cyre_status cyre_rebuild_databases(struct cyre_rebuild *rb);
/* rebuild_look.c: what is wrong with which database. */
enum cyre_target {
	CYRE_TARGET_MAILBOXES, /* as enum cyre_dbrebuild_what */
	CYRE_TARGET_QUOTA,
	CYRE_TARGET_SEEN,
	CYRE_TARGET_OTHER, /* no rebuild writes it */
	CYRE_TARGETS
};
struct cyre_database_look {
	uint64_t n[CYRE_TARGETS][CYRE_PROBLEM_COUNT];
	bool has_quota;            /* there are quota roots */
	bool skipped, interrupted; /* as of a scan */
};
/*
 * Scans what databases and mailboxes say of each other; `tell`: into the
 * reports of the rebuild. CYRE_OK, CYRE_EIO, CYRE_ENOMEM.
 */
cyre_status cyre_rebuild_look(
	struct cyre_rebuild *rb, bool tell, struct cyre_database_look *ret);

/* rebuild_files.c: from a plan to changes. The evidence is still there. */
cyre_status cyre_rebuild_changes(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_mailbox *m, struct cyre_rebuild_box *box);

/* rebuild_quarantine.c: adds what the plan moves. The same. */
cyre_status cyre_rebuild_moves(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_mailbox *m, struct cyre_rebuild_box *box);

/* rebuild_lock.c. cyre_rebuild_lock: CYRE_OK, CYRE_EBUSY, CYRE_EIO. */
bool cyre_rebuild_server_runs(
	const struct cyre_run *r, struct cyre_error *reterr);
cyre_status cyre_rebuild_lock(struct cyre_rebuild *rb, struct cyre_worker *w,
	const struct cyre_mailbox *m, struct cyre_locks *ret,
	struct cyre_error *reterr);

#define CYRE_PLAN_SCHEMA "cyrescue-plan/1"

/* rebuild_plan_write.c: docs/plan.schema.json. */
void cyre_plan_put_header(struct cyre_buf *b, const struct cyre_rebuild *rb);
void cyre_plan_put_mailbox(
	struct cyre_buf *b, const struct cyre_rebuild_box *box);
/* rebuild_plan_file.c. CYRE_OK, CYRE_EFORMAT, CYRE_EUNSUPPORTED, CYRE_ENOMEM. */
cyre_status cyre_plan_list_read(struct cyre_slice bytes, uint64_t *ret_now,
	struct cyre_plan_list **ret);
void cyre_plan_list_free(struct cyre_plan_list *l); /* NULL is fine */
/* What it has for this directory; NULL: nothing. */
const struct cyre_plan_entry *cyre_plan_list_find(
	const struct cyre_plan_list *l, const char *path);
/* Is this database to be put right, too? */
bool cyre_plan_list_has(
	const struct cyre_plan_list *l, enum cyre_dbrebuild_what database);
/* mailboxes.db as the plan found it; NULL: it was not to be written. */
const struct cyre_identity *cyre_plan_list_mailboxes(
	const struct cyre_plan_list *l);
/* NULL: the box has the files and gets the ones of the entry; else why not. */
const char *cyre_plan_entry_differs(
	const struct cyre_plan_entry *e, const struct cyre_rebuild_box *box);
/* The same of a box for which nothing comes out; NULL: it was all done. */
const char *cyre_plan_entry_undone(const struct cyre_plan_entry *e,
	const struct cyre_rebuild_box *box, const struct cyre_mailbox *m);

#endif
