/* This is the helper program `read-headers`: it reads the headers of one file after the other,
 * whose bytes it asks for as it needs them. It has no key and opens nothing, and a file that
 * breaks it breaks nothing else. */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "helper/inside.h"

#include "parts.h"
#include "protocol.h"

#define MEMORY_BYTES ((uint64_t)384 << 20)
#define PROCESSOR_S 600 /* over all its files */

static protocol_message heard, said;
static uint8_t head[HEAD_BYTES];
static size_t head_len;

static bool hear(uint32_t kind)
{
	size_t size = 0;

	return emr_inside_hear(&heard, sizeof heard, &size, NULL, 0) && size >= protocol_size(0) &&
	       heard.kind == kind && heard.len <= HEAD_BYTES && size == protocol_size(heard.len);
}

static bool helper_say(uint32_t kind, uint32_t status, uint64_t at, uint32_t len, size_t size)
{
	said.kind = kind;
	said.status = status;
	said.at = at;
	said.len = len;
	return emr_inside_tell(&said, size);
}

/* One piece of at most HEAD_BYTES, from the beginning that is here already or from the caller. */
static emr_status read_piece(uint64_t at, uint8_t *out, size_t len, size_t *out_len)
{
	if (at < head_len && len <= head_len - at) {
		memcpy(out, head + at, len);
		*out_len = len;
		return EMR_OK;
	}
	if (!helper_say(PROTOCOL_READ, EMR_OK, at, (uint32_t)len, protocol_size(0)) ||
		!hear(PROTOCOL_BYTES))
		_exit(1);
	if (heard.status != EMR_OK || heard.len > len)
		return EMR_IO;
	memcpy(out, heard.bytes, heard.len);
	*out_len = heard.len;
	return EMR_OK;
}

static emr_status read_file(void *arg, uint64_t at, void *data, size_t len, size_t *out_len)
{
	const uint64_t *size = arg;
	size_t got = 0;

	if (at >= *size)
		len = 0;
	else if (len > *size - at)
		len = (size_t)(*size - at);
	while (got < len) {
		size_t want = len - got < HEAD_BYTES ? len - got : HEAD_BYTES, n = 0;

		EMR_TRY(read_piece(at + got, (uint8_t *)data + got, want, &n));
		got += n;
		if (n < want)
			break;
	}
	*out_len = got;
	return EMR_OK;
}

/* The answer goes into `said`: what was found, as it is kept. */
static bool answer(void)
{
	uint64_t size = heard.at;
	const emr_header_source source = {.read = read_file, .arg = &size, .size = size};
	emr_headers found = {0};
	EMR_AUTO_BUF kept = {0};
	emr_status status;

	head_len = heard.len;
	memcpy(head, heard.bytes, head_len);
	status = emr_headers_read(&source, &found);
	if (status == EMR_OK && found.kind != EMR_HEADER_NONE)
		status = emr_headers_encode(&found, &kept);
	if (status != EMR_OK)
		emr_buf_clear(&kept);
	if (kept.len > 0)
		memcpy(said.bytes, kept.data, kept.len);
	return helper_say(
		PROTOCOL_FOUND, status, 0, (uint32_t)kept.len, protocol_size((uint32_t)kept.len));
}

int main(int argc, char **argv)
{
	json_object_seed(0); /* opens a file for random numbers, later otherwise */
	emr_inside_begin(
		argc == 2 && strcmp(argv[1], PROTOCOL_ROLE) == 0, MEMORY_BYTES, PROCESSOR_S);
	if (emr_inside_ready_tell(PROTOCOL_VERSION))
		while (hear(PROTOCOL_FILE) && answer())
			;
	_exit(0); /* what runs at an exit may need more than the sandbox has */
}
