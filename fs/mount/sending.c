/* This file shows how far the sending of changes to the ledger has come, while a verb waits for it.
 * Bytes that a program is still writing are not counted as sent. */
#include "mount/client.h"

#include <stdio.h>

#include "kit/json.h"
#include "kit/text.h"

void emr_sending_show(emr_sending *sending, const json_t *answer, emr_out *out)
{
	uint64_t to_go = emr_json_number_at(answer, "pending"),
		 writing = emr_json_number_at(answer, "writing_files");
	char size[EMR_TEXT_BYTES], n[EMR_COUNT_BYTES];

	if (sending->has_begun && to_go < sending->to_go)
		sending->sent += sending->to_go - to_go;
	sending->has_begun = true;
	sending->to_go = to_go;
	if (to_go == 0)
		return;
	/* All that is left waits for the programs that write it. */
	if (writing > 0 && writing >= to_go) {
		emr_size_fine_text(emr_json_number_at(answer, "writing_bytes"), size);
		emr_count_text(writing, "file is", "files are", n);
		emr_progress(out, "%s being written, %s so far ...", n, size);
		return;
	}
	emr_progress_of(out, "Sent", EMR_PROGRESS_CHANGES, sending->sent, sending->sent + to_go);
}
