/*
 * cyrescue/mail.h - a message file -> its cyrus.cache record and index fields
 *
 * Formats: docs/formats/message-parsing.md, docs/formats/cache.md, and for the
 * index fields docs/formats/index.md section 9. The bytes are those the chosen
 * release of Cyrus would write; docs/byte-identity.md says how far that is
 * proven for each release.
 *
 * Units: sizes and offsets in bytes, times in seconds since 1970-01-01 UTC.
 * Threads: a behaviour is constant and shared freely; a parser belongs to one
 * thread, which uses it for one message after the other.
 */
#ifndef CYRESCUE_MAIL_H
#define CYRESCUE_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cyrescue/status.h>

struct cyre_buf;
struct cyre_slice;

/* How one range of releases reads a message and writes its record. */
struct cyre_mail_behaviour;

/*
 * The behaviour of a release: "3.6.1", "2.3.16", "3.4". A release between two
 * known ones behaves as the earlier one, a later one as the last. NULL when
 * this is not a release number, or older than 2.1.
 */
CYRE_API const struct cyre_mail_behaviour *cyre_mail_behaviour(
	const char *release);
/*
 * The behaviour behind a record found on the disk, by its cache version and
 * the minor version of its index; NULL for a version no release wrote.
 */
CYRE_API const struct cyre_mail_behaviour *cyre_mail_behaviour_of_record(
	unsigned cache_version, unsigned index_minor);
/* The behaviours in the order of their releases: the first for NULL, NULL after
 * the last. */
CYRE_API const struct cyre_mail_behaviour *cyre_mail_behaviour_after(
	const struct cyre_mail_behaviour *b);
/* "3.6": the first release that behaved so. */
CYRE_API const char *cyre_mail_behaviour_name(
	const struct cyre_mail_behaviour *b);
/* The number the release stores as cache_version. */
CYRE_API unsigned cyre_mail_cache_version(const struct cyre_mail_behaviour *b);

/* Of the server's imapd.conf, its host, and our own limits. */
struct cyre_mail_options {
	uint32_t maxheaderlines; /* 0: no limit */
	uint32_t boundary_limit; /* 0: no limit */
	bool rfc2046_strict;
	bool rfc2047_utf8;
	bool char_is_unsigned; /* the server ran on arm64, ppc64el, s390x */
	/*
	 * The server's time zone: seconds east of UTC at a moment given as
	 * seconds of local time. NULL: UTC.
	 */
	int64_t (*zone)(void *payload, int64_t local);
	void *payload;
	size_t memory_bytes; /* for one message; past it CYRE_ELIMIT */
	uint32_t depth;      /* nested parts; past it CYRE_ELIMIT */
};

/* The server's defaults; limits no mail of a real user comes near. */
#define CYRE_MAIL_OPTIONS_INIT                                                 \
	{                                                                      \
		.maxheaderlines = 1000, .boundary_limit = 1000,                \
		.memory_bytes = (size_t)1 << 30, .depth = 4000,                \
	}

/* What the message alone says about its index record. */
struct cyre_mail_facts {
	uint64_t size;           /* as the release counts it */
	uint64_t header_size;    /* up to and with the empty line */
	uint64_t content_offset; /* of the body */
	uint64_t content_lines;  /* of the body */
	int64_t gmtime;          /* Date: in full; 0: none or unreadable */
	int64_t sentdate;   /* its day, as the release stores it; 0: none */
	uint8_t guid[20];   /* SHA-1 of the file */
	uint32_t cache_crc; /* of the record */
	uint32_t cache_version;
	size_t record_size; /* of the record */
};

typedef struct cyre_mail_parser cyre_mail_parser;

/*
 * b        constant storage
 * options  copied; NULL: CYRE_MAIL_OPTIONS_INIT
 * ret      owned by the caller
 *
 * CYRE_OK or CYRE_ENOMEM.
 */
CYRE_API cyre_status cyre_mail_parser_new(const struct cyre_mail_behaviour *b,
	const struct cyre_mail_options *options, cyre_mail_parser **ret);
CYRE_API void cyre_mail_parser_free(cyre_mail_parser *m); /* NULL is fine */

/*
 * Parse one message.
 *
 * message  borrowed for the call
 * record   the ten items are appended; NULL: facts only. Nothing is appended
 *          on failure
 *
 * CYRE_OK; CYRE_EFORMAT for a file without a byte, of which no release makes a
 * record; CYRE_ELIMIT; CYRE_ENOMEM.
 */
CYRE_API cyre_status cyre_mail_parse(cyre_mail_parser *m,
	struct cyre_slice message, struct cyre_buf *record,
	struct cyre_mail_facts *ret);

/*
 * The same for a message with which that gave up (CYRE_ELIMIT): as if its parts
 * were not there. A message/rfc822 has one without a header within; a multipart
 * has no part, as beyond the server's boundary_limit. What the index has of the
 * message is all there.
 */
CYRE_API cyre_status cyre_mail_parse_outline(cyre_mail_parser *m,
	struct cyre_slice message, struct cyre_buf *record,
	struct cyre_mail_facts *ret);

/*
 * The dates as they stand in the index record of a message that arrived at
 * `internaldate`: where the message has none, the release puts another.
 */
CYRE_API void cyre_mail_dates(const cyre_mail_parser *m, int64_t internaldate,
	struct cyre_mail_facts *facts);

#endif
