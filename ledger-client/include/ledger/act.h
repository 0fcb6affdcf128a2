/* These functions make the operations of people and organisations on the ledger, ready for a batch.
 * Each fills op, domain, object id, epoch and public part of one operation. Version and previous
 * item come from the row it continues (emr_act_follow, or emr_replica_follow for one's own copy);
 * the holder of the keys seals the private parts, bound to the item (emr_act_item), and gives them
 * last. They judge nothing: the contract decides what the ledger refuses.
 *
 * 	emr_act act = emr_act_grant(domain, grant, epoch, &terms);
 * 	status = emr_replica_follow(replica, emr_batch_signer_id(batch), &act);
 * 	... emr_act_item(&act, signer, now, &item), seal the part for it (keyring/grant.h, ...) ...
 * 	status = emr_batch_add(batch, emr_act_operation(&act, now, part), &id);
 *
 * All functions are thread-safe. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "contract/item.h"
#include "contract/pubs.h"
#include "contract/pubs_share.h"
#include "contract/rows_share.h"
#include "keyring/keyring.h"
#include "ledger/batch.h"

typedef struct emr_act {
	uint8_t op;
	uint16_t flags;
	emr_id16 domain;
	emr_id16 object;
	uint64_t version; /* 1 until emr_act_follow says otherwise */
	emr_id32 prev;
	uint32_t epoch;
	uint8_t pub[EMR_PUB_MAX];
	uint64_t time_unix_s; /* for which its part was sealed; 0: that of the batch */
} emr_act;

/* ACT as the batch builder takes it; borrows from ACT and PRIV (empty = no private part).  TIME
 * counts where ACT has none. */
emr_operation emr_act_operation(const emr_act *act, uint64_t time_unix_s, emr_bytes priv);
/* Appends the item as the keyring's ..._part_seal want it: encoded with its public part, the length
 * and hash of the private part still zero.  ACT keeps that time, because what is sealed for another
 * item opens nowhere.  EMR_INVALID for an operation that is not of the format. */
emr_status emr_act_item(emr_act *act, emr_id32 signer, uint64_t time_unix_s, emr_buf *out_item);
/* The printable key of the row that ACT of SIGNER moves; EMR_NOT_FOUND: it moves none. */
emr_status emr_act_row_key(const emr_act *act, emr_id32 signer, emr_key_text *out_key);
/* Version and previous item behind ROW (the value at that key; data NULL = absent).  EMR_DAMAGED
 * when ROW cannot be. */
emr_status emr_act_follow(emr_act *act, emr_bytes row);

/* ---- keys ---- */

emr_act emr_act_key_revoke(emr_id32 target, uint64_t invalid_since_unix_s, uint8_t reason);
/* Of a device that named a certificate, that ends, too. */
emr_act emr_act_device_revoke(
	emr_id32 device, const emr_row_key *row, uint64_t invalid_since_unix_s);
/* REF: SHA-256 of the DER of a certificate that the CA of ORG gave. */
emr_act emr_act_cert_revoke(emr_id16 org, const uint8_t ref[32]);
/* Of the certificates that it gave NAME, those that end at THROUGH or before are out of use;
 * UINT64_MAX: all, 0: none. */
emr_act emr_act_enrol_revoke(emr_id16 org, const char *name, uint64_t through_unix_s);
/* From rules 2 on. */
emr_act emr_act_host_key(emr_id16 org, emr_id32 key);
emr_act emr_act_key_kx(emr_id32 signer, const uint8_t x25519[32]);

/* ---- a seed that is followed by another ---- */

/* From the key OLD to that of NEXT; OUT_PART, empty, leads the new words to what was before. */
emr_status emr_act_key_rotate(const emr_keyring *next, emr_id16 net_id, emr_id32 old,
	emr_act *out_act, emr_buf *out_part);
/* DOMAIN, whose row is D_ROW, from a former seed of NEXT, which was told (emr_keyring_settle), to
 * its present one; in a batch of CARRIER.  Version and prev are those behind D_ROW, and signed. */
emr_status emr_act_hand_over(const emr_keyring *next, emr_id16 net_id, emr_id32 carrier,
	emr_id16 domain, emr_bytes d_row, emr_act *out_act);

/* The delay of WHAT is EMR_TRUSTEE_DELAY_MIN_S or more. */
emr_act emr_act_trustee_set(emr_id16 object, const emr_pub_trustee_set *what);
/* For who has BOX, of the trustees of that TRUSTEE_SET. */
emr_act emr_act_recover_ask(emr_id16 request, emr_id16 trustees, const uint8_t box[32]);
/* By PERSON, or one of her computers; its row comes with emr_act_follow. */
emr_act emr_act_recover_stop(emr_id16 request, emr_id32 person);
emr_act emr_act_recover_give(emr_id16 request, emr_id32 agent);

/* ---- organisations ---- */

emr_act emr_act_propose(emr_id16 proposal, const emr_pub_org_propose *what);
/* The content of an ADMIT, which lets in a new organisation: ids and hash. */
emr_pub_org_propose emr_proposal_admit(
	emr_id16 org, emr_id32 admin, emr_bytes ca_der, uint64_t not_after_unix_s);
/* The private part of an ADMIT: salt, name (1..255 bytes), url (may be empty), CA.  EMR_INVALID. */
emr_status emr_proposal_admit_part(
	const char *name, const char *url, emr_bytes ca_der, emr_buf *out_part);
/* Name and CA inside such a part, borrowed; EMR_DAMAGED. */
emr_status emr_proposal_admit_read(emr_bytes part, emr_bytes *out_name, emr_bytes *out_ca_der);
/* The CA alone. */
emr_status emr_proposal_admit_ca(emr_bytes part, emr_bytes *out_ca_der);
emr_act emr_act_approve_proposal(emr_id16 proposal, emr_id16 org);

/* ---- domains, writers ---- */

emr_act emr_act_writer_add(
	emr_id16 domain, emr_id32 writer, uint16_t rights, uint64_t not_after_unix_s);
emr_act emr_act_writer_del(emr_id16 domain, emr_id32 writer);

/* ---- grants ---- */

emr_act emr_act_grant(emr_id16 domain, emr_id16 grant, uint32_t epoch, const emr_pub_grant *terms);
emr_act emr_act_revoke(emr_id16 domain, emr_id16 grant, uint8_t reason);
emr_act emr_act_kfrags(emr_id16 domain, emr_id16 grant, uint32_t epoch);
emr_act emr_act_agent_ack(
	emr_id16 domain, emr_id32 signer, emr_id32 subject, enum emr_ack_what what);

/* ---- requests ---- */

/* TO is a random number when DOMAIN is named, else emr_request_to().  The act's object is the
 * id of the request, by which it is answered. */
emr_act emr_act_request(emr_id16 domain, emr_id32 asker, emr_id32 to);
emr_act emr_act_approve(emr_id16 domain, emr_id16 request, emr_id16 grant_domain, emr_id16 grant);
/* RSALT is that of the request's body, where it names no domain; else any. */
emr_act emr_act_deny(emr_id16 domain, emr_id16 request, emr_id32 rsalt);
emr_act emr_act_withdraw(emr_id16 domain, emr_id16 request);

/* ---- releases ---- */

/* VIA is zero, or the team or dataset whose grant it is; of COUNT keys NAMES are of names. */
emr_act emr_act_access(emr_id16 domain, emr_id16 access, emr_id16 grant, emr_id16 via,
	uint16_t count, uint16_t names);
/* REQ is the item id of the ACCESS_REQ, ACCESS its object id; COUNT 0 and a REASON only when
 * refused. */
emr_act emr_act_served(emr_id16 domain, emr_id32 signer, emr_id32 req, emr_id16 access,
	enum emr_served_mode mode, uint16_t count, uint8_t reason);
emr_act emr_act_report(emr_id16 domain, emr_id16 report, emr_id16 grant, emr_id16 via);
/* WORD is the card's, after which GRANT is called, and the HOURS that it is open. */
emr_act emr_act_emergency(
	emr_id16 domain, emr_id16 grant, emr_id16 via, emr_id16 word, uint8_t hours);

/* ---- teams, datasets, trustees ---- */

emr_act emr_act_dataset(emr_id16 dataset, const emr_pub_dataset_new *what);
emr_act emr_act_dataset_close(emr_id16 dataset);
emr_act emr_act_admit(emr_id16 dataset, emr_id32 member, uint64_t not_after_unix_s);
emr_act emr_act_drop(emr_id16 dataset, emr_id32 member);
/* Of a domain into a dataset, by its grant to emr_grantee_dataset(); FUND and INDEX are zero where
 * the dataset has no price. */
emr_act emr_act_join(emr_id16 domain, emr_id16 dataset, const emr_pub_dataset_join *how);
/* The grant by which it joined ends with it. */
emr_act emr_act_leave(emr_id16 domain, emr_id16 dataset);
emr_act emr_act_snapshot(emr_id16 snapshot, const emr_pub_dataset_snapshot *what);
/* ---- points ---- */

emr_act emr_act_mint(const emr_pub_mint *what);
emr_act emr_act_transfer(emr_id32 from, emr_id32 to, uint64_t points);
/* The account that is the fund of DATASET. */
emr_id32 emr_fund_of(emr_id16 dataset);
