/* This file shows one notice on the desktop. A name in it is always shown as text: it cannot
 * become a link or other markup. */
#include "tell.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_US (5 * 1000000ull)
#define SHOWN_MS 15000

/* The body of a notification is markup: a file's name must not become any.  Owned by the caller. */
static char *escaped(const char *text)
{
	char *out = malloc(strlen(text) * 5 + 1), *to = out;

	if (out == NULL)
		return NULL;
	for (; *text != '\0'; text++) {
		if (*text == '&')
			to = stpcpy(to, "&amp;");
		else if (*text == '<')
			to = stpcpy(to, "&lt;");
		else if (*text == '>')
			to = stpcpy(to, "&gt;");
		else
			*to++ = *text;
	}
	*to = '\0';
	return out;
}

int tell_show(sd_bus *bus, const char *title, const char *text, tell_urgency urgency)
{
	sd_bus_message *call = NULL;
	char *body = escaped(text);
	int r = body == NULL
			? -1
			: sd_bus_message_new_method_call(bus, &call,
				  "org.freedesktop.Notifications", "/org/freedesktop/Notifications",
				  "org.freedesktop.Notifications", "Notify");

	if (r >= 0)
		r = sd_bus_message_append(call, "susssasa{sv}i", "emrfs", (uint32_t)0, "emrfs",
			title, body, 0, 1, "urgency", "y", (uint8_t)urgency, (int32_t)SHOWN_MS);
	if (r >= 0)
		r = sd_bus_call(bus, call, CALL_US, NULL, NULL);
	sd_bus_message_unref(call);
	free(body);
	return r;
}
