/* An organisation takes its first steps in a network that others run with these functions: it
 * leaves an application, waits until enough members have approved, and registers its
 * administrator. Members find the applications with them; whether one is genuine is for them to
 * judge. They refuse to come in without approval. */
#pragma once

#include "channel/backend.h"
#include "kit/message.h"
#include "kit/out.h"
#include "network/begun.h"
#include "network/enrolling.h"
#include "served/client.h"
#include "session/session.h"

/* SESSION: state and keyring of the one who is being made; its state has the link to the ledger of
 * DIR.  Leaves an application of NAME, in a channel of MSP, where the network's members find it
 * (applications.h), says the number to compare, and waits, also while the ledger is away.  The
 * administrator's certificate is appended: where DIR names an authority of its own (a Fabric CA),
 * by LOGIN there.  A try that BEGUN has goes on, and is kept there.  EMR_EXISTS: what was begun is
 * another one, or for another network. EMR_TIMEOUT, EMR_REFUSED; always with a problem.  Nothing
 * stays open in SESSION. */
emr_status emr_applying_do(emr_session *session, const char *dir, const char *name, const char *msp,
	const char *handle, const emr_login *login, int64_t within_ns, emr_begun *begun,
	emr_out *out, emr_buf *out_cert, emr_problem *out_problem);

/* ---- applications.c ---- */
/* Organisations that want to be admitted leave an application with these functions, and members
 * find it: letters at the network's host. The reader of a letter
 * must judge whether it is genuine. */

typedef struct emr_applications {
	const char *dir; /* of the network; borrowed, as KEYRING */
	const emr_keyring *keyring;
	emr_fabric *fabric; /* NULL: a host has them */
} emr_applications;
#define EMR_AUTO_APPLICATIONS __attribute__((cleanup(emr_applications_close))) emr_applications

/* Of the network in DIR; KEYRING speaks to its host.  Both are borrowed. */
emr_status emr_applications_open(const char *dir, const emr_keyring *keyring, emr_applications *out,
	emr_problem *out_problem);
void emr_applications_close(emr_applications *applications);
/* At a place that follows from BYTES; it ends by what is in it. */
emr_status emr_applications_put(emr_applications *applications, emr_bytes bytes);
/* Every one; in a channel also those that are over. */
emr_status emr_applications_each(
	emr_applications *applications, emr_fabric_letter_fn fn, void *arg);
