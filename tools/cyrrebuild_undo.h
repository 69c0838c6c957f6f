/* cyrrebuild_undo.h - `cyrrebuild --undo` */
#ifndef CYRREBUILD_UNDO_H
#define CYRREBUILD_UNDO_H

#include "common/options.h"

struct cyrrebuild_undo {
	const struct cyre_common_options *common;
	const char *archive; /* or a folder of them */
	bool dry_run, force;
	bool offline; /* nobody looks whether the server runs */
};

/* Prints what is done; the tool's exit status. */
int cyrrebuild_undo(const struct cyrrebuild_undo *u);

#endif
