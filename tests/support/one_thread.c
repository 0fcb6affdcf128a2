/* Linked into every test that does not say it has threads: ThreadSanitizer does not run those, so a
 * thread in one of them must not go unnoticed. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);

int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg)
{
	(void)thread;
	(void)attributes;
	(void)start;
	(void)arg;
	fputs("this test starts a thread: add Threads::Threads to its USES\n", stderr);
	abort();
}
