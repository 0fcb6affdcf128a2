/* This program is a node of our own for the tests of the nodes' client: node_host DIR [BYTES]
 * serves a new store in DIR at DIR/host.sock until it is ended by SIGTERM; BYTES: that a CAR may
 * have. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "node/host.h"
#include "store/car_store.h"

static int fail(const char *what, emr_status status)
{
	fprintf(stderr, "node_host: %s: %s\n", what, emr_status_text(status));
	return 1;
}

static int listen_at(const char *dir)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s/host.sock", dir);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 64) != 0)
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	char path[256];
	emr_store *store = NULL;
	emr_node *node = NULL;
	emr_serve *serve = NULL;
	sigset_t set;
	int number;
	emr_status status = argc == 2 || argc == 3 ? emr_base_init() : EMR_INVALID;
	emr_store_options store_options = {.path = path, .writer = emr_id16_random()};
	emr_node_options node_options = {
		.spool_dirfd = -1, .car_max = argc == 3 ? strtoull(argv[2], NULL, 10) : 0};
	emr_serve_options serve_options = {.listen_fd = -1};

	if (status != EMR_OK)
		return fail("node_host DIR [BYTES]", status);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)snprintf(path, sizeof path, "%s/store", argv[1]);
	status = emr_store_open(&store_options, &store);
	if (status != EMR_OK)
		return fail(path, status);
	node_options.store = emr_store_blocks(store);
	node_options.spool_dirfd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	status = emr_node_new(&node_options, &node);
	serve_options.listen_fd = listen_at(argv[1]);
	serve_options.sets[0] = (emr_serve_set){emr_node_routes, node};
	if (status == EMR_OK)
		status = emr_serve_start(&serve_options, &serve);
	if (status != EMR_OK)
		return fail(argv[1], status);
	(void)snprintf(path, sizeof path, "%s/ready", argv[1]);
	number = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	(void)close(number);
	(void)sigwait(&set, &number);
	emr_serve_stop(serve);
	emr_node_free(node);
	emr_store_close(store);
	return 0;
}
