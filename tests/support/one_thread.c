/* This file is linked into every test that ThreadSanitizer does not run, so that none is left
 * out by mistake: a thread that nobody spoke of ends it. In a whole emrfs below the kernel four
 * places start the helpers that every such test has (sealing, the store's background, the
 * journal's snapshots, signatures ahead), and which tests of their own ask about: they are
 * EMR_STARTERS. Elsewhere that is 0. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

int __real_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);
int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *(*known[EMR_STARTERS + 1])(void *);

/* Whether START is one of the first EMR_STARTERS kinds of thread here. */
static int is_helper(void *(*start)(void *))
{
	int i = 0;

	pthread_mutex_lock(&lock);
	while (i < EMR_STARTERS && known[i] != NULL && known[i] != start)
		i++;
	known[i] = start;
	pthread_mutex_unlock(&lock);
	return i < EMR_STARTERS;
}

int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg)
{
	if (!is_helper(start)) {
		fputs("this test starts a thread that ThreadSanitizer should see: say THREADS in "
		      "its emr_test, or add Threads::Threads to its USES\n",
			stderr);
		abort();
	}
	return __real_pthread_create(thread, attributes, start, arg);
}
