/* This is a readers-writer lock whose holder for writing can wait for an event, as a condition
 * variable lets the holder of a mutex. It refuses nobody for ever: a waiting writer goes before
 * new readers. */
#pragma once

#include <stdbool.h>

#include "base/worker.h"

typedef struct gate {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned readers;
	unsigned writers_waiting;
	bool writer;
} gate;

static inline void gate_init(gate *g)
{
	pthread_mutex_init(&g->mutex, NULL);
	pthread_cond_init(&g->changed, NULL);
}

static inline void gate_destroy(gate *g)
{
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->mutex);
}

static inline void gate_read(gate *g)
{
	pthread_mutex_lock(&g->mutex);
	while (g->writer || g->writers_waiting > 0)
		pthread_cond_wait(&g->changed, &g->mutex);
	g->readers++;
	pthread_mutex_unlock(&g->mutex);
}

static inline void gate_read_end(gate *g)
{
	pthread_mutex_lock(&g->mutex);
	if (--g->readers == 0 && g->writers_waiting > 0)
		pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->mutex);
}

static inline void gate_take_mutex_held(gate *g)
{
	g->writers_waiting++;
	while (g->writer || g->readers > 0)
		pthread_cond_wait(&g->changed, &g->mutex);
	g->writers_waiting--;
	g->writer = true;
}

static inline void gate_write(gate *g)
{
	pthread_mutex_lock(&g->mutex);
	gate_take_mutex_held(g);
	pthread_mutex_unlock(&g->mutex);
}

static inline void gate_write_end(gate *g)
{
	pthread_mutex_lock(&g->mutex);
	g->writer = false;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->mutex);
}

/* Held for writing: lets others in until something was changed, then holds it again. */
static inline void gate_wait(gate *g)
{
	pthread_mutex_lock(&g->mutex);
	g->writer = false;
	pthread_cond_broadcast(&g->changed);
	pthread_cond_wait(&g->changed, &g->mutex);
	gate_take_mutex_held(g);
	pthread_mutex_unlock(&g->mutex);
}
