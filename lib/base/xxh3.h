/*
 * xxh3.h - the check sum of twom files: XXH3, 64 bits, seed 0
 *
 * The algorithm is described in the xxHash specification (xxh3 part); of Cyrus
 * only twom uses it, and keeps the low half (docs/formats/other-databases.md
 * section 7).
 */
#ifndef CYRE_XXH3_H
#define CYRE_XXH3_H

#include "bytes.h"

uint64_t cyre_xxh3(struct cyre_slice s);

#endif
