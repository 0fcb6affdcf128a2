/* This fuzz target reads what the backend of a host may answer, or what others put there through
 * it: words are printable, places go forward, and bytes are given whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "channel_private.h"

#define PARTS 3

static void check_said(const char *said)
{
	if (strnlen(said, EMR_FABRIC_SAID_BYTES) == EMR_FABRIC_SAID_BYTES)
		abort();
	for (; *said != '\0'; said++)
		if (*said < ' ' || *said > '~')
			abort();
}

static void check_bytes(emr_bytes bytes)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < bytes.len; i++)
		sum ^= bytes.data[i];
	if (bytes.len > 0 && bytes.data == NULL)
		abort();
	(void)sum;
}

static emr_status take_logged(void *arg, const emr_fabric_logged *logged)
{
	const emr_fabric_place *from = arg;

	if (logged->block < from->block ||
		(logged->block == from->block && logged->index < from->index))
		abort();
	for (size_t i = 0; i < EMR_FABRIC_ARGS_MAX; i++)
		check_bytes(logged->args[i]);
	check_bytes(logged->answer);
	return strcmp(logged->function, "genesis") == 0 ? EMR_EXISTS : EMR_OK;
}

static emr_status take_part(void *arg, size_t index, const emr_fabric_part *part)
{
	size_t *n = arg;

	if (index != (*n)++ || index >= PARTS)
		abort();
	check_bytes(part->part);
	return EMR_OK;
}

static emr_status take_letter(void *arg, emr_bytes letter)
{
	(void)arg;
	if (letter.len > EMR_FABRIC_LETTER_MAX)
		abort();
	check_bytes(letter);
	return EMR_OK;
}

static void read_log(emr_bytes body)
{
	const emr_fabric_place from = {.block = 1, .index = 2};
	emr_fabric_place place = from, seen = from;
	emr_status status = channel_read_log(body, &place, take_logged, &seen);

	if (place.block < from.block || (place.block == from.block && place.index < from.index))
		abort();
	(void)status;
}

static void read_list(emr_bytes body)
{
	char from[34] = "";
	size_t n = 0;

	(void)!channel_read_letters(body, from, take_letter, NULL, &n);
	if (strnlen(from, sizeof from) == sizeof from)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const long statuses[] = {200, 400, 404, 409, 413, 422, 429, 500, 503};
	emr_bytes body = emr_bytes_of(data + 1, size - 1);
	emr_fabric_call call = {.wait_s = 0};
	emr_fabric_end end = {.said = ""};
	emr_fabric_state state = {.said = ""};
	EMR_AUTO_BUF answer = {0};
	bool is_complete = false;
	size_t n = 0;

	if (size < 1)
		return 0;
	(void)!channel_read_error(
		statuses[data[0] % (sizeof statuses / sizeof *statuses)], body, &call);
	check_said(call.said);
	(void)!channel_read_end(body, &end);
	check_said(end.said);
	(void)!channel_read_state(body, &state);
	check_said(state.said);
	read_log(body);
	(void)!channel_read_parts(body, PARTS, take_part, &n, &is_complete);
	(void)!channel_read_answer(body, &answer);
	read_list(body);
	return 0;
}
