/* This writes and reads what is sealed to somebody, in the clear: letters of grants and to
 * writers, invitations, questions for keys and their answers. For this folder and its tests
 * only. */
#pragma once

#include "keyring/access.h"
#include "keyring/grant.h"
#include "keyring/invite.h"
#include "keyring/letters.h"
#include "part_private.h"

/* ---- letters of grants, and the inside of a fragment ---- */

#define EMR_GRANT_NOTE_BYTES (16 + 1 + EMR_NOTE_LABEL_MAX)

emr_status emr_grant_letter_encode(const emr_grant_letter *letter, emr_buf *out);
emr_status emr_grant_letter_decode(emr_bytes plain, emr_grant_letter *out);
void emr_grant_note_encode(const emr_grant_letter *letter, uint8_t out[EMR_GRANT_NOTE_BYTES]);
emr_status emr_grant_note_decode(const uint8_t plain[EMR_GRANT_NOTE_BYTES], emr_grant_note *out);
bool emr_agents_differ(const emr_id32 *agents, size_t n);

struct emr_fragment {
	emr_secret rk;
	emr_id16 grant_id;
	uint32_t epoch;
	emr_pre_bond bond;
	emr_pre_kfrag frag;
};

/* ---- letters to writers, and requests of people ---- */

size_t emr_writer_letter_bytes(const emr_writer_letter *letter, size_t n);
/* OUT has emr_writer_letter_bytes and is zeros.  EMR_INVALID. */
emr_status emr_writer_letter_encode(
	const emr_writer_letter *letter, const emr_epoch_key *const *keys, size_t n, uint8_t *out);
emr_status emr_writer_letter_decode(emr_bytes plain, emr_id16 domain_id,
	emr_writer_letter *out_letter, emr_epoch_key ***out_keys, size_t *out_n);
emr_status emr_request_body_encode(const emr_request_body *body, emr_buf *out);
emr_status emr_request_body_decode(emr_bytes plain, emr_request_body *out);
emr_status emr_reason_encode(const char *reason, emr_buf *out);
emr_status emr_reason_decode(emr_bytes plain, char out[EMR_REQUEST_REASON_MAX + 1]);

/* ---- base32 (RFC 4648) of what people hand each other, in upper case, without padding ---- */

/* Writes (LEN * 8 + 4) / 5 digits without a NUL; how many. */
size_t text_to_base32(emr_bytes bytes, char *out);
/* Digits (either case) with blanks between them; what is left over at the end must be zero bits,
 * fewer than a digit.  Appends the bytes.  EMR_DAMAGED. */
emr_status text_from_base32(const char *text, size_t len, emr_buf *out);

/* ---- an invitation with everything given, random parts too ---- */

/* Appends the bytes, id, secret, net_id and admin_pk as they stand in FACTS. */
emr_status emr_invitation_encode(
	const emr_keyring *admin, const emr_invitation *facts, emr_buf *out);

/* ---- the insides of questions for keys and of their answers ---- */

struct emr_request_key {
	emr_secret k;
};

/* kcom = SHA-256("emrfs/v1/mbox\0" || k). */
void emr_request_commit(const emr_secret *k, uint8_t out_kcom[32]);
/* Takes K over, also when it fails: EMR_DAMAGED when it is not the one of KCOM. */
emr_status emr_request_key_from(emr_secret *take_k, const uint8_t kcom[32], emr_request_key **out);

emr_status emr_access_body_encode(const emr_access_body *body, emr_buf *out);
emr_status emr_access_body_decode(emr_bytes plain, emr_access_body *out);
/* Takes the plaintext over, also when it fails. */
emr_status emr_answer_parse(emr_vault *take_plain, emr_answer_kind mode, emr_id32 signer,
	size_t slots, size_t given, emr_answer **out);
emr_status emr_report_encode(const emr_report_row *rows, size_t n, emr_buf *out);
emr_status emr_report_decode(emr_bytes plain, emr_report_row **out_rows, size_t *out_n);
