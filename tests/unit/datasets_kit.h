/* Datasets in tests of sharing: one that the clinic's administrator calls, its readers, and ana who
 * takes part with the folder Imaging. A failed step fails the test. */
#pragma once

#include "keyring/letters.h"
#include "keyring/pseudonym.h"
#include "story_kit.h"

typedef struct called {
	story *s;
	emr_id16 id;
	emr_id32 grantee;
	emr_grantee_key *key;
	person *leader; /* NULL: the clinic's administrator */
	uint8_t names[EMR_PSEUDONYM_KEY_BYTES];
} called;

/* The text that readers sign, where FILE names it. */
#define DATASET_AGREEMENT "I delete what I have read before 2090.\n"
#define DATASET_AGREEMENT_HASH "b9ded82cfde75b160a6064a054d23e126d861d9268a098b9eb39042784b189c0"
/* On the terms FILE, after the dataset BEFORE (zero: none), for PRICE points a folder; LEADER calls
 * it, or the administrator (NULL).  called_end() frees what D holds. */
void dataset_call_by(
	called *d, story *s, person *leader, const char *file, emr_id16 before, uint64_t price);
void dataset_call_on(called *d, story *s, const char *file, emr_id16 before, uint64_t price);
/* The others are called "knees". */
void dataset_call_named(called *d, story *s, const char *name, const char *file);
void called_end(called *d);
/* D on its own terms, after none, in a test of the story s; and both. */
#define DATASET(terms, price)                                                                      \
	SCENE_OF(called, d, called_end, dataset_call_on, &s, terms, (emr_id16){{0}}, price)
#define STORY_DATASET(terms, price)                                                                \
	STORY;                                                                                     \
	DATASET(terms, price)
person *dataset_steward(const called *d);
/* M reads it for 300 days, or until then. */
void dataset_admit(const called *d, const person *m);
void dataset_admit_until(const called *d, const person *m, uint64_t until_unix_s);
/* Ana's Imaging, for a week. */
emr_grant_made dataset_join(const called *d);
/* POINTS are made, as the members agree, and put by for N folders, once. */
void dataset_put_by(const called *d, uint64_t points, uint16_t n);
