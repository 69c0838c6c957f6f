/*
 * plan_work.h - what the steps of a plan hand to each other (plan.c)
 */
#ifndef CYRE_PLAN_WORK_H
#define CYRE_PLAN_WORK_H

#include "header_salvage.h"
#include "header_write.h"
#include "index_convert.h"
#include "index_salvage.h"
#include "plan.h"

/* One record of the new index, or of the new cyrus.expunge. */
struct cyre_plan_record {
	struct cyre_index_record r;
	const struct cyre_msgfile *file; /* NULL: there is none */
	bool expunge;                    /* belongs to cyrus.expunge */
	bool derive;   /* its fields must be had from the message */
	bool doubtful; /* it was damaged: some fields are lost */
	bool adopted;  /* there was no record at all */
	/* Neither it nor any copy says which it had. */
	bool no_flags, no_keywords;
	/* Is the message the one it was made of? cyre_plan_settle_doubt(). */
	enum cyre_plan_doubt {
		CYRE_DOUBT_NONE,
		CYRE_DOUBT_SIZE,   /* the file has another size */
		CYRE_DOUBT_FOREIGN /* it is of the index of another mailbox */
	} doubt;
	bool other;    /* it was made of another message */
	bool changed;  /* clients must fetch it again */
	bool no_cache; /* what the cache has of it is wrong */
	/* Where it stands on the disk: in the index or expunge file that was
	 * read, or where the salvage reader found it; else nowhere. */
	const struct cyre_index *in;
	uint32_t recno;
	const struct cyre_salvaged *item;
	uint32_t told; /* CYRE_RECORD_BIT() of fields: see cyre_plan_tell() */
	/* Its record in the old cache, which holds good; n 0: there is none. */
	uint64_t cache_at;
	uint32_t cache_len;
};

struct cyre_plan_work {
	const struct cyre_evidence *ev;
	const struct cyre_judgement *j;
	const struct cyre_findings *found;
	const struct cyre_plan_policy *policy;
	const struct cyre_plan_hints *hints;
	const struct cyre_plan_reader *reader;
	struct cyre_plan *plan;
	struct cyre_outside outside; /* zero when it was not needed */

	/* plan_sources.c, plan_records.c */
	bool strict;   /* the strict reader was enough */
	bool salvaged; /* else what is left was salvaged */
	bool whole;    /* no record can have been lost */
	struct cyre_index_salvage salvage;
	unsigned from, to; /* minor versions, as found and to be written */
	struct cyre_index_header h;
	bool sure_header;        /* the numbers of the header are right */
	uint64_t known_last_uid; /* of such a header; 0 */
	struct cyre_plan_record *records; /* by uid */
	size_t n, cap;

	/* plan_annotations.c; of a conversion */
	struct cyre_db *annotations; /* the old file; NULL: none is read */
	struct cyre_index_annotated *annotated; /* by record; NULL: none is */
	struct cyre_slice annotation_bytes;     /* as they are to be */

	/* plan_cache.c */
	bool new_cache[2]; /* by side */

	/* plan_header.c */
	struct cyre_header header;
	struct cyre_header_salvage header_salvage;
	enum cyre_file header_from; /* what it was salvaged from */
	char flag_names[CYRE_HEADER_MAX_FLAGS][CYRE_HEADER_PLACEHOLDER];
	char made_uniqueid[40];
	struct cyre_buf acl_kept; /* plan_doubts.c */
	char type_kept[16];
	struct cyre_buf header_bytes;
	bool new_header;
};

/* May this problem be repaired under the policy? */
bool cyre_plan_wants(const struct cyre_plan_work *w, enum cyre_problem p);
/* Was any of these found, and may be repaired? A list ends with _COUNT. */
bool cyre_plan_has(
	const struct cyre_plan_work *w, const enum cyre_problem *list);
/* Any problem of a family ("HD-") above NOTE that may be repaired? */
bool cyre_plan_family(const struct cyre_plan_work *w, const char *family);

/* Says that a value changes; before and after may be NULL. */
void cyre_plan_note(struct cyre_plan_work *w, const struct cyre_repair *r);
/* Says how many there were beyond those that are kept, at the end. */
void cyre_plan_note_dropped(struct cyre_plan_work *w);
void cyre_plan_note_text(struct cyre_plan_work *w, const char *field,
	struct cyre_slice before, struct cyre_slice after, const char *origin,
	const char *loss); /* of cyrus.header */
void cyre_plan_note_number(struct cyre_plan_work *w, enum cyre_file file,
	const char *field, uint64_t before, uint64_t after, const char *origin,
	const char *loss);

/* Of a record; `loss` may be NULL. */
void cyre_plan_note_flags(struct cyre_plan_work *w, struct cyre_plan_record *p,
	uint64_t flags, const char *origin, const char *loss);
/* Says of each other value that changes, when all files are planned. */
void cyre_plan_tell(struct cyre_plan_work *w);

/* Where the hints of mailboxes.db are from, as a report says it. */
static inline const char *cyre_plan_list(const struct cyre_plan_work *w)
{
	return w->hints->copied ? "copy of mailboxes.db" : "mailboxes.db";
}

/* Must the header be written again from what is left of it? */
bool cyre_plan_header_is_damaged(const struct cyre_plan_work *w);

/* Is it charged to another quota root than it should be, and that to repair? */
bool cyre_plan_recharges(const struct cyre_plan_work *w);

/* Something goes to the quarantine. `f`: of a message. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_plan_add_move(struct cyre_plan_work *w, enum cyre_file file,
	const struct cyre_msgfile *f);

/* The first record of this uid, or of one behind it. */
size_t cyre_plan_seek(const struct cyre_plan_work *w, uint64_t uid);

/* A new one behind the others, all zero; NULL: no memory. */
struct cyre_plan_record *cyre_plan_add_record(struct cyre_plan_work *w);
/* plan_sources.c: w->records in no order, w->h and the version. CYRE_OK,
 * CYRE_ENOMEM. */
cyre_status cyre_plan_sources(struct cyre_plan_work *w);

/* The steps, in this order. CYRE_OK, CYRE_ENOMEM, CYRE_EIO. */
cyre_status cyre_plan_records(struct cyre_plan_work *w);
cyre_status cyre_plan_cache(struct cyre_plan_work *w);
cyre_status cyre_plan_header(struct cyre_plan_work *w);
cyre_status cyre_plan_index(struct cyre_plan_work *w);

/* ---- plan_outside.c: what other files than the mailbox's own know ---- */

/* Asks for it, if anything is missing that it could tell. */
cyre_status cyre_plan_outside(struct cyre_plan_work *w);
/* Completes a record whose message was parsed and is this one. */
void cyre_plan_complete(struct cyre_plan_work *w, struct cyre_plan_record *p,
	const uint8_t guid[20]);
/* The id that read marks of this mailbox have, with this UIDVALIDITY (0: not
 * known); empty: none can be told. */
struct cyre_slice cyre_plan_seen_id(const struct cyre_plan_work *w,
	struct cyre_slice mboxname, uint64_t uidvalidity);
/* Are there read marks of this id? */
bool cyre_plan_is_read(const struct cyre_plan_work *w, struct cyre_slice id);
/* \Seen in records where the index did not have it; needs the uniqueid. */
void cyre_plan_seen(struct cyre_plan_work *w);
/* The highest of what is known elsewhere, and where. */
struct cyre_floor {
	uint64_t value;
	const char *origin;
};
struct cyre_floor cyre_plan_last_uid(const struct cyre_plan_work *w);
struct cyre_floor cyre_plan_modseq(const struct cyre_plan_work *w);

/* plan_doubts.c: within the steps of header and records. */
cyre_status cyre_plan_header_doubts(struct cyre_plan_work *w);
void cyre_plan_record_doubts(struct cyre_plan_work *w);

/* ---- plan_match.c: is a record of the message that has its uid? ---- */

/* `f`: the file of its uid. */
void cyre_plan_doubt_size(struct cyre_plan_work *w, struct cyre_plan_record *p,
	const struct cyre_msgfile *f);
/* What an index of another mailbox has of this uid, if it can be of this file. */
void cyre_plan_borrow(
	const struct cyre_plan_work *w, struct cyre_plan_record *p);
/* When the message was parsed; its dates are still its own. */
void cyre_plan_settle_doubt(struct cyre_plan_work *w,
	struct cyre_plan_record *p, const struct cyre_plan_parsed *m);

/* ---- plan_annotations.c: fields that are annotations in other versions ---- */

/* What the annotations say, in w->annotated. CYRE_OK, CYRE_ENOMEM. */
cyre_status cyre_plan_shadows_read(struct cyre_plan_work *w);
/* Plans the file that says what w->annotated says. The same, CYRE_EIO. */
cyre_status cyre_plan_shadows_write(struct cyre_plan_work *w);
void cyre_plan_shadows_free(struct cyre_plan_work *w);

/* ---- plan_annotations_mend.c ---- */

/* cyrus.annotations is damaged, and that is to be mended. */
bool cyre_plan_annotations_damaged(const struct cyre_plan_work *w);
cyre_status cyre_plan_annotations_mend(struct cyre_plan_work *w);

/* A place for the new bytes of a file; NULL: no memory. */
struct cyre_plan_file *cyre_plan_add_file(
	struct cyre_plan_work *w, enum cyre_file file);
/* Whose behaviour new records have. */
const struct cyre_mail_behaviour *cyre_plan_behaviour(
	const struct cyre_plan_work *w);

#endif
