/* This file is a helper's side of the socket: it receives and sends messages, and the descriptors
 * that come with them. It opens nothing itself. */
#include "helper/inside.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void emr_inside_begin(bool is_asked, uint64_t memory_bytes, unsigned processor_s)
{
	static const char words[] = "This program is started by emrfs.\n";
	void *volatile first = malloc(1); /* asks for random numbers, once */

	free(first);
	if (!is_asked) {
		(void)!write(STDERR_FILENO, words, sizeof words - 1);
		_exit(2);
	}
	if (emr_sandbox_enter(memory_bytes, processor_s) != EMR_OK)
		_exit(3);
}

bool emr_inside_tell(const void *message, size_t size)
{
	return write(EMR_INSIDE_FD, message, size) == (ssize_t)size;
}

bool emr_inside_ready_tell(uint32_t version)
{
	const emr_inside_ready ready = {.magic = EMR_INSIDE_MAGIC, .version = version};

	return emr_inside_tell(&ready, sizeof ready);
}

bool emr_inside_hear(void *out, size_t size, size_t *out_size, int *out_fds, size_t fd_count)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {.bytes = {0}};
	struct iovec part = {.iov_base = out, .iov_len = size};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	const struct cmsghdr *sent;
	ssize_t got = recvmsg(EMR_INSIDE_FD, &message, MSG_CMSG_CLOEXEC);

	if (got <= 0 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return false;
	*out_size = (size_t)got;
	sent = CMSG_FIRSTHDR(&message);
	if (fd_count == 0)
		return sent == NULL;
	if (sent == NULL || sent->cmsg_type != SCM_RIGHTS ||
		sent->cmsg_len != CMSG_LEN(fd_count * sizeof(int)))
		return false;
	memcpy(out_fds, CMSG_DATA(sent), fd_count * sizeof(int));
	return true;
}
