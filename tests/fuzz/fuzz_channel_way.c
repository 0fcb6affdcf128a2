/* This fuzz target reads any bytes as the way to a network that an invitation carries: what is
 * accepted becomes settings that are read again, with the same numbers of gateways and
 * organisations, unless one stands there twice. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/channel.h"

static char dir[] = "/tmp/emrfs-fuzz-way-XXXXXX";
static int fd = -1;

static void remove_one(const char *word, int number)
{
	char name[40];

	(void)snprintf(name, sizeof name, "%s-%d.pem", word, number);
	(void)unlinkat(fd, name, 0);
}

static void remove_all(void)
{
	(void)unlinkat(fd, EMR_CHANNEL_SETTINGS, 0);
	(void)unlinkat(fd, "authority.pem", 0);
	for (int i = 1; i <= EMR_CHANNEL_ORGANISATIONS_MAX; i++) {
		remove_one("gateway", i);
		remove_one("organisation", i);
	}
	(void)rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	emr_bytes bytes = emr_bytes_of(data, size);
	EMR_AUTO_CHANNEL channel = {0};
	char cause[256];

	if (emr_channel_carried_check(bytes) != EMR_OK)
		return 0;
	if (fd < 0 && mkdtemp(dir) != NULL) {
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)atexit(remove_all);
	}
	if (fd < 0 || emr_channel_settle_in(bytes, fd) != EMR_OK)
		abort();
	if (emr_channel_read(dir, &channel, cause, sizeof cause) != EMR_OK &&
		strstr(cause, "it stands there twice") == NULL)
		abort();
	return 0;
}
