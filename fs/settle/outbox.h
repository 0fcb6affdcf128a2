/* This is a signed batch whose answer is not known yet, as the journal keeps it. */
#pragma once

#include "settle/settle.h"

typedef struct outbox {
	emr_id16 domain;
	uint16_t first; /* index in the batch of the first outcome's item */
	uint16_t count;
	emr_change_outcome *outcomes; /* owned; result not set */
	emr_id16 issued_to; /* whose patient's numbers its statements have (amend.h); zero: none */
	uint64_t issued_before; /* the first one's is one more */
	emr_buf batch;		/* owned */
} outbox;

emr_status outbox_encode(const outbox *box, emr_buf *out);
emr_status outbox_decode(emr_bytes bytes, outbox *out_box);
void outbox_free(outbox *box);
