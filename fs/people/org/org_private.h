/* This header declares what only the files of this folder share: certificates of a person whose
 * key ends, and who could read a closed dataset. */
#pragma once

#include "org/bureau.h"
#include "org/datasets.h"
#include "org/staff.h"

/* ---- certificates.c ---- */

/* Appends the acts (emr_act, in this order) that are left to take WHO of the administrator's
 * organisation out of use: certificates that could still register another key for this person
 * vouch for nobody any more, nor does the handle unless another key in force has it, and keys end;
 * none when all of it is on the ledger. *OUT_OTHERS: further keys in force, which end with it; 0
 * before. It asks nobody. Errors: those of the copy. */
emr_status emr_staff_ending(const emr_bureau *bureau, const emr_staff_member *who,
	emr_buf *out_acts, size_t *out_others);

/* ---- rules.c, teams.c ---- */

/* These show what there is where the line says no more. */
emr_bureau_work org_show_rules;
emr_bureau_work org_show_team;

/* ---- dataset_readers.c ---- */
/* When a dataset was closed, and who could read it (org/datasets.h). */

/* "frozen" goes into ONE: datasets.h. */
emr_status dataset_add_frozen(emr_replica *replica, const emr_team *dataset, json_t *one);
/* When TEAM was closed, by the ledger's time; 0: it is open. */
emr_status dataset_closed(const emr_crowd *crowd, const emr_team *team, uint64_t *out_unix_s);
