/*
 * trust.h - how far a value is believed that was found in a damaged file
 */
#ifndef CYRE_TRUST_H
#define CYRE_TRUST_H

enum cyre_trust {
	CYRE_TRUST_ABSENT,
	CYRE_TRUST_DOUBTFUL,  /* something is left, but cut or impossible */
	CYRE_TRUST_PLAUSIBLE, /* passes its own tests; there was damage near */
	CYRE_TRUST_SURE       /* undamaged, by its form or a check sum */
};

#endif
