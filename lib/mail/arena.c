/* arena.c - see arena.h. */
#include "arena.h"

#include <stdlib.h>

#define CHUNK ((size_t)64 << 10)
#define ALIGN 16u

struct cyre_arena_chunk {
	struct cyre_arena_chunk *older;
	size_t size;
	_Alignas(ALIGN) uint8_t mem[];
};

/* Room for n bytes at the end of the newest chunk. */
static uint8_t *room(struct cyre_arena *a, size_t n)
{
	struct cyre_arena_chunk *c = a->chunk;
	size_t size = CHUNK;

	if (a->bad)
		return NULL;
	/* Twice what is asked for: a text takes little of the room it is lent,
	 * and the next one asks for nearly as much again. */
	if (n > CHUNK / 2)
		size = n > SIZE_MAX / 4 ? n : 2 * n;
	if (c && n <= c->size - a->used)
		return c->mem + a->used;
	if (size > a->limit || a->total > a->limit - size) {
		a->bad = a->over = true;
		return NULL;
	}
	c = malloc(sizeof(*c) + size);
	if (!c) {
		a->bad = true;
		return NULL;
	}
	c->older = a->chunk;
	c->size = size;
	a->chunk = c;
	a->used = 0;
	a->total += size;
	return c->mem;
}

void *cyre_arena_get(struct cyre_arena *a, size_t n)
{
	uint8_t *p;

	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	p = room(a, n);
	if (p) {
		a->used += n;
		memset(p, 0, n);
	}
	return p;
}

uint8_t *cyre_arena_text(struct cyre_arena *a, size_t max)
{
	return room(a, max + ALIGN);
}

struct cyre_slice cyre_arena_keep(
	struct cyre_arena *a, const uint8_t *text, size_t n)
{
	a->used += (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	return cyre_slice(text, n);
}

void cyre_arena_reset(struct cyre_arena *a)
{
	struct cyre_arena_chunk *c = a->chunk, *older;

	if (c) {
		for (older = c->older; older; older = c->older) {
			c->older = older->older;
			free(older);
		}
		if (c->size > 16 * CHUNK) {
			free(c);
			c = NULL;
		}
	}
	a->chunk = c;
	a->total = c ? c->size : 0;
	a->used = 0;
	a->bad = a->over = false;
}

void cyre_arena_free(struct cyre_arena *a)
{
	cyre_arena_reset(a);
	free(a->chunk);
	a->chunk = NULL;
	a->total = 0;
}
