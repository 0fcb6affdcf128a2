/* This header has what one `emrfs init --restore` has brought so far, for the two files of it. */
#pragma once

#include "backup/backup.h"
#include "session/restored_blocks.h"
#include "session/stage.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

/* Everything comes into a stage first, is opened there as after a crash, and gets its place last.
 */
typedef struct restoring {
	const emr_args *args;
	emr_out *out;
	emr_places places;
	emr_settings settings;
	emr_stage stage;
	emr_session session; /* of the stage */
	emr_backup_manifest list;
	emr_passphrase words;	   /* empty: the passphrase is known */
	emr_passphrase passphrase; /* the new one, with words */
	emr_profile profile;
	emr_id32 signer_id;
	char *dir; /* owned */
	emr_restored_blocks blocks;
	emr_blocks_found found;
	uint64_t n_found;
	emr_problem keys_problem; /* of a passphrase or words that do not fit */
	bool by_words, has_second_copy, is_brought;
	bool own_dir_made;  /* of the network, in the state */
	bool is_of_network; /* the ledger is the one in the network's directory, not the backup's */
	bool has_no_way;    /* then: nobody knows where it is */
	bool has_copy; /* then: what the backup had of it was verified, and is the state's copy */
} restoring;

/* A fault that was found: PATH in the state, and WHAT is wrong. */
void init_restore_found(void *arg, const char *path, const char *what);
/* Why the backup gives nothing back. */
void init_restore_say(const restoring *r, emr_status status, emr_problem *out_problem);
/* Finds the network of a member, whose ledger takes the place of the backup's. */
emr_status init_restore_network(restoring *r, emr_problem *out_problem);
