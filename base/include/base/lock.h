/* EMR_LOCKED(mutex) holds a pthread_mutex_t from where it stands among the declarations of a block
 * until the block is left, also by EMR_TRY. It refuses nothing: a mutex that its thread holds
 * already stops it for ever, as pthread_mutex_lock does. */
#pragma once

#include <pthread.h>

static inline pthread_mutex_t *emr_lock_begin(pthread_mutex_t *mutex)
{
	pthread_mutex_lock(mutex);
	return mutex;
}

static inline void emr_lock_end(pthread_mutex_t **mutex)
{
	pthread_mutex_unlock(*mutex);
}

#define EMR_LOCKED(mutex)                                                                          \
	pthread_mutex_t *emr_locked __attribute__((cleanup(emr_lock_end), unused)) =               \
		emr_lock_begin(mutex)
