/* undo_dir.c - see undo_dir.h. */
#include "undo_dir.h"

#include <cyrescue/rebuild.h>

#include <sys/stat.h>

#include "conf_load.h"
#include "fail.h"

cyre_status cyre_undo_dir_make(
	const struct cyre_run *r, const char *given, struct cyre_buf *ret)
{
	const char *confdir = r->conf->configdirectory;

	if (given) {
		cyre_put_str(ret, given);
	} else if (confdir) {
		cyre_place_path(&r->o->place, confdir, ret);
		cyre_put_str(ret, "/" CYRE_UNDO_FOLDER);
	} else {
		if (r->error) {
			*r->error = (struct cyre_error){.call = "rebuild"};
			snprintf(r->error->path, sizeof(r->error->path),
				"nothing says where originals go; name a "
				"folder with --undo-dir");
		}
		return CYRE_EUSAGE;
	}
	cyre_put_u8(ret, '\0');
	if (ret->bad)
		return CYRE_ENOMEM;
	if (mkdir((const char *)ret->p, 0700) && errno != EEXIST)
		return cyre_sys_fail(r->error, "mkdir", (const char *)ret->p);
	return CYRE_OK;
}

void cyre_undo_dir_journal(const char *undo_dir, const char *given,
	const char *run, struct cyre_buf *ret)
{
	if (given)
		cyre_put_str(ret, given);
	else
		cyre_put_fmt(ret, "%s/%s.journal", undo_dir,
			run ? run : "cyrrebuild");
	cyre_put_u8(ret, '\0');
}
