/*
 * identity.c - how many cache records and index fields come out byte for byte
 * as a release of Cyrus wrote them
 *
 *   identity check DIR SHARES RELEASE   counts; fails below the shares recorded
 *   identity counts DIR RELEASE...      a line for the file of shares, each
 *   identity page DIR PROSE             docs/byte-identity.md: the prose, with
 *                                       the tables in place of @TABLES@
 *   identity show DIR RELEASE [UID]     what differs, in one message or all
 *   identity folder DIR RELEASE         a mailbox folder: cyrus.index,
 *                                       cyrus.cache and the messages "UID."
 *
 * DIR holds the unpacked archives of ../shared/fixtures/caches and the message
 * files (unpack.sh). Exit status 77: it is not there.
 */
#include <cyrescue/mail.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "buf.h"
#include "bytes.h"

static const char *const columns[] = {"ENVELOPE", "BODYSTRUCTURE", "BODY",
	"SECTION", "HEADERS", "FROM", "TO", "CC", "BCC", "SUBJECT", "record",
	"cache_version", "cache_crc", "size", "header_size", "content_offset",
	"content_lines", "gmtime", "sentdate", "guid"};
enum {
	COL_RECORD = 10,
	COL_VERSION,
	COL_CRC,
	COL_SIZE,
	COL_HEADER_SIZE,
	COL_OFFSET,
	COL_LINES,
	COL_GMTIME,
	COL_SENTDATE,
	COL_GUID,
	N_COLUMNS
};

static const char *const releases[] = {"2.1.15", "2.2.13", "2.3.3", "2.3.7",
	"2.3.16", "2.4.22", "2.5.17", "3.0.18", "3.2.12", "3.4.9", "3.6.1",
	"3.8.7", "3.10.2", "3.12.3", "3.12.4", "3.13.1"};
#define N_RELEASES (sizeof(releases) / sizeof(releases[0]))

/* same[c] of has[c] records; has[c] is 0 where the version lacks the field. */
struct counts {
	unsigned records;
	unsigned same[N_COLUMNS], has[N_COLUMNS];
};

struct run {
	const char *dir, *release;
	unsigned minor; /* of the index at hand */
	cyre_mail_parser *parser;
	bool show;
	unsigned long only; /* this UID; 0: all */
	uint32_t uid;
	bool now; /* the release stored its clock for sentdate */
	struct counts counts;
};

static const char **uid_file; /* UIDS.tsv: the message file of a UID */
static size_t n_uids;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "identity: %s: %s\n", what, why);
	exit(2);
}

static struct cyre_buf slurp(const char *path)
{
	struct cyre_buf b = {0};
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f)
		die(path, "cannot be opened");
	do {
		if (!cyre_buf_room(&b, 1 << 16))
			die(path, "no memory");
		n = fread(b.p + b.n, 1, 1 << 16, f);
		b.n += n;
	} while (n);
	fclose(f);
	return b;
}

/* Lines "uid TAB file", the first is a heading. */
static void read_uids(const char *dir)
{
	char path[4096], *line, *tab, *save = NULL;
	struct cyre_buf b;

	snprintf(path, sizeof(path), "%s/UIDS.tsv", dir);
	b = slurp(path);
	cyre_put_u8(&b, 0);
	n_uids = b.n;
	uid_file = calloc(n_uids, sizeof(*uid_file));
	if (!uid_file)
		die(path, "no memory");
	for (line = strtok_r((char *)b.p, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		unsigned long uid = strtoul(line, NULL, 10);

		tab = strchr(line, '\t');
		if (tab && uid < n_uids)
			uid_file[uid] = tab + 1;
	}
}

static const char *file_of(uint32_t uid)
{
	static char name[16];

	if (!uid_file) {
		snprintf(name, sizeof(name), "%u.", uid);
		return name;
	}
	if (uid >= n_uids || !uid_file[uid])
		die("UIDS.tsv", "a UID is not in it");
	return uid_file[uid];
}

/* The item at *rec, which moves behind it. */
static struct cyre_slice item(struct cyre_slice *rec)
{
	struct cyre_slice s = {NULL, 0};
	uint32_t n;

	if (rec->n < 4)
		return s;
	n = cyre_load_be32(rec->p);
	if (n > rec->n - 4 || rec->n - 4 - n < (4 - n % 4) % 4)
		return s;
	s = cyre_slice(rec->p + 4, n);
	n += 4 + (4 - n % 4) % 4;
	*rec = cyre_slice(rec->p + n, rec->n - n);
	return s;
}

static void show(const char *who, struct cyre_slice s)
{
	printf("  %-5s", who);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] >= 0x20 && s.p[i] < 0x7f)
			putchar(s.p[i]);
		else
			printf("\\x%02x", s.p[i]);
	}
	putchar('\n');
}

static void note(struct run *r, unsigned col, bool same)
{
	r->counts.has[col]++;
	r->counts.same[col] += same;
	if (r->show && !same && col != COL_RECORD)
		printf("%s %u %s: %s\n", r->release, r->uid, file_of(r->uid),
			columns[col]);
}

static void note_number(
	struct run *r, unsigned col, uint64_t want, uint64_t got)
{
	note(r, col, want == got);
	if (r->show && want != got)
		printf("  is %llu, made %llu\n", (unsigned long long)want,
			(unsigned long long)got);
}

/*
 * docs/formats/index.md section 8. v20 counts nanoseconds; a year beyond 2554
 * wraps there.
 */
static void compare_fields(
	struct run *r, const uint8_t *rec, const struct cyre_mail_facts *f)
{
	unsigned v = r->minor;
	bool big = v >= 20;

#define TIME32(at) (uint64_t) cyre_load_be32(rec + (at))
#define TIME64(at) cyre_load_be64(rec + (at))
	note_number(r, COL_SIZE,
		big ? cyre_load_be64(rec + 24) : cyre_load_be32(rec + 12),
		f->size);
	note_number(r, COL_HEADER_SIZE, cyre_load_be32(rec + (big ? 32 : 16)),
		f->header_size);
	if (!r->now)
		note_number(r, COL_SENTDATE, big ? TIME64(16) : TIME32(8),
			big ? 1000000000u * (uint64_t)f->sentdate
			    : (uint32_t)f->sentdate);
	if (v <= 10)
		note_number(r, COL_OFFSET, cyre_load_be32(rec + 20),
			f->content_offset);
	else
		note_number(r, COL_GMTIME, big ? TIME64(104) : TIME32(20),
			big ? 1000000000u * (uint64_t)f->gmtime
			    : (uint32_t)f->gmtime);
	if (v >= 5 && v <= 14)
		note_number(r, COL_LINES, cyre_load_be32(rec + 52),
			f->content_lines);
	if (v >= 6)
		note_number(r, COL_VERSION, cyre_load_be32(rec + 56) & 0xffff,
			f->cache_version);
	if (v >= 12) {
		static const unsigned crc_at[] = {88, 96, 104, 136};
		unsigned at = v == 12 ? 0 : v <= 15 ? 1 : v < 20 ? 2 : 3;

		note(r, COL_GUID, memcmp(rec + 60, f->guid, 20) == 0);
		note(r, COL_CRC,
			cyre_load_be32(rec + crc_at[at]) == f->cache_crc);
	}
#undef TIME32
#undef TIME64
}

static void compare_record(
	struct run *r, struct cyre_slice want, struct cyre_slice got)
{
	struct cyre_slice a, b;
	bool all = true;

	for (unsigned i = 0; i < COL_RECORD; i++) {
		a = item(&want);
		b = item(&got);
		note(r, i, a.p && cyre_slice_eq(a, b));
		if (a.p && cyre_slice_eq(a, b))
			continue;
		all = false;
		if (r->show) {
			show("is", a);
			show("made", b);
		}
	}
	note(r, COL_RECORD, all);
}

static void one_record(
	struct run *r, const uint8_t *rec, struct cyre_slice cache)
{
	bool big = r->minor >= 20;
	uint32_t uid = cyre_load_be32(rec);
	uint64_t off = cyre_load_be32(rec + (big ? 4 : 24));
	int64_t internaldate =
		big ? (int64_t)(cyre_load_be64(rec + 8) / 1000000000u)
		    : (int64_t)cyre_load_be32(rec + 4);
	struct cyre_buf msg, made = {0};
	struct cyre_mail_facts f;
	struct cyre_slice want;
	cyre_status st;
	char path[4096];

	if (r->only && r->only != uid)
		return;
	r->uid = uid;
	if (off > cache.n || !cyre_slice_sub(cache, off, cache.n - off, &want))
		die(r->release, "index and cache do not fit");
	snprintf(path, sizeof(path), "%s/%s", r->dir, file_of(uid));
	msg = slurp(path);
	st = cyre_mail_parse(r->parser, cyre_buf_slice(&msg), &made, &f);
	if (st != CYRE_OK)
		die(path, cyre_status_text(st));
	r->now = r->minor <= 10 && !f.sentdate;
	cyre_mail_dates(r->parser, internaldate, &f);
	r->counts.records++;
	compare_record(r, want, cyre_buf_slice(&made));
	compare_fields(r, rec, &f);
	cyre_buf_free(&made);
	cyre_buf_free(&msg);
}

/* Two files whose names begin so and end in index and cache. */
static void one_folder(struct run *r, const char *stem)
{
	char path[4096];
	struct cyre_buf index, cache;
	uint32_t start, size, n;

	snprintf(path, sizeof(path), "%sindex", stem);
	index = slurp(path);
	snprintf(path, sizeof(path), "%scache", stem);
	cache = slurp(path);
	if (index.n < 76)
		die(path, "the index is too short");
	r->minor = cyre_load_be32(index.p + 8);
	start = cyre_load_be32(index.p + 12);
	size = cyre_load_be32(index.p + 16);
	n = cyre_load_be32(index.p + 20);
	if (size < 52 || start > index.n || n > (index.n - start) / size)
		die(path, "the index has no such records");
	for (uint32_t i = 0; i < n; i++)
		one_record(r, index.p + start + (size_t)i * size,
			cyre_buf_slice(&cache));
	cyre_buf_free(&index);
	cyre_buf_free(&cache);
}

static struct counts count(
	const char *dir, const char *release, bool show_it, unsigned long only)
{
	const struct cyre_mail_behaviour *b = cyre_mail_behaviour(release);
	struct run r = {
		.dir = dir, .release = release, .show = show_it, .only = only};
	char path[4096], stem[4096 + 300], *dot;
	struct dirent *e;
	DIR *d;

	if (!b || cyre_mail_parser_new(b, NULL, &r.parser) != CYRE_OK)
		die(release, "no behaviour for it");
	if (!uid_file) {
		snprintf(stem, sizeof(stem), "%s/cyrus.", dir);
		one_folder(&r, stem);
		cyre_mail_parser_free(r.parser);
		return r.counts;
	}
	snprintf(path, sizeof(path), "%s/%s", dir, release);
	d = opendir(path);
	if (!d)
		die(path, "cannot be opened");
	while ((e = readdir(d))) {
		dot = strstr(e->d_name, ".index");
		if (dot) {
			dot[1] = 0;
			snprintf(stem, sizeof(stem), "%s/%s", path, e->d_name);
			one_folder(&r, stem);
		}
	}
	closedir(d);
	cyre_mail_parser_free(r.parser);
	return r.counts;
}

static void print_counts(const char *release, const struct counts *c)
{
	printf("%s\t%u", release, c->records);
	for (unsigned i = 0; i < N_COLUMNS; i++) {
		if (c->has[i])
			printf("\t%u", c->same[i]);
		else
			printf("\t-");
	}
	putchar('\n');
}

static void print_heading(void)
{
	printf("release\trecords");
	for (unsigned i = 0; i < N_COLUMNS; i++)
		printf("\t%s", columns[i]);
	putchar('\n');
}

/* Below what the line of this release says in the file? */
static int check(
	const char *shares, const char *release, const struct counts *c)
{
	struct cyre_buf b = slurp(shares);
	char *line, *field, *save = NULL, *save2 = NULL;
	unsigned i;
	int worse = 0;

	cyre_put_u8(&b, 0);
	for (line = strtok_r((char *)b.p, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		field = strtok_r(line, "\t", &save2);
		if (field && strcmp(field, release) == 0)
			break;
	}
	if (!line)
		die(shares, "has no line for this release");
	field = strtok_r(NULL, "\t", &save2);
	if (!field || strtoul(field, NULL, 10) != c->records)
		die(release, "the number of records is not the recorded one");
	for (i = 0; i < N_COLUMNS; i++) {
		field = strtok_r(NULL, "\t", &save2);
		if (!field || strcmp(field, "-") == 0)
			continue;
		if (c->same[i] < strtoul(field, NULL, 10)) {
			printf("%s %s: %u identical, recorded %s\n", release,
				columns[i], c->same[i], field);
			worse++;
		}
	}
	cyre_buf_free(&b);
	return worse ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void print_cell(const struct counts *c, unsigned col)
{
	if (!c->has[col])
		printf(" | -");
	else if (c->same[col] == c->has[col])
		printf(" | all");
	else
		printf(" | %u", c->same[col]);
}

static void table(const char *dir)
{
	struct counts all[N_RELEASES];
	unsigned i, part, from, to;

	for (i = 0; i < N_RELEASES; i++)
		all[i] = count(dir, releases[i], false, 0);
	for (part = 0; part < 2; part++) {
		from = part ? COL_VERSION : 0;
		to = part ? N_COLUMNS : COL_VERSION;
		printf("\n| release | records");
		for (unsigned c = from; c < to; c++)
			printf(" | %s", columns[c]);
		printf(" |\n|---|---:");
		for (unsigned c = from; c < to; c++)
			printf("|---:");
		printf("|\n");
		for (i = 0; i < N_RELEASES; i++) {
			printf("| %s | %u", releases[i], all[i].records);
			for (unsigned c = from; c < to; c++)
				print_cell(&all[i], c);
			printf(" |\n");
		}
	}
}

static void page(const char *dir, const char *prose)
{
	struct cyre_buf b = slurp(prose);
	char *at;

	cyre_put_u8(&b, 0);
	at = strstr((char *)b.p, "@TABLES@\n");
	if (!at)
		die(prose, "has no @TABLES@");
	*at = 0;
	fputs((char *)b.p, stdout);
	table(dir);
	fputs(strchr(at + 1, '\n'), stdout);
	cyre_buf_free(&b);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "",
		   *dir = argv[argc > 2 ? 2 : 0];
	struct stat st;
	struct counts c;
	char path[4096];

	if (argc == 4 && strcmp(mode, "folder") == 0) {
		c = count(dir, argv[3], true, 0);
		print_heading();
		print_counts(argv[3], &c);
		return c.same[COL_RECORD] == c.records ? EXIT_SUCCESS
						       : EXIT_FAILURE;
	}
	snprintf(path, sizeof(path), "%s/UIDS.tsv", dir);
	if (argc > 2 && stat(path, &st) < 0) {
		printf("skipped: %s is not there\n", path);
		return 77;
	}
	if (argc > 2)
		read_uids(dir);
	if (argc == 4 && strcmp(mode, "page") == 0) {
		page(dir, argv[3]);
		return EXIT_SUCCESS;
	}
	if (strcmp(mode, "counts") == 0) {
		print_heading();
		for (int i = 3; i < argc; i++) {
			c = count(dir, argv[i], false, 0);
			print_counts(argv[i], &c);
		}
		return EXIT_SUCCESS;
	}
	if (argc == 5 && strcmp(mode, "check") == 0) {
		c = count(dir, argv[4], false, 0);
		print_heading();
		print_counts(argv[4], &c);
		return check(argv[3], argv[4], &c);
	}
	if ((argc == 4 || argc == 5) && strcmp(mode, "show") == 0) {
		count(dir, argv[3], true,
			argc == 5 ? strtoul(argv[4], NULL, 10) : 0);
		return EXIT_SUCCESS;
	}
	fprintf(stderr,
		"usage: identity check|counts|page|show|folder DIR ...\n");
	return 2;
}
