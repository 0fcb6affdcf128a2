/* This is the helper program `read-headers`: it reads the headers of one file after the other, of
 * whose beginning it is given the bytes. It has no key and opens nothing, and a file that breaks it
 * breaks nothing else. */
#include <string.h>
#include <unistd.h>

#include "helper/inside.h"

#include "parts.h"
#include "protocol.h"

#define MEMORY_BYTES ((uint64_t)384 << 20)
#define PROCESSOR_S 600 /* over all its files */

static protocol_message heard, said;

/* Takes a file, and says what was found in it, as it is kept. */
static bool serve(void)
{
	emr_headers found = {0};
	EMR_AUTO_BUF kept = {0};
	emr_status status;
	size_t size = 0;

	if (!emr_inside_hear(&heard, sizeof heard, &size, NULL, 0) || size < protocol_size(0) ||
		heard.kind != PROTOCOL_FILE || heard.len > EMR_HEADERS_HEAD ||
		size != protocol_size(heard.len))
		return false;
	status = emr_headers_read_bytes(emr_bytes_of(heard.bytes, heard.len), &found);
	if (status == EMR_OK && found.kind != EMR_HEADER_NONE)
		status = emr_headers_encode(&found, &kept);
	if (status != EMR_OK)
		emr_buf_clear(&kept);
	if (kept.len > 0)
		memcpy(said.bytes, kept.data, kept.len);
	said.kind = PROTOCOL_FOUND;
	said.status = status;
	said.len = (uint32_t)kept.len;
	return emr_inside_tell(&said, protocol_size(said.len));
}

int main(int argc, char **argv)
{
	emr_inside_begin(
		argc == 2 && strcmp(argv[1], PROTOCOL_ROLE) == 0, MEMORY_BYTES, PROCESSOR_S);
	if (emr_inside_ready_tell(PROTOCOL_VERSION))
		while (serve())
			;
	_exit(0); /* what runs at an exit may need more than the sandbox has */
}
