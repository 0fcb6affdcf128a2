/* This says which datasets there are, what may be done with them, who reads them, as everybody's
 * copy of the ledger says it; and what their steward does. It refuses to leave out a reader whom
 * the steward admitted, in whatever way: a participant must be able to see all of them.
 *
 * A steward is the administrator of an organisation. */
#pragma once

#include "org/bureau.h"
#include "people/who.h"
#include "share/frozen.h"

/* The open dataset that TEXT means: NAME, or NAME@ORGANISATION where several are called so; one
 * that is called so letter by letter before one that differs in capitals. EMR_NOT_FOUND,
 * EMR_CONFLICT (OUT_NAMES: them). */
emr_status emr_dataset_find(
	emr_crowd *crowd, const char *text, emr_team *out, char *out_names, size_t names_size);
/* The same with a problem. */
emr_status emr_dataset_find_or_say(
	emr_crowd *crowd, const char *text, emr_team *out, emr_problem *out_problem);
/* {"name" "organisation" "called" "data" "purpose" "who" "until" "until_unix" "price" "daily_limit"
 * "dates" "characteristics" "faces" "derived" "mosaic_tiles" "safe_private" "nifti" "edf" "genomes"
 * (of copies) "contact"
 * "ethics" "licence" "funder" "doi" "duo" (where the terms have them)
 * "terms" (SHA-256 of their file)
 * "participants" "steward" "reader" "readers":[{"who" "name" "organisation" "code" "id" "since"
 * "entry"}] "former":[{... "until"}]}, owned: FORMER has each time that somebody was in and is no
 * more, whoever it is and however short it was; that person may read now as well. And
 * "frozen":[{"snapshot" "at" "root" "versions" "ledger_entries"}], by time. ME: the first key of
 * whom is told. */
emr_status emr_dataset_json(
	emr_crowd *crowd, const emr_team *dataset, emr_id32 me, json_t **out_json);
/* All that are open, as above, and WITH_CLOSED behind them those of which nothing is open any more,
 * with "closed" (when); appended. */
emr_status emr_datasets_json(emr_crowd *crowd, emr_id32 me, bool with_closed, json_t *io_list);
/* The open one that TEXT means, in *OUT and appended to IO_LIST as above.  Errors as
 * emr_dataset_find_or_say. */
emr_status emr_dataset_open_json(emr_crowd *crowd, const char *text, emr_id32 me, emr_team *out,
	json_t *io_list, emr_problem *out_problem);
/* The same, or all that TEXT could mean where it is several, and behind it those called so of which
 * nothing is open any more, with "closed" (when): who took part can see for ever who read.  Where
 * only such are called so that is no error, and *OUT is untouched. */
emr_status emr_dataset_called_json(emr_crowd *crowd, const char *text, emr_id32 me, emr_team *out,
	json_t *io_list, emr_problem *out_problem);
/* Of the line of DATASET, as "readers" and "former" above; appended. */
emr_status emr_dataset_readers(emr_crowd *crowd, const emr_team *dataset, emr_id32 me,
	json_t *readers, json_t *former, bool *out_is_reader);

/* How an open folder tells ONE, as above, in frames however many readers it has, a list:
 * {"datasets":[ONE]} with the first of them, and then {"more":{"readers":[...]}} or {"former"}. ONE
 * keeps those that came first. */
emr_status emr_dataset_frames(json_t *one, json_t **out_frames);
/* The other side: what such a frame has goes to the end of IO_LIST, or to the last there.  Other
 * frames are left alone. */
emr_status emr_dataset_take(json_t *io_list, const json_t *frame);

/* dataset create NAME --terms FILE; dataset admit NAME WHO; dataset drop NAME WHO; dataset close
 * NAME. */
emr_status emr_dataset_create(const emr_args *args, emr_bureau *bureau, emr_problem *out_problem);
/* NAME may be NAME@ORGANISATION. UNTIL 0: until the dataset's end. Where it has an agreement, only
 * who has signed that is admitted. */
emr_status emr_dataset_admit(emr_bureau *bureau, const char *name, const char *who,
	uint64_t until_unix_s, emr_problem *out_problem);
emr_status emr_dataset_drop(const emr_args *args, emr_bureau *bureau, emr_problem *out_problem);
/* dataset freeze NAME: the state that the ledger has now, and its id; and the table of what is in
 * the dataset, where enough people are, and enough has changed since the last one. */
emr_status emr_dataset_freeze(
	const emr_args *args, emr_bureau *bureau, emr_frozen *out, emr_problem *out_problem);
/* NAME and N of ARGS: points of the steward's own for N folders that will join. */
emr_status emr_dataset_fund(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem);
emr_status emr_dataset_close(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem);
