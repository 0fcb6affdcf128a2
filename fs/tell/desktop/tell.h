/* This shows a message on the desktop of the person who is logged in. It refuses markup: the text
 * is shown as it is. */
#pragma once

#include <systemd/sd-bus.h>

typedef enum tell_urgency { TELL_LOW, TELL_NORMAL, TELL_CRITICAL } tell_urgency;

/* Shows TITLE and TEXT through org.freedesktop.Notifications on BUS, the session's.  Negative
 * errno. */
int tell_show(sd_bus *bus, const char *title, const char *text, tell_urgency urgency);

typedef struct tell_question {
	const char *title, *text, *button;
	tell_urgency urgency;
	void (*is_shown)(void *arg); /* once, when it stands on the desktop */
	void *arg;
	int ends_fd; /* a pipe that ends when nobody is asked any more; -1 for none */
} tell_question;

/* The same with a button, and waits until that is pressed, the notice is closed, the question is no
 * longer asked or the desktop is gone, for an hour at most; then it takes the notice away.  It
 * stays that long by itself. */
int tell_ask(sd_bus *bus, const tell_question *question, int *out_is_pressed);
