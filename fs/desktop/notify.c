/* notify: reads one notice as JSON from standard input and shows it on the desktop.  emrfs starts
 * it for each notice unless the setting `notify` names another program. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tell.h"

static tell_urgency urgency_of(const char *level)
{
	return strcmp(level, "info") == 0    ? TELL_LOW
	       : strcmp(level, "error") == 0 ? TELL_CRITICAL
					     : TELL_NORMAL;
}

static int show(json_t *notice)
{
	const char *message, *hint, *level;
	char text[4096];
	sd_bus *bus = NULL;
	int r;

	if (json_unpack(notice, "{s:s, s:s, s:s}", "message", &message, "hint", &hint, "level",
		    &level) != 0) {
		fputs("notify: this is no notice\n", stderr);
		return EXIT_FAILURE;
	}
	snprintf(text, sizeof text, "%s%s%s", message, hint[0] != '\0' ? "\n" : "", hint);
	r = sd_bus_open_user(&bus);
	if (r >= 0)
		r = tell_show(bus, "Medical records", text, urgency_of(level));
	sd_bus_flush_close_unref(bus);
	if (r < 0)
		fprintf(stderr, "notify: %s\n", strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(void)
{
	json_t *notice = json_loadf(stdin, 0, NULL);
	int code = show(notice);

	json_decref(notice);
	return code;
}
