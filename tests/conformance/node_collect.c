/* This file asks a node for a collection, in the few bytes of HTTP that this takes. */
#include "node_collect.h"

#include "emr_test.h"

#include <sys/socket.h>
#include <sys/un.h>

static int connect_to_node(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *address = getenv("EMR_NODE_RPC");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(strncmp(address, "unix:", 5), 0);
	snprintf(to.sun_path, sizeof to.sun_path, "%s", address + 5);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

bool node_collect(bool now)
{
	EMR_AUTO_BUF answer = {0};
	char ask[256], part[4096];
	int fd = connect_to_node();
	ssize_t n;

	n = snprintf(ask, sizeof ask,
		"POST /api/v0/repo/gc?timeout=600000ms%s HTTP/1.1\r\nHost: node\r\nUser-Agent: "
		"emrfs/test\r\n"
		"Content-Length: 0\r\nConnection: close\r\n\r\n",
		now ? "&now=true" : "");
	assert_int_equal(write(fd, ask, (size_t)n), n);
	while ((n = read(fd, part, sizeof part)) > 0)
		assert_ok(emr_buf_append(&answer, part, (size_t)n));
	close(fd);
	assert_ok(emr_buf_append(&answer, "", 1));
	assert_non_null(strstr((const char *)answer.data, " 200 OK\r\n"));
	return strstr((const char *)answer.data, "\"Key\"") != NULL;
}

static void *run(void *arg)
{
	(void)node_collect(false);
	return arg;
}

pthread_t node_collect_beside(void)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
	return thread;
}
