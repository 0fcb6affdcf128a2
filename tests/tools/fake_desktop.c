/*
 * fake_desktop - stands on a message bus where a desktop and logind stand, for tests.
 *
 *   fake_desktop BUS-ADDRESS
 *
 * Owns org.freedesktop.Notifications and org.freedesktop.login1 there.  Prints "notify URGENCY
 * TITLE | BODY" for each notification, "close N" when the Nth is taken away, "inhibit WHAT MODE"
 * when sleep is delayed and "released" when it no longer is.  Reads commands from standard input:
 * "lock", "lock-other" (a session of somebody else), "hint", "sleep", "wake".
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define SESSION "/org/freedesktop/login1/session/_31"
#define OTHER "/org/freedesktop/login1/session/_32"
#define MANAGER "/org/freedesktop/login1"

static uint32_t shown;	   /* the number of the newest notification */
static int inhibitor = -1; /* our end of the pipe whose other end the one who delays holds */

static int notify(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	const char *app, *icon, *title, *body, *key;
	uint32_t replaces;
	uint8_t urgency = 9;

	(void)arg;
	(void)error;
	if (sd_bus_message_read(m, "susss", &app, &replaces, &icon, &title, &body) < 0 ||
		sd_bus_message_skip(m, "as") < 0 ||
		sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
		return -EINVAL;
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		if (sd_bus_message_read(m, "s", &key) < 0)
			return -EINVAL;
		if (strcmp(key, "urgency") == 0)
			sd_bus_message_read(m, "v", "y", &urgency);
		else
			sd_bus_message_skip(m, "v");
		sd_bus_message_exit_container(m);
	}
	printf("notify %u %s | ", urgency, title);
	for (; *body != '\0'; body++)
		putchar(*body == '\n' ? ' ' : *body);
	putchar('\n');
	return sd_bus_reply_method_return(m, "u", ++shown);
}

/* 3: by a call. */
static int take_away(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	uint32_t number;

	(void)arg;
	(void)error;
	if (sd_bus_message_read(m, "u", &number) < 0)
		return -EINVAL;
	printf("close %u\n", number);
	(void)sd_bus_emit_signal(sd_bus_message_get_bus(m), "/org/freedesktop/Notifications",
		"org.freedesktop.Notifications", "NotificationClosed", "uu", number, (uint32_t)3);
	return sd_bus_reply_method_return(m, "");
}

static int inhibit(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	const char *what, *who, *why, *mode;
	int ends[2], r;

	(void)arg;
	(void)error;
	if (sd_bus_message_read(m, "ssss", &what, &who, &why, &mode) < 0 || pipe(ends) != 0)
		return -EINVAL;
	if (inhibitor >= 0)
		close(inhibitor);
	inhibitor = ends[0];
	printf("inhibit %s %s\n", what, mode);
	r = sd_bus_reply_method_return(m, "h", ends[1]);
	close(ends[1]);
	return r;
}

static int sessions(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *arg, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)arg, (void)error;
	return sd_bus_message_append(reply, "a(so)", 1, "1", SESSION);
}

static const sd_bus_vtable notifications[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Notify", "susssasa{sv}i", "u", notify, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("CloseNotification", "u", "", take_away, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable manager[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Inhibit", "ssss", "h", inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable user[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Sessions", "a(so)", sessions, 0, 0),
	SD_BUS_VTABLE_END,
};

static int obey(sd_bus *bus, const char *command)
{
	if (strcmp(command, "lock\n") == 0)
		return sd_bus_emit_signal(
			bus, SESSION, "org.freedesktop.login1.Session", "Lock", "");
	if (strcmp(command, "lock-other\n") == 0)
		return sd_bus_emit_signal(bus, OTHER, "org.freedesktop.login1.Session", "Lock", "");
	if (strcmp(command, "hint\n") == 0)
		return sd_bus_emit_signal(bus, SESSION, "org.freedesktop.DBus.Properties",
			"PropertiesChanged", "sa{sv}as", "org.freedesktop.login1.Session", 2,
			"IdleHint", "b", 0, "LockedHint", "b", 1, 0);
	if (strcmp(command, "sleep\n") == 0 || strcmp(command, "wake\n") == 0)
		return sd_bus_emit_signal(bus, MANAGER, "org.freedesktop.login1.Manager",
			"PrepareForSleep", "b", command[0] == 's');
	return -EINVAL;
}

static int stand(sd_bus *bus, const char *address)
{
	int r = sd_bus_set_address(bus, address);

	if (r >= 0)
		r = sd_bus_set_bus_client(bus, 1);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r >= 0)
		r = sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/Notifications",
			"org.freedesktop.Notifications", notifications, NULL);
	if (r >= 0)
		r = sd_bus_add_object_vtable(
			bus, NULL, MANAGER, "org.freedesktop.login1.Manager", manager, NULL);
	if (r >= 0)
		r = sd_bus_add_object_vtable(
			bus, NULL, MANAGER "/user/self", "org.freedesktop.login1.User", user, NULL);
	if (r >= 0)
		r = sd_bus_request_name(bus, "org.freedesktop.Notifications", 0);
	if (r >= 0)
		r = sd_bus_request_name(bus, "org.freedesktop.login1", 0);
	return r;
}

int main(int argc, char **argv)
{
	char command[64];
	sd_bus *bus;
	int r;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 2 || sd_bus_new(&bus) < 0)
		return 2;
	r = stand(bus, argv[1]);
	if (r >= 0)
		puts("standing");
	while (r >= 0) {
		struct pollfd on[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = sd_bus_get_fd(bus), .events = POLLIN},
			{.fd = inhibitor, .events = 0}};

		while ((r = sd_bus_process(bus, NULL)) > 0)
			;
		sd_bus_flush(bus);
		on[2].fd = inhibitor;
		if (r < 0 || poll(on, 3, -1) < 0)
			break;
		if (inhibitor >= 0 && (on[2].revents & POLLHUP) != 0) {
			puts("released");
			close(inhibitor);
			inhibitor = -1;
		}
		if (on[0].revents != 0) {
			/* one command a line, read byte by byte: nothing stays in a buffer that
			 * poll does not see */
			size_t n = 0;

			while (n + 1 < sizeof command && read(STDIN_FILENO, command + n, 1) == 1 &&
				command[n++] != '\n')
				;
			command[n] = '\0';
			if (n == 0)
				return 0;
			r = obey(bus, command);
		}
	}
	fprintf(stderr, "fake_desktop: %s\n", strerror(-r));
	return 1;
}
