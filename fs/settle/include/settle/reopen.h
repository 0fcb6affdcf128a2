/* These functions keep on this computer what opening a version came to: the next time its content
 * is known without a key of the folder, its manifest and its signature. Only versions that the
 * owner signed, in a folder of the owner's seed, are kept; they refuse what was kept of any
 * other version, by any other keyring or computer, or was changed. Any thread. */
#pragma once

#include "settle/facts.h"

typedef struct emr_opened {
	emr_place place;
	emr_content content; /* has_dek */
} emr_opened;

/* EMR_NOT_FOUND: nothing is kept of exactly this version, or it does not open; whose.h then says
 * what is so. */
emr_status emr_facts_reopen(emr_facts *facts, const emr_place *place, emr_content *out_content);
/* Keeps what was made here and is on the ledger, or was opened and judged the owner's own; what may
 * not be kept is left out, and so is what was erased meanwhile.  May wait for the thread that
 * follows the ledger. */
emr_status emr_facts_keep_opened(emr_facts *facts, const emr_opened *all, size_t n);
/* The same for who must not wait: it is kept by the next emr_facts_keep_noted, or forgotten when
 * too much is noted. */
void emr_facts_note_opened(emr_facts *facts, const emr_opened *one);
emr_status emr_facts_keep_noted(emr_facts *facts);
