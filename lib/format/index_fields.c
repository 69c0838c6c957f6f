/* index_fields.c - the layouts of cyrus.index as ordered field lists. */
#include <cyrescue/index.h>

typedef int cyre_index_fields_come_here;
