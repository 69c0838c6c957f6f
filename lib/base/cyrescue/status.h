/*
 * cyrescue/status.h - what a call answers, and what it says of a system error
 *
 * Two channels, never mixed. A status says that we could not do our work: no
 * memory, an I/O error, a limit, wrong use. A finding (cyrescue/finding.h)
 * says that the customer's data is not as it should be. A reader that meets
 * damage returns CYRE_OK and a finding.
 *
 * Threads: everything here is plain data; nothing is shared.
 */
#ifndef CYRESCUE_STATUS_H
#define CYRESCUE_STATUS_H

#ifdef __GNUC__
#define CYRE_API __attribute__((visibility("default")))
#else
#define CYRE_API
#endif

typedef enum cyre_status {
	CYRE_OK = 0,
	CYRE_ENOMEM = -1,       /* no memory */
	CYRE_EIO = -2,          /* the system refused: see struct cyre_error */
	CYRE_EFORMAT = -3,      /* the bytes are not of this format at all */
	CYRE_EUNSUPPORTED = -4, /* known, but not handled by this release */
	CYRE_ELIMIT = -5,       /* larger or deeper than was allowed */
	CYRE_EBUSY = -6,        /* somebody else holds what we need */
	CYRE_ECANCELED = -7,    /* the caller asked to stop */
	CYRE_EUSAGE = -8        /* the call itself is wrong */
} cyre_status;

/* The status in words, never NULL; static storage. */
CYRE_API const char *cyre_status_text(cyre_status st);

/* What the system said. Filled only together with a status other than OK. */
struct cyre_error {
	int errnum;       /* errno, 0: not a system error */
	const char *call; /* the system call, static storage */
	char path[512];   /* what it was about, cut if longer */
};

#endif
