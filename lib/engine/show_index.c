/*
 * show_index.c - cyrus.index and cyrus.expunge for people and programs
 *
 * Goes through the field lists that the reader uses (format/index_fields.c), so
 * each version shows all it has, under the names of the format page. The checks
 * run first; what they found stands behind the field or record it is about. Of
 * a file whose header tells nothing the records are shown that the second
 * reader (format/index_salvage.c) finds.
 *
 * Format: docs/formats/index.md.
 */
#include "show.h"

#include <inttypes.h>

#include "check_index.h"
#include "digest.h"
#include "index_salvage.h"
#include "utf8.h"

struct name_of_bit {
	uint64_t bit;
	const char *name;
};

static const struct name_of_bit flag_names[] = {
	{CYRE_FLAG_ANSWERED, "\\Answered"}, {CYRE_FLAG_FLAGGED, "\\Flagged"},
	{CYRE_FLAG_DELETED, "\\Deleted"}, {CYRE_FLAG_DRAFT, "\\Draft"},
	{CYRE_FLAG_SEEN, "\\Seen"}, {CYRE_FLAG_SNOOZED, "snoozed"},
	{CYRE_FLAG_SPLIT, "split-conversation"},
	{CYRE_FLAG_CLEANUP, "needs-cleanup"}, {CYRE_FLAG_ARCHIVED, "archived"},
	{CYRE_FLAG_UNLINKED, "unlinked"}, {CYRE_FLAG_EXPUNGED, "expunged"},
	{0, NULL}};

static const struct name_of_bit option_names[] = {
	{CYRE_OPT_POP3_NEW_UIDL, "pop3-new-uidl"},
	{CYRE_OPT_CONDSTORE, "condstore"}, {CYRE_OPT_SHAREDSEEN, "sharedseen"},
	{CYRE_OPT_DUPDELIVER, "duplicatedeliver"},
	{CYRE_OPT_HAS_ALARMS, "has-alarms"},
	{CYRE_OPT_NEEDS_UNLINK, "needs-unlink"},
	{CYRE_OPT_NEEDS_REPACK, "needs-repack"}, {CYRE_OPT_DELETED, "deleted"},
	{0, NULL}};

/* Which field of the header a finding without an offset is about. */
static const struct {
	enum cyre_problem problem;
	const char *field;
} places[] = {
	{CYRE_P_INDEX_VERSION, "minor_version"},
	{CYRE_P_INDEX_FORMAT, "format"},
	{CYRE_P_INDEX_WIDE_V19, "record_size"},
	{CYRE_P_INDEX_HEADER_CRC, "header_crc"},
	{CYRE_P_INDEX_LAST_UID, "last_uid"},
	{CYRE_P_INDEX_LAST_UID_JUMP, "last_uid"},
	{CYRE_P_INDEX_RECENT, "recentuid"},
	{CYRE_P_INDEX_UIDVALIDITY_ZERO, "uidvalidity"},
	{CYRE_P_INDEX_UIDVALIDITY_FUTURE, "uidvalidity"},
	{CYRE_P_INDEX_HIGHESTMODSEQ_ZERO, "highestmodseq"},
	{CYRE_P_INDEX_DELETEDMODSEQ, "deletedmodseq"},
	{CYRE_P_INDEX_FIRST_EXPUNGED, "first_expunged"},
	{CYRE_P_INDEX_FIRST_EXPUNGED_UPGRADE, "first_expunged"},
	{CYRE_P_INDEX_OPTIONS, "options"},
	{CYRE_P_INDEX_DELETED_OPTION, "options"},
	{CYRE_P_INDEX_HEADER_FILE_CRC, "header_file_crc"},
	{CYRE_P_INDEX_SYNC_CRC, "synccrcs_basic"},
	{CYRE_P_INDEX_QUOTA_ANNOT, "quota_annot_used"},
};

static bool is_about(const struct cyre_finding *f, const char *field)
{
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (f->problem == places[i].problem)
			return !strcmp(places[i].field, field);
	if (f->problem == CYRE_P_INDEX_CREATEDMODSEQ)
		return !f->offset && !strcmp(field, "createdmodseq");
	return f->text && !strcmp(f->text, field) && !f->uid;
}

static void put_bits(
	struct cyre_out *out, uint64_t v, const struct name_of_bit *names)
{
	char text[32];
	unsigned i;

	for (; names->name; names++) {
		if (v & names->bit)
			cyre_out_word(out, names->name);
		v &= ~names->bit;
	}
	for (i = 0; v; i++, v >>= 1) {
		if (!(v & 1))
			continue;
		snprintf(text, sizeof(text), "bit-%u", i);
		cyre_out_word(out, text);
	}
}

static void put_user_flags(struct cyre_out *out, const struct cyre_beside *b,
	const struct cyre_index_record *r)
{
	char text[32];
	unsigned i;

	for (i = 0; i < CYRE_MAX_USER_FLAGS; i++) {
		if (!(r->user_flags[i / 32] >> i % 32 & 1))
			continue;
		if (b->has_header && i < b->header.nflags &&
			b->header.flags[i].n) {
			cyre_out_name(out, b->header.flags[i]);
			continue;
		}
		snprintf(text, sizeof(text), "flag-%u", i);
		cyre_out_word(out, text);
	}
}

static uint64_t number_at(const void *base, const struct cyre_index_field *f)
{
	uint64_t v;

	memcpy(&v, (const uint8_t *)base + f->member, sizeof(v));
	return v;
}

static void put_number(
	struct cyre_out *out, const struct cyre_index_field *f, uint64_t v)
{
	const struct name_of_bit *names = NULL;

	if (!strcmp(f->name, "system_flags"))
		names = flag_names;
	else if (!strcmp(f->name, "options"))
		names = option_names;
	if (!names) {
		cyre_out_number(out, f->name, v);
		return;
	}
	cyre_out_names(out, f->name);
	put_bits(out, v, names);
	cyre_out_names_end(out);
}

/* One field of header or record, under its name. */
static void put_field(struct cyre_out *out, const struct cyre_index_field *f,
	const void *base, const struct cyre_beside *b)
{
	switch ((enum cyre_index_kind)f->kind) {
	case CYRE_IX_UINT:
		put_number(out, f, number_at(base, f));
		break;
	case CYRE_IX_TIME:
		cyre_out_time(out, f->name, number_at(base, f));
		break;
	case CYRE_IX_GUID:
		cyre_out_hex(out, f->name,
			cyre_slice(
				(const uint8_t *)base + f->member, f->width));
		break;
	case CYRE_IX_FLAGS:
		cyre_out_names(out, f->name);
		put_user_flags(out, b, base);
		cyre_out_names_end(out);
		break;
	case CYRE_IX_SPARE:
		break;
	}
}

static void put_header(struct cyre_shower *s, const struct cyre_index *ix,
	const struct cyre_beside *b)
{
	const struct cyre_index_field *f = ix->layout->header;
	uint64_t at = 0;

	cyre_out_begin(&s->out, "index-header");
	for (; f->width && at + f->width <= ix->start; f++) {
		put_field(&s->out, f, &ix->h, b);
		at += f->width;
		if (!cyre_out_is_json(&s->out) && f->kind != CYRE_IX_SPARE)
			cyre_show_tell(s, is_about, f->name);
	}
	cyre_out_number(&s->out, "records", ix->count);
	if (ix->uncommitted)
		cyre_out_number(&s->out, "uncommitted", ix->uncommitted);
	cyre_out_end(&s->out);
	cyre_show_tell_range(s, 0, ix->start);
}

/* The line of a record: what people look for. */
static void put_summary(struct cyre_out *out, const struct cyre_index_record *r,
	const char *origin, const struct cyre_beside *b)
{
	cyre_put_fmt(&out->b, "uid %-6" PRIu64 " ", r->uid);
	cyre_put_time(&out->b, r->internaldate);
	cyre_put_fmt(&out->b, " %9" PRIu64 " bytes", r->size);
	if (r->modseq)
		cyre_put_fmt(&out->b, "  modseq %" PRIu64, r->modseq);
	out->j.comma = true;
	put_bits(out, r->system_flags, flag_names);
	put_user_flags(out, b, r);
	if (origin)
		cyre_put_fmt(&out->b, "  [%s]", origin);
	cyre_put_u8(&out->b, '\n');
}

/* One record: as text, its line, and with --verbose the fields below it. */
struct shown {
	const struct cyre_index_field *fields;
	uint32_t recno, length; /* recno 0: salvaged, and nobody knows */
	uint64_t offset;
	const char *origin; /* of a salvaged one */
	struct cyre_index_record r;
};

static void put_fields(struct cyre_out *out, const struct shown *shown,
	const struct cyre_beside *b)
{
	const struct cyre_index_field *f = shown->fields;
	uint32_t width = 0;

	out->indent += 4;
	cyre_out_begin(out, "record");
	if (shown->recno)
		cyre_out_number(out, "recno", shown->recno);
	cyre_out_number(out, "offset", shown->offset);
	if (shown->origin)
		cyre_out_text(out, "origin", cyre_slice_str(shown->origin));
	for (; f->width && width + f->width <= shown->length; f++) {
		put_field(out, f, &shown->r, b);
		width += f->width;
	}
	cyre_out_end(out);
	out->indent -= 4;
}

static void put_shown(struct cyre_shower *s, const struct shown *shown,
	const struct cyre_beside *b)
{
	bool json = cyre_out_is_json(&s->out);

	if (!json)
		put_summary(&s->out, &shown->r, shown->origin, b);
	if (json || s->o->verbose)
		put_fields(&s->out, shown, b);
	s->out.indent += 4;
	cyre_show_tell_range(s, shown->offset, shown->offset + shown->length);
	s->out.indent -= 4;
	if (s->out.b.n > 65536)
		cyre_out_flush(&s->out);
}

static void put_record(struct cyre_shower *s, const struct cyre_index *ix,
	uint32_t recno, const struct cyre_beside *b)
{
	struct shown shown = {.fields = ix->record_fields,
		.recno = recno,
		.length = ix->stride,
		.offset = ix->start + (uint64_t)(recno - 1) * ix->stride};

	cyre_index_decode(ix, cyre_index_bytes(ix, recno), &shown.r);
	shown.r.modseq = cyre_index_modseq_meant(
		ix->layout->version, shown.r.modseq, ix->h.highestmodseq);
	put_shown(s, &shown, b);
}

/* No header to go by: the records that speak for themselves. */
static cyre_status put_salvaged(struct cyre_shower *s, struct cyre_slice bytes,
	enum cyre_file which, const struct cyre_beside *b)
{
	static const char *const origins[] = {[CYRE_ORIGIN_FIELDS] = "fields",
		[CYRE_ORIGIN_PLAUSIBLE] = "plausible",
		[CYRE_ORIGIN_MATCHED] = "matched",
		[CYRE_ORIGIN_MENDED] = "mended",
		[CYRE_ORIGIN_INTACT] = "intact"};
	struct cyre_salvage_source source = {.bytes = bytes, .which = which};
	struct cyre_salvage_hints hints = {.now = s->o->now};
	struct cyre_index_salvage salvage;
	struct shown shown;
	size_t i;
	cyre_status st = cyre_index_salvage(&source, 1, &hints, &salvage);

	if (st != CYRE_OK)
		return st;
	for (i = 0; i < salvage.n && salvage.files[0].layout &&
		    s->out.status == CYRE_OK;
		i++) {
		shown = (struct shown){
			.fields = salvage.files[0].layout->record,
			.length = salvage.files[0].layout->record_size,
			.offset = salvage.items[i].offset,
			.origin = origins[salvage.items[i].origin],
			.r = cyre_index_salvage_get(
				&salvage, &salvage.items[i])};
		put_shown(s, &shown, b);
	}
	cyre_index_salvage_free(&salvage);
	return CYRE_OK;
}

static bool is_any(const struct cyre_finding *f, const char *what)
{
	(void)f;
	(void)what;
	return true;
}

static void check(struct cyre_shower *s, const struct cyre_index *ix,
	enum cyre_file which, const struct cyre_beside *b)
{
	struct cyre_index_context ctx = {.now = s->o->now};
	struct cyre_index_totals totals;

	if (b->has_header) {
		ctx.header_known = b->header.magic_ok;
		ctx.header_crc = cyre_crc32(b->header.bytes);
		ctx.flag_names = b->header.flags;
		ctx.flag_count = b->header.nflags;
	}
	if (which == CYRE_FILE_EXPUNGE) {
		cyre_check_expunge(ix, &ctx, &s->found, &totals);
		return;
	}
	cyre_check_index(ix, &ctx, &s->found, &totals);
	s->index_whole = totals.broken == 0 &&
			 !s->found.count[CYRE_P_INDEX_TRUNCATED] &&
			 !s->found.count[CYRE_P_INDEX_HEADER_CRC] &&
			 !s->found.count[CYRE_P_INDEX_SIZES];
}

cyre_status cyre_show_index(struct cyre_shower *s, struct cyre_slice bytes,
	enum cyre_file which, const struct cyre_beside *b)
{
	struct cyre_index ix;
	uint32_t recno;
	cyre_status st;

	if (cyre_index_read(bytes, which, &s->found, &ix) != CYRE_OK) {
		st = cyre_show_sort(s);
		if (st != CYRE_OK)
			return st;
		cyre_show_tell(s, is_any, NULL);
		st = put_salvaged(s, bytes, which, b);
		cyre_show_tell_rest(s);
		return st;
	}
	check(s, &ix, which, b);
	st = cyre_show_sort(s);
	if (st != CYRE_OK)
		return st;
	put_header(s, &ix, b);
	for (recno = 1;
		recno <= ix.count + ix.uncommitted && s->out.status == CYRE_OK;
		recno++)
		put_record(s, &ix, recno, b);
	cyre_show_tell_rest(s);
	return s->out.status;
}
