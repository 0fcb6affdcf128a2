/* This header declares what the files share that make copies for research datasets and keep them
 * up. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/worker.h"
#include "org/datasets.h"
#include "research/research.h"
#include "people/who.h"
#include "sharing/shares.h"

#include "agreed.h"
#include "pass.h"

struct emr_research {
	emr_session *session;
	/* Held by whoever makes copies, before LOCK; WAITING: how many want it for a person, which
	 * ends what the opening has begun, after the file that it is at. */
	pthread_mutex_t work;
	atomic_uint waiting;
	unsigned made;	   /* under WORK: folders that were made for the last who joined, from the
			      last */
	emr_id32 made_for; /* his dataset's terms */
	pthread_mutex_t lock;
	agreed agreed; /* under LOCK, as the next ones */
	bool has_agreed;
	folders folders; /* leaving.c: as of so many entries, 0: of none */
	uint64_t read_at_size;
	atomic_bool has_new_copies;
	emr_worker opening;
	atomic_bool stop; /* the folder closes */
};

/* Under LOCK: reads what was agreed to, once. */
emr_status research_load(emr_research *r);

/* How a dataset stands that this person has something in. */
typedef struct joined_in {
	emr_team dataset;
	char called[EMR_WHO_CALLED_MAX + 1];
	bool is_in; /* granted, and the terms have not ended */
} joined_in;
/* All that are de-identified, in a list that the caller frees. */
emr_status joined_collect(emr_session *session, joined_in **out, size_t *out_n);

/* Under LOCK: where what DATASET gets copies of lies now, a list of paths that the caller owns. */
emr_status research_tops(emr_research *r, emr_id32 dataset, json_t **out);
/* {"path" "copies" "without"} of each of these. */
emr_status research_sources(emr_research *r, const emr_team *dataset, json_t **out_list);
/* The parts of emr_answer_dataset that make copies. */
emr_status research_update(emr_research *r, const emr_sink *sink, emr_problem *out_problem);
emr_status research_join(emr_research *r, const emr_request *request, const emr_team *dataset,
	const emr_sink *sink, emr_problem *out_problem);

/* Where some of NOW were made by former rules, which showed too much, the copies of C that were
 * taken out before are erased, so that no frozen state keeps them (erasing.c). */
emr_status research_erase_former(cleaner *c, const there *now);

/* Refuses on a computer that makes no copies (giving.c). */
emr_status research_check(emr_research *r, bool changes, emr_problem *out_problem);
/* STATUS, with what a person is told of it. */
emr_status research_say_status(
	emr_status status, const char *what, const char *path, emr_problem *out_problem);
