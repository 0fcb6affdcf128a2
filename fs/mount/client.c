/* This file is a verb's end of the socket: it connects to the open folder, sends requests and
 * takes the answers. When nothing answers, it says why. */
#include "mount/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/paths.h"
#include "session/session.h"

#define SEND_MS 10000

void emr_client_close(emr_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	*client = EMR_CLIENT_CLOSED;
}

/* Why there is no socket: no keyring, somebody at work without one, or simply closed. */
static void say_not_open(const emr_places *places, emr_problem *out_problem)
{
	EMR_AUTO_FD state_fd = -1;
	char folder[4096], number[16];
	int pid = 0;

	if (emr_places_open_state(places, false, &state_fd, out_problem) != EMR_OK)
		return;
	if (faccessat(state_fd, EMR_STATE_KEYFILE, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
		emr_problem_set(out_problem, EMR_SAY_NO_KEYRING, "state", places->state, NULL);
	} else if (emr_session_holder(state_fd, folder, sizeof folder, &pid) == EMR_OK) {
		snprintf(number, sizeof number, "%d", pid);
		emr_problem_set(out_problem, EMR_SAY_IN_USE_UNKNOWN, "pid", number, NULL);
	} else {
		emr_problem_set(out_problem, EMR_SAY_NOT_OPEN, NULL);
	}
}

/* The state says where the socket is: whoever opened the folder may have had another
 * XDG_RUNTIME_DIR (a log-in, su -, cron, ssh) than whoever asks now.  A socket that is there while
 * nobody holds the state is somebody else's. */
static emr_status find_run(const emr_places *places, char **out_dir)
{
	EMR_AUTO_FD state_fd = open(places->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char folder[4096];
	int pid = 0;

	EMR_TRY(state_fd < 0 ? EMR_NOT_FOUND
			     : emr_session_holder(state_fd, folder, sizeof folder, &pid));
	return emr_session_run_place(state_fd, out_dir);
}

static emr_status connect_to(const emr_places *places, int *out_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	EMR_AUTO_FREE char *run = NULL;
	emr_status status = find_run(places, &run);
	EMR_AUTO_FD run_fd = status == EMR_OK ? open(run, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	EMR_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (status != EMR_OK)
		return status;
	if (run_fd < 0 || fd < 0)
		return errno == ENOENT ? EMR_NOT_FOUND : emr_status_from_errno(errno);
	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", run_fd,
		EMR_RUN_SOCKET);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
		return errno == ECONNREFUSED || errno == ENOENT ? EMR_NOT_FOUND
								: emr_status_from_errno(errno);
	*out_fd = fd;
	fd = -1;
	return EMR_OK;
}

emr_status emr_client_open(
	const emr_places *places, emr_client *out_client, emr_problem *out_problem)
{
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;
	struct ucred peer;
	socklen_t len = sizeof peer;
	emr_status status = connect_to(places, &client.fd);

	if (status == EMR_OK)
		status = emr_peer_check(client.fd);
	if (status == EMR_OK && getsockopt(client.fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		status = EMR_IO;
	if (status == EMR_NOT_FOUND)
		say_not_open(places, out_problem);
	else if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, places->run);
	if (status != EMR_OK)
		return status;
	*out_client = (emr_client){.fd = client.fd, .pid = peer.pid};
	client = EMR_CLIENT_CLOSED;
	return EMR_OK;
}

emr_status emr_client_find(const char *as, emr_client *out_client, emr_problem *out_problem)
{
	EMR_AUTO_PLACES places = {0};

	EMR_TRY(emr_places_find(as, &places, out_problem));
	return emr_client_open(&places, out_client, out_problem);
}

emr_status emr_client_send(emr_client *client, const emr_request *request, emr_problem *out_problem)
{
	json_t *object = emr_request_make(request);
	const char *language = emr_language_now();
	emr_status status = EMR_OK;

	/* Paths can be any bytes; of all other words JSON takes UTF-8 alone.  Memory is hardly ever
	 * what so little lacks, and to close the folder helps with neither. */
	if (object == NULL)
		return emr_wrong_use(
			"", _("Something that was typed is not text in UTF-8."), out_problem);
	if (strcmp(language, "en") != 0 &&
		json_object_set_new(object, "language", json_string(language)) != 0)
		status = EMR_NO_MEMORY;
	if (status == EMR_OK)
		status = emr_frame_send(client->fd, object, SEND_MS);

	json_decref(object);
	if (status != EMR_OK)
		emr_problem_set(out_problem, EMR_SAY_NO_ANSWER, NULL);
	return status;
}

/* The texts are taken as they came; they were shown (emr_show) at the other end. */
void emr_client_take_problem(const json_t *object, emr_problem *out_problem)
{
	*out_problem = (emr_problem){.is_set = true, .message = EMR_SAY_FAILED};
	(void)emr_message_find(emr_json_text_at(object, "error"), &out_problem->message);
	/* The row with the same id and exit code, where an id has several. */
	for (int i = 0; i < EMR_MESSAGE_COUNT; i++) {
		const emr_message_row *row = emr_message_get((emr_message)i);

		if (strcmp(row->id, emr_json_text_at(object, "error")) == 0 &&
			(json_int_t)row->exit ==
				json_integer_value(json_object_get(object, "exit")))
			out_problem->message = (emr_message)i;
	}
	snprintf(out_problem->text, sizeof out_problem->text, "%s",
		emr_json_text_at(object, "message"));
	snprintf(out_problem->hint, sizeof out_problem->hint, "%s",
		emr_json_text_at(object, "hint"));
	snprintf(out_problem->path, sizeof out_problem->path, "%s",
		emr_json_text_at(object, "path"));
}

emr_status emr_client_receive(
	emr_client *client, int timeout_ms, json_t **out_object, emr_problem *out_problem)
{
	json_t *object = NULL;
	emr_status status = emr_frame_receive(client->fd, timeout_ms, &object);

	if (status != EMR_OK) {
		emr_problem_set(out_problem, EMR_SAY_NO_ANSWER, NULL);
		return status;
	}
	if (json_is_false(json_object_get(object, "ok"))) {
		emr_client_take_problem(object, out_problem);
		json_decref(object);
		return EMR_REFUSED;
	}
	*out_object = object;
	return EMR_OK;
}

emr_status emr_client_ask(emr_client *client, const emr_request *request, int timeout_ms,
	json_t **out_object, emr_problem *out_problem)
{
	EMR_TRY(emr_client_send(client, request, out_problem));
	return emr_client_receive(client, timeout_ms, out_object, out_problem);
}

emr_status emr_client_add(void *whole, json_t *object)
{
	json_t **io_whole = whole, *value;
	const char *name;
	int failed = 0;

	if (*io_whole == NULL) {
		*io_whole = object;
		return EMR_OK;
	}
	json_object_foreach(object, name, value)
	{
		json_t *before = json_object_get(*io_whole, name);

		failed |= json_is_array(before) && json_is_array(value)
				  ? json_array_extend(before, value)
				  : json_object_set(*io_whole, name, value);
	}
	json_decref(object);
	return failed == 0 ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_client_gather(emr_client *client, const emr_request *request, int timeout_ms,
	emr_out *out, const char *doing, json_t **out_whole, emr_problem *out_problem)
{
	json_auto_t *whole = NULL;

	EMR_TRY(emr_client_send(client, request, out_problem));
	while (!emr_json_flag_at(whole, "done")) {
		json_t *object = NULL;
		const json_t *progress;

		EMR_TRY(emr_client_receive(client, timeout_ms, &object, out_problem));
		progress = json_object_get(object, "progress");
		if (progress != NULL && doing != NULL)
			emr_progress_of(out, doing, EMR_PROGRESS_RECORDS,
				emr_json_number_at(progress, "so_far"),
				emr_json_number_at(progress, "of"));
		EMR_TRY(emr_client_add(&whole, object));
	}
	emr_progress_end(out);
	*out_whole = json_incref(whole);
	return EMR_OK;
}

emr_status emr_client_path(
	emr_client *client, const char *path, emr_request *request, emr_problem *out_problem)
{
	const emr_request where = {.ask = EMR_ASK_STATUS};
	json_auto_t *report = NULL;

	if (path == NULL)
		return EMR_OK;
	EMR_TRY(emr_client_ask(client, &where, EMR_CLIENT_REPORT_MS, &report, out_problem));
	request->has_path = true;
	if (emr_path_in_folder(json_string_value(json_object_get(report, "folder")), path,
		    request->path, sizeof request->path) == EMR_OK)
		return EMR_OK;
	return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NO_SUCH_PATH, "path", path, NULL);
}
