/* This is what an organisation's administrator works with: keyring, ledger, its own copy of it, and
 * which organisation that is. It takes no part in the folder, which may be open: it signs by
 * itself, so it asks for the passphrase. It refuses a person who runs no organisation. */
#pragma once

#include "kit/out.h"
#include "replica/ask.h"
#include "session/answer.h"
#include "session/registered.h"
#include "session/session.h"

typedef struct emr_bureau {
	emr_places places;
	emr_session session; /* not locked: state, keyring, ledger, replica */
	char *dir;	     /* of the network; owned */
	emr_id16 org;
	char name[256]; /* of the organisation */
	emr_buf ca;	/* its CA, DER */
} emr_bureau;

#define EMR_BUREAU_CLOSED ((emr_bureau){.session = EMR_SESSION_CLOSED})

/* Opens, follows the ledger, and finds the organisation whose administrator this key is; always
 * with a problem. */
emr_status emr_bureau_open(const emr_args *args, emr_bureau *out_bureau, emr_problem *out_problem);
/* The same for a person who has a keyring of a network: ORG, NAME and CA stay empty. */
emr_status emr_bureau_open_any(
	const emr_args *args, emr_bureau *out_bureau, emr_problem *out_problem);
/* Of an open folder, whose session is borrowed, when its keyring is an administrator's; else
 * EMR_NOT_FOUND. */
emr_status emr_bureau_of(const emr_session *session, emr_bureau *out_bureau);
/* The same as emr_bureau_open does it: followed, with name and CA, always with a problem. */
emr_status emr_bureau_of_open(
	const emr_session *session, emr_bureau *out_bureau, emr_problem *out_problem);
void emr_bureau_let_go(emr_bureau *bureau); /* of these two */
void emr_bureau_close(emr_bureau *bureau);
#define EMR_AUTO_BUREAU __attribute__((cleanup(emr_bureau_close))) emr_bureau

/* Sends ACT behind the row that it continues, with PART, and follows the ledger.  EMR_REFUSED: the
 * ledger did not take it, with a problem that names the reason. */
emr_status emr_bureau_send(
	emr_bureau *bureau, emr_act *act, emr_bytes part, emr_problem *out_problem);
/* The same of what another program of this organisation may do at the same moment: EMR_OK also
 * when the row is in STATE then. */
emr_status emr_bureau_send_once(
	emr_bureau *bureau, emr_act *act, emr_bytes part, uint8_t state, emr_problem *out_problem);
/* The same of N without parts, in as few batches as they need. */
emr_status emr_bureau_send_all(
	emr_bureau *bureau, emr_act *acts, size_t n, emr_problem *out_problem);
/* Acts that begin on the ledger together, in one batch: N acts with their PARTS, each as it is, so
 * that nobody sees one of them without the others. */
emr_status emr_bureau_send_together(emr_bureau *bureau, const emr_act *acts, const emr_bytes *parts,
	size_t n, emr_problem *out_problem);
/* The private part behind the proposal that ORG came in with, or asks to come in with: name and CA.
 * EMR_NOT_FOUND. */
emr_status emr_bureau_proposal_part(const emr_bureau *bureau, emr_id16 proposal, emr_buf *out_part);
/* The organisation's CA, into bureau->ca. */
emr_status emr_bureau_ca(emr_bureau *bureau);
/* How ORG is called, "" when nobody says it. */
emr_status emr_bureau_name(const emr_bureau *bureau, emr_id16 org, char out[256]);
/* The names that organisations and people give themselves or others, as they are shown beside a
 * decision: as emr_show does, blanks that follow each other as one, and cut behind 64 bytes with
 * "...", so that no name fills a line and goes on as another. */
#define EMR_BESIDE_BYTES 72
void emr_bureau_show(const char *name, char out[EMR_BESIDE_BYTES]);
/* Asks QUESTION (yes, no) on a terminal; --yes is yes.  Else EMR_DENIED, with a problem: WHAT was
 * not done. */
emr_status emr_bureau_agree(const emr_args *args, emr_out *out, const char *question,
	const char *what, emr_problem *out_problem);

/* How a verb of the organisation ends: the exit code of STATUS, with PROBLEM (or a sentence about
 * "The organisation") said. */
int emr_bureau_end(emr_out *out, emr_status status, emr_problem *problem);
/* Such a verb: opens, lets WORK do it, closes and ends. */
typedef emr_status emr_bureau_work(
	const emr_args *args, emr_out *out, emr_bureau *bureau, emr_problem *out_problem);
int emr_bureau_run(const emr_args *args, emr_out *out, emr_bureau_work *work);

/* ---- looking.c ---- */
/* An administrator's open folder says of its organisation, and signs nothing: `show`,
 * `rules`, `team` (who: its name), `contract` and `host`, as the verb says it: emits
 * {"said":[text]} and lists in portions, and last {"done":true, the other fields of the verb's
 * answer}. */
emr_answer_fn emr_answer_org;
