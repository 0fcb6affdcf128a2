/* This file finds helper programs of emrfs beside the program itself, and tells whether this
 * login has a desktop that notices can be shown on. */
#include "kit/beside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

char *emr_beside(const char *name)
{
	char self[4096];
	char *path = NULL, *end;
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

	if (len <= 0)
		return NULL;
	self[len] = '\0';
	for (int i = 0; i < 2; i++) { /* /usr of /usr/bin/emrfs */
		end = strrchr(self, '/');
		if (end == NULL)
			return NULL;
		*end = '\0';
	}
	if (asprintf(&path, "%s/libexec/emrfs/%s", self, name) < 0)
		return NULL;
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

bool emr_has_session_bus(void)
{
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS"), *run = getenv("XDG_RUNTIME_DIR");
	EMR_AUTO_FREE char *path = NULL;

	if (address != NULL && address[0] != '\0')
		return true;
	if (run == NULL || run[0] != '/')
		return false;
	if (asprintf(&path, "%s/bus", run) < 0)
		path = NULL;
	return path != NULL && access(path, F_OK) == 0;
}
