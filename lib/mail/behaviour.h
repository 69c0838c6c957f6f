/*
 * behaviour.h - what differs between releases, one field a difference
 *
 * The fields are named for what happens when they are set; the page that tells
 * the difference is message-parsing.md section 11 (MP) or cache.md section 11.
 */
#ifndef CYRE_BEHAVIOUR_H
#define CYRE_BEHAVIOUR_H

#include <cyrescue/mail.h>

/* How a parameter's unquoted value ends, and what a bad one costs (MP 5.3). */
enum cyre_param_rule {
	CYRE_PARAM_LOOSE,  /* value: any bytes; a bad one is skipped */
	CYRE_PARAM_RESYNC, /* value: a token; a bad one is skipped */
	CYRE_PARAM_STOP,   /* value: a token; a bad one ends the list */
};

/* A quoted string in an address (MP 8). */
enum cyre_quote_rule {
	CYRE_QUOTE_BLANKS, /* CR and LF become a blank, other controls vanish */
	CYRE_QUOTE_STRICT, /* CR or LF alone ends the list */
	CYRE_QUOTE_STRICT_OLD, /* and a backslash before CR LF is no case */
	CYRE_QUOTE_OPEN,       /* anything up to the quote or the end */
};

/* The words behind the four sizes of a SECTION entry (cache.md 5). */
enum cyre_section_rule {
	CYRE_SECTION_FULL,   /* charset name, GUID, decoded size, lines */
	CYRE_SECTION_GUID,   /* canonical charset name, mixed GUID */
	CYRE_SECTION_WORD,   /* encoding alone */
	CYRE_SECTION_NUMBER, /* charset number and encoding */
};

enum cyre_search_rule {
	CYRE_SEARCH_QUOTED,   /* display names decoded and quoted */
	CYRE_SEARCH_DECODED,  /* display names decoded */
	CYRE_SEARCH_MERGED,   /* search form, white space merged */
	CYRE_SEARCH_SQUEEZED, /* search form, white space dropped */
};

enum cyre_date_rule {
	CYRE_DATE_5322,        /* 3.6: a negative time is a failure */
	CYRE_DATE_5322_SIGNED, /* 3.2, 3.4: only -1 is */
	CYRE_DATE_822,     /* the older parser, which knows the months' days */
	CYRE_DATE_822_LAX, /* before it did */
	CYRE_DATE_822_NOW, /* and now() was taken for a bad date */
};

struct cyre_mail_behaviour {
	const char *name;
	uint32_t release;      /* first: major << 16 | minor << 8 | patch */
	uint8_t cache_version; /* what it writes */
	uint8_t index_minor;   /* the first index version it writes */
	enum cyre_param_rule param;
	enum cyre_quote_rule quote;
	enum cyre_section_rule section;
	enum cyre_search_rule search;
	enum cyre_date_rule date;
	unsigned short_names;    /* longest cached header name, bytes */
	bool lf_ends_header;     /* a line of LF alone does */
	bool real_line_end;      /* only the line end present is taken off */
	bool first_wins;         /* of repeated headers; addresses add up */
	bool domain_ends_at_at;  /* a second @ ends an address's domain */
	bool group_stays_open;   /* after a@b; no end of group follows */
	bool wide_numbers;       /* sizes are printed with 64 bits */
	bool nul_cuts_line;      /* in a header block */
	bool greek_vanishes;     /* from the search form */
	bool subject_always;     /* a missing one is "", not NIL */
	bool spam_headers;       /* five more X- names are cached */
	uint8_t n_charsets;      /* of the built-in list; 0: ICU's */
	bool plain_boundary;     /* compared without the line's length */
	bool encoded_type;       /* RFC 2047 words in Content-Type are read */
	bool encoded_type_addr;  /* with a special case for addresses */
	bool strict_addr_list;   /* which must be one from end to end */
	bool boundary_star;      /* boundary*= is recognised */
	bool octet_stream;       /* what a bad Content-Type becomes */
	bool message_global;     /* is opened as message/rfc822 */
	bool message_encoded;    /* their transfer encoding counts */
	bool domain_8bit;        /* allowed in address domains */
	bool short_content;      /* 2 bytes are taken off a content of 1 */
	bool first_charset;      /* only the first charset= counts */
	bool no_location;        /* Content-Location is not read */
	bool no_header_limit;    /* maxheaderlines is not known */
	bool no_boundary_limit;  /* boundary_limit is not known */
	bool loose_words;        /* RFC 2047 words as before 3.2 */
	bool old_latin1;         /* iso-8859-1 is itself, not windows-1252 */
	bool base64_ignores_pad; /* `=` does not start a new group */
	bool size_of_parts;      /* index size: header and body as parsed */
};

#endif
