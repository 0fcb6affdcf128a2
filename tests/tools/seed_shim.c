/*
 * seed_shim - a preloaded library that gives `emrfs init` the seed of a key: the first secret of 32
 * bytes that a program asks for is that in the file $EMRFS_HOME/seed (64 hexadecimal digits), which
 * is removed then. So a test has two people whose codes begin alike, as an attacker makes them.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SHIM __attribute__((visibility("default")))
#define SEED_BYTES 32

static int take_seed(unsigned char *out)
{
	const char *home = getenv("EMRFS_HOME");
	char path[4096];
	FILE *file;
	int n = 0;

	if (home == NULL)
		return 0;
	(void)snprintf(path, sizeof path, "%s/seed", home);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (n < SEED_BYTES && fscanf(file, "%2hhx", &out[n]) == 1)
		n++;
	(void)fclose(file);
	(void)unlink(path);
	return n == SEED_BYTES;
}

SHIM void randombytes_buf(void *out, size_t len);

SHIM void randombytes_buf(void *out, size_t len)
{
	static void (*real)(void *, size_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "randombytes_buf");
	if (len != SEED_BYTES || !take_seed(out))
		real(out, len);
}
