/* These declarations are shared by the files of `emrfs trustees`: a request to trustees, as people
 * hand it each other in a file, and files of JSON with bytes in them. A request is refused when its
 * parts do not fit each other. */
#pragma once

#include <jansson.h>

#include "contract/pubs_share.h"
#include "keyring/card.h"
#include "keyring/letters.h"
#include "kit/passphrase.h"
#include "people/who.h"
#include "session/acting.h"

#include "verbs_private.h"

#define TRUSTEES_KEYRING                                                                           \
	".keyring" /* of who asks, beside the request, until the words are there                   \
		    */

/* Of who asks, and the trustees' letters as they stand on the ledger. */
typedef struct trust_request {
	emr_buf card, item, part;
	emr_card from;
	emr_id32 owner;		   /* whose words it is about */
	emr_id16 trustees;	   /* the object of TRUSTEE_SET */
	emr_pub_trustee_set terms; /* how many of whom must help, and after which delay */
	emr_id32 about;
	char number[EMR_SAFETY_NUMBER_CHARS]; /* of the card alone: who asks reads it out */
} trust_request;

void trust_request_end(trust_request *r);
void trust_box_end(emr_box_key **box);
#define AUTO_TRUST_BOX __attribute__((cleanup(trust_box_end))) emr_box_key *
#define AUTO_TRUST_REQUEST __attribute__((cleanup(trust_request_end))) trust_request

/* The problem that `emrfs trustees` was called wrongly. */
emr_status trust_wrong(const char *why, emr_problem *out_problem);
/* FILE, which does not exist yet, where somebody may make it. */
emr_status trust_is_new(const char *file, emr_problem *out_problem);
/* OBJECT into FILE, which is made (0600); takes OBJECT. */
emr_status trust_write(const char *file, json_t *object, emr_problem *out_problem);
emr_status trust_read(const char *file, json_t **out);
/* The bytes of a hexadecimal text.  EMR_DAMAGED. */
emr_status trust_bytes(const json_t *text, emr_buf *out);
emr_status trust_request_read(const char *file, trust_request *out, emr_problem *out_problem);
/* The keyring that was made for the request in FILE. */
emr_status trust_keyring(
	const emr_args *args, const char *file, emr_keyring **out, emr_problem *out_problem);

/* Makes R's request, whose letters are in it, and the keyring beside it (EMR_OPT_CARD_FILE).
 * OTHERS: of an executor's, the names of those who can say yes; else NULL. */
emr_status trust_request_make(const emr_args *args, trust_request *r, const char *others,
	emr_out *out, emr_problem *out_problem);
/* The 24 words of KEYRING in one line: the passphrase of an executor's file. */
emr_status trust_phrase(const emr_keyring *keyring, emr_passphrase *out);
/* "1d" to "90d", or OTHERWISE_S. */
emr_status trust_delay(
	const char *text, uint32_t otherwise_s, uint32_t *out, emr_problem *out_problem);

/* The verbs `ask` and `words`. */
emr_status trust_ask(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status trust_words(const emr_args *args, emr_out *out, emr_problem *out_problem);

/* ---- trustees_recovery.c: with agents, who hold to a delay ---- */

/* Until when agents wait, and what they have answered; it is asked on the ledger where it was not.
 * *OUT_ANSWERS: an array of hexadecimal texts, which the caller frees.  EMR_DENIED: it was stopped.
 * EMR_ROLLBACK: other words followed. */
emr_status trust_recovery(emr_acting *acting, const trust_request *r, json_t **out_answers,
	uint64_t *out_earliest_unix_s);
emr_status trust_stop(const emr_args *args, emr_out *out, emr_problem *out_problem);
/* An agent of each other organisation than the person's and that of BESIDE, if that is not zero
 * (EMR_SHARES_MAX of them at most), and the names of those organisations; *OUT_N: how many.
 * EMR_UNSUPPORTED: there are some, and the network's rules do not know how to ask them. */
emr_status trust_agents(emr_session *session, emr_crowd *crowd, emr_id32 beside, emr_trustee *out,
	char organisations[], size_t size, unsigned *out_n);
