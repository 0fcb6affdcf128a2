/* This shows a message on the desktop of whoever is logged in. It refuses markup: what is said
 * is shown as it is. */
#pragma once

#include <systemd/sd-bus.h>

typedef enum tell_urgency { TELL_LOW, TELL_NORMAL, TELL_CRITICAL } tell_urgency;

/* Shows TITLE and TEXT through org.freedesktop.Notifications on BUS, the session's.  Negative
 * errno. */
int tell_show(sd_bus *bus, const char *title, const char *text, tell_urgency urgency);
