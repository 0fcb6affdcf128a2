/* This header declares what the files share that make copies for research datasets and keep them
 * up. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/worker.h"
#include "org/datasets.h"
#include "replica/follower.h"
#include "research/research.h"
#include "sharing/shares.h"

#include "agreed.h"
#include "pass.h"

struct emr_research {
	emr_session *session;
	emr_notices *notices;
	/* Held by whoever makes copies or takes them back, before LOCK; WAITING: how many want it
	 * for a person, for whom the thread makes room after the file that it is at. */
	pthread_mutex_t work;
	atomic_uint waiting;
	unsigned made;	   /* under WORK: folders that were made for the last who joined, from the
			      last */
	emr_id32 made_for; /* his dataset's terms */
	pthread_mutex_t lock;
	agreed agreed; /* under LOCK, as the next ones */
	bool has_agreed;
	bool is_woken, is_at_work; /* the thread */
	pthread_cond_t woken;
	pthread_t thread;
	atomic_bool stop;
	atomic_int_least64_t rests_until_boot_ns; /* somebody closes the folder */
	int64_t looked_ns; /* of the thread: what its last round took to find out what is to do */
	bool has_thread;   /* of whoever starts and ends, as the next one */
	emr_subscription *news; /* of the ledger */
};

/* Under LOCK: reads what was agreed to, once. */
emr_status research_load(emr_research *r);

/* How a dataset stands that this person has something in. */
typedef struct joined_in {
	emr_team dataset;
	bool is_in; /* granted, and the terms have not ended */
} joined_in;
/* All that are de-identified, in a list that the caller frees. */
emr_status joined_collect(emr_session *session, joined_in **out, size_t *out_n);

/* {"path" "copies" "waiting" "withheld"} of each row of TERMS. */
emr_status research_follows(emr_research *r, const emr_team *dataset, json_t **out_list);
/* The part of emr_answer_dataset that makes copies. */
emr_status research_join(emr_research *r, const emr_request *request, const emr_team *dataset,
	emr_emit_fn emit, void *arg, emr_problem *out_problem);

/* ---- reasons.c ---- */
/* Numbers for why a file was withheld, as the file `follows` keeps them. */

#define REASON_UNKNOWN 255

uint8_t reason_number(const char *why);
bool reason_may_pass(uint8_t number);
