/*
 * cyrescue/policy.h - what the administrator lets a rebuild do
 */
#ifndef CYRESCUE_POLICY_H
#define CYRESCUE_POLICY_H

/* How sure a repair must be to be made (--accept). */
enum cyre_accept { CYRE_ACCEPT_EXACT, CYRE_ACCEPT_RULE, CYRE_ACCEPT_ALL };

/* Below the root of a partition; the mailbox's directory is found again in it. No
 * release takes a name that begins with a dot for a mailbox. */
#define CYRE_QUARANTINE ".cyrescue-quarantine"

/* What becomes of a message file that no record speaks of. */
enum cyre_orphans {
	CYRE_ORPHANS_AUTO,   /* adopted when its record can have been lost */
	CYRE_ORPHANS_REPORT, /* never */
	CYRE_ORPHANS_ADOPT,  /* always */
	/* As with AUTO; those that are not adopted go out of the mailbox, to
	 * CYRE_QUARANTINE of their partition. */
	CYRE_ORPHANS_QUARANTINE
};

#endif
