/* The part of a record's description that is its owner's alone: own_words.c. */
#pragma once

#include "keyring/keyring.h"
#include "record/format.h"

/* As emr_meta_encode; IS_FOREIGN: for another's folder. */
emr_status own_words_encode(
	const emr_keyring *keyring, bool is_foreign, const emr_meta *meta, emr_buf *out);
/* PLAIN, which somebody encoded so, with everything that was said. */
emr_status own_words_open(const emr_keyring *keyring, emr_buf *plain);
