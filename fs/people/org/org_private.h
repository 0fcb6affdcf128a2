/* This header declares what only the files of this folder share: certificates of a person whose
 * key ends, and who could read a closed dataset. */
#pragma once

#include "org/bureau.h"
#include "org/datasets.h"
#include "org/staff.h"

/* ---- certificates.c ---- */
/* These functions say which certificates a person whose key ends could still register another key
 * with, and what is sent so that they vouch for nobody any more. It asks nobody. */

typedef struct emr_ending {
	const emr_bureau *bureau;
	emr_known_person person;
	emr_buf certificates; /* SHA-256 of each, all that the ledger knows of her */
	emr_buf keys;	      /* signer ids that one of them vouched for */
	emr_buf acts;	      /* of emr_act, in this order: what is to be sent */
	size_t others;	      /* further keys in force among them, which end with hers */
} emr_ending;

void emr_ending_free(emr_ending *ending);
#define EMR_AUTO_ENDING __attribute__((cleanup(emr_ending_free))) emr_ending

/* Finds the acts that are left to take WHO of the administrator's organisation out of use, and the
 * handle there unless another key in force has it; no acts when all of it is on the ledger. Errors:
 * those of the copy. */
emr_status emr_ending_find(
	const emr_bureau *bureau, const emr_staff_member *who, emr_ending *out_ending);
/* Sends it.  Errors as emr_bureau_send. */
emr_status emr_ending_send(emr_bureau *bureau, emr_ending *ending, emr_problem *out_problem);

/* ---- dataset_readers.c ---- */
/* When a dataset was closed, and who could read it (org/datasets.h). */

/* "frozen" goes into ONE: datasets.h. */
emr_status dataset_add_frozen(emr_replica *replica, const emr_team *dataset, json_t *one);
/* When TEAM was closed, by the ledger's time; 0: it is open. */
emr_status dataset_closed(const emr_crowd *crowd, const emr_team *team, uint64_t *out_unix_s);
