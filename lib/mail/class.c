/*
 * class.c - characters and words of header text (docs/formats/
 * message-parsing.md section 1). ASCII only: no locale is asked.
 */
#include "parse.h"

#define C    CYRE_CC_CTL
#define W    (CYRE_CC_CTL | CYRE_CC_WS)
#define B    CYRE_CC_WS
#define X    (CYRE_CC_CTL | CYRE_CC_LITERAL)
#define Y    (W | CYRE_CC_LITERAL)
#define P    CYRE_CC_LITERAL
#define Q    (CYRE_CC_SPECIAL | CYRE_CC_LITERAL)
#define P_16 P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P
#define S    CYRE_CC_SPECIAL
#define D    (CYRE_CC_DIGIT | CYRE_CC_HEX)
#define H    (CYRE_CC_ALPHA | CYRE_CC_HEX)
#define A    CYRE_CC_ALPHA

/* clang-format off */
const uint8_t cyre_char_class[256] = {
	X, C, C, C, C, C, C, C, C, W, Y, W, W, Y, C, C,
	C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
	/*  !  "  #  $  %  &  '  (  )  *  +  ,  -  .  / */
	B, 0, Q, 0, 0, P, 0, 0, S, S, 0, 0, S, 0, 0, S,
	/*                            :  ;  <  =  >  ? */
	D, D, D, D, D, D, D, D, D, D, S, S, S, S, S, S,
	S, H, H, H, H, H, H, A, A, A, A, A, A, A, A, A,
	/*                               [  \  ]  ^  _ */
	A, A, A, A, A, A, A, A, A, A, A, S, Q, S, 0, 0,
	0, H, H, H, H, H, H, A, A, A, A, A, A, A, A, A,
	A, A, A, A, A, A, A, A, A, A, A, 0, 0, 0, 0, 0,
	P_16, P_16, P_16, P_16, P_16, P_16, P_16, P_16,
};
/* clang-format on */

bool cyre_slice_is(struct cyre_slice s, const char *word)
{
	return cyre_slice_eq(s, cyre_slice_str(word));
}

bool cyre_slice_is_nocase(struct cyre_slice s, const char *word)
{
	size_t i;

	for (i = 0; i < s.n && word[i]; i++) {
		if (cyre_lower(s.p[i]) != cyre_lower((uint8_t)word[i]))
			return false;
	}
	return i == s.n && !word[i];
}

struct cyre_slice cyre_mail_upper(
	struct cyre_mail_parser *m, struct cyre_slice s)
{
	uint8_t *p = cyre_mail_text(m, s.n);
	size_t i;

	if (!p)
		return CYRE_ABSENT;
	for (i = 0; i < s.n; i++)
		p[i] = cyre_upper(s.p[i]);
	return cyre_arena_keep(&m->arena, p, s.n);
}
