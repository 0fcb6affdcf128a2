/* The words of a record on its way to another ledger, where its owner signs for them. Nothing of a
 * writer's goes along that the folder would not follow. */
#pragma once

#include "settle/facts.h"
#include "share/write.h"

typedef struct carried_words {
	emr_id32 signer;    /* of the words as they are here */
	emr_buf attributes; /* owned; those that stay */
	char name[EMR_WORDS_NAME_BYTES];
} carried_words;

/* META, of the record at PLACE, becomes what the owner may say; it points into WORDS then.
 * EMR_DENIED: nothing of it. */
emr_status carried_harmless(
	emr_facts *facts, const emr_place *place, emr_meta *meta, carried_words *words);
