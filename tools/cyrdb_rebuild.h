/* cyrdb_rebuild.h - `cyrdb rebuild`, which has options of its own */
#ifndef CYRDB_REBUILD_H
#define CYRDB_REBUILD_H

/* argv[0] is "rebuild"; the tool's exit status. */
int cyrdb_rebuild(int argc, char **argv);

#endif
