/* This file has a host listen, at an address or at a socket of this computer, and says who has to
 * hear of a new address, and how. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "contract/item.h"
#include "kit/language.h"
#include "served/server.h"
#include "session/network_dir.h"
#include "kit/text.h"
#include "verbs_private.h"

#define SETTINGS_MAX ((size_t)4096)
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
		*out_cause = errno == EADDRINUSE
				     ? _("another program listens there: take another port")
				     : emr_text_errno(errno);
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

emr_status host_note_place(
	const char *dir, int own_fd, const uint8_t secret[32], emr_served_at *at, bool *out_moved)
{
	EMR_AUTO_BUF settings = {0}, descriptor = {0};
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_served_at before;
	emr_address said;
	emr_id16 net_id;
	emr_status status = emr_file_read(own_fd, EMR_HOST_AT, SETTINGS_MAX, &settings);

	*out_moved = false;
	if (status == EMR_NOT_FOUND)
		return EMR_OK; /* nobody knows another one */
	EMR_TRY(status);
	if (emr_served_at_read(emr_buf_view(&settings), &before) != EMR_OK)
		return EMR_DAMAGED;
	memcpy(at->word, before.word, sizeof at->word);
	*out_moved = strcmp(at->url, before.url) != 0 || strcmp(at->pin, before.pin) != 0 ||
		     strcmp(at->socket, before.socket) != 0;
	if (!*out_moved)
		return EMR_OK;
	/* Also by a clock that went back. */
	if (emr_address_of(&before, &said) == EMR_OK && said.unix_s >= now)
		now = said.unix_s + 1;
	status = emr_network_dir_descriptor(dir, &descriptor);
	if (status == EMR_NOT_FOUND) { /* all was lost: the next start, which has it, says so */
		at->word[0] = '\0';
		return EMR_OK;
	}
	EMR_TRY(status);
	emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, net_id.b);
	return emr_served_say_at(secret, net_id, now, at);
}

emr_status host_write_place(int dirfd, const char *name, const emr_served_at *at)
{
	EMR_AUTO_BUF settings = {0};

	EMR_TRY(emr_served_at_write(at, &settings));
	return emr_file_replace(dirfd, name, emr_buf_view(&settings), 0600);
}

void host_say_moved(emr_out *out, const emr_served_at *at)
{
	EMR_AUTO_BUF text = {0};
	emr_address said;

	if (emr_address_of(at, &said) != EMR_OK || emr_address_write(&said, &text) != EMR_OK)
		return;
	text.data[text.len - 1] = '\0';
	emr_out_text(out, "moved_to", (const char *)text.data);
	emr_say(out,
		"Members who know the one from before take this text, which is no secret:\n"
		"  emrfs network address '%s'\n",
		(const char *)text.data);
}
