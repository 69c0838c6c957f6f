/* status.c - the statuses in words. */
#include <cyrescue/status.h>

const char *cyre_status_text(cyre_status st)
{
	switch (st) {
	case CYRE_OK:
		return "success";
	case CYRE_ENOMEM:
		return "out of memory";
	case CYRE_EIO:
		return "input/output error";
	case CYRE_EFORMAT:
		return "not a file of this format";
	case CYRE_EUNSUPPORTED:
		return "not supported";
	case CYRE_ELIMIT:
		return "a limit was reached";
	case CYRE_EBUSY:
		return "in use by another process";
	case CYRE_ECANCELED:
		return "canceled";
	case CYRE_EUSAGE:
		return "wrong use";
	}
	return "unknown status";
}
