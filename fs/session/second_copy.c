#include "session/second_copy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "kit/places.h"

/* "emrfs second-copy 1\nmade N\nentries N\ndir PATH\n" */
#define NOTE_MAX 4400

void emr_second_copy_read(int state_fd, emr_second_copy *out_copy)
{
	EMR_AUTO_BUF file = {0};
	emr_second_copy copy = {.is_known = true};
	char text[NOTE_MAX + 1];
	int at = -1;
	size_t len;

	*out_copy = (emr_second_copy){.is_known = false};
	if (emr_file_read(state_fd, EMR_STATE_SECOND_COPY, NOTE_MAX, &file) != EMR_OK ||
		file.len == 0)
		return;
	memcpy(text, file.data, file.len);
	text[file.len] = '\0';
	if (sscanf(text, "emrfs second-copy 1 made %" SCNu64 " entries %" SCNu64 " dir %n",
		    &copy.made_unix_s, &copy.entries, &at) != 2 ||
		at < 0)
		return;
	len = strcspn(text + at, "\n");
	if (len == 0 || len >= sizeof copy.dir || text[(size_t)at + len] != '\n')
		return;
	memcpy(copy.dir, text + at, len);
	*out_copy = copy;
}

emr_status emr_second_copy_write(int state_fd, const emr_second_copy *copy)
{
	char text[NOTE_MAX + 1], shown[sizeof copy->dir];
	int len;

	/* A line break in a path must not make a line of ours. */
	emr_show(copy->dir, shown, sizeof shown);
	len = snprintf(text, sizeof text,
		"emrfs second-copy 1\nmade %" PRIu64 "\nentries %" PRIu64 "\ndir %s\n",
		copy->made_unix_s, copy->entries, shown);
	return emr_file_replace(state_fd, EMR_STATE_SECOND_COPY,
		emr_bytes_of((const uint8_t *)text, (size_t)len), 0600);
}

emr_status emr_second_copy_forget(int state_fd)
{
	return unlinkat(state_fd, EMR_STATE_SECOND_COPY, 0) == 0 || errno == ENOENT
		       ? EMR_OK
		       : emr_status_from_errno(errno);
}
