/* This file shows one notice on the desktop. A name in it is always shown as text: it cannot
 * become a link or other markup. */
#include "tell.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOTIFICATIONS "org.freedesktop.Notifications"
#define ANSWER "answer"
#define ASKED_US (3600 * UINT64_C(1000000))
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

/* BUTTON: NULL for none.  A desktop that shows no buttons leaves it out. */
static int notify(sd_bus *bus, const tell_question *q, uint32_t *out_id)
{
	sd_bus_message *call = NULL, *answer = NULL;
	int32_t shown_ms = q->button != NULL ? 0 : SHOWN_MS; /* 0: until it is closed */
	char *body = escaped(q->text);
	int r = body == NULL ? -1
			     : sd_bus_message_new_method_call(bus, &call, NOTIFICATIONS,
				       "/org/freedesktop/Notifications", NOTIFICATIONS, "Notify");

	if (r >= 0)
		r = sd_bus_message_append(
			call, "susss", "emrfs", (uint32_t)0, "emrfs", q->title, body);
	/* "default" is a click on the notice itself. */
	if (r >= 0 && q->button != NULL)
		r = sd_bus_message_append(call, "as", 4, "default", q->button, ANSWER, q->button);
	else if (r >= 0)
		r = sd_bus_message_append(call, "as", 0);
	if (r >= 0)
		r = sd_bus_message_append(
			call, "a{sv}i", 1, "urgency", "y", (uint8_t)q->urgency, shown_ms);
	if (r >= 0)
		r = sd_bus_call(bus, call, CALL_US, NULL, &answer);
	if (r >= 0 && out_id != NULL)
		r = sd_bus_message_read(answer, "u", out_id);
	sd_bus_message_unref(answer);
	sd_bus_message_unref(call);
	free(body);
	return r;
}

int tell_show(sd_bus *bus, const char *title, const char *text, tell_urgency urgency)
{
	const tell_question q = {.title = title, .text = text, .urgency = urgency};

	return notify(bus, &q, NULL);
}

/* ---- with a button ---- */

typedef struct waiting {
	uint32_t id; /* 0: not known yet */
	int is_pressed, is_over;
} waiting;

static int on_action(sd_bus_message *message, void *arg, sd_bus_error *error)
{
	waiting *w = arg;
	const char *key;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(message, "us", &id, &key) < 0 || id != w->id)
		return 0;
	w->is_pressed = strcmp(key, ANSWER) == 0 || strcmp(key, "default") == 0;
	w->is_over = 1;
	return 0;
}

static int on_closed(sd_bus_message *message, void *arg, sd_bus_error *error)
{
	waiting *w = arg;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(message, "u", &id) >= 0 && id == w->id)
		w->is_over = 1;
	return 0;
}

/* Another desktop knows nothing of this notice. */
static int on_owner(sd_bus_message *message, void *arg, sd_bus_error *error)
{
	waiting *w = arg;

	(void)message;
	(void)error;
	w->is_over = w->id != 0;
	return 0;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* As sd_bus_wait; ENDS_FD has ended: W is over. */
static int await_either(sd_bus *bus, int ends_fd, uint64_t end_us, waiting *w)
{
	struct pollfd on[] = {{.fd = sd_bus_get_fd(bus), .events = (short)sd_bus_get_events(bus)},
		{.fd = ends_fd}};
	uint64_t now = now_us(), bus_us = UINT64_MAX, until;
	struct timespec left;
	int r = sd_bus_get_timeout(bus, &bus_us);

	if (r < 0)
		return r;
	until = bus_us < end_us ? bus_us : end_us;
	until = until > now ? until - now : 0;
	left = (struct timespec){
		.tv_sec = (time_t)(until / 1000000), .tv_nsec = (long)(until % 1000000) * 1000};
	if (ppoll(on, 2, &left, NULL) < 0)
		return -errno;
	w->is_over = w->is_over || (on[1].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
	return 0;
}

static int await_end(sd_bus *bus, int ends_fd, waiting *w)
{
	uint64_t end = now_us() + ASKED_US;
	int r = 0;

	while (r >= 0 && !w->is_over) {
		r = sd_bus_process(bus, NULL);
		if (r == 0 && now_us() >= end)
			break;
		if (r == 0)
			r = await_either(bus, ends_fd, end, w);
		if (r == -EINTR)
			r = 0;
	}
	return r;
}

int tell_ask(sd_bus *bus, const tell_question *question, int *out_is_pressed)
{
	waiting w = {.id = 0};
	int r = sd_bus_match_signal(bus, NULL, NULL, "/org/freedesktop/Notifications",
		NOTIFICATIONS, "ActionInvoked", on_action, &w);

	*out_is_pressed = 0;
	if (r >= 0)
		r = sd_bus_match_signal(bus, NULL, NULL, "/org/freedesktop/Notifications",
			NOTIFICATIONS, "NotificationClosed", on_closed, &w);
	if (r >= 0)
		r = sd_bus_add_match(bus, NULL,
			"type='signal',member='NameOwnerChanged',arg0='" NOTIFICATIONS "'",
			on_owner, &w);
	if (r >= 0)
		r = notify(bus, question, &w.id);
	if (r < 0)
		return r;
	question->is_shown(question->arg);
	r = await_end(bus, question->ends_fd, &w);
	*out_is_pressed = w.is_pressed;
	if (r >= 0)
		(void)sd_bus_call_method(bus, NOTIFICATIONS, "/org/freedesktop/Notifications",
			NOTIFICATIONS, "CloseNotification", NULL, NULL, "u", w.id);
	return r;
}
