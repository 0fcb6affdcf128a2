/* This file shows how far the sending of changes to the ledger has come, while a verb waits for
 * it. What a program is still writing is not counted as sent. */
#include "mount/sending.h"

#include <stdio.h>

#include "kit/text.h"

static uint64_t number_of(const json_t *object, const char *name)
{
	json_int_t number = json_integer_value(json_object_get(object, name));

	return number > 0 ? (uint64_t)number : 0;
}

void emr_sending_show(emr_sending *sending, const json_t *answer, emr_out *out)
{
	uint64_t to_go = number_of(answer, "pending"), writing = number_of(answer, "writing_files");
	char size[EMR_TEXT_BYTES], n[EMR_COUNT_BYTES];

	if (sending->has_begun && to_go < sending->to_go)
		sending->sent += sending->to_go - to_go;
	sending->has_begun = true;
	sending->to_go = to_go;
	if (to_go == 0)
		return;
	/* All that is left waits for the programs that write it. */
	if (writing > 0 && writing >= to_go) {
		emr_size_fine_text(number_of(answer, "writing_bytes"), size);
		emr_count_text(writing, "file is", "files are", n);
		emr_progress(out, "%s being written, %s so far ...", n, size);
		return;
	}
	emr_progress_of(out, "Sent", EMR_PROGRESS_CHANGES, sending->sent, sending->sent + to_go);
}
