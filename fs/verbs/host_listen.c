/* This file has a host listen: at an address, or at a socket of this computer. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "kit/language.h"
#include "kit/text.h"
#include "verbs_private.h"

#define UNIX_PREFIX "unix:"

/* "HOST:PORT" or "[HOST]:PORT"; the socket, or -1 with *OUT_CAUSE. */
static int listen_on_address(const char *where, const char **out_cause)
{
	char name[256];
	const char *colon = strrchr(where, ':');
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
	int fd = -1, one = 1, code;
	size_t len = colon != NULL ? (size_t)(colon - where) : 0;

	*out_cause = _("it is no address and port, as 192.168.0.7:7443");
	if (colon == NULL || len == 0 || len >= sizeof name || colon[1] == '\0')
		return -1;
	if (where[0] == '[' && colon[-1] == ']') {
		where++;
		len -= 2;
	}
	memcpy(name, where, len);
	name[len] = '\0';
	code = getaddrinfo(name, colon + 1, &hints, &found);
	if (code != 0) {
		*out_cause = gai_strerror(code);
		return -1;
	}
	for (const struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
		if (fd < 0)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
			continue;
		*out_cause = emr_text_errno(errno);
		(void)close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

/* Whether nobody listens any more at AT, which is a socket. */
static bool is_left_over(const struct sockaddr_un *at)
{
	struct stat st;
	bool is;
	int fd;

	if (lstat(at->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	is = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) != 0 &&
	     errno == ECONNREFUSED;
	if (fd >= 0)
		(void)close(fd);
	return is;
}

/* Every account may connect that reaches it: tokens say who reads. */
static int listen_on_path(const char *path, const char **out_cause)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = -1;

	*out_cause = _("the path of its socket is too long, or does not begin with /");
	if (path[0] != '/' || strlen(path) >= sizeof at.sun_path)
		return -1;
	*out_cause = _("another account can put its own socket there: take a directory of yours "
		       "that no other account writes");
	if (emr_file_check_socket(path) == EMR_EXPOSED)
		return -1;
	memcpy(at.sun_path, path, strlen(path));
	if (is_left_over(&at))
		(void)unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && chmod(path, 0666) == 0 &&
		listen(fd, SOMAXCONN) == 0)
		return fd;
	*out_cause = emr_text_errno(errno);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

const char *host_socket_path(const char *where)
{
	const size_t len = strlen(UNIX_PREFIX);

	return strncmp(where, UNIX_PREFIX, len) == 0 ? where + len : NULL;
}

int host_listen(const char *where, const char **out_cause)
{
	const char *path = host_socket_path(where);

	return path != NULL ? listen_on_path(path, out_cause) : listen_on_address(where, out_cause);
}
